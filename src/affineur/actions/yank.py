"""Yank and un-yank: files stay on offer, but resolvers pass over them unless they are pinned (PEP 592)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from affineur.core import lifecycle
from affineur.core.access import Actor, actor_class
from affineur.core.decision import refuse
from affineur.core.journal import Event
from affineur.core.lifecycle import WHOLE, Act, Said
from affineur.core.names import NormalizedName
from affineur.core.simple import FileLink
from affineur.core.standing import printable_reason
from affineur.projections import pages
from affineur.shell.index import Index
from affineur.shell.store import grants, journal, projects

from . import permission


@dataclass(frozen=True, slots=True)
class Selection:
    """Which files: all of the project, of one release (canonical version), or one by name."""

    project: NormalizedName
    version: str | None = None
    filename: str | None = None

    def holds(self, file: FileLink) -> bool:
        """Whether ``file`` is among them."""
        return (self.version is None or file.version == self.version) and (
            self.filename is None or file.filename == self.filename
        )

    def __str__(self) -> str:
        named = f"file '{self.filename}'" if self.filename else f"release {self.version}"
        return f"{named} of project '{self.project}'" if self.filename or self.version else f"project '{self.project}'"


def set_yanked(
    index: Index,
    actor: Actor,
    selection: Selection,
    yanked: bool,
    now: datetime,
    reason: str | None = None,
    code: str | None = None,
) -> tuple[str, ...]:
    """Yank (or un-yank) what ``selection`` holds as ``actor``; the names of the files that changed.

    ``code`` is a word of `core.lifecycle.YANK_CODES`. `Refused` where nothing is selected or the actor may not. What is
    so already is left alone.
    """
    said = printable_reason(reason or "") or None if yanked else None
    code = code if yanked else None
    act: Act = "yank" if yanked else "unyank"
    with index.store.write() as connection:
        found = permission.require(connection, actor, "yank", selection.project, now)
        lifecycle.possible(selection.project, found.standing, act, WHOLE, Said(code=code)).require()
        selected = [file for file in projects.file_links(connection, found.id) if selection.holds(file)]
        if not selected:
            refuse("yank.selection", f"There are no files in {selection}.", "Check version and file name.")
        changing = sorted(
            (file for file in selected if (file.yanked, file.yanked_reason, file.yanked_code) != (yanked, said, code)),
            key=lambda file: file.filename,
        )
        if changing:
            projects.set_yanked(connection, found.id, [file.filename for file in changing], yanked, said, code)
            told = [_event(selection.project, file, yanked, said, code, actor) for file in changing]
            projects.touch(connection, found.id, journal.append(connection, now, told, actor.name or None), now)
            grants.note_act(connection, found.id, actor.account_id, now)
    pages.project(index, selection.project)
    return tuple(file.filename for file in changing)


def _event(
    project: NormalizedName, file: FileLink, yanked: bool, reason: str | None, code: str | None, actor: Actor
) -> Event:
    return Event(
        "FileYanked" if yanked else "FileUnyanked",
        project,
        file.version,
        file.filename,
        file.sha256,
        old={"yanked": file.yanked, "yanked_reason": file.yanked_reason},
        new={"yanked": yanked, "yanked_reason": reason},
        rule="yank",
        reason=reason,
        actor_class=actor_class(actor),
        reason_code=code,
    )
