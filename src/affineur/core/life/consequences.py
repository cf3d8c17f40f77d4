"""Consequences: what `pip install x`, `x==1`, a lock file and an upload come to, before and after an act.

A model of what installers do with a page of the simple API, for owners who decide: it is held to real pip and uv by
the tests. It speaks of a client that every file fits; one that needs another Python or platform has fewer to choose
from. What does not live here: what a state means in general (`meaning`), and whether an act may be done (`access`,
`lifecycle`, `guards`).
Sources: PEP 592 (yanked files), PEP 440 (handling of pre-releases), PEP 792 (what a status lets through).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from packaging.version import Version

from ..names import NormalizedName
from ..versions import order_key
from ..views.simple import FileLink
from .standing import Standing, offers, permits

Verdict = Literal["works", "warns", "partly", "differs", "fails"]
"""How it ends: as wished, with a warning, only for some files, otherwise with each installer, or not at all."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A project as an act finds or leaves it: every file that was published, whether or not it is on offer."""

    name: NormalizedName
    standing: Standing
    files: Sequence[FileLink]

    @property
    def offered(self) -> list[FileLink]:
        """The files that its page lists."""
        return [file for file in self.files if offers(self.standing, file.version, file.filename)]

    def yanked(self, chosen: Callable[[FileLink], bool], reason: str | None, code: str | None) -> Seen:
        """The same after a yank of the files that are ``chosen``."""
        return self._marked(chosen, True, reason, code)

    def unyanked(self, chosen: Callable[[FileLink], bool]) -> Seen:
        """The same after a yank of the files that are ``chosen`` is taken back."""
        return self._marked(chosen, False, None, None)

    def _marked(self, chosen: Callable[[FileLink], bool], yanked: bool, reason: str | None, code: str | None) -> Seen:
        files = [
            replace(file, yanked=yanked, yanked_reason=reason, yanked_code=code) if chosen(file) else file
            for file in self.files
        ]
        return replace(self, files=files)


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody gets. ``version``: that which is installed, where one is; ``text``: a sentence."""

    verdict: Verdict
    text: str
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that somebody does with the project, and what it comes to before and after the act."""

    doing: str
    before: Answer
    after: Answer

    @property
    def is_one(self) -> bool:
        """Whether anything changes for whoever does it."""
        return self.before != self.after


def newest(seen: Seen) -> Answer:
    """What ``pip install x`` comes to, where nothing of it is installed yet.

    pip leaves pre-releases out while there is a final release, even if that is yanked, and chooses afterwards; uv
    chooses among what is not yanked. Only there do they differ.
    """
    listed = seen.offered
    if not listed:
        return _nothing(seen.name)
    by_pip = _best([file for file in _unless_finals(listed) if not file.yanked])
    by_uv = _best(_unless_finals([file for file in listed if not file.yanked]))
    if by_pip is None and by_uv is not None:
        return Answer(
            "differs",
            f"uv installs the pre-release {by_uv}; pip fails: “No matching distribution found for {seen.name}”.",
            by_uv,
        )
    if by_pip is None:
        return Answer("fails", f"Fails, as all is yanked: “No matching distribution found for {seen.name}”.")
    kind = "the pre-release " if order_key(by_pip).is_prerelease else ""
    return Answer("works", f"Installs {kind}{by_pip}.", by_pip)


def exactly(seen: Seen, version: str) -> Answer:
    """What ``pip install x==version`` comes to: a yanked file is taken where nothing else of it is left (PEP 592)."""
    wanted = order_key(version)
    found = [file for file in seen.offered if _equals(file, wanted)]
    if not found:
        return _nothing(f"{seen.name}=={version}")
    if not all(file.yanked for file in found):
        return Answer("works", f"Installs {version}.", version)
    reason = next((file.yanked_text for file in found if file.yanked_text), "")
    return Answer("warns", f"Installs {version}, and warns that it is yanked{_quoted(reason)}.", version)


def locked(seen: Seen, version: str) -> Answer:
    """What a lock file with digests comes to that names the files of a release: a yank only adds a warning."""
    wanted = order_key(version)
    named = [file for file in seen.files if _equals(file, wanted)]
    left = [file for file in named if offers(seen.standing, file.version, file.filename)]
    if not left:
        return Answer("fails", "Fails: the files that it names are not on offer.")
    if len(left) < len(named):
        return Answer("partly", f"Works where one of the {len(left)} files of {len(named)} fits that are left.")
    if all(file.yanked for file in left):
        return Answer("warns", "Works, with a warning: the same files, with the same digests.")
    return Answer("works", "Works: the same files, with the same digests.")


def publishing(seen: Seen) -> Answer:
    """What uploading a new release comes to."""
    return Answer("works", "Is taken.") if permits(seen.standing).upload else Answer("fails", "Is refused.")


def changes(before: Seen, after: Seen, versions: Sequence[str]) -> tuple[Change, ...]:
    """What an act changes for whoever installs or publishes: without a version, with each of ``versions``."""
    name = before.name
    told = [Change(f"pip install {name}", newest(before), newest(after))]
    for version in versions:
        told.append(Change(f"pip install {name}=={version}", exactly(before, version), exactly(after, version)))
        told.append(Change(f"A lock file with {name} {version}", locked(before, version), locked(after, version)))
    told.append(Change(f"Publishing to {name}", publishing(before), publishing(after)))
    return tuple(told)


def touched(before: Seen, after: Seen) -> tuple[str, ...]:
    """The releases of which something is otherwise afterwards, newest first."""
    pairs = zip(before.files, after.files, strict=True)
    kept = {each.filename for each in after.offered}
    was = {each.filename for each in before.offered}
    versions = {old.version for old, new in pairs if old != new or (old.filename in was) != (new.filename in kept)}
    return tuple(sorted(versions, key=lambda version: (order_key(version), version), reverse=True))


def _unless_finals(files: Sequence[FileLink]) -> Sequence[FileLink]:
    """The files of final releases; all of them where there are none (PEP 440)."""
    return [file for file in files if not order_key(file.version).is_prerelease] or files


def _best(files: Sequence[FileLink]) -> str | None:
    return max((file.version for file in files), key=order_key, default=None)


def _equals(file: FileLink, wanted: Version) -> bool:
    """Whether ``==wanted`` matches: a version without a local label also means those with one (PEP 440)."""
    found = order_key(file.version)
    return found == wanted or (wanted.local is None and Version(found.public) == wanted)


def _nothing(requirement: str) -> Answer:
    return Answer("fails", f"Fails: “No matching distribution found for {requirement}”.")


def _quoted(reason: str) -> str:
    return f": “{reason}”" if reason else ""
