"""The one settings object: `SYNCD_*` environment variables, and files of systemd credentials for secrets.

Every field is a row of the table in `docs/configuration.md`.
"""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from syncd.errors import NotConfigured


class Config(BaseSettings):
    """What may differ from one installation to the next. Times in seconds."""

    model_config = SettingsConfigDict(
        env_prefix="SYNCD_", secrets_dir=os.environ.get("CREDENTIALS_DIRECTORY"), extra="ignore"
    )

    dsn: SecretStr | None = Field(default=None, description="libpq connection string of SIP's database")
    listen_dsn: SecretStr | None = Field(
        default=None, description="a direct connection for the bell, where SYNCD_DSN leads through a pooler"
    )
    vault_keys: SecretStr | None = Field(
        default=None,
        description="keys that encrypt the tokens, comma separated; the first encrypts, all decrypt",
    )
    qbo_client_id: str | None = Field(default=None, description="the Intuit app's client id")
    qbo_client_secret: SecretStr | None = Field(default=None, description="the Intuit app's client secret")
    qbo_production_url: str = "https://quickbooks.api.intuit.com"
    qbo_sandbox_url: str = "https://sandbox-quickbooks.api.intuit.com"
    qbo_token_url: str = "https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer"  # noqa: S105 - an address
    qbo_revoke_url: str = "https://developer.api.intuit.com/v2/oauth2/tokens/revoke"
    slots: int = Field(
        default=200, ge=1, le=1000, description="companies served at the same time by one daemon"
    )
    lease_seconds: float = Field(
        default=15, ge=1, le=600, description="how long a daemon that says nothing keeps its lanes"
    )
    shutdown_seconds: float = Field(
        default=25, ge=1, le=600, description="how long SIGTERM waits for answers under way"
    )
    http_timeout_seconds: float = Field(
        default=60, ge=1, le=120, description="how long an answer of QBO may take"
    )
    log_level: str = Field(default="info", pattern="^(debug|info|warning|error)$")
    source_dir: Path | None = Field(
        default=None, description="the folder to use instead of the packaged sql/source"
    )

    def need_dsn(self) -> str:
        """The connection string, or a sentence on how to give it."""
        if self.dsn is None:
            raise NotConfigured(
                "No database is named.",
                'Set SYNCD_DSN, for example SYNCD_DSN="host=db dbname=sip user=syncd".',
            )
        return self.dsn.get_secret_value()

    def need_listen_dsn(self) -> str:
        """The connection string of the bell's sessions."""
        return self.listen_dsn.get_secret_value() if self.listen_dsn else self.need_dsn()

    def need_vault_keys(self) -> list[str]:
        """The keys for tokens at rest, first the one that encrypts."""
        keys = [k.strip() for k in (self.vault_keys.get_secret_value() if self.vault_keys else "").split(",")]
        if not any(keys):
            raise NotConfigured(
                "No key for the tokens at rest is given.",
                "Make one with `syncd company new-key` and give it as credential syncd_vault_keys or SYNCD_VAULT_KEYS.",
            )
        return [k for k in keys if k]

    def need_client(self) -> tuple[str, str]:
        """Client id and secret of the Intuit app."""
        if not self.qbo_client_id or self.qbo_client_secret is None:
            raise NotConfigured(
                "The Intuit app is not named.", "Set SYNCD_QBO_CLIENT_ID and SYNCD_QBO_CLIENT_SECRET."
            )
        return self.qbo_client_id, self.qbo_client_secret.get_secret_value()

    def api_url(self, environment: str) -> str:
        """The API's address for `sandbox` or `production`."""
        return self.qbo_production_url if environment == "production" else self.qbo_sandbox_url


def load() -> Config:
    """Read the environment; a malformed value is a sentence that names its variable, never its content."""
    try:
        return Config()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = "SYNCD_" + "_".join(str(part) for part in first["loc"]).upper()
        raise NotConfigured(f"{name} cannot be used: {first['msg']}.", "See docs/configuration.md.") from None
