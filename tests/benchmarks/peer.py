"""PgQueuer delivering the same calls to the same receiver through the same server: the peer that is measured.

Run as a process: it says "ready", begins at a line on its standard input, and ends when the queue is empty. By
PgQueuer's own documentation's means: asyncpg, uvloop, an async entry point, batches sized for throughput, and drain
mode, which stops at an empty queue; the call is made by aiohttp on kept connections.
"""

import asyncio
import json
import subprocess
import sys
import time

import aiohttp
import asyncpg
import uvloop
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgPoolDriver
from pgqueuer.models import Job
from pgqueuer.queries import Queries
from pgqueuer.types import QueueExecutionMode

from tests.benchmarks.delivery import LIMIT_SECONDS, Delivery, Meter
from tests.benchmarks.stand import Database, check, module, wait_for

BATCH = 100  # 10 (its default), 50, 100 and 200 were tried: nothing was faster
TASKS = 200  # the least that it allows for the batch
ENTRY = "deliver"
LEFT = "SELECT count(*) /* benchmark */ FROM pgqueuer"


def deliver(database: Database, count: int) -> Delivery:
    """Deliver so many jobs that are in the queue when the process begins."""
    stand = database.stand
    asyncio.run(_fill(database.url, count))
    database.settle()
    stand.receiver.reset()
    process = subprocess.Popen(
        module("peer", database.url, stand.receiver.url), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None and process.stdout is not None
    check(process.stdout.readline() == b"ready\n", "PgQueuer starts")
    trees = {"engine": [process.pid], "postgresql": [stand.postmaster], "receiver": [stand.receiver.pid]}
    meter = Meter(database, trees)
    start = time.perf_counter()
    process.stdin.write(b"go\n")
    process.stdin.flush()
    wait_for(lambda: stand.receiver.count() >= count, LIMIT_SECONDS, "PgQueuer's calls arrive")
    wait_for(lambda: database.value(LEFT) == 0, LIMIT_SECONDS, "PgQueuer's queue is empty", 0.005)
    delivery = meter.read(count, time.perf_counter() - start)
    process.stdin.close()
    process.wait(60)
    check(stand.receiver.count() == count, f"{stand.receiver.count()} calls for {count} jobs")
    return delivery


async def _fill(url: str, count: int) -> None:
    conn = await asyncpg.connect(url)
    queries = Queries.from_asyncpg_connection(conn)
    await queries.install()
    payloads = [json.dumps({"number": number}).encode() for number in range(count)]
    await queries.enqueue([ENTRY] * count, list(payloads), [0] * count)
    await conn.close()


async def _work(url: str, target: str) -> None:
    headers = {"Content-Type": "application/json"}
    connector = aiohttp.TCPConnector(limit=0)
    async with (
        asyncpg.create_pool(url, min_size=4, max_size=8) as pool,
        aiohttp.ClientSession(connector=connector, headers=headers) as session,
    ):
        queuer = PgQueuer(AsyncpgPoolDriver(pool))

        @queuer.entrypoint(ENTRY)
        async def call(job: Job) -> None:
            async with session.post(target, data=job.payload) as answer:
                answer.raise_for_status()
                await answer.read()

        print("ready", flush=True)
        sys.stdin.readline()
        await queuer.run(batch_size=BATCH, max_concurrent_tasks=TASKS, mode=QueueExecutionMode.drain)


if __name__ == "__main__":
    uvloop.run(_work(sys.argv[1], sys.argv[2]))
