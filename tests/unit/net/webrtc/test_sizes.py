"""Sizes of a picture: told as JSON, and chosen by JSON of any shape."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import PeerError
from madang.net.webrtc.sizes import BEST, Size, choose, listed


class Picture:
    """A viewer who has the choice between two."""

    mid = "0"

    def __init__(self) -> None:
        self.picked: list[str] = []

    def sizes(self) -> list[Size]:
        return [Size(BEST, 1280, 720), Size("q", 320, 180)]

    def pick(self, size: str) -> bool:
        self.picked.append(size)
        return size in ("", BEST, "q")


def test_they_are_listed_by_media_section() -> None:
    assert json.loads(listed(Picture())) == {
        "0": {
            "active": [
                {"id": "best", "width": 1280, "height": 720},
                {"id": "q", "width": 320, "height": 180},
            ],
            "inactive": [],
        }
    }


@pytest.mark.parametrize(
    ("body", "picked"),
    [
        (b'{"mediaId":"0","encodingId":"q"}', "q"),
        (b'{"encodingId":"best"}', "best"),
        (b'{"mediaId":"0"}', ""),
        (b'{"encodingId":"q","spatialLayerId":1,"temporalLayerId":2}', "q"),
    ],
)
def test_one_is_chosen(body: bytes, picked: str) -> None:
    picture = Picture()
    choose(picture, body)
    assert picture.picked == [picked]


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b'{"encodingId":5}', b'{"mediaId":"7","encodingId":"q"}', b'{"encodingId":"x"}', b"[" * 900],
)
def test_what_is_no_choice_is_told(body: bytes) -> None:
    with pytest.raises(PeerError) as caught:
        choose(Picture(), body)
    assert caught.value.code == "unprocessable" and caught.value.told


@given(st.binary(max_size=1024))
def test_any_bytes(body: bytes) -> None:
    try:
        choose(Picture(), body)
    except PeerError:
        return
