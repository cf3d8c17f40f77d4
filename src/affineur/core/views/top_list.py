"""The list of the most downloaded projects, in the form of top-pypi-packages, which many tools read.

Source: the files of that project: ``last_update`` (UTC), ``query``, and ``rows`` of ``project`` and
``download_count``. What does not live here: the questions (`shell.lake`) and the routes (`web.statistics.top`).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import timedelta

import orjson

from ..downloads.figures import Entry, Filter, Window

MOST_ROWS = 15_000
"""Rows of the list, unless fewer are asked for; as there."""


def top_document(entries: Sequence[Entry], window: Window | None, where: Filter, *, small: bool) -> bytes:
    """The list as JSON; ``small``: without spaces. ``window`` None: nothing was counted yet, and the list is empty.

    ``last_update`` is the end of the last day that counts.
    """
    said = {
        "last_update": f"{window.last + timedelta(days=1)} 00:00:00" if window else None,
        "query": {
            "filter": where.sentence,
            "first_day": str(window.first) if window else None,
            "last_day": str(window.last) if window else None,
        },
        "rows": [{"download_count": each.downloads, "project": each.project} for each in entries],
    }
    return orjson.dumps(said, option=0 if small else orjson.OPT_INDENT_2)


def top_csv(entries: Sequence[Entry]) -> bytes:
    """The list as CSV, with the columns ``download_count`` and ``project``."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    writer.writerow(("download_count", "project"))
    writer.writerows((each.downloads, each.project) for each in entries)
    return text.getvalue().encode()
