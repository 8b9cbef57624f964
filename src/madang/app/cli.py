"""The command line: `madang serve` and what operators and scripts do beside it.

Heavy imports stand inside the commands: `madang key create` must not load the server.
"""

import os
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from madang import __version__

app = typer.Typer(
    help="Madang: live streaming on your own machine.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,  # they print local variables, secrets among them
)
channel = typer.Typer(help="Channels.", no_args_is_help=True)
key = typer.Typer(help="Stream keys.", no_args_is_help=True)
user = typer.Typer(help="Accounts.", no_args_is_help=True)
webhook = typer.Typer(help="Signed events out.", no_args_is_help=True)
config = typer.Typer(help="Settings.", no_args_is_help=True)
app.add_typer(channel, name="channel")
app.add_typer(key, name="key")
app.add_typer(user, name="user")
app.add_typer(webhook, name="webhook")
app.add_typer(config, name="config")

Data = Annotated[Path | None, typer.Option("--data", metavar="DIR", help="The data directory.")]
File = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="The settings file.")]
Migrated = Annotated[
    Path | None,
    typer.Option(
        "--centrifugo-config", metavar="FILE", help="A configuration of Centrifugo 6, as JSON, YAML or TOML."
    ),
]


def fail(sentence: str, code: int = 1) -> NoReturn:
    """End with one sentence on standard error."""
    typer.secho(sentence, fg=typer.colors.RED, err=True)
    raise typer.Exit(code)


def settings(data: Path | None, file: Path | None, migrated: Path | None = None, **more: Any) -> Any:
    """The settings in force, or the end with one sentence for each mistake."""
    from madang.app.settings import SettingsError, load

    overrides: dict[str, object] = {"data.dir": data, **{k.replace("__", "."): v for k, v in more.items()}}
    try:
        return load(file, os.environ, overrides, migrated)
    except SettingsError as error:
        fail("\n".join(error.problems), 2)


@app.command()
def serve(  # noqa: PLR0913 (each is an option)
    data: Data = None,
    http: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Where pages, API and media are.")
    ] = None,
    rtmp: Annotated[str | None, typer.Option(metavar="HOST:PORT", help="Where encoders publish.")] = None,
    config: File = None,
    admin_password_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Password of the first admin; acts only while there is none."),
    ] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Publish the demo broadcast as well.")] = False,
    centrifugo_config: Migrated = None,
) -> None:
    """Run the server."""
    from madang.app.serve import run

    # A demo rehearses payments too: no money moves.
    rehearsal = True if demo else None
    given = {"http__listen": http, "rtmp__listen": rtmp, "payments__rehearsal": rehearsal}
    found = settings(data, config, centrifugo_config, **given)
    overrides = {
        "data.dir": data,
        "http.listen": http,
        "rtmp.listen": rtmp,
        "payments.rehearsal": rehearsal,
    }
    raise typer.Exit(run(found, config, overrides, admin_password_file, demo, centrifugo_config))


@app.command()
def demo(data: Data = None, config: File = None) -> None:
    """Add the demo broadcast to a running server: a moving picture with a clock, and a beep each second."""
    from madang.app.serve import run_demo

    raise typer.Exit(run_demo(settings(data, config)))


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


@config.command("check")
def config_check(data: Data = None, config: File = None, centrifugo_config: Migrated = None) -> None:
    """Say what is wrong with the settings, if anything."""
    settings(data, config, centrifugo_config)
    if centrifugo_config is not None:
        from madang.app.migrating import centrifugo

        for line in centrifugo.read(centrifugo_config, os.environ).ignored:
            typer.echo(line)
    typer.echo("The settings are good.")


@config.command("show")
def config_show(data: Data = None, config: File = None) -> None:
    """Print the settings in force; secrets are hidden."""
    from madang.app.settings import show

    typer.echo(show(settings(data, config)), nl=False)


@config.command("sample")
def config_sample() -> None:
    """Print the sample file: every key with its default and what it does."""
    from importlib.resources import files

    typer.echo((files("madang.app") / "sample.toml").read_text(), nl=False)
