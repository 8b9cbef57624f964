"""From records to answers: adds addresses, live facts and names; decides nothing."""

import io

from madang.api import schemas
from madang.api.guard import Call
from madang.base.ids import UserId
from madang.base.roles import ChannelRole
from madang.control import records
from madang.control.facts import StreamFacts
from madang.control.rights import Actor, Right, permits
from madang.control.urls import Urls


def summary(call: Call, account: UserId) -> schemas.AccountSummary:
    """Whom others may see."""
    found = call.control.directory.account(account)
    if found is None:
        return schemas.AccountSummary(id=account, name="", display_name="")
    avatar = call.urls.avatar(found.id, found.avatar) if found.avatar else None
    return schemas.AccountSummary(
        id=found.id, name=found.name, display_name=found.display_name, avatar_url=avatar
    )


def _someone(call: Call, account: UserId | None) -> schemas.AccountSummary | None:
    return summary(call, account) if account else None


def account(call: Call, found: records.Account) -> schemas.Account:
    return schemas.Account.model_validate(
        {
            **summary(call, found.id).model_dump(),
            "role": found.role,
            "disabled": found.disabled,
            "created_at": found.created_at,
            "last_seen_at": found.last_seen_at,
        }
    )


def me(call: Call, actor: Actor) -> schemas.Me:
    control = call.control
    own = [
        {"id": ch.id, "slug": ch.slug, "name": ch.name, "role": role}
        for ch, role in control.directory.channels_of(actor.account)
    ]
    return schemas.Me.model_validate(
        {
            "account": account(call, control.directory.need_account(actor.account)),
            "session_id": actor.session or None,
            "scopes": sorted(actor.scopes) if actor.scopes is not None else None,
            "recent_password": control.accounts.password_is_recent(actor),
            "channels": own,
        }
    )


def session(call: Call, found: records.Session) -> schemas.Session:
    current = found.id == call.signed_in.session
    return schemas.Session.model_validate({**_fields(found), "current": current})


async def link(call: Call, found: records.Link) -> schemas.Link:
    directory = call.control.directory
    holder = directory.account(found.account) if found.account else None
    channel = directory.channel(found.channel) if found.channel else None
    return schemas.Link.model_validate(
        {
            "kind": found.kind,
            "name": holder.name if holder else None,
            "role": found.role,
            "channel": channel.name if channel else None,
            "channel_role": found.channel_role,
            "expires_at": found.expires_at,
        }
    )


def invitation(call: Call, found: records.Link, token: str = "") -> schemas.Invitation:
    channel = call.control.directory.channel(found.channel) if found.channel else None
    return schemas.Invitation.model_validate(
        {
            **_fields(found),
            "channel": channel.slug if channel else None,
            "created_by": _someone(call, found.created_by),
            "url": call.urls.invitation(token) if token else None,
        }
    )


def urls(at: Urls, slug: str, token: str = "") -> schemas.ChannelUrls:
    """Every way to the picture; with a play token where one is given."""
    suffix = f"?token={token}" if token else ""
    return schemas.ChannelUrls(
        watch=at.watch(slug) + suffix,
        embed=at.embed(slug) + suffix,
        hls=at.live(f"{slug}/index.m3u8", token),
        dvr=at.live(f"{slug}/dvr.m3u8", token),
        dash=at.live(f"{slug}/manifest.mpd", token),
        flv=at.live(f"{slug}.flv", token),
        ws_flv="ws" + at.live(f"{slug}.ws.flv", token).removeprefix("http"),
        rtmp=f"{at.rtmp}/{slug}{suffix}",
        poster=at.live(f"{slug}/poster.jpg", token),
        qr=at.page(f"/api/v1/channels/{slug}/qr.svg"),
    )


def channel(call: Call, found: records.Channel) -> schemas.Channel:
    control = call.control
    role = control.directory.role(call.actor.account, found.id) if call.actor else ChannelRole.GUEST
    may_publish = permits(call.actor, role, found, Right.BROADCAST)
    return schemas.Channel.model_validate(
        {
            **_fields(found),
            "owner": _someone(call, found.owner),
            "live": control.live.brief(found.id),
            "urls": urls(call.urls, found.slug),
            "my_role": role,
            "publish": publish_urls(call.urls) if may_publish else None,
        }
    )


def publish_urls(at: Urls) -> schemas.PublishUrls:
    """Where an encoder sends to."""
    line = (
        "ffmpeg -re -i INPUT -c:v libx264 -preset veryfast -b:v 4500k -g 60 -pix_fmt yuv420p "
        f"-c:a aac -b:a 160k -f flv {at.rtmp}/STREAM_KEY"
    )
    return schemas.PublishUrls(rtmp=at.rtmp, rtmps=at.rtmps, ffmpeg=line)


def qr(text: str) -> bytes:
    """An SVG of a QR code."""
    import segno  # rarely asked, and not small

    out = io.BytesIO()
    segno.make(text, error="m").save(out, kind="svg", scale=8, border=4, light="#ffffff")
    return out.getvalue()


def member(call: Call, found: records.Member) -> schemas.Member:
    return schemas.Member.model_validate(
        {"account": summary(call, found.account), "role": found.role, "since": found.since}
    )


def key(call: Call, found: records.StreamKey) -> schemas.StreamKey:
    return schemas.StreamKey.model_validate(_key_fields(call, found))


def key_value(call: Call, found: records.StreamKey, value: str) -> schemas.StreamKeyValue:
    return schemas.StreamKeyValue.model_validate({**_key_fields(call, found), "value": value})


def _key_fields(call: Call, found: records.StreamKey) -> dict[str, object]:
    live = call.control.live.publishes_with(found.channel, found.id)
    return {**_fields(found), "created_by": _someone(call, found.created_by), "live": live}


def stream(facts: StreamFacts) -> schemas.LiveStream:
    return schemas.LiveStream.model_validate(facts)


def broadcast(found: records.Broadcast) -> schemas.Broadcast:
    return schemas.Broadcast.model_validate(
        {**_fields(found), "id": found.broadcast, "channel_id": found.channel}
    )


def event(call: Call, found: records.Happening) -> schemas.Event:
    return schemas.Event.model_validate(
        {**_fields(found), "channel_id": found.channel, "actor": _someone(call, found.actor)}
    )


def token(found: records.Token) -> schemas.Token:
    return schemas.Token.model_validate(found)


def token_value(found: records.Token, value: str) -> schemas.TokenValue:
    return schemas.TokenValue.model_validate({**_fields(found), "value": value})


def _fields(record: records.Record) -> dict[str, object]:
    return {name: getattr(record, name) for name in record.__struct_fields__}
