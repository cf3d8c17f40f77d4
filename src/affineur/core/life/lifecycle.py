"""Lifecycle: the acts that change a project's standing, as one table, and what each of them comes to.

An act moves one dimension of `standing.Standing` and no other: whoever lifts a quarantine gives back exactly what was
before. From where to where an act goes is `TRANSITIONS`; what else must hold is `guards`; whatever the table does not
list is refused, with what is possible instead. The documentation's table and diagram are made from it.
What does not live here: what a standing permits (`standing`), who may act (`access`), and carrying an act out
(`actions.status`, `actions.hold`, `actions.yank`).
Sources: PEP 792 and PEP 592; the dimensions and the acts are explained in `docs/explanation`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Literal, cast

from ..access import Actor, actor_class
from ..decision import Decision, allow, deny
from ..history.journal import Event, Hint
from ..impact.basis import BY_HAND
from ..names import NormalizedName
from ..permissions import Action
from .standing import Hold, HoldKind, Impact, Level, Origin, Replacement, Standing, Wish, printable_reason

Act = Literal[
    "archive", "unarchive", "finish", "resume", "deprecate", "undeprecate", "wish", "reclassify",
    "quarantine", "clear", "condemn", "withhold", "unwithhold", "yank", "unyank",
]  # fmt: skip
Dimension = Literal["maintenance", "advice", "wish", "impact", "safety", "availability", "yank"]

YANK_CODES = ("broken", "insecure", "wrong", "superseded", "legal", "other")
"""Why files are yanked, in one word."""
HOLD_CODES = (
    "malware", "spam", "dependency-confusion", "look-alike", "compromised-account",
    "legal", "secret", "personal-data", "other",
)  # fmt: skip
"""Why something is held, in one word."""
UNKNOWN = "unknown"
"""The value of a dimension that nobody has measured."""


@dataclass(frozen=True, slots=True)
class Place:
    """What of a project an act is about: all of it, a release (canonical version), or a file."""

    version: str | None = None
    filename: str | None = None

    @property
    def level(self) -> Level:
        """How much of the project it is."""
        return "file" if self.filename else "release" if self.version else "project"


WHOLE = Place()


@dataclass(frozen=True, slots=True)
class Said:
    """What whoever acts says with it; which of it an act takes, `Transition.takes` tells."""

    reason: str | None = None
    code: str | None = None
    replacements: tuple[Replacement, ...] = ()
    value: str | None = None
    """Where an act may lead to several values (a wish, a class): which."""
    basis: str | None = None
    case: str | None = None
    origin: Origin = "ours"
    evidence: str | None = None
    """Of a hold: what its people are shown beyond the public line. It stays with the case, out of the journal."""


NOTHING_SAID = Said()


@dataclass(frozen=True, slots=True)
class Transition:
    """What an act does: moves ``dimension`` from one of ``sources`` to ``target``.

    ``target`` None: to what is said. ``event`` is what the journal calls it, of a whole project; of a release or a file
    it begins with their name instead. ``takes`` are the fields of `Said` that it keeps.
    """

    dimension: Dimension
    sources: tuple[str, ...]
    target: str | None
    event: str
    hint: Hint
    action: Action
    """What `core.access.may` is asked about it."""
    means: str
    takes: frozenset[str] = frozenset()
    levels: tuple[Level, ...] = ("project",)

    def event_on(self, level: Level) -> str:
        """The name of the event on that level."""
        return self.event if level == "project" else level.capitalize() + self.event.removeprefix("Project")


_WHY = frozenset({"reason"})
_HELD = frozenset({"reason", "code", "case", "origin"})
_LIFTED = frozenset({"reason", "case", "origin"})
_ANYWHERE: tuple[Level, ...] = ("project", "release", "file")
_WISHES: tuple[Wish, ...] = ("none", "help", "handoff", "adopt", "no-transfer")
_IMPACTS: tuple[Impact, ...] = ("C0", "C1", "C2", "C3", "C4")

TRANSITIONS: Mapping[Act, Transition] = MappingProxyType(
    {
        "archive": Transition(
            "maintenance", ("active", "finished", "archived"), "archived", "ProjectArchived", "refresh", "archive",
            "It stays on offer and takes no new files.", _WHY,
        ),
        "unarchive": Transition(
            "maintenance", ("archived",), "active", "ProjectUnarchived", "refresh", "unarchive",
            "It takes new files again.",
        ),
        "finish": Transition(
            "maintenance", ("active",), "finished", "ProjectFinished", "refresh", "archive",
            "It does what it was made for: fixes may come, nothing else is planned.", _WHY,
        ),
        "resume": Transition(
            "maintenance", ("finished",), "active", "ProjectResumed", "refresh", "archive",
            "Work on it goes on.",
        ),
        "deprecate": Transition(
            "advice", ("none", "deprecated"), "deprecated", "ProjectDeprecated", "refresh", "archive",
            "Its owners advise against using it. Nothing else changes.", _WHY | {"replacements"},
        ),
        "undeprecate": Transition(
            "advice", ("deprecated",), "none", "ProjectUndeprecated", "refresh", "archive",
            "The advice is taken back.",
        ),
        "wish": Transition(
            "wish", _WISHES, None, "ProjectWished", "refresh", "archive",
            "What its owners wish for it: help, somebody to hand it to, or that nobody asks for it.",
            frozenset({"value"}),
        ),
        "reclassify": Transition(
            "impact", (UNKNOWN, *_IMPACTS), None, "ProjectReclassified", "refresh", "classify",
            "How much would go wrong if it went wrong: protection for it, no duty for anybody.",
            frozenset({"value", "basis"}),
        ),
        # Mirrors stop offering at once: a hold that is told as a mere refresh would leave files installable there.
        "quarantine": Transition(
            "safety", ("clear", "quarantined"), "quarantined", "ProjectQuarantined", "hide", "hold",
            "It is held for review: nothing of it is on offer, nothing can be published to it.", _HELD, _ANYWHERE,
        ),
        "clear": Transition(
            "safety", ("quarantined", "condemned"), "clear", "ProjectCleared", "restore", "hold",
            "The hold is lifted: everything is as it was before.", _LIFTED, _ANYWHERE,
        ),
        "condemn": Transition(
            "safety", ("quarantined",), "condemned", "ProjectCondemned", "hide", "condemn",
            "The review found it harmful: it does not come back on offer.", _HELD, _ANYWHERE,
        ),
        "withhold": Transition(
            "availability", ("available", "withheld"), "withheld", "ProjectWithheld", "hide", "withhold",
            "It is kept back: a secret, personal data, or the law. Its digest stays known.", _HELD, _ANYWHERE,
        ),
        "unwithhold": Transition(
            "availability", ("withheld",), "available", "ProjectRestored", "restore", "withhold",
            "It is on offer again.", _LIFTED, _ANYWHERE,
        ),
        # PEP 592: a yank may be taken back, and made again, any number of times.
        "yank": Transition(
            "yank", ("available", "yanked"), "yanked", "ProjectYanked", "refresh", "yank",
            "Installers pass over it; who pins it still gets it. Nothing is taken away.",
            _WHY | {"code"}, _ANYWHERE,
        ),
        "unyank": Transition(
            "yank", ("available", "yanked"), "available", "ProjectUnyanked", "refresh", "yank",
            "Installers choose it again.", frozenset(), _ANYWHERE,
        ),
    }
)  # fmt: skip
"""Every act there is. Yanks are told file by file (``FileYanked``), so their event of a project is never written."""

HOLDING: frozenset[Act] = frozenset({"quarantine", "clear", "condemn", "withhold", "unwithhold"})
"""The acts that place, change or lift a `standing.Hold`."""
LIFTING: frozenset[Act] = frozenset({"clear", "unwithhold"})
"""Those of them that give back."""


def state(standing: Standing, dimension: Dimension, place: Place = WHOLE, origin: Origin = "ours") -> str:
    """The present value of a dimension, at ``place``, as ``origin`` set it. Not for yanks, which files have."""
    if dimension in ("safety", "availability"):
        held = slot(standing, dimension, place, origin)
        return held.kind if held else "clear" if dimension == "safety" else "available"
    value: str | None = getattr(standing, dimension)
    return UNKNOWN if value is None else value


def slot(standing: Standing, dimension: Dimension, place: Place, origin: Origin) -> Hold | None:
    """The one hold of that dimension, place and origin."""
    for hold in standing.holds:
        where = (hold.version, hold.filename, hold.origin, dimension_of(hold.kind))
        if where == (place.version, place.filename, origin, dimension):
            return hold
    return None


def legal(standing: Standing, place: Place = WHOLE, origin: Origin = "ours") -> tuple[Act, ...]:
    """The acts that the table allows at ``place`` as things stand, whoever acts."""
    return tuple(
        act
        for act, transition in TRANSITIONS.items()
        if place.level in transition.levels
        and (
            transition.dimension == "yank" or state(standing, transition.dimension, place, origin) in transition.sources
        )
    )


def meant(standing: Standing, act: Act, place: Place, said: Said) -> Said:
    """``said``, about the hold that is there: where only our upstream placed one, lifting lifts that."""
    transition = TRANSITIONS[act]
    if act not in LIFTING or slot(standing, transition.dimension, place, said.origin) is not None:
        return said
    theirs = slot(standing, transition.dimension, place, "upstream")
    return said if theirs is None else replace(said, origin="upstream")


def possible(project: NormalizedName, standing: Standing, act: Act, place: Place, said: Said) -> Decision:
    """Whether the table has an edge for ``act`` from here: the first thing asked, before who acts matters."""
    transition = TRANSITIONS[act]
    can = legal(standing, place, said.origin)
    if act not in can:
        now = state(standing, transition.dimension, place, said.origin)
        return deny(
            "lifecycle.transition",
            f"The {transition.dimension} of {named(project, place)} is '{now}': '{act}' leads nowhere from there.",
            f"Possible now: {', '.join(can)}.",
            legal=can,
            state=now,
            act=act,
        )
    return _well_said(act, transition, said)


def _well_said(act: Act, transition: Transition, said: Said) -> Decision:
    codes = YANK_CODES if transition.dimension == "yank" else HOLD_CODES
    if "code" in transition.takes and said.code is not None and said.code not in codes:
        return deny("lifecycle.code", f"'{said.code}' is no reason code of '{act}'.", f"Use one of {', '.join(codes)}.")
    if transition.target is None and said.value not in transition.sources[transition.sources[0] == UNKNOWN :]:
        return deny(
            "lifecycle.value",
            f"'{said.value}' is nothing that '{act}' can lead to.",
            f"Use one of {', '.join(one for one in transition.sources if one != UNKNOWN)}.",
        )
    return allow("lifecycle.transition")


def after(standing: Standing, act: Act, said: Said, now: datetime, place: Place = WHOLE) -> Standing:
    """The standing that ``act`` leads to; equal to ``standing`` where it changes nothing. Not for yanks.

    A reason becomes one printable line; what an act does not take is not kept.
    """
    transition = TRANSITIONS[act]
    reason = printable_reason(said.reason or "") or None if "reason" in transition.takes else None
    match transition.dimension:
        case "safety" | "availability":
            return _with_hold(standing, transition, said, reason, now, place)
        case "maintenance":
            changed = replace(standing, maintenance=transition.target, maintenance_reason=reason)  # type: ignore[arg-type]
            return _dated(standing, replace(changed, maintenance_since=now))
        case "advice":
            instead = said.replacements if "replacements" in transition.takes else ()
            changed = replace(standing, advice=transition.target, advice_reason=reason, replacements=instead)  # type: ignore[arg-type]
            return _dated(standing, replace(changed, advice_since=now))
        case "wish":
            return replace(standing, wish=cast(Wish, said.value))
        case _:
            basis = printable_reason(said.basis or "") or BY_HAND
            changed = replace(standing, impact=cast(Impact, said.value), impact_basis=basis)
            return _dated(standing, replace(changed, impact_since=now))


def events(
    project: NormalizedName, before: Standing, then: Standing, act: Act, said: Said, actor: Actor, place: Place = WHOLE
) -> list[Event]:
    """What the journal says of ``act``: what changed, before and after; nothing where nothing did."""
    if before == then:
        return []
    transition = TRANSITIONS[act]
    old, new = _told(before, transition.dimension, place, said), _told(then, transition.dimension, place, said)
    same = {name for name in old.keys() & new.keys() if old[name] == new[name] and name != "origin"}
    reason = new.get(f"{transition.dimension}_reason")
    return [
        Event(
            transition.event_on(place.level),
            project,
            place.version,
            place.filename,
            old={name: value for name, value in old.items() if name not in same},
            new={name: value for name, value in new.items() if name not in same},
            rule=f"lifecycle.{act}",
            reason=reason if isinstance(reason, str) else None,
            reason_code=said.code if "code" in transition.takes else None,
            case=said.case if "case" in transition.takes else None,
            actor_class=actor_class(actor),
            hint=transition.hint,
        )
    ]


def named(project: NormalizedName, place: Place) -> str:
    """What ``place`` is called in a sentence."""
    if place.filename:
        return f"file '{place.filename}' of project '{project}'"
    return f"release {place.version} of project '{project}'" if place.version else f"project '{project}'"


def dimension_of(kind: HoldKind) -> Dimension:
    """The dimension that a hold of this kind is about."""
    return "availability" if kind == "withheld" else "safety"


def lifting(kind: HoldKind) -> Act:
    """The act that lifts a hold of this kind."""
    return "unwithhold" if dimension_of(kind) == "availability" else "clear"


def _dated(before: Standing, then: Standing) -> Standing:
    """``then``, or ``before`` where only the date is new; a new text leaves the date of the state itself."""
    for name in ("maintenance", "advice", "impact"):
        if getattr(before, name) == getattr(then, name):
            then = replace(then, **{f"{name}_since": getattr(before, f"{name}_since")})
    return then


def _with_hold(
    standing: Standing, transition: Transition, said: Said, reason: str | None, now: datetime, place: Place
) -> Standing:
    present = slot(standing, transition.dimension, place, said.origin)
    others = tuple(hold for hold in standing.holds if hold is not present)
    if transition.target in ("clear", "available"):
        return replace(standing, holds=others)
    kind = cast(HoldKind, transition.target)
    if present is None:
        held = Hold(kind, said.origin, place.version, place.filename, said.code, reason, said.case, now)
        return replace(standing, holds=(*others, held))
    held = replace(
        present,
        kind=kind,
        code=said.code or present.code,
        reason=reason or present.reason,
        case=said.case or present.case,
    )
    return standing if held == present else replace(standing, holds=(*others, held))


def _told(standing: Standing, dimension: Dimension, place: Place, said: Said) -> dict[str, object]:
    """A dimension's fields as the journal has them; dates are those of the entries."""
    if dimension in ("safety", "availability"):
        held = slot(standing, dimension, place, said.origin)
        return {
            dimension: state(standing, dimension, place, said.origin),
            f"{dimension}_reason": held.reason if held else None,
            "origin": said.origin,
        }
    told: dict[str, object] = {dimension: getattr(standing, dimension)}
    if dimension in ("maintenance", "advice"):
        told[f"{dimension}_reason"] = getattr(standing, f"{dimension}_reason")
    if dimension == "advice":
        told["replacements"] = [[one.name, one.specifier] for one in standing.replacements]
    if dimension == "impact":
        told["impact_basis"] = standing.impact_basis
    return told
