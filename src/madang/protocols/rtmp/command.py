"""Commands (RTMP 1.0, 7.2): what connect and publish say, and the answers that a server gives."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from madang.codecs.registry import ROWS
from madang.containers.flv import amf
from madang.media.track import Codec, Kind
from madang.protocols.rtmp.message import COMMAND, Message

# capsEx (E-RTMP v2, "Enhancing NetConnection connect Command").
CAPS_RECONNECT: Final = 1
CAPS_MULTITRACK: Final = 2
CAPS_MOD_EX: Final = 4
CAPS_TIMESTAMP_NANO_OFFSET: Final = 8
_CAPS = CAPS_RECONNECT | CAPS_MULTITRACK | CAPS_MOD_EX | CAPS_TIMESTAMP_NANO_OFFSET

CAN_DECODE: Final = 1
CAN_ENCODE: Final = 2
CAN_FORWARD: Final = 4

_TEXT_MAX: Final = 2048
_CARRIED = (Codec.H264, Codec.H265, Codec.AV1, Codec.AAC, Codec.OPUS, Codec.MP3)
"""Codecs that the server takes and passes on."""

_NO_FOUR_CCS: Final[frozenset[str]] = frozenset()
"""One for all: most players say nothing, and an empty set takes 216 bytes."""


class Connect(msgspec.Struct, frozen=True):
    """What the client said in connect; texts are cut at 2,048 letters."""

    app: str = ""
    tc_url: str = ""
    flash_ver: str = ""
    """The encoder or player, by its own word."""
    object_encoding: int = 0
    """0 or 3."""
    four_ccs: frozenset[str] = _NO_FOUR_CCS
    """FourCCs that the client handles: `fourCcList` and the keys of the two maps; `*` is any."""
    caps_ex: int = 0

    def __repr__(self) -> str:
        """Nothing of tcUrl and app, which may carry a stream key."""
        return f"Connect(flash_ver={self.flash_ver!r}, caps_ex={self.caps_ex})"

    @property
    def understands_reconnect(self) -> bool:
        """Whether a reconnect request is worth sending."""
        return bool(self.caps_ex & CAPS_RECONNECT)

    def handles(self, codec: Codec) -> bool:
        """Whether the client said that it reads `codec`; the classic codecs everybody reads."""
        row = ROWS[codec]
        classic = codec in (Codec.H264, Codec.AAC, Codec.MP3)
        return classic or "*" in self.four_ccs or row.fourcc.decode() in self.four_ccs


def parse_connect(argument: amf.Value) -> Connect:
    """The command object of connect, an object or an ECMA array; what is missing or odd reads as empty."""
    properties = argument if isinstance(argument, Mapping) else {}
    four_ccs: set[str] = set()
    listed = properties.get("fourCcList")
    if isinstance(listed, Sequence) and not isinstance(listed, str):
        four_ccs |= {name for name in listed if isinstance(name, str)}
    for key in ("videoFourCcInfoMap", "audioFourCcInfoMap"):
        info = properties.get(key)
        if isinstance(info, Mapping):
            four_ccs |= {name for name, mask in info.items() if integer(mask) & (CAN_DECODE | CAN_FORWARD)}
    return Connect(
        app=text(properties.get("app")),
        tc_url=text(properties.get("tcUrl") or properties.get("tcurl")),
        flash_ver=text(properties.get("flashVer") or properties.get("flashver")),
        object_encoding=3 if integer(properties.get("objectEncoding")) == 3 else 0,
        four_ccs=frozenset(four_ccs) if four_ccs else _NO_FOUR_CCS,
        caps_ex=integer(properties.get("capsEx")),
    )


def text(value: amf.Value) -> str:
    """A text of the peer, at most 2,048 letters; empty for what is none."""
    return value[:_TEXT_MAX] if isinstance(value, str) else ""


def integer(value: amf.Value) -> int:
    """A whole number of 32 bits; 0 for what is none (NaN and infinities included)."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return 0
    return int(value) if 0 <= value < 2**32 else 0


def command(stream_id: int, *values: amf.Value) -> Message:
    """An AMF0 command message."""
    return Message(COMMAND, 0, stream_id, amf.encode(*values))


def connect_result(transaction: float, object_encoding: int) -> Message:
    """`_result` of connect; the capabilities stand in both objects, for clients look in either."""
    capabilities = _capabilities()
    properties: dict[str, amf.Value] = {"fmsVer": "FMS/3,5,7,7009", "capabilities": 31, "mode": 1}
    information: dict[str, amf.Value] = {
        "level": "status",
        "code": "NetConnection.Connect.Success",
        "description": "Connection succeeded.",
        "objectEncoding": object_encoding,
    }
    return command(0, "_result", transaction, properties | capabilities, information | capabilities)


def _capabilities() -> dict[str, amf.Value]:
    names = {kind: [ROWS[c].fourcc.decode() for c in _CARRIED if c.kind is kind] for kind in Kind}
    mask = CAN_FORWARD
    return {
        "fourCcList": names[Kind.VIDEO] + names[Kind.AUDIO],
        "videoFourCcInfoMap": {name: mask for name in names[Kind.VIDEO]},
        "audioFourCcInfoMap": {name: mask for name in names[Kind.AUDIO]},
        "capsEx": _CAPS,
    }


def on_status(stream_id: int, level: str, code: str, description: str) -> Message:
    """`onStatus`; `level` is `status`, `warning` or `error`."""
    return command(stream_id, "onStatus", 0, None, _information(level, code, description))


def reconnect_request(description: str, tc_url: str = "") -> Message:
    """Asks a client that understands it to come back, here or at `tc_url` (E-RTMP v2, Reconnect Request)."""
    information = _information("status", "NetConnection.Connect.ReconnectRequest", description)
    if tc_url:
        information["tcUrl"] = tc_url
    return command(0, "onStatus", 0, None, information)


def _information(level: str, code: str, description: str) -> dict[str, amf.Value]:
    return {"level": level, "code": code, "description": description}
