"""A project's standing as stored: its own columns, and the holds in force.

What does not live here: what follows from a standing (`core.life.standing`), and the cases behind holds (`cases`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from affineur.core.life.lifecycle import dimension_of
from affineur.core.life.standing import Hold, Replacement, Standing, permits

from .schema import hold, project

_COLUMNS = tuple(field.name for field in fields(Standing) if field.name != "holds")
STANDING = tuple(project.c[name] for name in _COLUMNS)
"""The columns of a project that make its standing, as `standing` takes them."""
HOLD = (
    hold.c.kind, hold.c.origin, hold.c.version, hold.c.filename, hold.c.code, hold.c.reason, hold.c.case_number,
    hold.c.placed_at,
)  # fmt: skip
"""The columns of a hold, as `standing` takes them; the last is never NULL where there is one."""
IN_FORCE = sa.and_(hold.c.project_id == project.c.id, hold.c.lifted_at.is_(None))
_REPLACEMENTS = _COLUMNS.index("replacements")
_SLOT = ("version", "filename", "origin")


@dataclass(frozen=True, slots=True)
class Placing:
    """Who changes holds, and when: what is kept of it beside the hold itself."""

    at: datetime
    account_id: int | None
    actor_class: str
    case_id: int | None = None


def standing(about: Sequence[Any], held: Iterable[Sequence[Any]]) -> Standing:
    """The standing that the values of `STANDING` and those of each hold's `HOLD` make."""
    replacements = about[_REPLACEMENTS]
    instead = () if replacements == "[]" else tuple(Replacement(*one) for one in orjson.loads(replacements))
    return Standing(*(*about[:_REPLACEMENTS], instead, *about[_REPLACEMENTS + 1 :], tuple(Hold(*one) for one in held)))


def keep(connection: sa.Connection, project_id: int, before: Standing, then: Standing, placing: Placing) -> None:
    """Write what is different between two standings of a project, and whether it is on offer now."""
    changed: dict[str, object] = {
        name: getattr(then, name) for name in _COLUMNS if getattr(before, name) != getattr(then, name)
    }
    if "replacements" in changed:
        changed["replacements"] = orjson.dumps([[one.name, one.specifier] for one in then.replacements]).decode()
    if permits(before).offer != permits(then).offer:
        changed["offered"] = permits(then).offer
    if changed:
        connection.execute(project.update().where(project.c.id == project_id).values(changed))
    gone = [one for one in before.holds if one not in then.holds]
    for one in then.holds:
        if one not in before.holds:
            changes = next((was for was in gone if _same_slot(was, one)), None)
            if changes is None:
                connection.execute(hold.insert().values(_new(project_id, one, placing)))
            else:
                gone.remove(changes)
                if placing.actor_class != "owner":
                    _take_over(connection, project_id, changes, placing)
                _change(connection, project_id, changes, _values(one) | {"case_id": placing.case_id})
    for one in gone:
        _change(connection, project_id, one, {"lifted_at": placing.at, "lifted_by": placing.account_id})


def _new(project_id: int, one: Hold, placing: Placing) -> Mapping[str, object]:
    return {
        "project_id": project_id,
        **_values(one),
        "case_id": placing.case_id,
        "placed_at": one.since,
        "placed_by": placing.account_id,
        "placed_as": placing.actor_class,
    }


def _values(one: Hold) -> dict[str, object]:
    return {
        "kind": one.kind,
        "origin": one.origin,
        "version": one.version,
        "filename": one.filename,
        "code": one.code,
        "reason": one.reason,
        "case_number": one.case,
    }


def _same_slot(one: Hold, other: Hold) -> bool:
    alike = all(getattr(one, name) == getattr(other, name) for name in _SLOT)
    return alike and dimension_of(one.kind) == dimension_of(other.kind)


def _take_over(connection: sa.Connection, project_id: int, one: Hold, placing: Placing) -> None:
    """What owners placed and somebody else makes their own is not the owners' to lift any more."""
    query = hold.update().where(*_in_force(project_id, one), hold.c.placed_as == "owner")
    connection.execute(query.values(placed_by=placing.account_id, placed_as=placing.actor_class))


def _change(connection: sa.Connection, project_id: int, one: Hold, values: Mapping[str, object]) -> None:
    """Change the row of a hold in force."""
    connection.execute(hold.update().where(*_in_force(project_id, one)).values(values))


def _in_force(project_id: int, one: Hold) -> Sequence[sa.ColumnElement[bool]]:
    """Which row that is."""
    same = (hold.c[name].is_not_distinct_from(getattr(one, name)) for name in (*_SLOT, "kind"))
    return [hold.c.project_id == project_id, hold.c.lifted_at.is_(None), *same]


def placed_as(connection: sa.Connection, project_id: int, one: Hold) -> str | None:
    """The class of who placed a hold that is in force, as the journal has it."""
    return connection.scalar(sa.select(hold.c.placed_as).where(*_in_force(project_id, one)))


def withheld_by_owners(connection: sa.Connection, project_id: int, since: datetime) -> int:
    """How often owners withheld something of a project since then, lifted or not."""
    query = sa.select(sa.func.count()).where(
        hold.c.project_id == project_id,
        hold.c.kind == "withheld",
        hold.c.placed_as == "owner",
        hold.c.placed_at >= since,
    )
    return connection.scalar(query) or 0
