"""Webhooks follow the journal: in order, each entry until it is taken, none lost, and nobody waits for another."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.indexes import START, new_index
from tests.services.receiver import Receiver, Sent, open_receiver

from affineur.actions.webhooks import Made, add_webhook, change_webhook, pause_webhook, resume_webhook
from affineur.core.history.journal import Event
from affineur.core.history.webhooks import GIVES_UP_AFTER, LOG_KEPT, LOG_ROWS, PAUSES
from affineur.core.names import NormalizedName
from affineur.core.security import console
from affineur.projections import webhooks as following
from affineur.projections.webhooks import Courier, begin, deliver, forget, keep_delivering
from affineur.shell.index import Index
from affineur.shell.store import journal, projects, webhooks
from affineur.shell.store.schema import outbox, security_event, webhook, webhook_delivery
from affineur.shell.store.webhooks import CLAIM, DeliveryRow, HookRow

NOW = START + timedelta(days=1)
BRIE = NormalizedName("brie")


@pytest.fixture(scope="module")
def shared() -> Iterator[Receiver]:
    with open_receiver() as running:
        yield running


@pytest.fixture
def receiver(shared: Receiver) -> Receiver:
    shared.sent.clear()
    shared.answers.clear()
    shared.headers.clear()
    return shared


@pytest.fixture(params=["sqlite", "postgresql"])
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Index]:
    database = "" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    yield from opened(tmp_path, database)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    yield from opened(tmp_path)


def opened(folder: Path, database: str = "") -> Iterator[Index]:
    made = new_index(folder / "data", database=database, webhook_networks="127.0.0.0/8")
    with made.store.write() as connection:
        for name in ("brie", "feta"):
            projects.add_project(connection, NormalizedName(name), name.title(), START)
    yield made
    made.close()


def happens(index: Index, *names: str, event: str = "ProjectArchived", **more: Any) -> int:
    """Something happens to each project; the last serial."""
    with index.store.write() as connection:
        return journal.append(connection, NOW, [Event(event, name, **more) for name in names])


def hook(index: Index, receiver: Receiver, path: str = "/a", project: str | None = None, **more: Any) -> Made:
    name = None if project is None else NormalizedName(project)
    return add_webhook(index, console(NOW), name, receiver.url + path, **more)


def state(index: Index, made: Made) -> HookRow:
    with index.store.read() as connection:
        found = webhooks.find(connection, made.hook.id)
    assert found is not None
    return found


def logged(index: Index, made: Made) -> list[DeliveryRow]:
    """The log of a hook, oldest first."""
    with index.store.read() as connection:
        return webhooks.deliveries(connection, made.hook.id, 1000)[::-1]


def serve(index: Index, made: Made, now: datetime = NOW, most: int = 100) -> int:
    """Send a hook what it is to be sent at ``now``, in this thread; how much."""
    count = 0
    while count < most and (turn := begin(index, made.hook.id, now)) is not None:
        count += 1
        if not deliver(index, turn, lambda: now):
            break
    return count


def eventually(what: Callable[[], bool], seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it did not come to pass"
        time.sleep(0.02)


def test_a_hook_is_sent_every_entry_from_then_on_in_order_and_signed(both: Index, receiver: Receiver) -> None:
    happens(both, "brie")
    made = hook(both, receiver)
    last = happens(both, "brie", "feta", "brie")
    assert serve(both, made) == 3
    sent = receiver.to("/a")
    assert [each.serial for each in sent] == [last - 2, last - 1, last]
    assert [each.id for each in sent] == [f"{made.hook.id}-{serial}" for serial in (last - 2, last - 1, last)]
    assert all(each.is_signed_with(made.secret) for each in sent)
    assert not any(each.is_signed_with("whsec_" + "A" * 43 + "=") for each in sent)
    assert sent[0].message["type"] == "journal.ProjectArchived"
    assert sent[0].message["origin"] == both.origin
    assert sent[0].message["data"]["project"] == "brie"
    assert serve(both, made) == 0
    assert state(both, made).position == last
    assert [(each.serial, each.status, each.attempt) for each in logged(both, made)] == [
        (last - 2, 200, 1), (last - 1, 200, 1), (last, 200, 1)
    ]  # fmt: skip


def test_a_hook_of_a_project_is_sent_what_is_about_it_and_wanted(both: Index, receiver: Receiver) -> None:
    made = hook(both, receiver, project="brie", events=["ProjectQuarantined", "ReleaseYanked"], hints=["hide"])
    happens(both, "feta", event="ProjectQuarantined", hint="hide")
    happens(both, "brie", event="ReleaseYanked", hint="refresh")
    wanted = happens(both, "brie", event="ProjectQuarantined", hint="hide")
    last = happens(both, "brie", "feta")
    assert serve(both, made) == 1
    assert [each.serial for each in receiver.sent] == [wanted]
    assert state(both, made).position == last, "what is not for it is passed over"
    with both.store.read() as connection:
        assert webhooks.waiting(connection, NOW) == []


def test_who_waits_is_told_by_the_queue_and_nobody_else(both: Index, receiver: Receiver) -> None:
    all_of_it, of_brie, of_feta = (
        hook(both, receiver, path, project) for path, project in (("/a", None), ("/b", "brie"), ("/c", "feta"))
    )
    paused = hook(both, receiver, "/d")
    pause_webhook(both, console(NOW), paused.hook.id)
    happens(both, "brie")
    with both.store.read() as connection:
        assert sorted(webhooks.waiting(connection, NOW)) == sorted(
            [(all_of_it.hook.id, False), (of_brie.hook.id, False)]
        )
        assert of_feta.hook.id not in dict(webhooks.waiting(connection, NOW))
    assert begin(both, of_brie.hook.id, NOW) is not None
    with both.store.read() as connection:
        assert [each for each, _ in webhooks.waiting(connection, NOW)] == [all_of_it.hook.id], "one has it already"
        assert len(webhooks.waiting(connection, NOW + CLAIM)) == 2, "a claim lapses"


def test_a_hook_that_fails_is_tried_again_and_then_goes_on_in_order(both: Index, receiver: Receiver) -> None:
    made = hook(both, receiver)
    first = happens(both, "brie")
    happens(both, "feta")
    receiver.answers["/a"] = 500
    assert serve(both, made) == 1
    assert state(both, made).failures == 1
    assert serve(both, made, NOW + PAUSES[0] - timedelta(seconds=1)) == 0, "it is left alone for a while"
    assert serve(both, made, NOW + PAUSES[0]) == 1
    receiver.answers["/a"] = 200
    later = NOW + PAUSES[0] + PAUSES[1]
    assert serve(both, made, later) == 2
    sent = receiver.sent
    assert [each.serial for each in sent] == [first, first, first, first + 1]
    assert len({each.id for each in sent[:3]}) == 1, "the id is the same each time"
    assert len({each.headers["webhook-timestamp"] for each in sent[:3]}) == 3, "the moment is not"
    assert all(each.is_signed_with(made.secret) for each in sent)
    assert [(each.attempt, each.status, each.next_at) for each in logged(both, made)] == [
        (1, 500, NOW + PAUSES[0]), (2, 500, NOW + PAUSES[0] + PAUSES[1]), (3, 200, None), (1, 200, None)
    ]  # fmt: skip
    assert (state(both, made).failures, state(both, made).failing_since) == (0, None)


def test_a_hook_that_took_nothing_for_five_days_is_switched_off_and_stands_where_it_stood(
    index: Index, receiver: Receiver
) -> None:
    owner_told(index)
    made = hook(index, receiver, project="brie")
    first = happens(index, "brie")
    receiver.answers["/a"] = 503
    now, tries = NOW, 0
    while state(index, made).state == "active":
        assert serve(index, made, now) == 1
        tries += 1
        now = max(now, state(index, made).due_at)
    assert tries >= 11
    assert now == NOW + GIVES_UP_AFTER
    assert serve(index, made, now + timedelta(days=30)) == 0
    with index.store.read() as connection:
        event = connection.execute(
            sa.select(security_event).where(security_event.c.event == "WebhookSwitchedOff")
        ).one()
        letters = connection.scalars(sa.select(outbox.c.to_address).where(outbox.c.template == "webhook-off")).all()
    assert event.project == "brie" and receiver.url not in event.facts
    assert letters == ["ann@example.org"]

    receiver.answers["/a"] = 200
    resume_webhook(index, console(now), made.hook.id)
    assert serve(index, made, now) == 1
    assert receiver.sent[-1].serial == first, "nothing was lost"


def owner_told(index: Index) -> None:
    """Somebody owns brie, with an address."""
    from affineur.shell.store import accounts, emails

    with index.store.write() as connection:
        key = accounts.add_account(connection, "ann", START)
        emails.add(connection, key, "ann@example.org", START, verified_at=START)
        found = projects.find(connection, "brie")
        assert found is not None
        projects.grant(connection, found.id, key, "owner", START)


def test_who_says_that_it_is_gone_is_sent_nothing_more(index: Index, receiver: Receiver) -> None:
    made = hook(index, receiver)
    happens(index, "brie", "brie")
    receiver.answers["/a"] = 410
    assert serve(index, made) == 1
    assert state(index, made).state == "off"
    assert serve(index, made, NOW + timedelta(days=1)) == 0


def test_who_asks_for_time_has_it(index: Index, receiver: Receiver) -> None:
    made = hook(index, receiver)
    happens(index, "brie")
    receiver.answers["/a"], receiver.headers["retry-after"] = 429, "600"
    serve(index, made)
    assert state(index, made).due_at == NOW + timedelta(minutes=10)


def test_a_hook_that_is_resumed_from_now_leaves_out_what_was(index: Index, receiver: Receiver) -> None:
    made = hook(index, receiver)
    pause_webhook(index, console(NOW), made.hook.id)
    happens(index, "brie", "feta")
    resume_webhook(index, console(NOW), made.hook.id, from_now=True)
    last = happens(index, "brie")
    serve(index, made)
    assert [each.serial for each in receiver.sent] == [last]


def test_what_happened_during_a_pause_is_sent_after_it(index: Index, receiver: Receiver) -> None:
    made = hook(index, receiver)
    pause_webhook(index, console(NOW), made.hook.id)
    last = happens(index, "brie", "feta")
    assert serve(index, made) == 0
    resume_webhook(index, console(NOW), made.hook.id)
    serve(index, made)
    assert [each.serial for each in receiver.sent] == [last - 1, last]


def test_a_new_address_is_used_from_the_next_entry_on(index: Index, receiver: Receiver) -> None:
    made = hook(index, receiver)
    first = happens(index, "brie")
    serve(index, made)
    change_webhook(index, console(NOW), made.hook.id, url=receiver.url + "/b")
    happens(index, "brie")
    serve(index, made)
    assert [(each.path, each.serial) for each in receiver.sent] == [("/a", first), ("/b", first + 1)]


def test_killed_between_sending_and_noting_it_is_sent_again_under_the_same_id(both: Index, receiver: Receiver) -> None:
    made = hook(both, receiver)
    serial = happens(both, "brie")
    turn = begin(both, made.hook.id, NOW)
    assert turn is not None
    following.send_entry(both, turn.hook, turn.entry, NOW)  # … and here the process dies
    assert serve(both, made, NOW + CLAIM - timedelta(seconds=1)) == 0, "somebody else may still be at it"
    assert serve(both, made, NOW + CLAIM) == 1
    assert [each.serial for each in receiver.sent] == [serial, serial]
    assert len({each.id for each in receiver.sent}) == 1


def test_who_comes_back_after_its_claim_has_lapsed_changes_nothing(both: Index, receiver: Receiver) -> None:
    made = hook(both, receiver)
    happens(both, "brie", "brie")
    late = begin(both, made.hook.id, NOW)
    assert late is not None
    assert serve(both, made, NOW + CLAIM) == 2
    position = state(both, made).position
    assert not deliver(both, late, lambda: NOW + 2 * CLAIM)
    assert state(both, made).position == position, "a hook never goes back"
    assert len(logged(both, made)) == 2


def test_a_paused_hook_keeps_what_was_under_way_when_it_was_paused(index: Index, receiver: Receiver) -> None:
    made = hook(index, receiver)
    serial = happens(index, "brie")
    turn = begin(index, made.hook.id, NOW)
    assert turn is not None
    pause_webhook(index, console(NOW), made.hook.id)
    deliver(index, turn, lambda: NOW)
    assert (state(index, made).state, state(index, made).position) == ("paused", serial)


def test_a_hook_told_to_leave_out_what_was_does_not_go_back_to_what_was_under_way(
    both: Index, receiver: Receiver
) -> None:
    made = hook(both, receiver)
    happens(both, "brie")
    turn = begin(both, made.hook.id, NOW)
    assert turn is not None
    last = happens(both, "brie", "feta")
    resume_webhook(both, console(NOW), made.hook.id, from_now=True)
    assert deliver(both, turn, lambda: NOW)
    assert state(both, made).position == last


def test_slow_and_failing_hooks_keep_no_other_one_waiting(
    index: Index, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "AT_ONCE", {"quick": 2, "slow": 2})
    held = threading.Event()

    def slowly(_: Sent) -> int:
        held.wait(60)
        return 200

    slow = [hook(index, receiver, f"/slow{number}") for number in range(3)]
    for number in range(3):
        receiver.answers[f"/slow{number}"] = slowly
    with index.store.write() as connection:  # that they are slow is known from before
        connection.execute(
            webhook.update().where(webhook.c.id.in_([each.hook.id for each in slow])).values(took_ms=9999)
        )
    good = hook(index, receiver, "/good")
    stop = threading.Event()
    courier = Courier(index, stop)
    try:
        for number in range(1, 4):
            happens(index, "brie")
            courier.look(datetime.now(NOW.tzinfo))
            eventually(lambda wanted=number: state(index, good).position >= slow[0].hook.position + wanted)  # type: ignore[misc]
            eventually(lambda: not courier.serves(good.hook.id))
        assert len(receiver.to("/good")) == 3
        assert sum(len(receiver.to(f"/slow{number}")) for number in range(3)) == 2, "their line has room for two"
    finally:
        held.set()
        stop.set()
        courier.end(30)


def test_everything_is_delivered_by_the_thread_of_the_background(index: Index, receiver: Receiver) -> None:
    hooks = [hook(index, receiver, f"/{number}") for number in range(3)]
    stop = threading.Event()
    thread = threading.Thread(target=keep_delivering, args=(index, stop))
    thread.start()
    try:
        happens(index, *["brie"] * 10)
        for number, made in enumerate(hooks):
            sent = receiver.wait(f"/{number}", 10)
            assert [each.serial for each in sent] == sorted({each.serial for each in sent if each.serial})
            last = sent[-1].serial
            eventually(lambda made=made, last=last: state(index, made).position == last)  # type: ignore[misc]
    finally:
        stop.set()
        thread.join(30)
    assert not thread.is_alive()


def test_logs_are_forgotten_after_a_month_or_a_thousand_rows(both: Index, receiver: Receiver) -> None:
    made, other = hook(both, receiver), hook(both, receiver, "/b")
    row = {"serial": 1, "asked": False, "attempt": 1, "answer": "", "duration_ms": 1}
    with both.store.write() as connection:
        rows = [{**row, "webhook_id": made.hook.id, "at": NOW} for _ in range(LOG_ROWS + 5)]
        rows += [
            {**row, "webhook_id": other.hook.id, "at": NOW - LOG_KEPT - timedelta(seconds=each)} for each in (-1, 1)
        ]
        connection.execute(webhook_delivery.insert(), rows)
    assert forget(both, NOW) == 6
    assert forget(both, NOW) == 0
    assert len(logged(both, other)) == 1


def test_a_hook_goes_with_its_project(both: Index, receiver: Receiver) -> None:
    from affineur.shell.store.schema import project

    made = hook(both, receiver, project="brie")
    happens(both, "brie")
    serve(both, made)
    with both.store.write() as connection:
        connection.execute(project.delete().where(project.c.name == "brie"))
        assert webhooks.find(connection, made.hook.id) is None
