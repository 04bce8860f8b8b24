"""Encryption of what must not be readable in a database dump: tokens. Fernet of the cryptography package."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

if TYPE_CHECKING:
    from collections.abc import Sequence


class VaultError(Exception):
    """A key or a blob that cannot be used; the text is a sentence with the remedy, never a secret."""


class Vault:
    """Encrypts with the first key, decrypts with any.

    To change keys: put the new key first, `rotate` every blob, then take the old key away.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise VaultError("There is no encryption key; make one with `Vault.generate_key()` and set it.")
        self._fernet = MultiFernet([_fernet(key, number) for number, key in enumerate(keys, start=1)])
        self._count = len(keys)

    def __repr__(self) -> str:
        return f"Vault({self._count} keys)"

    @staticmethod
    def generate_key() -> str:
        """A new random key: 44 characters of URL-safe base64."""
        return Fernet.generate_key().decode("ascii")

    def encrypt(self, data: bytes) -> bytes:
        """A blob that only one of the keys opens, and that shows if it was altered."""
        return self._fernet.encrypt(data)

    def decrypt(self, blob: bytes) -> bytes:
        """The data of a blob. Raises VaultError if no key opens it."""
        try:
            return self._fernet.decrypt(blob)
        except InvalidToken:
            raise VaultError(_NO_KEY) from None

    def rotate(self, blob: bytes) -> bytes:
        """The same data under the first key; the blob's time stays. Raises VaultError if no key opens it."""
        try:
            return self._fernet.rotate(blob)
        except InvalidToken:
            raise VaultError(_NO_KEY) from None


_NO_KEY = (
    "None of the configured encryption keys opens the stored tokens; "
    "add the key they were stored with behind the first one, or reconnect the company."
)


def _fernet(key: str, number: int) -> Fernet:
    try:
        return Fernet(key.strip())
    except ValueError:
        raise VaultError(
            f"Encryption key {number} is malformed: it must be 32 random bytes in URL-safe base64 "
            "(44 characters); make one with `Vault.generate_key()`."
        ) from None
