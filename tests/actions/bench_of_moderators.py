"""People around an index for tests of moderation: moderators, reporters and owners. Test support."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from tests.indexes import START, new_index, publish

from affineur.actions.grant import set_role
from affineur.actions.moderate import set_trusted
from affineur.actions.report import Outcome, report
from affineur.actions.status import set_status
from affineur.core.access import SYSTEM, Actor
from affineur.core.decision import Decision, Refused
from affineur.core.life.lifecycle import Said
from affineur.core.moderation.reports import Report, read_report
from affineur.core.names import NormalizedName
from affineur.core.people.second_factor import Posture, StepUp
from affineur.core.permissions import Office
from affineur.core.security import Caller, Origin, console
from affineur.shell.index import Index
from affineur.shell.store import accounts, cases, emails, journal, projects, reports
from affineur.shell.store.schema import hold
from affineur.shell.store.schema import outbox as letters

LATER = START + timedelta(days=1, hours=3)
"""More than a day after the first file of every project: nothing is new any more."""
SOON = START + timedelta(hours=2)
"""Within a project's first day."""
BRIE = NormalizedName("brie")


@contextmanager
def index_with_brie(folder: Path, database: str = "") -> Iterator[Index]:
    """An index with ``brie`` 1.0 and 1.1, whose owner is ``olga``, and two moderators, ``mo`` and ``mia``."""
    index = new_index(folder, database=database)
    for minutes, version in enumerate(("1.0", "1.1"), 1):
        publish(index, "brie", version, minutes=minutes)
    for name, office in (("mo", "moderator"), ("mia", "moderator"), ("olga", None)):
        account(index, name, office=office)  # type: ignore[arg-type]
    set_role(index, console(START), BRIE, "olga", "owner")
    try:
        yield index
    finally:
        index.close()


def account(index: Index, name: str, *, office: Office | None = None) -> int:
    """An account with a verified address; its id."""
    with index.store.write() as connection:
        key = accounts.add_account(connection, name, START, office=office)
        emails.add(connection, key, f"{name}@example.org", START, verified_at=START)
    return key


def someone(index: Index, name: str, at: datetime = LATER, *, network: str = "") -> Caller:
    """An account, made on the spot where there is none, that has just proved who it is."""
    with index.store.read() as connection:
        found = accounts.find(connection, name)
    key = account(index, name) if found is None else found.id
    proved = Posture(frozenset({"passkey"}), required=True, stepped_up=StepUp(at, "passkey"))
    actor = Actor(key, name, office=found.office if found else None, posture=proved)
    return Caller(actor, at, Origin("192.0.2.0", "a test", network or f"10.{key // 250}.{key % 250}.7"))


def trusted(index: Index, name: str, at: datetime = LATER, *, network: str = "") -> Caller:
    """A reporter whom moderators trust."""
    by = someone(index, name, at, network=network)
    set_trusted(index, console(START), name, True)
    return by


def malware(version: str | None = None, project: str = "brie", *, kind: str = "malware") -> Report:
    """A report."""
    return read_report(kind, project, "It reads all of ~/.ssh.", version=version)


def told_of(index: Index, by: Caller, version: str | None = None, project: str = "brie") -> Outcome:
    """A report of malware by somebody."""
    return report(index, by, malware(version, project))


def file_many(index: Index, number: str, many: int) -> None:
    """As many reports of malware, each by an account and from a network of its own, straight into the database."""
    with index.store.write() as connection:
        case = cases.find(connection, number)
        assert case is not None
        for each in range(many):
            key = accounts.add_account(connection, f"crowd-{each}", START)
            reports.file_report(connection, case.project_id, case.id, malware(), key, f"{each:032x}", LATER)


def classify(index: Index, impact: str, project: NormalizedName = BRIE) -> None:
    """Say how widely a project is used."""
    set_status(index, SYSTEM, "reclassify", project, START, Said(value=impact))


def page(index: Index, name: str = "brie") -> dict:  # type: ignore[type-arg]
    """The project's page, as clients get it."""
    found: dict[str, object] = json.loads((index.tree.root / "simple" / name / "v1.json").read_bytes())
    return found


def offered(index: Index, name: str = "brie") -> list[str]:
    """The versions on offer."""
    return sorted({each["filename"].split("-")[1] for each in page(index, name)["files"]})


def sent(index: Index, template: str) -> list[str]:
    """To whom that letter was put into the outbox, in order."""
    with index.store.read() as connection:
        query = letters.select().where(letters.c.template == template).order_by(letters.c.id)
        return [row.to_address.partition("@")[0] for row in connection.execute(query)]


def entries(index: Index) -> list:  # type: ignore[type-arg]
    """The events of the journal."""
    with index.store.read() as connection:
        return [entry.event for entry in journal.entries(connection)]


def holds_placed(index: Index) -> int:
    """How many holds there ever were."""
    with index.store.read() as connection:
        return len(connection.execute(hold.select()).all())


def refusal(refused: Refused) -> Decision:
    """What a refusal said."""
    return refused.decision


def standing(index: Index, name: NormalizedName = BRIE):  # type: ignore[no-untyped-def]
    """The project's standing as stored."""
    with index.store.read() as connection:
        found = projects.find(connection, name)
    assert found is not None
    return found.standing
