"""Build hook: compiles the WebRTC fan-out's loop where there is a C compiler; else the package is pure."""

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PLACE = Path("src/madang/net/webrtc")
FLAGS = ["-O2", "-Wall", "-Wextra", "-shared", "-fPIC"]


class Compile(BuildHookInterface):
    def initialize(self, version: str, build_data: dict) -> None:
        if self.target_name != "wheel":
            return
        library = Path(self.root) / PLACE / "_seal.so"
        if compile_library(Path(self.root) / PLACE / "seal.c", library):
            build_data["artifacts"].append(f"/{PLACE}/{library.name}")
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-linux_{platform.machine()}"


def compile_library(source: Path, library: Path) -> bool:
    """Whether the library was made. It is put into place whole: a running server has the former one open."""
    compiler = shutil.which(os.environ.get("CC", "cc")) or shutil.which("gcc")
    if compiler is None or not sys.platform.startswith("linux"):
        return False
    part = library.with_suffix(f".{os.getpid()}.part")
    command = [compiler, *FLAGS, "-o", str(part), str(source), "-ldl"]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=120).returncode == 0
        if done:
            part.replace(library)
        return done
    except (OSError, subprocess.TimeoutExpired):
        return False
    finally:
        part.unlink(missing_ok=True)
