"""Looking into files, for moderators: what lies in one, the text of a member, what a release changed.

What does not live here: how files are read and compared (`actions.examine`). The command `affineur examine` says the
same in the same words.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec

from affineur.actions import examine as examining
from affineur.actions.examine import Compared, Examined, Member
from affineur.core.distributions.archive_listing import Contents, Entry, Kind
from affineur.core.moderation.comparison import Change, ChangedMember
from affineur.core.moderation.comparison_signals import Signal, State
from affineur.core.moderation.comparison_text import decoded, unified
from affineur.core.names import parse_name
from affineur.core.versions import MAXIMUM_LENGTH
from affineur.core.views.simple import FileLink

from .operation import Call, Input, Operation, Output

MEMBERS = 5_000
"""Members that one answer lists; of more it says how many are left out."""

PLACES = 200
"""Places that a fact names."""

Release = Annotated[str, msgspec.Meta(min_length=1, max_length=MAXIMUM_LENGTH)]
FileName = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class WhichFile(Input):
    """Which file: unless told, the telling one of the newest release."""

    version: Annotated[Release, msgspec.Meta(description="The release that is looked at.")] | None = None
    file: Annotated[FileName, msgspec.Meta(description="The file that is looked at.")] | None = None


class WhichMember(Input):
    """Which member of which file."""

    file: Annotated[FileName, msgspec.Meta(description="The name of the file.")]
    path: Annotated[str, msgspec.Meta(min_length=1, max_length=1024, description="As the listing has it.")]


class WhichFiles(Input):
    """Which releases are compared: unless told, the newest with the one before."""

    version: Annotated[Release, msgspec.Meta(description="The release that is looked at.")] | None = None
    against: (
        Annotated[Release, msgspec.Meta(description="The release it is compared with; `earlier`: the one before.")]
        | None
    ) = None
    file: (
        Annotated[FileName, msgspec.Meta(description="The file that is looked at; unless told, the telling one.")]
        | None
    ) = None


class ExaminedFile(Output):
    """A file of the project."""

    filename: str
    version: str
    size_bytes: int
    sha256: str
    uploaded_at: datetime
    yanked: bool


class ListedMember(Output):
    """A member. ``name`` is its path without what changes with each version; ``format`` is what machines take it for;
    ``traits`` are what a reader of its text could miss."""

    path: str
    name: str
    size_bytes: int
    sha256: str | None
    kind: Kind
    format: str | None
    link: str | None
    traits: list[str]


class Noticed(Output):
    """A fact about the file, and whether an earlier file had it too (`here`: there is none to compare with).

    ``places`` are the first 200 members, or lines of them, that it is about.
    """

    code: str
    says: str
    state: State
    places: list[str]


class Listed(Output):
    """What lies in a file. ``fault`` says why this is not all of it."""

    project: str
    file: ExaminedFile
    unpacked_bytes: int
    members: list[ListedMember]
    left_out: int
    fault: str | None
    signals: list[Noticed]


class MemberText(Output):
    """The text of a member: what is no UTF-8 is written as ``\\xff``. ``shown_bytes``: so much of it is here."""

    path: str
    size_bytes: int
    shown_bytes: int
    kind: Kind
    text: str


class MemberChange(Output):
    """A member that is not as it was. ``diff`` is a unified diff, in which what cannot be seen is written out."""

    change: Change
    name: str
    old_path: str | None
    new_path: str | None
    old_size_bytes: int | None
    new_size_bytes: int | None
    added_lines: int | None
    removed_lines: int | None
    diff: str | None


class FieldChange(Output):
    """A field of core metadata that is not as it was."""

    field: str
    removed: list[str]
    added: list[str]


class ComparedFiles(Output):
    """A file against that of another release. ``old`` is null where ``against`` has no file like it."""

    project: str
    new: ExaminedFile
    old: ExaminedFile | None
    against: str | None
    signals: list[Noticed]
    metadata: list[FieldChange]
    members: list[MemberChange]
    left_out: int
    unchanged: int
    faults: list[str]


def list_file(call: Call) -> Listed:
    """What lies in a file."""
    asked: WhichFile = call.query
    project = parse_name(call.path["project"])
    return listed(examining.examine(call.index, call.caller, project, asked.version, asked.file))


def member_text(call: Call) -> MemberText:
    """The text of a member."""
    asked: WhichMember = call.query
    project = parse_name(call.path["project"])
    return text_of(examining.read_member(call.index, call.caller, project, asked.file, asked.path))


def compare_releases(call: Call) -> ComparedFiles:
    """What a release changed."""
    asked: WhichFiles = call.query
    project = parse_name(call.path["project"])
    found = examining.compare_files(call.index, call.caller, project, asked.version, asked.against, asked.file)
    return compared(found)


# -- as it is told to programs


def listed(found: Examined) -> Listed:
    """What lies in a file, as the API tells it."""
    entries = found.contents.entries
    return Listed(
        project=found.project.name,
        file=_file(found.file),
        unpacked_bytes=found.contents.unpacked_bytes,
        members=[_member(entry) for entry in entries[:MEMBERS]],
        left_out=max(0, len(entries) - MEMBERS),
        fault=found.contents.fault.sentence if found.contents.fault else None,
        signals=_signals(found.signals),
    )


def text_of(found: Member) -> MemberText:
    """A member, as the API tells it."""
    return MemberText(
        path=storable(found.entry.path),
        size_bytes=found.entry.size_bytes,
        shown_bytes=len(found.data),
        kind=found.entry.kind,
        text=decoded(found.data),
    )


def compared(found: Compared) -> ComparedFiles:
    """A comparison, as the API tells it."""
    comparison = found.comparison
    return ComparedFiles(
        project=found.project.name,
        new=_file(found.pair.new),
        old=_file(found.pair.old) if found.pair.old else None,
        against=found.pair.against or None,
        signals=_signals(comparison.signals),
        metadata=[
            FieldChange(field=each.field, removed=list(each.removed), added=list(each.added))
            for each in comparison.metadata
        ],
        members=[_change(member) for member in comparison.members[:MEMBERS]],
        left_out=max(0, len(comparison.members) - MEMBERS),
        unchanged=comparison.unchanged,
        faults=[_fault(each) for each in (comparison.old, comparison.new) if each and each.fault],
    )


def storable(text: str) -> str:
    """A name from an archive as JSON can carry it: halves of characters are written out."""
    return text.encode("utf-8", "backslashreplace").decode()


def _fault(contents: Contents) -> str:
    return f"{contents.filename}: {contents.fault.sentence if contents.fault else ''}"


def _file(file: FileLink) -> ExaminedFile:
    return ExaminedFile(
        filename=file.filename,
        version=file.version,
        size_bytes=file.size_bytes,
        sha256=file.sha256,
        uploaded_at=file.uploaded_at,
        yanked=file.yanked,
    )


def _member(entry: Entry) -> ListedMember:
    return ListedMember(
        path=storable(entry.path),
        name=storable(entry.name),
        size_bytes=entry.size_bytes,
        sha256=entry.sha256 or None,
        kind=entry.kind,
        format=entry.format or None,
        link=storable(entry.link) or None,
        traits=list(entry.traits),
    )


def _signals(signals: Sequence[Signal]) -> list[Noticed]:
    return [
        Noticed(code=each.code, says=each.says, state=each.state, places=list(each.places[:PLACES])) for each in signals
    ]


def _change(member: ChangedMember) -> MemberChange:
    diff = member.diff
    return MemberChange(
        change=member.change,
        name=storable(member.name),
        old_path=storable(member.old.path) if member.old else None,
        new_path=storable(member.new.path) if member.new else None,
        old_size_bytes=member.old.size_bytes if member.old else None,
        new_size_bytes=member.new.size_bytes if member.new else None,
        added_lines=diff.added if diff else None,
        removed_lines=diff.removed if diff else None,
        diff=unified(diff) if diff else None,
    )


OPERATIONS = (
    Operation(
        method="GET", path="/projects/{project}/contents", name="listContents", tag="moderation",
        summary="What lies in a file, on offer or held: its members, and what is worth noticing.",
        handler=list_file, query=WhichFile, answer=Listed, needs="moderate",
    ),
    Operation(
        method="GET", path="/projects/{project}/contents/member", name="readMember",
        tag="moderation", summary="The text of a member of a file, at most 2 MiB of it.",
        handler=member_text, query=WhichMember, answer=MemberText, needs="moderate",
    ),
    Operation(
        method="GET", path="/projects/{project}/comparison", name="compareReleases", tag="moderation",
        summary="What a file has that the one like it of an earlier release had not.",
        handler=compare_releases, query=WhichFiles, answer=ComparedFiles, needs="moderate",
    ),
)  # fmt: skip
