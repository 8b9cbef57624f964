"""Records as tests want them."""

from madang.base.ids import ChannelId, KeyId, SessionId, UserId
from madang.base.roles import SiteRole
from madang.control.records import Account, Channel, Happening, Session, StreamKey


def account(name: str = "kim", **more: object) -> Account:
    plain: dict[str, object] = {
        "id": UserId(f"u-{name}"),
        "name": name,
        "skeleton": name,
        "display_name": name,
        "display_skeleton": name,
        "role": SiteRole.MEMBER,
        "created_at": 1.5,
    }
    return Account(**{**plain, **more})  # type: ignore[arg-type]


def channel(slug: str = "yard", **more: object) -> Channel:
    plain = {"id": ChannelId(f"c-{slug}"), "slug": slug, "name": slug, "skeleton": slug, "created_at": 1.0}
    return Channel(**{**plain, **more})  # type: ignore[arg-type]


def session(holder: Account, name: str = "s1") -> Session:
    return Session(
        id=SessionId(name),
        digest=f"d-{name}",
        account=holder.id,
        created_at=1.0,
        last_seen_at=1.0,
        password_at=1.0,
        expires_at=100.0,
        peer="192.0.2.1",
        user_agent="test",
    )


def key(owner: Channel, name: str = "k1") -> StreamKey:
    return StreamKey(
        id=KeyId(name),
        channel=owner.id,
        name="OBS",
        mask="ab12…",
        digest=f"d-{name}",
        sealed=b"\x00\xff",
        created_at=1.0,
    )


def happening(name: str, at: float = 1.0, **more: object) -> Happening:
    return Happening(id=name, at=at, kind="stream.began", data={"n": 1, "t": "가", "b": True}, **more)  # type: ignore[arg-type]
