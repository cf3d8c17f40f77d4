"""Chores: the acts that fall due by themselves, and how often somebody looks. Not an act itself.

`projections.follow` does them in the background process; each is one function that says how much it did. What pauses
or ends with a moment is judged by that moment wherever it is asked for: a chore that comes late harms nobody.
"""

from __future__ import annotations

from affineur.projections import webhooks
from affineur.projections.follow import Chore

from .classify import classify_monthly
from .factors import remove_due
from .forget import forget_expired
from .ladder import notice_ladder
from .moderate import call_for_reviews
from .pending_publishers import settle_pending
from .publishers_only import settle_releases
from .recover import remind
from .settle_removal import settle_removals
from .sponsors import remind_of_sponsors
from .unarchive import settle_unarchivings

MINUTE = 60.0
HOUR = 60 * MINUTE

CHORES: tuple[Chore, ...] = (
    Chore("factors removed after their wait", MINUTE, remove_due),
    Chore("projects opened to tokens again", MINUTE, settle_releases),
    Chore("projects unarchived after their wait", MINUTE, settle_unarchivings),
    Chore("removals done that nobody objected to", 10 * MINUTE, settle_removals),
    Chore("called for reviews that are overdue", 10 * MINUTE, call_for_reviews),
    Chore("reminded of recoveries that wait", 10 * MINUTE, remind),
    Chore("pending publishers ended or reminded of", HOUR, settle_pending),
    Chore("given classes of impact", MINUTE, classify_monthly),
    Chore("told of a missing second factor", HOUR, notice_ladder),
    Chore("told of machines without sponsors", HOUR, remind_of_sponsors),
    Chore("forgotten what has expired", HOUR, forget_expired),
    Chore("forgotten of the logs of webhooks", HOUR, webhooks.forget),
)
"""Every chore there is."""
