"""The pages of rules: every rule has one, with the numbers of this index, and where a refusal leads is one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from xml.etree import ElementTree

import httpx
import pytest
from starlette.applications import Starlette
from tests.coroutines import run
from tests.indexes import new_index

from affineur.core.rules import GROUPS, RULES, Change
from affineur.core.rules.history import news
from affineur.web.app import build
from affineur.web.pages import rules
from affineur.web.requestlog import RequestLog, address_keeper

Get = Callable[[str], httpx.Response]
ATOM = {"a": "http://www.w3.org/2005/Atom"}


@pytest.fixture(scope="module")
def get(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Get]:
    """Ask an index whose releases close after three days and that takes names of the standard library."""
    data = tmp_path_factory.mktemp("rules") / "data"
    index = new_index(data, release_window_days=3, reserve_standard_library_names=False)
    log = RequestLog(index.settings.logs, address_keeper("none", b""))
    app = build(index, log)
    yield lambda path: run(asked(app, path))
    log.close()
    index.close()


async def asked(app: Starlette, path: str) -> httpx.Response:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://index.example.org") as client:
        return await client.get(path, headers={"accept": "text/html"})


def folded(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text[-500:]
    return " ".join(answer.text.split())


def test_the_list_has_every_rule_and_leads_to_its_page(get: Get) -> None:
    page = folded(get("/help/rules"))
    for rule in RULES:
        assert f'id="{rule}"' in page, rule
        assert f'href="/help/rules/{rule}"' in page, rule
    assert page == folded(get("/help/rules/"))


def test_every_rule_has_a_page_with_its_reason(get: Get) -> None:
    for rule in ("upload.duplicate", "metadata.summary", "throttle.relay", "archive.zip.name", "api.size"):
        page = folded(get(f"/help/rules/{rule}"))
        assert f">{rule}</h1>" in page
        assert RULES[rule].why.partition("'")[0] in page
        assert "The rule came." in page


def test_a_page_shows_the_operators_number_and_the_usual_one(get: Get) -> None:
    page = folded(get("/help/rules/upload.window"))
    assert "closed to further files 3 days after its first" in page
    assert '<td data-label="On this index">3 days</td><td data-label="Unless set">14 days</td>' in page
    assert "closed to further files 3 days after its first" in folded(get("/help/rules"))


def test_a_rule_that_is_switched_off_says_so(get: Get) -> None:
    page = folded(get("/help/rules/name.standard-library"))
    assert "Not in force on this index: the setting reserve_standard_library_names puts it off." in page
    assert '<td data-label="On this index">no</td><td data-label="Unless set">yes</td>' in page


def test_what_is_no_rule_has_no_page(get: Get) -> None:
    assert get("/help/rules/no.such-rule").status_code == 404
    assert get("/help/rules/%3Cscript%3E").status_code == 404


def test_what_changed_is_a_page_and_a_feed(get: Get) -> None:
    page = folded(get("/help/rules/changes"))
    answer = get("/help/rules/changes.atom")
    assert answer.headers["content-type"] == "application/atom+xml"
    feed = ElementTree.fromstring(answer.content)
    entries = feed.findall("a:entry", ATOM)
    assert len(entries) == len(news(GROUPS)) >= len(GROUPS)
    ids = [entry.findtext("a:id", namespaces=ATOM) for entry in entries]
    assert len(set(ids)) == len(ids)
    for entry in entries:
        assert (entry.findtext("a:title", namespaces=ATOM) or "?").replace("'", "&#39;") in page


def test_a_change_that_is_announced_is_told_before_it_is_in_force(get: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    told = Change(date(9998, 12, 1), date(9999, 1, 1), "Releases close `sooner`.", "It cannot wait.")
    past = Change(date(2001, 1, 1), date(2001, 2, 1), "Releases close later.")
    changed = replace(RULES["upload.window"], changes=(past, told))
    group = next(each for each in GROUPS if RULES["upload.window"] in each.rules)
    regrouped = replace(group, rules=tuple(changed if each.id == changed.id else each for each in group.rules))
    monkeypatch.setattr(rules, "RULES", {**RULES, changed.id: changed})
    monkeypatch.setattr(rules, "GROUPS", tuple(regrouped if each is group else each for each in GROUPS))
    page = folded(get("/help/rules/upload.window"))
    assert page.count("This changes on") == 1
    assert "1 January 9999" in page and "Releases close <code>sooner</code>." in page
    assert page.index('<th scope="row"><span class="label">Version </span>3</th>') < page.index("Releases close later.")
    listed = folded(get("/help/rules/changes"))
    assert listed.index("upload.window, version 3") < listed.index("22 November") < listed.index("version 2, from")
