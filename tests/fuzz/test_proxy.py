"""Fuzz target of backends' answers: whatever comes, PeerError or an answer."""

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st
from tests.fuzz.test_centrifugo import mutated

from madang.base.errors import PeerError
from madang.protocols.centrifugo import proxy as p

CONNECT = (
    b'{"result":{"user":"5","expire_at":9,"info":{"a":1},"b64data":"WzFd","channels":["a"],'
    b'"subs":{"b":{"override":{"presence":{"value":true}},"server_tags_filter":{"key":"k"}}},"meta":null}}'
)
REFUSED = b'{"error":{"code":403,"message":"no","temporary":true},"disconnect":{"code":4501,"reason":"x"}}'


@given(st.binary(max_size=300) | mutated(CONNECT) | mutated(REFUSED))
def test_answers(body: bytes) -> None:
    for kind in (p.CONNECT, p.REFRESH, p.SUBSCRIBE, p.PUBLISH, p.RPC):
        with suppress(PeerError):
            answer = p.parse(kind, body)
            if isinstance(answer.result, p.ConnectResult):
                p.either(answer.result.info, answer.result.b64info)
