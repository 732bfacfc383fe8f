"""Who may ask for what: the key of a request, its tenant, and whether it has asked too often."""

import re
import time
from dataclasses import dataclass

from flask import request

from service.config import Config
from service.db import Pool
from service.errors import Forbidden, Problem, Unauthorized
from service.keys import MARK, FoundKey, Keyring, Scope
from service.rates import RateLimit
from service.tenant import DEFAULT_TENANT, tenant_of

TENANT_HEADER = "X-Tenant-ID"
BEARER = re.compile(r"bearer +([\x21-\x7e]{1,500}) *", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever asks."""

    tenant: str
    actor: str | None = None  # as the audit log names them; None: without a key


class Guard:
    """Admits requests, or says why not."""

    def __init__(self, config: Config, pool: Pool) -> None:
        self._config = config
        self._keyring = Keyring(pool)
        self._rate = RateLimit(config.rate_limit)

    def admit(self, scope: Scope, problems: list[Problem]) -> Caller:
        """Whoever sent the request at hand; a tenant that breaks a rule is added to `problems`.

        Raises:
            Unauthorized: it needs a key and has none, or has one that is no good.
            Forbidden: its key does not reach so far, or not to that tenant.
            TooManyRequests: its tenant asks too often.
        """
        caller = self._identify(scope, problems)
        self._rate.take(caller.tenant, time.monotonic())
        return caller

    def _identify(self, scope: Scope, problems: list[Problem]) -> Caller:
        key = self._key()
        if key is None:
            return Caller(_tenant(self._config.tenant_required, problems))
        if not key.allows(scope):
            raise Forbidden(f"This needs a key of scope {scope}; the one sent is of scope {key.scope}.")
        named: list[Problem] = []
        if TENANT_HEADER in request.headers and (_tenant(False, named) != key.tenant_id or named):
            raise Forbidden(f"The key belongs to another tenant than {TENANT_HEADER} says; the header may be left out.")
        return Caller(key.tenant_id, f"key:{key.id}")

    def _key(self) -> FoundKey | None:
        """The key of the request; None where none is asked for and none of ours sent."""
        match = BEARER.fullmatch(request.headers.get("Authorization", ""))
        # Where keys are not asked for, a gateway's own credentials may come along; a key of ours always counts, since
        # a wrong one must not be taken for no key and let in as somebody else.
        if not self._config.auth_required and (match is None or not match[1].startswith(MARK)):
            return None
        key = self._keyring.find(match[1]) if match else None
        if key is None:
            raise Unauthorized
        return key


def _tenant(required: bool, problems: list[Problem]) -> str:
    header = request.headers.get(TENANT_HEADER)
    if header is None and required:
        problems.append(Problem(TENANT_HEADER, "is required", "required"))
    try:
        return DEFAULT_TENANT if header is None else tenant_of(header)
    except ValueError as error:
        problems.append(Problem(TENANT_HEADER, str(error)))
        return DEFAULT_TENANT
