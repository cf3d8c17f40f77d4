"""Rules about questions on download statistics."""

from __future__ import annotations

from affineur.core.views.statistics import LONGEST_EXPORT_DAYS
from affineur.core.views.top_list import MOST_ROWS

from .rule import Group, Rule

MOST_WAITING = 100
"""Questions of one sort that wait in a process for their turn."""

STATISTICS = (
    Group(
        "Statistics",
        "A question about downloads says what counts and which days, and is answered with both.",
        "A number whose filter and window nobody knows proves nothing.",
        (
            Rule(
                "statistics.question",
                "Days are written as 2026-01-31, the first no later than the last; what counts, and by what it is "
                "told apart, is one of the words that there are; a list has at most {most} rows.",
                "A question that is only guessed at is answered with a number that means something else.",
                numbers={"most": MOST_ROWS},
            ),
            Rule(
                "statistics.export",
                "The numbers of the whole index are given out for at most {days} days at once.",
                "Whoever wants more asks for one month after the other, and everybody else is answered meanwhile.",
                numbers={"days": LONGEST_EXPORT_DAYS},
            ),
            Rule(
                "statistics.busy",
                "Of questions about downloads and dependents each process of the index answers a few at a time, and of "
                "the numbers that are given out as files one; {most} more may wait.",
                "Each takes as much as many pages do, and uploads and pages are not to wait for them.",
                numbers={"most": MOST_WAITING},
            ),
            Rule(
                "statistics.away",
                "Statistics are told only while the place where they are kept can be reached.",
                "Zero would look like an answer.",
            ),
        ),
    ),
)
