"""What a class of impact was judged by, in one coded word; whatever is none of these words was said by hand.

What does not live here: how a class is judged (`policy`), and what it changes (`protections`).
"""

from __future__ import annotations

import re

EVER = "downloads-ever"
"""By all installs there ever were."""
MONTH = "downloads-30d"
"""By the installs of the last 30 days."""
DEPENDENTS = "dependents"
"""By the projects that require it."""
BY_HAND = "by-hand"
"""An operator said so, without a word of why."""
TO_MEASURE = "to-measure"
"""An operator said so once, and leaves it to the next run."""

_WINDOW = re.compile(r"downloads-([1-9][0-9]{0,3})d")


def downloads(window_days: int) -> str:
    """By the installs of so many days."""
    return f"downloads-{window_days}d"


def is_measured(basis: str | None) -> bool:
    """Whether the next run may move a class of that basis; what an operator said by hand, no run touches."""
    return basis is not None and (basis in (EVER, DEPENDENTS, TO_MEASURE) or _WINDOW.fullmatch(basis) is not None)


def words(basis: str | None) -> str:
    """The basis for people; a text of an operator's own stays as it is."""
    if basis is None or basis == BY_HAND:
        return "said by an operator"
    if basis == TO_MEASURE:
        return "said by an operator, to be measured at the next run"
    if basis == EVER:
        return "measured by all installs there ever were"
    if basis == DEPENDENTS:
        return "measured by the projects that require it"
    window = _WINDOW.fullmatch(basis)
    return f"measured by the installs of {window[1]} days" if window else basis
