"""Meaning: what each state comes to for somebody who installs, in sentences, and every fact of a standing put so.

A page, a preview and a help text say the same of a state because they take it from here. What does not live here:
what a state permits (`standing`), what follows from an act for given files (whoever asks what a resolver would choose),
and what happened in the past (`chronicle_words`).
Sources: PEP 592 (yanks), PEP 792 (statuses).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Literal

from .standing import GRAVITY, Hold, Level, Replacement, Standing, Wish, permits

Kind = Literal[
    "quarantined", "condemned", "withheld", "removed", "withdrawn", "orphaned", "unreachable", "custodial",
    "archived", "finished", "withdrawing", "deprecated", "yanked",
]  # fmt: skip
Tone = Literal["alarm", "warning", "calm"]
"""How much it matters to who installs: it fails or may harm, it may soon, or nothing changes for them."""
Decider = Literal["moderators", "owners", "upstream", "index"]


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a state comes to. ``installing`` is the one sentence for a banner; the others go into a table.

    ``newest``: no version is asked for (``pip install x``). ``exact``: one is (``x==1``). ``locked``: a lock file with
    digests names a file of it. ``uploading``: somebody publishes a new file.
    """

    installing: str
    newest: str
    exact: str
    locked: str
    uploading: str


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact about a project, a release or a file that people should know of.

    ``since`` None: not known. ``code`` is the reason in one word of the vocabularies (`CODES` explains it), ``reason``
    the text beside it. ``until``: the day on which it leads to more.
    """

    kind: Kind
    level: Level = "project"
    version: str | None = None
    filename: str | None = None
    since: datetime | None = None
    reason: str | None = None
    code: str | None = None
    case: str | None = None
    instead: tuple[Replacement, ...] = ()
    until: datetime | None = None
    decided_by: Decider = "owners"
    is_eclipsed: bool = False
    """Whether a stronger fact keeps everything off offer meanwhile, so that this one comes to nothing yet."""

    @property
    def installing(self) -> str:
        """What it comes to for who installs, as things stand, in one sentence."""
        return _ECLIPSED if self.is_eclipsed else self.meaning.installing

    @property
    def meaning(self) -> Meaning:
        """What it comes to for who installs."""
        return meaning(self.kind, self.level)

    @property
    def tone(self) -> Tone:
        """How much it matters to who installs."""
        return TONES[self.kind]

    @property
    def verb(self) -> str:
        """What stands between the subject and the kind: this release *was* yanked."""
        return "was" if self.kind in ("yanked", "condemned", "removed") else "is"

    @property
    def word(self) -> str:
        """The kind, as it reads in a sentence."""
        return "being withdrawn" if self.kind == "withdrawing" else self.kind

    @property
    def why(self) -> str | None:
        """The reason in words: what the code says, and the text."""
        said = CODES.get(self.code, self.code) if self.code else None
        return f"{said}: {self.reason}" if said and self.reason else said or self.reason

    @property
    def is_hold(self) -> bool:
        """Whether it keeps something back that can be given back as it was."""
        return self.kind in GRAVITY

    @property
    def can_appeal(self) -> bool:
        """Whether the moderators of this index decided it, so that they can be asked to look again."""
        return self.decided_by == "moderators"


_ECLIPSED = "Meanwhile nothing of it is on offer; this holds again when it is."
_GONE = "Fails: the page lists no file of it (“No matching distribution found”)."
_NO_FILE = "Fails: the address of the file answers 404."
_AS_BEFORE = "Works as before."
_CLOSED = "Refused."
_OPEN = "Works as before."
_LIKE_ACTIVE = (_AS_BEFORE, _AS_BEFORE, _AS_BEFORE)
_NOTHING_LEFT = (_GONE, _GONE, _NO_FILE, _CLOSED)
_RELEASE_GONE = (
    "Chooses the newest other release.", _GONE, _NO_FILE, "Refused for this release; others are as before.",
)  # fmt: skip
_FILE_GONE = (
    "Chooses among the other files, or another release where none of them fits.",
    "Works where another file of the release fits; else it fails.",
    _NO_FILE,
    "Works as before; the same file name is never taken again.",
)

MEANINGS: Mapping[Kind, Meaning] = MappingProxyType(
    {
        "quarantined": Meaning(
            "It cannot be installed at present: no file is on offer until a review is complete.", *_NOTHING_LEFT
        ),
        "condemned": Meaning(
            "It cannot be installed: a review found it harmful, and it does not come back.", *_NOTHING_LEFT
        ),
        "withheld": Meaning(
            "It cannot be installed at present: its files are kept back, for a reason that is not its safety.",
            *_NOTHING_LEFT,
        ),
        "removed": Meaning("It cannot be installed: its files are no longer here.", *_NOTHING_LEFT),
        "withdrawn": Meaning(
            "Installers pass it over unless exactly one of its versions is asked for; look for what replaces it.",
            "Fails: every release is yanked, and installers pass them over.",
            "Works, with a warning that it is yanked.",
            _AS_BEFORE,
            _CLOSED,
        ),
        "orphaned": Meaning(
            "It still installs as before, but nobody maintains it: no fix comes until somebody adopts it.",
            *_LIKE_ACTIVE,
            "Refused until it is adopted.",
        ),
        "unreachable": Meaning(
            "It still installs as before, but its owners cannot be reached, and nothing is published meanwhile.",
            *_LIKE_ACTIVE,
            "Refused until an owner answers.",
        ),
        "custodial": Meaning(
            "It installs as before; others look after it on behalf of its users, and publish what is necessary.",
            *_LIKE_ACTIVE,
            _OPEN,
        ),
        "archived": Meaning(
            "It still installs as before, but no new release is to be expected: it is closed for uploads.",
            *_LIKE_ACTIVE,
            _CLOSED,
        ),
        "finished": Meaning(
            "It installs as before. It does what it was made for: fixes may come, nothing else is planned.",
            *_LIKE_ACTIVE,
            _OPEN,
        ),
        "withdrawing": Meaning(
            "It still installs, but not for long: move to something else before the day named here.",
            *_LIKE_ACTIVE,
            _OPEN,
        ),
        "deprecated": Meaning(
            "It still installs, but its maintainers advise against it: look for the replacement they name.",
            *_LIKE_ACTIVE,
            _OPEN,
        ),
        "yanked": Meaning(
            "Installers pass over all of it, except where exactly one of its versions is asked for.",
            "Fails, or installs what is yanked with a warning, as the installer has it.",
            "Works, with a warning and the reason.",
            "Works; the warning is shown.",
            _OPEN,
        ),
    }
)
"""What each state of a whole project comes to."""

_BELOW: Mapping[tuple[Kind, Level], Meaning] = MappingProxyType(
    {
        ("quarantined", "release"): Meaning(
            "It cannot be installed at present: no file of it is on offer until a review is complete. "
            "Other releases are not concerned.",
            *_RELEASE_GONE,
        ),
        ("condemned", "release"): Meaning(
            "It cannot be installed: a review found it harmful, and it does not come back. "
            "Look at what you have installed.",
            *_RELEASE_GONE,
        ),
        ("withheld", "release"): Meaning(
            "It cannot be installed at present: its files are kept back. Other releases are not concerned.",
            *_RELEASE_GONE,
        ),
        ("quarantined", "file"): Meaning(
            "It is not on offer until a review is complete. Other files are not concerned.", *_FILE_GONE
        ),
        ("condemned", "file"): Meaning(
            "It is not on offer: a review found it harmful, and it does not come back.", *_FILE_GONE
        ),
        ("withheld", "file"): Meaning("It is kept back and not on offer. Other files are not concerned.", *_FILE_GONE),
        ("yanked", "release"): Meaning(
            "Installers pass it over, except where exactly this version is asked for.",
            "Chooses the newest release that is not yanked.",
            "Works, with a warning and the reason.",
            "Works; the warning is shown.",
            _OPEN,
        ),
        ("yanked", "file"): Meaning(
            "Installers pass it over, except where exactly this version is asked for.",
            "Chooses another file, or another release.",
            "Works, with a warning where this very file is taken.",
            "Works; the warning is shown.",
            _OPEN,
        ),
    }
)

TONES: Mapping[Kind, Tone] = MappingProxyType(
    {
        "quarantined": "alarm",
        "condemned": "alarm",
        "withheld": "alarm",
        "removed": "alarm",
        "withdrawn": "warning",
        "orphaned": "warning",
        "unreachable": "warning",
        "custodial": "calm",
        "archived": "calm",
        "finished": "calm",
        "withdrawing": "warning",
        "deprecated": "warning",
        "yanked": "alarm",
    }
)

CODES: Mapping[str, str] = MappingProxyType(
    {
        "malware": "harmful code",
        "spam": "spam",
        "dependency-confusion": "it may be installed in place of somebody's private project",
        "look-alike": "it may be mistaken for another project",
        "compromised-account": "an account that publishes it may be in strange hands",
        "legal": "a matter of law",
        "secret": "it has a secret in it",
        "personal-data": "it has personal data in it",
        "broken": "it does not work",
        "insecure": "it is not secure",
        "wrong": "it was published by mistake",
        "superseded": "another release replaces it",
        "other": "another reason",
    }
)
"""The words of `lifecycle.HOLD_CODES` and `lifecycle.YANK_CODES` as they read after “Reason:”."""

WORDS: Mapping[Kind, str] = MappingProxyType(
    {
        "quarantined": "Somebody has a reason to suspect it. Until a review is complete nothing of it can be installed "
        "or uploaded. When the quarantine is lifted, everything is again as it was.",
        "condemned": "A review found it harmful. It does not come back on offer; what is known of it stays readable.",
        "withheld": "Its files are kept back, because of a secret, personal data or the law. Their digests stay known, "
        "and they can be given back.",
        "removed": "Its files are no longer here. What it was, and why it went, stays readable.",
        "withdrawn": "Its owners took it back: every release is yanked, and nothing new comes.",
        "withdrawing": "Its owners take it back on a day that they have named. Until then everything works as before.",
        "orphaned": "It has no maintainer. What is there still installs; nothing is published until it is adopted.",
        "unreachable": "Its owners do not answer. What is there still installs.",
        "custodial": "Others than its owners look after it, for the sake of those who depend on it.",
        "archived": "No new release is to be expected, and none can be uploaded. What is there still installs.",
        "finished": "It does what it was made for. Fixes may come; nothing else is planned.",
        "deprecated": "Its maintainers advise against it, and mostly name something better. Everything works as "
        "before.",
        "yanked": "A yanked file is passed over when an installer chooses a version. Who asks for exactly that version "
        "still gets it, with the reason. Nothing is removed, and a yank can be taken back.",
    }
)
"""What each word means, for the help and wherever somebody has to confirm it."""

WISHES: Mapping[Wish, str] = MappingProxyType(
    {
        "help": "help with the work",
        "handoff": "somebody to hand it over to",
        "adopt": "somebody to adopt it",
        "no-transfer": "that nobody asks to take it over",
    }
)
"""What the owners of a project wish for it, as it reads after “Its owners wish for”."""


def meaning(kind: Kind, level: Level = "project") -> Meaning:
    """What ``kind`` comes to for who installs; of a state that only projects have, the level does not matter."""
    return _BELOW.get((kind, level), MEANINGS[kind])


def facts(standing: Standing) -> tuple[Fact, ...]:
    """Every fact about the whole project that people should know of, the strongest first; () where all is ordinary."""
    told = (*_held(standing, "project"), *_told(standing))
    if permits(standing).offer:
        return told
    return tuple(replace(fact, is_eclipsed=meaning(fact.kind).newest != _GONE) for fact in told)


def facts_of_release(standing: Standing, version: str) -> tuple[Fact, ...]:
    """The holds on one release as a whole."""
    return tuple(fact for fact in _held(standing, "release") if fact.version == version)


def facts_of_file(standing: Standing, version: str, filename: str) -> tuple[Fact, ...]:
    """The holds on one file itself; those on its release and project are not repeated."""
    return tuple(
        fact for fact in _held(standing, "file") if fact.filename == filename and fact.version in (None, version)
    )


def held_files(standing: Standing, version: str) -> int:
    """How many files of a release are held by themselves."""
    return sum(hold.level == "file" and hold.version == version for hold in standing.holds)


def yank(level: Level, reason: str | None, code: str | None, since: datetime | None = None) -> Fact:
    """That a release, or a file, is yanked."""
    return Fact("yanked", level, since=since, reason=reason, code=code)


def _held(standing: Standing, level: Level) -> Iterator[Fact]:
    holds = [hold for hold in standing.holds if hold.level == level]
    return map(_of_hold, sorted(holds, key=lambda hold: -GRAVITY.index(hold.kind)))


def _of_hold(hold: Hold) -> Fact:
    return Fact(
        hold.kind,
        hold.level,
        hold.version,
        hold.filename,
        hold.since,
        hold.reason,
        hold.code,
        hold.case,
        decided_by="upstream" if hold.origin == "upstream" else "moderators",
    )


def _told(standing: Standing) -> Iterator[Fact]:
    """What is not a hold, in the order of `standing.project_status`."""
    instead, since = standing.replacements, standing.availability_since
    if standing.availability in ("removed", "withdrawn"):
        kind: Kind = "removed" if standing.availability == "removed" else "withdrawn"
        yield Fact(kind, since=since, reason=standing.availability_reason, instead=instead)
    if standing.custody != "owned":
        yield Fact(standing.custody, since=standing.custody_since, decided_by="index")
    if standing.maintenance != "active":
        yield Fact(standing.maintenance, since=standing.maintenance_since, reason=standing.maintenance_reason)
    if standing.availability == "withdrawing":
        until, reason = standing.withdraws_at, standing.availability_reason
        yield Fact("withdrawing", since=since, reason=reason, instead=instead, until=until)
    if standing.advice == "deprecated":
        yield Fact("deprecated", since=standing.advice_since, reason=standing.advice_reason, instead=instead)
