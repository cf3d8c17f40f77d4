"""Tokens found in public: what a report says, and who may report.

Whoever scans published code for secrets sends what it found, signed with its key, and the tokens are revoked. What
does not live here: the keys of those who report (`shell.disclosure_keys`), and the revoking (`actions.disclose`).
Sources: the secret scanning partner programme of GitHub (the form of a report, ECDSA with SHA-256 over the body, keys
by identifier), which other scanners speak, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import orjson

from ..decision import refuse
from .macaroons import MAXIMUM_TEXT, PREFIX

MAXIMUM_REPORT_BYTES = 1024 * 1024
MAXIMUM_REPORTED = 1000
"""Entries of one report; those after are for the next one."""
LONGEST_PLACE = 300
"""Characters of the place where a token was found, as its owner is told."""
TOKEN_TYPE = "pypi_api_token"  # noqa: S105 (the name of a kind)
UNKNOWN_PLACE = "a place that the report does not name"

_TOKEN = re.compile(re.escape(PREFIX) + r"[A-Za-z0-9_=%-]{16,}")
_HEADER = re.compile(r"[A-Za-z0-9-]+\Z", re.ASCII)
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Reporter:
    """Somebody who may report: where their keys are, and the two headers (lower case) in which they sign."""

    keys_url: str
    key_header: str
    signature_header: str

    @property
    def name(self) -> str:
        """What owners of tokens are told: the host of the keys."""
        return urlsplit(self.keys_url).hostname or self.keys_url


@dataclass(frozen=True, slots=True)
class Finding:
    """One entry of a report. ``token`` is a secret until it is revoked; ``place`` is fit to be shown."""

    token: str
    place: str


def parse_reporters(text: str) -> tuple[Reporter, ...]:
    """The reporters that the setting ``disclosure_keys`` names, one a line: ``url key-header signature-header``.

    ValueError, which names the line, for one with other parts, an address that is neither https nor on this machine,
    or a header that is none.
    """
    return tuple(_reporter(line) for line in map(str.strip, text.splitlines()) if line and not line.startswith("#"))


def find_reporter(reporters: Iterable[Reporter], headers: Mapping[str, str]) -> Reporter | None:
    """Whose headers a request has; names in ``headers`` are in lower case."""
    return next((each for each in reporters if each.key_header in headers and each.signature_header in headers), None)


def parse_report(body: bytes) -> list[Finding]:
    """What a report (JSON: a list of objects with ``token``, ``type``, ``url``) says.

    Entries that are no tokens of an index are left out: a report may hold secrets of others. `Refused`
    (``disclosure.report``) where it is no such list, or has more than `MAXIMUM_REPORTED` entries.
    """
    try:
        entries = orjson.loads(body)
    except orjson.JSONDecodeError:
        entries = None
    if not isinstance(entries, list) or len(entries) > MAXIMUM_REPORTED or not all(type(e) is dict for e in entries):
        refuse(
            "disclosure.report",
            f"A report is a JSON list of up to {MAXIMUM_REPORTED} objects with token, type and url.",
            "Correct it, and send it again.",
        )
    return [
        Finding(entry["token"].strip(), place_of(entry.get("url")))
        for entry in entries
        if entry.get("type") == TOKEN_TYPE and type(entry.get("token")) is str and len(entry["token"]) <= MAXIMUM_TEXT
    ]


def place_of(url: object) -> str:
    """Where something was found, as one printable line without any token in it: it goes into mails and logs."""
    if type(url) is not str:
        return UNKNOWN_PLACE
    hidden = _TOKEN.sub(f"{PREFIX}…", url)
    line = " ".join("".join(character if character.isprintable() else " " for character in hidden).split())
    return (line if len(line) <= LONGEST_PLACE else line[: LONGEST_PLACE - 1] + "…") or UNKNOWN_PLACE


def _reporter(line: str) -> Reporter:
    parts = line.split()
    if len(parts) != 3:
        raise ValueError(f"{line!r}: write the address of the keys, the key's header and the signature's header.")
    url, key_header, signature_header = parts
    address = urlsplit(url)
    local = address.scheme == "http" and address.hostname in _LOOPBACK
    if not (address.scheme == "https" or local) or not address.hostname or "@" in address.netloc:
        raise ValueError(f"{line!r}: keys come from an https address.")
    if not _HEADER.match(key_header) or not _HEADER.match(signature_header) or key_header == signature_header:
        raise ValueError(f"{line!r}: two different names of headers follow the address.")
    return Reporter(url, key_header.lower(), signature_header.lower())
