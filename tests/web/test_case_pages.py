"""Cases by their pages: reported by people, worked through by moderators, objected to by those who are concerned."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

import httpx
import pytest
from tests.web.cases_scene import Scene, moderated
from tests.web.people import Visitor, sign_up, signed_in, words

SCRIPT = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with moderated(tmp_path_factory.mktemp("cases") / "data") as there:
        yield there


@pytest.fixture(scope="module")
def mo(scene: Scene) -> Iterator[Visitor]:
    with scene.at(scene.mo) as visitor:
        yield visitor


@pytest.fixture(scope="module")
def nan(scene: Scene) -> Iterator[Visitor]:
    with scene.at(scene.nan) as visitor:
        yield visitor


@pytest.fixture(scope="module")
def ann(scene: Scene) -> Iterator[Visitor]:
    with scene.at(scene.ann) as visitor:
        yield visitor


@pytest.fixture(scope="module")
def rob(scene: Scene) -> Iterator[Visitor]:
    with scene.at(scene.rob) as visitor:
        yield visitor


@pytest.fixture(scope="module")
def stranger(scene: Scene) -> Iterator[Visitor]:
    with Visitor(scene.server.url) as visitor:
        yield visitor


def offered(scene: Scene, project: str) -> str:
    """The page that installers read."""
    return httpx.get(f"{scene.server.url}simple/{project}/", trust_env=False, timeout=30).text


def test_strangers_read_what_can_be_reported_and_are_led_to_sign_in_and_back(stranger: Visitor) -> None:
    page = stranger.get("project/brie/report/")
    assert page.status_code == 200
    assert '<form class="stack"' not in page.text
    assert 'href="/account/sign-in?next=/project/brie/report/"' in page.text
    assert "made to be mistaken for another project" in words(page)
    assert page.headers["cache-control"] == "no-store, private"
    assert stranger.post("project/brie/report/", {"kind": "malware", "summary": "x"}).status_code == 303
    assert stranger.get("project/Brie/report").status_code in (301, 308)
    assert stranger.get("project/nothing-here/report/").status_code == 404


def test_a_report_gets_a_case_and_its_reporter_reads_what_becomes_of_it(scene: Scene, rob: Visitor) -> None:
    number = scene.report(scene.rob, "edam", kind="spam", summary=f"Only links. {SCRIPT}")
    sent = words(rob.get(f"project/edam/report/sent?case={number}&done=report-taken"))
    assert f"Case {number}" in sent
    assert "within 7 days" in sent
    assert rob.get("project/edam/report/sent?case=1999-0001").status_code == 404
    again = rob.post("project/edam/report/", {"kind": "spam", "summary": "Once more.", "version": "", "evidence": ""})
    assert again.headers["location"] == f"/project/edam/report/sent?case={number}&done=report-again"
    mine = rob.get("account/reports")
    assert "It waits for a moderator" in words(mine)
    assert SCRIPT not in mine.text


def test_a_report_that_does_not_fit_comes_back_with_what_was_typed(rob: Visitor) -> None:
    fields = {"kind": "malware", "summary": "It steals.", "version": "1.1", "evidence": "javascript:alert(1)"}
    answer = rob.post("project/brie/report/", fields)
    assert answer.status_code == 400
    assert "is no link that can be shown" in words(answer)
    assert "It steals.</textarea>" in answer.text
    assert '<option value="1.1" selected>' in answer.text


def test_nobody_without_the_office_sees_a_case(scene: Scene, ann: Visitor, stranger: Visitor) -> None:
    number = scene.report(scene.sue, "edam", kind="other")
    for path in ("admin/cases", f"admin/cases/{number}", "admin/projects/edam/quarantine"):
        assert ann.get(path).status_code == 403, path
        assert "edam" not in words(ann.get(path))
        assert stranger.get(path).headers["location"].startswith("/account/sign-in?next=")
    for act in ("take", "note", "dismiss", "confirm", "answer"):
        answer = ann.post(f"admin/cases/{number}/{act}", {"note": "x", "why": "x", "appeal": "1", "answer": "x"})
        assert answer.status_code in (403, 404), act
        assert "Sue" not in answer.text
    assert ann.post("admin/projects/edam/quarantine", {"place": "", "step": "act"}).status_code == 403
    assert "edam-1.0" in offered(scene, "edam")


def test_the_queue_has_what_is_due_first_on_top_and_can_be_narrowed(scene: Scene, mo: Visitor) -> None:
    scene.report(scene.rob, "camembert", kind="look-alike")
    scene.report(scene.rob, "brie", kind="malware")
    page = mo.get("admin/cases")
    assert re.findall(r"data-open>([a-z]+)</a>", page.text)[0] == "brie"
    assert "due in 23 hours" in words(page)
    narrowed = re.findall(r"data-open>([a-z]+)</a>", mo.get("admin/cases?kind=look-alike").text)
    assert narrowed == ["camembert"]
    assert "No case is like that" in words(mo.get("admin/cases?which=overdue"))
    assert mo.get("admin/cases?project=%00&which=nonsense&start=-1").status_code == 400
    assert mo.get(f"admin/cases?start={'9' * 5000}").status_code == 200
    assert "No case is like that" in words(mo.get("admin/cases?start=900000"))


def test_a_case_shows_its_reports_as_text_and_leads_into_the_files(scene: Scene, mo: Visitor) -> None:
    link = "https://example.org/gist?a=1&b=2"
    number = scene.report(scene.sue, "brie", version="1.1", summary=f"Line 1:\n{SCRIPT}", evidence=link)
    page = mo.get(f"admin/cases/{number}")
    assert SCRIPT not in page.text
    assert f"<code>{link.replace('&', '&amp;')}</code>" in page.text
    assert 'rel="nofollow noopener noreferrer"' in page.text
    said = words(page)
    assert "Weight 0.62" in said
    assert "accounts: 2 younger than a week" in said
    assert "The project was created." in said
    for path in re.findall(r'href="/(admin/projects/brie/(?:files|compare)[^"]*)"', page.text):
        assert mo.get(unescape(path)).status_code == 200, path


def test_taking_a_case_shows_others_who_works_on_it(scene: Scene, mo: Visitor, nan: Visitor) -> None:
    number = scene.report(scene.sue, "camembert", kind="spam")
    assert mo.post(f"admin/cases/{number}/take").headers["location"] == f"/admin/cases/{number}?done=case-taken"
    assert "mo works on it" in words(nan.get(f"admin/cases/{number}"))
    assert "camembert" in mo.get("admin/cases?which=mine").text
    assert "camembert" not in nan.get("admin/cases?which=mine").text
    mo.post(f"admin/cases/{number}/give-back")
    assert "Nobody has taken it" in words(nan.get(f"admin/cases/{number}"))


def test_a_preview_says_what_everybody_will_read_and_changes_nothing(scene: Scene, mo: Visitor) -> None:
    scene.report(scene.sue, "brie")
    fields = {"place": "release 1.1", "code": "malware", "reason": "Reads keys.", "step": "preview"}
    page = mo.post("admin/projects/brie/quarantine", fields)
    said = words(page)
    assert page.status_code == 200
    assert "quarantined: [malware] Reads keys." in said
    assert "pip install brie Now: Installs 1.1. Then: Installs 1.0." in said
    assert "pip install brie==1.1 Now: Installs 1.1. Then: Fails: “No matching distribution" in said
    assert "brie: on hold, case 2026-" in said
    assert "2 people with a role on it, by mail" in said
    assert "brie-1.1" in offered(scene, "brie")
    form = mo.get("admin/projects/brie/quarantine")
    assert '<option value="malware" selected>' in form.text  # as the reports have it
    whole = words(form)
    assert "Tokens and trusted publishers are paused for this project." in whole
    assert "[quarantined]" in whole


def test_a_form_that_names_what_is_not_there_holds_nothing(scene: Scene, mo: Visitor) -> None:
    for place in ("release 9.9", "file ../x", "everything"):
        answer = mo.post("admin/projects/brie/quarantine", {"place": place, "code": "", "reason": "", "step": "act"})
        assert answer.status_code == 404, place
    assert mo.post("admin/projects/brie/clear", {"place": "", "step": "act"}).status_code == 404
    assert "clear' leads nowhere from there" in words(mo.get("admin/projects/brie/clear"))
    assert mo.get("admin/projects/no-such/quarantine").status_code == 404
    assert "brie-1.1" in offered(scene, "brie")


def test_a_case_is_worked_through_to_a_verdict_of_two(
    scene: Scene, mo: Visitor, nan: Visitor, ann: Visitor, rob: Visitor, stranger: Visitor
) -> None:
    number = scene.report(scene.rob, "brie", version="1.1", summary="steal.py")
    where = f"admin/cases/{number}"
    said = {"place": "release 1.1", "code": "malware", "reason": "It reads keys.", "step": "act"}
    held = mo.post("admin/projects/brie/quarantine", said)
    assert held.headers["location"] == f"/{where}?done=quarantine-done"
    assert "brie-1.1" not in offered(scene, "brie")
    assert "brie-1.0" in offered(scene, "brie")

    anybody = words(stranger.get("project/brie/appeal/"))
    assert "Release 1.1 is quarantined." in anybody
    assert "harmful code: It reads keys." in anybody
    assert f"Case {number}" in anybody
    assert "steal.py" not in anybody
    assert "You have none on it" in words(rob.get("project/brie/appeal/"))
    objecting = ann.get("project/brie/appeal/")
    assert "malware in release 1.1" in words(objecting)
    assert "rob" not in words(objecting).split()
    sent = ann.post("project/brie/appeal/", {"case": number, "text": f"A test file. {SCRIPT}"})
    assert sent.headers["location"] == "/project/brie/appeal/?done=appeal-filed"
    assert "waits for its answer" in words(ann.get("project/brie/appeal/"))
    assert ann.post("project/brie/appeal/", {"case": number, "text": "Again."}).status_code == 409

    page = mo.get(where)
    assert SCRIPT not in page.text
    appeal = re.findall(r'name="appeal" value="(\d+)"', page.text)[0]
    answer = {"appeal": appeal, "answer": "It is none.", "outcome": "kept"}
    own = mo.post(f"{where}/answer", answer)
    assert own.status_code == 403
    assert "by your own decision" in words(own)
    assert "It is none.</textarea>" in own.text
    assert nan.post(f"{where}/answer", answer).headers["location"] == f"/{where}?done=appeal-kept"
    assert "The hold stays" in words(ann.get("project/brie/appeal/"))

    refused = mo.get("admin/projects/brie/condemn")
    assert "nothing is written in the case yet" in words(refused)
    mo.post(f"{where}/note", {"note": "steal.py, line 1."})
    asked = mo.post("admin/projects/brie/condemn", {**said, "reason": ""})
    assert asked.headers["location"] == f"/{where}?done=hold-waits"
    assert "It was you: another moderator has to agree" in words(mo.get(where))
    assert mo.post(f"{where}/confirm").status_code == 409
    assert "I agree: condemn release 1.1" in words(nan.get(where))
    assert nan.post(f"{where}/confirm").headers["location"] == f"/{where}?done=case-condemned"
    closed = words(nan.get(where))
    assert "the reports were right" in closed
    assert "found harmful, and does not come back" in closed
    assert "You were right; it was acted on" in words(rob.get("account/reports"))

    cleared = nan.post("admin/projects/brie/clear", {"place": "release 1.1", "step": "act", "verdict": ""})
    assert cleared.headers["location"].startswith(f"/{where}?done=clear-done")
    assert "brie-1.1" in offered(scene, "brie")


def test_dismissing_tells_the_reporter_and_needs_a_word_why(scene: Scene, mo: Visitor, rob: Visitor) -> None:
    number = scene.report(scene.rob, "feta", kind="dependency-confusion")
    assert mo.post(f"admin/cases/{number}/dismiss", {"why": "  "}).status_code == 400
    done = mo.post(f"admin/cases/{number}/dismiss", {"why": "Nobody's name."})
    assert done.headers["location"] == f"/admin/cases/{number}?done=case-dismissed"
    assert "Nothing had to be held" in words(rob.get("account/reports"))
    assert "Nobody&#39;s name." in mo.get(f"admin/cases/{number}").text
    assert mo.post(f"admin/cases/{number}/take").status_code == 409


def test_what_nobody_reported_is_held_from_the_queue(scene: Scene, mo: Visitor) -> None:
    assert mo.get("admin/projects?name=Feta").headers["location"] == "/admin/projects/feta/quarantine"
    assert mo.get("admin/projects?name=%20%2F").status_code == 400
    fields = {"place": "", "code": "legal", "reason": "A court asks.", "step": "act"}
    held = mo.post("admin/projects/feta/withhold", fields)
    assert held.status_code == 303, held.text
    where = held.headers["location"].partition("?")[0]
    assert "Nobody reported it" in words(mo.get(where))
    assert "feta-1.0" not in offered(scene, "feta")
    back = mo.post("admin/projects/feta/unwithhold", {"place": "", "step": "act", "verdict": ""})
    assert back.headers["location"].endswith("done=unwithhold-done")
    assert "feta-1.0" in offered(scene, "feta")


def test_an_unknown_case_is_told_to_moderators_only(mo: Visitor, ann: Visitor) -> None:
    assert mo.get("admin/cases/2026-9999").status_code == 404
    assert mo.get("admin/cases/nonsense").status_code == 400
    assert ann.get("admin/cases/2026-9999").status_code == 403


def test_whose_reports_are_trusted_is_said_on_the_page_of_the_account(scene: Scene, mo: Visitor, ann: Visitor) -> None:
    tim = sign_up(scene.server, "tim")
    number = scene.report(tim, "camembert", kind="other", summary="From Tim.")
    assert "None was decided yet. The next one weighs 0.62 of 1." in words(mo.get("admin/accounts/tim"))
    trusted = mo.post("admin/accounts/tim/reports", {"act": "trust"})
    assert trusted.headers["location"] == "/admin/accounts/tim?done=reporter-trusted"
    assert "Weight 1.00, trusted" in words(mo.get(f"admin/cases/{number}"))
    assert ann.post("admin/accounts/rob/reports", {"act": "trust"}).status_code == 403
    mo.post("admin/accounts/tim/reports", {"act": "distrust"})
    assert "trusted" not in words(mo.get(f"admin/cases/{number}"))


def test_an_act_that_takes_a_proof_asks_for_it_before_anything_is_written(scene: Scene) -> None:
    with signed_in(scene.server, scene.mo, proof=None) as without:
        form = without.get("admin/projects/camembert/withhold?place=release%201.0")
        assert "takes a proof that it is you" in words(form)
        assert "next=/admin/projects/camembert/withhold%3Fplace%3Drelease%25201.0" in form.text
        sent = without.post("admin/projects/camembert/withhold", {"place": "", "code": "legal", "step": "act"})
        assert sent.headers["location"].startswith("/account/confirm?strength=strong")
    assert "camembert-1.0" in offered(scene, "camembert")
