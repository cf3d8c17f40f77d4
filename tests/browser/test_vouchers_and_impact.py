"""Vouchers and impact on pages and by the API: from a campaign to a code, from a number to a way out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from tests.coroutines import run
from tests.indexes import publish
from tests.services.affineur import Server, affineur, initialise, serve
from tests.services.events import STILL, Downloads, bring
from tests.web.people import DEVICE, SESSION, Person, Visitor, sign_up, signed_in, store_of, words

from affineur.actions import classify, minting
from affineur.core.names import NormalizedName
from affineur.core.people.caveats import ALL_ACTIONS
from affineur.core.people.second_factor import FactorKind, StepUp
from affineur.projections import dependents
from affineur.settings import load
from affineur.shell.index import open_index
from affineur.shell.store import grants, projects, tokens
from affineur.web.app import build
from affineur.web.requestlog import RequestLog, address_keeper

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

LAST = date(2026, 3, 18)
BRIE = NormalizedName("brie")
TERMS: Mapping[str, object] = {"impact_window_days": 7, "impact_floor": 10, "impact_percent": 50.0}
TOTP: tuple[FactorKind, ...] = ("totp",)
PASSKEY: tuple[FactorKind, ...] = ("passkey",)
CODES = "AAAA-1111,EU\nBBBB-2222,EU\nCCCC-3333,US,2999-12-31\ntwo words\n"


@dataclass(frozen=True)
class Place:
    """A server, and those who have an account there: `ann` and `bob` own brie, which is C4; `ada` runs the index."""

    server: Server
    people: Mapping[str, Person]

    def browse(self, name: str) -> Visitor:
        return signed_in(self.server, self.people[name], proof="passkey", device_age=timedelta(days=2))


def _measured(data: Path) -> None:
    """Projects with downloads, and a run over them: brie is C4, comte is not."""
    index = open_index(load({"data": data, **TERMS}, environment={}).settings)
    publish(index, "brie")
    publish(index, "comte", minutes=2, requires=["brie"])
    dependents.catch_up(index)
    days = [LAST - timedelta(days=number) for number in range(7)]
    bring(index, [Downloads("brie", day, 40, networks=4) for day in days], LAST + timedelta(days=1))
    bring(index, [Downloads("comte", day, 2) for day in days], LAST + timedelta(days=1))
    classify.run(index, lambda: datetime.now(UTC))
    index.close()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    data = tmp_path_factory.mktemp("vouchers") / "data"
    token = initialise(data)
    _measured(data)
    environment = {"AFFINEUR_MAIL_CONTACT": "help@example.org"}
    with serve(data, token, options=STILL, environment=environment) as running:
        people = {name: sign_up(running, name, factors=TOTP) for name in ("ann", "bob", "eve")}
        people["ada"] = sign_up(running, "ada", office="operator", factors=PASSKEY)
        with store_of(running) as store, store.write() as connection:
            found = projects.find(connection, BRIE)
            assert found is not None
            for name in ("ann", "bob"):
                grants.set_role(connection, found.id, people[name].id, "owner", datetime.now(UTC), None)
        yield Place(running, people)


def campaign(place: Place, name: str, **more: str) -> None:
    with place.browse("ada") as ada:
        made = ada.post("/admin/campaigns", {
            "name": name, "title": f"Security keys {name}", "text": "One key each.\nRedeem it <b>soon</b>.",
            "role": "owner", "class": "C4", "without": "passkey", "opens": f"{datetime.now(UTC):%Y-%m-%d}",
            "closes": "2027-12-31", **more,
        })  # fmt: skip
        assert made.headers.get("location") == f"/admin/campaigns/{name}?done=campaign-made", words(made)


def test_an_operator_runs_a_campaign_and_an_owner_takes_a_key(place: Place) -> None:
    campaign(place, "keys")
    with place.browse("ada") as ada, place.browse("ann") as ann, place.browse("eve") as eve:
        added = ada.post("/admin/campaigns/keys", {"act": "import", "codes": CODES})
        assert "3 codes added. Left out: 1 no code." in words(added)
        assert "AAAA" not in added.text
        assert "Letters sent: 2." in words(ada.post("/admin/campaigns/keys", {"act": "announce"}))
        assert "Letters sent: 0. Written to before: 2." in words(ada.post("/admin/campaigns/keys", {"act": "announce"}))
        assert "a voucher for you" in words(ann.get("/account/"))
        offered = ann.get("/account/vouchers")
        assert "Redeem it <b>soon</b>." in words(offered), "what an operator writes is text"
        assert ann.post("/account/vouchers/keys", {"region": "nowhere"}).status_code == 409
        taken = ann.post("/account/vouchers/keys", {"region": "US"})
        assert taken.headers["location"] == "/account/vouchers?done=voucher-claimed"
        mine = ann.get("/account/vouchers")
        assert "CCCC-3333" in mine.text
        assert "no-store" in mine.headers["cache-control"]
        assert "Your vouchers" in words(ann.get("/account/"))
        again = ann.post("/account/vouchers/keys", {"region": "EU"})
        assert (again.status_code, "You have a voucher" in words(again)) == (409, True)
        refused = eve.post("/account/vouchers/keys", {})
        assert (refused.status_code, "owners of projects of class C4" in words(refused)) == (403, True)
        assert "none for you at present" in words(eve.get("/account/vouchers"))
        for path in ("/admin/campaigns", "/admin/campaigns/keys"):
            assert eve.get(path).status_code == 403
        shown = ada.get("/admin/campaigns/keys")
        assert "Claimed 1" in words(shown)
        assert "CCCC" not in shown.text + ada.get("/admin/log").text
        assert ada.post("/admin/campaigns/keys", {"act": "close"}).status_code == 303
        assert ada.post("/admin/campaigns/keys", {"act": "import", "codes": "DDDD"}).status_code == 409


def test_a_form_of_a_campaign_that_does_not_fit_says_why_and_keeps_what_was_typed(place: Place) -> None:
    with place.browse("ada") as ada:
        typed = {"name": "No Name", "title": "A title <i>", "text": "Text.", "opens": "2026-01-01", "class": "C3"}
        refused = ada.post("/admin/campaigns", {**typed, "closes": "2999-01-01"})
        assert refused.status_code == 400
        assert "A title &lt;i&gt;" in refused.text
        assert 'value="C3" checked' in refused.text
        assert ada.post("/admin/campaigns", {**typed, "closes": "soon"}).status_code == 400
        assert ada.post("/admin/campaigns", {**typed, "closes": "9999-12-31"}).status_code == 400
        assert ada.post("/admin/campaigns/ghost", {"act": "close"}).status_code == 404


def test_a_campaign_is_run_by_command_and_by_api_alike(place: Place, tmp_path: Path) -> None:
    codes = tmp_path / "codes.csv"
    codes.write_text("ONE\nTWO\nTWO\n", "utf-8")
    data = ("--data", place.server.data)
    affineur("campaign", "create", "books", "--title", "Books", "--text", "A book.", "--closes", "2027-01-31",
             "--without", "factor", *data)  # fmt: skip
    assert "2 codes added. Left out: 1 repeated." in affineur("campaign", "import", "books", codes, *data)
    ask = httpx.Client(
        base_url=f"{place.server.url}api/v1/", headers={"authorization": f"Bearer {token_of(place, 'ada')}"},
        trust_env=False, timeout=30,
    )  # fmt: skip
    with ask:
        (found,) = [each for each in ask.get("campaigns").json()["items"] if each["name"] == "books"]
        assert (found["codes"]["left"], found["whom"]) == (
            2,
            "For everybody with an account, without any second factor.",
        )
        assert ask.post("campaigns/books/codes", json={"codes": "ONE\nTHREE"}).json() == {
            "added": 1, "refused": {"known": 1},
        }  # fmt: skip
        assert ask.post("campaigns/books/close").json()["phase"] == "closed"
        made = ask.post("campaigns", json={
            "name": "mugs", "title": "Mugs", "text": "A mug.", "eligible": {"roles": ["owner"]},
            "closes_at": f"{datetime.now(UTC) + timedelta(days=3):%Y-%m-%dT%H:%M:%SZ}",
        })  # fmt: skip
        assert (made.status_code, made.json()["phase"]) == (201, "open")
        assert ask.post("campaigns/mugs/announcement").json()["rule"] == "voucher.left"
    shown = affineur("campaign", "show", "books", *data)
    assert "everywhere: 3 left, 0 claimed, 0 expired" in shown
    assert "THREE" not in shown


def token_of(place: Place, name: str) -> str:
    """A token of somebody's that was confirmed just now."""
    now = datetime.now(UTC)
    with store_of(place.server) as store, store.write() as connection:
        made = minting.account_token(connection, place.people[name].id, "a test", now, actions=ALL_ACTIONS)
        tokens.confirm(connection, made.id, StepUp(now, "passkey"))
    return made.secret


def test_owners_see_every_number_and_others_the_class(place: Place) -> None:
    with place.browse("ann") as ann, place.browse("eve") as eve, Visitor(place.server.url) as nobody:
        seen = words(ann.get("/project/brie/impact/"))
        assert "C4, critical" in seen
        assert "Steady installs" in seen
        assert "10, met" in seen or "limit" in seen.lower()
        assert "1 of 2" in seen
        assert "pip: 280" in seen
        assert "comte → brie" in seen
        assert "I cannot take this on" in seen
        assert "help@example.org" in seen
        for other in (eve, nobody):
            public = words(other.get("/project/brie/impact/"))
            assert "C4, critical" in public
            assert "Publishing: with the same tokens" in public
            assert "Steady installs" not in public
            assert "cannot take this on" not in public
        assert eve.post("/project/brie/impact/", {"wish": "help"}).status_code == 403
        assert nobody.get("/project/Brie/impact").headers["location"] == "/project/brie/impact/"
        assert nobody.get("/project/nothing/impact/").status_code == 404
        assert "C4, critical" in words(nobody.get("/project/brie/"))


def test_where_classes_are_not_public_only_those_whom_it_concerns_see_any(place: Place, tmp_path: Path) -> None:
    settings = {"data": place.server.data, "impact_public": False}
    index = open_index(load(settings, environment={}).settings)
    log = RequestLog(tmp_path, address_keeper("none", b""))
    ann = {"cookie": f"{SESSION}={_session(place, 'ann')}"}
    eve = {"cookie": f"{SESSION}={_session(place, 'eve')}"}

    async def seen(path: str, headers: Mapping[str, str]) -> httpx.Response:
        transport = httpx.ASGITransport(build(index, log))
        async with httpx.AsyncClient(transport=transport, base_url="http://index.example.org") as client:
            return await client.get(path, headers={"accept": "text/html", **headers})

    hers, others, nobodys, project = (
        run(seen(path, headers))
        for path, headers in (
            ("/project/brie/impact/", ann),
            ("/project/brie/impact/", eve),
            ("/project/brie/impact/", {}),
            ("/project/brie/", {}),
        )
    )
    index.close()
    assert (hers.status_code, "Classes are not public" in words(hers)) == (200, True)
    assert (others.status_code, nobodys.status_code) == (404, 404)
    assert "C4" not in others.text + nobodys.text + project.text


def _session(place: Place, name: str) -> str:
    with place.browse(name) as visitor:
        return visitor.cookie(SESSION) or ""


def test_an_owner_who_cannot_take_it_on_says_so_with_one_button(place: Place) -> None:
    with place.browse("bob") as bob, Visitor(place.server.url) as nobody:
        for wish, said in (("help", "help"), ("none", "")):
            done = bob.post("/project/brie/impact/", {"wish": wish})
            assert done.headers["location"] == f"/project/brie/impact/?done=wish-{wish}"
            page = words(nobody.get("/project/brie/"))
            assert ("Its owners wish for" in page) == bool(said)
        assert bob.post("/project/brie/impact/", {"wish": "fame"}).status_code == 400


def test_the_api_tells_the_evidence_to_those_whom_it_concerns(place: Place) -> None:
    shown = {name: token_of(place, name) for name in ("ann", "eve")}
    where = f"{place.server.url}api/v1/projects/Brie/impact"
    told = httpx.get(where, headers={"authorization": f"Bearer {shown['ann']}"}, trust_env=False, timeout=30).json()
    assert (told["class"], told["basis"], told["evidence"]["measured"]) == ("C4", "downloads-7d", "C4")
    first = told["evidence"]["numbers"][0]
    assert (first["what"], first["rank"], first["among"], first["met"]) == ("Steady installs", 1, 2, True)
    assert {"protects", "delays"} == {each["kind"] for each in told["changes"]}
    refused = httpx.get(where, headers={"authorization": f"Bearer {shown['eve']}"}, trust_env=False, timeout=30)
    assert (refused.status_code, refused.json()["rule"]) == (403, "access.role")


@pytest.fixture
def visit(browser: Browser, place: Place) -> Iterator[Callable[..., Page]]:
    """Open a page as somebody; whatever the browser complains about fails the test."""
    contexts, complaints = [], []

    def open_page(path: str, name: str | None, **options: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        contexts.append(context)
        if name is not None:
            with place.browse(name) as visitor:
                context.add_cookies(
                    [{"name": each, "value": visitor.cookie(each) or "", "url": place.server.url}
                     for each in (SESSION, DEVICE)]
                )  # fmt: skip
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        opened = page.goto(place.server.url + path)
        assert opened is not None
        assert opened.ok
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("bob", "account/vouchers"),
        ("ada", "admin/campaigns"),
        ("ada", "admin/campaigns/looks"),
        ("ann", "project/brie/impact/"),
        (None, "project/brie/impact/"),
    ],
)
def test_none_of_these_pages_keeps_anybody_out(
    place: Place, visit: Callable[..., Page], name: str | None, path: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    if path in ("account/vouchers", "admin/campaigns/looks"):
        with_codes(place)
    page = visit(path, name)
    for scheme, width in (("light", 1280), ("dark", 375)):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.set_viewport_size({"width": width, "height": 800})
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def with_codes(place: Place) -> None:
    """The campaign `looks`, of which bob has a code, and `more`, of which he could have one of two regions."""
    with place.browse("ada") as ada:
        if ada.get("/admin/campaigns/looks").status_code == 200:
            return
    for name in ("looks", "more"):
        campaign(place, name)
        with place.browse("ada") as ada:
            ada.post(f"/admin/campaigns/{name}", {"act": "import", "codes": CODES})
    with place.browse("bob") as bob:
        assert bob.post("/account/vouchers/looks", {"region": "EU"}).status_code == 303
