"""`syncd company`: which organizations of SIP are synced, how they are connected, and the keys of their tokens."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click
from psycopg import errors

from syncd import config
from syncd.cli import connect
from syncd.cli.output import clean, count, json_option, print_json, print_table, quoted, say, tell
from syncd.cli.regions import REGIONS
from syncd.cli.session import Connection, Row, need_company, session
from syncd.db.states import CompanyState, Region
from syncd.errors import NotConfigured, SyncdError, WrongUse
from syncd.qbo.client import Client
from syncd.qbo.oauth import MalformedTokens, NotRevoked, Tokens, revoke
from syncd.qbo.realm import country_of
from syncd.qbo.vault import Vault, VaultError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncd.config import Config

REGION = click.Choice([region.value for region in Region])
COLOURS = {"connected": "green", "connection lost": "red"}


@click.group()
def command() -> None:
    """Companies and their connections to QuickBooks."""


command.add_command(connect.command, "connect")


@command.command()
@click.argument("company_id", metavar="ID")
@click.option("--name", required=True, help="What to call it.")
@click.option("--region", type=REGION, default="us", show_default=True, help="How sales tax works there.")
@click.option(
    "--timezone", default="America/Denver", show_default=True, help="Decides the date of a payment."
)
def add(company_id: str, name: str, region: str, timezone: str) -> None:
    """Make an organization of SIP known. ID is SIP's organization id.

    Everything is off until `syncd company connect` and `syncd settings set`.
    """
    if not company_id.strip():
        raise WrongUse("The ID is empty.", "Give SIP's organization id.")
    with session() as connection:
        try:
            connection.execute(
                "insert into syncd.company (company_id, name, region, timezone) values (%s, %s, %s, %s)",
                (company_id, name, region, timezone),
            )
        except errors.UniqueViolation:
            raise WrongUse(
                f"Company {quoted(company_id)} exists already.", "See: syncd company list"
            ) from None
    tell(f"Company {company_id}, {quoted(name)}, is known. Everything is off.")
    tell(f"Next: syncd company connect {company_id} --environment production < tokens.json")


@command.command("set")
@click.argument("company_id", metavar="ID")
@click.option("--name", help="What to call it.")
@click.option("--region", type=REGION, help="How sales tax works there.")
@click.option("--timezone", help="Decides the date of a payment.")
def set_(company_id: str, name: str | None, region: str | None, timezone: str | None) -> None:
    """Correct a company's name, region or time zone. What was sent stays as it was sent."""
    if name is None and region is None and timezone is None:
        raise WrongUse("There is nothing to change.", "Give --name, --region or --timezone.")
    with session() as connection:
        company = need_company(connection, company_id)
        if region and company["state"] != CompanyState.DISCONNECTED:
            row = connection.execute(
                "select company_info from syncd.company where company_id = %s", (company_id,)
            ).fetchone()
            connect.check_region(region, country_of((row or {}).get("company_info") or {}), company_id)
        connection.execute(
            "update syncd.company set name = coalesce(%s, name), timezone = coalesce(%s, timezone),"
            " region = coalesce(%s::syncd.region, region) where company_id = %s",
            (name, timezone, region, company_id),
        )
        now = need_company(connection, company_id)
    tell(
        f"Company {company_id} is {quoted(now['name'])}, region {REGIONS[Region(now['region'])]},"
        f" time zone {now['timezone']}."
    )


@command.command()
@click.argument("company_id", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
def disconnect(company_id: str, yes: bool) -> None:
    """End a company's connection to QuickBooks. What was sent stays there, and what waits stays here.

    The names of payment methods go back to SIP's own; other mappings are kept for the same company of QuickBooks.
    """
    with session() as connection:
        company = need_company(connection, company_id)
        if company["state"] == CompanyState.DISCONNECTED:
            tell(
                f"Company {company_id}, {quoted(company['name'])}, is not connected; there is nothing to do."
            )
            return
        if not yes:
            _confirm(company)
        ended = connection.execute("select * from syncd.disconnect_company(%s)", (company_id,)).fetchone()
    if ended is None:
        tell("Somebody else disconnected it just now.")
        return
    tell(f"Company {company_id}, {quoted(company['name'])}, is disconnected. Nothing of it is sent any more.")
    for sentence in _left_behind(ended):
        tell(sentence)
    _give_back(ended["tokens"])


def _confirm(company: Row) -> None:
    question = (
        f"Disconnect {clean(company['name'])} (company {company['company_id']}) from QuickBooks realm"
        f" {company['realm_id']}? Nothing is sent until it is connected again."
    )
    try:
        agreed = click.confirm(question, err=True)
    except click.Abort:
        click.echo(err=True)
        raise WrongUse("It was not confirmed, so nothing was changed.", "To do without: --yes.") from None
    if not agreed:
        raise SyncdError("Nothing was changed.")


def _left_behind(ended: Row) -> Iterator[str]:
    """What happens to the work that waits."""
    if ended["waiting"]:
        yield (
            f"{count(ended['waiting'], 'record waits', 'records wait')}, and what changes from now on too, until it is"
            " connected again."
        )
    if ended["unknown"]:
        yield (
            f"Of {count(ended['unknown'], 'record')} it is not known whether QuickBooks has it: that is settled when"
            f" realm {ended['realm_id']} is connected again. If another is, look there for them: syncd log."
        )


def _give_back(blob: bytes) -> None:
    """Best effort: here the tokens are gone already, and Intuit lets them run out by itself."""
    by_hand = (
        "The tokens are deleted here; to end the app's access there, remove it in QuickBooks, Apps > My apps."
    )
    try:
        settings = config.load()
        client_id, client_secret = settings.need_client()
        tokens = Tokens.from_json(Vault(settings.need_vault_keys()).decrypt(blob))
        asyncio.run(_revoke(settings, client_id, client_secret, tokens.refresh_token))
    except (SyncdError, VaultError, MalformedTokens, NotRevoked) as error:
        reason = (error.sentence if isinstance(error, SyncdError) else str(error)).rstrip(".")
        say(f"Intuit was not told: {clean(reason)}. {by_hand}")
    else:
        tell("Intuit has been told, and takes the tokens no more.")


async def _revoke(settings: Config, client_id: str, client_secret: str, token: str) -> None:
    client = Client(timeout=settings.http_timeout_seconds)
    try:
        await revoke(
            client.http,
            revoke_url=settings.qbo_revoke_url,
            client_id=client_id,
            client_secret=client_secret,
            token=token,
        )
    finally:
        await client.aclose()


@command.command("list")
@json_option
def list_(as_json: bool) -> None:
    """All companies and how they are connected."""
    with session() as connection:
        companies = connection.execute(
            "select company_id, name, region::text, timezone, state::text, environment::text, realm_id,"
            " connected_at from syncd.company order by length(company_id), company_id"
        ).fetchall()
    if as_json:
        print_json(companies)
        return
    print_table(
        [_listed(company) for company in companies],
        ["ID", "Name", "Region", "Time zone", "QuickBooks", "Realm"],
        empty="No company is known yet. Add one: syncd company add ID --name NAME",
        style=lambda column, value: COLOURS.get(value) if column == "QuickBooks" else None,
    )


def _listed(company: Row) -> dict[str, str]:
    connected = company["state"] != CompanyState.DISCONNECTED
    return {
        "ID": company["company_id"],
        "Name": company["name"],
        "Region": REGIONS[Region(company["region"])],
        "Time zone": company["timezone"],
        "QuickBooks": {
            CompanyState.DISCONNECTED.value: "not connected",
            CompanyState.NEEDS_RECONNECT.value: "connection lost",
        }.get(company["state"], "connected"),
        "Realm": f"{company['realm_id']} ({company['environment']})" if connected else "",
    }


@command.command("new-key", short_help="Print a key that encrypts tokens.")
def new_key() -> None:
    """Print a new key for SYNCD_VAULT_KEYS, which encrypts the tokens."""
    click.echo(Vault.generate_key())


@command.command("rotate-keys", short_help="Encrypt all tokens with the first key.")
def rotate_keys() -> None:
    """Encrypt all tokens with the first key of SYNCD_VAULT_KEYS.

    To change keys: put the new one first, restart the daemons, run this, then take the old one away.
    """
    try:
        vault = Vault(config.load().need_vault_keys())
    except VaultError as error:
        raise NotConfigured(str(error)) from None
    done, failed = 0, 0
    with session() as connection:
        companies = connection.execute(
            "select company_id from syncd.company where tokens is not null order by company_id"
        ).fetchall()
        for company in companies:
            company_id = company["company_id"]
            try:
                _rotate(connection, company_id, vault)
                done += 1
            except VaultError as error:
                say(f"Company {company_id}: {error}")
                failed += 1
            except errors.LockNotAvailable:
                say(f"Company {company_id}: a daemon or a person kept it busy for 10 s.")
                failed += 1
    if failed:
        raise SyncdError(
            f"{count(failed, 'company', 'companies')} could not be done, {done} were.",
            "Keep the old keys until all are; run this again after putting right what is said above.",
        )
    if done:
        tell(f"The tokens of {count(done, 'company', 'companies')} are encrypted with the first key.")
    else:
        tell("No company has tokens yet.")


def _rotate(connection: Connection, company_id: str, vault: Vault) -> None:
    """Only over the tokens that were read: a refresh that a daemon stores meanwhile stays, and is read again here."""
    while True:
        row = connection.execute(
            "select tokens from syncd.company where company_id = %s", (company_id,)
        ).fetchone()
        if row is None or row["tokens"] is None:
            return
        done = connection.execute(
            "update syncd.company set tokens = %s where company_id = %s and tokens = %s",
            (vault.rotate(row["tokens"]), company_id, row["tokens"]),
        )
        if done.rowcount:
            return
