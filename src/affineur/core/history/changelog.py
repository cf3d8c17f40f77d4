"""The journal in the words of the XML-RPC changelog, for mirrors that were written for it.

Such a mirror fetches a project again whenever a serial of it is new, whatever the text says; some also act on the
text, and delete on ``remove …``. So only what does not come back is told as a removal; a hold under review never
is. What does not live here: the calls (`web.xmlrpc`), the journal itself (`journal`).
Sources: the documentation of the XML-RPC methods of the Python Package Index, and the texts its changelog has had.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from .chronicle_words import words
from .journal import Entry, Event

MAXIMUM_ENTRIES = 50_000
"""Of one answer, as mirrors know it: whoever gets so many asks again after the last."""

_TEXTS: Mapping[str, str] = MappingProxyType(
    {
        "ProjectCreated": "create",
        "ReleaseCreated": "new release",
        "FilePublished": "add {python} file {filename}",
        # What was held or withheld comes back: mirrors that dropped the file take it as new.
        "FileCleared": "add {python} file {filename}",
        "FileRestored": "add {python} file {filename}",
        # A yank is told for each file here; the changelog knows yanks of releases only.
        "FileYanked": "yank release",
        "FileUnyanked": "unyank release",
        "ReleaseYanked": "yank release",
        "ReleaseUnyanked": "unyank release",
        "FileCondemned": "remove file {filename}",
        "ReleaseCondemned": "remove release",
        "ProjectCondemned": "remove project",
        "ProjectYanked": "yank release",
        "ProjectUnyanked": "unyank release",
        "FileRemoved": "remove file {filename}",
        "ReleaseQuarantined": "release quarantined",
        "ReleaseCleared": "release quarantine cleared",
        "ReleaseRemoved": "remove release",
        "ProjectQuarantined": "project quarantined",
        "ProjectCleared": "project quarantine cleared",
        "ProjectRemoved": "remove project",
    }
)

Change = tuple[str, str | None, int, str, int]
"""``(project, version, seconds since 1970, action, serial)``, as `changelog_since_serial` tells it."""


def action(event: Event) -> str:
    """The text of an event: the known one where there is one, else its name in words (``project archived``)."""
    text = _TEXTS.get(event.event)
    if text is None:
        return words(event.event)
    return text.format(python=_python(event.filename), filename=event.filename)


def change(entry: Entry) -> Change:
    """An entry as a line of the changelog. It names no person: where others put one, nothing stands here."""
    event = entry.event
    return event.project, event.version, int(entry.at.timestamp()), action(event), entry.serial


def _python(filename: str | None) -> str:
    """A wheel's Python tag; ``source`` for everything else."""
    if filename is None or not filename.lower().endswith(".whl"):
        return "source"
    return filename.rsplit("-", 3)[-3] if filename.count("-") >= 3 else "any"
