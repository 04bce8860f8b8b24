"""A command's connection to Postgres, and what Postgres refuses as a sentence and a remedy."""

from __future__ import annotations

import os
import pwd
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import psycopg
from psycopg import errors
from psycopg.rows import dict_row

from syncd import config
from syncd.cli.output import clean, quoted
from syncd.db.connect import connect
from syncd.errors import DatabaseProblem, SyncdError, WrongUse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Row = dict[str, Any]
Connection = psycopg.Connection[Row]

NOT_INSTALLED = (
    errors.UndefinedTable,
    errors.UndefinedFunction,
    errors.UndefinedColumn,
    errors.InvalidSchemaName,
)
MISUSE = (errors.CheckViolation, errors.InvalidParameterValue, errors.NotNullViolation, errors.DataError)
# The connection broke, or the server was stopped or restarted.
GONE = ("08", "57P")
CONSTRAINTS = {"company_name_given": "A company needs a name"}


class Entity(NamedTuple):
    """A type of record, as the database names it ("service_item") and as SIP does ("Service Item")."""

    name: str
    label: str

    def called(self, what: str) -> str:
        """A record of this type inside a sentence: service item "Hedge trim"."""
        return f"{self.label.lower()} {quoted(what)}"

    @property
    def word(self) -> str:
        """As one types it: "service-item"."""
        return self.name.replace("_", "-")

    @property
    def words(self) -> str:
        """The same for many: "service-items", "timesheet-entries"."""
        return f"{self.word[:-1]}ies" if self.word.endswith("y") else f"{self.word}s"


@contextmanager
def session() -> Iterator[Connection]:
    """A connection in autocommit that returns dicts. Whatever Postgres says against it becomes a SyncdError."""
    dsn = config.load().need_dsn()
    try:
        with connect(dsn, row_factory=dict_row) as connection:
            # Not as options of the connection: a pooler in between refuses those.
            connection.execute(
                "select set_config('lock_timeout', '10s', false), set_config('statement_timeout', '60s', false),"
                " set_config('default_transaction_isolation', 'read committed', false)"
            )
            yield connection
    except psycopg.Error as error:
        _translate(error)
    except UnicodeEncodeError:
        raise WrongUse(
            "What was typed is not valid UTF-8 text.", "Look at the terminal's encoding."
        ) from None


def _translate(error: psycopg.Error) -> NoReturn:
    said, hint = clean(error.diag.message_primary or str(error)), clean(error.diag.message_hint or "")
    said = said[:1].upper() + said[1:]
    match error:
        case errors.InsufficientPrivilege():
            raise DatabaseProblem(
                f"This database role may not do that ({said[:1].lower() + said[1:]}).",
                "Connect as a member of syncd_admin; syncd_reader is enough to look.",
            ) from None
        case errors.LockNotAvailable() | errors.QueryCanceled():
            raise DatabaseProblem(
                "The database was too busy to answer.", "Nothing was changed; try again."
            ) from None
        case errors.ReadOnlySqlTransaction():
            raise DatabaseProblem(
                "This server cannot be written to.", "Name the primary in SYNCD_DSN."
            ) from None
    if isinstance(error, NOT_INSTALLED):
        raise DatabaseProblem(
            f"This database does not hold what this version of syncd needs ({said[:1].lower() + said[1:]}).",
            "Run: syncd db upgrade",
        ) from None
    if isinstance(error, MISUSE):
        raise WrongUse(f"{CONSTRAINTS.get(error.diag.constraint_name or '', said)}.", hint) from None
    if isinstance(error, psycopg.OperationalError) and (error.sqlstate or GONE[0]).startswith(GONE):
        raise DatabaseProblem(f"The database went away: {said}.", "Try again.") from None
    raise SyncdError(f"The database refused this: {said}.", hint) from None


def need_company(connection: Connection, company_id: str) -> Row:
    """What a reader may know of the company, or a sentence."""
    row = connection.execute(
        "select company_id, name, region::text, timezone, state::text, environment::text, realm_id, connected_at"
        " from syncd.company where company_id = %s",
        (company_id,),
    ).fetchone()
    if row is None:
        raise WrongUse(f"There is no company {quoted(company_id)}.", "See: syncd company list")
    return row


def need_entity(connection: Connection, word: str, *, among: Sequence[str] = ()) -> Entity:
    """The entity type that `word` means: customer, customers, Service-Item ...

    `among`: what the refusal says can be chosen, if not every type can.
    """
    known = {
        row["entity_type"]: Entity(row["entity_type"], row["label"])
        for row in connection.execute(
            "select entity_type, label from syncd.entity order by rank, entity_type"
        )
    }
    typed = word.strip().lower().replace("-", "_").replace(" ", "_")
    for guess in (typed, typed.removesuffix("s"), typed.removesuffix("ies") + "y"):
        if guess in known:
            return known[guess]
    choice = ", ".join(among or (entity.word for entity in known.values()))
    raise WrongUse(f"There is no type of record {quoted(word)}.", f"Choose from: {choice}.")


def person() -> str:
    """The login name of whoever types, also behind sudo."""
    if os.getuid() == 0 and os.environ.get("SUDO_USER"):
        return clean(os.environ["SUDO_USER"])
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
