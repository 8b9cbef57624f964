"""Tags filters: every comparison, every way to join them, and what is refused."""

import pytest

from madang.base.errors import PeerError
from madang.base.limits import TAG_FILTER_NODES
from madang.protocols.centrifugo import tags
from madang.protocols.centrifugo.messages import FilterNode

TAGS = {"kind": "goal", "minute": "42", "league": "k1"}


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ('{"key":"kind","cmp":"eq","val":"goal"}', True),
        ('{"key":"kind","cmp":"neq","val":"goal"}', False),
        ('{"key":"none","cmp":"neq","val":"goal"}', True),
        ('{"key":"kind","cmp":"in","vals":["card","goal"]}', True),
        ('{"key":"kind","cmp":"nin","vals":["card","goal"]}', False),
        ('{"key":"none","cmp":"nin","vals":["a"]}', True),
        ('{"key":"kind","cmp":"ex"}', True),
        ('{"key":"none","cmp":"ex"}', False),
        ('{"key":"none","cmp":"nex"}', True),
        ('{"key":"kind","cmp":"sw","val":"go"}', True),
        ('{"key":"kind","cmp":"ew","val":"al"}', True),
        ('{"key":"kind","cmp":"ct","val":"oa"}', True),
        ('{"key":"kind","cmp":"ct","val":"x"}', False),
        ('{"key":"minute","cmp":"gt","val":"9"}', True),
        ('{"key":"minute","cmp":"gte","val":"42.0"}', True),
        ('{"key":"minute","cmp":"lt","val":"42"}', False),
        ('{"key":"minute","cmp":"lte","val":"42"}', True),
        ('{"key":"kind","cmp":"lt","val":"42"}', False),
        ('{"op":"and","nodes":[{"key":"kind","cmp":"ex"},{"key":"none","cmp":"ex"}]}', False),
        ('{"op":"or","nodes":[{"key":"kind","cmp":"ex"},{"key":"none","cmp":"ex"}]}', True),
        ('{"op":"not","nodes":[{"key":"none","cmp":"ex"}]}', True),
    ],
)
def test_a_filter(text: str, passes: bool) -> None:
    assert tags.matches(tags.parse(text), TAGS) is passes


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"key":"a"}',
        '{"key":"a","cmp":"like","val":"b"}',
        '{"cmp":"eq","val":"b"}',
        '{"key":"a","cmp":"in"}',
        '{"key":"a","cmp":"gt","val":"x"}',
        '{"key":"a","cmp":"gt","val":"NaN"}',
        '{"op":"xor","nodes":[{"key":"a","cmp":"ex"}]}',
        '{"op":"and"}',
        '{"op":"not","nodes":[{"key":"a","cmp":"ex"},{"key":"a","cmp":"ex"}]}',
    ],
)
def test_what_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(PeerError) as caught:
        tags.parse(text)
    assert caught.value.code == "107"


def test_width_and_depth_are_bounded() -> None:
    leaf = FilterNode(key="a", cmp="ex")
    with pytest.raises(PeerError):
        tags.check(FilterNode(op="and", nodes=(leaf,) * TAG_FILTER_NODES))
    for _ in range(40):
        leaf = FilterNode(op="not", nodes=(leaf,))
    with pytest.raises(PeerError):
        tags.check(leaf)


def test_equal_filters_are_one_key() -> None:
    text = '{"op":"and","nodes":[{"key":"a","cmp":"in","vals":["x"]}]}'
    assert hash(tags.parse(text)) == hash(tags.parse(text)) and tags.parse(text) == tags.parse(text)
