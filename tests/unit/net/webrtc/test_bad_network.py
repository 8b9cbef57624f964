"""A publisher over a network that loses 5 % both ways, and lets packets come up to 50 ms late, in a time of
its own: the same dice give the same answer on every machine."""

import heapq
import random
from collections.abc import Callable

import pytest

from madang.net.webrtc.sources import Expected, Line, Router, Source
from madang.protocols.rtp.packet import RtpPacket

LOSS, JITTER_S, WAY_S = 0.05, 0.05, 0.01
FPS, PACKETS, SECONDS = 30, 5, 60
GOP_S, LOOK_S = 2, 0.05
VIDEO = Line("0", {96: 90_000}, rtx={97: 96}, ssrcs=(7,), rtx_ssrcs={8: 7}, nack=True, pli=True)


class Network:
    """What happens, in order of its time."""

    def __init__(self, seed: int) -> None:
        self.now = 0.0
        self.dice = random.Random(seed)
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def at(self, when: float, what: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._due, (when, self._count, what))

    def carry(self, what: Callable[[], None]) -> None:
        """To the other side, if it comes at all."""
        if self.dice.random() >= LOSS:
            self.at(self.now + WAY_S + self.dice.uniform(0, JITTER_S), what)

    def run(self) -> None:
        while self._due:
            self.now, _, what = heapq.heappop(self._due)
            what()


class Publisher:
    """Sends pictures, again what is asked for, and a keyframe when it is asked for one."""

    def __init__(self, network: Network, router: Router) -> None:
        self.network, self.router = network, router
        self.sent: dict[int, RtpPacket] = {}
        self.asked = False
        self._again = 0

    def picture(self, number: int) -> None:
        keyframe, self.asked = number % (GOP_S * FPS) == 0 or self.asked, False
        for place in range(PACKETS):
            sequence = number * PACKETS + place & 0xFFFF
            body = bytes((keyframe, place))
            packet = RtpPacket(96, place == PACKETS - 1, sequence, number * 3000, 7, body, {})
            self.sent[sequence] = packet
            self._send(packet)

    def repeat(self, sequences: list[int]) -> None:
        for sequence in sequences:
            if (packet := self.sent.get(sequence)) is not None:
                self._again += 1
                body = sequence.to_bytes(2, "big") + packet.payload
                self._send(RtpPacket(97, packet.marker, self._again & 0xFFFF, packet.timestamp, 8, body, {}))

    def want_keyframe(self) -> None:
        self.asked = True

    def _send(self, packet: RtpPacket) -> None:
        self.network.carry(lambda: self._come(packet))

    def _come(self, packet: RtpPacket) -> None:
        self.router.push(packet, self.network.now)


class Watched:
    """An outlet that counts pictures which can be decoded: behind a broken one none, up to a keyframe."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.publisher: Publisher | None = None
        self.good = self.requests = self.recovered = 0
        self.late_s = 0.0
        self._parts = 0
        self._frozen = False

    def deliver(self, source: Source, packet: RtpPacket, lost: int) -> None:
        if lost:
            self._frozen, self._parts = True, -PACKETS
        if packet.payload[1] == 0:
            self._parts = 0
        self._parts += 1
        if packet.marker and self._parts == PACKETS:
            self._frozen = self._frozen and not packet.payload[0]
            self.good += not self._frozen
            self.late_s = max(self.late_s, self.network.now - packet.timestamp / 90_000)

    def recover(self) -> None:
        self.recovered += 1

    def request_keyframe(self, source: Source) -> None:
        if source.may_ask(self.network.now):
            self.requests += 1
            assert self.publisher is not None
            self.network.carry(self.publisher.want_keyframe)


@pytest.mark.parametrize("seed", range(4))
def test_pictures_of_a_publisher_come_whole(seed: int) -> None:
    network = Network(seed)
    watched = Watched(network)
    router = Router(Expected((VIDEO,)), watched)
    publisher = watched.publisher = Publisher(network, router)

    def look() -> None:
        missing = router.sources[7].look(network.now)
        if missing:
            network.carry(lambda: publisher.repeat(missing))
        if network.now < SECONDS + 1:
            network.at(network.now + LOOK_S, look)

    for number in range(FPS * SECONDS):
        network.at(number / FPS, lambda number=number: publisher.picture(number))  # type: ignore[misc]
    network.at(LOOK_S, look)
    network.run()
    sent = FPS * SECONDS
    assert watched.good >= 0.99 * sent, (watched.good, sent)
    assert watched.requests <= 3
    assert watched.recovered >= 0.04 * sent * PACKETS
    assert watched.late_s < 1.0
