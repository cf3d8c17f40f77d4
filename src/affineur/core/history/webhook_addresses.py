"""Where a webhook may go: what its URL may be, and which network addresses are never asked.

Anybody who owns a project can make this index send requests, so these must not reach what only its own network
reaches: its database, a cloud's metadata, other people's routers. A name is judged by the address it has at the
moment of connecting, not when the hook is made, since it may have another one then.
What does not live here: resolving and connecting (`shell.webhooks`).

Sources: RFC 6890 and IANA's registries of special-purpose addresses (2026); RFC 4291 §2.5.5.2, RFC 3056, RFC 4380
and RFC 6052 for addresses in which another one is hidden.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NoReturn
from urllib.parse import urlsplit, urlunsplit

from ..decision import Decision, allow, deny, refuse
from .webhooks import MAXIMUM_URL

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

_TRANSLATED = IPv6Network("64:ff9b::/96")
"""RFC 6052 §2.1: the last 32 bits are an IPv4 address to which a translator passes everything on."""
_SPECIAL = tuple(
    ip_network(each)
    for each in (
        # IPv4, in order. What `ipaddress` itself calls global differs from one Python to the next.
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16"),
        *("192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        "168.63.129.16/32",  # public by its number, and a cloud's own platform from inside of it (Azure's WireServer)
        # IPv6 within the part that is given out.
        *("2001::/23", "2001:db8::/32", "2620:4f:8000::/48", "3fff::/20"),
    )
)
_GIVEN_OUT = IPv6Network("2000::/3")
"""All IPv6 addresses that are anybody's on the internet (RFC 4291 §2.4, IANA's registry)."""
_LEAST_FREE_PORT = 1024
_USUAL = {"https": 443, "http": 80}
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")


def parse_networks(text: str) -> tuple[Network, ...]:
    """The setting ``webhook_networks``: networks in CIDR form, with commas or white space between.

    `Refused` (``webhook.networks``) for what is none.
    """
    found: list[Network] = []
    for each in re.split(r"[,\s]+", text.strip()):
        try:
            found += [ip_network(each)] if each else []
        except ValueError:
            refuse("webhook.networks", f"{each[:50]!a} is not a network.", "Write it as 10.0.0.0/8 or fd00::/8.")
    return tuple(found)


def parse_url(text: str, networks: Sequence[Network] = ()) -> str:
    """A URL that a hook may have, in normal form. `Refused` (``webhook.url``) for others.

    HTTPS; plain HTTP only where some private ``networks`` are allowed, and then only there (`may_reach`). On 443
    (80), or a port that no old service of the network has. Credentials in it are refused: they would be shown in
    lists; the signature says who sends.
    """
    if len(text) > MAXIMUM_URL or not text.isascii() or not text.isprintable() or " " in text:
        _unfit(f"It has at most {MAXIMUM_URL} printable ASCII characters, and no spaces.")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        _unfit("It cannot be read.")
    scheme = parts.scheme.lower()
    if scheme != "https" and not (scheme == "http" and networks):
        _unfit("It has to begin with https://.")
    if parts.username is not None or parts.password is not None:
        _unfit("It must not have a user or password in it.")
    if parts.fragment:
        _unfit("It must not have a fragment (#).")
    if port is not None and port != _USUAL[scheme] and port < _LEAST_FREE_PORT:
        _unfit(f"Its port has to be {_USUAL[scheme]} or at least {_LEAST_FREE_PORT}.")
    host = _host(parts.hostname or "")
    shown = f"[{host}]" if ":" in host else host
    place = shown if port in (None, _USUAL[scheme]) else f"{shown}:{port}"
    return urlunsplit((scheme, place, parts.path or "/", parts.query, ""))


def is_plain(url: str) -> bool:
    """Whether everybody on the way could read what is sent to ``url``."""
    return not url.startswith("https://")


def host_of(url: str) -> str:
    """The host of a hook's URL: what may be named in logs and mail, where the whole might hold a secret."""
    return urlsplit(url).hostname or ""


def may_reach(address: str, networks: Iterable[Network] = (), *, plain: bool = False) -> Decision:
    """Whether a hook may connect to ``address`` (textual, of either family). ``plain``: without TLS.

    Public addresses, and those in ``networks``; without TLS only the latter. An address in which another is hidden
    is judged by that one.
    """
    try:
        found = _meant(ip_address(address.partition("%")[0]))
    except ValueError:
        return _unreachable(address, "is no address")
    if any(found.version == network.version and found in network for network in networks):
        return allow("webhook.address")
    if not _is_public(found):
        return _unreachable(str(found), "is not a public address")
    if plain:
        return deny(
            "webhook.address",
            f"{found} is a public address, where everybody on the way could read what is sent.",
            "Use https://.",
        )
    return allow("webhook.address")


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and address not in _GIVEN_OUT:
        return False
    return not any(address.version == network.version and address in network for network in _SPECIAL)


def _meant(address: Address) -> Address:
    """The IPv4 address that is hidden in an IPv6 one, or the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _host(text: str) -> str:
    """A host's name or address, lower case; `Refused` for what could be read in two ways."""
    host = text.lower().removesuffix(".")
    if ":" in host:
        try:
            return str(IPv6Address(host)) if "%" not in host else _unfit("Its host names a zone.")
        except ValueError:
            _unfit("Its host is no address.")
    labels = host.split(".")
    if not host or len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        _unfit("Its host is no name. Write names with other letters in their ASCII form (xn--…).")
    if re.fullmatch(r"[0-9]+|0x[0-9a-f]*", labels[-1]):  # 127.1 and 0x7f000001 are addresses to some, names to none
        try:
            return str(IPv4Address(host))
        except ValueError:
            _unfit("Its host is no address.")
    return host


def _unfit(why: str) -> NoReturn:
    refuse("webhook.url", f"This is no URL for a webhook: {why}", "Give one like https://host.example.org/path.")


def _unreachable(address: str, why: str) -> Decision:
    return deny(
        "webhook.address",
        f"{address[:60]} {why}, and webhooks of this index do not go there.",
        "An operator can allow a private network with the setting `webhook_networks`.",
    )
