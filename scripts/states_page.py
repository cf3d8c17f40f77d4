"""The reference page of states and acts, written from the tables that decide: `lifecycle`, `standing`, `permissions`.

What does not live here: the other generated pages (`generate-reference`, which calls this one).
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any, get_args

from affineur.core.life.guards import GUARDS
from affineur.core.life.lifecycle import HOLD_CODES, TRANSITIONS, YANK_CODES, Act, Transition
from affineur.core.life.standing import PERMITS, Hold, Impact, ProjectStatus, Replacement, Standing, project_status
from affineur.core.moderation import cases, corroboration, reporters
from affineur.core.moderation.appeals import AT_MOST
from affineur.core.people.throttle import Limit
from affineur.core.permissions import ACTIONS
from affineur.core.rules import RULES
from affineur.settings import Settings

_PROOFS = {"none": "", "proof": "fresh", "strong": "fresh, strong"}
_SUBJECTS = {
    "maintenance": "What its owners still do for it.",
    "advice": "Whether its owners advise against it, and what to use instead.",
    "wish": "What its owners wish for it. `wish` leads from each value to each other one.",
    "impact": "How much would go wrong if it went wrong. `reclassify` leads from each value to each class.",
    "safety": "Holds for its safety. Each place (project, release, file) and each origin has a hold of its own.",
    "availability": "Holds for other reasons: a secret, personal data, the law. Each place has one of its own.",
    "yank": "Marks on files, those of a release or a project as one.",
}
_FACTS: tuple[tuple[str, Standing], ...] = (
    ("condemned", Standing(holds=(Hold("condemned", code="malware", case="2026-0042"),))),
    ("quarantined", Standing(holds=(Hold("quarantined", reason="It was reported", case="2026-0042"),))),
    ("withheld", Standing(holds=(Hold("withheld", code="legal", case="2026-0043"),))),
    ("removed", Standing(availability="removed")),
    ("withdrawn", Standing(availability="withdrawn")),
    ("orphaned", Standing(custody="orphaned")),
    ("archived", Standing(maintenance="archived")),
    ("withdrawing", Standing(availability="withdrawing", withdraws_at=datetime(2027, 3, 1, tzinfo=UTC))),
    ("deprecated", Standing(advice="deprecated", replacements=(Replacement("feta", ">=2"),))),
    ("none of these", Standing()),
)
"""Every fact that has a status of its own, the strongest first."""


def states_page(generated: str) -> str:
    """The page as Markdown, below the line ``generated``."""
    parts = [
        generated,
        "# States, acts, and what they permit\n",
        "A project's state has several dimensions; an act moves one of them and leaves the others alone. What follows "
        "are the tables that the program itself goes by. [States of a project](../explanation/states.md) explains "
        "them, [Permissions](permissions.md) says more of who may what.\n",
        "The diagrams leave out edges that lead back to where they begin: a new reason for the same state.\n",
        "An act that has no edge from where things stand is refused by `lifecycle.transition` (409), with the acts "
        "that have one. One that changes nothing is no error, and is not written down.\n",
        "## What is permitted\n",
        "What *every* fact permits. Nothing else decides about new files and offers.\n",
        _table(("dimension", "value", "new files", "on offer"), _permitted()),
        "## What is told\n",
        "PEP 792 has one status. It is that of the strongest fact; the strongest comes first here. The reason is one "
        "line: a code in brackets, and a text.\n",
        _table(("fact", "status", "reason, for example"), _told()),
    ]
    for dimension, acts in groupby(TRANSITIONS.items(), key=lambda item: item[1].dimension):
        parts += _dimension(dimension, dict(acts))
    return "\n".join(
        (
            *parts,
            "## Reason codes\n",
            f"Of a yank: {_codes(YANK_CODES)}. Of a hold: {_codes(HOLD_CODES)}.\n",
            "## Moderators' numbers\n",
            "[Why](../POLICY.md) stands with each rule.\n",
            _table(("what", "number"), _numbers()),
        )
    )


def _dimension(dimension: str, acts: dict[Act, Transition]) -> Iterator[str]:
    yield f"## {dimension.capitalize()}\n"
    yield f"{_SUBJECTS[dimension]}\n"
    edges = list(dict.fromkeys(edge for act, each in acts.items() for edge in _edges(act, each)))
    if edges:
        yield "```mermaid\nstateDiagram-v2\n    direction LR\n" + "\n".join(edges) + "\n```\n"
    yield _table(("act", "from", "to", "of", "who", "proof", "guards"), (_row(*item) for item in acts.items()))
    told = ((f"`{act}`", each.means, _events(each), f"`{each.hint}`", _kept(each)) for act, each in acts.items())
    yield _table(("act", "what it means", "event", "hint", "keeps"), told)


def _edges(act: Act, transition: Transition) -> Iterator[str]:
    for source in transition.sources:
        if transition.target not in (None, source):
            yield f"    {source} --> {transition.target} : {act}"


def _row(act: Act, transition: Transition) -> tuple[str, ...]:
    need = ACTIONS[transition.action]
    who = [*sorted(need.roles, reverse=True), *sorted(need.offices, reverse=True)]
    return (
        f"`{act}`",
        ", ".join(transition.sources),
        transition.target or "any",
        ", ".join(transition.levels),
        ", ".join(who),
        _PROOFS[need.strength],
        " ".join(f"`{rule}`: {_asked(rule, transition)}" for rule in _rules_of(act)),
    )


def _asked(rule: str, transition: Transition) -> str:
    """What the rule asks for beside the act's own meaning, which stands in the next table."""
    return RULES[rule].said(Settings()).removeprefix(transition.means).strip()


def _rules_of(act: Act) -> list[str]:
    """The rules that the guard of an act can refuse by, read off its code and that of what it calls."""
    found: dict[str, None] = {}
    waiting: list[Callable[..., Any]] = [GUARDS[act]] if act in GUARDS else []
    while waiting:
        function = waiting.pop(0)
        found |= dict.fromkeys(re.findall(r'deny\(\s*"([a-z.-]+)"', inspect.getsource(function)))
        named = [function.__globals__.get(name) or getattr(cases, name, None) for name in function.__code__.co_names]
        waiting += [each for each in named if inspect.isfunction(each) and each.__module__.startswith("affineur")]
        waiting = [each for each in waiting if each.__name__ not in ("deny", "allow")]
    return list(found)


def _events(transition: Transition) -> str:
    if transition.dimension == "yank":  # told file by file, whatever was named
        return f"`{transition.event_on('file')}`"
    return ", ".join(f"`{transition.event_on(level)}`" for level in transition.levels)


def _kept(transition: Transition) -> str:
    order = ("reason", "code", "replacements", "value", "basis", "case", "origin")
    return ", ".join(name for name in order if name in transition.takes)


def _permitted() -> Iterator[tuple[str, ...]]:
    for dimension, values in PERMITS.items():
        for value, each in values.items():
            yield dimension, value, "yes" if each.upload else "no", "yes" if each.offer else "no"


def _told() -> Iterator[tuple[str, ...]]:
    """A row for each fact; fails where the order shown is not the order that the program goes by."""
    for number, (word, standing) in enumerate(_FACTS):
        status = project_status(standing)
        for _, weaker in _FACTS[number + 1 :]:
            both = project_status(_both(standing, weaker))
            assert _coded(both) == _coded(status), f"'{word}' is not the stronger one"
        yield word, f"`{status.status}`", f"`{status.reason}`" if status.reason else ""


def _coded(status: ProjectStatus) -> tuple[str, str]:
    return status.status, (status.reason or "").partition("]")[0]


def _both(stronger: Standing, weaker: Standing) -> Standing:
    """Both facts at once; where one dimension can have only one of them, the stronger."""
    usual, holds = Standing(), stronger.holds + weaker.holds
    changed = {
        name: getattr(stronger, name)
        for name in ("maintenance", "advice", "replacements", "custody", "availability", "withdraws_at")
        if getattr(stronger, name) != getattr(usual, name)
    }
    return replace(weaker, **changed, holds=holds)


def _numbers() -> Iterator[tuple[str, str]]:
    for kind, due in cases.DUE.items():
        yield f"A report of *{kind}* is looked at within", _time(due)
    yield "An automatic hold is looked at within", _time(cases.HOLD_REVIEW)
    yield "…on a release of a widely used project (C3, C4, or not measured)", _time(cases.HOLD_REVIEW_WIDELY_USED)
    yield (
        "A second moderator looks at the hold of a whole C4 project, and at its end, within",
        _time(cases.SECOND_REVIEW),
    )
    yield "A moderator's hold is looked at again after", _time(cases.HELD_REVIEW)
    yield "What is withheld is looked at again after", _time(cases.WITHHELD_REVIEW)
    yield "An appeal is answered within", _time(cases.APPEAL_REVIEW)
    yield "Appeals of one person in one case, at most", str(AT_MOST)
    yield (
        "Classes of which one moderator condemns alone",
        ", ".join(each for each in get_args(Impact) if not cases.needs_second("condemn", each)),
    )
    yield "Independent reports for an automatic hold, one of them trusted", str(corroboration.QUORUM)
    yield "One trusted report is enough for a project younger than", _time(corroboration.NEW_PROJECT)
    yield "Of a widely used project, only releases are held that are younger than", _time(corroboration.NEW_RELEASE)
    yield "Automatic holds on the whole index, at most", f"{corroboration.BREAKER_PER_HOUR} an hour"
    yield "Reports of one account, at most", _limits(reporters.REPORTS)
    yield "…of a trusted one", _limits(reporters.REPORTS_TRUSTED)
    yield "Trust ends below this share of right reports", f"{reporters.TRUSTED_PRECISION:.0%}"
    yield "…once so many are decided", str(reporters.TRUSTED_DECIDED)


def _time(length: timedelta) -> str:
    hours = length // timedelta(hours=1)
    return "1 hour" if hours == 1 else f"{hours} hours" if hours <= 24 else f"{hours // 24} days"


def _limits(limits: tuple[Limit, ...]) -> str:
    return ", ".join(f"{each.attempts} in {_time(each.window)}" for each in limits)


def _codes(codes: tuple[str, ...]) -> str:
    return ", ".join(f"`{code}`" for code in codes)


def _table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |" for cells in lines) + "\n"
