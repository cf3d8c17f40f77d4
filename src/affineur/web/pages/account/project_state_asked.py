"""An act on a project's state as a form or an address names it: reading it, what it would come to, carrying it out.

A preview and the act are asked with the same fields, so a preview can be passed on as an address. What does not live
here: the pages (`project_state`), the acts (`actions.status`, `actions.yank`, `actions.hold`), and what installers do
(`core.life.consequences`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlencode

from starlette.datastructures import ImmutableMultiDict

from affineur.actions import permission, status, transition
from affineur.actions.hold import hold
from affineur.actions.yank import Selection, foresee_yank, set_yanked
from affineur.core.access import Actor
from affineur.core.decision import Decision, Refused, allow, refuse
from affineur.core.life import lifecycle
from affineur.core.life.consequences import Change, Seen, changes, touched
from affineur.core.life.lifecycle import HOLDING, Act, Place, Said
from affineur.core.life.meaning import Fact, facts, facts_of_file, facts_of_release, yank
from affineur.core.life.standing import Level, ProjectStatus, printable_reason, project_status
from affineur.core.names import NormalizedName
from affineur.core.people.advice import parse_replacement
from affineur.core.security import Caller, asks_for_proof
from affineur.core.versions import canonical, latest, order_key, parse_version, specified
from affineur.shell.index import Index
from affineur.shell.store import projects

from .project_state_words import OWNERS_ACTS

Typed = ImmutableMultiDict[str, str]
FIELDS = ("act", "reason", "code", "wish", "replacements", "specifier", "whole", "release", "file")
"""What is asked with, once each; ``version`` may come many times, or with spaces between."""
SHOWN_RELEASES = 3
"""Releases of which a preview tells what becomes of their pins; of more it says how many."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An act with all that it takes. ``place`` is for holds, ``selection`` for yanks; other acts need neither."""

    act: Act
    said: Said
    place: Place
    selection: Selection


@dataclass(frozen=True, slots=True)
class Preview:
    """What an act would come to. ``decision``: whether it may be done, or only a proof is missing.

    ``told`` is what clients read before and after (PEP 792); ``banners`` what the pages would say that they do not say
    yet; ``more``: how many releases besides those of ``changes`` it concerns. ``yanked``: releases of which it leaves
    no file that is not yanked.
    """

    decision: Decision
    changes: tuple[Change, ...]
    told: tuple[ProjectStatus, ProjectStatus]
    banners: tuple[Fact, ...]
    files: int
    more: int
    is_change: bool
    waits_until: datetime | None
    yanked: tuple[str, ...]


def ticked(given: Typed) -> frozenset[str]:
    """The versions that are ticked, as they were typed."""
    return frozenset(word for field in given.getlist("version") for word in field.split())


def address(page: str, given: Typed) -> str:
    """``page`` with what is asked, as an address: opening it changes nothing."""
    pairs = [(field, given[field]) for field in FIELDS if given.get(field)]
    return f"{page}?{urlencode([*pairs, *(('version', version) for version in sorted(ticked(given)))])}"


def read(project: NormalizedName, given: Typed) -> Asked:
    """What is asked. `Refused` for what is no act of owners, selects nothing, or cannot be read."""
    act = next((each for each in OWNERS_ACTS if each == given.get("act")), None)
    if act is None:
        refuse("lifecycle.transition", "Choose what is to be done.", "Press one of the buttons of this page.")
    release = canonical(parse_version(given["release"])) if given.get("release") else None
    said = Said(
        reason=given.get("reason") or None,
        code=given.get("code") or None,
        replacements=tuple(parse_replacement(word) for word in given.get("replacements", "").split()),
        value=given.get("wish") or None,
    )
    place = Place(release, given.get("file") or None) if act in HOLDING else lifecycle.WHOLE
    selection = _selected(project, given, release) if act in ("yank", "unyank") else Selection(project)
    return Asked(act, said, place, selection)


def subject(project: str, asked: Asked) -> str:
    """What ``asked`` is about, as a title has it."""
    filename, version = asked.place.filename, asked.place.version
    if asked.act in ("yank", "unyank"):
        chosen = asked.selection
        filename, version = chosen.filename, chosen.version
        if chosen.versions:
            version = ", ".join(sorted(chosen.versions, key=order_key))
        elif chosen.specifier is not None:
            version = str(chosen.specifier)
    return filename or (f"{project} {version}" if version else project)


def _selected(project: NormalizedName, given: Typed, release: str | None) -> Selection:
    if release is not None:
        return Selection(project, release, given.get("file") or None)
    versions = frozenset(canonical(parse_version(version)) for version in ticked(given))
    specifier, whole = given.get("specifier", "").strip(), given.get("whole") == "yes"
    if sum((bool(versions), bool(specifier), whole)) != 1:
        refuse(
            "yank.selection",
            "It is not clear which releases are meant: " + ("none is chosen." if not versions else "choose one way."),
            "Tick releases, or write which versions, or tick the whole project; one of the three.",
        )
    if whole:
        return Selection(project)
    return Selection(project, specifier=specified(specifier)) if specifier else Selection(project, versions=versions)


def preview(index: Index, actor: Actor, project: NormalizedName, asked: Asked, now: datetime) -> Preview:
    """What ``asked`` would come to; nothing is changed. `Refused` where it would be, unless a proof is all it lacks."""
    decision, waits_until = _judged(index, actor, project, asked, now)
    with index.store.read() as connection:
        found = permission.require(connection, actor, "see-people", project, now)
        before = Seen(project, found.standing, projects.file_links(connection, found.id))
    after = before if waits_until else _after(before, asked, now)
    concerned = touched(before, after)
    example = latest((file.version, file.yanked) for file in before.files)
    shown = concerned[:SHOWN_RELEASES] or ((example,) if example else ())
    return Preview(
        decision,
        changes(before, after, shown),
        (project_status(before.standing), project_status(after.standing)),
        _banners(before, after, asked),
        sum(old != new for old, new in zip(before.files, after.files, strict=True)),
        max(0, len(concerned) - SHOWN_RELEASES),
        before != after or waits_until is not None,
        waits_until,
        tuple(version for version in concerned if _is_yanked(after, version) and not _is_yanked(before, version)),
    )


def _is_yanked(seen: Seen, version: str) -> bool:
    return all(file.yanked for file in seen.files if file.version == version)


def _judged(
    index: Index, actor: Actor, project: NormalizedName, asked: Asked, now: datetime
) -> tuple[Decision, datetime | None]:
    """Whether it may be done, and until when it would wait."""
    said = asked.said
    try:
        if asked.act in ("yank", "unyank"):
            foresee_yank(index, actor, asked.selection, asked.act == "yank", now, said.reason, said.code)
        elif asked.act in HOLDING:
            with index.store.read() as connection:
                transition.foresee(connection, actor, asked.act, project, now, asked.place, said)
        else:
            return allow(f"lifecycle.{asked.act}"), status.foresee(
                index, actor, asked.act, project, now, said
            ).waits_until
    except Refused as refused:
        if not asks_for_proof(refused.decision):
            raise
        return refused.decision, None
    return allow(f"lifecycle.{asked.act}"), None


def _after(before: Seen, asked: Asked, now: datetime) -> Seen:
    if asked.act == "yank":
        reason = printable_reason(asked.said.reason or "") or None
        return before.yanked(asked.selection.holds, reason, asked.said.code)
    if asked.act == "unyank":
        return before.unyanked(asked.selection.holds)
    said = lifecycle.meant(before.standing, asked.act, asked.place, asked.said)
    lifecycle.possible(before.name, before.standing, asked.act, asked.place, said).require()
    return replace(before, standing=lifecycle.after(before.standing, asked.act, said, now, asked.place))


def _banners(before: Seen, after: Seen, asked: Asked) -> tuple[Fact, ...]:
    """What the pages would say that they do not say yet."""
    if asked.act == "yank":
        level: Level = "file" if asked.selection.filename else "release"
        return (yank(level, asked.said.reason, asked.said.code),) if before != after else ()
    if asked.act in HOLDING:
        version, filename = asked.place.version, asked.place.filename
        if version and filename:
            return facts_of_file(after.standing, version, filename)
        return facts_of_release(after.standing, version) if version else facts(after.standing)
    known = facts(before.standing)
    return tuple(fact for fact in facts(after.standing) if fact not in known)


def carry_out(index: Index, by: Caller, project: NormalizedName, asked: Asked) -> datetime | None:
    """Do what is asked. `Refused` where it may not be done. When it happens, where it has to wait; else None."""
    said = asked.said
    if asked.act in ("yank", "unyank"):
        yanked = asked.act == "yank"
        set_yanked(index, by.actor, asked.selection, yanked, by.now, said.reason, said.code, by.origin)
    elif asked.act in HOLDING:
        hold(index, by, asked.act, project, asked.place, said)
    else:
        return status.set_status(index, by.actor, asked.act, project, by.now, said, by.origin).waits_until
    return None
