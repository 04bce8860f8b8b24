"""`syncd company connect`: tries tokens against QuickBooks, shows whose they are, and stores them encrypted."""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click
from psycopg import errors
from psycopg.types.json import Jsonb

from syncd import config
from syncd.cli import books
from syncd.cli.maps import accounts, store
from syncd.cli.output import clean, quoted, say, tell
from syncd.cli.regions import REGIONS
from syncd.cli.session import Connection, Row, need_company, session
from syncd.db.states import AccountSlot, Environment, FaultClass, Region
from syncd.errors import NotConfigured, SyncdError, WrongUse
from syncd.qbo.client import Access, Client, Lost, NotSent
from syncd.qbo.oauth import MalformedTokens, Tokens, parse_tokens
from syncd.qbo.realm import NotTold, Realm, dumps, read_realm, region_of
from syncd.qbo.vault import Vault, VaultError

if TYPE_CHECKING:
    from syncd.config import Config

ACTOR = "syncd company connect"
KEYS = ("realm_id", "access_token", "refresh_token", "expires_in")
EXPECTED = (
    'Give them as JSON: {"realm_id": "…", "access_token": "…", "refresh_token": "…", "expires_in": 3600,'
    ' "x_refresh_token_expires_in": 8726400}'
)


@click.command(short_help="Connect a company to QuickBooks.")
@click.argument("company_id", metavar="ID")
@click.option(
    "--environment",
    required=True,
    type=click.Choice([e.value for e in Environment]),
    help="Which of Intuit's two worlds the tokens are of.",
)
def command(company_id: str, environment: str) -> None:
    """Connect a company to QuickBooks with tokens from standard input.

    They are tried before they are stored, and stored encrypted. Connecting again replaces the connection.

    \b
    Standard input is JSON:
      {"realm_id": "…", "access_token": "…", "refresh_token": "…",
       "expires_in": 3600, "x_refresh_token_expires_in": 8726400}
    """
    settings = config.load()
    try:
        vault = Vault(settings.need_vault_keys())
    except VaultError as error:
        raise NotConfigured(str(error)) from None
    with session() as connection:
        company = need_company(connection, company_id)
    realm_id, tokens = _read_tokens()
    realm = asyncio.run(_look(settings, environment, realm_id, tokens.access_token))
    tell(f"Realm {realm_id} is {quoted(realm.name)}, country {realm.country or 'unknown'}.")
    check_region(company["region"], realm.country, company_id)
    if company["realm_id"] not in (None, realm_id):
        say(f"Until now this company was connected to realm {company['realm_id']}.")
    with session() as connection:
        _store(connection, company, environment, realm_id, realm, tokens, vault.encrypt(tokens.to_json()))
        tell(f"Company {company_id}, {quoted(company['name'])}, is connected to it ({environment}).")
        _map(connection, need_company(connection, company_id))
    zone = realm.info.get("DefaultTimeZone")
    if zone and zone != company["timezone"]:
        say(
            f"Note: QuickBooks has this company in time zone {zone}, syncd in {company['timezone']}, so late"
            f" payments may get another date. To change it: syncd company set {company_id} --timezone {zone}"
        )
    if sales_tax := _sales_tax(company["region"], realm):
        say(f"Note: {sales_tax}")


def check_region(region: str, country: str, company_id: str) -> None:
    """Refuse a region that taxes otherwise than the company's country does."""
    wanted = region_of(country)
    if not country:
        say(f"Note: QuickBooks names no country, so region {REGIONS[Region(region)]} could not be checked.")
    elif region != wanted:
        raise SyncdError(
            f"The region is {REGIONS[Region(region)]}, but the company in QuickBooks is in {clean(country)}.",
            f"If these are the right tokens: syncd company set {company_id} --region {wanted}",
        )


def _sales_tax(region: str, realm: Realm) -> str | None:
    """What an admin should know before the first invoice with tax is refused."""
    taxes = realm.preferences.get("TaxPrefs")
    if not isinstance(taxes, dict):
        return None
    if taxes.get("UsingSalesTax") is not True:
        return "sales tax is switched off in QuickBooks, so invoices with tax will be refused until it is set up there."
    if region == Region.US and taxes.get("PartnerTaxEnabled") is False:
        return "automated sales tax is not set up in QuickBooks yet; invoices with tax may be refused until it is."
    return None


def _map(connection: Connection, company: Row) -> None:
    """Fill in the one account that cannot be another, and tell what is left to choose."""
    try:
        [funds] = books.ask(
            connection,
            company,
            books.Question("Account", "AccountSubType = 'UndepositedFunds' AND Active = true"),
        )
    except SyncdError as error:
        say(f"Note: the accounts could not be read. {error.sentence}")
        funds = []
    slot = AccountSlot.UNDEPOSITED_FUNDS
    company_id = company["company_id"]
    if len(funds) == 1 and not any(
        row["slot"] == slot for row in store.rows(connection, accounts.TABLE, company)
    ):
        name = books.name_of(funds[0])
        values = {"qbo_id": funds[0]["Id"], "qbo_name": name}
        store.put(connection, accounts.TABLE, company, {"slot": slot}, values, by=ACTOR)
        tell(f"Payments go to account {quoted(name)} (id {funds[0]['Id']}) until they are paid out.")
    chosen = {row["slot"] for row in store.rows(connection, accounts.TABLE, company)}
    left = [key for key in accounts.slots_of(company) if key not in chosen and key not in accounts.PAYOUTS]
    if left:
        what = "; ".join(f"{accounts.SLOTS[key].label}, for {accounts.SLOTS[key].serves}" for key in left)
        tell(f"Accounts still to be chosen ({what}): syncd map accounts suggest {company_id}")
    if company["region"] != Region.US and not store.rows(connection, "tax_map", company):
        tell(f"Tax codes still to be chosen: syncd map tax suggest {company_id}")
    if not store.rows(connection, "employee_map", company):
        tell(
            f"Before timesheets are synced, members have to be mapped: syncd map employees suggest {company_id}"
        )


def _read_tokens() -> tuple[str, Tokens]:
    """Standard input as a realm id and tokens. No message quotes what was read."""
    if sys.stdin.isatty():
        raise WrongUse(
            "The tokens are read from standard input, so that no shell history keeps them.",
            f"{EXPECTED}, for example in a file: syncd company connect … < tokens.json",
        )
    try:
        text = sys.stdin.read()
        data = json.loads(text) if text.strip() else None
    except (ValueError, RecursionError):
        raise WrongUse("Standard input is not JSON.", EXPECTED) from None
    if data is None:
        raise WrongUse("Standard input is empty; the tokens are read from there.", EXPECTED)
    if not isinstance(data, dict):
        raise WrongUse("Standard input is JSON, but not an object.", EXPECTED)
    missing = [key for key in KEYS if data.get(key) in (None, "")]
    if missing:
        raise WrongUse(f"The tokens lack {', '.join(missing)}.", EXPECTED)
    realm_id = str(data["realm_id"])
    if not (realm_id.isascii() and realm_id.isdigit()):
        raise WrongUse("The realm_id is not a number.", "Intuit's consent page calls it realmId.")
    if not all(str(data[key]).isascii() and str(data[key]).isprintable() for key in KEYS):
        raise WrongUse("The tokens hold characters that Intuit's never have.", "Were they copied whole?")
    try:
        return realm_id, parse_tokens(data, datetime.now(UTC))
    except MalformedTokens as error:
        raise WrongUse(str(error)) from None


async def _look(settings: Config, environment: str, realm_id: str, token: str) -> Realm:
    client = Client(timeout=settings.http_timeout_seconds)
    try:
        return await read_realm(client, Access(settings.api_url(environment), realm_id, token))
    except (NotSent, Lost) as error:
        raise SyncdError(
            f"QuickBooks could not be asked: {clean(error.reason)}.", "Nothing was stored; try again."
        ) from None
    except NotTold as error:
        if error.fault is None:
            raise SyncdError(f"{error}.", "Nothing was stored; try again.") from None
        if error.fault.fault_class is FaultClass.AUTH:
            raise SyncdError(
                f"QuickBooks does not accept these tokens for realm {realm_id}.",
                "Nothing was stored. Are they an hour old, of another realm, or of the other environment?",
            ) from None
        what = clean(error.fault.sentence(f"the question about realm {realm_id}"))
        raise SyncdError(what, "Nothing was stored.") from None
    finally:
        await client.aclose()


def _store(
    connection: Connection,
    company: Row,
    environment: str,
    realm_id: str,
    realm: Realm,
    tokens: Tokens,
    blob: bytes,
) -> None:
    try:
        with connection.transaction():
            connection.execute("select set_config('syncd.actor', %s, true)", (ACTOR,))
            connection.execute(
                "select syncd.connect_company(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                (
                    company["company_id"],
                    environment,
                    realm_id,
                    blob,
                    tokens.access_expires_at,
                    tokens.refresh_expires_at,
                    Jsonb(realm.info, dumps=dumps),
                    Jsonb(realm.preferences, dumps=dumps),
                    realm.currency,
                    realm.payroll,
                ),
            )
    except errors.UniqueViolation:
        other = connection.execute(
            "select company_id, name from syncd.company"
            " where environment = %s and realm_id = %s and state <> 'disconnected'",
            (environment, realm_id),
        ).fetchone() or {"company_id": "?", "name": "?"}
        raise SyncdError(
            f"Realm {realm_id} is connected to company {other['company_id']}, {quoted(other['name'])}, already.",
            "A company of QuickBooks serves one company of SIP; give the tokens of another.",
        ) from None
