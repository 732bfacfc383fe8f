"""PgQueuer delivering the same calls to the same receiver through the same server: the peer that is measured.

Run as a process: it says "ready" and begins at a line on its standard input. By means that its documentation names:
asyncpg, uvloop, an async entry point, large batches; the call is made by aiohttp on kept connections.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp
import asyncpg
import uvloop
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver
from pgqueuer.models import Job
from pgqueuer.queries import Queries
from pgqueuer.types import QueueExecutionMode

from tests.benchmarks.delivery import LIMIT_SECONDS, Delivery, Meter
from tests.benchmarks.stand import LISTEN_SECONDS, Database, check, module, wait_for

# What was fastest of batches of 10 (its default) to 400, with and without a cap of tasks, one connection and a pool.
BATCH = 100
DEFAULT_BATCH = 10
TASKS = 200
ENTRY = "deliver"
LEFT = "SELECT count(*) /* benchmark */ FROM pgqueuer"


def deliver(database: Database, count: int, batch: int = BATCH) -> Delivery:
    """Deliver so many jobs that are in the queue when the process begins, taken from it in batches of that size."""
    stand = database.stand
    asyncio.run(_prepare(database.url, count))
    database.settle()
    stand.receiver.reset()
    with _process(database, QueueExecutionMode.drain, batch) as process:
        trees = {"engine": [process.pid], "postgresql": [stand.postmaster], "receiver": [stand.receiver.pid]}
        meter = Meter(database, trees)
        start = time.perf_counter()
        _begin(process)
        wait_for(lambda: stand.receiver.count() >= count, LIMIT_SECONDS, "PgQueuer's calls arrive")
        wait_for(lambda: database.value(LEFT) == 0, LIMIT_SECONDS, "PgQueuer's queue is empty", 0.005)
        delivery = meter.read(count, time.perf_counter() - start)
    check(stand.receiver.count() == count, f"{stand.receiver.count()} calls for {count} jobs")
    return delivery


def burst(database: Database, count: int) -> list[float]:
    """Milliseconds from the moment at which so many jobs are there at once to the arrival of each call."""
    receiver = database.stand.receiver
    asyncio.run(_prepare(database.url, 0))
    database.settle()
    with _process(database, QueueExecutionMode.continuous) as process:
        _begin(process)
        time.sleep(LISTEN_SECONDS)
        receiver.reset(record=1)
        there = asyncio.run(_enqueue(database.url, count))
        wait_for(lambda: receiver.count() >= count, LIMIT_SECONDS, "PgQueuer's calls arrive")
        return [(arrived - there) * 1000 for arrived, _, _ in receiver.calls()]


@contextmanager
def _process(database: Database, mode: QueueExecutionMode, batch: int = BATCH) -> Iterator[subprocess.Popen[bytes]]:
    """A worker process that is ready to begin; ended when the block ends."""
    command = module("peer", database.url, database.stand.receiver.url, mode.name, str(batch))
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        check(process.stdout is not None and process.stdout.readline() == b"ready\n", "PgQueuer starts")
        yield process
    finally:
        process.kill()
        process.communicate()


def _begin(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.write(b"go\n")
    process.stdin.flush()


async def _prepare(url: str, count: int) -> None:
    conn = await asyncpg.connect(url)
    await Queries.from_asyncpg_connection(conn).install()
    await conn.close()
    if count:
        await _enqueue(url, count)


async def _enqueue(url: str, count: int) -> float:
    """Put jobs into the queue by one statement; gives the moment at which that was committed."""
    conn = await asyncpg.connect(url)
    payloads = [json.dumps({"number": number}).encode() for number in range(count)]
    await Queries.from_asyncpg_connection(conn).enqueue([ENTRY] * count, list(payloads), [0] * count)
    there = time.time()
    await conn.close()
    return there


async def _work(url: str, target: str, mode: str, batch: str) -> None:
    queuer = PgQueuer(AsyncpgDriver(await asyncpg.connect(url)))
    headers = {"Content-Type": "application/json"}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), headers=headers) as session:

        @queuer.entrypoint(ENTRY)
        async def call(job: Job) -> None:
            async with session.post(target, data=job.payload) as answer:
                answer.raise_for_status()
                await answer.read()

        print("ready", flush=True)
        sys.stdin.readline()
        await queuer.run(batch_size=int(batch), max_concurrent_tasks=TASKS, mode=QueueExecutionMode[mode])


if __name__ == "__main__":
    uvloop.run(_work(*sys.argv[1:]))
