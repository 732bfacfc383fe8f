"""Idempotency-Key: a POST that is sent again gets the answer of the first time, and does nothing.

The answer is stored in the transaction of what the request did. Routing wraps every POST in once(), so no handler
has to know of it: Call.transaction() gives a handler the transaction that is open already.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from flask import Response, request
from pydantic import BaseModel

from service import db, sql
from service.api import envelope
from service.api.services import Call
from service.errors import KeyReused, Problem, RequestInProgress, ServiceError

HEADER, REPLAYED = "Idempotency-Key", "Idempotency-Replayed"
KEY = re.compile(r"[\x21-\x7e]{1,255}")
RULE = "1 to 255 visible ASCII characters"
TOO_MANY = 429  # passes, so it is no answer to keep


@dataclass(frozen=True, slots=True)
class Stored:
    """The answer that a key has got."""

    request: str  # method and path
    fingerprint: bytes
    status: int
    body: str | None  # None: it had none
    etag: str | None


_try_lock = sql.value("idempotency.try_lock")
_find = sql.maybe("idempotency.find", row=Stored)
_store = sql.execute("idempotency.store")


def key_of(problems: list[Problem]) -> str | None:
    """The key of the request at hand; adds a problem when it is malformed."""
    key = request.headers.get(HEADER)
    if key is not None and not KEY.fullmatch(key):
        problems.append(Problem(HEADER, f"must be {RULE}"))
    return key


def once(call: Call, key: str, values: Mapping[str, BaseModel], act: Callable[[Call], Response]) -> Response:
    """What `act` answers, or what it has answered to the same request before.

    Answers that tell of a fault of ours, or to come back later, are not kept, and neither is what the request did.

    Raises:
        KeyReused: the key came with another request.
        RequestInProgress: the same request is being served.
    """
    which = {"tenant_id": call.tenant, "key": key}
    path = f"{request.method} {request.path}"
    fingerprints = call.services.vault.fingerprints(_content(values))
    with call.transaction() as conn:
        if not _try_lock(conn, **which):
            raise RequestInProgress
        stored = _find(conn, **which)
        if stored is not None:
            return _again(stored, path, fingerprints)
        try:
            with db.savepoint(conn):
                response = act(replace(call, conn=conn))
        except ServiceError as error:
            if error.status >= 500 or error.status == TOO_MANY:
                raise
            response = envelope.refusal(error)
        body = response.get_data(as_text=True) or None
        asked = {"request": path, "fingerprint": fingerprints[0]}
        _store(conn, **which, **asked, status=response.status_code, body=body, etag=response.headers.get("ETag"))
    return response


def _again(stored: Stored, path: str, fingerprints: list[bytes]) -> Response:
    if stored.request != path:
        raise KeyReused(f"The {HEADER} was used for {stored.request}; take a new one for another request.")
    if stored.fingerprint not in fingerprints:
        raise KeyReused(f"The {HEADER} was used with other parameters or another body; take a new one.")
    response = Response(stored.body, stored.status, mimetype="application/json")
    response.headers[REPLAYED] = "true"
    if stored.etag is not None:
        response.headers["ETag"] = stored.etag
    return response


def _content(values: Mapping[str, BaseModel]) -> bytes:
    """What was sent, as it was understood: white space and the order of members make no difference."""
    sent = {name: value.model_dump(mode="json", by_alias=True, exclude_unset=True) for name, value in values.items()}
    return json.dumps(sent, sort_keys=True).encode()
