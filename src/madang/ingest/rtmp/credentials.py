"""Where the channel's name and the stream key stand in what an encoder was given."""

from typing import NamedTuple

from madang.base.secret import Secret
from madang.protocols.rtmp.address import Address

_KEY_PARAMETERS = ("key", "pass", "password", "token", "streamkey", "psk")


class Credentials(NamedTuple):
    """A channel's name, or empty where the key stands in its place, and the key."""

    name: str
    key: Secret


def read_credentials(address: Address) -> Credentials:
    """`/live/<key>`, or `/live/<name>` with the key in `key`, `pass` (with or without `user`) or `token`.

    With such a parameter and no name in the path, `user` is the name.
    """
    key = address.parameter(*_KEY_PARAMETERS)
    if key:
        return Credentials(address.name or address.parameter("user", "name"), Secret(key))
    return Credentials("", Secret(address.name))
