"""Reading fragments back: what recovery and tests want to know of a file that may be cut anywhere."""

from collections.abc import Iterator

import msgspec

from madang.base.errors import PeerError
from madang.containers.fmp4.boxes import Box, walk

# Optional words of a sample in trun, in their order (section 8.8.8).
_DURATION, _SIZE, _FLAGS, _OFFSET = 0x100, 0x200, 0x400, 0x800
# sample_is_non_sync_sample (section 8.8.3.1).
_IS_NON_SYNC = 0x10000
# Samples of one fragment: ours hold a part, a hostile trun could claim four billion.
_SAMPLES = 100_000


class Sample(msgspec.Struct, frozen=True):
    """One sample; `dts` and `duration` in ticks, `offset` is pts minus dts."""

    dts: int
    duration: int
    offset: int
    sync: bool
    payload: bytes


class Fragment(msgspec.Struct, frozen=True):
    """One `moof` and its `mdat`."""

    sequence: int
    track: int
    base: int
    """Decode time of the first sample."""
    samples: tuple[Sample, ...]

    @property
    def end(self) -> int:
        """Decode time behind the last sample."""
        return self.base + sum(sample.duration for sample in self.samples)


def read_fragments(data: bytes | memoryview) -> Iterator[Fragment]:
    """The fragments of a segment or a file, as this package writes them: one track and one run each.

    PeerError for anything else that calls itself a fragment."""
    boxes: dict[bytes, Box] = {}
    for box in walk(data):
        if box.kind == b"moof":
            boxes = {}
        boxes[box.kind] = box
        if box.kind == b"mdat" and b"moof" in boxes:
            yield _fragment(boxes, memoryview(data))
            boxes = {}


def _fragment(boxes: dict[bytes, Box], data: memoryview) -> Fragment:
    try:
        header, run = boxes[b"tfhd"].payload, boxes[b"trun"].payload
        sequence = int.from_bytes(boxes[b"mfhd"].payload[4:8], "big")
        wide = boxes[b"tfdt"].payload[0] == 1
        base = int.from_bytes(boxes[b"tfdt"].payload[4 : 12 if wide else 8], "big")
        defaults = _defaults(header)
        samples = _samples(run, base, defaults, data[boxes[b"moof"].offset :])
    except (KeyError, IndexError) as error:
        raise PeerError("malformed", f"a fragment lacks {error}") from None
    return Fragment(sequence, int.from_bytes(header[4:8], "big"), base, samples)


def _defaults(header: memoryview) -> tuple[int, int, int]:
    """Duration, size and flags of `tfhd`."""
    flags = int.from_bytes(header[1:4], "big")
    position = 8 + 8 * (flags & 1) + 4 * (flags >> 1 & 1)
    found = []
    for bit in (0x8, 0x10, 0x20):
        found.append(int.from_bytes(header[position : position + 4], "big") if flags & bit else 0)
        position += 4 if flags & bit else 0
    return found[0], found[1], found[2]


def _samples(
    run: memoryview, base: int, defaults: tuple[int, int, int], data: memoryview
) -> tuple[Sample, ...]:
    flags, count = int.from_bytes(run[1:4], "big"), int.from_bytes(run[4:8], "big")
    words = [bit for bit in (_DURATION, _SIZE, _FLAGS, _OFFSET) if flags & bit]
    position = 12 if flags & 1 else 8
    start = int.from_bytes(run[8:12], "big") if flags & 1 else 0
    first_flags = int.from_bytes(run[position : position + 4], "big") if flags & 4 else None
    position += 4 if flags & 4 else 0
    if count > _SAMPLES or position + 4 * len(words) * count > len(run):
        raise PeerError("malformed", f"a run of {count} samples does not fit its box")
    samples = []
    for index in range(count):
        values = dict(zip((_DURATION, _SIZE, _FLAGS), defaults, strict=True)) | {_OFFSET: 0}
        if index == 0 and first_flags is not None:
            values[_FLAGS] = first_flags
        for bit in words:
            values[bit] = int.from_bytes(run[position : position + 4], "big")
            position += 4
        end = start + values[_SIZE]
        if end > len(data):
            raise PeerError("malformed", "a sample reaches beyond the data")
        sync = not values[_FLAGS] & _IS_NON_SYNC
        payload = data[start:end].tobytes()
        samples.append(Sample(base, values[_DURATION], values[_OFFSET], sync, payload))
        base, start = base + values[_DURATION], end
    return tuple(samples)
