"""The register of rules: every rule by the id that refusals name, with its reason, its numbers and its history.

Pages (``/help/rules``), the command ``affineur rule`` and ``docs/POLICY.md`` are made of it; a test holds the ids
against those in the source. What does not live here: the decisions themselves, and the sentences they answer with.
"""

from __future__ import annotations

from .access import ACCESS
from .account import ACCOUNT
from .api import API
from .archives import ARCHIVES
from .cases import CASES
from .company import COMPANY
from .dependents import DEPENDENTS
from .examining import EXAMINING
from .following import FOLLOWING
from .forms import FORMS
from .identity import IDENTITY
from .impact import IMPACT
from .journal import JOURNAL
from .life import LIFE
from .machines import MACHINES
from .pace import PACE
from .publishers import PUBLISHERS
from .publishing import PUBLISHING
from .reports import REPORTS
from .roles import ROLES
from .rule import FIRST, NOTICE, Change, Group, Rule
from .statistics import STATISTICS
from .upstream import UPSTREAM
from .vouchers import VOUCHERS
from .webhooks import WEBHOOKS

__all__ = ["FIRST", "GROUPS", "NOTICE", "RULES", "Change", "Group", "Rule"]

GROUPS: tuple[Group, ...] = tuple(
    group.complete()
    for group in (
        *PUBLISHING,
        *LIFE,
        *IMPACT,
        *VOUCHERS,
        *REPORTS,
        *CASES,
        *EXAMINING,
        *JOURNAL,
        *DEPENDENTS,
        *STATISTICS,
        *FORMS,
        *ARCHIVES,
        *UPSTREAM,
        *FOLLOWING,
        *ACCESS,
        *IDENTITY,
        *COMPANY,
        *PACE,
        *ACCOUNT,
        *ROLES,
        *PUBLISHERS,
        *MACHINES,
        *WEBHOOKS,
        *API,
    )
)

RULES: dict[str, Rule] = {rule.id: rule for group in GROUPS for rule in group.rules}
