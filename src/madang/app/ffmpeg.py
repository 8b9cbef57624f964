"""Where ffmpeg is: the system's when it is recent enough, else the one from its wheel."""

import functools
import shutil
from pathlib import Path


@functools.cache
def executable() -> str:
    """Path of the ffmpeg to run: the wheel's, which has every codec we name; else the system's.

    Raises FileNotFoundError with a sentence for the operator when there is none.
    """
    try:
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        found = shutil.which("ffmpeg")
    if found is None:
        raise FileNotFoundError("There is no ffmpeg: run `make setup`, or install Debian's package `ffmpeg`.")
    return str(Path(found))
