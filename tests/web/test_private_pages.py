"""A private index tells strangers nothing of what is on it, wherever they look."""

from __future__ import annotations

from collections.abc import Callable

from tests.services.affineur import Server
from tests.web.people import Visitor, sign_up, signed_in
from tests.web.uploading import a_wheel, published, upload

ANYBODY_MAY_ASK = ("account", "admin", "static", "_", "legacy", "health", ".well-known/pytp", "accounts", "api")


def test_no_page_that_is_missing_suggests_projects_to_strangers(server: Callable[..., Server]) -> None:
    house = server(environment={"AFFINEUR_READ": "token"})
    published(upload(house, a_wheel("comte-affinage")))
    person = sign_up(house, "ann")
    with Visitor(house.url) as stranger, signed_in(house, person) as ann:
        for place in ANYBODY_MAY_ASK:
            for asked in ("comte-affinag", "comte", "comte_affinage"):
                answer = stranger.get(f"{place}/{asked}")
                assert answer.status_code in (401, 404), place
                assert "comte-affinage" not in answer.text, place
        assert "comte-affinage" not in ann.get("account/comte-affinag").text
