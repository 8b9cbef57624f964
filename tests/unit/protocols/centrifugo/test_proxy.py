"""What backends are asked and answer, byte for byte."""

import json
from typing import Any

import pytest
from msgspec import Raw

from madang.base.errors import PeerError
from madang.protocols.centrifugo import proxy as p

ABOUT = {"client": "c1", "transport": "websocket", "protocol": "json", "encoding": "json"}
HEAD = '"client":"c1","transport":"websocket","protocol":"json","encoding":"json"'


@pytest.mark.parametrize(
    ("call", "written"),
    [
        (p.ConnectCall(**ABOUT), f"{{{HEAD}}}"),
        (
            p.ConnectCall(**ABOUT, name="web", version="1", data=Raw(b"[1]"), channels=("a",)),
            f'{{{HEAD},"name":"web","version":"1","data":[1],"channels":["a"]}}',
        ),
        (p.RefreshCall(**ABOUT, user="5"), f'{{{HEAD},"user":"5"}}'),
        (
            p.SubscribeCall(**ABOUT, user="", channel="a", meta=Raw(b'{"m":1}')),
            f'{{{HEAD},"user":"","meta":{{"m":1}},"channel":"a"}}',
        ),
        (
            p.PublishCall(**ABOUT, user="5", channel="a", b64data="AA=="),
            f'{{{HEAD},"user":"5","channel":"a","b64data":"AA=="}}',
        ),
        (p.SubRefreshCall(**ABOUT, user="5", channel="a"), f'{{{HEAD},"user":"5","channel":"a"}}'),
        (
            p.RpcCall(**ABOUT, user="5", method="m", data=Raw(b"1")),
            f'{{{HEAD},"user":"5","method":"m","data":1}}',
        ),
    ],
)
def test_questions(call: p.Call, written: str) -> None:
    assert p.encode(call).decode() == written
    assert json.loads(written)["client"] == "c1"


def test_an_answer_with_everything() -> None:
    body = {
        "result": {
            "user": "56",
            "expire_at": 1565436268,
            "info": {"name": "Ann"},
            "b64data": "AAE=",
            "channels": ["a"],
            "subs": {"b": {"data": [1], "override": {"presence": {"value": False}}, "expire_at": 7}},
            "meta": {"m": 1},
            "caps": [{"channels": ["x"], "allow": ["sub"]}],
        }
    }
    answer = p.parse(p.CONNECT, json.dumps(body).encode())
    found = answer.result
    assert found is not None and answer.error is answer.disconnect is None
    assert (found.user, found.expire_at, found.channels) == ("56", 1565436268, ("a",))
    assert json.loads(p.either(found.info, found.b64info)) == {"name": "Ann"}
    assert p.either(found.data, found.b64data) == b"\x00\x01"
    assert json.loads(p.present(found.meta)) == {"m": 1}
    assert found.subs is not None
    sub = found.subs["b"]
    assert sub.override is not None and sub.override.presence == p.Told(False)
    assert sub.override.join_leave is None and sub.expire_at == 7


@pytest.mark.parametrize("body", [b"", b"{}", b'{"result":null,"error":null,"disconnect":null}', b'{"x":1}'])
def test_answers_that_say_nothing(body: bytes) -> None:
    assert p.parse(p.RPC, body) == p.Answer()


def test_nulls_are_absent() -> None:
    found = p.parse(p.PUBLISH, b'{"result":{"data":null,"b64data":null,"skip_history":null,"tags":null}}')
    assert found.result is not None
    assert p.either(found.result.data, found.result.b64data) == b""


def test_refusals() -> None:
    found = p.parse(p.SUBSCRIBE, b'{"error":{"code":403,"message":"no","temporary":true}}')
    assert found.error == p.Error(403, "no", True)
    ended = p.parse(p.SUBSCRIBE, b'{"disconnect":{"code":4501,"reason":"bye"}}')
    assert ended.disconnect == p.Disconnect(4501, "bye")


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"nonsense",
        b"\xff",
        b'{"result":5}',
        b'{"result":{"expire_at":"soon"}}',
        b'{"error":{}}',
        b'{"error":{"code":0}}',
        b'{"error":{"code":4294967296}}',
        b'{"disconnect":{"code":1000}}',
        b'{"disconnect":{"code":5000}}',
        b'{"result":{"info":' + b"[" * 40 + b"]" * 40 + b"}}",
        b'{"result":{"info":"\xff"}}',
    ],
)
def test_what_is_no_answer(body: bytes) -> None:
    with pytest.raises(PeerError) as caught:
        p.parse(p.REFRESH, body)
    assert caught.value.code == "answer"


def test_bad_base_64() -> None:
    with pytest.raises(PeerError):
        p.either(Raw(b""), "no base 64")


def test_answers_in_pieces() -> None:
    """Cut anywhere, an answer is refused and nothing else."""
    whole: dict[str, Any] = {"result": {"user": "5", "info": {"a": "b"}}}
    body = json.dumps(whole).encode()
    for end in range(1, len(body)):
        with pytest.raises(PeerError):
            p.parse(p.CONNECT, body[:end])
