"""Floor of WebRTC play: python -m bench.floor_webrtc PORT.

The sends that the protocol forces and nothing else: the clip's pictures and 50 packets of sound a second, to
everyone who said hello; per viewer header, AES-GCM and one `sendmsg` with UDP_SEGMENT per picture. All have
one key, so that the load generator can read. No RTCP, no errors handled: a yardstick, not a server.
"""

import gc
import socket
import struct
import sys
import time
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bench import clip
from madang.protocols.srtp.profile import Label, Master, derive

JOIN: Final = b"join"
MASTER: Final = Master(bytes(range(16)), bytes(range(12)))
SOUND_BYTES: Final = 240
SOUND_S: Final = 0.02
_ROOM: Final = 1160
_pack = struct.Struct("!BBHII").pack


class Viewer:
    __slots__ = ("address", "audio", "encrypt", "salt", "video")

    def __init__(self, address: tuple[str, int]) -> None:
        self.address = address
        self.encrypt = AESGCM(derive(MASTER, Label.RTP_KEY, 16)).encrypt
        self.salt = int.from_bytes(derive(MASTER, Label.RTP_SALT, 12), "big")
        self.video = self.audio = 0


def pictures() -> list[list[bytes]]:
    """The payloads of each picture of the clip: of equal length, but the last."""
    found = []
    for tag in clip.tags(clip.path()):
        if tag.type == 9 and tag.body[1] == 1:
            body = tag.body[5:]
            count = -(-len(body) // _ROOM)
            size = -(-len(body) // count)
            found.append([body[at : at + size] for at in range(0, len(body), size)])
    return found


def send_picture(sock: socket.socket, viewers: list[Viewer], payloads: list[bytes], timestamp: int) -> None:
    segment = [(socket.IPPROTO_UDP, 103, struct.pack("H", len(payloads[0]) + 28))]
    last = len(payloads) - 1
    for viewer in viewers:
        encrypt, salt, number = viewer.encrypt, viewer.salt, viewer.video
        out = []
        for place, payload in enumerate(payloads):
            header = _pack(0x80, 224 if place == last else 96, number & 0xFFFF, timestamp & 0xFFFFFFFF, 1)
            out.append(header)
            out.append(encrypt((salt ^ (1 << 48 | number)).to_bytes(12, "big"), payload, header))
            number += 1
        viewer.video = number
        sock.sendmsg(out, segment if last else [], 0, viewer.address)


def send_sound(sock: socket.socket, viewers: list[Viewer], sound: bytes, timestamp: int) -> None:
    for viewer in viewers:
        header = _pack(0x80, 239, viewer.audio & 0xFFFF, timestamp & 0xFFFFFFFF, 2)
        sealed = viewer.encrypt((viewer.salt ^ (2 << 48 | viewer.audio)).to_bytes(12, "big"), sound, header)
        sock.sendto(header + sealed, viewer.address)
        viewer.audio += 1


def welcome(sock: socket.socket, viewers: dict[tuple[str, int], Viewer]) -> None:
    """Whoever said hello; reports and checks are read away."""
    while True:
        try:
            data, address = sock.recvfrom(2048)
        except BlockingIOError:
            return
        if data == JOIN:
            viewers[address] = Viewer(address)


def main(port: int) -> None:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 22)
    sock.setblocking(False)
    sock.bind(("127.0.0.1", port))
    door = socket.create_server(("127.0.0.1", port))  # so that its start can be waited for
    clips, sound = pictures(), bytes(SOUND_BYTES)
    viewers: dict[tuple[str, int], Viewer] = {}
    start, picture, sounds = time.monotonic(), 0, 0
    while door:
        due = min(picture / clip.FPS, sounds * SOUND_S)
        delay = start + due - time.monotonic()
        if delay > 0:
            time.sleep(delay)
        welcome(sock, viewers)
        everyone = list(viewers.values())
        if picture / clip.FPS <= sounds * SOUND_S:
            send_picture(sock, everyone, clips[picture % len(clips)], picture * 3000)
            picture += 1
        else:
            send_sound(sock, everyone, sound, sounds * 960)
            sounds += 1


if __name__ == "__main__":
    gc.freeze()
    main(int(sys.argv[1]))
