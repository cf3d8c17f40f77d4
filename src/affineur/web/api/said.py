"""What is said with an act of the life of a project: the bodies that its operations take, for one project or many.

What does not live here: the operations (`life`, `bulk`, `moderation`).
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from affineur.actions.yank import Selection
from affineur.core import names
from affineur.core.life.guards import REPLACEMENTS_AT_MOST
from affineur.core.life.lifecycle import Said
from affineur.core.life.standing import REASON_LIMIT, Impact, Wish
from affineur.core.names import NormalizedName
from affineur.core.people import advice
from affineur.core.versions import MAXIMUM_LENGTH, canonical, parse_version, specified

from .operation import Input

Reason = Annotated[
    str,
    msgspec.Meta(max_length=REASON_LIMIT, description="Why; shown to everyone who installs. It becomes one line."),
]
Version = Annotated[str, msgspec.Meta(min_length=1, max_length=MAXIMUM_LENGTH, description="Only this release.")]
File = Annotated[str, msgspec.Meta(min_length=1, max_length=255, description="Only the file of this name.")]
Versions = Annotated[
    str,
    msgspec.Meta(min_length=1, max_length=MAXIMUM_LENGTH, description="Only releases that fit, such as >=1,<2."),
]
Code = Annotated[str, msgspec.Meta(max_length=40, description="Why, in one word that programs know.")]
Projects = Annotated[
    list[Annotated[str, msgspec.Meta(min_length=1, max_length=names.MAXIMUM_LENGTH)]],
    msgspec.Meta(min_length=1, max_length=100, description="Names, in any spelling."),
]
DryRun = Annotated[bool, msgspec.Meta(description="Only say what would happen.")]


class Selected(Input):
    """Which files of the project: all, those of one release or of many, or one."""

    version: Version | None = None
    file: File | None = None
    versions: Versions | None = None


class YankRequest(Selected):
    """Which files are to be yanked, and why."""

    reason: Reason | None = None
    code: Code | None = None


class StatusRequest(Input):
    """Why the status is to be changed."""

    reason: Reason | None = None


class ReplacementNamed(Input):
    """What to use instead: a project, and which versions of it (PEP 440)."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=names.MAXIMUM_LENGTH)]
    specifier: Annotated[str, msgspec.Meta(max_length=MAXIMUM_LENGTH)] = ""


class DeprecateRequest(StatusRequest):
    """Why it should not be used, and what to use instead."""

    replacements: Annotated[list[ReplacementNamed], msgspec.Meta(max_length=4 * REPLACEMENTS_AT_MOST)] = msgspec.field(
        default_factory=list
    )


class WishRequest(Input):
    """What the owners wish for the project."""

    wish: Wish


class ClassRequest(Input):
    """How much would go wrong if the project went wrong, and how that is known."""

    impact: Impact
    basis: Annotated[str, msgspec.Meta(max_length=REASON_LIMIT, description="How that is known.")] | None = None


class Many(Input, kw_only=True):
    """Which projects."""

    projects: Projects
    dry_run: DryRun = False


class ManyStatus(StatusRequest, kw_only=True):
    """Which projects, and why."""

    projects: Projects
    dry_run: DryRun = False


class ManyDeprecate(DeprecateRequest, kw_only=True):
    """Which projects, why they should not be used, and what to use instead."""

    projects: Projects
    dry_run: DryRun = False


class ManyWish(WishRequest, kw_only=True):
    """Which projects, and what their owners wish for them."""

    projects: Projects
    dry_run: DryRun = False


class ManyClass(ClassRequest, kw_only=True):
    """Which projects, and how much would go wrong."""

    projects: Projects
    dry_run: DryRun = False


class ManyYank(YankRequest, kw_only=True):
    """Which projects, which files of each, and why."""

    projects: Projects
    dry_run: DryRun = False


class ManySelected(Selected, kw_only=True):
    """Which projects, and which files of each."""

    projects: Projects
    dry_run: DryRun = False


def said_in(body: Input | None) -> Said:
    """What a body says, as acts take it. `Refused` for a replacement that names nothing."""
    match body:
        case DeprecateRequest():
            instead = tuple(advice.replacement(one.name, one.specifier) for one in body.replacements)
            return Said(reason=body.reason, replacements=instead)
        case StatusRequest():
            return Said(reason=body.reason)
        case WishRequest():
            return Said(value=body.wish)
        case ClassRequest():
            return Said(value=body.impact, basis=body.basis)
    return Said()


def selection_in(project: NormalizedName, body: Selected) -> Selection:
    """The files of ``project`` that a body names. `Refused` (``version.…``) for what is no version or specifier."""
    return Selection(
        project,
        canonical(parse_version(body.version)) if body.version else None,
        body.file,
        specifier=specified(body.versions) if body.versions is not None else None,
    )
