"""The realtime server as its administrator sees it."""

from typing import Annotated, Any

from pydantic import Field, JsonValue, StringConstraints

from madang.api.schemas.words import Answer, Body

ChannelName = Annotated[str, StringConstraints(min_length=1, max_length=255)]


class CrowdNode(Answer):
    """One process of the server."""

    node: str = Field(description="Its id, anew at each start.")
    num_clients: int = Field(description="Connections.")
    num_users: int = Field(description="Users who are connected.")
    num_channels: int = Field(description="Channels that somebody here is subscribed to.")
    num_subs: int = Field(description="Subscriptions of all connections.")


class CrowdNodes(Answer):
    """Every process of the server."""

    items: list[CrowdNode] = Field(description="By id.")


class CrowdChannel(Answer):
    """A channel that has subscribers."""

    name: str = Field(description="With its namespace.")
    clients: int = Field(description="Subscriptions on all nodes.")


class CrowdChannels(Answer):
    """Channels that have subscribers."""

    items: list[CrowdChannel] = Field(description="The fullest first.")


class CrowdConnection(Answer):
    """One connection."""

    node: str = Field(description="The process that has it.")
    user: str = Field(description="Whose it is; empty for nobody's.")
    client: str = Field(description="The connection's id.")
    transport: str = Field(description="Such as `websocket`, `sse`, `http_stream`.")
    since: float = Field(description="Seconds since 1970.")
    channels: list[str] = Field(description="What it is subscribed to.")


class CrowdConnections(Answer):
    """Connections of all nodes."""

    items: list[CrowdConnection] = Field(description="Node by node.")


class CrowdPresent(Answer):
    """Somebody in a channel."""

    user: str = Field(description="Who it is.")
    client: str = Field(description="By which connection.")


class CrowdPresence(Answer):
    """Who is in a channel."""

    items: list[CrowdPresent] = Field(description="One for each connection.")


class CrowdPublication(Answer):
    """What was published."""

    offset: int = Field(description="Its place in the channel's history; rises by one.")
    data: Any = Field(description="The JSON that was published; text where it was none.")


class CrowdHistory(Answer):
    """The end of a channel's history."""

    items: list[CrowdPublication] = Field(description="The newest first.")
    offset: int = Field(description="Of the newest publication.")
    epoch: str = Field(description="Changes when the history begins anew.")


class CrowdPublish(Body):
    """The server's own channels, `madang_…`, take nothing from outside."""

    channel: ChannelName = Field(description="Where to, with its namespace.")
    data: JsonValue = Field(description="Any JSON.")


class CrowdPublished(Answer):
    """Where it went."""

    offset: int = Field(description="Its place in the history; 0 where none is kept.")


class CrowdDisconnect(Body):
    """Whom to send away."""

    user: Annotated[str, StringConstraints(min_length=1, max_length=256)] = Field(
        description="Every connection of this user."
    )
