"""The page of an unarchiving that waits: one owner asks, the others are shown it, and any of them calls it off."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from tests.services.affineur import Server
from tests.web.people import sign_up, signed_in, store_of, words
from tests.web.uploading import a_wheel, published, upload

from affineur.actions.status import set_status
from affineur.core.access import SYSTEM
from affineur.core.life.lifecycle import Said
from affineur.core.names import NormalizedName
from affineur.settings import load
from affineur.shell.index import open_index
from affineur.shell.store import projects

BRIE = NormalizedName("brie")
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
    index = open_index(load({"data": served.data}, environment={}).settings)
    for act, said in (("reclassify", Said(value="C3")), ("archive", Said())):
        set_status(index, SYSTEM, act, BRIE, now - timedelta(days=9), said)  # type: ignore[arg-type]
    index.close()
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
