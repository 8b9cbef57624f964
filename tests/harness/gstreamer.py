"""GStreamer for the tests: packages that scripts/setup lays out in .venv/gstreamer, or the system's."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
HOMES = (ROOT / ".venv" / "gstreamer", Path("/"))
PYTHON = Path("/usr/bin/python3")
"""The one that Debian's bindings are made for."""
PEER = Path(__file__).with_name("gstreamer_peer.py")
PLUGINS = (
    *("coreelements", "playback", "app", "webrtc", "nice", "dtls", "srtp", "sctp", "rtp", "rtpmanager"),
    *("openh264", "videoparsersbad", "videotestsrc", "videoconvertscale"),
    *("opus", "audiotestsrc", "audioconvert", "audioresample"),
)
"""What the peer needs of them; all others would be looked at in vain."""


def home() -> Path | None:
    """The root below which GStreamer, its plugins and its bindings are; None where they are not."""
    return next((root for root in HOMES if _libraries(root) is not None), None)


def _libraries(root: Path) -> Path | None:
    for libraries in (root / "usr/lib").glob("*-linux-gnu*"):
        plugins = (libraries / "gstreamer-1.0" / f"libgst{name}.so" for name in PLUGINS)
        bindings = libraries / "girepository-1.0" / "GstWebRTC-1.0.typelib"
        if bindings.exists() and all(plugin.exists() for plugin in plugins):
            return libraries if (root / "usr/lib/python3/dist-packages/gi").exists() else None
    return None


def peer(folder: Path, way: str, url: str, key: str, seconds: float) -> "subprocess.Popen[str]":
    """`gstreamer_peer.py` in a process of its own; `folder` keeps what GStreamer notes about plugins."""
    root = home()
    libraries = _libraries(root) if root is not None else None
    assert root is not None and libraries is not None
    plugins = folder / "plugins"
    plugins.mkdir(exist_ok=True)
    for name in PLUGINS:
        link = plugins / f"libgst{name}.so"
        if not link.exists():
            link.symlink_to(libraries / "gstreamer-1.0" / link.name)
    where = {
        "LD_LIBRARY_PATH": f"{libraries}:{root}/lib/{libraries.name}",
        "GI_TYPELIB_PATH": f"{libraries}/girepository-1.0",
        "PYTHONPATH": f"{root}/usr/lib/python3/dist-packages",
        "GST_PLUGIN_SCANNER": f"{libraries}/gstreamer1.0/gstreamer-1.0/gst-plugin-scanner",
        "GST_PLUGIN_SYSTEM_PATH": str(plugins),
        "GST_REGISTRY": str(folder / f"registry-{way}"),
    }
    return subprocess.Popen(
        [PYTHON, "-u", PEER, way, url, key, str(seconds)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={"PATH": "/usr/bin:/bin", "HOME": os.environ.get("HOME", "/")} | where,
    )  # fmt: skip
