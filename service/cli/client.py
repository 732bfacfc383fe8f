"""A service at a URL, as commands talk to it."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import requests

from service import __version__
from service.cli import exits

PREFIX = "/api/v1"
PAGE = 100  # rows asked for at once, the most there are
CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 30.0
ATTEMPTS = 5  # for what the service says to try later
LONGEST_WAIT_SECONDS = 30.0


class Unreachable(exits.CommandError):
    """Nothing that speaks for the service answers at its URL."""

    code = exits.UNREACHABLE


class Refused(exits.CommandError):
    """The API answered with an error; the message names each field and how to mend it."""

    code = exits.REFUSED

    def __init__(self, status: int, error: dict[str, Any]) -> None:
        problems = error.get("validation") or []
        lines = [str(error.get("message") or f"The service answered {status}.")]
        super().__init__("\n".join(lines + [f"  {item['field']} {item['message']}" for item in problems]))
        self.status = status
        self.error = error


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request got."""

    status: int
    data: Any
    pagination: dict[str, Any]


class _Bearer(requests.auth.AuthBase):
    """Says who asks. Without it requests would take a password from .netrc, and for the key's place too."""

    def __init__(self, token: str | None) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """The request with the key, if there is one."""
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class Client:
    """Sends requests for one tenant and gives back the data of the envelope."""

    def __init__(self, url: str, token: str | None, tenant: str | None) -> None:
        self.url = url.rstrip("/")
        self._session = requests.Session()
        self._session.headers["User-Agent"] = f"scheduler-cli/{__version__}"
        self._session.auth = _Bearer(token)
        if tenant:
            self._session.headers["X-Tenant-ID"] = tenant

    def get(self, path: str, **query: Any) -> Any:
        """The data at a path; query values that are None are left out."""
        return self.send("GET", path, query=query).data

    def find(self, path: str) -> Any:
        """The data at a path, None when there is nothing."""
        try:
            return self.get(path)
        except Refused as refusal:
            if refusal.status != 404:
                raise
            return None

    def send(self, method: str, path: str, query: dict[str, Any] | None = None, body: Any = None) -> Answer:
        """One request, sent again a few times when the service says that it is busy.

        Raises:
            Refused: the API answered with an error.
            Unreachable: nothing answered, or something that is not the service.
        """
        # Sent again with the same key, a POST is carried out once.
        headers = {"Idempotency-Key": str(uuid4())} if method == "POST" else {}
        for attempt in range(1, ATTEMPTS + 1):
            response = self._exchange(method, path, query, body, headers)
            wait = _pause(response)
            if wait is None or attempt == ATTEMPTS:
                break
            time.sleep(wait)
        if response.status_code == 204:
            return Answer(204, None, {})
        envelope = self._envelope(response)
        if not envelope["success"]:
            raise Refused(response.status_code, envelope.get("error") or {})
        return Answer(response.status_code, envelope.get("data"), envelope.get("pagination") or {})

    def rows(self, path: str, limit: int | None = None, **query: Any) -> Iterator[Any]:
        """The rows of a list, page by page, up to a limit."""
        cursor, left = None, limit
        while left is None or left > 0:
            size = PAGE if left is None else min(PAGE, left)
            answer = self.send("GET", path, query={**query, "page_size": size, "cursor": cursor})
            yield from answer.data
            left = None if left is None else left - len(answer.data)
            cursor = answer.pagination.get("nextCursor")
            if not cursor:
                return

    def count(self, path: str, **query: Any) -> int:
        """How many rows a list has, as far as the service counts them."""
        total: int = self.send("GET", path, query={**query, "page_size": 1}).pagination["total"]
        return total

    def _exchange(
        self, method: str, path: str, query: dict[str, Any] | None, body: Any, headers: dict[str, str]
    ) -> requests.Response:
        given = {name: value for name, value in (query or {}).items() if value is not None}
        try:
            return self._session.request(
                method,
                f"{self.url}{PREFIX}{path}",
                params=given,
                json=body,
                headers=headers,
                timeout=(CONNECT_SECONDS, ANSWER_SECONDS),
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise Unreachable(f"There is no answer from {self.url}: {_reason(error)}") from error

    def _envelope(self, response: requests.Response) -> dict[str, Any]:
        try:
            envelope = response.json()
        except requests.JSONDecodeError:
            envelope = None
        if not isinstance(envelope, dict) or "success" not in envelope:
            raise Unreachable(f"What answers at {self.url} is not the service (status {response.status_code}).")
        return envelope


def _pause(response: requests.Response) -> float | None:
    """Seconds after which to send a request again; None when it has its answer."""
    if response.status_code not in (429, 503):
        return None
    said = response.headers.get("Retry-After", "")
    return min(float(said) if said.isdigit() else 1.0, LONGEST_WAIT_SECONDS)


def _reason(error: BaseException) -> str:
    """The innermost cause, which says more than the layers around it."""
    cause: BaseException = error
    while cause.args and isinstance(cause.args[0], BaseException):
        cause = cause.args[0]
    return str(getattr(cause, "reason", None) or cause)
