"""The page of the mail that was sent to an account."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from tests.services.affineur import Server
from tests.web.people import sign_up, signed_in, store_of, words

from affineur.shell.store import outbox


def test_mail_is_listed_by_number_with_what_became_of_it_and_never_with_its_link(server: Callable[..., Server]) -> None:
    place = server()
    ann, bea, now = sign_up(place, "ann"), sign_up(place, "bea"), datetime.now(UTC)
    link = {"account": "ann", "link": "account/password/reset?ticket=secret", "minutes": 60, "place": ""}
    with store_of(place) as store, store.write() as connection:
        waits = outbox.put(connection, now, ann.address, "password-reset", link, ann.id)
        failed = outbox.put(connection, now, ann.address, "welcome", {"account": "ann"}, ann.id)
        sent = outbox.put(connection, now, ann.address, "welcome", {"account": "ann"}, ann.id)
        of_bea = outbox.put(connection, now, bea.address, "welcome", {"account": "bea"}, bea.id)
        rows = {row.id: row for row in outbox.mails(connection, unsent_only=True, limit=10)}
        outbox.settle_failed(connection, rows[failed], "550 no such mailbox at 10.1.2.3", now)
        outbox.settle_sent(connection, sent, "Welcome, ann", now)
    with signed_in(place, ann) as visitor:
        page = visitor.get("/account/messages")
        older = words(visitor.get(f"/account/messages?before={failed}"))
    said = words(page)
    assert f"{waits} Choose a new password" in said and "waits since" in said
    assert f"{sent} Welcome, ann" in said and "sent 2" in said
    assert "not delivered, given up" in said
    assert f'id="m{of_bea}"' not in page.text, "each sees their own"
    assert "secret" not in page.text and "10.1.2.3" not in page.text
    assert "Choose a new password" in older and "given up" not in older and "Newest" in older


def test_a_long_list_comes_in_parts_and_leaves_nothing_out(server: Callable[..., Server]) -> None:
    place = server()
    ann, now = sign_up(place, "ann"), datetime.now(UTC)
    with store_of(place) as store, store.write() as connection:
        numbers = [outbox.put(connection, now, ann.address, "welcome", {"account": "ann"}, ann.id) for _ in range(51)]
    with signed_in(place, ann) as visitor:
        first = visitor.get("/account/messages").text
        second = visitor.get(f"/account/messages?before={numbers[1]}").text
        assert visitor.get("/account/messages?before=²").status_code == 200
    assert [number for number in numbers if f'id="m{number}"' not in first] == numbers[:1]
    assert f'href="/account/messages?before={numbers[1]}"' in first
    assert f'id="m{numbers[0]}"' in second and f'id="m{numbers[1]}"' not in second
