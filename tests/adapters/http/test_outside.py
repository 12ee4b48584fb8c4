"""Callback URLs of customers: what is refused as text, and what is refused where it leads (S-13)."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from invoicepay.adapters.http.connections import Connections
from invoicepay.adapters.http.messages import Limits, Request
from invoicepay.adapters.http.outside import PublicAddresses, is_public, outside_url
from invoicepay.errors import InvalidInput
from invoicepay.testing import Host
from tests.adapters.http.wire import answering, certificate, heard, peer, trusting

LIMITS, SECONDS = Limits(), 20.0
CALL = Request("POST", "/paid", operation="callback", json={"paid": True})

SPELLINGS_OF_THIS_MACHINE = (
    "127.0.0.1",
    "127.1",
    "0x7f.0.0.1",
    "0x7f000001",
    "017700000001",
    "2130706433",
    "0",
    "0.0.0.0",
    "\u2460\u2461\u2466.\u24ea.\u24ea.\u2460",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "localhost",
    "localhost.",
)
NOT_PUBLIC = (
    "127.0.0.1",
    "0.0.0.0",
    "10.0.0.7",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "fe80::1",
    "fe80::1%eth0",
    "fd00:ec2::254",
    "ff02::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "not an address",
)


@pytest.mark.parametrize("host", SPELLINGS_OF_THIS_MACHINE)
def test_no_spelling_of_this_machine_is_a_callback_url(host: str) -> None:
    with pytest.raises(InvalidInput):
        outside_url(f"https://{host}/hook")


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/",
        "ftp://hooks.example.com/",
        "//hooks.example.com/",
        "hooks.example.com",
        "https://hooks.example.com:80/",
        "https://hooks.example.com:22/",
        "https://hooks.example.com:0/",
        "https://hooks.example.com:99999/",
        "https://hooks.example.com:x/",
        "https://me:pw@hooks.example.com/",
        "https://hooks.example.com@127.0.0.1/",
        "https://127.0.0.1\\@hooks.example.com/",
        "https://hooks.example.com/#x",
        "https://hooks.example.com\r\nHost: inside/",
        "https://hooks.example.com/\x00",
        "https://h\u00f6oks.example.com/",
        "https://hooks.example.com\uff0e/",
        "https://169.254.169.254/latest/meta-data",
        "https://8.8.8.8/",
        "https://[2606:4700::1111]/",
        "https://[bad/",
        "https://metadata/",
        "https://hooks..example.com/",
        "https://-hooks.example.com/",
        "https:///hook",
        "https://hooks.example.com/" + "x" * 2_048,
        "",
    ],
)
def test_what_is_no_public_https_url_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        outside_url(url)

    assert len(url) < 8 or url[8:] not in str(refusal.value)


@pytest.mark.parametrize("other", [None, 1, b"https://hooks.example.com/"])
def test_what_is_no_text_is_refused_alike(other: Any) -> None:
    with pytest.raises(InvalidInput):
        outside_url(other)


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://hooks.example.com", "https://hooks.example.com"),
        ("https://HOOKS.example.com:8443/a?b=c%20d", "https://hooks.example.com:8443/a?b=c%20d"),
        ("https://xn--hoks-5qa.example.com:443/", "https://xn--hoks-5qa.example.com:443/"),
    ],
)
def test_a_public_https_url_is_kept(url: str, kept: str) -> None:
    assert outside_url(url) == kept


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_an_address_that_not_everybody_may_reach_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"])
def test_an_address_that_everybody_may_reach_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_nothing_is_connected_to_when_one_of_several_addresses_is_not_public(
    host: Host, address: str
) -> None:
    with calls("https://hooks.example.com", Names(["8.8.8.8", address]), host) as made:
        assert (made.outcome.has_left, made.connects) == (False, [])
    assert "not public" in made.outcome.reason


def test_a_name_without_an_address_is_not_connected_to(host: Host) -> None:
    with calls("https://hooks.example.com", Names([]), host) as made:
        assert (made.outcome.has_left, made.connects) == (False, [])


def test_a_name_that_changes_its_answer_is_asked_once_and_the_checked_address_is_connected_to(
    host: Host,
) -> None:
    names = Names(["8.8.8.8"], ["127.0.0.1"])
    with calls("https://rebinding.example.com", names, host) as made:
        assert made.connects == ["8.8.8.8"]
    assert names.asked == 1


def test_the_name_stays_in_tls_and_in_the_host_header(host: Host, tmp_path: Path) -> None:
    own, key = certificate(tmp_path)
    served, told = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), list[str]()
    served.load_cert_chain(own, key)
    served.sni_callback = lambda _socket, name, _context: told.append(name)

    def act(connection: socket.socket, _over: Any) -> None:
        with served.wrap_socket(connection, server_side=True) as secured:
            told.append(heard(secured).decode().lower())
            secured.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with peer(act) as server:
        here = Connections(LIMITS, tls=trusting(own), addresses=lambda _host, _port: ["127.0.0.1"])
        answer, _ = host.run(here.exchange(f"https://localhost:{server.port}", CALL, SECONDS))
        host.run(here.aclose())

    assert answer is not None
    assert answer.status == 200
    assert told[0] == "localhost"
    assert f"host: localhost:{server.port}" in told[1]


def test_a_redirect_is_an_answer_and_leads_nowhere(host: Host) -> None:
    with peer(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")) as inside:
        moved = f"HTTP/1.1 307 Moved\r\nLocation: {inside.url}\r\nContent-Length: 0\r\n\r\n".encode()
        with peer(answering(moved)) as server:
            here = Connections(LIMITS, addresses=lambda _host, _port: ["127.0.0.1"])
            answer, _ = host.run(here.exchange(f"http://hooks.example.com:{server.port}", CALL, SECONDS))
            host.run(here.aclose())
        assert inside.connections == 0

    assert answer is not None
    assert answer.status == 307


def test_proxies_of_the_environment_are_not_asked(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    with peer(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")) as proxy:
        for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        with calls("https://hooks.example.com", Names(["8.8.8.8"]), host) as made:
            assert made.connects == ["8.8.8.8"]
        assert proxy.connections == 0


class Names:
    """A resolver that gives one answer after the other, the last one again and again."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers, self.asked = answers, 0

    def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked += 1
        return self._answers[min(self.asked, len(self._answers)) - 1]


class Made:
    """What became of a call, and which addresses a socket was opened to."""

    def __init__(self) -> None:
        self.connects: list[str] = []
        self.outcome: Any = None


@contextmanager
def calls(url: str, names: Names, host: Host) -> Iterator[Made]:
    """One guarded call to a URL whose name is looked up as told."""
    made = Made()
    connections = Connections(LIMITS, addresses=PublicAddresses(names))

    def connect(_socket: socket.socket, address: tuple[Any, ...]) -> None:
        made.connects.append(address[0])
        raise ConnectionRefusedError("no test leaves this machine")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connect)
        answer, made.outcome = host.run(connections.exchange(url, CALL, SECONDS))
    assert answer is None
    yield made
    host.run(connections.aclose())
