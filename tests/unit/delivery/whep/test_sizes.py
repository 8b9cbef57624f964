"""Which sizes a viewer is offered, and what choosing one does."""

from typing import Any

import msgspec
import pytest
from tests.harness.broadcast import VIDEO

from madang.delivery.whep.play import WhepViewer
from madang.hub.layer import Layer
from madang.media.track import Codec
from madang.net.webrtc.sizes import BEST, Size

SMALL = msgspec.structs.replace(VIDEO, width=320, height=180)


class Stage:
    """A stream with its layers, and a viewer of it."""

    def __init__(self, codec: Codec = Codec.H264) -> None:
        self.tracks = (VIDEO,)
        self.layers = {rid: Layer(rid, lambda at_s: 0.0, lambda: None) for rid in ("h", "q")}
        self.layers["q"].track = SMALL
        self.resized: list[Layer | None] = []
        anyone: Any = None
        self.viewer = WhepViewer(anyone, self, anyone, anyone, self.resize)  # type: ignore[arg-type]
        self.viewer.picture = (anyone, codec)

    def resize(self, viewer: WhepViewer, layer: Layer | None) -> None:
        viewer.layer = layer
        self.resized.append(layer)


def test_those_that_come_are_offered() -> None:
    stage = Stage()
    assert stage.viewer.sizes() == [Size(BEST, VIDEO.width, VIDEO.height), Size("q", 320, 180)]
    stage.layers["h"].track = VIDEO
    assert [each.id for each in stage.viewer.sizes()] == [BEST, "h", "q"]


def test_a_picture_that_is_made_anew_has_one_size() -> None:
    assert [each.id for each in Stage(Codec.AV1).viewer.sizes()] == [BEST]


def test_a_choice_holds_until_it_is_taken_back() -> None:
    stage = Stage()
    viewer = stage.viewer
    assert viewer.pick("q") and viewer.layer is stage.layers["q"] and viewer.pace is None
    assert viewer.pick("q") and len(stage.resized) == 1
    assert viewer.pick(BEST) and viewer.layer is None and viewer.pace is None
    assert viewer.pick("") and viewer.pace is not None


@pytest.mark.parametrize("size", ["h", "x"])
def test_what_does_not_come_cannot_be_chosen(size: str) -> None:
    stage = Stage()
    assert not stage.viewer.pick(size) and not stage.resized


def test_without_a_picture_there_is_no_choice() -> None:
    viewer = Stage().viewer
    viewer.picture = None
    assert viewer.sizes() == [] and not viewer.pick("")
