"""JSON on the wire, letter by letter."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import PeerError
from madang.base.limits import JSON_DEPTH
from madang.protocols.centrifugo import codes, text
from madang.protocols.centrifugo.messages import (
    NONE,
    ClientInfo,
    Command,
    ConnectResult,
    DisconnectPush,
    Error,
    HistoryResult,
    JoinLeave,
    PresenceResult,
    PresenceStatsResult,
    Push,
    Reply,
    RpcResult,
    SubscribeResult,
    Unsubscribe,
    raw,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)


def only(message: str) -> Command:
    (command,) = text.parse_commands(message)
    return command


def test_commands_are_lines_and_a_last_line_break_is_allowed() -> None:
    found = list(text.parse_commands('{"id":1,"connect":{}}\n{"id":2,"rpc":{"method":"m","data":[1]}}\n'))
    assert [command.id for command in found] == [1, 2]
    assert found[0].connect is not None and found[0].rpc is None
    assert found[1].rpc is not None and bytes(found[1].rpc.data) == b"[1]"


def test_an_empty_command_is_a_pong() -> None:
    assert only("{}") == Command()


def test_unknown_fields_are_ignored() -> None:
    command = only('{"id":7,"subscribe":{"channel":"a","new":{"x":1},"flag":1},"later":true}')
    assert command.subscribe is not None and command.subscribe.channel == "a" and command.subscribe.flag == 1


@pytest.mark.parametrize(
    "message",
    [
        "",
        "\n",
        "x",
        "[]",
        '"a"',
        "{}\n\n{}",
        '{"id":"1"}',
        '{"id":1,"connect":[]}',
        '{"id":1,"rpc":{"data":NaN}}',
        '{"id":1,"rpc":{"data":}}',
        '{"id":1,"subscribe":{"channel":5}}',
        '{"id":1,"rpc":{"data":' + "[" * 40 + "]" * 40 + "}}",
        '{"id":1,"rpc":{"data":' + '{"a":' * 50_000 + "1" + "}" * 50_000 + "}}",
        '{"id":1,"history":{"channel":"a","limit":' + "9" * 5000 + "}}",
        '{"id":1,"subscribe":{"channel":"\\ud800"}}',
        "{",
        '{"id":1',
        "\x00",
    ],
)
def test_what_is_no_command_is_a_bad_request(message: str) -> None:
    with pytest.raises(PeerError) as caught:
        list(text.parse_commands(message))
    assert caught.value.code == "3501"


def test_depth_counts_brackets_outside_of_texts() -> None:
    assert not text.is_deep(b"[" * JSON_DEPTH + b"]" * JSON_DEPTH)
    assert text.is_deep(b"[" * (JSON_DEPTH + 1))
    assert not text.is_deep(b'"' + b"[" * 1000 + b'"')
    assert not text.is_deep(b'"\\"' + b"[" * 1000 + b'"')
    assert not text.is_deep(b"[]" * 1000)
    assert not text.is_deep(b'"' + b'\\"[' * 20_000)  # a text that never ends is looked at once


@given(JSON)
def test_depth_is_that_of_the_value(value: object) -> None:
    assert not text.is_deep(json.dumps(value).encode())
    assert text.is_deep(b"[" * JSON_DEPTH + b"[" + json.dumps(value).encode() + b"]" * (JSON_DEPTH + 1))


@given(JSON)
def test_one_line_is_the_same_value_without_line_breaks(value: object) -> None:
    line = text.one_line(json.dumps(value, indent=2).encode())
    assert b"\n" not in line and json.loads(line) == value


def test_is_json_and_is_object() -> None:
    assert text.is_json(b' {"a":[1,null]} ') and text.is_json(b"5") and text.is_object(b' {"a":1}')
    bad = (b"", b"{", b"\x00", b"1 2", b"{}x", b"\xff", b'"\xff"', b"[" * 90 + b"]" * 90)
    assert not any(map(text.is_json, bad))
    assert not text.is_object(b"[1]") and not text.is_object(b"{")


@pytest.mark.parametrize(
    ("reply", "wire"),
    [
        (Reply(), b"{}"),
        (
            Reply(3, error=Error(108, "not available")),
            b'{"id":3,"error":{"code":108,"message":"not available"}}',
        ),
        (
            Reply(1, error=Error(100, "internal server error", True)),
            b'{"id":1,"error":{"code":100,"message":"internal server error","temporary":true}}',
        ),
        (
            Reply(1, connect=ConnectResult("c1", "0.1", ping=25, pong=True, expires=True, ttl=3600)),
            b'{"id":1,"connect":{"client":"c1","version":"0.1","expires":true,"ttl":3600,"ping":25,"pong":true}}',
        ),
        (
            Reply(2, subscribe=SubscribeResult(recoverable=True, positioned=True, epoch="kQ", offset=41)),
            b'{"id":2,"subscribe":{"recoverable":true,"epoch":"kQ","offset":41,"positioned":true}}',
        ),
        (Reply(5, rpc=RpcResult(raw(b'{"a":1}'))), b'{"id":5,"rpc":{"data":{"a":1}}}'),
        (Reply(5, rpc=RpcResult(raw(b""))), b'{"id":5,"rpc":{}}'),
        (
            Reply(4, presence=PresenceResult({"c1": ClientInfo("", "c1")})),
            b'{"id":4,"presence":{"presence":{"c1":{"user":"","client":"c1"}}}}',
        ),
        (
            Reply(4, presence_stats=PresenceStatsResult(0, 0)),
            b'{"id":4,"presence_stats":{"num_clients":0,"num_users":0}}',
        ),
        (
            Reply(4, history=HistoryResult(text.list_publications([]), "", 0)),
            b'{"id":4,"history":{"publications":[],"epoch":"","offset":0}}',
        ),
    ],
)
def test_replies_leave_defaults_out_but_for_those_that_say_something(reply: Reply, wire: bytes) -> None:
    assert text.encode_reply(reply) == wire


def test_pushes() -> None:
    unsubscribe = Push("room:9", unsubscribe=Unsubscribe(*codes.SERVER_UNSUBSCRIBE))
    assert (
        text.encode_push(unsubscribe)
        == b'{"push":{"channel":"room:9","unsubscribe":{"code":2000,"reason":"server unsubscribe"}}}'
    )
    join = Push("r", join=JoinLeave(ClientInfo("u", "c", raw(b'{"n":1}'), NONE)))
    assert (
        text.encode_bare_push(join)
        == b'{"channel":"r","join":{"info":{"user":"u","client":"c","conn_info":{"n":1}}}}'
    )
    assert (
        text.encode_bare_push(Push(disconnect=DisconnectPush(3001, "shutdown", True)))
        == b'{"disconnect":{"code":3001,"reason":"shutdown","reconnect":true}}'
    )


def test_publications() -> None:
    info = text.encode_info("u7", "c", b"", b"")
    publication = text.encode_publication(b'{"t":"hi"}', info, 42, {"k": "é"})
    assert (
        text.encode_publication_push("room:9", publication).decode()
        == '{"push":{"channel":"room:9","pub":{"data":{"t":"hi"},"info":{"user":"u7","client":"c"},'
        '"offset":42,"tags":{"k":"é"}}}}'
    )
    assert text.encode_publication(b"1", b"", 0, {}) == b'{"data":1}'
    delta = text.encode_publication(text.quote(b"3\n3:abc0;"), b"", 2, {}, delta=True)
    assert delta == b'{"data":"3\\n3:abc0;","offset":2,"delta":true}'
    assert text.encode_bare_publication_push('a"b', b"{}") == b'{"channel":"a\\"b","pub":{}}'
    listed = msgspec.json.encode(text.list_publications([publication, publication]))
    assert len(json.loads(listed)) == 2


def test_framing() -> None:
    assert text.line(b"{}") == b"{}\n" and text.event(b"{}") == b"data: {}\n\n"


def test_emulation() -> None:
    body = b'{"session":"S","node":"N","data":"{\\"id\\":2}\\n{}"}'
    assert text.parse_emulation(body) == ("N", "S", b'{"id":2}\n{}')
    for bad in (b"", b"{", b'{"node":1}', b'{"data":"\\ud800"}', b"\xff"):
        with pytest.raises(PeerError) as caught:
            text.parse_emulation(bad)
        assert caught.value.code == "400"


def test_who_comes_back() -> None:
    assert [codes.reconnects(n) for n in (2999, 3000, 3499, 3500, 3999, 4000, 4499, 4500, 4999, 5000)] == (
        [True, True, True, False, False, True, True, False, False, True]
    )
