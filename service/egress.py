"""Egress: which addresses calls may connect to. Asked with the very address of each connection that is opened.

What a name resolves to can change between a look and a connection, and one address has many spellings. So nothing is
decided by names or URLs: a transport asks when it opens a socket, with the address that the socket will connect to.
"""

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from service.proxies import Address, Network

# Link-local with the cloud's metadata services, theirs elsewhere, multicast, broadcast, reserved, unspecified.
DENIED = (
    "0.0.0.0/8,169.254.0.0/16,224.0.0.0/4,240.0.0.0/4,100.100.100.200/32,168.63.129.16/32,192.0.0.192/32,"
    "::/128,fe80::/10,ff00::/8,fd00:ec2::254/128,fd20:ce::254/128"
)
# Private, loopback, shared, benchmarking and protocol ranges.
STRICT = (
    "10.0.0.0/8,127.0.0.0/8,172.16.0.0/12,192.168.0.0/16,100.64.0.0/10,192.0.0.0/24,198.18.0.0/15,"
    "::1/128,fc00::/7,fec0::/10"
)
# Source: RFC 6052 section 2.1, RFC 8215; the IPv4 address is in the last 32 bits.
NAT64 = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"))
COMPATIBLE = ip_network("::/96")  # IPv4-compatible, RFC 4291 section 2.5.5.1


@dataclass(frozen=True, slots=True)
class Egress:
    """The ranges that are denied, and what is excepted from them."""

    denied: tuple[Network, ...] = ()
    allowed: tuple[Network, ...] = ()
    allowed_names: frozenset[str] = frozenset()

    def refusal(self, address: str, host: str) -> str | None:
        """The denied range that an address lies in, in whatever form it is written; None when it may be called.

        Args:
            address: the numeric address that a connection goes to.
            host: the name in the URL, which may be excepted whatever it resolves to.
        """
        if host.rstrip(".").lower() in self.allowed_names:
            return None
        for form in _forms(ip_address(address.partition("%")[0])):
            if any(form in network for network in self.allowed):
                continue
            found = next((network for network in self.denied if form in network), None)
            if found is not None:
                return str(found)
        return None

    def refusal_of_url(self, url: str) -> str | None:
        """The denied range that the address in a URL lies in; None for any other address, and for names."""
        host = (urlsplit(url).hostname or "").rstrip(".")
        address = literal(host)
        return None if address is None else self.refusal(address, host)


ANYWHERE = Egress()


def egress_of(deny: str, allow: str, *, strict: bool) -> Egress:
    """The rules of EGRESS_DENY, EGRESS_ALLOW and EGRESS_STRICT.

    Raises:
        ValueError: says which part is neither address, network nor (in allow) a host name.
    """
    denied = _parts(deny) + (_parts(STRICT) if strict else [])
    networks, names = list[Network](), set[str]()
    for part in _parts(allow):
        try:
            networks.append(ip_network(part))
        except ValueError:
            if not all(mark.isalnum() or mark in "-._" for mark in part) or part[-1].isdigit():
                raise ValueError(f"{part} is neither an address, a network nor a host name") from None
            names.add(part.rstrip(".").lower())
    return Egress(tuple(ip_network(part) for part in denied), tuple(networks), frozenset(names))


def message(network: str) -> str:
    """What is said of a call that is refused."""
    return f"The receiver's address is in {network}, which calls must not go to."


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _forms(address: Address) -> Iterator[Address]:
    """The address, and the IPv4 addresses that reach the same place through it."""
    yield address
    if isinstance(address, IPv4Address):
        return
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo
    if any(address in network for network in NAT64) or (_within(address, COMPATIBLE) and int(address) > 1):
        yield IPv4Address(int(address) & 0xFFFFFFFF)


def _within(address: IPv6Address, network: Network) -> bool:
    return isinstance(network, IPv6Network) and address in network


def authority(url: str) -> tuple[str, int]:
    """Host, empty where there is none, and port that a URL leads to. Raises ValueError where its port is no port.

    Source: RFC 3986 section 3.2.
    """
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def literal(host: str) -> str | None:
    """The numeric address that a host is, in any spelling that resolvers take; None for a name."""
    try:
        return str(ip_address(host.partition("%")[0]))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(host))  # decimal, octal, hexadecimal, and short forms
    except (OSError, UnicodeError):
        return None
