"""Moderation over real HTTP: reports in both forms, holds of every size, cases, appeals, and what a hold pauses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from tests.services.affineur import Server, initialise, serve
from tests.web.people import Person, sign_up, signed_in, store_of, words
from tests.web.uploading import Answer, a_wheel, ask, published, upload
from typer.testing import CliRunner

from affineur.cli.errors import EXIT_REFUSED, explain
from affineur.cli.main import app
from affineur.core.moderation.observations import MEDIA_TYPE
from affineur.shell.store.schema import account as account_table
from affineur.shell.store.schema import token as token_table

WHEEL = "brie-1.0-py3-none-any.whl"


class House:
    """A server with ``brie`` and ``edam``, their owner, two moderators and a reporter, each with a token."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.tokens = {"operator": server.token}
        self.people: dict[str, Person] = {}
        for name, office in (("mo", "moderator"), ("mia", "moderator"), ("olga", None), ("rita", None)):
            self.people[name] = sign_up(server, name, office=office, factors=("passkey",))  # type: ignore[arg-type]
            self.tokens[name] = json.loads(self.console("token", "create", "--user", name, "--json"))["token"]
        with store_of(server) as store, store.write() as connection:  # as if each had just confirmed theirs
            connection.execute(token_table.update().values(stepped_up_at=datetime.now(UTC), stepped_up_with="passkey"))

    def console(self, *words: str) -> str:
        """A command on the machine of the index."""
        done = CliRunner().invoke(app, words, env={"AFFINEUR_DATA": str(self.server.data)}, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    def api(self, who: str, method: str, path: str, body: object = None) -> Answer:
        """A request by somebody; ``path`` is below ``/api/v1``."""
        data = b"" if body is None else json.dumps(body).encode()
        return ask(
            self.server, method, f"/api/v1{path}", data, authorization=f"Bearer {self.tokens[who]}",
            content_type="application/json" if data else None,
        )  # fmt: skip

    def act(self, who: str, verb: str, project: str = "brie", **body: object) -> Answer:
        """An act on a project."""
        return self.api(who, "POST", f"/projects/{project}/{verb}", body)

    def get(self, path: str) -> Answer:
        """What anybody gets."""
        return ask(self.server, "GET", path)

    def files(self) -> list[str]:
        """The addresses of what ``brie`` has on offer, as JSON clients see it."""
        page = ask(self.server, "GET", "/simple/brie/", accept="application/vnd.pypi.simple.v1+json").json
        return [urlsplit(urljoin("/simple/brie/", each["url"])).path for each in page["files"]]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    data: Path = tmp_path_factory.mktemp("moderation") / "data"
    with serve(data, initialise(data)) as server:
        for name in ("brie", "edam"):
            for version in ("1.0", "2.0"):
                published(upload(server, a_wheel(name, version)))
        made = House(server)
        for name in ("brie", "edam"):
            made.console("role", "add", name, "olga", "--as", "owner")
        yield made


def refused(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json["rule"]


def statuses(house: House, *paths: str) -> list[int]:
    """By both processes that serve: asked several times each, so that either has answered."""
    return sorted({house.get(path).status for path in paths for _ in range(6)})


def test_a_report_is_taken_once_and_told_to_nobody(house: House) -> None:
    said = {"kind": "spam", "summary": "An advertisement.", "evidence": ["https://example.org/seen"], "version": "1.0"}
    first = house.act("rita", "reports", "edam", **said)
    assert (first.status, first.json["duplicate"], first.json["held"]) == (200, False, False)
    again = house.act("rita", "reports", "edam", **said)
    assert (again.json["case"], again.json["duplicate"]) == (first.json["case"], True)
    (mine,) = house.api("rita", "GET", "/account/reports").json["items"]
    assert (mine["project"], mine["kind"], mine["verdict"]) == ("edam", "spam", None)
    for who in ("olga", "rita"):
        assert refused(house.api(who, "GET", "/cases")) == (403, "access.office")
        assert refused(house.api(who, "GET", f"/cases/{first.json['case']}")) == (403, "access.office")
    assert refused(house.act("rita", "reports", "edam", kind="spam", summary=" ")) == (400, "report.summary")


def test_scanners_report_as_they_do_elsewhere(house: House) -> None:
    def send(path: str, body: bytes, token: str = "", kind: str = MEDIA_TYPE) -> Answer:
        return ask(house.server, "POST", f"/danger-api{path}", body, content_type=kind,
                   authorization=f"Bearer {token}" if token else None)  # fmt: skip

    said = {
        "kind": "is_malware",
        "summary": "It reads keys.",
        "inspector_url": "https://example.org/project/edam/2.0/x",
    }
    answer = send("/projects/Edam/observations", json.dumps(said).encode(), house.tokens["rita"])
    assert (answer.status, answer.json) == (202, {"project": "edam", "thanks": "for the observation"})
    assert send("/echo", b"", house.tokens["rita"]).json == {"username": "rita"}
    assert send("/projects/edam/observations", json.dumps(said).encode()).status == 401
    assert send("/projects/edam/observations", b"[", house.tokens["rita"]).status == 400
    assert send("/projects/nothing-here/observations", json.dumps(said).encode(), house.tokens["rita"]).status == 404
    assert send("/projects/edam/observations", b"x" * 300_000, house.tokens["rita"]).status == 400
    (case,) = house.api("mo", "GET", "/cases?project=edam").json["items"]
    whole = house.api("mo", "GET", f"/cases/{case['number']}").json
    found = next(each for each in whole["reports"] if each["kind"] == "malware")
    assert (found["version"], found["reporter"], found["weight"]) == ("2.0", "rita", 0.625)


@pytest.mark.parametrize(
    ("body", "gone", "stays"),
    [
        ({}, ["1.0", "2.0"], []),
        ({"version": "1.0"}, ["1.0"], ["2.0"]),
        ({"file": WHEEL}, ["1.0"], ["2.0"]),
    ],
)
def test_what_is_held_answers_nothing_from_the_moment_the_moderator_is_answered(
    house: House, body: dict[str, str], gone: list[str], stays: list[str]
) -> None:
    before = {path.rsplit("/", 1)[-1]: path for path in house.files()}
    assert len(before) == 2
    held = house.act("mo", "quarantine", reason="Looks bad", code="malware", **body)
    assert (held.status, held.json["changed"], held.json["waits"]) == (200, True, False)
    hidden = [path for name, path in before.items() if name.split("-")[1] in gone]
    assert statuses(house, *hidden) == [404]
    partial = ask(house.server, "GET", hidden[0], range="bytes=10-")
    assert partial.status == 404
    assert [path.rsplit("/", 1)[-1].split("-")[1] for path in house.files()] == stays
    assert house.get("/simple/brie/").status == 200  # mirrors skip a 404 and keep the files
    assert house.act("mo", "clear", **body).json["changed"]
    assert statuses(house, *before.values()) == [200]


def test_a_quarantine_pauses_tokens_of_its_project_and_nothing_of_its_owner(house: House) -> None:
    house.act("mo", "quarantine", code="malware")
    try:
        assert refused(house.act("olga", "yank", version="1.0")) == (403, "access.paused")
        uploaded = upload(house.server, a_wheel("brie", "3.0"), token=house.tokens["olga"])
        assert uploaded.status == 403 and "paused" in uploaded.text
        assert house.act("olga", "yank", "edam", version="1.0").status == 200
        assert house.act("olga", "unyank", "edam", version="1.0").status == 200
        with store_of(house.server) as store, store.read() as connection:
            row = connection.execute(account_table.select().where(account_table.c.name == "olga")).one()
        assert row.frozen_at is None
        assert house.api("olga", "GET", "/account").status == 200
    finally:
        assert house.act("mo", "clear").status == 200
    assert house.act("olga", "yank", version="9.9").json["rule"] == "yank.selection"


def test_condemning_takes_two_and_an_appeal_can_undo_it(house: House) -> None:
    number = house.act("mo", "quarantine", code="malware", reason="Steals keys").json["case"]
    assert refused(house.act("mo", "condemn")) == (409, "lifecycle.condemn")
    house.api("mo", "POST", f"/cases/{number}/notes", {"text": "It posts ~/.ssh."})
    assert house.act("mo", "condemn").json["waits"] is True
    assert house.api("mia", "GET", f"/cases/{number}").json["proposed_by"] == "mo"
    assert refused(house.api("mo", "POST", f"/cases/{number}/confirm")) == (409, "hold.second-moderator")
    assert house.api("mia", "POST", f"/cases/{number}/confirm").json == {
        "case": number, "act": "condemn", "closed": True,
    }  # fmt: skip
    made = house.act("olga", "appeals", text="It is a test.")
    assert (made.status, made.json["case"]) == (201, number)
    assert refused(house.act("olga", "appeals", text="Again.")) == (409, "appeal.open")
    assert refused(house.act("rita", "appeals", text="Me too.")) == (403, "access.role")
    answer = {"text": "You are right.", "outcome": "lifted"}
    assert refused(house.api("mia", "POST", f"/appeals/{made.json['id']}/answer", answer))[1] == "appeal.own-decision"
    done = house.api("operator", "POST", f"/appeals/{made.json['id']}/answer", answer)
    assert (done.status, done.json["outcome"]) == (200, "lifted")
    assert len(house.files()) == 2
    (told,) = house.api("olga", "GET", "/projects/brie/appeals").json["items"]
    assert told["answer"] == "You are right."


def test_a_case_is_worked_through_by_api(house: House) -> None:
    number = house.act("rita", "reports", kind="other", summary="Odd.").json["case"]
    assert house.api("mo", "PUT", f"/cases/{number}/taken").json["case"]["taken_by"] == "mo"
    assert number in [each["number"] for each in house.api("mo", "GET", "/cases?which=mine").json["items"]]
    assert house.api("mo", "DELETE", f"/cases/{number}/taken").json["case"]["taken_by"] is None
    closed = house.api("mo", "POST", f"/cases/{number}/dismiss", {"text": "Nothing."})
    assert (closed.status, closed.json["case"]["verdict"]) == (200, "dismissed")
    assert refused(house.api("mo", "POST", f"/cases/{number}/dismiss", {"text": "Nothing."})) == (409, "case.closed")
    assert refused(house.api("mo", "GET", "/cases/2026-99999")) == (404, "case.exists")
    assert refused(house.api("mo", "GET", "/cases/nonsense")) == (400, "report.case")
    page = house.api("mo", "GET", "/cases?which=closed&limit=1").json
    assert len(page["items"]) == 1


def test_whose_reports_are_trusted_is_said_by_moderators(house: House) -> None:
    assert refused(house.api("rita", "PUT", "/accounts/rita/trusted-reporter")) == (403, "access.office")
    assert house.api("mo", "PUT", "/accounts/rita/trusted-reporter").json["trusted"] is True
    assert house.api("mo", "DELETE", "/accounts/rita/trusted-reporter").json["marked_trusted"] is False


STATE = "account/projects/brie/state"
ALIKE = {
    "nothing to take back": (
        "olga", (STATE, {"act": "undeprecate"}), ("undeprecate", {}), "undeprecate brie"
    ),
    "a replacement that is not here": (
        "olga", (STATE, {"act": "deprecate", "replacements": "gouda"}),
        ("deprecate", {"replacements": [{"name": "gouda"}]}), "deprecate brie --use gouda",
    ),
    "owners withhold no whole project": (
        "olga", (STATE, {"act": "withhold", "code": "secret"}),
        ("withhold", {"code": "secret"}), "withhold brie --code secret",
    ),
    "a release that is not here": (
        "rita", ("project/brie/report/", {"kind": "spam", "summary": "Links.", "version": "9.9"}),
        ("reports", {"kind": "spam", "summary": "Links.", "version": "9.9"}),
        "report brie 9.9 --kind spam --summary Links.",
    ),
    "an appeal against nothing": (
        "olga", ("project/edam/appeal/", {"text": "Why?"}), ("appeals", {"text": "Why?"}), "appeal edam --text Why?",
    ),
    "nothing to clear": (
        "mo", ("admin/projects/edam/clear", {"place": "", "step": "act"}), ("clear", {}), "clear edam",
    ),
}  # fmt: skip
"""What is refused to whom: a form and its fields, the same by API, and by command."""


@pytest.mark.parametrize(("who", "form", "call", "command"), ALIKE.values(), ids=ALIKE)
def test_a_refusal_reads_the_same_on_a_page_by_api_and_by_command(
    house: House, who: str, form: tuple[str, dict[str, str]], call: tuple[str, dict[str, object]], command: str
) -> None:
    project = "edam" if "edam" in command else "brie"
    said = house.act(who, call[0], project, **call[1]).json
    assert said["rule"] and said["detail"]
    with signed_in(house.server, house.people[who], proof="passkey") as visitor:
        page = words(visitor.post(*form))
    variables = {"AFFINEUR_INDEX": house.server.url, "AFFINEUR_TOKEN": house.tokens[who]}
    error = CliRunner().invoke(app, command.split(), env=variables).exception
    printed, status = (error and explain(error)) or ("", 0)
    assert status == EXIT_REFUSED
    for sentence in (said["detail"], *said["ways_out"], said["rule"]):
        assert sentence in page, page
        assert sentence in printed, printed


@pytest.mark.parametrize("where", ["here", "elsewhere"])
def test_the_command_line_does_the_same(house: House, where: str) -> None:
    variables = {
        "here": {"AFFINEUR_DATA": str(house.server.data)},
        "elsewhere": {"AFFINEUR_INDEX": house.server.url, "AFFINEUR_TOKEN": house.tokens["operator"]},
    }

    def run(*words: str) -> str:
        done = CliRunner().invoke(app, words, env=variables[where], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    said = run("report", "brie", "2.0", "--kind", "malware", "--summary", "It reads \x1b[2Jkeys.")
    number = re.findall(r"case (2[0-9-]+)", said)[0]
    assert number in run("case", "list")
    assert "\x1b" not in run("case", "show", number)
    assert "quarantined" in run("quarantine", "brie", "2.0", "--code", "malware", "--reason", "Looks bad")
    assert "note by" in run("case", "note", number, "--text", "Looked at it.")
    assert "stays held" in run("case", "confirm", number)
    assert json.loads(run("clear", "brie", "2.0", "--upheld", "--json"))["changed"] is True
    shown = json.loads(run("case", "show", number, "--json"))
    assert (shown["case"]["verdict"], shown["case"]["held"]) == ("upheld", [])
    other = json.loads(run("report", "brie", "--kind", "other", "--summary", "Odd.", "--json"))["case"]
    assert run("case", "take", other) and run("case", "take", other, "--back")
    assert "dismissed" in run("case", "dismiss", other, "--text", "Nothing.")
    assert "rita: trusted" in run("reporter", "trust", "rita")
    assert "not trusted" in run("reporter", "untrust", "rita")
    assert json.loads(run("withhold", "brie", "1.0", "--code", "secret", "--json"))["changed"] is True
    assert "given back" in run("unwithhold", "brie", "1.0")


def test_an_appeal_is_filed_and_answered_by_command(house: House) -> None:
    def run(who: str, *words: str) -> str:
        variables = {"AFFINEUR_INDEX": house.server.url, "AFFINEUR_TOKEN": house.tokens[who]}
        done = CliRunner().invoke(app, words, env=variables, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    run("mo", "quarantine", "brie", "--code", "malware")
    made = json.loads(run("olga", "appeal", "brie", "--text", "It is a test.", "--json"))
    assert f"appeal {made['id']} by olga: open" in run("mia", "case", "show", made["case"])
    assert "lifted" in run("mia", "case", "answer", str(made["id"]), "--lift", "--text", "Right.")
    assert len(house.files()) == 2
