"""Asking QuickBooks in a command, with the tokens that a company is connected with.

They are good for an hour, and the daemon renews them only when it has something to send. A command that finds them too
old renews them itself, under a lease of the company's lane; sql/engine/visit.sql has the protocol.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg

import syncd
from syncd import config
from syncd.cli.output import clean, quoted
from syncd.cli.session import Connection, Row, session
from syncd.db.states import CompanyState, FaultClass
from syncd.errors import NotConfigured, SyncdError, WrongUse
from syncd.qbo import oauth
from syncd.qbo.client import Access, Client, Lost, NotSent
from syncd.qbo.query import literal
from syncd.qbo.vault import Vault, VaultError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from syncd.config import Config
    from syncd.qbo.faults import Fault

Found = dict[str, Any]
"""An object of QuickBooks."""

ALL = "Active IN (true, false)"
PAGE = 1000
MARGIN = timedelta(minutes=1)
PATIENCE_SECONDS = 30.0
KEEP_AGAIN_SECONDS = (0, 1, 3, 10)


class Question(NamedTuple):
    """All objects of a type for which a condition of the query language holds."""

    entity: str
    where: str = ALL


class NotAnswered(Exception):
    """QuickBooks answered a question with a fault."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.code)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class _Door:
    """Where a company is reached, and what opens it."""

    company_id: str
    environment: str
    realm_id: str
    settings: Config
    vault: Vault


def need_connected(company: Row) -> None:
    """Refuse what only a connected company can do."""
    if company["state"] == CompanyState.CONNECTED:
        return
    words = f"syncd company connect {company['company_id']} --environment {company['environment'] or 'production'}"
    if company["state"] == CompanyState.NEEDS_RECONNECT:
        raise SyncdError("The connection to QuickBooks is lost.", f"Connect it again: {words} < tokens.json")
    raise SyncdError(
        f"Company {quoted(company['company_id'])} is not connected to QuickBooks.",
        f"First: {words} < tokens.json",
    )


def ask(connection: Connection, company: Row, *questions: Question) -> list[list[Found]]:
    """What QuickBooks holds, a list for each question. Raises SyncdError."""
    need_connected(company)
    settings = config.load()
    try:
        vault = Vault(settings.need_vault_keys())
    except VaultError as error:
        raise NotConfigured(str(error)) from None
    door = _Door(company["company_id"], company["environment"], company["realm_id"], settings, vault)
    tokens = _stored(connection, door)
    if tokens.access_expires_at < datetime.now(UTC) + MARGIN:
        tokens = _renewed(connection, door)
    try:
        try:
            return asyncio.run(_answers(connection, door, tokens, questions))
        except NotAnswered as refusal:
            if refusal.fault.fault_class is not FaultClass.AUTH or not refusal.fault.retry:
                raise
        tokens = _renewed(connection, door, refused=tokens.access_token)
        return asyncio.run(_answers(connection, door, tokens, questions))
    except NotAnswered as refusal:
        raise _explained(refusal.fault) from None
    except (NotSent, Lost) as error:
        raise SyncdError(
            f"QuickBooks could not be asked: {clean(error.reason)}.", "Nothing was changed; try again."
        ) from None


def by_id_or_name(entity: str, words: str, *names: str) -> list[Question]:
    """The questions after an object that a person has named by id or by name, active or not."""
    wanted = (
        [Question(entity, f"Id = {literal(words)} AND {ALL}")] if words.isascii() and words.isdigit() else []
    )
    # An object made inactive gets a suffix.
    either = f"({literal(words)}, {literal(words + ' (deleted)')})"
    return wanted + [Question(entity, f"{name} IN {either} AND {ALL}") for name in names]


def choose(found: Iterable[Found], words: str, kind: str, see: str) -> Found:
    """The one active object that a person has named by id or by name; `kind` is what to call it. Raises WrongUse."""
    named = {
        thing["Id"]: thing
        for thing in found
        if words == thing["Id"] or _loose(words) in map(_loose, _names(thing))
    }
    active = [thing for thing in named.values() if thing.get("Active", True)]
    if not named:
        raise WrongUse(f"There is no {kind} {quoted(words)} in QuickBooks.", f"See: {see}")
    if not active:
        raise WrongUse(
            f"{kind.capitalize()} {quoted(words)} is inactive in QuickBooks.",
            f"Make it active there, or choose another: {see}",
        )
    if len(active) > 1:
        ids = " and ".join(f"{thing['Id']} ({name_of(thing)})" for thing in active)
        raise WrongUse(
            f"{quoted(words)} can be {kind} {clean(ids)}.", "Give the id of the one that is meant."
        )
    return active[0]


def name_of(thing: Mapping[str, Any]) -> str:
    """What people call it; of a part of something else, the whole path."""
    parts = " ".join(str(thing[key]) for key in ("GivenName", "FamilyName") if thing.get(key))
    return str(thing.get("FullyQualifiedName") or thing.get("DisplayName") or thing.get("Name") or parts)


def _names(thing: Mapping[str, Any]) -> list[str]:
    return [str(thing.get(key) or "") for key in ("Name", "FullyQualifiedName", "DisplayName")]


def _loose(name: str) -> str:
    """QuickBooks takes no second name that differs by case only, so none is guessed by leaving it out."""
    return " ".join(name.removesuffix(" (deleted)").split()).casefold()


async def _answers(
    connection: Connection, door: _Door, tokens: oauth.Tokens, questions: Iterable[Question]
) -> list[list[Found]]:
    """All that is found, page by page. Raises NotSent, Lost or NotAnswered."""
    access = Access(door.settings.api_url(door.environment), door.realm_id, tokens.access_token)
    client = Client(timeout=door.settings.http_timeout_seconds)

    async def page(statement: str, entity: str) -> list[Found]:
        await asyncio.sleep(_turn(connection, door))
        answer = await client.query(access, statement)
        if answer.fault is not None:
            raise NotAnswered(answer.fault)
        found: list[Found] = (answer.body.get("QueryResponse") or {}).get(entity) or []
        return found

    async def all_pages(entity: str, where: str) -> list[Found]:
        found: dict[str, Found] = {}
        for start in itertools.count(1, PAGE):
            # QuickBooks' query language has no parameters; `literal` escapes
            statement = f"SELECT * FROM {entity} WHERE {where} ORDERBY Id"  # noqa: S608 (values went through `literal`)
            things = await page(f"{statement} STARTPOSITION {start} MAXRESULTS {PAGE}", entity)
            found.update((str(thing["Id"]), thing) for thing in things)
            if len(things) < PAGE:
                break
        return list(found.values())

    try:
        return [await all_pages(*question) for question in questions]
    finally:
        await client.aclose()


def _turn(connection: Connection, door: _Door) -> float:
    row = connection.execute("select syncd.ask_turn(%s) as wait", (door.company_id,)).fetchone()
    assert row is not None
    return float(row["wait"])


def _explained(fault: Fault) -> SyncdError:
    match fault.fault_class:
        case FaultClass.THROTTLE | FaultClass.TRANSIENT:
            return SyncdError(
                "QuickBooks answers no questions about this company at the moment.",
                "Nothing was changed; try again in a minute.",
            )
        case FaultClass.AUTH:
            return SyncdError(
                "QuickBooks does not let syncd in for this company.",
                "Nothing was changed. If `syncd status` says so too, connect it again.",
            )
    return SyncdError(clean(fault.sentence("a question of yours")), "Nothing was changed.")


def _stored(connection: Connection, door: _Door) -> oauth.Tokens:
    row = connection.execute(
        "select tokens from syncd.company where company_id = %s and state = 'connected'"
        " and environment = %s and realm_id = %s",
        (door.company_id, door.environment, door.realm_id),
    ).fetchone()
    if row is None:
        raise SyncdError("The company was connected anew just now.", "Try again.")
    return _opened(door, row["tokens"])


def _opened(door: _Door, blob: bytes) -> oauth.Tokens:
    try:
        return oauth.Tokens.from_json(door.vault.decrypt(blob))
    except (VaultError, oauth.MalformedTokens) as error:
        raise SyncdError(
            f"{error}".rstrip(".") + ".", "Or connect it again: syncd company connect."
        ) from None


def _renewed(connection: Connection, door: _Door, *, refused: str | None = None) -> oauth.Tokens:
    """Good tokens, other than the access token that QuickBooks refused: a daemon at work renews them, or we do."""
    visitor = uuid.uuid4()
    client_id, client_secret = door.settings.need_client()
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        tokens = _stored(connection, door)
        if _good(tokens, refused):
            return tokens
        visit = connection.execute(
            "select * from syncd.visit(%s, %s, %s, %s, %s)",
            (door.company_id, visitor, socket.gethostname(), os.getpid(), syncd.__version__),
        ).fetchone()
        if visit is not None:
            return _renew(door, visit, visitor, client_id, client_secret, refused)
        if time.monotonic() > end:
            raise SyncdError(
                "The connection has to be renewed, and a daemon is at work for the company all the time.",
                "Try again in a minute, and look at: syncd status",
            )
        time.sleep(0.2)


def _good(tokens: oauth.Tokens, refused: str | None) -> bool:
    return tokens.access_token != refused and tokens.access_expires_at > datetime.now(UTC) + MARGIN


def _renew(
    door: _Door, visit: Row, visitor: uuid.UUID, client_id: str, client_secret: str, refused_token: str | None
) -> oauth.Tokens:
    """One renewal. What Intuit refuses is not held against the company: perhaps it is the app's keys in this shell."""
    fresh: oauth.Tokens | None = None
    refused = False
    try:
        held = _opened(door, visit["tokens"])
        if _good(held, refused_token):
            # Whoever had the lane until now has renewed them.
            refused = visit["interrupted_at"] is None
            return held
        fresh = asyncio.run(_refresh(door, held.refresh_token, client_id, client_secret))
    except oauth.InvalidGrant as error:
        refused = visit["interrupted_at"] is None
        raise SyncdError(
            f"{error.reason}.", "If `syncd status` says so too, connect the company again."
        ) from None
    except oauth.InvalidClient as error:
        refused = visit["interrupted_at"] is None
        raise SyncdError(f"{error.reason}.", error.remedy) from None
    except oauth.TokenEndpointDown as error:
        refused = visit["interrupted_at"] is None and not error.sent
        raise SyncdError(f"{error.reason}.", "Nothing was changed; try again.") from None
    finally:
        _end(door, visit, visitor, fresh, refused=refused)
    return fresh


async def _refresh(door: _Door, refresh_token: str, client_id: str, client_secret: str) -> oauth.Tokens:
    client = Client(timeout=door.settings.http_timeout_seconds)
    try:
        return await oauth.refresh(
            client.http,
            token_url=door.settings.qbo_token_url,
            client_id=client_id,
            client_secret=client_secret,
            refresh_token=refresh_token,
            now=datetime.now(UTC),
        )
    finally:
        await client.aclose()


def _end(door: _Door, visit: Row, visitor: uuid.UUID, fresh: oauth.Tokens | None, *, refused: bool) -> None:
    """On connections of its own, and more than once: the tokens before are dead, and nobody else has the new ones."""
    blob = door.vault.encrypt(fresh.to_json()) if fresh else None
    for seconds in KEEP_AGAIN_SECONDS:
        time.sleep(seconds)
        try:
            with session() as connection:
                connection.execute(
                    "select syncd.end_visit(%s, %s, %s, %s, %s, %s, %s, %s)",
                    (
                        door.company_id,
                        visitor,
                        visit["epoch"],
                        visit["started_at"],
                        blob,
                        fresh.access_expires_at if fresh else None,
                        fresh.refresh_expires_at if fresh else None,
                        refused,
                    ),
                )
        except (SyncdError, psycopg.Error) as error:
            failure = error
        else:
            return
    raise failure
