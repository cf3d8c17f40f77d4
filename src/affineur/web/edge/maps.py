"""What nginx works out about a request: which page it asks for, who asks, and what the request log keeps of that.

Each is an nginx ``map``: a variable made from others when it is first used. Regular expressions name what they
capture, since a ``map`` resets the numbered captures of whoever uses it.
What does not live here: what is answered (`web.edge.configuration`).
"""

from __future__ import annotations

from collections.abc import Iterable

from affineur.core.views.negotiation import choose
from affineur.settings import Settings
from affineur.web.requestlog import MAXIMUM_USER_AGENT

from .text import map_of

COMMON_ACCEPTS = (
    "",
    "*/*",
    "text/html",
    "text/html, */*",
    "text/html,*/*",
    "application/vnd.pypi.simple.v1+json",
    "application/vnd.pypi.simple.v1+html",
    "application/vnd.pypi.simple.latest+json",
    "application/vnd.pypi.simple.latest+html",
    # pip, PDM (unearth)
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01",
    # uv
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01",
    # others that speak JSON first
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.1, text/html;q=0.01",
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.2, text/html; q=0.01",
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html",
    "application/vnd.pypi.simple.v1+json, text/html",
    # browsers
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/png,image/svg+xml,*/*;q=0.8",
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8",
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,"
    "application/signed-exchange;v=b3;q=0.7",
)
"""``Accept`` headers that nginx answers itself, compared whole. Every other one is the application's to read."""

_GZIP_LISTS = ("gzip", "gzip, deflate", "gzip, deflate, br", "gzip, deflate, br, zstd", "deflate, gzip, br, zstd")
_HOP = r"[^,\s]+"


_ADDRESS = "$http_if_match$http_if_unmodified_since$request_uri"
_PLAIN = r"(?:/[A-Za-z0-9_!+-][A-Za-z0-9_.!+-]*)+/?"


def maps(settings: Settings) -> Iterable[str]:
    """Variables that say what a request is; nginx works each out when it is first used."""
    yield "map_hash_bucket_size 512;"
    yield "map_hash_max_size 4096;"
    # Queries, escapes, empty and dotted segments are the application's: nginx would normalise them silently.
    # So are preconditions that only writers need; the application does not look at them, nginx would.
    yield from map_of(_ADDRESS, "$affineur_plain", "", {rf"~^{_PLAIN}$": "1"})
    yield from map_of("$http_accept", "$affineur_form", "", _forms(""))
    yield from map_of("$http_accept", "$affineur_packed_form", "", _forms(".gz"))
    yield from map_of(
        "$http_accept_encoding",
        "$affineur_packing",
        "",
        {
            "": "none",
            "identity": "none",
            # What pip and uv, curl and browsers send; found without a regular expression.
            **dict.fromkeys(_GZIP_LISTS, "gzip"),
            # Other lists without q-values; one with them is the application's to weigh.
            r"~*^(?:[a-z-]+, ?)*(?:x-)?gzip(?:, ?[a-z-]+)*$": "gzip",
            r"~*^(?:br|compress|deflate|identity|zstd)(?:, ?(?:br|compress|deflate|identity|zstd))*$": "none",
        },
    )
    yield from map_of(
        "$affineur_plain:$affineur_packing",
        "$affineur_page",
        "",
        {"1:none": "$affineur_form", "1:gzip": "$affineur_packed_form"},
    )
    yield from map_of("$realpath_root", "$affineur_root_serial", "", {r"~/\.root\.(?<number>\d+)$": "$number"})
    believed = {"http": "http", "https": "https"} if settings.trusted_proxies else {}
    yield from map_of("$http_x_forwarded_proto", "$affineur_scheme", "$scheme", believed)
    yield from _client_maps(settings)


def _client_maps(settings: Settings) -> Iterable[str]:
    country = country_variable(settings)
    # What is no ASCII or very long is cleaned up by the application, which logs it itself; and it has its own
    # answer to a Range that is not well formed (RFC 9110 §14.1.1).
    one_range = r"(?:\d+-\d*|-\d+)"
    usual = rf"(?:|bytes={one_range}(?:, ?{one_range})*)\|[\x20-\x7e]{{0,{MAXIMUM_USER_AGENT}}}"
    # All that is asked of a request for a file, in one expression: each costs some 0.3 µs.
    source = f"{_ADDRESS}|$http_range|$http_user_agent{country}"
    yield from map_of(source, "$affineur_direct", "", {rf"~^{_PLAIN}\|{usual}$": "1"})
    yield from map_of("$http_x_forwarded_for", "$affineur_client", "$remote_addr", _believed_hops(settings))
    yield from map_of("$affineur_client", "$affineur_network", "", NETWORKS)
    yield from map_of("$time_iso8601", "$affineur_day", "unknown", {r"~^(?<day>\d{4}-\d\d-\d\d)": "$day"})
    yield from map_of("$status", "$affineur_logged", "0", {"200": "1", "206": "1", "304": "1"})


NETWORKS = {
    # `networks.shorten` in regular expressions: IPv4 /24, IPv6 /48, as nginx and Python write addresses
    # (RFC 5952: lower case, no leading zeros, the longest run of zero groups as `::`).
    r"~^(?:::ffff:)?(?<net>\d{1,3}\.\d{1,3}\.\d{1,3})\.\d{1,3}$": "${net}.0",
    r"~^0:0:0:": "::",
    r"~*^(?<net>[0-9a-f]+):0:0:": "${net}::",
    r"~*^(?<net>[0-9a-f]+:[0-9a-f]+):0:": "${net}::",
    r"~*^(?<net>[0-9a-f]+:[0-9a-f]+:[0-9a-f]+):": "${net}::",
    r"~*^(?<net>[0-9a-f]+:[0-9a-f]+)::": "${net}::",
    r"~*^(?<net>[0-9a-f]+)::": "${net}::",
    r"~*^::(?<net>[0-9a-f]+)(?::[0-9a-f]+){5}$": "0:0:${net}::",
    r"~^::": "::",
}


def _believed_hops(settings: Settings) -> dict[str, str]:
    """Which entry of ``X-Forwarded-For`` is the client: see `clients.address_of`."""
    count = settings.trusted_proxies
    if count < 1:
        return {}
    after = rf"(?:\s*,\s*{_HOP}){{{count - 1}}}\s*$"
    return {rf"~(?:^|,)\s*(?<hop>{_HOP}){after}": "$hop", rf"~^\s*(?<first>{_HOP})": "$first"}


def _forms(suffix: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for accept in COMMON_ACCEPTS:
        form = choose(accept)
        if form is not None:
            found[accept] = f"{form}{suffix}"
    return found


def country_variable(settings: Settings) -> str:
    """nginx's name for the header that gives the client's country; empty where none does."""
    return f"$http_{settings.country_header.lower().replace('-', '_')}" if settings.country_header else ""
