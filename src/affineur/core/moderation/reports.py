"""Reports: what somebody tells the moderators about a project, and what a report must hold.

What lives here: kinds, the limits on each part, which report is the same as another one, what counts as one network,
and the numbers by which cases are called. What does not: who may report (`access`), how much it weighs (`reporters`),
what several reports together come to (`corroboration`), what becomes of it (`cases`), and PyPI's form of a report
(`observations`).
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from types import MappingProxyType
from typing import Literal, cast

import orjson

from ..addresses import is_web_address
from ..decision import refuse
from ..names import NormalizedName, parse_name
from ..versions import CanonicalVersion, canonical, parse_version

Kind = Literal["malware", "spam", "dependency-confusion", "look-alike", "other"]

KINDS: Mapping[Kind, str] = MappingProxyType(
    {
        "malware": "It does harm to whoever installs or runs it.",
        "spam": "It is there to advertise, not to be installed.",
        "dependency-confusion": "It has the name of a project that others keep on an index of their own.",
        "look-alike": "Its name or page is made to be mistaken for another project's.",
        "other": "Something else that the moderators should see.",
    }
)
"""What each kind of report says of a project."""

State = Literal["open", "upheld", "dismissed"]

SUMMARY_LIMIT = 4000
"""Characters: a screenful, with room for a few lines of the code in question."""

EVIDENCE_LIMIT = 10
"""Links with one report."""

LINK_LIMIT = 2000
"""Characters of one link: what browsers and mail programs pass on whole."""

EXTRA_LIMIT_BYTES = 16 * 1024
"""Of the JSON text. A scanner's findings fit; the files themselves are on this index already."""

_CASE_NUMBER = re.compile(r"[0-9]{4}-([0-9]{4,18})\Z")
_BLANK_LINES = re.compile(r"\n{3,}")


@dataclass(frozen=True, slots=True)
class Report:
    """A report, checked. ``summary`` is plain text of some lines, never markup.

    ``version``: the release it is about; None: the whole project. ``extra_json``: an object in canonical JSON, what
    a program had to add.
    """

    kind: Kind
    project: NormalizedName
    version: CanonicalVersion | None
    summary: str
    evidence: tuple[str, ...] = ()
    extra_json: str = "{}"


@dataclass(frozen=True, slots=True)
class Filed:
    """A report that was taken in, as far as rules look at it. ``network``: see `hashed_network`.

    ``account_id`` is None once the reporter's account is gone: the report stays, its vote does not.
    ``network`` is None where nothing is known; all such reports count as coming from one network, so that an index
    behind a proxy that hides addresses corroborates too little and not too much.
    """

    id: int
    kind: Kind
    project: NormalizedName
    version: CanonicalVersion | None
    account_id: int | None
    network: str | None
    filed_at: datetime
    state: State = "open"


def read_report(
    kind: str,
    project: str,
    summary: str,
    *,
    version: str | None = None,
    evidence: Iterable[str] = (),
    extra: Mapping[str, object] | None = None,
) -> Report:
    """The report that these parts make.

    `Refused` by ``report.kind``, ``report.summary``, ``report.evidence``, ``report.extra``, and by ``name.format``
    and ``version.format``. Whether project and release exist is not asked here.
    """
    return Report(
        read_kind(kind),
        parse_name(project),
        canonical(parse_version(version)) if version else None,
        read_summary(summary),
        read_evidence(evidence),
        read_extra(extra or {}),
    )


def read_kind(text: str) -> Kind:
    """``text`` as a kind of report; `Refused` by ``report.kind``."""
    if text not in KINDS:
        says = f"Say one of: {', '.join(KINDS)}."
        refuse("report.kind", f"{_shown(text)} is no kind of report.", says, kinds=tuple(KINDS))
    return cast(Kind, text)


def read_summary(text: str) -> str:
    """``text`` as printable lines joined by ``\\n``; `Refused` by ``report.summary`` where it is empty or too long.

    What is not printable becomes a space: among it are escape sequences of terminals and the characters that
    reverse the direction of a line. At most one blank line stands between two paragraphs.
    """
    lines = ("".join(each if each.isprintable() else " " for each in line).rstrip() for line in text.splitlines())
    said = _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip()
    if not said:
        refuse("report.summary", "The report says nothing.", "Say in a few words what you have seen, and where.")
    if len(said) > SUMMARY_LIMIT:
        refuse(
            "report.summary",
            f"The summary has {len(said)} characters, and {SUMMARY_LIMIT} are the most.",
            "Link to the rest as evidence.",
            length=len(said),
            limit=SUMMARY_LIMIT,
        )
    return said


def read_evidence(links: Iterable[str]) -> tuple[str, ...]:
    """The links that are not empty, each once, in the order given; `Refused` by ``report.evidence``.

    Only absolute http and https addresses of at most `LINK_LIMIT` characters, and at most `EVIDENCE_LIMIT` of them.
    """
    found = tuple(dict.fromkeys(stripped for link in links if (stripped := link.strip())))
    if len(found) > EVIDENCE_LIMIT:
        refuse(
            "report.evidence",
            f"There are {len(found)} links, and {EVIDENCE_LIMIT} are the most.",
            "Keep those that show most.",
            links=len(found),
            limit=EVIDENCE_LIMIT,
        )
    for link in found:
        if len(link) > LINK_LIMIT or not link.isprintable() or not is_web_address(link):
            refuse(
                "report.evidence",
                f"{_shown(link)} is no link that can be shown.",
                f"Give an address that begins with http:// or https:// and has at most {LINK_LIMIT} characters.",
                length=len(link),
            )
    return found


def read_extra(extra: Mapping[str, object]) -> str:
    """``extra`` as canonical JSON (keys in order, no white space); `Refused` by ``report.extra``.

    Refused: what JSON cannot hold, and more than `EXTRA_LIMIT_BYTES`.
    """
    try:
        text = orjson.dumps(dict(extra), option=orjson.OPT_SORT_KEYS)
    except TypeError:  # orjson.JSONEncodeError is one: lone surrogates, integers over 64 bits, too deep a nesting
        refuse("report.extra", "What comes with the report cannot be kept as JSON.", "Send text, numbers and lists.")
    if len(text) > EXTRA_LIMIT_BYTES:
        refuse(
            "report.extra",
            f"What comes with the report has {len(text)} bytes, and {EXTRA_LIMIT_BYTES} are the most.",
            "Link to the rest as evidence.",
            size_bytes=len(text),
            limit_bytes=EXTRA_LIMIT_BYTES,
        )
    return text.decode()


def duplicate_of(report: Report, account_id: int, filed: Iterable[Filed]) -> Filed | None:
    """The open report by the same account that says the same of the same release, oldest first; None: there is none.

    It is shown to the reporter in place of a second one. A report about another release, or about the whole
    project, is another report; it is not another vote (`corroboration.distinct_votes`).
    """
    said = (report.kind, report.project, report.version, account_id, "open")
    same = (each for each in filed if (each.kind, each.project, each.version, each.account_id, each.state) == said)
    return min(same, key=lambda each: (each.filed_at, each.id), default=None)


def hashed_network(address: str, key: bytes) -> str:
    """A name for the network of an IP ``address``, 32 hexadecimal digits: HMAC-SHA-256 under the index's ``key``.

    A network is a /24 of IPv4 or a /48 of IPv6, wider than for `throttle.network`: one customer of a hosting company
    has 65,536 /64s to vote from, and whoever can rent two addresses gets neighbours. Keyed, because there are only
    2^24 IPv4 networks to try. It is all that can be known of an organisation here: one that reports from several
    networks has several votes.
    """
    return hmac.new(key, _network(address).encode("utf-8", "surrogatepass"), sha256).hexdigest()[:32]


def case_number(id: int, opened_at: datetime) -> str:
    """What people call a case: the year (UTC) it was opened in and its id, ``2026-0042``.

    The id counts on over the years, so the part behind the ``-`` alone is unique; the year is for people.
    ``opened_at`` is aware.
    """
    return f"{opened_at.astimezone(UTC).year:04}-{id:04}"


def parse_case_number(text: str) -> int:
    """The id in a case number; `Refused` by ``report.case`` for anything that `case_number` does not make.

    Whether the case exists, and was opened in that year, is seen by comparing ``text`` with the number it has.
    """
    stripped = text.strip()
    match = _CASE_NUMBER.match(stripped)
    # Only one spelling: a case is looked for in mails and journals by its text.
    if match is None or f"{int(match[1]):04}" != match[1] or int(match[1]) == 0:
        refuse("report.case", f"{_shown(text)} is no case number.", "It looks like 2026-0042.")
    return int(match[1])


def _network(address: str) -> str:
    try:
        parsed: IPv4Address | IPv6Address = ip_address(address)
    except ValueError:
        return address  # a Unix socket
    if isinstance(parsed, IPv6Address):
        parsed = parsed.ipv4_mapped or IPv6Address(int(parsed))  # without the scope of a link-local one
    width = 24 if isinstance(parsed, IPv4Address) else 48
    return str(ip_network(f"{parsed}/{width}", strict=False))


def _shown(text: str) -> str:
    return repr(text[:80].encode("ascii", "backslashreplace").decode())
