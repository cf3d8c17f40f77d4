"""Rules about the impact of a project: by what its class is judged, and when it moves."""

from __future__ import annotations

from datetime import timedelta

from affineur.core.downloads.figures import MONTH_DAYS
from affineur.core.impact.policy import Numbers
from affineur.core.impact.protections import NOTICE

from .rule import Group, Rule

_N = Numbers()
_DAYS = timedelta(days=1)
_WINDOW = ("impact_window_days", "network_cap")

IMPACT = (
    Group(
        "Impact",
        "How much would go wrong if a project went wrong or went away: C0 (unused) to C4 (critical). Judged by "
        "installs and by the projects that depend on it, never by what its owners do. `affineur impact explain` "
        "shows every number.",
        "What many rely on deserves care. A class brings protection, and puts nobody under a duty.",
        (
            Rule(
                "impact.low",
                "A project with fewer than {unused} installs ever, and no outside dependents, is C0; one with more is "
                "at least C1. An outside dependent has no owner in common with it, is some weeks old, is installed "
                "itself, requires it always, and does not require hundreds of others.",
                "Below that, a number says more about crawlers and tests than about use.",
                numbers={"unused": _N.unused_below},
                settings=("network_cap",),
            ),
            Rule(
                "impact.notable",
                "With {low} installs in {month}, or an outside dependent, a project is at least C2.",
                "Somebody relies on it who would notice.",
                numbers={"low": _N.low_below, "month": MONTH_DAYS * _DAYS},
                settings=("network_cap",),
            ),
            Rule(
                "impact.high",
                "With more than {dependents} outside dependents, or installs among the upper {percent} percent of all "
                "projects that have any, a project in use is C3.",
                "Many would notice, and most of them would not know why.",
                numbers={"dependents": _N.high_dependents, "percent": int(_N.high_percent)},
                settings=_WINDOW,
            ),
            Rule(
                "impact.critical-downloads",
                "Among the upper {impact_percent} percent by steady installs, and above {impact_floor}, a project is "
                "C4. Steady: the median of the days of the window, times the days; each network counts a limited "
                "number of times a day, and mirrors, automation, browsers and unknown programs do not.",
                "What is made in a burst, by one network or by one program, is no use by many.",
                settings=_WINDOW,
            ),
            Rule(
                "impact.critical-dependents",
                "Among the few by how many come to depend on it, and with at least {outside} outside dependents, a "
                "project is C4. The few: {per_mille} in a thousand.",
                "Much can rest on what nobody installs by name. Reach alone could be made by one project in between.",
                numbers={"outside": _N.reach_dependents, "per_mille": int(_N.reach_percent * 10)},
            ),
            Rule(
                "impact.jump",
                "Where installs grew more than {jump} times from one window to the next, a project is C2 at most until "
                "an operator has looked, or it has lasted for a window.",
                "A class must not be for sale to whoever rents enough machines for a month.",
                numbers={"jump": _N.jump},
                settings=_WINDOW,
            ),
            Rule(
                "impact.decay",
                "A class goes down when less was measured for {falls}; from C4 when for {leaves} it was outside "
                "{stays} times the share.",
                "What has become less important must not stay so for ever, nor change its class every month.",
                numbers={
                    "falls": _N.falls_after_days * _DAYS,
                    "leaves": _N.leaves_after_days * _DAYS,
                    "stays": _N.stays,
                },
            ),
            Rule(
                "impact.by-hand",
                "What an operator said by hand, no run changes, until the operator leaves it to the next one.",
                "Whoever knows more than the numbers is to be believed until they say otherwise.",
                ("Leave it to the next run: `affineur impact release NAME`.",),
            ),
            Rule(
                "impact.notice",
                "What a measured class delays for owners applies {notice} after it was given; what it protects, at "
                "once.",
                "Nobody is to be surprised by it in the middle of something.",
                numbers={"notice": NOTICE},
            ),
            Rule(
                "impact.run",
                "A run has a number, and is as it was recorded; a class at a date is that of the newest run before.",
                "What is explained is what was known then, not what is known now.",
                ("List the runs: `affineur impact runs`.",),
            ),
            Rule(
                "impact.statistics",
                "A run needs a day whose downloads are counted whole.",
                "Judged by nothing, every project would be unused.",
                ("Collect and roll up first: `affineur statistics collect`, `affineur statistics roll-up`.",),
            ),
        ),
    ),
)
