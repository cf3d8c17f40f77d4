"""What happened at an index that keeps no journal, told from what its pages say now and said before.

The same events as an index of ours would write. What was said before is folded from the events themselves (`seen`),
so the journal alone is the memory: after a crash nothing is told twice, and nothing is left out.
What does not live here: reading pages (`shell.upstream.simple_page`), and giving serials (`journal`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ..decision import refuse
from ..life.standing import STATUS_PERMITS, ProjectStatus, Status
from .journal import Event, Hint


@dataclass(frozen=True, slots=True)
class SeenFile:
    """A file as a page tells of it."""

    version: str
    sha256: str
    yanked: bool = False
    yanked_reason: str | None = None


@dataclass(slots=True)
class Seen:
    """A project as its events so far tell of it. ``burnt`` are the digests of files that went away."""

    exists: bool = False
    files: dict[str, SeenFile] = field(default_factory=dict)
    burnt: dict[str, str] = field(default_factory=dict)
    status: ProjectStatus = field(default_factory=lambda: ProjectStatus("active"))


_INTO: Mapping[Status, str] = {
    "archived": "ProjectArchived",
    "deprecated": "ProjectDeprecated",
    "quarantined": "ProjectQuarantined",
}
_OUT_OF: Mapping[Status, str] = {
    "archived": "ProjectUnarchived",
    "deprecated": "ProjectUndeprecated",
    "quarantined": "ProjectCleared",
}


def seen(events: Iterable[Event]) -> Seen:
    """What the events about one project, oldest first, add up to."""
    found = Seen()
    for event in events:
        found.exists = event.event != "ProjectRemoved"
        if event.filename is not None and event.version is not None and event.sha256 is not None:
            if event.event == "FileRemoved":
                found.files.pop(event.filename, None)
                found.burnt[event.filename] = event.sha256
            else:
                reason = event.new.get("yanked_reason")
                yanked = bool(event.new.get("yanked", False))
                said = str(reason) if reason else None
                found.files[event.filename] = SeenFile(event.version, event.sha256, yanked, said)
        elif "status" in event.new:
            found.status = ProjectStatus(event.new["status"], event.reason)  # type: ignore[arg-type]
    return found


def differences(project: str, before: Seen, files: Mapping[str, SeenFile] | None, status: ProjectStatus) -> list[Event]:
    """What happened since ``before``, stop orders first; ``files`` None: the project is gone.

    A project on hold lists no files, which says nothing of them. `Refused` (``follow.digest``) where a file name
    has another digest than it had.
    """
    if files is None:
        return [*_removed(project, before), _event("ProjectRemoved", project, hint="purge")] if before.exists else []
    told = [] if before.exists else [_event("ProjectCreated", project)]
    told += _status(project, before.status, status)
    if STATUS_PERMITS[status.status].offer:
        _require_same(project, before, files)
        kept = {name: file for name, file in before.files.items() if name not in files}
        told += _removed(project, Seen(files=kept))
        told += _published(project, before, files)
    return sorted(told, key=lambda event: event.hint not in ("hide", "purge"))


def _require_same(project: str, before: Seen, files: Mapping[str, SeenFile]) -> None:
    for name, file in files.items():
        known = before.files[name].sha256 if name in before.files else before.burnt.get(name, file.sha256)
        if known != file.sha256:
            refuse(
                "follow.digest",
                f"The page of {project} gives {name} the digest {file.sha256}; it was {known} before.",
                "Nothing after it was taken over. Ask whoever runs the origin; `affineur follow --again` goes on "
                "once it is mended.",
            )


def _removed(project: str, before: Seen) -> Iterator[Event]:
    for name, file in sorted(before.files.items()):
        yield _event("FileRemoved", project, name, file, hint="purge")


def _published(project: str, before: Seen, files: Mapping[str, SeenFile]) -> Iterator[Event]:
    for name, file in sorted(files.items()):
        known = before.files.get(name)
        if known == file:
            continue
        facts = {"yanked": file.yanked, "yanked_reason": file.yanked_reason}
        if known is None:
            yield _event("FilePublished", project, name, file, new=facts)
        else:
            old = {"yanked": known.yanked, "yanked_reason": known.yanked_reason}
            event = "FileYanked" if file.yanked else "FileUnyanked"
            yield _event(event, project, name, file, old=old, new=facts, reason=file.yanked_reason)


def _status(project: str, before: ProjectStatus, now: ProjectStatus) -> Iterator[Event]:
    if before == now:
        return
    old: dict[str, object] = {"status": before.status}
    left = before.status != now.status and before.status in _OUT_OF
    was_held, is_held = (not STATUS_PERMITS[each.status].offer for each in (before, now))
    if left and (now.status == "active" or was_held):
        hint: Hint = "restore" if was_held else "refresh"
        yield _event(_OUT_OF[before.status], project, old=old, new={"status": "active"}, hint=hint)
        old = {"status": "active"}
    if now.status != "active":
        hint = "hide" if is_held else "refresh"
        new: dict[str, object] = {"status": now.status}
        yield _event(_INTO[now.status], project, old=old, new=new, reason=now.reason, hint=hint)


def _event(
    event: str,
    project: str,
    filename: str | None = None,
    file: SeenFile | None = None,
    *,
    old: Mapping[str, object] | None = None,
    new: Mapping[str, object] | None = None,
    reason: str | None = None,
    hint: Hint = "refresh",
) -> Event:
    return Event(
        event,
        project,
        file.version if file else None,
        filename,
        file.sha256 if file else None,
        old=old or {},
        new=new or {},
        rule="follow",
        reason=reason,
        actor_class="upstream",
        hint=hint,
    )
