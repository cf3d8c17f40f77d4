"""What the journal's events mean, in sentences for people: for feeds, the history of a project, and the command line.

Nothing is escaped here: whoever puts a sentence into a page or a feed does that. What does not live here: the form
for programs (`chronicle`), and the texts that old mirrors read (`changelog`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from .journal import ActorClass, Event, Hint

EVENTS: Mapping[str, str] = MappingProxyType(
    {
        "ProjectCreated": "The project was created.",
        "ReleaseCreated": "Release {version} was created.",
        "FilePublished": "File {filename} was published.",
        "FileYanked": "File {filename} was yanked{why}",
        "FileUnyanked": "The yank of file {filename} was taken back.",
        "FileQuarantined": "File {filename} was taken off offer while it is looked into{why}",
        "FileCleared": "File {filename} is on offer again{why}",
        "FileCondemned": "File {filename} was found harmful, and does not come back{why}",
        "FileWithheld": "File {filename} was taken off offer{why}",
        "FileRestored": "File {filename} is on offer again{why}",
        "FileRemoved": "File {filename} was removed{why}",
        "ReleaseYanked": "Release {version} was yanked{why}",
        "ReleaseUnyanked": "The yank of release {version} was taken back.",
        "ReleaseQuarantined": "Release {version} was taken off offer while it is looked into{why}",
        "ReleaseCleared": "Release {version} is on offer again{why}",
        "ReleaseCondemned": "Release {version} was found harmful, and does not come back{why}",
        "ReleaseWithheld": "Release {version} was taken off offer{why}",
        "ReleaseRestored": "Release {version} is on offer again{why}",
        "ReleaseRemoved": "Release {version} was removed{why}",
        "ProjectArchived": "The project was archived: it stays on offer and gets no new releases{why}",
        "ProjectUnarchived": "The archiving was taken back: the project gets releases again.",
        "ProjectDeprecated": "The project was deprecated: use {instead}{why}",
        "ProjectUndeprecated": "The deprecation was taken back.",
        "ProjectFinished": "The project was called finished: it gets fixes only{why}",
        "ProjectResumed": "The project is no longer called finished.",
        "ProjectWished": "What its owners wish for the project is now: {wish}.",
        "ProjectQuarantined": "The project was taken off offer while it is looked into{why}",
        "ProjectCleared": "The quarantine was lifted: the project is on offer again{why}",
        "ProjectCondemned": "The project was found harmful, and does not come back{why}",
        "ProjectWithheld": "The project was taken off offer{why}",
        "ProjectRestored": "The project is on offer again{why}",
        "ProjectReclassified": "How much depends on the project was measured anew: it is of class {impact}.",
        "ProjectYanked": "All files of the project were yanked{why}",
        "ProjectUnyanked": "The yank of all files of the project was taken back.",
        "ProjectRemoved": "The project was removed{why}",
        "RoleGranted": "{role_granted}",
        "RoleRevoked": "Somebody's role of {old_role} ended.",
        "PublisherAdded": "A trusted publisher ({kind}) was added.",
        "PublisherRemoved": "A trusted publisher ({kind}) was removed.",
        "PublishersRequired": "From now on only trusted publishers upload here.",
        "PublishersReleased": "Tokens may upload here again.",
        "LimitsChanged": "The project's limits were changed.",
    }
)
"""Every event, and its sentence. ``{why}`` is the reason with what stands before it, or a full stop."""

ACTORS: Mapping[ActorClass, str] = MappingProxyType(
    {
        "owner": "an owner",
        "moderator": "a moderator",
        "operator": "an operator of the index",
        "publisher": "a trusted publisher",
        "automation": "an automation account",
        "system": "the index itself",
        "import": "an import",
        "upstream": "the index that this one follows",
    }
)
"""Who acted, in words."""

HINTS: Mapping[Hint, str] = MappingProxyType(
    {
        "refresh": "Fetch the page again.",
        "hide": "Stop offering it at once, and keep it.",
        "restore": "Offer it again.",
        "purge": "Delete it.",
    }
)
"""What a mirror should do, in words."""

_WORD = re.compile(r"[A-Z][a-z]*")


def sentence(event: Event) -> str:
    """What happened, as a sentence that a reader understands; names and reasons are as they were given."""
    told = EVENTS.get(event.event)
    if told is None:  # from an index that is newer than this program
        return f"{_subject(event)}: {words(event.event)}{_why(event)}"
    return told.format_map(
        {
            "version": event.version,
            "filename": event.filename,
            "why": _why(event),
            "kind": event.new.get("kind") or event.old.get("kind") or "of an unknown kind",
            "impact": event.new.get("impact") or "unknown",
            "instead": _instead(event),
            "wish": event.new.get("wish") or "none",
            "old_role": event.old.get("role") or "member",
            "role_granted": _role_granted(event),
        }
    )


def title(event: Event) -> str:
    """What happened, in a few words behind the name: ``brie 1.2: file yanked``."""
    return f"{event.project}{f' {event.version}' if event.version else ''}: {words(event.event)}"


def words(name: str) -> str:
    """The name of an event as words: ``FileYanked`` is ``file yanked``."""
    return " ".join(_WORD.findall(name)).lower()


def _instead(event: Event) -> str:
    """The replacements that are named, each ``[name, specifier]``; an event from elsewhere may hold anything there."""
    named = event.new.get("replacements")
    pairs = [each for each in named if isinstance(each, list) and each] if isinstance(named, list) else []
    return " and ".join(" ".join(str(part) for part in pair if part) for pair in pairs) or "something else"


def _role_granted(event: Event) -> str:
    before, after = event.old.get("role"), event.new.get("role") or "member"
    if before:
        return f"Somebody's role was changed from {before} to {after}."
    return f"Somebody was given the role of {after}."


def _why(event: Event) -> str:
    """``: [code] reason``, and a full stop where there is neither or the reason has none."""
    code = f"[{event.reason_code}]" if event.reason_code else ""
    reason = event.reason or ""
    said = reason if not code or reason.startswith(code) else f"{code} {reason}".strip()
    if not said:
        return "."
    return f": {said}" if said[-1] in ".!?…" else f": {said}."


def _subject(event: Event) -> str:
    if event.filename:
        return f"File {event.filename}"
    return f"Release {event.version}" if event.version else "The project"
