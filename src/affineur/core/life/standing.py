"""Standing: the facts about a project's state, what they permit, and the one status the world is told.

The dimensions are independent (archiving never touches safety, lifting a hold never touches maintenance), so
permissions are the AND over all of them. Exactly one status of PEP 792 comes out; the strongest fact wins, and
everything else is told beside it (`statuses`, `core.life.extension`).
What does not live here: who may change a fact (`access`), from where to where it may go (`lifecycle`), and carrying
a change out (`actions`).
Sources: PEP 792 and the PyPA "project status markers" specification.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Literal, NamedTuple, Protocol, TypeVar

Maintenance = Literal["active", "finished", "archived"]
Advice = Literal["none", "deprecated"]
Custody = Literal["owned", "unreachable", "orphaned", "custodial"]
Wish = Literal["none", "help", "handoff", "adopt", "no-transfer"]
Safety = Literal["clear", "quarantined", "condemned"]
Availability = Literal["available", "withdrawing", "withdrawn", "removed"]
Impact = Literal["C0", "C1", "C2", "C3", "C4"]
Window = Literal["open", "closed"]
Status = Literal["active", "archived", "deprecated", "quarantined"]

HoldKind = Literal["quarantined", "condemned", "withheld"]
Origin = Literal["ours", "upstream"]
Level = Literal["project", "release", "file"]

REASON_LIMIT = 200
"""Characters of a reason. It ends up on one line of a terminal, beside a name and a version."""


class OfAProject(Protocol):
    """A file, as far as holds look at it."""

    @property
    def version(self) -> str: ...
    @property
    def filename(self) -> str: ...


FileT = TypeVar("FileT", bound=OfAProject)


class _Named(NamedTuple):
    version: str
    filename: str


@dataclass(frozen=True, slots=True)
class Replacement:
    """What to use instead: a project (normalised name), and which versions of it (PEP 440 specifiers, or empty)."""

    name: str
    specifier: str = ""

    def __str__(self) -> str:
        return f"{self.name}{self.specifier}"


@dataclass(frozen=True, slots=True)
class Hold:
    """Something that is kept off offer for now: a whole project, a release of it, or one file.

    ``origin``: who holds it, we or the index that it came from; both may, and each lifts its own. ``code`` is a word
    of `lifecycle.HOLD_CODES`, ``reason`` the public line of explanation, ``case`` the number of the moderators' case.
    """

    kind: HoldKind
    origin: Origin = "ours"
    version: str | None = None
    filename: str | None = None
    code: str | None = None
    reason: str | None = None
    case: str | None = None
    since: datetime | None = None

    @property
    def level(self) -> Level:
        """How much of the project it is about."""
        return "file" if self.filename else "release" if self.version else "project"

    def covers(self, version: str, filename: str) -> bool:
        """Whether it keeps this file off offer."""
        return self.version in (None, version) and self.filename in (None, filename)


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of a project, one group of fields a dimension. ``…_since`` None: since it was first published."""

    maintenance: Maintenance = "active"
    maintenance_reason: str | None = None
    maintenance_since: datetime | None = None
    advice: Advice = "none"
    advice_reason: str | None = None
    advice_since: datetime | None = None
    replacements: tuple[Replacement, ...] = ()
    custody: Custody = "owned"
    custody_since: datetime | None = None
    custody_epoch: int = 1
    """How many times the project has come into new hands, counted from 1."""
    wish: Wish = "none"
    availability: Availability = "available"
    """What was decided of the project as a whole; that it is withheld is a hold."""
    availability_reason: str | None = None
    availability_since: datetime | None = None
    withdraws_at: datetime | None = None
    impact: Impact | None = None
    """None: not measured."""
    impact_since: datetime | None = None
    impact_basis: str | None = None
    generation: int = 1
    """How many times the name was given away."""
    holds: tuple[Hold, ...] = ()

    @property
    def safety(self) -> Safety:
        """What the holds on the whole project say of its safety."""
        kinds = {hold.kind for hold in self.holds if hold.level == "project"}
        return "condemned" if "condemned" in kinds else "quarantined" if "quarantined" in kinds else "clear"

    @property
    def withheld(self) -> bool:
        """Whether a hold keeps the project as a whole back for a reason that is not its safety."""
        return any(hold.kind == "withheld" and hold.level == "project" for hold in self.holds)

    @property
    def hold(self) -> Hold | None:
        """The hold on the whole project that its status tells of: the gravest, and of those the oldest."""
        whole = [hold for hold in self.holds if hold.level == "project"]
        return max(whole, key=lambda hold: GRAVITY.index(hold.kind), default=None)


@dataclass(frozen=True, slots=True)
class Permits:
    """What a state permits: new files in, and files out."""

    upload: bool
    offer: bool


@dataclass(frozen=True, slots=True)
class ProjectStatus:
    """The ``project-status`` of the simple API: a status of PEP 792 and its reason, one printable line."""

    status: Status
    reason: str | None = None


GRAVITY: tuple[HoldKind, ...] = ("withheld", "quarantined", "condemned")
"""The kinds of holds, the gravest last: of several, that one is told."""
_AS_ACTIVE = Permits(upload=True, offer=True)
_AS_ARCHIVED = Permits(upload=False, offer=True)  # PEP 792: MUST NOT allow uploads, MUST offer files
_AS_QUARANTINED = Permits(upload=False, offer=False)  # PEP 792: MUST NOT allow uploads, MUST NOT offer files

PERMITS: Mapping[str, Mapping[str, Permits]] = MappingProxyType(
    {
        "maintenance": {"active": _AS_ACTIVE, "finished": _AS_ACTIVE, "archived": _AS_ARCHIVED},
        "advice": {"none": _AS_ACTIVE, "deprecated": _AS_ACTIVE},  # PEP 792: "the same semantics as active"
        # Nobody answers for what an orphan would publish; whoever adopts it is asked first.
        "custody": {
            "owned": _AS_ACTIVE,
            "unreachable": _AS_ARCHIVED,
            "orphaned": _AS_ARCHIVED,
            "custodial": _AS_ACTIVE,
        },
        "hold": {"quarantined": _AS_QUARANTINED, "condemned": _AS_QUARANTINED, "withheld": _AS_QUARANTINED},
        "availability": {
            "available": _AS_ACTIVE,
            "withdrawing": _AS_ACTIVE,
            "withdrawn": _AS_ARCHIVED,
            "removed": _AS_QUARANTINED,
        },
        "window": {"open": _AS_ACTIVE, "closed": _AS_ARCHIVED},
    }
)
"""What each value of each dimension permits. Whatever may be done with files follows from this table alone."""

STATUS_PERMITS: Mapping[Status, Permits] = MappingProxyType(
    {"active": _AS_ACTIVE, "archived": _AS_ARCHIVED, "deprecated": _AS_ACTIVE, "quarantined": _AS_QUARANTINED}
)
"""What a status of PEP 792 permits by itself: all that is known of a project of another index."""


def permits(standing: Standing) -> Permits:
    """What ``standing`` permits of the project as a whole: what every one of its facts permits."""
    facts = [PERMITS[name][getattr(standing, name)] for name in _OF_A_PROJECT]
    return _all(facts + [PERMITS["hold"][hold.kind] for hold in standing.holds if hold.level == "project"])


def permits_release(standing: Standing, version: str, window: Window = "open") -> Permits:
    """What ``standing`` permits of one release: what the project permits, its window, and what is held of it."""
    held = [hold.kind for hold in standing.holds if hold.level == "release" and hold.version == version]
    return _all([permits(standing), PERMITS["window"][window], *(PERMITS["hold"][kind] for kind in held)])


def offers(standing: Standing, version: str, filename: str) -> bool:
    """Whether this file of the project is on offer."""
    return next(offered(standing, [_Named(version, filename)]), None) is not None


def offered(standing: Standing, files: Iterable[FileT]) -> Iterator[FileT]:
    """Those of ``files`` that are on offer. Cost: linear in them, and in the holds below the project."""
    if permits(standing).offer:
        below = [hold for hold in standing.holds if hold.level != "project"]
        yield from (file for file in files if not any(hold.covers(file.version, file.filename) for hold in below))


def hold_on(standing: Standing, version: str | None, filename: str | None = None) -> Hold | None:
    """The gravest hold below the level of the project that keeps a release, or a file, off offer."""
    covering = (
        hold
        for hold in standing.holds
        if hold.level != "project" and hold.version in (None, version) and hold.filename in (None, filename)
    )
    return max(covering, key=lambda hold: GRAVITY.index(hold.kind), default=None)


def project_status(standing: Standing) -> ProjectStatus:
    """The one status shown: that of the strongest fact."""
    return next(_told(standing), ProjectStatus("active"))


def statuses(standing: Standing) -> list[str]:
    """Every fact worth a word, the strongest first, in our own words; ``["active"]`` where there is none."""
    said = [
        standing.safety,
        "withheld" if standing.withheld else standing.availability,
        standing.custody,
        standing.maintenance,
        standing.advice,
    ]
    ordinary = {"clear", "available", "owned", "active", "none"}
    return [word for word in said if word not in ordinary] or ["active"]


def _told(standing: Standing) -> Iterator[ProjectStatus]:
    """What the facts that are more than ordinary come to, the strongest first."""
    hold = standing.hold
    instead = _instead(standing.replacements)
    if hold is not None and hold.kind != "withheld":
        code = (hold.code or "condemned") if hold.kind == "condemned" else "quarantined"
        otherwise = "Found harmful" if hold.kind == "condemned" else "Held for review by the moderators"
        yield ProjectStatus("quarantined", coded(code, _of_case(hold, otherwise)))
    if hold is not None and hold.kind == "withheld":
        code = "removed-legal" if hold.code == "legal" else "withheld"
        yield ProjectStatus("archived", coded(code, _of_case(hold, "Its files are not on offer")))
    if standing.availability == "removed":
        yield ProjectStatus("archived", coded("removed-by-owner", _joined(instead, standing.availability_reason)))
    if standing.availability == "withdrawn":
        yield ProjectStatus("archived", coded("withdrawn", _joined(instead, standing.availability_reason)))
    if standing.custody == "orphaned":
        yield ProjectStatus("archived", coded("orphaned", "It has no maintainer; adoption is open"))
    if standing.maintenance == "archived":
        yield ProjectStatus(
            "archived", coded("archived", standing.maintenance_reason or "No more releases are planned")
        )
    if standing.availability == "withdrawing":
        day = f"withdrawal-on {standing.withdraws_at:%Y-%m-%d}" if standing.withdraws_at else "withdrawal"
        yield ProjectStatus("deprecated", coded(day, _joined(instead, standing.availability_reason)))
    if standing.advice == "deprecated":
        yield ProjectStatus("deprecated", coded("deprecated", _joined(instead, standing.advice_reason)))


def coded(code: str | None, text: str | None) -> str:
    """A reason as the world reads it: ``[code] text``, one printable line."""
    return printable_reason(" ".join(part for part in (f"[{code}]" if code else "", text or "") if part))


def uncoded(reason: str | None) -> str | None:
    """The text of a reason that another index gave, without the code that we would put before it again."""
    return _CODE.sub("", reason) or None if reason else None


def printable_reason(text: str) -> str:
    """``text`` as one printable line of at most `REASON_LIMIT` characters: reasons end up in terminals."""
    line = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    return line if len(line) <= REASON_LIMIT else line[: REASON_LIMIT - 1] + "…"


_CODE = re.compile(r"\A\[[a-z0-9 -]{1,40}\] ?")
_OF_A_PROJECT = ("maintenance", "advice", "custody", "availability")


def _all(each: Iterable[Permits]) -> Permits:
    held = list(each)
    return Permits(all(one.upload for one in held), all(one.offer for one in held))


def _of_case(hold: Hold, otherwise: str) -> str:
    said = hold.reason or otherwise
    return f"{said} (case {hold.case})" if hold.case else said


def _instead(replacements: tuple[Replacement, ...]) -> str:
    return f"use {' or '.join(map(str, replacements))}" if replacements else ""


def _joined(instead: str, text: str | None) -> str:
    return f"{instead}: {text}" if instead and text else instead or text or "Better not used in anything new"
