"""Who a request comes from when proxies pass it on: their word counts only where they are trusted."""

from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address
Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]

FORWARDED = (
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_X_FORWARDED_PREFIX",
    "HTTP_X_FORWARDED_BY",
    "HTTP_FORWARDED",
    "HTTP_X_REAL_IP",
)


def parse_networks(text: str) -> tuple[Network, ...]:
    """The networks of a list such as `127.0.0.1, 10.0.0.0/8, fd00::/8`.

    Raises:
        ValueError: one of them is none, or has bits set to the right of its mask.
    """
    return tuple(ip_network(part.strip()) for part in text.split(",")) if text else ()


def behind_proxies(app: Wsgi, trusted: tuple[Network, ...]) -> Wsgi:
    """The app, with REMOTE_ADDR, scheme and host as the nearest client that is no trusted proxy had them.

    Every proxy appends the address it was called from to X-Forwarded-For, so the list is read from its end for as long
    as its entries are trusted: what a client wrote there itself stands further left and is never believed. Headers of
    this kind from anyone else are dropped.
    """

    def wrapped(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        given = {name: environ.pop(name) for name in FORWARDED if name in environ}
        peer = _address(environ.get("REMOTE_ADDR", ""))
        if given and peer is not None and _is_trusted(peer, trusted):
            _apply(environ, given, peer, trusted)
        return app(environ, start_response)

    return wrapped


def _apply(environ: dict[str, Any], given: dict[str, str], peer: Address, trusted: tuple[Network, ...]) -> None:
    client, hops = _client(_items(given, "FOR"), peer, trusted)
    environ["REMOTE_ADDR"] = str(client)
    if (scheme := _nth_last(_items(given, "PROTO"), hops).lower()) in ("http", "https"):
        environ["wsgi.url_scheme"] = scheme
    if (host := _nth_last(_items(given, "HOST"), hops)) and host.isprintable() and not set(host) & set(" /?#@\\"):
        environ["HTTP_HOST"] = host


def _client(chain: list[str], peer: Address, trusted: tuple[Network, ...]) -> tuple[Address, int]:
    """The client, and how many trusted proxies the request came through."""
    client, hops = peer, 1
    for item in reversed(chain):
        address = _address(item)
        if address is None:
            break
        client = address
        if not _is_trusted(address, trusted):
            break
        hops += 1
    return client, hops


def _items(given: dict[str, str], name: str) -> list[str]:
    text = given.get(f"HTTP_X_FORWARDED_{name}", "")
    return [item.strip() for item in text.split(",")] if text else []


def _nth_last(items: list[str], hops: int) -> str:
    """What the proxy nearest to the client wrote: proxies append, or replace what came before them."""
    return items[-min(hops, len(items))] if items else ""


def _is_trusted(address: Address, trusted: tuple[Network, ...]) -> bool:
    return any(address in network for network in trusted)


def _address(text: str) -> Address | None:
    """An address as it stands in these headers: with or without a port, IPv6 in brackets or not."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
