"""Who owns what requires a project learns that it is deprecated: once, and only who wants to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.actions.publishing import NOW, Dairy
from tests.services.issuer import Issuer
from tests.walks.lockfile_facts import OTHERS, STORY, publish

from affineur.actions.grant import set_role
from affineur.actions.message import accept_messages
from affineur.actions.status import set_status
from affineur.core.life.lifecycle import NOTHING_SAID, Act, Said
from affineur.core.names import NormalizedName
from affineur.core.security import console
from affineur.projections import dependents

LOCKFILE = NormalizedName("lockfile")


@pytest.fixture
def dairy(tmp_path: Path, issuer: Issuer) -> Iterator[Dairy]:
    """lockfile is ann's; of what needs it, bea owns python-daemon, cid airflow, and dot CacheControl, for an extra."""
    made = Dairy(tmp_path / "data", issuer)
    for minutes, release in enumerate((*STORY, *OTHERS)):
        publish(made.index, release, NOW - timedelta(days=9, minutes=-minutes))
    owners = (("ann", "lockfile"), ("ann", "apache-airflow"), ("bea", "python-daemon"), ("cid", "apache-airflow"))
    for name in ("ann", "bea", "cid", "dot"):
        made.person(name)
    for name, project in (*owners, ("dot", "cachecontrol")):
        set_role(made.index, console(NOW), NormalizedName(project), name, "owner")
    dependents.catch_up(made.index)
    yield made
    made.close()


def does(dairy: Dairy, act: Act, said: Said = NOTHING_SAID, at: datetime = NOW) -> None:
    by = dairy.caller("ann", at=at)
    set_status(dairy.index, by.actor, act, LOCKFILE, at, said, by.origin)


def test_owners_of_what_always_requires_it_are_told_once_for_half_a_year(dairy: Dairy) -> None:
    does(dairy, "deprecate", Said("use filelock"))
    assert dairy.letters("dependency-deprecated") == ["bea@example.org", "cid@example.org"]
    does(dairy, "deprecate", Said("really"))
    does(dairy, "undeprecate")
    does(dairy, "deprecate", Said("again"))
    assert len(dairy.letters("dependency-deprecated")) == 2, "saying and unsaying it sends no post"
    later = NOW + timedelta(days=181)
    does(dairy, "undeprecate", at=NOW + timedelta(minutes=1))
    does(dairy, "deprecate", Said("at last"), at=later)
    assert len(dairy.letters("dependency-deprecated")) == 4


def test_who_takes_no_messages_gets_no_such_letter(dairy: Dairy) -> None:
    accept_messages(dairy.index, dairy.caller("bea"), False)
    does(dairy, "deprecate")
    assert dairy.letters("dependency-deprecated") == ["cid@example.org"]
