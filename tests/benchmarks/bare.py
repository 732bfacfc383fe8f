"""Baselines without the service: a raw socket loop, a bare libcurl loop, a bare SKIP LOCKED loop."""

import select
import socket
import time
from typing import Any

import pycurl
from psycopg import Connection

from tests.benchmarks.receiver import Receiver
from tests.benchmarks.stand import check

BODY = b'{"number": 4711}'
HEADERS = (
    "User-Agent: bare",
    "Content-Type: application/json",
    "X-Scheduler-Job-Id: 0f8fad5b-d9cb-469f-a165-70867728950e",
    "X-Scheduler-Execution-Id: 019ab9c6-7d5c-7c1f-9a5d-000000000000",
    "X-Scheduler-Tenant-Id: bench",
    "X-Scheduler-Attempt: 1",
    "X-Scheduler-Scheduled-At: 2026-01-01T00:00:00.000000Z",
    "Idempotency-Key: 019ab9c6-7d5c-7c1f-9a5d-000000000000",
    "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
    "Expect:",
)

QUEUE = (
    "CREATE TABLE bare_queue (id bigint PRIMARY KEY, payload jsonb NOT NULL, running boolean NOT NULL DEFAULT FALSE)"
)
FILL = "INSERT INTO bare_queue SELECT n, jsonb_build_object('number', n) FROM generate_series(1, %s) AS n"
CLAIM = """
UPDATE bare_queue AS q
SET running = TRUE
FROM (
    SELECT id FROM bare_queue WHERE NOT running ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
) AS p
WHERE q.id = p.id
RETURNING q.id, q.payload
"""
FINISH = "DELETE FROM bare_queue WHERE id = ANY(%s)"


def raw_rate(receiver: Receiver, count: int, connections: int = 50) -> float:
    """Requests a second that the receiver answers to a client that does nothing but send and read."""
    lines = [line for line in HEADERS if not line.endswith(":")]
    head = "\r\n".join(["POST /hook HTTP/1.1", "Host: receiver", f"Content-Length: {len(BODY)}", *lines])
    request = head.encode() + b"\r\n\r\n" + BODY
    sockets = {sock.fileno(): sock for sock in (_connect(receiver.port) for _ in range(connections))}
    epoll = select.epoll()
    for fd in sockets:
        epoll.register(fd, select.EPOLLIN)
    start = time.perf_counter()
    sent, done = 0, 0
    for sock in sockets.values():
        sock.send(request)
        sent += 1
    while done < count:
        for fd, _ in epoll.poll():
            sockets[fd].recv(4096)
            done += 1
            if sent < count:
                sockets[fd].send(request)
                sent += 1
    seconds = time.perf_counter() - start
    epoll.close()
    for sock in sockets.values():
        sock.close()
    return count / seconds


def _connect(port: int) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def curl_rate(receiver: Receiver, count: int, handles: int = 50) -> float:
    """Requests a second of one thread that drives libcurl's multi interface, each request set up anew."""
    multi = pycurl.CurlMulti()
    multi.setopt(pycurl.M_MAXCONNECTS, handles)
    started, done = 0, 0
    receiver.reset()
    start = time.perf_counter()
    for _ in range(min(handles, count)):
        multi.add_handle(prepared(pycurl.Curl(), receiver))
        started += 1
    while done < count:
        multi.perform()
        _, ended, failed = multi.info_read(handles)
        if failed:
            raise RuntimeError(f"the bare loop failed: {failed[0][2]}")
        for easy in ended:
            done += 1
            multi.remove_handle(easy)
            if started < count:
                multi.add_handle(prepared(easy, receiver))
                started += 1
        if not ended:
            multi.select(1.0)
    seconds = time.perf_counter() - start
    multi.close()
    check(receiver.count() == count, f"{receiver.count()} calls of {count} in the bare loop")
    return count / seconds


def prepared(easy: Any, receiver: Receiver) -> Any:
    """A libcurl handle set up for one call."""
    easy.reset()
    easy.setopt(pycurl.URL, receiver.url)
    easy.setopt(pycurl.POSTFIELDS, BODY)
    easy.setopt(pycurl.HTTPHEADER, HEADERS)
    easy.setopt(pycurl.NOSIGNAL, 1)
    easy.setopt(pycurl.PROXY, "")
    easy.setopt(pycurl.TIMEOUT_MS, 30_000)
    easy.setopt(pycurl.WRITEFUNCTION, len)
    return easy


def queue_rate(conn: Connection[Any], count: int, batch: int = 50) -> float:
    """Rows a second that one session claims and finishes in batches, on a table that holds nothing else."""
    conn.execute(QUEUE)
    conn.execute(FILL, (count,))
    conn.execute("VACUUM (ANALYZE) bare_queue")
    conn.execute("CHECKPOINT")
    start = time.perf_counter()
    while claimed := conn.execute(CLAIM, (batch,), prepare=True).fetchall():
        conn.execute(FINISH, ([row[0] for row in claimed],), prepare=True)
    return count / (time.perf_counter() - start)
