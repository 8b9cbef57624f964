"""The fan-out of one log: per viewer only encryption and one system call for the packets of a frame.

Viewers who share numbers, payload type and extension are a lane, whose headers are written once per frame
into one buffer; ciphertexts are written between them, viewer after viewer, and the buffer is sent. Lanes are
cut into groups, each served in one go, so that no pass holds the loop; a group keeps a position in the log.
"""

import asyncio
import ctypes
import errno
import socket
import time
from collections import deque
from struct import Struct
from typing import Final, NamedTuple

from madang.net.webrtc.bursts import Bursts
from madang.net.webrtc.compiled import Frame, Seal, pack_packet, pack_run
from madang.net.webrtc.counters import WebRtcCounters
from madang.net.webrtc.log import Batch, PacketLog
from madang.net.webrtc.paths import SOL_UDP, UDP_SEGMENT, Hot
from madang.net.webrtc.sender import Sender
from madang.protocols.srtp.gcm import TAG_BYTES

GROUP: Final = 64
"""Viewers who are served in one go: about a millisecond."""
_TURN_S: Final = 0.002
"""How long a turn may hold the loop before others get theirs."""
_BEHIND_S: Final = 1.0
"""A group whose socket is full for so long goes on at the next keyframe."""
_UINT16 = Struct("H")

Packet = tuple[int, bytes, bytes, memoryview]
"""SSRC and index as they go into the nonce, payload, header, and where the ciphertext goes."""
Ancillary = list[tuple[int, int, bytes]]


class Run(NamedTuple):
    """Packets that leave with one system call."""

    view: memoryview
    ancillary: Ancillary
    packets: list[Packet]


class Lane:
    """Viewers to whom the same headers go."""

    __slots__ = ("_frame", "_prepared", "_runs", "fast", "groups", "key", "model")

    def __init__(self, key: tuple[object, ...], model: Sender) -> None:
        self.key = key
        self.model = model
        """Any of the viewers: headers are made with its numbers."""
        self.fast = model.session.fast
        self.groups: list[Group] = []
        self._prepared: Batch | None = None
        self._runs: list[Run] = []
        self._frame = Frame(b"", b"", 0, b"", 0)

    def prepare(self, batch: Batch, segments: bool) -> list[Run]:
        """The batch with this lane's headers, once for all its viewers."""
        if self._prepared is not batch:
            runs = batch.runs if segments else [(n, n + 1) for n in range(len(batch.payloads))]
            self._runs = [self._run(batch, begin, stop) for begin, stop in runs]
            self._prepared = batch
        return self._runs

    def prepare_frame(self, batch: Batch, segments: bool) -> Frame:
        """The same for the compiled loop."""
        if self._prepared is not batch:
            model, payloads = self.model, batch.payloads
            plain: list[bytes] = []
            packets: list[bytes] = []
            runs: list[bytes] = []
            at, tag = 0, bytes(TAG_BYTES)
            for begin, stop in batch.runs if segments else [(n, n + 1) for n in range(len(payloads))]:
                start = at
                for place in range(begin, stop):
                    header, payload = model.header(batch, place, batch.timestamp), payloads[place]
                    base = model.ssrc << 48 | batch.index + place - model.offset
                    packets.append(pack_packet(at, len(header), len(payload), base))
                    plain += (header, payload, tag)
                    at += len(header) + len(payload) + TAG_BYTES
                size = len(plain[-3 * (stop - begin)]) + len(payloads[begin]) + TAG_BYTES
                runs.append(pack_run(start, at - start, size if stop - begin > 1 else 0))
            self._frame = Frame(b"".join(plain), b"".join(packets), len(packets), b"".join(runs), len(runs))
            self._prepared = batch
        return self._frame

    def gather(self, position: int) -> None:
        """Put small groups that wait at `position` together: who starts alone is alone at first."""
        into: Group | None = None
        for group in tuple(self.groups):
            if group.queued or group.position != position or len(group.senders) == GROUP:
                continue
            if into is not None and len(into.senders) + len(group.senders) <= GROUP:
                into.take(group)
                self.groups.remove(group)
            else:
                into = group

    def _run(self, batch: Batch, begin: int, stop: int) -> Run:
        model = self.model
        header_bytes = 12 + (len(model.extension) if batch.keyframe else 0)
        room = header_bytes + TAG_BYTES
        view = memoryview(bytearray(sum(len(payload) + room for payload in batch.payloads[begin:stop])))
        packets: list[Packet] = []
        at = 0
        for place in range(begin, stop):
            header, payload = model.header(batch, place, batch.timestamp), batch.payloads[place]
            body, end = at + header_bytes, at + room + len(payload)
            view[at:body] = header
            index = batch.index + place - model.offset
            packets.append((model.ssrc << 48 | index, payload, header, view[body:end]))
            at = end
        size = _UINT16.pack(len(batch.payloads[begin]) + room)
        return Run(view, [(SOL_UDP, UDP_SEGMENT, size)] if stop - begin > 1 else [], packets)


class Group:
    """Up to GROUP viewers of a lane who are at the same place."""

    __slots__ = ("_pointers", "fanout", "hot", "lane", "position", "queued", "resume", "senders")

    def __init__(self, fanout: "Fanout", lane: Lane, position: int) -> None:
        self.fanout = fanout
        self.lane = lane
        self.position = position
        self.senders: list[Sender] = []
        self.hot: list[Hot] = []
        self.queued = False
        self._pointers: ctypes.Array[ctypes.c_void_p] | None = None
        """Of the viewers' handles, for the compiled loop."""
        self.resume = 0
        """Viewers who have the batch at `position` already: the socket was full behind them."""

    def add(self, sender: Sender) -> None:
        sender.group = self
        self._pointers = None
        self.senders.append(sender)
        if sender.session.hot is not None:
            self.hot.append(sender.session.hot)

    def take(self, other: "Group") -> None:
        """Everyone in a group that is at the same place."""
        for sender in other.senders:
            self.add(sender)

    def detach(self, sender: Sender) -> None:
        self._pointers = None
        place = self.senders.index(sender)
        had_it = place < self.resume
        self.resume -= had_it
        del self.senders[place], self.hot[place : place + 1]
        sender.group, sender.position = None, self.position + had_it
        lane = self.lane
        if not self.senders:
            lane.groups.remove(self)
            self.fanout.forget(lane)
        if lane.model is sender and lane.groups:
            lane.model = lane.groups[0].senders[0]  # the numbers of one who has left may change

    def serve(self) -> socket.socket | None:
        """Send what is new; a socket that is full ends it, to be called again when it is not."""
        log = self.fanout.log
        for batch in log.between(self.position, log.position):
            last = log.last
            if last is not None and last.arrived_s - batch.arrived_s > _BEHIND_S and log.keyframes:
                self.fanout.shed_group(self)
                return None
            if not self.lane.fast:
                self._send_slowly(batch)
            elif (full := self._send(batch)) is not None:
                return full
            if not self.senders:
                return None
            self.position = batch.position + 1
        return None

    def _send(self, batch: Batch) -> socket.socket | None:
        pump = self.fanout.pump
        if pump.seal is not None:
            return self._send_compiled(batch, pump.seal)
        runs = self.lane.prepare(batch, pump.segments)
        hot = self.hot[self.resume :] if self.resume else self.hot
        sent = 0
        try:
            for encrypt, salt, sendmsg, sendto, address in hot:
                for view, ancillary, packets in runs:
                    for base, payload, header, slot in packets:
                        encrypt((base ^ salt).to_bytes(12, "big"), payload, header, slot)
                    if ancillary:
                        sendmsg((view,), ancillary, 0, address)
                    else:
                        sendto(view, address)
                sent += 1
        except BlockingIOError:
            self._count(batch, len(runs), sent)
            self.resume += sent
            return self.senders[self.resume].session.socket
        except OSError as error:
            self._count(batch, len(runs), sent)
            self.resume += sent + 1
            pump.failed(error, len(runs) < len(batch.payloads))
            return self._send(batch)
        self._count(batch, len(runs), sent)
        self.resume = 0
        return None

    def _send_compiled(self, batch: Batch, seal: Seal) -> socket.socket | None:
        """What `_send` does, in C."""
        pump = self.fanout.pump
        frame = self.lane.prepare_frame(batch, pump.segments)
        if self._pointers is None:
            handles = (sender.session.handle for sender in self.senders)
            self._pointers = (ctypes.c_void_p * len(self.senders))(
                *(handle.pointer if handle is not None else None for handle in handles)
            )
        while (left := len(self.senders) - self.resume) > 0:
            sock = self.senders[self.resume].session.socket
            if sock is None:
                break
            at = ctypes.addressof(self._pointers) + self.resume * ctypes.sizeof(ctypes.c_void_p)
            done, error = seal.send(sock.fileno(), at, left, frame)
            self._count(batch, frame.run_count, done)
            self.resume += done
            if error in (errno.EAGAIN, errno.ENOBUFS):
                return sock
            if error:
                pump.failed(OSError(error, ""), frame.run_count < frame.packet_count)
                self.resume += 1
        self.resume = 0
        return None

    def _count(self, batch: Batch, runs: int, viewers: int) -> None:
        counters = self.fanout.pump.counters
        counters.packets_out += len(batch.payloads) * viewers
        counters.bytes_out += batch.octets * viewers
        counters.sends += runs * viewers

    def _send_slowly(self, batch: Batch) -> None:
        """By another profile, or by TCP: packet by packet."""
        for sender in tuple(self.senders):
            packets = [sender.seal(batch, place, batch.timestamp) for place in range(len(batch.payloads))]
            if not sender.session.transmit(packets):
                self.fanout.shed(sender)


class Fanout:
    """One log's viewers: those who are live, in groups, and those who wait for a place to begin."""

    def __init__(self, log: PacketLog, pump: "Pump") -> None:
        self.log = log
        self.pump = pump
        self._lanes: dict[tuple[object, ...], Lane] = {}
        self._waiting: dict[Sender, None] = {}
        """Behind a keyframe that is to come."""
        self._arriving: dict[Sender, None] = {}
        """From another log, which they read until then."""
        log.reader = self

    # --- viewers -----------------------------------------------------------------------------------------

    def add(self, sender: Sender) -> None:
        """Its session is connected: start it."""
        sender.fanout = self
        self._count(1)
        burst = self.log.burst
        if burst:
            self._plan(sender, burst)
        else:
            self._waiting[sender] = None

    def remove(self, sender: Sender) -> None:
        """It gets nothing more from here."""
        self._pull(sender)
        self._waiting.pop(sender, None)
        if sender.target is not None:
            sender.target.unexpect(sender)
        sender.fanout = None
        self._count(-1)

    def shed(self, sender: Sender) -> None:
        """It is stalled or congested: it goes on at the next keyframe."""
        if sender.active:
            self.pump.counters.drops += 1
            self._pull(sender)
            self._waiting[sender] = None

    def shed_group(self, group: Group) -> None:
        for sender in tuple(group.senders):
            self.shed(sender)

    def regroup(self, sender: Sender) -> None:
        """Its address or its way has changed."""
        if sender.group is not None:
            sender.group.detach(sender)
            self.join(sender)

    def switch(self, sender: Sender, log: PacketLog) -> None:
        """Let it read this log until the other one has a place to begin."""
        if sender.target is not None:
            sender.target.unexpect(sender)
        if log is not self.log:
            sender.target = self.pump.fanout_of(log)
            sender.target.expect(sender)

    def expect(self, sender: Sender) -> None:
        """It comes with the next keyframe. It counts as a reader from now on, or none would come; what a
        first reader is given of the past is not for it."""
        self._count(1)
        self._arriving[sender] = None

    def unexpect(self, sender: Sender) -> None:
        sender.target = None
        if sender in self._arriving:
            del self._arriving[sender]
            self._count(-1)

    def join(self, sender: Sender) -> None:
        """It has all before `sender.position`: let it go on in a group that is at the same place."""
        session = sender.session
        way = session.socket if session.fast else None
        key = (sender.options.payload_type, sender.extension, sender.offset, way)
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = Lane(key, sender)
        for group in lane.groups:
            if group.position == sender.position and len(group.senders) < GROUP and not group.resume:
                break
        else:
            group = Group(self, lane, sender.position)
            lane.groups.append(group)
        group.add(sender)
        if sender.position < self.log.position:
            self.pump.enqueue(group)

    def forget(self, lane: Lane) -> None:
        """Drop the lane when nobody is left in it."""
        if not lane.groups:
            self._lanes.pop(lane.key, None)

    # --- the log -----------------------------------------------------------------------------------------

    def appended(self, batch: Batch) -> None:
        if (self._waiting or self._arriving) and (batch.keyframe or not self.log.keyframes):
            self._let_in(batch)
        pump = self.pump
        for lane in self._lanes.values():
            lane.gather(batch.position)
            for group in lane.groups:
                pump.enqueue(group)

    def _let_in(self, batch: Batch) -> None:
        for sender in self._arriving:
            if sender.fanout is not None:
                sender.fanout.remove_from(sender)
            sender.log, sender.fanout, sender.target = self.log, self, None
            self._waiting[sender] = None
        self._arriving.clear()
        waiting, self._waiting = self._waiting, {}
        for sender in waiting:
            sender.begin_at(batch)
            self.join(sender)

    def remove_from(self, sender: Sender) -> None:
        """It goes on in another log."""
        self._pull(sender)
        self._waiting.pop(sender, None)
        self._count(-1)

    def _plan(self, sender: Sender, burst: list[Batch]) -> None:
        """The burst's timestamps are pressed together, a millisecond apart, and end at the live one: what
        the viewer's clock sees is a stream that was never late."""
        self.pump.counters.starts += 1
        sender.begin_at(burst[0])
        tick = self.log.clock_rate // 1000
        live = burst[-1].timestamp
        for back, batch in enumerate(reversed(burst)):
            timestamp = live - back * tick & 0xFFFFFFFF
            sender.plan.append((batch, timestamp))
            if timestamp != batch.timestamp:
                sender.stamps[batch.index] = timestamp
        self.pump.bursts.start(sender)

    def _pull(self, sender: Sender) -> None:
        if sender.group is not None:
            sender.group.detach(sender)
        else:
            self.pump.bursts.drop(sender)
        sender.leave()

    def _count(self, change: int) -> None:
        self.log.viewers += change
        if self.log.changed is not None:
            self.log.changed()


class Pump:
    """What moves the packets of all logs: groups in turns, and start bursts beside them."""

    def __init__(self, counters: WebRtcCounters, segments: bool, seal: Seal | None = None) -> None:
        self.counters = counters
        self.seal = seal
        """The compiled loop, where there is one."""
        self.segments = segments
        """Whether the kernel cuts a long buffer into packets (UDP_SEGMENT)."""
        self.bursts = Bursts()
        self._loop = asyncio.get_running_loop()
        self._queue: deque[Group] = deque()
        self._turn_handle: asyncio.Handle | None = None
        self._blocked: socket.socket | None = None

    def fanout_of(self, log: PacketLog) -> Fanout:
        reader = log.reader
        return reader if isinstance(reader, Fanout) else Fanout(log, self)

    def enqueue(self, group: Group) -> None:
        """It has something to send."""
        if not group.queued:
            group.queued = True
            self._queue.append(group)
            if self._turn_handle is None and self._blocked is None:
                self._turn_handle = self._loop.call_soon(self._turn)

    def close(self) -> None:
        self._queue.clear()
        self.bursts.close()
        if self._turn_handle is not None:
            self._turn_handle.cancel()
        if self._blocked is not None:
            self._loop.remove_writer(self._blocked)
            self._blocked = None

    def failed(self, error: OSError, segmented: bool) -> None:
        """A send failed for another reason than a full socket."""
        self.counters.send_errors += 1
        if segmented and error.errno in (errno.EIO, errno.EINVAL, errno.ENOPROTOOPT, errno.EOPNOTSUPP):
            self.segments = False

    def _turn(self) -> None:
        self._turn_handle = None
        until = time.monotonic() + _TURN_S
        queue = self._queue
        while queue:
            group = queue[0]
            full = group.serve()
            if full is not None:
                self.counters.blocked += 1
                self._blocked = full
                self._loop.add_writer(full, self._unblock)
                return
            queue.popleft()
            group.queued = False
            if queue and time.monotonic() > until:
                self._turn_handle = self._loop.call_soon(self._turn)
                return

    def _unblock(self) -> None:
        if self._blocked is not None:
            self._loop.remove_writer(self._blocked)
            self._blocked = None
        self._turn()
