"""The vault: seals secret values for the database and opens them again, by AES-GCM under keys of the environment."""

import base64
import binascii
import hashlib
import hmac
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
NONCE_BYTES = 12  # Source: NIST SP 800-38D section 8.2.2; random ones serve 2^32 messages a key
PLAIN = "plain:"
SCHEME = "v1:"


class SecretUnreadable(Exception):
    """A sealed value cannot be opened: its key is gone, or it was sealed for another owner."""


class Vault:
    """Seals under the first of its keys and opens what any of them has sealed.

    What is sealed is bound to its owner, so a ciphertext that is moved to another tenant's row cannot be opened there.
    """

    def __init__(self, keys: Sequence[bytes] = ()) -> None:
        """keys have KEY_BYTES each; without any, values can be kept in plain text only."""
        self._keys = tuple(keys)
        self._ciphers = {key_name(key): AESGCM(key) for key in keys}
        self._current = key_name(keys[0]) if keys else None

    @property
    def has_key(self) -> bool:
        """Whether what is sealed from now on is encrypted."""
        return self._current is not None

    @property
    def current(self) -> str:
        """How every value begins that is sealed as it would be sealed now."""
        return PLAIN if self._current is None else f"{SCHEME}{self._current}:"

    def seal(self, value: Any, owner: str) -> str:
        """The value, any JSON, as text for the database."""
        text = json.dumps(value, ensure_ascii=False)
        if self._current is None:
            return PLAIN + text
        nonce = os.urandom(NONCE_BYTES)
        sealed = nonce + self._ciphers[self._current].encrypt(nonce, text.encode(), owner.encode())
        return self.current + base64.b64encode(sealed).decode()

    def fingerprints(self, content: bytes) -> list[bytes]:
        """One digest of the content for each key, the current one's first: which content it was cannot be guessed
        from a digest without the key. Without keys it is a plain one."""
        if not self._keys:
            return [hashlib.sha256(content).digest()]
        return [hmac.digest(hashlib.sha256(key).digest(), content, "sha256") for key in self._keys]

    def open(self, sealed: str, owner: str) -> Any:
        """The value that was sealed for this owner.

        Raises:
            SecretUnreadable: the key is not among the vault's, or the owner is another.
        """
        if sealed.startswith(PLAIN):
            return json.loads(sealed.removeprefix(PLAIN))
        key, _, text = sealed.removeprefix(SCHEME).partition(":")
        if key not in self._ciphers:
            raise SecretUnreadable(f"It is sealed under the key {key[:16]}, which SECRETS_KEY does not have.")
        try:
            raw = base64.b64decode(text, validate=True)
            return json.loads(self._ciphers[key].decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], owner.encode()))
        except (InvalidTag, ValueError) as error:
            raise SecretUnreadable("It is damaged, or was sealed for another owner.") from error


def key_name(key: bytes) -> str:
    """What tells a key from others and gives nothing of it away."""
    return hashlib.sha256(b"scheduler-service key name" + key).hexdigest()[:8]


def parse_keys(raw: str) -> tuple[bytes, ...]:
    """The keys of SECRETS_KEY.

    Raises:
        ValueError: says what is expected.
    """
    return tuple(_parse_key(part.strip()) for part in raw.split(","))


def _parse_key(text: str) -> bytes:
    expected = "32 random bytes in base64 (openssl rand -base64 32), or several such keys with commas between"
    try:
        key = base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(expected) from None
    if len(key) != KEY_BYTES:
        raise ValueError(expected)
    return key


def kept_key(path: Path) -> str:
    """The key that a file keeps, readable by its owner alone; made at the first time."""
    if not path.exists():
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(base64.b64encode(os.urandom(KEY_BYTES)).decode())
    return path.read_text()


def job_owner(tenant_id: str, job_id: object) -> str:
    """The owner of a job's secrets."""
    return f"job\0{tenant_id}\0{job_id}"
