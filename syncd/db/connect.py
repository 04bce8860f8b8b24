"""A connection for people and for administration; the daemon's pool is in `queue.py`."""

from __future__ import annotations

from typing import Any

import psycopg

from syncd.errors import DatabaseProblem


def connect(dsn: str, **options: Any) -> psycopg.Connection[Any]:
    """In autocommit, under a name that DBAs recognise. `options` are psycopg's, such as row_factory.

    Raises DatabaseProblem.
    """
    try:
        return psycopg.connect(
            dsn, autocommit=True, application_name="syncd admin", connect_timeout=10, **options
        )
    except psycopg.ProgrammingError:
        # its message may quote the string, and with it a password
        raise DatabaseProblem(
            "SYNCD_DSN is not a connection string of Postgres.",
            'It looks like: "host=db dbname=sip user=syncd" or postgresql://syncd@db/sip.',
        ) from None
    except psycopg.OperationalError as error:
        reason = str(error).strip().splitlines()[0].split("FATAL:")[-1].strip()
        raise DatabaseProblem(
            f"The database cannot be reached: {reason}.", "Look at SYNCD_DSN and whether Postgres is up."
        ) from None
