"""Forms that another site sends in somebody's name: refused by every page that takes one, and nothing fails."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from starlette.routing import Route
from tests.services.affineur import Server
from tests.web.people import sign_up, signed_in, store_of, words

from affineur.shell.store import accounts
from affineur.web import pages

FORMS = [each.path for each in pages.routes() if isinstance(each, Route) and "POST" in (each.methods or ())]
ELSEWHERE = ("/account/second-factor", "/account/recovery", "/account/recovery/complete")
"""For people who are not signed in yet: whoever is, is sent on before anything is read."""
QUESTIONS = ("/project/{name}/why/",)
"""Sent as a form because a file may be long: they change nothing, and another site cannot read what they answer."""


@pytest.mark.parametrize("headers", [{"sec_fetch_site": "cross-site"}, {"origin": "http://evil.example"}, {}])
def test_no_page_takes_a_form_from_another_site(server: Callable[..., Server], headers: dict[str, str]) -> None:
    house = server()
    opal, vic = sign_up(house, "opal", office="operator", factors=("passkey",)), sign_up(house, "vic")
    typed = {"act": "freeze", "reason": "x", "office": "operator", "address": "a@example.org", "name": "vic"}
    with signed_in(house, opal, proof="passkey") as browser:
        for form in FORMS:
            path = re.sub(r"\{[^}]*\}", "vic", re.sub(r"\{[^}]*:int\}", "1", form))
            answer = browser.post(path, {**typed, "form_key": browser.form_key}, own=False, **headers)
            if form in ELSEWHERE:
                assert answer.status_code == 303, form
            elif form in QUESTIONS:
                assert answer.status_code == 200, form
            elif answer.status_code != 404:  # there is no such machine, whoever asks
                assert (answer.status_code, "form.origin" in words(answer)) == (403, True), form
    with store_of(house) as store, store.read() as connection:
        untouched = accounts.by_id(connection, vic.id)
    assert untouched is not None and untouched.frozen_at is None and untouched.office is None
