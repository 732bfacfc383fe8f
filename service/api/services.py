"""What the API needs of the process it runs in, and what a handler gets of a request."""

import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from psycopg import Connection

from service import db
from service.api.conditions import Conditions
from service.api.guard import Caller
from service.config import Config
from service.errors import Problem, ValidationFailed
from service.vault import Vault


@dataclass(frozen=True, slots=True)
class Services:
    """Handed to create_app."""

    config: Config
    pool: db.Pool  # of role api
    draining: threading.Event  # set: /ready says no
    lease_state: Callable[[], Mapping[str, Any]] | None = None  # status (ok, down) and holder of the ticker lease

    def check_endpoint(self, endpoint: str, field: str = "endpoint") -> None:
        """Raise ValidationFailed for a URL whose host is an address that calls must not go to."""
        refused = self.config.egress.refusal_of_url(endpoint)
        if refused is not None:
            message = f"must not be an address in {refused}, which calls must not go to"
            raise ValidationFailed([Problem(field, message)])

    @property
    def vault(self) -> Vault:
        """Seals what clients name secret."""
        return Vault(self.config.secrets_keys)


@dataclass(frozen=True, slots=True)
class Call:
    """One request, once its tenant is known."""

    services: Services
    caller: Caller
    request_id: str
    conditions: Conditions  # on the job that the path names
    conn: Connection[Any] | None = None  # where a transaction is open that the request is served in

    @property
    def tenant(self) -> str:
        """Whose rows it sees and touches."""
        return self.caller.tenant

    def transaction(self) -> AbstractContextManager[Connection[Any]]:
        """A transaction that sees this tenant's rows only; the one that is open, if any."""
        if self.conn is not None:
            return nullcontext(self.conn)
        return db.transaction(self.services.pool, self.caller.tenant, self.caller.actor, self.request_id)
