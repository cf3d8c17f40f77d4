"""Standing: the facts about a project's state, what they permit, and the one status the world is told.

The dimensions are independent (archiving never touches safety, lifting a hold never touches maintenance), so
permissions are the AND over all of them. Exactly one status of PEP 792 comes out; the strongest fact wins.
What does not live here: who may change a fact (`access`) and how (`actions`).
Sources: PEP 792 and the PyPA "project status markers" specification.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Maintenance = Literal["active", "archived"]
Advice = Literal["none", "deprecated"]
Safety = Literal["clear", "quarantined"]
Status = Literal["active", "archived", "deprecated", "quarantined"]

REASON_LIMIT = 200
"""Characters of a reason. It ends up on one line of a terminal, beside a name and a version."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of a project, one field a dimension, each with the text its setter gave."""

    maintenance: Maintenance = "active"
    maintenance_reason: str | None = None
    advice: Advice = "none"
    advice_reason: str | None = None
    safety: Safety = "clear"
    safety_reason: str | None = None


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


PERMITS: dict[Status, Permits] = {
    "active": Permits(upload=True, offer=True),
    "deprecated": Permits(upload=True, offer=True),  # PEP 792: "the same semantics as active"
    "archived": Permits(upload=False, offer=True),  # PEP 792: MUST NOT allow uploads, MUST offer files
    "quarantined": Permits(upload=False, offer=False),  # PEP 792: MUST NOT allow uploads, MUST NOT offer files
}


def permits(standing: Standing) -> Permits:
    """What ``standing`` permits: what every one of its facts permits."""
    held = (PERMITS[fact] for fact in (standing.maintenance, _advice(standing), _safety(standing)))
    upload, offer = True, True
    for each in held:
        upload, offer = upload and each.upload, offer and each.offer
    return Permits(upload, offer)


def project_status(standing: Standing) -> ProjectStatus:
    """The one status shown; quarantined before archived before deprecated before active."""
    if standing.safety == "quarantined":
        return ProjectStatus("quarantined", standing.safety_reason)
    if standing.maintenance == "archived":
        return ProjectStatus("archived", standing.maintenance_reason)
    if standing.advice == "deprecated":
        return ProjectStatus("deprecated", standing.advice_reason)
    return ProjectStatus("active")


def printable_reason(text: str) -> str:
    """``text`` as one printable line of at most `REASON_LIMIT` characters: reasons end up in terminals."""
    line = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    return line if len(line) <= REASON_LIMIT else line[: REASON_LIMIT - 1] + "…"


def _advice(standing: Standing) -> Status:
    return "deprecated" if standing.advice == "deprecated" else "active"


def _safety(standing: Standing) -> Status:
    return "quarantined" if standing.safety == "quarantined" else "active"
