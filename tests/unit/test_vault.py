"""Encryption at rest: rotation of keys, and errors that help without telling secrets."""

from __future__ import annotations

import pytest

from syncd.qbo.vault import Vault, VaultError


def test_what_was_encrypted_comes_back() -> None:
    vault = Vault([Vault.generate_key()])
    blob = vault.encrypt(b"tokens")
    assert b"tokens" not in blob
    assert vault.decrypt(blob) == b"tokens"


def test_old_keys_still_open_and_rotation_moves_to_the_first_key() -> None:
    old, new = Vault.generate_key(), Vault.generate_key()
    blob = Vault([old]).encrypt(b"tokens")
    both = Vault([new, old])
    assert both.decrypt(blob) == b"tokens"
    assert Vault([new]).decrypt(both.rotate(blob)) == b"tokens"
    assert Vault([new]).decrypt(both.encrypt(b"later")) == b"later"


def test_a_key_read_from_a_file_may_end_with_a_newline() -> None:
    key = Vault.generate_key()
    assert Vault([key + "\n"]).decrypt(Vault([key]).encrypt(b"x")) == b"x"


@pytest.mark.parametrize("action", ["decrypt", "rotate"])
def test_a_wrong_key_or_an_altered_blob_is_said_with_the_remedy(action: str) -> None:
    blob = Vault([Vault.generate_key()]).encrypt(b"tokens")
    vault = Vault([Vault.generate_key()])
    for bad in (blob, blob[:-4], b"", b"\xff" * 40):
        with pytest.raises(VaultError, match="None of the configured encryption keys opens") as caught:
            getattr(vault, action)(bad)
        assert "reconnect" in str(caught.value)


@pytest.mark.parametrize("bad", ["", "short", "x" * 44, "é" * 44, "A" * 43])
def test_a_malformed_key_is_said_by_its_number_not_its_value(bad: str) -> None:
    with pytest.raises(VaultError, match="Encryption key 2 is malformed") as caught:
        Vault([Vault.generate_key(), bad])
    assert bad == "" or bad not in str(caught.value)


def test_no_keys_at_all() -> None:
    with pytest.raises(VaultError, match="no encryption key"):
        Vault([])


def test_repr_tells_no_key() -> None:
    key = Vault.generate_key()
    assert repr(Vault([key])) == "Vault(1 keys)"
