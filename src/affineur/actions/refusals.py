"""Refusals: what was refused and was dangerous goes into the security log. Called where a refusal becomes an answer.

How much is written is bounded, whatever somebody tries: a few entries an hour for each account and rule, one an hour
for each token. What does not live here: which refusals count (`core.security.is_dangerous`).
"""

from __future__ import annotations

from datetime import timedelta

from affineur.core.decision import Decision
from affineur.core.people.macaroons import read
from affineur.core.people.throttle import Limit, network
from affineur.core.security import Caller, Happened, is_dangerous, is_refused_token
from affineur.shell.index import Index
from affineur.shell.store import attempts, security, tokens

REFUSALS = (Limit("refusal", 5, timedelta(hours=1)),)
"""Entries about one account, rule and act; the rest of the hour says nothing new."""
TOKEN_REFUSALS = (Limit("refusal", 1, timedelta(hours=1)),)
"""Entries about one token: a forgotten job that tries each minute makes 24 a day."""


def record_refusal(index: Index, by: Caller, decision: Decision) -> bool:
    """Record that ``by`` was refused something dangerous; whether it was written. Cost: a read, mostly."""
    if not is_dangerous(decision):
        return False
    who = str(by.actor.account_id) if by.actor.account_id is not None else network(by.origin.address)
    action = decision.facts.get("action")
    project = decision.facts.get("project")
    counters = attempts.limits(REFUSALS, who, decision.rule, str(action))
    if not attempts.take(index.store, counters, by.now).allowed:
        return False
    happened = Happened(
        "ActRefused",
        by.actor.account_id,
        by.actor.name or None,
        project=None if project is None else str(project),
        outcome="refused",
        rule=decision.rule,
        facts={name: value for name, value in (("action", action), ("token", by.actor.token_id)) if value is not None},
    )
    with index.store.write() as connection:
        security.append(connection, by, happened)
    return True


def record_token_refusal(index: Index, token: str, decision: Decision, by: Caller) -> bool:
    """Record that a genuine token was shown that holds no more, for ``decision``; whether it was written.

    So its owner sees that somebody still has it, and from where. ``token`` is its text, of which nothing is kept.
    """
    if not is_refused_token(decision):
        return False
    key = read(token).identifier
    if not attempts.take(index.store, attempts.limits(TOKEN_REFUSALS, key), by.now).allowed:
        return False
    with index.store.write() as connection:
        found = tokens.find(connection, key)
        if found is None:
            return False
        happened = Happened(
            "TokenRefused",
            found.account_id,
            found.account,
            outcome="refused",
            rule=decision.rule,
            facts={"token": found.id, "label": found.label},
        )
        security.append(connection, by, happened)
    return True
