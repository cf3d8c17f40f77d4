"""Policy: whether an act that somebody may do may be done now. Facts in, a `Decision` out.

What does not live here: who may (`access`), what a file's contents must be (`distribution`), what a state
permits (`standing`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ..decision import Decision, allow, deny
from ..names import NormalizedName, is_standard_library
from .standing import PERMITS, Standing, Window, hold_on, permits, permits_release, project_status

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class NewName:
    """The facts about a name that no project has yet."""

    name: NormalizedName
    lookalikes: tuple[str, ...]
    reserve_standard_library: bool
    reserve_lookalikes: bool


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a file, and all files of its project together, may be."""

    file_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True)
class Upload:
    """The facts about a file that is to be published."""

    project: NormalizedName
    filename: str
    kind: str
    version: str
    sha256: str
    blake2b_256: str
    size_bytes: int
    now: datetime
    standing: Standing
    project_bytes: int
    limits: Limits | None
    """None: no limits apply."""
    same_name: str | None
    """SHA-256 of the stored file of this name."""
    same_content: str | None
    """Name of the stored file with this content."""
    burnt: bool
    release_since: datetime | None
    release_window: timedelta | None
    has_sdist: bool


def new_name(facts: NewName) -> Decision:
    """Whether a new project may take this name."""
    if facts.reserve_standard_library and is_standard_library(facts.name):
        return deny(
            "name.standard-library",
            f"The name '{facts.name}' isn't allowed (conflict with Python Standard Library module name).",
            "Choose another name.",
        )
    if facts.reserve_lookalikes and facts.lookalikes:
        return deny(
            "name.lookalike",
            f"The name '{facts.name}' is too similar to an existing project ('{facts.lookalikes[0]}').",
            "Choose a name that cannot be mistaken for it.",
            similar=facts.lookalikes,
        )
    return allow("name.new")


def is_same_file(facts: Upload) -> bool:
    """Whether this very file is there already: publishing it again changes nothing and is no error."""
    return facts.same_name == facts.sha256


def upload(facts: Upload) -> Decision:
    """Whether the file may be published. Call `is_same_file` first."""
    for rule in (_state, _duplicate, _size, _window, _one_sdist):
        decision = rule(facts)
        if not decision.allowed:
            return decision
    return allow("upload")


def _state(facts: Upload) -> Decision:
    if permits_release(facts.standing, facts.version).upload:
        return allow("upload.state")
    if permits(facts.standing).upload:
        held = hold_on(facts.standing, facts.version)
        case = f" (case {held.case})" if held and held.case else ""
        return deny(
            "upload.state",
            f"Release {facts.version} of project '{facts.project}' is on hold{case} and accepts no new files.",
            "Publish another version, or wait until the review is complete.",
            status="quarantined",
        )
    status = project_status(facts.standing)
    why = f" ({status.reason})" if status.reason else ""
    ways = {
        "archived": "An owner can unarchive it first.",
        "quarantined": "Nothing can be published until the review is complete.",
    }
    return deny(
        "upload.state",
        f"Project '{facts.project}' is {status.status}{why} and accepts no new files.",
        ways.get(status.status, ""),
        status=status.status,
    )


def _duplicate(facts: Upload) -> Decision:
    if facts.same_name is not None or facts.same_content is not None:
        there = facts.same_content or facts.filename
        what = (
            "These contents are published under another name."
            if facts.same_content
            else "Its contents differ from yours."
        )
        return deny(
            "upload.duplicate",
            f"File already exists ('{there}', with blake2_256 hash '{facts.blake2b_256}').",
            what,
            "Published files never change: publish a new version, or a wheel with a build number.",
        )
    if facts.burnt:
        return deny(
            "upload.burnt",
            "This filename was previously used by a file that has since been deleted. Use a different version.",
            "File names are never reissued, so that nobody gets other contents under a name they trust.",
        )
    return allow("upload.duplicate")


def _size(facts: Upload) -> Decision:
    limits = facts.limits
    if limits is None:
        return allow("upload.size")
    if facts.size_bytes > limits.file_bytes:
        return file_too_large(facts.project, limits.file_bytes)
    if facts.project_bytes + facts.size_bytes > limits.total_bytes:
        has, more = _amount(facts.project_bytes), _amount(facts.size_bytes)
        return deny(
            "upload.project-size",
            f"Project size too large. Limit for project '{facts.project}' total size is {_amount(limits.total_bytes)}.",
            f"It has {has} and this file {more}; ask an operator for a higher limit.",
            limit_bytes=limits.total_bytes,
            project_bytes=facts.project_bytes,
        )
    return allow("upload.size")


def file_too_large(project: str, limit_bytes: int) -> Decision:
    """The refusal of a file larger than ``limit_bytes``; also used while it is still streaming in."""
    return deny(
        "upload.file-size",
        f"File too large. Limit for project '{project}' is {_amount(limit_bytes)}.",
        "Make the file smaller or ask an operator for a higher limit.",
        limit_bytes=limit_bytes,
    )


def release_window(since: datetime, lasts: timedelta | None, now: datetime) -> Window:
    """Whether a release that had its first file at ``since`` takes others; ``lasts`` None: releases never close."""
    return "open" if lasts is None or now - since <= lasts else "closed"


def _window(facts: Upload) -> Decision:
    if facts.release_since is None or facts.release_window is None:
        return allow("upload.window")
    window = release_window(facts.release_since, facts.release_window, facts.now)
    if PERMITS["window"][window].upload:
        return allow("upload.window")
    age = facts.now - facts.release_since
    days = facts.release_window.days
    return deny(
        "upload.window",
        f"Uploading new files to releases older than {days} days is not allowed.",
        f"Release {facts.version} had its first file {age.days} days ago; publish a new version.",
        age_days=age.days,
        limit_days=days,
    )


def _one_sdist(facts: Upload) -> Decision:
    if facts.kind == "sdist" and facts.has_sdist:
        return deny("upload.sdist", "Only one sdist may be uploaded per release.", "Publish a new version.")
    return allow("upload.sdist")


def _amount(size_bytes: int) -> str:
    for unit, scale in (("GB", 1024 * MIB), ("MB", MIB), ("kB", 1024)):
        if size_bytes >= scale:
            return f"{size_bytes / scale:.4g} {unit}"
    return f"{size_bytes} bytes"
