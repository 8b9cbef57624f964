"""Keys that come and go with a subscription: who is there as a map, and what a client leaves behind."""

from collections.abc import Sequence
from typing import NamedTuple

from madang.realtime.channel import ChannelOptions
from madang.realtime.gate import Caller
from madang.realtime.maps import KeyKept, KeyOptions, RetentionOf
from madang.realtime.publication import ClientInfo


class OwnKey(NamedTuple):
    """One key of a map."""

    channel: str
    key: str
    info: ClientInfo | None
    stays: bool
    """It is told again and again while the subscription lasts."""
    leaves: bool
    """It goes when the subscription ends; else its time runs out."""


def keys_of(caller: Caller, channel: str, options: ChannelOptions, chan_info: bytes) -> Sequence[OwnKey]:
    """The keys of a subscription; nearly always none."""
    clients, users = options.map_clients_presence_channel_prefix, options.map_users_presence_channel_prefix
    removes = options.is_map and options.map.remove_client_on_unsubscribe
    if not (clients or users or removes):
        return ()
    found: list[OwnKey] = []
    if clients:
        info = ClientInfo(caller.user, caller.client, caller.info, chan_info)
        found.append(OwnKey(clients + channel, caller.client, info, stays=True, leaves=True))
    if users and caller.user:
        found.append(OwnKey(users + channel, caller.user, None, stays=True, leaves=False))
    if removes:
        found.append(OwnKey(channel, caller.client, None, stays=False, leaves=True))
    return found


def kept(keys: Sequence[OwnKey], retention_of: RetentionOf) -> list[KeyKept]:
    """What is told of them, at first and again and again."""
    found = []
    for own in keys:
        retention = retention_of(own.channel) if own.stays else None
        if retention is not None:
            how = KeyOptions(info=own.info, key_mode="if_new", refresh=True, retention=retention)
            found.append(KeyKept(own.channel, own.key, how))
    return found
