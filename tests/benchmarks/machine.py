"""The machine and software that numbers belong to; no names of hosts or people."""

import os
import platform
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil
import psycopg

COMMITS = 200
SETTINGS = ("fsync", "synchronous_commit", "full_page_writes", "wal_sync_method", "shared_buffers", "max_wal_size")


def describe(owner: psycopg.Connection[Any]) -> dict[str, str]:
    """Each thing worth knowing, by name."""
    settings = ", ".join(f"{name} {_value(owner, f'SHOW {name}')}" for name in SETTINGS)
    return {
        "Processor": f"{os.cpu_count()} x {_processor()}",
        "Memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "Kernel": f"{platform.system()} {platform.release().split('-')[0]}",
        "Python": platform.python_version(),
        "PostgreSQL": f"{_value(owner, 'SHOW server_version').split()[0]}; {settings}",
        "Durable commits": f"{_commits(owner):,.0f} a second by one session",
    }


def commit() -> str:
    """The commit that was measured, and its date; empty outside a repository."""
    command = ("git", "log", "-1", "--format=%h of %cs")
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=Path(__file__).parent)
    return done.stdout.strip()


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _value(owner: psycopg.Connection[Any], query: str) -> str:
    row = owner.execute(query.encode()).fetchone()
    assert row is not None
    return str(row[0])


def _commits(owner: psycopg.Connection[Any]) -> float:
    """Single-row commits a second: what one flush of the log to this disk costs."""
    owner.execute("CREATE TABLE IF NOT EXISTS commits (number integer)")
    start = time.perf_counter()
    for number in range(COMMITS):
        owner.execute("INSERT INTO commits VALUES (%s)", (number,))
    seconds = time.perf_counter() - start
    owner.execute("DROP TABLE commits")
    return COMMITS / seconds
