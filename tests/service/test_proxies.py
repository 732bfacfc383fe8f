"""Whose word counts on where a request came from."""

import pytest
from flask import Flask, request

from service.proxies import behind_proxies, parse_networks

TRUSTED = "10.0.0.0/8, 192.0.2.7, fd00::/8"


@pytest.fixture(scope="module")
def seen():
    """Makes a request from an address with some headers; gives the client and the URL that the app sees."""
    app = Flask("seen")
    app.add_url_rule("/", view_func=lambda: f"{request.remote_addr} {request.url} {sorted(request.headers.keys())}")
    app.wsgi_app = behind_proxies(app.wsgi_app, parse_networks(TRUSTED))

    def ask(peer: str, **forwarded: str) -> list[str]:
        headers = {f"X-Forwarded-{name}": value for name, value in forwarded.items()}
        return app.test_client().get("/", headers=headers, environ_base={"REMOTE_ADDR": peer}).text.split(" ", 2)

    return ask


@pytest.mark.parametrize("peer", ["203.0.113.1", "192.0.2.8", "::1", "127.0.0.1"])
def test_headers_of_an_untrusted_peer_are_dropped(seen, peer):
    client, url, headers = seen(peer, For="198.51.100.9", Proto="https", Host="evil.example")

    assert (client, url, headers) == (peer, "http://localhost/", "['Host', 'User-Agent']")


@pytest.mark.parametrize(
    ("chain", "client"),
    [
        ("198.51.100.9", "198.51.100.9"),
        ("198.51.100.9:4711", "198.51.100.9"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("::ffff:198.51.100.9", "198.51.100.9"),
        ("1.1.1.1, 198.51.100.9", "198.51.100.9"),  # what stands left of a stranger is what the stranger said
        ("198.51.100.9, 192.0.2.7, 10.1.1.1", "198.51.100.9"),
        ("10.3.3.3", "10.3.3.3"),
        ("198.51.100.9, unknown, 10.1.1.1", "10.1.1.1"),
        ("", "10.0.0.1"),
    ],
)
def test_the_client_is_the_nearest_that_is_no_trusted_proxy(seen, chain, client):
    assert seen("10.0.0.1", For=chain)[0] == client


def test_an_ipv4_peer_is_known_on_a_socket_of_ipv6_too(seen):
    assert seen("::ffff:10.0.0.1", For="198.51.100.9")[0] == "198.51.100.9"


@pytest.mark.parametrize(
    ("forwarded", "url"),
    [
        ({"Proto": "https", "Host": "api.example"}, "https://api.example/"),
        ({"For": "198.51.100.9, 10.1.1.1", "Proto": "https, http", "Host": "a.example, b"}, "https://a.example/"),
        ({"For": "1.1.1.1, 198.51.100.9", "Proto": "ftp, https", "Host": "evil, a.example"}, "https://a.example/"),
        ({"Proto": "gopher", "Host": "a b/c"}, "http://localhost/"),
    ],
)
def test_scheme_and_host_are_those_the_client_used(seen, forwarded, url):
    assert seen("10.0.0.1", **forwarded)[1] == url
