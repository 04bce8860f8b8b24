"""`syncd sandbox`: a local QuickBooks Online to try things against."""

from pathlib import Path

import click

from syncd.sandbox.profiles import PROFILES
from syncd.sandbox.quirks import QUIRKS, QuirkError, parse_options
from syncd.sandbox.server import bind, serve
from syncd.sandbox.throttle import Limits
from syncd.sandbox.world import World


def _epilog() -> str:
    profiles = [
        f"  {profile.name:18}{profile.country}, {profile.currency}, {profile.timezone}"
        for profile in PROFILES.values()
    ]
    quirks = [f"  {quirk.name}={'|'.join(quirk.values)}" for quirk in QUIRKS]
    return "\n".join(
        ["\b", "Profiles of companies:", *profiles, "", "\b", "Quirks, the default first:", *quirks]
    )


@click.command("sandbox", epilog=_epilog())
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    default=0,
    type=click.IntRange(0, 65535),
    show_default=True,
    help="Port to listen on; 0 takes any free one.",
)
@click.option(
    "--company",
    "profiles",
    multiple=True,
    metavar="PROFILE",
    help="Start with a company of this kind. Can be given more than once.",
)
@click.option("--client-id", default="sandbox", show_default=True, help="The app's client id, for OAuth.")
@click.option(
    "--client-secret-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help='File that holds the app\'s client secret. Without it the secret is "sandbox".',
)
@click.option(
    "--quirk",
    "quirks",
    multiple=True,
    metavar="NAME=VALUE",
    help="Answer an open question about QBO one way or the other. Can be given more than once.",
)
@click.option(
    "--limit",
    "limits",
    multiple=True,
    metavar="NAME=NUMBER",
    help="Change a throttle: per_minute, per_second, concurrent, batch_per_minute or batch_per_minute_realm; "
    "0 switches it off. With speed=N their clock runs N times as fast.",
)
@click.option(
    "--latency",
    default=0.0,
    type=click.FloatRange(0, 120),
    show_default=True,
    metavar="SECONDS",
    help="How long each call of the accounting API takes.",
)
def command(
    host: str,
    port: int,
    profiles: tuple[str, ...],
    client_id: str,
    client_secret_file: Path | None,
    quirks: tuple[str, ...],
    limits: tuple[str, ...],
    latency: float,
) -> None:
    """Run a local server that answers as QuickBooks Online (QBO) does.

    It prints one line of JSON with its URL when it accepts connections, and
    keeps everything in memory until it is stopped. docs/sandbox.md describes
    the control interface under /sandbox.
    """
    secret = client_secret_file.read_text().strip() if client_secret_file else "sandbox"
    world = World(client_id, secret, latency=latency)
    try:
        world.quirks.set_all(parse_options(quirks))
        world.limits = Limits().changed(_numbers(limits))
        for profile in profiles:
            world.add_company(profile)
    except (QuirkError, ValueError) as error:
        raise click.UsageError(str(error)) from error
    try:
        listener = bind(host, port)
    except OSError as error:
        raise click.ClickException(
            f"Cannot listen on {host}:{port} ({error.strerror}); choose another --host or --port."
        ) from error
    serve(world, listener)


def _numbers(options: tuple[str, ...]) -> dict[str, object]:
    found: dict[str, object] = {}
    for option in options:
        name, _, value = option.partition("=")
        if not value.isdigit():
            raise ValueError(f"A limit is written name=number, not {option!r}.")
        found[name] = int(value)
    return found
