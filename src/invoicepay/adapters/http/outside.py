"""Guards calls to URLs that a customer names: public names, and the very address that was checked (S-13)."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

import httpcore

from invoicepay.errors import InvalidInput

LookUp = Callable[[str, int], Sequence[str]]
"""The addresses of a name, as text; raises OSError where there are none."""

PORTS = (443, 8443)
LONGEST_URL = 2_048

_PRINTABLE = re.compile(r"[!-~]{1,2048}")
_LABEL = "(?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"(?=.{{4,253}}\Z)(?:[a-z0-9]{_LABEL}\.){{1,126}}[a-z]{_LABEL}")
"""A name with a dot whose last label begins with a letter: no address in any of its spellings is one."""

_TRANSLATED = IPv6Network("64:ff9b::/96")
"""IPv6 addresses behind which a translator reaches IPv4 (RFC 6052)."""


def outside_url(url: str) -> str:
    """The URL as it may be called: https, a public name, port 443 or 8443, no credentials.

    An address instead of a name is refused, however it is spelled: resolvers read `127.1`, `0x7f.0.0.1` and
    `2130706433` as this machine. Whether the name leads anywhere is asked when it is called.

    Raises:
        InvalidInput: it is another kind of URL; the text does not repeat it.

    Examples:
        >>> outside_url("https://Hooks.Example.com/paid?from=invoicepay")
        'https://hooks.example.com/paid?from=invoicepay'
    """
    if not isinstance(url, str) or len(url) > LONGEST_URL or not _PRINTABLE.fullmatch(url) or "\\" in url:
        raise _refusal(f"has 1 to {LONGEST_URL} printable ASCII characters and no backslash")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _refusal("is written https://name/path") from None
    if parts.scheme != "https":
        raise _refusal("begins with https://")
    if "@" in parts.netloc or parts.fragment:
        raise _refusal("has no user, no password and no fragment")
    if port not in (None, *PORTS):
        raise _refusal(f"has port {' or '.join(map(str, PORTS))}")
    if not _NAME.fullmatch(host):
        raise _refusal("names a host, such as hooks.example.com, not an address")
    return parts._replace(netloc=host if port is None else f"{host}:{port}").geturl()


def _refusal(rule: str) -> InvalidInput:
    return InvalidInput(f"a callback URL {rule}", hint="Use an https URL that anybody can reach.")


def looked_up(host: str, port: int) -> list[str]:
    """The addresses of a name, by this machine's resolver."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def is_public(address: str) -> bool:
    """Whether everybody may reach an address: none of this machine, a private network or a cloud's inside.

    An IPv4 address that is packed into an IPv6 one is judged as what it is.

    Examples:
        >>> [is_public(text) for text in ("8.8.8.8", "100.64.0.1", "169.254.169.254", "::ffff:127.0.0.1")]
        [True, False, False, False]
    """
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    return all(each.is_global and not each.is_multicast for each in (ip, *_packed(ip)))


def _packed(ip: IPv4Address | IPv6Address) -> list[IPv4Address]:
    """IPv4 addresses that an IPv6 address stands for, or is tunnelled to."""
    if isinstance(ip, IPv4Address):
        return []
    packed = [ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())]
    if ip in _TRANSLATED:
        packed.append(IPv4Address(int(ip) & 0xFFFFFFFF))
    return [each for each in packed if each is not None]


class NotPublic(httpcore.ConnectError):
    """A name leads to an address that not everybody may reach."""


class PublicAddresses:
    """Looks a name up and answers with its addresses, if every one of them is public.

    Given to `Connections`, which connects to what comes back and asks no second time: a name that changes its
    answer after the check changes nothing. TLS and the `Host` header still carry the name.

    Args:
        look_up: how names are looked up.

    Examples:
        >>> PublicAddresses(lambda host, port: ["10.0.0.7"])("hooks.example.com", 443)
        Traceback (most recent call last):
        invoicepay.adapters.http.outside.NotPublic: the name leads to an address that is not public
    """

    def __init__(self, look_up: LookUp = looked_up) -> None:
        self._look_up = look_up

    def __call__(self, host: str, port: int) -> list[str]:
        """The addresses to connect to.

        Raises:
            NotPublic: one of its addresses is not public; nothing was connected to.
            httpcore.ConnectError: it has none.
        """
        try:
            addresses = list(self._look_up(host, port))
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError("the name has no address") from error
        if not addresses:
            raise httpcore.ConnectError("the name has no address")
        if not all(map(is_public, addresses)):
            raise NotPublic("the name leads to an address that is not public")
        return addresses
