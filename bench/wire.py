"""As much of FLV and RTMP as a load generator needs, of its own: the server is not measured by itself."""

import os
import socket
import struct

AUDIO, VIDEO, DATA, COMMAND = 8, 9, 18, 20
_CHUNK = 65_536


def amf(*values: str | float | None | dict[str, str | float]) -> bytes:
    """AMF0."""
    out = b""
    for value in values:
        if isinstance(value, str):
            out += b"\x02" + len(value).to_bytes(2, "big") + value.encode()
        elif value is None:
            out += b"\x05"
        elif isinstance(value, dict):
            pairs = (len(key).to_bytes(2, "big") + key.encode() + amf(item) for key, item in value.items())
            out += b"\x03" + b"".join(pairs) + b"\x00\x00\x09"
        else:
            out += b"\x00" + struct.pack(">d", value)
    return out


def message(csid: int, type: int, stream: int, at_ms: int, body: bytes, chunk: int = _CHUNK) -> bytes:
    """One message in chunks, with a full header."""
    low = min(at_ms, 0xFFFFFF)
    extended = at_ms.to_bytes(4, "big") if low == 0xFFFFFF else b""
    head = bytes((csid,)) + low.to_bytes(3, "big") + len(body).to_bytes(3, "big") + bytes((type,))
    parts = [head + stream.to_bytes(4, "little") + extended + body[:chunk]]
    again = bytes((0xC0 | csid,)) + extended
    parts += [again + body[start : start + chunk] for start in range(chunk, len(body), chunk)]
    return b"".join(parts)


def open_rtmp(port: int, app: str, chunk: int = _CHUNK) -> socket.socket:
    """A connection that has shaken hands and said connect and createStream, without waiting for results."""
    sock = socket.create_connection(("127.0.0.1", port), 10)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.sendall(b"\x03" + bytes(8) + os.urandom(1528))
    left = 1 + 2 * 1536
    echo = b""
    while left:
        data = sock.recv(left)
        if not data:
            raise ConnectionError("closed during the handshake")
        echo += data
        left -= len(data)
    connect = {
        "app": app,
        "type": "nonprivate",
        "flashVer": "bench",
        "tcUrl": f"rtmp://127.0.0.1:{port}/{app}",
    }
    sock.sendall(
        echo[1:1537]
        + message(2, 1, 0, 0, chunk.to_bytes(4, "big"))
        + message(3, COMMAND, 0, 0, amf("connect", 1.0, connect), chunk)
        + message(3, COMMAND, 0, 0, amf("createStream", 2.0, None), chunk)
    )
    return sock


class Count:
    """Video frames that one viewer saw: how many, and from which time to which."""

    __slots__ = ("bytes", "first_ms", "frames", "last_ms")

    def __init__(self) -> None:
        self.bytes = 0
        self.reset()

    def reset(self) -> None:
        self.frames = 0
        self.first_ms = self.last_ms = -1

    def add(self, at_ms: int) -> None:
        if not self.frames:
            self.first_ms = at_ms
        self.frames += 1
        self.last_ms = at_ms


class FlvCounter(Count):
    """Walks over an HTTP-FLV response without looking into its tags."""

    __slots__ = ("_skip", "tail")

    def __init__(self) -> None:
        super().__init__()
        self.tail = b""
        self._skip = -1

    def feed(self, data: bytearray, size: int) -> None:
        """`data[:size]` begins with what `tail` was before the read."""
        self.bytes += size - len(self.tail)
        at = self._skip
        if at < 0:
            end = data.find(b"\r\n\r\n", 0, size)
            if end < 0 or size < end + 17:
                self.tail = bytes(data[:size])
                return
            at = end + 17
        while at + 11 <= size:
            if data[at] == VIDEO:
                self.add(data[at + 7] << 24 | data[at + 4] << 16 | data[at + 5] << 8 | data[at + 6])
            at += 15 + (data[at + 1] << 16 | data[at + 2] << 8 | data[at + 3])
        self.tail = bytes(data[at:size]) if at < size else b""
        self._skip = max(at - size, 0)


class RtmpCounter(Count):
    """Walks over the chunks that a server sends to a player."""

    __slots__ = ("_chunk", "_skip", "_streams", "tail")

    def __init__(self) -> None:
        super().__init__()
        self.tail = b""
        self._skip = 0
        self._chunk = 128
        self._streams: dict[int, list[int]] = {}
        """By chunk stream: length, type, bytes left of the message, timestamp, last delta."""

    def feed(self, data: bytearray, size: int) -> None:
        """`data[:size]` begins with what `tail` was before the read."""
        self.bytes += size - len(self.tail)
        at, streams = self._skip, self._streams
        while at < size:
            first = data[at]
            csid, form = first & 63, first >> 6
            head = at + (2 + csid if csid < 2 else 1)
            if head + (11, 7, 3, 0)[form] > size:
                break
            stream = streams.get(csid)
            if stream is None:
                stream = streams[csid] = [0, 0, 0, 0, 0]
            field = 0
            if form < 3:
                field = data[head] << 16 | data[head + 1] << 8 | data[head + 2]
                if form < 2:
                    stream[0] = data[head + 3] << 16 | data[head + 4] << 8 | data[head + 5]
                    stream[1] = data[head + 6]
            begins = stream[2] == 0
            if begins:
                stream[2] = stream[0]
                if form == 0:
                    stream[3], stream[4] = field, 0
                elif form < 3:
                    stream[4] = field
                    stream[3] += field
                else:
                    stream[3] += stream[4]
                if stream[1] == VIDEO:
                    self.add(stream[3])
            body = head + (11, 7, 3, 0)[form]
            if begins and stream[1] == 1:
                if body + 4 > size:
                    stream[2] = 0
                    break
                self._chunk = int.from_bytes(data[body : body + 4], "big")
            take = min(stream[2], self._chunk)
            stream[2] -= take
            at = body + take
        self.tail = bytes(data[at:size]) if at < size else b""
        self._skip = max(at - size, 0)
