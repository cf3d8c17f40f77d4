"""The table of all statuses: every column is filled, and says what the project's own page says."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import orjson
import pytest

from affineur.core.life.extension import member
from affineur.core.life.standing import Hold, Replacement, Standing, project_status
from affineur.core.names import NormalizedName
from affineur.core.views.bulk_statuses import COLUMNS, FIELDS, Kind, Known, YankedRelease, lines, row

NOW = datetime(2026, 3, 4, 5, 6, 7, 890, tzinfo=UTC)
ORIGIN = "urn:uuid:1"
HOSTILE = "a\"\n\r\x00\x1b[31m\u2028\u202e=cmd|'!A0 \U0001f9c0, \\"
HELD = Hold("quarantined", "ours", "1.0", "x.whl", "malware", HOSTILE, "2026-7", NOW)
FULL = Standing(
    "archived", "tired", NOW, "deprecated", "old", NOW, (Replacement("feta", ">=2"),), "orphaned", NOW, 2, "adopt",
    "withdrawing", "soon", NOW, NOW, "C3", NOW, "downloads", 2, (HELD, Hold("withheld", since=NOW)),
)  # fmt: skip


def known(standing: Standing = FULL) -> Known:
    return Known(NormalizedName("brie"), NOW, 7, NOW, standing, (YankedRelease("0.9", HOSTILE, "broken"),), 3)


def test_a_row_has_exactly_the_columns_in_their_order() -> None:
    assert list(row(known(), ORIGIN)) == [column.name for column in COLUMNS]


def test_lists_have_exactly_the_fields_that_are_said() -> None:
    told = row(known(), ORIGIN)
    for column in COLUMNS:
        if column.kind in FIELDS:
            assert all(tuple(one) == FIELDS[column.kind] for one in told[column.name]), column.name  # type: ignore[attr-defined]
    assert {column.kind for column in COLUMNS} == set(get_args(Kind))


TYPES = {"text": str, "truth": bool, "number": int, "moment": str, "texts": list}


@pytest.mark.parametrize("standing", [FULL, Standing()])
def test_values_are_of_the_kind_their_column_says(standing: Standing) -> None:
    told = row(known(standing), ORIGIN)
    for column in COLUMNS:
        assert told[column.name] is None or isinstance(told[column.name], TYPES.get(column.kind, list)), column.name
        if column.kind == "moment" and told[column.name] is not None:
            assert datetime.fromisoformat(str(told[column.name])) == NOW.replace(microsecond=0)


@pytest.mark.parametrize(
    "standing", [FULL, Standing(), replace(FULL, holds=()), Standing(holds=(Hold("condemned", since=NOW),))]
)
def test_a_row_says_what_the_page_of_the_project_says(standing: Standing) -> None:
    told, page = row(known(standing), ORIGIN), member(standing, NormalizedName("brie"), NOW, ORIGIN)
    status = project_status(standing)
    assert (told["status"], told["reason"], told["origin"]) == (status.status, status.reason, page["origin"])
    assert told["statuses"] == page["statuses"]
    for name in ("maintenance", "advice", "custody", "safety", "availability"):
        assert told[name] == page[name]["state"], name  # type: ignore[index]
    assert told["replacements"] == page["advice"]["replacements"]  # type: ignore[index]
    held = [{name: one.get(name) for name in FIELDS["holds"]} for one in page["safety"]["holds"]]  # type: ignore[index]
    assert told["holds"] == held


def test_no_fact_of_a_standing_is_left_out() -> None:
    """A change of any field changes the row."""
    before = row(known(Standing()), ORIGIN)
    for field in fields(Standing):
        changed = replace(Standing(), **{field.name: getattr(FULL, field.name)})
        assert row(known(changed), ORIGIN) != before, field.name


def test_a_line_is_one_row_whatever_its_texts_are() -> None:
    written = b"".join(lines([known(), known(Standing())], ORIGIN))
    assert written.count(b"\n") == 2
    assert b"\x1b" not in written
    assert b"\x00" not in written
    first = orjson.loads(written.splitlines()[0])
    assert first["holds"][0]["reason"] == first["yanked_releases"][0]["reason"] == HOSTILE


KINDS = {
    "text": "text", "truth": "true or false", "number": "whole number", "moment": "moment", "texts": "list of texts",
}  # fmt: skip


def test_the_documentation_has_every_column_and_every_field_of_a_hold() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "statuses.md").read_text()
    told = [line for line in page.split("## Columns")[1].split("## ")[0].splitlines() if line.startswith("| `")]
    assert told == [f"| `{each.name}` | {KINDS.get(each.kind, 'list')} | {each.means} |" for each in COLUMNS]
    about_holds = page.split("## A hold")[1].split("## ")[0]
    assert all(f"`{name}`" in about_holds for name in FIELDS["holds"])
