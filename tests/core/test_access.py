"""Access: every kind of actor × every action × every role."""

from __future__ import annotations

from itertools import product

import pytest

from affineur.core.access import SYSTEM, Actor, Resource, may
from affineur.core.names import NormalizedName

FOO = NormalizedName("foo")
ACTORS = {
    "user": Actor(1, "ann"),
    "operator": Actor(2, "op", is_operator=True),
    "reader": Actor(1, "ann", scope="read"),
    "reading operator": Actor(2, "op", is_operator=True, scope="read"),
    "narrowed here": Actor(1, "ann", projects=frozenset({FOO})),
    "narrowed elsewhere": Actor(1, "ann", projects=frozenset({NormalizedName("bar")})),
    "operator narrowed elsewhere": Actor(2, "op", is_operator=True, projects=frozenset({NormalizedName("bar")})),
    "system": SYSTEM,
}
ACTIONS = ("read", "upload", "create", "yank", "set-status")
ROLES = ("owner", "maintainer", None)


def expected(who: str, action: str, role: str | None) -> bool:
    """The table in words: an independent statement of what `may` decides."""
    if action == "read":
        return True
    if who.startswith("reading") or who == "reader" or who.endswith("elsewhere"):
        return False
    if action == "create" or who in ("operator", "system"):
        return True
    if role == "owner":
        return True
    return role == "maintainer" and action in ("upload", "yank")


@pytest.mark.parametrize(("who", "action", "role"), list(product(ACTORS, ACTIONS, ROLES)))
def test_every_actor_may_do_what_the_table_says(who: str, action: str, role: str | None) -> None:
    decision = may(ACTORS[who], action, Resource(FOO, exists=role is not None, role=role))  # type: ignore[arg-type]
    assert decision.allowed == expected(who, action, role)
    assert decision.allowed or (decision.reason and decision.ways_out)


def test_new_projects_can_be_reserved_to_operators() -> None:
    reserved = Resource(FOO, exists=False, role=None, new_projects="operators")
    assert not may(ACTORS["user"], "create", reserved).allowed
    assert may(ACTORS["operator"], "create", reserved).allowed


def test_refusals_use_the_words_that_upload_clients_know() -> None:
    stranger = may(ACTORS["user"], "upload", Resource(FOO, exists=True, role=None))
    assert "The user 'ann' isn't allowed to upload to project 'foo'." in stranger.reason
    narrowed = may(ACTORS["narrowed elsewhere"], "upload", Resource(FOO, exists=True, role="owner"))
    assert "The given token isn't allowed to upload to project 'foo'." in narrowed.reason
