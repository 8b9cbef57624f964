"""AEAD_AES_128_GCM for RTP and RTCP (RFC 7714)."""

from typing import TYPE_CHECKING, Final

from madang.base.errors import PeerError
from madang.base.later import later
from madang.base.limits import SRTP_SSRCS
from madang.protocols.srtp.profile import Label, Master, derive
from madang.protocols.srtp.window import Window

if TYPE_CHECKING:
    from cryptography import exceptions
    from cryptography.hazmat.primitives.ciphers import aead
else:
    exceptions = later("cryptography.exceptions")
    aead = later("cryptography.hazmat.primitives.ciphers.aead")

TAG_BYTES: Final = 16
_ENCRYPTED: Final = 1 << 31


class GcmSealer:
    """Protects what we send. The fan-out uses `rtp_key` and `rtp_salt` by itself."""

    __slots__ = ("_rtcp", "_rtcp_index", "_rtcp_salt", "_rtp", "rtp_key", "rtp_salt")

    def __init__(self, master: Master) -> None:
        self.rtp_key = derive(master, Label.RTP_KEY, 16)
        self.rtp_salt = int.from_bytes(derive(master, Label.RTP_SALT, 12), "big")
        self._rtp = aead.AESGCM(self.rtp_key)
        self._rtcp = aead.AESGCM(derive(master, Label.RTCP_KEY, 16))
        self._rtcp_salt = int.from_bytes(derive(master, Label.RTCP_SALT, 12), "big")
        self._rtcp_index = 0

    @property
    def cipher(self) -> "aead.AESGCM":
        """For the fan-out."""
        return self._rtp

    def rtp(self, header: bytes, payload: bytes, index: int) -> bytes:
        """A packet, its header with extensions given apart. One index must not be used for two packets."""
        ssrc = int.from_bytes(header[8:12], "big")
        iv = (self.rtp_salt ^ (ssrc << 48 | index)).to_bytes(12, "big")
        return header + self._rtp.encrypt(iv, payload, header)

    def rtcp(self, packet: bytes) -> bytes:
        """A compound packet, under the next index (section 9)."""
        index = self._rtcp_index
        self._rtcp_index = index + 1 & 0x7FFFFFFF
        ssrc = int.from_bytes(packet[4:8], "big")
        iv = (self._rtcp_salt ^ (ssrc << 48 | index)).to_bytes(12, "big")
        word = (_ENCRYPTED | index).to_bytes(4, "big")
        return packet[:8] + self._rtcp.encrypt(iv, packet[8:], packet[:8] + word) + word


class GcmOpener:
    """Checks and decrypts what the peer sends; at most SRTP_SSRCS senders of each kind (A50)."""

    __slots__ = ("_rtcp", "_rtcp_salt", "_rtcp_windows", "_rtp", "_rtp_salt", "_windows")

    def __init__(self, master: Master) -> None:
        self._rtp = aead.AESGCM(derive(master, Label.RTP_KEY, 16))
        self._rtp_salt = int.from_bytes(derive(master, Label.RTP_SALT, 12), "big")
        self._rtcp = aead.AESGCM(derive(master, Label.RTCP_KEY, 16))
        self._rtcp_salt = int.from_bytes(derive(master, Label.RTCP_SALT, 12), "big")
        self._windows: dict[int, Window] = {}
        self._rtcp_windows: dict[int, Window] = {}

    def rtp(self, data: bytes) -> bytes:
        """The plain packet. Raises PeerError: forged, seen, too old, malformed."""
        start = header_bytes(data)
        if len(data) < start + TAG_BYTES:
            raise PeerError("srtp", "an SRTP packet shorter than its tag")
        ssrc = int.from_bytes(data[8:12], "big")
        window = self._windows.get(ssrc) or Window()
        index = window.index_of(int.from_bytes(data[2:4], "big"))
        if not window.is_new(index):
            raise PeerError("srtp", "an SRTP packet that was seen or is too old")
        iv = (self._rtp_salt ^ (ssrc << 48 | index)).to_bytes(12, "big")
        header = data[:start]
        plain = _open(self._rtp, iv, data[start:], header)
        _keep(self._windows, ssrc, window).take(index)
        return header + plain

    def rtcp(self, data: bytes) -> bytes:
        """The plain compound packet. Raises PeerError."""
        if len(data) < 8 + TAG_BYTES + 4:
            raise PeerError("srtp", "an SRTCP packet shorter than its trailer")
        ssrc = int.from_bytes(data[4:8], "big")
        word = data[-4:]
        index = int.from_bytes(word, "big")
        if not index & _ENCRYPTED:
            raise PeerError("srtp", "an SRTCP packet that is not encrypted")
        index ^= _ENCRYPTED
        window = self._rtcp_windows.get(ssrc) or Window()
        if not window.is_new(index):
            raise PeerError("srtp", "an SRTCP packet that was seen or is too old")
        iv = (self._rtcp_salt ^ (ssrc << 48 | index)).to_bytes(12, "big")
        plain = _open(self._rtcp, iv, data[8:-4], data[:8] + word)
        _keep(self._rtcp_windows, ssrc, window).take(index)
        return data[:8] + plain


def header_bytes(data: bytes) -> int:
    """Length of an RTP header with its contributing sources and extension. Raises PeerError."""
    if len(data) < 12 or data[0] >> 6 != 2:
        raise PeerError("rtp", "not an RTP packet")
    length = 12 + 4 * (data[0] & 15)
    if data[0] & 16:
        if len(data) < length + 4:
            raise PeerError("rtp", "an RTP header beyond its packet")
        length += 4 + 4 * int.from_bytes(data[length + 2 : length + 4], "big")
    if len(data) < length:
        raise PeerError("rtp", "an RTP header beyond its packet")
    return length


def _open(cipher: "aead.AESGCM", iv: bytes, sealed: bytes, associated: bytes) -> bytes:
    try:
        return cipher.decrypt(iv, sealed, associated)
    except exceptions.InvalidTag:
        raise PeerError("srtp", "a packet that was not made with the session's key") from None


def _keep(windows: dict[int, Window], ssrc: int, window: Window) -> Window:
    if windows.setdefault(ssrc, window) is window and len(windows) > SRTP_SSRCS:
        del windows[ssrc]
        raise PeerError("srtp", "more senders than a session may have")
    return window
