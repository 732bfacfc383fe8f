"""What all commands share that talk to a service: where it is, and how they show what it said."""

import argparse
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, urlsplit

from service.cli import exits
from service.cli.client import Client
from service.cli.environment import environment

DEFAULT_URL = "http://127.0.0.1:5003"
VARIABLES = ("SCHEDULER_URL", "SCHEDULER_API_KEY", "SCHEDULER_TENANT")  # what the options default to
UUID_TEXT = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def add_connection(parser: argparse.ArgumentParser) -> None:
    """Declare where the service is, who asks, and --json."""
    parser.epilog = exits.LEGEND
    group = parser.add_argument_group("the service")
    group.add_argument("--url", help=f"its address (SCHEDULER_URL, else {DEFAULT_URL})")
    group.add_argument("--token", help="an API key; better given as SCHEDULER_API_KEY, since ps shows arguments")
    group.add_argument("--tenant", help="whose jobs, the X-Tenant-ID (SCHEDULER_TENANT, else the key's or the default)")
    group.add_argument("--json", action="store_true", help="print the data as the API gave it")


def connect(arguments: argparse.Namespace) -> Client:
    """The service that options and environment name.

    Raises: CommandError when the URL is none.
    """
    given = environment()
    url = arguments.url or given.get("SCHEDULER_URL") or DEFAULT_URL
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise exits.CommandError(f"--url {url}: expected an http or https URL such as {DEFAULT_URL}")
    token = arguments.token or given.get("SCHEDULER_API_KEY") or None
    return Client(url, token, arguments.tenant or given.get("SCHEDULER_TENANT") or None)


def job_path(client: Client, reference: str) -> str:
    """The path of the job that an id or a key names."""
    return f"/jobs/{job_id(client, reference)}"


def job_id(client: Client, reference: str) -> str:
    """The id of the job that an id or a key names."""
    if UUID_TEXT.fullmatch(reference):
        return reference
    return str(client.get(key_path(reference))["id"])


def key_path(key: str) -> str:
    """The path of the job that has a key."""
    return f"/jobs/by-key/{quote(key, safe='')}"


def is_uuid(reference: str) -> bool:
    """Whether a reference is an id."""
    return UUID_TEXT.fullmatch(reference) is not None


def keys_of(client: Client, ids: Iterable[str]) -> dict[str, str]:
    """A short name for each job: its key, else its name. Jobs are looked up once each."""
    names: dict[str, str] = {}
    for id in ids:
        if id not in names:
            job: dict[str, Any] = client.get(f"/jobs/{id}")
            names[id] = job.get("key") or job["name"]
    return names
