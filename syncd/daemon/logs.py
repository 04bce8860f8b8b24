"""JSON logs on stdout, one event a line, with what is bound in the context: company, entity, request id."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from structlog.typing import EventDict, WrappedLogger

SECRET_WORDS = ("token", "secret", "password", "authorization", "dsn", "vault")


def _redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """By name of the field: a value that only ever holds a secret is never printed."""
    for key in event:
        if any(word in key.lower() for word in SECRET_WORDS):
            event[key] = "…"
    return event


def configure(level: str) -> None:
    """Set structlog up for the daemon. Our libraries' own logs stay quiet below warning."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            structlog.processors.format_exc_info,
            _redact,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stdout),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    # Each lost connection is logged once, by the daemon, not again by the pool.
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
