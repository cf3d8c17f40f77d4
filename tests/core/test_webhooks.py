"""What is sent by a webhook, how it is signed, and when it is tried again."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from affineur.core.decision import Refused
from affineur.core.history.journal import GENESIS, Event, chain
from affineur.core.history.webhooks import (
    ALL,
    GIVES_UP_AFTER,
    PAUSES,
    SECRET_OVERLAPS,
    headers,
    message,
    message_id,
    next_try,
    retry_after,
    secret_in_words,
    secrets_at,
    signature,
    verdict_on,
    wanted_of,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_the_example_of_the_specification_comes_out() -> None:
    """The known answer that the libraries of Standard Webhooks test themselves with."""
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    assert signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body) == (
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


def test_a_message_carries_the_signature_of_each_secret() -> None:
    secrets = (b"n" * 32, b"f" * 32)
    sent = headers("wh-7", NOW, b"{}", secrets)
    stamp = int(NOW.timestamp())
    assert sent["webhook-id"] == "wh-7"
    assert sent["webhook-timestamp"] == str(stamp)
    found = sent["webhook-signature"].split(" ")
    for secret, each in zip(secrets, found, strict=True):
        digest = hmac.new(secret, f"wh-7.{stamp}.".encode() + b"{}", hashlib.sha256).digest()
        assert each == "v1," + base64.b64encode(digest).decode()


def test_the_former_secret_is_signed_with_for_a_day() -> None:
    until = NOW + SECRET_OVERLAPS
    assert secrets_at(b"new", b"old", until, NOW) == (b"new", b"old")
    assert secrets_at(b"new", b"old", until, until - timedelta(seconds=1)) == (b"new", b"old")
    assert secrets_at(b"new", b"old", until, until) == (b"new",)
    assert secrets_at(b"new", None, None, NOW) == (b"new",)


def test_a_secret_is_told_in_the_form_of_the_specification() -> None:
    assert secret_in_words(b"\0" * 32) == "whsec_" + base64.b64encode(b"\0" * 32).decode()


def test_a_message_tells_what_happened_when_and_where() -> None:
    event = Event("ProjectArchived", "brie", new={"maintenance": "archived"})
    entry = chain(7, NOW, event, GENESIS)
    body = orjson.loads(message(entry, {"serial": 7, "new": event.new}, "urn:uuid:x"))
    assert body == {
        "type": "journal.ProjectArchived",
        "timestamp": "2026-01-02T03:04:05.000000+00:00",
        "origin": "urn:uuid:x",
        "data": {"serial": 7, "new": {"maintenance": "archived"}},
    }


def test_an_id_is_the_same_each_time_and_has_no_full_stop() -> None:
    assert message_id("wh0123", 42) == message_id("wh0123", 42) == "wh0123-42"
    assert message_id("wh0123", 43) != message_id("wh0123", 42)


@pytest.mark.parametrize(
    ("events", "hints", "event", "hint", "sent"),
    [
        ([], [], "FilePublished", "refresh", True),
        (["FilePublished"], [], "FilePublished", "refresh", True),
        (["FilePublished"], [], "ProjectArchived", "refresh", False),
        ([], ["hide", "purge"], "ProjectQuarantined", "hide", True),
        ([], ["hide", "purge"], "ProjectArchived", "refresh", False),
        (["ProjectQuarantined"], ["restore"], "ProjectQuarantined", "hide", False),
    ],
)
def test_a_hook_is_sent_what_it_asked_for(
    events: list[str], hints: list[str], event: str, hint: str, sent: bool
) -> None:
    assert wanted_of(events, hints).takes(Event(event, "brie", hint=hint)) is sent  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("events", "hints"), [(["file added"], []), (["FileAdded"], []), (["A" * 99], []), ([], ["delete"]), ([""], [])]
)
def test_what_is_no_event_and_no_hint_is_refused(events: list[str], hints: list[str]) -> None:
    with pytest.raises(Refused) as refused:
        wanted_of(events, hints)
    assert refused.value.decision.rule == "webhook.events"


def test_who_asks_for_nothing_certain_is_sent_all() -> None:
    assert wanted_of([], []) == ALL


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (200, "taken"), (204, "taken"), (299, "taken"), (199, "failed"), (300, "failed"), (302, "failed"),
        (400, "failed"), (404, "failed"), (410, "gone"), (429, "failed"), (500, "failed"), (None, "failed"),
    ],
)  # fmt: skip
def test_only_a_2xx_is_taken_and_only_a_410_is_final(status: int | None, verdict: str) -> None:
    assert verdict_on(status) == verdict


def test_pauses_grow_and_the_last_is_repeated() -> None:
    waits = []
    for failures in range(1, 12):
        at = next_try(failures, NOW, NOW, 0.0)
        assert at is not None
        waits.append(at - NOW)
    assert waits[: len(PAUSES)] == list(PAUSES)
    assert set(waits[len(PAUSES) :]) == {PAUSES[-1]}
    assert list(PAUSES) == sorted(PAUSES)


def test_a_hook_is_tried_for_five_days_with_a_last_try_at_their_end() -> None:
    tries, at = 0, NOW
    while (following := next_try(tries + 1, NOW, at, 0.5)) is not None:
        assert following > at
        tries, at = tries + 1, following
    assert at == NOW + GIVES_UP_AFTER
    assert tries >= 11


def test_jitter_spreads_by_a_tenth_at_most() -> None:
    early, late = next_try(1, NOW, NOW, 0.0), next_try(1, NOW, NOW, 1.0)
    assert early is not None and late is not None
    assert early < late <= early + PAUSES[0] / 10


@pytest.mark.parametrize(
    ("asked", "wait"),
    [
        (None, PAUSES[0]),
        (1.0, PAUSES[0]),
        (120.0, timedelta(minutes=2)),
        (1e9, timedelta(hours=24)),
        (-5.0, PAUSES[0]),
        (0.0, PAUSES[0]),
    ],
)
def test_a_receiver_may_ask_for_time_but_not_for_ever(asked: float | None, wait: timedelta) -> None:
    assert next_try(1, NOW, NOW, 0.0, asked) == NOW + wait


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, None), ("120", 120.0), (" 7 ", 7.0), ("Fri, 31 Dec 1999 23:59:59 GMT", None), ("-1", None), ("1e9", None)],
)
def test_retry_after_is_read_in_seconds(header: str | None, seconds: float | None) -> None:
    assert retry_after(header) == seconds
