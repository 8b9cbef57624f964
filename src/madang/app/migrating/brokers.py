"""Centrifugo's engine and broker as the one URL that joins our servers."""

from urllib.parse import quote, urlsplit

from madang.app.migrating import values
from madang.app.migrating.tables import Table

_OWN_WAY = "Madang talks to its broker in its own way"


def read(root: Table) -> None:
    """The engine, or the broker in its place. Presence is kept where publications are."""
    engine, broker, presence = root.within("engine"), root.within("broker"), root.within("presence_manager")
    chosen = broker if broker.take("enabled", values.flag, False) else engine
    kind = chosen.take("type", values.text, "memory") or "memory"
    (engine if chosen is broker else broker).forget()
    if presence.take("enabled", values.flag, False):
        presence.ignore("presence is kept where publications are", type="memory", redis=None)
    presence.forget()
    redis, nats = chosen.within("redis"), chosen.within("nats")
    if kind == "redis":
        _read_redis(redis)
    elif kind == "nats":
        _read_nats(nats)
    elif kind != "memory":
        root.report.wrong(chosen.where("type"), f"is memory, redis or nats here, not {kind}")
    for table in (redis, nats):
        if not table.key.endswith(kind):
            table.forget()


def _read_redis(redis: Table) -> None:
    report = redis.report
    told = redis.listed("address") or ("redis://127.0.0.1:6379",)
    addresses = [one for each in told for one in each.split(",") if one]
    for name in ("cluster_address", "sentinel_address"):
        if redis.listed(name):
            report.wrong(redis.where(name), "cannot be used: Madang's servers meet at one Redis")
    if len(addresses) > 1:
        report.wrong(redis.where("address"), "has several places: Madang's servers meet at one Redis")
        return
    user, password = redis.take("user", values.text, ""), redis.take("password", values.text, "")
    number = redis.take("db", values.count, 0)
    encrypted = redis.within("tls").take("enabled", values.flag, False)
    url = _url(addresses[0], (user, password), number, encrypted)
    redis.give("presence_ttl", "realtime.presence_s", values.duration)
    report.give("realtime.broker", url, redis.where("address"))
    _read_prefix(redis)
    redis.ignore(
        _OWN_WAY,
        connect_timeout="1s",
        io_timeout="4s",
        client_name="",
        force_resp2=False,
        history_use_lists=False,
        presence_hash_field_ttl=False,
        presence_user_mapping=False,
        sentinel_user="",
        sentinel_password="",
        sentinel_master_name="",
        sentinel_client_name="",
        sentinel_tls={},
    )


def _url(address: str, who: tuple[str, str], number: int, encrypted: bool) -> str:
    """What the file says in many keys and in one of several spellings, as one URL."""
    if address.startswith("unix://"):
        return address
    parts = urlsplit(address if "://" in address else f"redis://{address}")
    user, password = parts.username or quote(who[0], safe=""), parts.password or quote(who[1], safe="")
    login = f"{user}:{password}@" if user or password else ""
    host = parts.netloc.rpartition("@")[2]
    scheme = "rediss" if encrypted or parts.scheme == "rediss" else "redis"
    where = parts.path.strip("/") or str(number)
    return f"{scheme}://{login}{host}/{where}"


def _read_prefix(table: Table) -> None:
    prefix = table.take("prefix", values.text, "")
    if prefix and prefix != "centrifugo":
        table.report.give("realtime.broker_prefix", prefix, table.where("prefix"))


def _read_nats(nats: Table) -> None:
    url = nats.take("url", values.text, "") or "nats://localhost:4222"
    nats.report.give("realtime.broker", url, nats.where("url"))
    _read_prefix(nats)
    nats.ignore(
        _OWN_WAY,
        dial_timeout="1s",
        write_timeout="1s",
        allow_wildcards=False,
        tls={"enabled": False},
        raw_mode={"enabled": False},
    )
