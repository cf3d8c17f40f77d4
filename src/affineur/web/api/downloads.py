"""Downloads of a project: figures, rank, and a series, each with what counts and over which days.

Anybody may ask. A project that is not here any more keeps its statistics. What does not live here: the pypistats API,
which others have designed (`web.statistics.pypistats`).
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import msgspec

from affineur.core.decision import Refused, refuse
from affineur.core.downloads.figures import Dimension, Rank, Recent
from affineur.core.views.statistics import asked
from affineur.shell.index import Index
from affineur.shell.lake.port import LakeAway
from affineur.web.statistics.answering import away
from affineur.web.statistics.seen import Seen, seen

from .operation import Call, Input, Operation, Output

_VALUES = 50
"""Values of a dimension that are told one by one; the rest is summed up."""
CountWord = Literal["without-mirrors", "installs", "all"]


class WhichDownloads(Input):
    """Which downloads: what counts, of which days (the last `days`, or from one to another), told apart by what."""

    count: CountWord = "without-mirrors"
    by: Dimension | None = None
    version: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None
    days: Annotated[int, msgspec.Meta(ge=1, le=100_000)] | None = None
    first_day: date | None = None
    last_day: date | None = None


class DayTold(Output):
    """Downloads of a day, of one value of what they are told apart by; null: not known, or not told apart."""

    day: date
    value: str | None
    downloads: int


class DownloadsTold(Output):
    """Downloads of a project. Days are UTC, both ends included, and null where nothing was ever counted.

    ``filter`` is what counts, in words. ``total`` is of the days from ``first_day`` to ``last_day``; ``last_week`` and
    ``last_month`` are the 7 and 30 days that end with ``until``, the newest day that is over. ``rank`` is among the
    ``among`` projects with any download that counts in these days, ``percentile`` the percentage of them with fewer.
    Days without downloads are not in ``series``.
    """

    project: str
    filter: str
    first_day: date | None
    last_day: date | None
    total: int
    ever: int
    until: date | None
    last_whole_day: int
    last_week: int
    last_month: int
    rank: int | None
    among: int
    percentile: float | None
    by: Dimension | None
    series: list[DayTold]


def get_downloads(call: Call) -> DownloadsTold:
    """The downloads of the project of the path."""
    try:
        found = seen(call.index, call.path["project"])
        if found is None:
            refuse("project.exists", f"Nothing is known of a project {call.path['project']!r} here.")
        return _told(call.index, found, call.query)
    except LakeAway:
        raise Refused(away()) from None


def _told(index: Index, found: Seen, which: WhichDownloads) -> DownloadsTold:
    said = {"count": which.count, "by": which.by, "version": which.version, "days": which.days,
            "from": which.first_day, "to": which.last_day}  # fmt: skip
    question = asked({name: str(value) for name, value in said.items() if value is not None}, found.state)
    last = found.state.last_day
    if question is None or last is None:
        nothing = Recent(0, 0, 0)
        return _answer(found, which, "nothing was counted yet", nothing, Rank(0, None, 0, None))
    lake, where, window = index.lake, question.where, question.window
    answer = _answer(
        found,
        which,
        where.sentence,
        lake.recent(found.name, last, where),
        lake.rank(found.name, window, where),
    )
    answer.first_day, answer.last_day, answer.until = window.first, window.last, last
    answer.total = lake.total(found.name, window, where)
    answer.ever = lake.total(found.name, None, where)
    points = lake.series(found.name, window, where, question.by, _VALUES)
    answer.series = [DayTold(point.day, point.value, point.downloads) for point in points]
    return answer


def _answer(found: Seen, which: WhichDownloads, sentence: str, recent: Recent, rank: Rank) -> DownloadsTold:
    return DownloadsTold(
        project=found.name,
        filter=sentence,
        first_day=None,
        last_day=None,
        total=0,
        ever=0,
        until=None,
        last_whole_day=recent.last_day,
        last_week=recent.last_week,
        last_month=recent.last_month,
        rank=rank.rank,
        among=rank.among,
        percentile=rank.percentile,
        by=which.by,
        series=[],
    )


OPERATIONS = (
    Operation(
        method="GET",
        path="/projects/{project}/downloads",
        name="getDownloads",
        summary="The downloads of a project, also of one that is not here any more: what counts, figures, rank, days.",
        tag="downloads",
        handler=get_downloads,
        query=WhichDownloads,
        answer=DownloadsTold,
        public=True,
        asks_much=True,
    ),
)
