"""Rules about questions on download statistics."""

from __future__ import annotations

from affineur.core.views.statistics import LONGEST_EXPORT_DAYS
from affineur.core.views.top_list import MOST_ROWS

from .rule import Group, Rule

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
                "A process of the index writes out the numbers of the whole index for one at a time.",
                "Each takes as much as many pages do.",
            ),
            Rule(
                "statistics.away",
                "Statistics are told only while the place where they are kept can be reached.",
                "Zero would look like an answer.",
            ),
        ),
    ),
)
