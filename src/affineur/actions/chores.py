"""Chores: the acts that fall due by themselves, and how often somebody looks. Not an act itself.

`projections.follow` does them in the background process; each is one function that says how much it did.
"""

from __future__ import annotations

from affineur.projections.follow import Chore

from . import forget

MINUTE = 60.0
HOUR = 60 * MINUTE

CHORES: tuple[Chore, ...] = (Chore("forgotten what has expired", HOUR, forget.forget_expired),)
"""Every chore there is. What takes things away from people looks often: nobody should wait long for a right."""
