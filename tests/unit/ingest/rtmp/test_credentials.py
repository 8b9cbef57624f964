"""Which name and which key an encoder means."""

import pytest

from madang.ingest.rtmp.credentials import read_credentials
from madang.protocols.rtmp.address import locate
from madang.protocols.rtmp.command import Connect


@pytest.mark.parametrize(
    ("tc_url", "name", "expected"),
    [
        ("rtmp://h/live", "KEY", ("", "KEY")),
        ("rtmp://h/app/instance", "KEY", ("", "KEY")),
        ("rtmp://h/live", "yuna?key=KEY", ("yuna", "KEY")),
        ("rtmp://h/live", "yuna?user=u&pass=KEY", ("yuna", "KEY")),
        ("rtmp://h/live", "yuna?token=KEY", ("yuna", "KEY")),
        ("rtmp://h/live?token=KEY", "yuna", ("yuna", "KEY")),
        ("rtmp://h/live?user=yuna&pass=KEY", "", ("yuna", "KEY")),
        ("rtmp://yuna:KEY@h/live", "", ("yuna", "KEY")),
        ("rtmp://h/live/yuna?key=KEY", "", ("yuna", "KEY")),
        ("rtmp://h/live", "KEY \0", ("", "KEY")),
        ("rtmp://h/live", "", ("", "")),
    ],
)
def test_name_and_key(tc_url: str, name: str, expected: tuple[str, str]) -> None:
    connect = Connect(app=tc_url.partition("://h/")[2], tc_url=tc_url)
    found = read_credentials(locate(connect, name))
    assert (found.name, found.key.reveal()) == expected


def test_key_is_not_shown() -> None:
    assert "KEY" not in repr(read_credentials(locate(Connect(app="live"), "KEY")))
