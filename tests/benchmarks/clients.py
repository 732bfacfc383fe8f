"""Clients of the API: so many at once, each sending its next request when the last is answered."""

import io
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pycurl

from tests.benchmarks.load import TENANT
from tests.benchmarks.stand import check


@dataclass(frozen=True, slots=True)
class Request:
    """One request to the API."""

    method: str
    path: str
    body: Any = None


@dataclass(frozen=True, slots=True)
class Answered:
    """How a number of requests went."""

    milliseconds: list[float]
    rate: float  # a second


def ask(port: int, requests: list[Request], clients: int) -> Answered:
    """Send all requests, so many at once, over kept connections; every answer must be a 2xx."""
    multi = pycurl.CurlMulti()
    todo = iter(requests)
    start = time.perf_counter()
    under_way = sum(_send_next(multi, port, todo, pycurl.Curl()) for _ in range(clients))
    times: list[float] = []
    while under_way:
        multi.perform()
        _, ended, failed = multi.info_read(clients)
        check(not failed, f"a request failed: {failed and failed[0][2]}")
        for easy in ended:
            times.append(_took(easy))
            multi.remove_handle(easy)
            under_way += _send_next(multi, port, todo, easy) - 1
        if not ended:
            multi.select(1.0)
    seconds = time.perf_counter() - start
    multi.close()
    return Answered(times, len(requests) / seconds)


def _send_next(multi: Any, port: int, todo: Iterator[Request], easy: Any) -> int:
    """Have a handle send the next request; 0 when none is left."""
    request = next(todo, None)
    if request is None:
        return 0
    easy.reset()
    easy.setopt(pycurl.URL, f"http://127.0.0.1:{port}{request.path}")
    easy.setopt(pycurl.CUSTOMREQUEST, request.method)
    easy.setopt(pycurl.HTTPHEADER, [f"X-Tenant-ID: {TENANT}", "Content-Type: application/json", "Expect:"])
    easy.setopt(pycurl.PROXY, "")
    if request.body is not None:
        easy.setopt(pycurl.POSTFIELDS, json.dumps(request.body))
    easy.answer = io.BytesIO()
    easy.setopt(pycurl.WRITEDATA, easy.answer)
    multi.add_handle(easy)
    return 1


def _took(easy: Any) -> float:
    status, path = easy.getinfo(pycurl.RESPONSE_CODE), easy.getinfo(pycurl.EFFECTIVE_URL)
    check(200 <= status < 300, f"{path} answered {status}: {easy.answer.getvalue()[:300]!r}")
    return float(easy.getinfo(pycurl.TOTAL_TIME)) * 1000
