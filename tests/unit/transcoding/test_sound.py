"""MP3 becomes AAC: times are counted in samples, and corrected where the publisher's times say otherwise."""

from array import array
from collections.abc import Iterable

import av
import pytest
from av.audio.codeccontext import AudioCodecContext
from tests.harness.mp3 import tone, track

from madang.codecs import aac
from madang.media.frame import Frame
from madang.media.track import Codec, Track
from madang.transcoding.sound import Sound, track_of

BEGIN = 100_000


def sound_of(frames: list[bytes]) -> tuple[Sound, Track, Track]:
    source = track(frames)
    made = track_of(source, Codec.AAC)
    assert made is not None
    return Sound(source, made), source, made


def convert(sound: Sound, frames: Iterable[bytes], step: int, begin: int = BEGIN) -> list[Frame]:
    made = []
    for index, payload in enumerate(frames):
        at = begin + index * step
        made += sound.convert(Frame(2, at, at, True, payload))
    return made


def listen(frames: Iterable[Frame], made: Track) -> tuple[int, "array[float]"]:
    """When decoded sound begins, and its first channel, by the real decoder."""
    decoder = AudioCodecContext.create("aac", "r")
    assert isinstance(decoder, AudioCodecContext)
    decoder.extradata = made.config
    heard: array[float] = array("f")
    begin = -1
    for frame in frames:
        begin = frame.dts if begin < 0 else begin
        for each in decoder.decode(av.Packet(bytes(frame.payload))):
            assert (each.sample_rate, each.layout.nb_channels) == (made.sample_rate, made.channels)
            heard.frombytes(bytes(each.planes[0])[: 4 * each.samples])
    return begin, heard


def onset(heard: "array[float]") -> int:
    """The first loud sample."""
    return next(index for index, level in enumerate(heard) if abs(level) > 0.02)


@pytest.mark.parametrize(
    ("rate", "channels"), [(48_000, 2), (44_100, 2), (32_000, 1), (22_050, 2), (11_025, 1), (8000, 1)]
)
def test_every_rate_comes_out_whole(rate: int, channels: int) -> None:
    frames = tone(1.5, rate, channels)
    sound, source, made = sound_of(frames)
    assert (made.codec, made.id, made.timescale, made.frame_samples) == (Codec.AAC, 2, rate, 1024)
    assert aac.parse_config(made.config).channels == channels
    steady = convert(sound, frames, source.frame_samples)
    out = [*steady, *sound.flush()]
    assert [frame.dts for frame in out] == list(range(BEGIN, BEGIN + 1024 * len(out), 1024))
    whole = len(frames) * source.frame_samples
    assert 0 <= 1024 * len(out) - whole < 1024 + source.frame_samples
    assert whole - 1024 * len(steady) <= 3 * 1024 + source.frame_samples
    begin, heard = listen(out, made)
    assert begin == BEGIN
    assert len(heard) == 1024 * len(out)


def test_the_sound_stays_at_its_time() -> None:
    rate, step = 48_000, 1152
    frames = [*tone(1, rate, silent=True), *tone(1, rate)]
    sound, source, made = sound_of(frames)
    _, heard = listen([*convert(sound, frames, step), *sound.flush()], made)
    decoder = AudioCodecContext.create("mp3float", "r")
    plain: array[float] = array("f")
    for payload in frames:
        for each in decoder.decode(av.Packet(payload)):
            plain.frombytes(bytes(each.planes[0])[: 4 * each.samples])
    assert abs(onset(heard) - onset(plain)) < 64


def test_an_hour_of_rounded_times_does_not_drift() -> None:
    """Times that creep ahead of the samples are met again and again, by silence shorter than is heard."""
    frames = tone(1.2)
    sound, source, made = sound_of(frames)
    out: list[Frame] = []
    at = BEGIN
    for index in range(1500):
        at += source.frame_samples + 2
        out += sound.convert(Frame(2, at, at, True, frames[index % len(frames)]))
        if index > 10:
            assert 0 <= at - out[-1].dts < 0.13 * made.sample_rate
    assert {after.dts - before.dts for before, after in zip(out, out[1:], strict=False)} == {1024}


def test_times_that_fall_behind_leave_samples_out() -> None:
    frames = tone(1.2)
    sound, source, made = sound_of(frames)
    out: list[Frame] = []
    at = BEGIN
    for index in range(1500):
        at += source.frame_samples - 2
        out += sound.convert(Frame(2, at, at, True, frames[index % len(frames)]))
        if index > 10:
            assert 0 <= at - out[-1].dts < 0.13 * made.sample_rate
    assert {after.dts - before.dts for before, after in zip(out, out[1:], strict=False)} == {1024}


def test_lost_frames_are_silence_and_a_long_hole_stays_one() -> None:
    frames = tone(1)
    sound, source, made = sound_of(frames)
    step = source.frame_samples
    first = convert(sound, frames[:10], step)
    later = convert(sound, frames[20:30], step, BEGIN + 20 * step)
    out = first + later
    assert {after.dts - before.dts for before, after in zip(out, out[1:], strict=False)} == {1024}
    far = BEGIN + 30 * step + 5 * made.sample_rate
    out = [*later, *convert(sound, frames[:10], step, far), *sound.flush()]
    steps = {after.dts - before.dts for before, after in zip(out, out[1:], strict=False)}
    leap = max(steps)
    assert steps == {1024, leap}
    assert leap == pytest.approx(5 * made.sample_rate, abs=2 * 1024)
    assert all(after.dts > before.dts for before, after in zip(out, out[1:], strict=False))


def test_broken_frames_are_counted_and_leave_silence() -> None:
    frames = tone(1)
    sound, source, made = sound_of(frames)
    broken = [*frames[:10], b"", b"no sound at all", frames[12][:5], *frames[13:]]
    out = convert(sound, broken, source.frame_samples)
    assert sound.failures > 0
    assert {after.dts - before.dts for before, after in zip(out, out[1:], strict=False)} == {1024}


def test_a_publisher_may_change_rate_and_channels() -> None:
    frames = tone(1)
    sound, source, made = sound_of(frames)
    step = source.frame_samples
    out = convert(sound, frames, step)
    other = tone(1, 48_000, 1)
    out += convert(sound, other, step, BEGIN + len(frames) * step)
    out += sound.flush()
    listen(out, made)
    assert all(after.dts > before.dts for before, after in zip(out, out[1:], strict=False))
    assert out[-1].dts - BEGIN == pytest.approx((len(frames) + len(other)) * step, rel=0.1)


def test_behind_a_flush_it_begins_anew() -> None:
    frames = tone(1)
    sound, source, made = sound_of(frames)
    assert sound.flush() == []
    convert(sound, frames, source.frame_samples)
    assert sound.flush()
    assert sound.flush() == []
    again = convert(sound, frames, source.frame_samples, 7_000_000)
    assert again[0].dts == 7_000_000


@pytest.mark.parametrize(("rate", "channels"), [(44_100, 2), (48_000, 1), (22_050, 2)])
def test_there_is_a_way_from_aac_to_opus_and_back(rate: int, channels: int) -> None:
    frames = [*tone(0.6, rate, channels, silent=True), *tone(0.6, rate, channels)]
    to_aac, source, coded = sound_of(frames)
    steady = [*convert(to_aac, frames, source.frame_samples, 0), *to_aac.flush()]
    plain = onset(listen(steady, coded)[1]) / rate
    opus = track_of(coded, Codec.OPUS)
    assert opus is not None
    assert (opus.timescale, opus.channels, opus.id) == (48_000, channels, 2)
    to_opus = Sound(coded, opus)
    packets = [each for frame in steady for each in to_opus.convert(frame)]
    packets += to_opus.flush()
    steps = [after.dts - before.dts for before, after in zip(packets[1:], packets[2:], strict=False)]
    assert set(steps) == {960} and packets[0].dts == 0
    back = track_of(opus, Codec.AAC)
    assert back is not None and back.sample_rate == 48_000
    again = Sound(opus, back)
    heard = [each for frame in packets for each in again.convert(frame)]
    begin, samples = listen([*heard, *again.flush()], back)
    assert not to_opus.failures and not again.failures
    assert begin == pytest.approx(0, abs=960)
    # What Opus and AAC look ahead: 6.5 ms each way.
    assert onset(samples) / 48_000 == pytest.approx(plain, abs=0.03)


def test_what_cannot_be_made_is_not_promised() -> None:
    source = track(tone(0.1))
    assert track_of(source, Codec.MP3) is None
    assert track_of(source, Codec.VP8) is None
    made = track_of(source, Codec.AAC)
    assert made is not None
    assert track_of(made, Codec.AAC) is None
