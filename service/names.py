"""Lookups of host names that libcurl should not make itself.

It has some twenty threads for all of them, and a lookup that hangs keeps its thread for as long as the resolver takes,
however early its call ended: ten such names hold up every other's. So a name that did not just answer is looked up
here first, in a thread of its own.
"""

import socket
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

from service import egress

KNOWN_SECONDS = 30.0  # after an answer libcurl may look a name up by itself, where it has to at all
KNOWN = 4096  # names
LOOKUPS = 1000  # at once
CACHED_URLS = 4096


class Name(NamedTuple):
    """A host name, and the port that is called there."""

    host: str
    port: int


@lru_cache(CACHED_URLS)
def name_of(url: str) -> Name | None:
    """The name that has to be looked up for a call; None where the host is an address or this machine itself."""
    try:
        host, port = egress.authority(url)
    except ValueError:  # libcurl says what is wrong with it
        return None
    host = host.rstrip(".")
    itself = host == "localhost" or host.endswith(".localhost")
    if not host or itself or egress.literal(host) is not None:
        return None
    return Name(host, port)


class Names:
    """The lookups under way and what is known of names. For one thread, save that answers come from others."""

    def __init__(self, tell: Callable[[], None]) -> None:
        """tell() is called by another thread when an answer has come."""
        self._tell = tell
        self._answers: deque[tuple[Name, Sequence[str]]] = deque()
        self._under_way: set[Name] = set()
        self._known: OrderedDict[Name, float] = OrderedDict()  # when it was last found

    def known(self, name: Name) -> bool:
        """Whether a name was found, or its host has answered, within KNOWN_SECONDS."""
        return time.monotonic() - self._known.get(name, float("-inf")) < KNOWN_SECONDS

    def answered(self, name: Name) -> None:
        """Learn that a name is one that is found."""
        self._known[name] = time.monotonic()
        self._known.move_to_end(name)
        if len(self._known) > KNOWN:
            self._known.popitem(last=False)

    def look_up(self, name: Name) -> bool:
        """Begin to look a name up, unless that is under way; False when too many are, or no thread is to be had."""
        if name in self._under_way:
            return True
        if len(self._under_way) >= LOOKUPS:
            return False
        try:
            threading.Thread(target=self._run, args=(name,), name="lookup", daemon=True).start()
        except RuntimeError:
            return False
        self._under_way.add(name)
        return True

    @property
    def waiting(self) -> bool:
        """Whether there are answers to take."""
        return bool(self._answers)

    def take(self) -> tuple[Name, Sequence[str]]:
        """The oldest answer: a name and its addresses, none where it has none or could not be looked up."""
        name, addresses = self._answers.popleft()
        self._under_way.discard(name)
        if addresses:
            self.answered(name)
        return name, addresses

    def _run(self, name: Name) -> None:
        self._answers.append((name, _addresses(name)))
        self._tell()


def _addresses(name: Name) -> Sequence[str]:
    try:
        found = socket.getaddrinfo(name.host, name.port, _family(), socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # UnicodeError: of a label that is too long
        return []
    return [address for address in dict.fromkeys(str(item[4][0]) for item in found) if "%" not in address]


@lru_cache(1)
def _family() -> int:
    """Of the addresses to look for: only IPv4 where this machine has no IPv6 at all."""
    try:
        socket.socket(socket.AF_INET6, socket.SOCK_STREAM).close()
    except OSError:
        return socket.AF_INET
    return socket.AF_UNSPEC
