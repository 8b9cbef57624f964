"""The realtime server as its administrator sees it."""

from typing import Annotated, Any

from pydantic import Field, JsonValue, StringConstraints

from madang.api.schemas.words import Answer, Body

ChannelName = Annotated[str, StringConstraints(min_length=1, max_length=255)]


class CrowdNode(Answer):
    """One process of the server."""

    node: str
    num_clients: int
    num_users: int
    num_channels: int
    num_subs: int


class CrowdNodes(Answer):
    items: list[CrowdNode]


class CrowdChannel(Answer):
    name: str
    clients: int = Field(description="Subscriptions on all nodes.")


class CrowdChannels(Answer):
    items: list[CrowdChannel]


class CrowdConnection(Answer):
    node: str
    user: str
    client: str
    transport: str
    since: float = Field(description="Seconds since 1970.")
    channels: list[str]


class CrowdConnections(Answer):
    items: list[CrowdConnection]


class CrowdPresent(Answer):
    user: str
    client: str


class CrowdPresence(Answer):
    items: list[CrowdPresent]


class CrowdPublication(Answer):
    offset: int
    data: Any


class CrowdHistory(Answer):
    items: list[CrowdPublication] = Field(description="The newest first.")
    offset: int
    epoch: str


class CrowdPublish(Body):
    """The server's own channels, `madang_…`, take nothing from outside."""

    channel: ChannelName
    data: JsonValue


class CrowdPublished(Answer):
    offset: int


class CrowdDisconnect(Body):
    user: Annotated[str, StringConstraints(min_length=1, max_length=256)]
