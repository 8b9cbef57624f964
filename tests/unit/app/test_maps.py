"""What the options of maps may say together."""

import pytest
from pydantic import ValidationError

from madang.app.realtime import Realtime

CLIENTS = {"subscription_type": "map_clients", "map": {"mode": "recoverable", "key_ttl_s": 60}}


def of(**told: object) -> Realtime:
    return Realtime.model_validate({"namespaces": {"board": {"subscription_type": "map", **told}}})


@pytest.mark.parametrize(
    "options",
    [
        {"mode": "ephemeral", "key_ttl_s": 60},
        {"mode": "recoverable", "key_ttl_s": 30, "stream_size": 200, "stream_ttl_s": 120, "meta_ttl_s": 120},
        {"mode": "recoverable", "key_ttl_s": 30, "meta_ttl_s": 60},
        {"mode": "persistent"},
        {"mode": "persistent", "default_page_size": 10, "min_page_size": 1, "client_key": "user_id"},
    ],
)
def test_good_options(options: dict[str, object]) -> None:
    found = of(map=options).namespaces["board"]
    assert found.is_map and found.map.mode == options["mode"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "mode is ephemeral, recoverable or persistent"),
        ({"mode": "other"}, "mode"),
        ({"mode": "ephemeral"}, "key_ttl_s is needed"),
        ({"mode": "recoverable"}, "key_ttl_s is needed"),
        ({"mode": "persistent", "key_ttl_s": 60}, "keys of persistent maps stay"),
        ({"mode": "ephemeral", "key_ttl_s": 60, "stream_size": 9}, "ephemeral maps keep no changes"),
        ({"mode": "persistent", "meta_ttl_s": 30}, "meta_ttl_s is at least stream_ttl_s"),
        ({"mode": "persistent", "min_page_size": 2000}, "pages have 1 to 1000 entries"),
        ({"mode": "persistent", "max_page_size": 50}, "min_page_size is above max_page_size"),
        ({"mode": "persistent", "subscribe_catch_up_timeout_s": 90}, "at most 60"),
        ({"mode": "persistent", "stream_size": 10**7}, "stream_size is at most"),
        ({"mode": "persistent", "frob": 1}, "frob"),
        (
            {"mode": "persistent", "publish_proxy_name": "x"},
            "board.map.publish_proxy_name: there is no proxy x",
        ),
        (
            {"mode": "persistent", "client_key": "user_id", "remove_proxy_name": "x"},
            "a proxy decides about keys",
        ),
    ],
)
def test_bad_options(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        of(map=options)


def test_who_is_there_is_told_to_a_map_and_often_enough() -> None:
    def game(prefix: str, **more: object) -> Realtime:
        told = {"game": {"map_clients_presence_channel_prefix": prefix}, "clients": CLIENTS, **more}
        return Realtime.model_validate({"namespaces": told, "presence_s": 60})

    assert game("clients:").namespaces["game"].map_clients_presence_channel_prefix == "clients:"
    for prefix in ("nowhere:", "game:", "clients"):
        with pytest.raises(ValidationError, match="there is no namespace of maps"):
            game(prefix)
    with pytest.raises(ValidationError, match="at least half of presence_s"):
        game("clients:", clients={**CLIENTS, "map": {"mode": "recoverable", "key_ttl_s": 20}})
    with pytest.raises(ValidationError, match="nobody is there for ever"):
        game("clients:", clients={"subscription_type": "map_clients", "map": {"mode": "persistent"}})
    with pytest.raises(ValidationError, match="the subscription_type is no map"):
        game("clients:", other={"map": {"remove_client_on_unsubscribe": True}})
