"""What the terminal shows at the start: where to watch, where to sign in, what to type into OBS."""

import io
import os
import shutil
import socket
import sys
from dataclasses import dataclass
from typing import Final, TextIO
from urllib.parse import urlsplit

# SGR parameters (ECMA-48); a library for this would be half of what a start loads.
_BOLD: Final = "1"
_DIM: Final = "2"
_BLUE: Final = "34"
_BOLD_BLUE: Final = "1;34"
_BOLD_GREEN: Final = "1;32"
_BOLD_RED: Final = "1;31"
_BOLD_YELLOW: Final = "1;33"
_QR_WIDTH = 60
"""A QR code is drawn only where the terminal is wide enough to leave it whole."""


@dataclass(frozen=True, slots=True)
class Start:
    """What there is to tell. Empty texts are left out."""

    version: str
    watch: str
    """URL of the home page, as this machine reaches it."""
    network: str = ""
    """The same, as others on the network reach it."""
    login: str = ""
    """The admin's one-time link, while there is no admin."""
    rtmp: str = ""
    """OBS's "Server"."""
    key: str = ""
    """OBS's "Stream key"."""
    channel: str = ""
    """Whose key it is."""
    demo: bool = False
    unsafe: tuple[str, ...] = ()
    """Sentences about unsafe settings, which are told at every start (A68)."""


def show(start: Start, out: TextIO | None = None, width: int = 0) -> None:
    """Print the banner, in colours on a terminal; lines are never wrapped, so that they can be copied."""
    out = out or sys.stdout
    terminal = out.isatty()
    paint = _coloured if terminal and not os.environ.get("NO_COLOR") else _plain
    lines = ["", paint("  마당 Madang ", _BOLD) + paint(start.version, _DIM), ""]
    for label, value, style, note in rows(start):
        tail = paint(f"   {note}", _DIM) if note else ""
        lines.append(paint("  " + label.ljust(12), _DIM) + paint(value, style) + tail)
    lines += [paint(f"  Unsafe      {sentence}", _BOLD_RED) for sentence in start.unsafe]
    if terminal and start.network and (width or shutil.get_terminal_size().columns) >= _QR_WIDTH:
        lines.append(qr(start.network))
    out.write("\n".join([*lines, "", ""]))
    out.flush()


def _coloured(text: str, style: str) -> str:
    return f"\033[{style}m{text}\033[0m" if style else text


def _plain(text: str, _style: str) -> str:
    return text


def rows(start: Start) -> list[tuple[str, str, str, str]]:
    """The lines of the banner: (label, value, style, note)."""
    owner = f"the channel {start.channel}" if start.channel else ""
    lines = [
        ("Watch", start.watch, _BOLD_BLUE, "the demo is on the air" if start.demo else ""),
        ("", start.network, _BLUE, "on your network"),
        ("Sign in", start.login, _BOLD_YELLOW, "once, within 15 minutes"),
        ("OBS server", start.rtmp, _BOLD_GREEN, ""),
        ("Stream key", start.key, _BOLD_GREEN, owner),
    ]
    if not start.demo:
        lines.append(("Try it", "madang demo", "", "a moving test picture, without OBS"))
    return [line for line in lines if line[1]]


def qr(url: str) -> str:
    """A QR code of half-block letters, for a phone held before the terminal."""
    import segno

    out = io.StringIO()
    segno.make(url, error="l").terminal(out, compact=True, border=2)
    return "\n".join("  " + line for line in out.getvalue().splitlines())


def lan_address() -> str:
    """The address by which others on the network reach this machine; empty when there is none.

    Connecting a UDP socket sends nothing: the kernel only chooses the address that it would send from.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # RFC 5737: an address that is nobody's
            address = str(probe.getsockname()[0])
        except OSError:
            return ""
    return "" if address.startswith(("127.", "0.")) else address


def addresses(host: str, port: int, public_url: str = "") -> tuple[str, str]:
    """(watch, network): the home page's URL here and for others, from where HTTP listens."""
    if public_url:
        return public_url + "/", ""
    suffix = "" if port == 80 else f":{port}"
    if host not in ("0.0.0.0", "::", ""):
        shown = f"[{host}]" if ":" in host else host
        return f"http://{'localhost' if host.startswith('127.') or host == '::1' else shown}{suffix}/", ""
    lan = lan_address()
    return f"http://localhost{suffix}/", f"http://{lan}{suffix}/" if lan else ""


def busy(port: int, setting: str, owner: str = "") -> str:
    """One sentence for a port that is taken: which, by whom where that can be seen, and how to change it.

    `setting` is an option (`--http`) or a key of the settings file (`tls_listen under [http]`)."""
    who = f"by {owner}" if owner else "by another program"
    place = f"HOST:{_next(port)}"
    key, _, section = setting.partition(" under ")
    if not section:
        key, section = "listen", f"[{setting.removeprefix('--')}]"
    option = f"start with `{setting} {place}`, or " if setting.startswith("--") else ""
    return (
        f"Port {port} is taken {who}: stop it, or {option}"
        f'set `{key} = "{place}"` under {section} in the settings file.'
    )


def rtmp_url(public: str, http_url: str, port: int) -> str:
    """OBS's server: from rtmp_public_url, else the host of the watch page and the port of RTMP."""
    if public:
        return public if urlsplit(public).path.strip("/") else f"{public}/live"
    host = urlsplit(http_url).hostname or "localhost"
    shown = f"[{host}]" if ":" in host else host
    return f"rtmp://{shown}{'' if port == 1935 else f':{port}'}/live"


def _next(port: int) -> int:
    return port + 1 if port < 65535 else port - 1
