"""devpi as an upstream: what `devpi-server --export` wrote, or an index (a *stage*) of a running server.

Only what was published to the stage itself is taken, not what it inherits from other stages or mirrors.
What does not live here: HTTP (`fetching`), pages (`simple_page`), copying of files (`folder`).
Sources: the layout of `dataindex.json` and of the JSON answers as devpi-server 6.20 writes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from affineur.core.decision import Refused, refuse
from affineur.core.distributions.acceptance import quoted
from affineur.core.names import NormalizedName, parse_name

from .fetching import PATIENT, Fetcher, Gone, Patience
from .folder import copy
from .offers import OfferedFile, OfferedProject, Received
from .receiving import checkable
from .simple_page import ACCEPTED, read_project

INDEX_FILE = "dataindex.json"
_MAXIMUM_INDEX_BYTES = 2 * 1024**3
_DUMP_VERSIONS = ("1", "2")


class _File(msgspec.Struct):
    type: str
    projectname: str
    relpath: str
    entrymapping: dict[str, Any] = {}
    log: list[dict[str, Any]] = []


class _Stage(msgspec.Struct):
    indexconfig: dict[str, Any] = {}
    projects: dict[str, dict[str, dict[str, Any]]] = {}
    files: list[_File] = []


class _Export(msgspec.Struct):
    dumpversion: str
    indexes: dict[str, _Stage]


class DevpiExport:
    """One stage of an export in the folder ``root``. See `offers.Source`.

    ``stage`` is ``user/index``; it may be left out where only one stage has files.
    """

    def __init__(self, root: Path, stage: str | None = None) -> None:
        """`Refused` with ``devpi.export`` or ``devpi.stage``."""
        self._root = root.resolve()
        export = _read_export(root / INDEX_FILE)
        self.stage = _choose(export, stage)
        self._projects: dict[NormalizedName, list[OfferedFile]] = {}
        self._left_out: list[tuple[str, str]] = []
        for file in export.indexes[self.stage].files:
            self._place(file)

    def names(self) -> Sequence[NormalizedName]:
        """See `Source.names`."""
        return sorted(self._projects)

    def project(self, name: NormalizedName) -> OfferedProject | None:
        """See `Source.project`."""
        files = self._projects.get(name)
        return None if files is None else OfferedProject(name, files)

    def digests(self, file: OfferedFile) -> Mapping[str, str]:
        """See `Source.digests`."""
        return file.digests

    def fetch(self, file: OfferedFile, target: Path) -> Received:
        """See `Source.fetch`."""
        return copy(file, target)

    def left_out(self) -> Iterable[tuple[str, str]]:
        """See `Source.left_out`: documentation and results of tests, mostly."""
        return self._left_out

    def stop(self) -> None:
        """See `Source.stop`: nothing here waits."""

    def close(self) -> None:
        """See `Source.close`."""

    def _place(self, file: _File) -> None:
        if file.type != "releasefile":
            kind = {"doczip": "documentation", "toxresult": "a result of tests"}.get(file.type, quoted(file.type))
            self._left_out.append((file.relpath, f"This is {kind}; only distributions are taken."))
            return
        path = (self._root / file.relpath).resolve()
        if not path.is_relative_to(self._root):
            self._left_out.append((file.relpath, "Its path leads out of the export."))
            return
        try:
            name = parse_name(file.projectname)
        except Refused as refused:
            self._left_out.append((file.relpath, refused.decision.reason))
            return
        self._projects.setdefault(name, []).append(
            OfferedFile(path.name, str(path), _digests(file.entrymapping), None, _uploaded_at(file))
        )


class DevpiServer:
    """The stage of a running devpi server at ``url`` (``https://host/user/index``). See `offers.Source`."""

    def __init__(self, url: str, token: str | None = None, patience: Patience = PATIENT) -> None:
        # People copy the address that pip is given, too.
        bare = url.rstrip("/").removesuffix("/+simple")
        self._fetcher = Fetcher(bare + "/", token, patience)
        self._base = self._fetcher.url

    def names(self) -> Sequence[NormalizedName]:
        """See `Source.names`. `Refused` (``devpi.stage``) where the address is no stage."""
        try:
            page = self._fetcher.page(self._base, "application/json")
            answer = msgspec.json.decode(page.body, type=_StageAnswer)
        except (Gone, msgspec.DecodeError):
            refuse(
                "devpi.stage",
                f"There is no devpi index at {quoted(self._base, 200)}.",
                "Give the address of the index itself: https://host/user/index",
            )
        if answer.result.type == "mirror":
            refuse(
                "devpi.stage",
                f"{quoted(self._base, 200)} only mirrors another index.",
                "Import from that one: `affineur import index URL`.",
            )
        names: dict[NormalizedName, None] = {}
        for text in answer.result.projects:
            with suppress(Refused):
                names[parse_name(text)] = None
        return list(names)

    def project(self, name: NormalizedName) -> OfferedProject | None:
        """See `Source.project`."""
        try:
            found = read_project(self._fetcher.page(f"{self._base}+simple/{name}/", ACCEPTED), name)
        except Gone:
            return None
        own = urlsplit(self._base).path
        # What the stage inherits has the path of the stage it came from.
        files = [file for file in found.files if urlsplit(file.place).path.startswith(own)]
        return replace(found, files=files)

    def digests(self, file: OfferedFile) -> Mapping[str, str]:
        """See `Source.digests`."""
        return file.digests

    def fetch(self, file: OfferedFile, target: Path) -> Received:
        """See `Source.fetch`."""
        return self._fetcher.file(file, target)

    def left_out(self) -> Iterable[tuple[str, str]]:
        """See `Source.left_out`: a running server does not list what else it keeps."""
        return ()

    def stop(self) -> None:
        """See `Source.stop`."""
        self._fetcher.stop()

    def close(self) -> None:
        """See `Source.close`."""
        self._fetcher.close()


class _StageConfig(msgspec.Struct):
    type: str = "stage"
    projects: list[str] = []


class _StageAnswer(msgspec.Struct):
    result: _StageConfig


def _read_export(path: Path) -> _Export:
    try:
        if path.stat().st_size > _MAXIMUM_INDEX_BYTES:
            refuse("devpi.export", f"{quoted(str(path), 200)} is too large to be the index of an export.")
        export = msgspec.json.decode(path.read_bytes(), type=_Export)
    except FileNotFoundError:
        refuse(
            "devpi.export",
            f"There is no {quoted(str(path), 200)}: this is no devpi export.",
            "`devpi-export FOLDER` writes one.",
        )
    except msgspec.DecodeError as error:
        refuse("devpi.export", f"{quoted(str(path), 200)} cannot be read: {quoted(str(error), 200)}.")
    if export.dumpversion not in _DUMP_VERSIONS:
        refuse(
            "devpi.export",
            f"The export is of version {quoted(export.dumpversion)}; known are {' and '.join(_DUMP_VERSIONS)}.",
            "Use a newer version of this program.",
        )
    return export


def _choose(export: _Export, stage: str | None) -> str:
    filled = [name for name, found in export.indexes.items() if found.files]
    if stage is not None and stage.strip("/") not in export.indexes:
        refuse("devpi.stage", f"The export has no index {quoted(stage)}.", f"It has: {_listed(export.indexes)}.")
    if stage is None and not filled:
        refuse("devpi.stage", "No index of the export has files.", f"It has: {_listed(export.indexes)}.")
    if stage is None and len(filled) > 1:
        refuse("devpi.stage", "Several indexes of the export have files.", f"Choose with --stage: {_listed(filled)}.")
    return filled[0] if stage is None else stage.strip("/")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(quoted(name) for name in names) or "none"


def _digests(entry: dict[str, Any]) -> dict[str, str]:
    """Three spellings, oldest last: ``hashes``, ``hash_spec`` (``sha256=…``), ``md5``."""
    found = {str(key): str(value) for key, value in (entry.get("hashes") or {}).items()}
    algorithm, _, value = str(entry.get("hash_spec") or "").partition("=")
    if value:
        found.setdefault(algorithm, value)
    if entry.get("md5"):
        found.setdefault("md5", str(entry["md5"]))
    return {name: found[name] for name in checkable(found)}


def _uploaded_at(file: _File) -> datetime | None:
    """When the file was last uploaded: six numbers in UTC, as devpi's log has them."""
    for entry in reversed(file.log):
        if entry.get("what") == "upload":
            with suppress(TypeError, ValueError):
                year, month, day, hour, minute, second = entry["when"]
                return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    return None
