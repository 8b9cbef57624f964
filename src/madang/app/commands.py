"""Commands beside `serve`: channels, keys, accounts, doctor, backup and restore, on the same data."""

import os
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from madang.app.cli import Data, File, app, channel, fail, key, settings, user, webhook
from madang.app.clock import SystemClock

if TYPE_CHECKING:
    from madang.app.sections import Settings
    from madang.control import Control

T = TypeVar("T")
Hook = Annotated[str, typer.Argument(metavar="WEBHOOK", help="Id of a webhook.")]
Reference = Annotated[str, typer.Argument(metavar="CHANNEL", help="Slug or id of a channel.")]


def work(data: Path | None, file: Path | None, use: "Callable[[Control], Awaitable[T]]") -> T:
    """Run a use-case on the data of these settings; a refusal ends the program with its sentence."""
    import asyncio

    from madang.app.offline import control
    from madang.base.errors import PeerError
    from madang.control.vault import SecretError
    from madang.store.upgrade import StoreError

    async def run() -> T:
        async with control(settings(data, file)) as made:
            return await use(made)

    try:
        return asyncio.run(run())
    except PeerError as error:
        fail(error.told)
    except (StoreError, SecretError) as error:
        fail(str(error))


@channel.command("create")
def channel_create(
    name: Annotated[str, typer.Argument(help="Its address, `/@NAME`.")],
    title: Annotated[str | None, typer.Option("--name", help="The name that people read.")] = None,
    data: Data = None,
    config: File = None,
) -> None:
    """Make a channel, and print its name."""
    made = work(data, config, lambda control: control.house.create_channel(name, title))
    typer.echo(made.slug)


@channel.command("list")
def channel_list(data: Data = None, config: File = None) -> None:
    """List channels: slug, visibility, name."""

    async def use(control: "Control") -> list[tuple[str, str, str]]:
        return [(c.slug, c.visibility.value, c.name) for c in control.directory.channels()]

    for row in work(data, config, use):
        typer.echo("\t".join(row))


@channel.command("delete")
def channel_delete(
    name: Reference,
    confirm: Annotated[str, typer.Option("--confirm", metavar="SLUG", help="The slug once more.")],
    data: Data = None,
    config: File = None,
) -> None:
    """Delete a channel and its keys."""
    if confirm != name:
        fail("Nothing was deleted: --confirm must be the channel's slug.")
    work(data, config, lambda control: control.house.delete_channel(name))


@key.command("create")
def key_create(
    channel: Reference,
    name: Annotated[str, typer.Option("--name", help="What the key is for.")] = "",
    data: Data = None,
    config: File = None,
) -> None:
    """Make a stream key and print it; it works at once."""
    typer.echo(work(data, config, lambda control: control.house.create_key(channel, name)).value)


@key.command("list")
def key_list(channel: Reference, data: Data = None, config: File = None) -> None:
    """List the keys of a channel without their values: id, mask, name, whether it works."""

    async def use(control: "Control") -> list[tuple[str, str, str, str]]:
        found = control.house.channel(channel)
        now = SystemClock().wall()
        keys = control.directory.keys_of(found.id)
        return [(k.id, k.mask, k.name, "works" if k.usable(now) else "ended") for k in keys]

    for row in work(data, config, use):
        typer.echo("\t".join(row))


@key.command("revoke")
def key_revoke(
    channel: Reference,
    key: Annotated[str, typer.Argument(help="Id of the key, or its first four letters.")],
    data: Data = None,
    config: File = None,
) -> None:
    """End a key at once; whoever publishes with it is sent away."""
    work(data, config, lambda control: control.house.revoke_key(channel, key))


@webhook.command("create")
def webhook_create(
    channel: Reference,
    url: Annotated[str, typer.Argument(help="Where events are sent to.")],
    kinds: Annotated[
        list[str] | None,
        typer.Option("--kind", metavar="KIND", help="`stream.*`, `chat.message`, `*`; may be repeated."),
    ] = None,
    data: Data = None,
    config: File = None,
) -> None:
    """Send a channel's events somewhere from now on; prints id and secret, which is told once."""

    async def use(control: "Control") -> tuple[str, str]:
        found = control.house.channel(channel)
        made = await control.webhooks.create(None, found, url, kinds or ["*"])
        return made.webhook.id, made.secret

    typer.echo("\t".join(work(data, config, use)))


@webhook.command("list")
def webhook_list(channel: Reference, data: Data = None, config: File = None) -> None:
    """List the webhooks of a channel: id, whether it is on, events delivered, last error, address."""

    async def use(control: "Control") -> list[tuple[str, ...]]:
        found = await control.webhooks.of_channel(control.house.channel(channel))
        return [
            (hook.id, "on" if hook.enabled else "off", str(c.delivered), c.last_error or "-", hook.url)
            for hook, c in found
        ]

    for row in work(data, config, use):
        typer.echo("\t".join(row))


@webhook.command("delete")
def webhook_delete(channel: Reference, webhook: Hook, data: Data = None, config: File = None) -> None:
    """Send nothing more there."""

    async def use(control: "Control") -> None:
        found = await control.webhooks.find(control.house.channel(channel), webhook)
        await control.webhooks.delete(None, found)

    work(data, config, use)


@webhook.command("replay")
def webhook_replay(
    channel: Reference,
    webhook: Hook,
    since: Annotated[
        float, typer.Option("--hours", metavar="HOURS", min=0, help="How far back to begin.")
    ] = 24.0,
    data: Data = None,
    config: File = None,
) -> None:
    """Tell again what happened in the last hours: same order, same ids; a running server does it."""

    async def use(control: "Control") -> None:
        found = await control.webhooks.find(control.house.channel(channel), webhook)
        await control.webhooks.replay(None, found, SystemClock().wall() - since * 3600)

    work(data, config, use)


@user.command("link")
def user_link(
    name: Annotated[str, typer.Argument(help="Name of the account.")], data: Data = None, config: File = None
) -> None:
    """Print a one-time link by which NAME chooses a new password (15 minutes)."""
    found = settings(data, config)

    async def use(control: "Control") -> str:
        issued = await control.house.recovery_link(name)
        return control.urls(_base(found)).login_link(issued.token)

    typer.echo(work(data, config, use))


@user.command("invite")
def user_invite(
    admin: Annotated[bool, typer.Option("--admin", help="The guest becomes an admin.")] = False,
    data: Data = None,
    config: File = None,
) -> None:
    """Print an invitation link."""
    from madang.base.roles import SiteRole

    found = settings(data, config)

    async def use(control: "Control") -> str:
        lifetime_s = found.accounts.invitation_days * 86400.0
        issued = await control.house.invitation_link(SiteRole.ADMIN if admin else SiteRole.MEMBER, lifetime_s)
        return control.urls(_base(found)).invitation(issued.token)

    typer.echo(work(data, config, use))


@user.command("list")
def user_list(data: Data = None, config: File = None) -> None:
    """List accounts: name, role, whether they may sign in."""

    async def use(control: "Control") -> list[tuple[str, str, str]]:
        found = control.directory.accounts()
        return [(a.name, a.role.value, "disabled" if a.disabled else "active") for a in found]

    for row in work(data, config, use):
        typer.echo("\t".join(row))


@app.command()
def doctor(
    json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    data: Data = None,
    config: File = None,
) -> None:
    """Examine this machine and these settings, and say what to do."""
    from madang.app import doctor as examiner
    from madang.app.offline import as_it_runs

    checks = examiner.run(as_it_runs(settings(data, config)))
    if json:
        typer.echo(examiner.to_json(checks))
    else:
        examiner.show(checks)
    raise typer.Exit(examiner.exit_code(checks))


def _base(found: "Settings") -> str:
    from madang.app.banner import addresses
    from madang.app.offline import as_it_runs

    place = as_it_runs(found).http.listen[0]
    return addresses(place.host, place.port, found.public_url)[0].rstrip("/")


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(metavar="FILE", help="The archive that is written.")],
    data: Data = None,
    config: File = None,
) -> None:
    """Write database, settings file and secret into one tar file; the server may be running."""
    from madang.app.settings import find
    from madang.store.backup import backup as write

    found = settings(data, config)
    file = find(config, os.environ, {"data.dir": data})
    run_store(write(found.data.database.reveal(), found.data.dir, file, target))
    typer.echo(f"Written to {target}. It holds secrets: keep it where only you can read it.")


@app.command()
def restore(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="What `madang backup` wrote.")],
    replace: Annotated[bool, typer.Option("--replace", help="Replace what is there.")] = False,
    data: Data = None,
    config: File = None,
) -> None:
    """Fill an empty data directory from a backup; the server must not run."""
    from madang.app.settings import FILE_NAME
    from madang.store.backup import restore as read

    found = settings(data, config)
    file = config or found.data.dir / FILE_NAME
    run_store(read(source, found.data.database.reveal(), found.data.dir, file, replace=replace))
    typer.echo(f"Restored into {found.data.dir}.")


def run_store(work: Coroutine[object, object, T]) -> T:
    """Run a coroutine of the store; a refusal ends the program with its sentence."""
    import asyncio

    from madang.store.upgrade import StoreError

    try:
        return asyncio.run(work)
    except StoreError as error:
        fail(str(error))
