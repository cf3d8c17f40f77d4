"""What strangers could learn from the time of an answer: whether there is an account leaves the same work behind."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.coroutines import run
from tests.indexes import START, new_index

from affineur.actions.beginning import Stranger
from affineur.actions.passwords import ask_for_link, look_at_link
from affineur.actions.sign_in import sign_in
from affineur.core.decision import Refused
from affineur.core.security import CONSOLE
from affineur.shell.index import Index
from affineur.shell.passwords import PasswordWork
from affineur.shell.store import accounts, emails

NOW = START + timedelta(days=1)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    made = new_index(tmp_path / "data")
    with made.store.write() as connection:
        key = accounts.add_account(connection, "ann", NOW)
        emails.add(connection, key, "ann@example.org", NOW, verified_at=NOW)
    yield made
    made.close()


def writes(index: Index, act: object) -> int:
    """How many transactions with a change in them ``act`` commits: each waits for the disk, which is what is seen."""
    found: list[bool] = []
    changed: set[int] = set()

    def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith(("INSERT", "UPDATE", "DELETE")):
            changed.add(id(_c))

    def commit(connection: object) -> None:
        found.append(id(connection) in changed)
        changed.discard(id(connection))

    sa.event.listen(index.store.engine, "before_cursor_execute", note)
    sa.event.listen(index.store.engine, "commit", commit)
    try:
        act()  # type: ignore[operator]
    finally:
        sa.event.remove(index.store.engine, "before_cursor_execute", note)
        sa.event.remove(index.store.engine, "commit", commit)
    return sum(found)


def test_a_link_that_is_asked_for_in_vain_takes_as_long_and_opens_nothing(index: Index) -> None:
    asker = Stranger(NOW, CONSOLE, "192.0.2.1")
    known = writes(index, lambda: ask_for_link(index, asker, "ann@example.org"))
    unknown = writes(index, lambda: ask_for_link(index, asker, "nobody@example.org"))
    assert known == unknown > 0
    with pytest.raises(Refused):
        look_at_link(index, asker, "any")


def test_a_wrong_password_takes_as_long_for_an_address_that_nobody_has(index: Index) -> None:
    work, guesser = PasswordWork(), Stranger(NOW, CONSOLE, "192.0.2.1")

    def guess(name: str) -> None:
        with pytest.raises(Refused):
            run(sign_in(index, work, guesser, name, "seventeen wheels of comte"))

    guess("first@example.org")  # goes into the log, as one of each hour and address does
    known = writes(index, lambda: guess("ann@example.org"))
    unknown = writes(index, lambda: guess("nobody@example.org"))
    work.close()
    assert known == unknown > 0
