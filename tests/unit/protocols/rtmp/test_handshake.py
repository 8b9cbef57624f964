"""The plain handshake and both digests, seen from both ends."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import PeerError
from madang.protocols.rtmp.handshake import ENTROPY_BYTES, PACKET_BYTES, ClientHandshake, ServerHandshake

SERVER = random.Random(1).randbytes(ENTROPY_BYTES)
CLIENT = random.Random(2).randbytes(ENTROPY_BYTES)


def fed(handshake: ServerHandshake | ClientHandshake, data: bytes, step: int) -> bytes:
    return b"".join(handshake.receive(data[i : i + step]) for i in range(0, len(data), step))


@pytest.mark.parametrize("schema", [None, 0, 1])
@pytest.mark.parametrize("step", [1, 1000, 100_000])
def test_both_ends_agree(schema: int | None, step: int) -> None:
    server, client = ServerHandshake(SERVER), ClientHandshake(CLIENT, schema)
    c2 = fed(client, fed(server, client.begin(), step) + b"after S2", step)
    assert len(c2) == PACKET_BYTES
    fed(server, c2 + b"after C2", step)
    assert server.done and client.done
    assert (server.rest(), client.rest()) == (b"after C2", b"after S2")
    assert server.digest is (schema is not None)


@given(st.randoms(use_true_random=False), st.sampled_from([0, 1]))
def test_digests_hold_wherever_the_offset_points(rng: random.Random, schema: int) -> None:
    server = ServerHandshake(rng.randbytes(ENTROPY_BYTES))
    client = ClientHandshake(rng.randbytes(ENTROPY_BYTES), schema)
    client.receive(server.receive(client.begin()))
    assert server.digest and client.done


def test_plain_answer_echoes_c1() -> None:
    server, client = ServerHandshake(SERVER), ClientHandshake(CLIENT)
    hello = client.begin()
    answer = server.receive(hello)
    assert answer == b"\x03" + bytes(8) + SERVER + hello[1:]


def test_version_without_a_digest_gets_the_plain_answer() -> None:
    c1 = bytes(4) + b"\x09\x00\x7c\x02" + CLIENT
    server = ServerHandshake(SERVER)
    assert server.receive(b"\x03" + c1)[1 + PACKET_BYTES :] == c1
    assert not server.digest


def test_answer_comes_before_c2() -> None:
    server = ServerHandshake(SERVER)
    assert len(server.receive(ClientHandshake(CLIENT).begin())) == 1 + 2 * PACKET_BYTES
    assert not server.done


@pytest.mark.parametrize("first", [b"\x06", b"\x08", b"G", b"\x16", b"\x00"])
def test_other_protocols_are_refused_at_their_first_byte(first: bytes) -> None:
    with pytest.raises(PeerError):
        ServerHandshake(SERVER).receive(first)


def test_client_refuses_a_server_without_a_digest() -> None:
    client = ClientHandshake(CLIENT, 0)
    with pytest.raises(PeerError):
        client.receive(b"\x03" + bytes(2 * PACKET_BYTES))


def test_client_refuses_another_version() -> None:
    with pytest.raises(PeerError):
        ClientHandshake(CLIENT).receive(b"H")
