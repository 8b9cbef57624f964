"""Filters over a publication's tags: checked once when they come, evaluated once per filter and
publication."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Final

import msgspec

from madang.base.errors import PeerError
from madang.base.limits import JSON_DEPTH, TAG_FILTER_NODES
from madang.protocols.centrifugo.messages import FilterNode

_NUMBERS: Final = frozenset(("lt", "lte", "gt", "gte"))
_PLAIN: Final = frozenset(("eq", "neq", "sw", "ew", "ct")) | _NUMBERS
_SETS: Final = frozenset(("in", "nin"))
_BARE: Final = frozenset(("ex", "nex"))
_NODE: Final = msgspec.json.Decoder(FilterNode)


def parse(text: str) -> FilterNode:
    """A filter from JSON. Raises PeerError "107"."""
    try:
        node = _NODE.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise PeerError("107", f"bad filter: {error}") from None
    check(node)
    return node


def check(node: FilterNode) -> None:
    """Raises PeerError "107" for a filter that means nothing, or too much."""
    if _count(node, 0) > TAG_FILTER_NODES:
        raise PeerError("107", f"filter has more than {TAG_FILTER_NODES} nodes")


def _count(node: FilterNode, depth: int) -> int:
    if depth > JSON_DEPTH:
        raise PeerError("107", "filter is nested too deeply")
    if node.op == "":
        _check_leaf(node)
        return 1
    if node.op not in ("and", "or", "not"):
        raise PeerError("107", "filter has an unknown operation")
    if not node.nodes or (node.op == "not" and len(node.nodes) != 1):
        raise PeerError("107", f"filter's {node.op} has a wrong number of nodes")
    return 1 + sum(_count(inner, depth + 1) for inner in node.nodes)


def _check_leaf(node: FilterNode) -> None:
    if not node.key:
        raise PeerError("107", "filter's leaf has no key")
    if node.cmp in _SETS:
        good = bool(node.vals) and len(node.vals) <= TAG_FILTER_NODES
    elif node.cmp in _NUMBERS:
        good = _decimal(node.val) is not None
    else:
        good = node.cmp in _PLAIN or node.cmp in _BARE
    if not good:
        raise PeerError("107", "filter compares in an unknown way, or with nothing")


def matches(node: FilterNode, tags: Mapping[str, str]) -> bool:
    """Whether a publication with these tags passes a filter that was checked."""
    if node.op == "":
        return _leaf(node, tags.get(node.key))
    if node.op == "and":
        return all(matches(inner, tags) for inner in node.nodes)
    if node.op == "or":
        return any(matches(inner, tags) for inner in node.nodes)
    return not matches(node.nodes[0], tags)


def _leaf(node: FilterNode, value: str | None) -> bool:
    compare = node.cmp
    if value is None:
        return compare in ("neq", "nin", "nex")
    if compare in ("eq", "neq"):
        return (value == node.val) == (compare == "eq")
    if compare in _SETS:
        return (value in node.vals) == (compare == "in")
    if compare in _BARE:
        return compare == "ex"
    if compare == "sw":
        return value.startswith(node.val)
    if compare == "ew":
        return value.endswith(node.val)
    if compare == "ct":
        return node.val in value
    return _compare(compare, value, node.val)


def _compare(compare: str, value: str, bound: str) -> bool:
    left, right = _decimal(value), _decimal(bound)
    if left is None or right is None:
        return False
    if compare == "lt":
        return left < right
    if compare == "lte":
        return left <= right
    return left > right if compare == "gt" else left >= right


def _decimal(text: str) -> Decimal | None:
    if len(text) > 40:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
