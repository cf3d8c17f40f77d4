"""A folder of distributions, of any depth: what pypiserver serves, or `dist/` folders put together.

What does not live here: a devpi export, which is a folder, too, but knows more (`devpi`).
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from affineur.core.decision import Refused, refuse
from affineur.core.distributions.acceptance import quoted
from affineur.core.distributions.filenames import parse_filename_leniently
from affineur.core.names import NormalizedName

from .offers import OfferedFile, OfferedProject, Received
from .receiving import receive

_PIECE_BYTES = 1024 * 1024
_PAGE = re.compile(r"index\.(html|v1_html|v1_json)(\.gz)?")


class Folder:
    """The distributions below ``root``. See `offers.Source`.

    A file's time of change counts as the time of its upload. Hidden files and folders are passed over, as
    pypiserver does; and so are the pages and metadata files of an exported site, which are made from the
    distributions beside them. Where one file name occurs twice, the first one by path counts.
    """

    def __init__(self, root: Path) -> None:
        """`Refused` (``upstream.folder``) where there is no such folder."""
        if not root.is_dir():
            refuse("upstream.folder", f"There is no folder {quoted(str(root), 200)}.")
        self._projects: dict[NormalizedName, dict[str, OfferedFile]] = {}
        self._left_out: list[tuple[str, str]] = []
        for path in _walk(root):
            self._place(path, str(path.relative_to(root)))

    def names(self) -> Sequence[NormalizedName]:
        """See `Source.names`."""
        return sorted(self._projects)

    def project(self, name: NormalizedName) -> OfferedProject | None:
        """See `Source.project`."""
        files = self._projects.get(name)
        return None if files is None else OfferedProject(name, tuple(files.values()))

    def digests(self, file: OfferedFile) -> Mapping[str, str]:
        """See `Source.digests`: the file is at hand, so it is read."""
        with open(file.place, "rb") as stream:
            return {"sha256": hashlib.file_digest(stream, "sha256").hexdigest()}

    def fetch(self, file: OfferedFile, target: Path) -> Received:
        """See `Source.fetch`."""
        return copy(file, target)

    def left_out(self) -> Iterable[tuple[str, str]]:
        """See `Source.left_out`."""
        return self._left_out

    def stop(self) -> None:
        """See `Source.stop`: nothing here waits."""

    def close(self) -> None:
        """See `Source.close`."""

    def _place(self, path: Path, shown: str) -> None:
        try:
            name = parse_filename_leniently(path.name).name
        except Refused as refused:
            self._left_out.append((shown, refused.decision.reason))
            return
        stat = path.stat()
        moment = datetime.fromtimestamp(stat.st_mtime, UTC)
        files = self._projects.setdefault(name, {})
        if path.name in files:
            self._left_out.append(
                (shown, f"There is another {quoted(path.name)} at {quoted(files[path.name].place, 200)}.")
            )
            return
        files[path.name] = OfferedFile(path.name, str(path), size_bytes=stat.st_size, uploaded_at=moment)


def copy(file: OfferedFile, target: Path) -> Received:
    """Copy the file at ``file.place``. `Refused` as `receive` says, and ``upstream.gone``."""
    try:
        stream = open(file.place, "rb", buffering=0)  # noqa: SIM115 (closed below; what fails there is another matter)
    except (FileNotFoundError, PermissionError) as error:
        refuse("upstream.gone", f"{quoted(file.place, 200)} cannot be read: {error.strerror}.")
    with stream:
        return receive(iter(lambda: stream.read(_PIECE_BYTES), b""), file, target)


def _walk(root: Path) -> Iterator[Path]:
    """Every plain file below ``root`` in order of path; hidden ones and links that lead nowhere are not among them."""
    for folder, inner, names in os.walk(root):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        for name in sorted(names):
            path = Path(folder) / name
            if not name.startswith(".") and not _is_derived(path) and path.is_file():
                yield path


def _is_derived(path: Path) -> bool:
    """Whether a simple index made it from distributions: a page, or the metadata of the file beside it (PEP 658)."""
    return _PAGE.fullmatch(path.name) is not None or (path.suffix == ".metadata" and path.with_suffix("").is_file())
