"""The status of every project in one table: one row a project, for distributions and researchers.

The columns are said once, in `COLUMNS`: rows, the Parquet file and the documentation are held to it.
What does not live here: reading the rows (`shell.store.statuses`), and writing the files (`projections.statuses`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import orjson

from ..life.extension import public
from ..life.standing import Hold, Standing, permits, project_status, statuses
from ..names import NormalizedName

Kind = Literal["text", "truth", "number", "moment", "texts", "replacements", "holds", "yanks"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, the kind of its values, and what they mean."""

    name: str
    kind: Kind
    means: str


@dataclass(frozen=True, slots=True)
class YankedRelease:
    """A release that has no file left that is not yanked; reason and code are those of one of its files."""

    version: str
    reason: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What the table tells of a project. ``serial`` and ``changed_at`` are of its newest journal entry."""

    name: NormalizedName
    created_at: datetime
    serial: int
    changed_at: datetime
    standing: Standing
    yanked_releases: tuple[YankedRelease, ...] = ()
    yanked_files: int = 0


COLUMNS = (
    Column("name", "text", "Normalised name. Rows are sorted by it, byte by byte."),
    Column("status", "text", "The one status of PEP 792: `active`, `archived`, `deprecated` or `quarantined`."),
    Column("reason", "text", "Why, in one printable line, as pages of the simple API give it."),
    Column("statuses", "texts", "Every fact worth a word, the strongest first; `active` alone where there is none."),
    Column("offered", "truth", "Whether files of the project are on offer at all."),
    Column("accepts_files", "truth", "Whether its state lets new files be published."),
    Column("maintenance", "text", "`active`, `finished` or `archived`."),
    Column("maintenance_reason", "text", "Why, as its owners said."),
    Column("maintenance_since", "moment", "Since when; null: since it was first published."),
    Column("advice", "text", "`none` or `deprecated`."),
    Column("advice_reason", "text", "Why, as its owners said."),
    Column("advice_since", "moment", "Since when."),
    Column("replacements", "replacements", "What to use instead: `name`, and `specifier` (PEP 440, may be empty)."),
    Column("custody", "text", "`owned`, `unreachable`, `orphaned` or `custodial`."),
    Column("custody_since", "moment", "Since when."),
    Column("custody_epoch", "number", "How many times it has come into new hands, counted from 1."),
    Column("wish", "text", "What its owners wish for it: `none`, `help`, `handoff`, `adopt` or `no-transfer`."),
    Column("safety", "text", "`clear`, `quarantined` or `condemned`: of the project as a whole."),
    Column("availability", "text", "`available`, `withheld`, `withdrawing`, `withdrawn` or `removed`: of the whole."),
    Column("availability_reason", "text", "Why, as its owners said."),
    Column("availability_since", "moment", "Since when."),
    Column("withdraws_at", "moment", "When what is being withdrawn is withdrawn."),
    Column("holds", "holds", "What is held, each as below; of the project, of releases and of files."),
    Column("yanked_releases", "yanks", "Releases of which every file is yanked: `version`, `reason`, `code`."),
    Column("yanked_files", "number", "How many of its files are yanked, in those releases and in others."),
    Column("impact", "text", "Class of impact, `C0` to `C4`; null: not measured."),
    Column("impact_since", "moment", "Since when."),
    Column("impact_basis", "text", "What it was judged by."),
    Column("generation", "number", "How many times the name was given away, counted from 1."),
    Column("created_at", "moment", "When the project was first published."),
    Column("serial", "number", "Serial of the newest journal entry about it."),
    Column("changed_at", "moment", "The moment of that entry."),
    Column("origin", "text", "Which index says so: as in the `_index` member of its pages."),
)  # fmt: skip
"""Every column, in order. New ones are added at the end; none changes its meaning."""

FIELDS: dict[Kind, tuple[str, ...]] = {
    "replacements": ("name", "specifier"),
    "holds": ("state", "origin", "level", "version", "filename", "code", "reason", "case", "since"),
    "yanks": ("version", "reason", "code"),
}
"""The fields of what is in a list; all are text, but for ``since``, which is a moment."""


def row(known: Known, origin: str, *, impact: bool = True) -> dict[str, object]:
    """The values of `COLUMNS` for a project. Moments are UTC, in whole seconds, as ``2026-01-01T12:00:00Z``.

    ``impact``: whether everybody may see its class.
    """
    standing = public(known.standing, impact=impact)
    told, allowed = project_status(standing), permits(standing)
    return {
        "name": known.name,
        "status": told.status,
        "reason": told.reason,
        "statuses": statuses(standing),
        "offered": allowed.offer,
        "accepts_files": allowed.upload,
        "maintenance": standing.maintenance,
        "maintenance_reason": standing.maintenance_reason,
        "maintenance_since": _moment(standing.maintenance_since),
        "advice": standing.advice,
        "advice_reason": standing.advice_reason,
        "advice_since": _moment(standing.advice_since),
        "replacements": [{"name": one.name, "specifier": one.specifier} for one in standing.replacements],
        "custody": standing.custody,
        "custody_since": _moment(standing.custody_since),
        "custody_epoch": standing.custody_epoch,
        "wish": standing.wish,
        "safety": standing.safety,
        "availability": "withheld" if standing.withheld else standing.availability,
        "availability_reason": standing.availability_reason,
        "availability_since": _moment(standing.availability_since),
        "withdraws_at": _moment(standing.withdraws_at),
        "holds": [_hold(hold) for hold in standing.holds],
        "yanked_releases": [
            {"version": one.version, "reason": one.reason, "code": one.code} for one in known.yanked_releases
        ],
        "yanked_files": known.yanked_files,
        "impact": standing.impact,
        "impact_since": _moment(standing.impact_since),
        "impact_basis": standing.impact_basis,
        "generation": standing.generation,
        "created_at": _moment(known.created_at),
        "serial": known.serial,
        "changed_at": _moment(known.changed_at),
        "origin": origin,
    }


def lines(every: Iterable[Known], origin: str, *, impact: bool = True) -> Iterator[bytes]:
    """Each project as one line of JSON, in the order given. Control characters are escaped, so a line is one row."""
    return (orjson.dumps(row(known, origin, impact=impact), option=orjson.OPT_APPEND_NEWLINE) for known in every)


def _hold(hold: Hold) -> dict[str, object]:
    return {
        "state": hold.kind,
        "origin": hold.origin,
        "level": hold.level,
        "version": hold.version,
        "filename": hold.filename,
        "code": hold.code,
        "reason": hold.reason,
        "case": hold.case,
        "since": _moment(hold.since),
    }


def _moment(moment: datetime | None) -> str | None:
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='seconds')}Z" if moment else None
