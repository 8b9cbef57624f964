"""AES_CM_128_HMAC_SHA1_80 for RTP and RTCP (RFC 3711 section 4), by libsrtp, indices and replay included."""

from typing import TYPE_CHECKING

from madang.base.errors import PeerError
from madang.base.later import later
from madang.base.limits import SRTP_SSRCS
from madang.protocols.srtp.gcm import header_bytes
from madang.protocols.srtp.profile import Master
from madang.protocols.srtp.window import WIDTH

if TYPE_CHECKING:
    import pylibsrtp
else:
    pylibsrtp = later("pylibsrtp")


class CmSealer:
    """Protects what we send. Equal packets may be sent again, other packets of one index must not be."""

    __slots__ = ("_session",)

    def __init__(self, master: Master) -> None:
        policy = pylibsrtp.Policy(key=master.key + master.salt, ssrc_type=pylibsrtp.Policy.SSRC_ANY_OUTBOUND)
        policy.allow_repeat_tx = True
        policy.window_size = WIDTH
        self._session = pylibsrtp.Session(policy)

    def rtp(self, header: bytes, payload: bytes, index: int) -> bytes:
        """As `GcmSealer.rtp`; the index is libsrtp's own counting, which agrees while packets go in order."""
        return bytes(self._session.protect(header + payload))

    def rtcp(self, packet: bytes) -> bytes:
        """A compound packet."""
        return bytes(self._session.protect_rtcp(packet))


class CmOpener:
    """Checks and decrypts what the peer sends."""

    __slots__ = ("_session", "_ssrcs")

    def __init__(self, master: Master) -> None:
        policy = pylibsrtp.Policy(key=master.key + master.salt, ssrc_type=pylibsrtp.Policy.SSRC_ANY_INBOUND)
        policy.window_size = WIDTH
        self._session = pylibsrtp.Session(policy)
        self._ssrcs: set[int] = set()

    def rtp(self, data: bytes) -> bytes:
        """The plain packet. Raises PeerError."""
        header_bytes(data)
        plain = self._unprotect(data, rtcp=False)
        self._count(int.from_bytes(data[8:12], "big"))
        return plain

    def rtcp(self, data: bytes) -> bytes:
        """The plain compound packet. Raises PeerError."""
        plain = self._unprotect(data, rtcp=True)
        self._count(int.from_bytes(data[4:8], "big"))
        return plain

    def _unprotect(self, data: bytes, rtcp: bool) -> bytes:
        try:
            opened = self._session.unprotect_rtcp(data) if rtcp else self._session.unprotect(data)
        except (pylibsrtp.Error, TypeError, ValueError) as error:
            raise PeerError("srtp", f"a packet that libsrtp refuses: {error}") from None
        return bytes(opened)

    def _count(self, ssrc: int) -> None:
        if ssrc not in self._ssrcs:
            if len(self._ssrcs) >= 2 * SRTP_SSRCS:
                raise PeerError("srtp", "more senders than a session may have")
            self._ssrcs.add(ssrc)
