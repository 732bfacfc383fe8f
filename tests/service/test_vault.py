"""Sealing and opening secret values."""

import base64

import pytest

from service.config import Config, ConfigError
from service.vault import SecretUnreadable, Vault, kept_key

OLD, NEW = bytes(32), bytes(range(32))
VALUE = {"headers": {"authorization": "Bearer ü"}, "payload": {}}


def test_what_is_sealed_opens_for_its_owner():
    vault = Vault((OLD,))

    assert vault.open(vault.seal(VALUE, "job\0t1\x001"), "job\0t1\x001") == VALUE


def test_it_opens_for_no_other_owner():
    vault = Vault((OLD,))

    with pytest.raises(SecretUnreadable, match="another owner"):
        vault.open(vault.seal(VALUE, "job\0t1\x001"), "job\0t2\x001")


def test_the_same_value_never_looks_the_same():
    vault = Vault((OLD,))

    assert vault.seal(VALUE, "a") != vault.seal(VALUE, "a")


@pytest.mark.parametrize("place", [-30, -10, len("v1:00000000:") + 2])
def test_a_changed_ciphertext_does_not_open(place):
    vault, sealed = Vault((OLD,)), list(Vault((OLD,)).seal(VALUE, "a"))

    sealed[place] = "A" if sealed[place] != "A" else "B"

    with pytest.raises(SecretUnreadable):
        vault.open("".join(sealed), "a")


def test_the_first_key_seals_and_each_opens():
    old, both = Vault((OLD,)), Vault((NEW, OLD))

    assert both.open(old.seal(VALUE, "a"), "a") == VALUE
    assert Vault((NEW,)).open(both.seal(VALUE, "a"), "a") == VALUE


def test_a_key_that_is_gone_is_told_by_its_name_alone():
    sealed = Vault((OLD,)).seal(VALUE, "a")

    with pytest.raises(SecretUnreadable, match=f"key {sealed.split(':')[1]}, which SECRETS_KEY does not have"):
        Vault((NEW,)).open(sealed, "a")


def test_without_a_key_values_are_kept_in_plain_text_that_every_vault_opens():
    sealed = Vault().seal(VALUE, "a")

    assert sealed.startswith("plain:")
    assert Vault((NEW,)).open(sealed, "a") == VALUE


def test_keys_are_read_in_both_alphabets_of_base64():
    key = bytes([255] * 32)
    raw = f"{base64.b64encode(key).decode()}, {base64.urlsafe_b64encode(key).decode()}"

    assert (key, key) == Config.from_env({"SECRETS_KEY": raw}).secrets_keys


@pytest.mark.parametrize("raw", ["short", base64.b64encode(bytes(31)).decode(), "a b,c", "é" * 43])
def test_a_bad_key_stops_the_start_unseen(raw):
    with pytest.raises(ConfigError, match="openssl rand -base64 32") as caught:
        Config.from_env({"SECRETS_KEY": raw})

    assert "SECRETS_KEY=(hidden)" in str(caught.value)
    assert raw not in str(caught.value)


def test_a_kept_key_stays_and_is_the_owners_alone(tmp_path):
    first, second = kept_key(tmp_path / "key"), kept_key(tmp_path / "key")

    assert first == second
    assert len(Config.from_env({"SECRETS_KEY": first}).secrets_keys) == 1
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


def test_a_fingerprint_is_known_again_after_a_rotation_and_needs_the_key():
    kept = Vault([OLD]).fingerprints(b"content")[0]

    assert kept in Vault([NEW, OLD]).fingerprints(b"content")
    assert kept not in Vault([NEW]).fingerprints(b"content")
    assert kept not in Vault().fingerprints(b"content")
    assert kept not in Vault([NEW, OLD]).fingerprints(b"other")
