"""The page of an unarchiving that waits: one owner asks, the others are shown it, and any of them calls it off."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from tests.services.affineur import Server
from tests.web.people import sign_up, signed_in, store_of, words
from tests.web.uploading import a_wheel, published, upload

from affineur.shell.store import projects
from affineur.shell.store.schema import project

PAGE = "/account/projects/brie/unarchiving"


def test_an_unarchiving_that_waits_is_shown_to_every_owner_and_called_off_by_any(
    server: Callable[..., Server],
) -> None:
    served = server()
    published(upload(served, a_wheel("brie", "1.0")))
    ann, bea, eve = (sign_up(served, name, factors=("passkey",)) for name in ("ann", "bea", "eve"))
    now = datetime.now(UTC)
    with store_of(served) as store, store.write() as connection:
        found = projects.find(connection, "brie")
        assert found
        for owner in (ann, bea):
            projects.grant(connection, found.id, owner.id, "owner", now)
        long_ago = {"maintenance": "archived", "maintenance_since": now - timedelta(days=9), "impact": "C3"}
        connection.execute(project.update().values(long_ago))
    with signed_in(served, ann, proof="passkey") as asks, signed_in(served, bea, proof="passkey") as other:
        assert "No unarchiving is waiting." in words(asks.get(PAGE))
        asked = words(asks.post(PAGE, {}, follow=True))
        assert "ann asked for it" in asked and "Call it off" in asked
        assert "Unarchive it now" not in asked, "whoever asked waits"
        assert "Unarchive it now" in words(other.get(PAGE))
        assert "the project stays archived" in words(other.post(f"{PAGE}/call-off", {}, follow=True))
        refused = other.post(f"{PAGE}/call-off", {}, follow=True)
        assert "No unarchiving of project 'brie' is waiting." in words(refused)
    with signed_in(served, eve, proof="passkey") as stranger:
        assert "isn't allowed to see the people" in words(stranger.get(PAGE))
