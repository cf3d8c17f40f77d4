"""Commands about people on an index elsewhere, each by the person who would call it: one real server for all."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.cli.remote_machine import Machine
from tests.services.affineur import Server, affineur, initialise, serve
from tests.web.people import sign_up, signed_in, store_of
from tests.web.uploading import a_wheel, published, upload

from affineur.cli.errors import EXIT_NOT_READY, EXIT_REFUSED, EXIT_USAGE
from affineur.cli.place import warn_of_plain_http
from affineur.core.people.second_factor import StepUp
from affineur.core.permissions import Office, Role
from affineur.shell.store import grants, projects, tokens

JOB = ("--field", "owner=olga", "--field", "repository=brie", "--field", "workflow=release.yml")


@dataclass
class Scene:
    """A server with the project brie, which nobody owns, and everybody's machine by their name."""

    server: Server
    home: Path

    def person(self, name: str, *, office: Office | None = None, role: Role | None = None) -> Machine:
        """Somebody with a passkey, whose token was just confirmed with it."""
        account = sign_up(self.server, name, office=office, factors=("passkey",))
        found = json.loads(affineur("token", "create", "--user", name, "--json", "--data", self.server.data))
        now = datetime.now(UTC)
        with store_of(self.server) as store, store.write() as connection:
            tokens.confirm(connection, found["id"], StepUp(now, "passkey", now - timedelta(days=30)))
            project = projects.find(connection, "brie")
            assert project is not None
            if role is not None:
                grants.set_role(connection, project.id, account.id, role, now, None)
        return Machine(
            self.home / name, variables={"AFFINEUR_INDEX": self.server.url, "AFFINEUR_TOKEN": found["token"]}
        )

    def console(self, *arguments: str) -> str:
        """What the console of the index says."""
        return affineur(*arguments, "--data", self.server.data)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("people")
    with serve(folder / "data", initialise(folder / "data")) as server:
        published(upload(server, a_wheel("brie")))
        yield Scene(server, folder)


def test_the_log_is_ones_own_and_with_an_office_everybodys(scene: Scene) -> None:
    lena, otto = scene.person("lena"), scene.person("otto", office="auditor")
    lena.run("token", "create", "--label", "laptop")
    own = [json.loads(line) for line in lena.run("log", "--json").stdout.splitlines()]
    assert [each["event"] for each in own[:1]] == ["TokenCreated"]
    assert {each["account"] for each in own} == {"lena"}
    refused = lena.run("log", "--all", code=EXIT_REFUSED)
    assert "[access.office]" in refused.stderr
    lena.run("role", "add", "brie", "lena", code=EXIT_REFUSED)
    assert "refused: access." in lena.run("log", "--refused").stdout
    everybody = otto.run("log", "--all", "--limit", 0).stdout
    assert everybody == scene.console("log", "--limit", "0")
    only = otto.run("log", "--account", "lena", "--event", "TokenCreated", "--limit", 1).stdout
    assert only == scene.console("log", "--account", "lena", "--event", "TokenCreated", "--limit", "1")
    rows = list(csv.DictReader(io.StringIO(otto.run("log", "--account", "lena", "--csv").stdout)))
    assert {row["account"] for row in rows} == {"lena"}
    assert otto.run("log", "--all", "--until", "2020-01-31").stdout == ""
    assert "[account.exists]" in otto.run("log", "--account", "nobody", code=EXIT_REFUSED).stderr


def test_offices_are_given_listed_and_taken(scene: Scene) -> None:
    olaf = scene.person("olaf", office="operator")
    scene.person("mona")
    assert olaf.run("office", "set", "mona", "moderator").stdout == "mona is moderator of this index.\n"
    assert "already" in olaf.run("office", "set", "mona", "moderator").stdout
    assert olaf.run("office", "list").stdout == scene.console("office", "list")
    assert {"account": "mona", "office": "moderator", "frozen_at": None} in olaf.ask("office", "list")
    assert olaf.run("office", "clear", "mona").stdout == "mona holds no office any more.\n"
    assert "OFFICE is 'king'" in olaf.run("office", "set", "mona", "king", code=EXIT_USAGE).stderr
    assert "[account.exists]" in olaf.run("office", "set", "nobody", "auditor", code=EXIT_REFUSED).stderr


def test_accounts_are_frozen_and_thawed_by_moderators(scene: Scene) -> None:
    mo, fay = scene.person("mo", office="moderator"), scene.person("fay")
    assert mo.run("freeze", "fay", "--reason", "its token was published").stdout == "fay is frozen.\n"
    assert "for the reason given then" in mo.run("freeze", "fay", "--reason", "again").stdout
    assert "[access.frozen]" in fay.run("log", code=EXIT_REFUSED).stderr
    assert mo.run("thaw", "fay").stdout == "fay is open again.\n"
    assert mo.run("thaw", "fay").stdout == "fay is not frozen.\n"
    assert "[access.office]" in fay.run("freeze", "mo", "--reason", "x", code=EXIT_REFUSED).stderr


def test_an_account_is_shown_to_its_holder_and_others_to_an_office(scene: Scene) -> None:
    sara, otis = scene.person("sara", role="maintainer"), scene.person("otis", office="auditor")
    own = sara.ask("account", "show")
    assert (own["name"], own["emails"], own["roles"]) == (
        "sara",
        ["sara@example.org (verified)"],
        ["maintainer of brie"],
    )
    assert "roles: maintainer of brie" in sara.run("account", "show").stdout
    assert otis.ask("account", "show", "sara")["kind"] == "person"
    assert "[access.office]" in sara.run("account", "show", "otis", code=EXIT_REFUSED).stderr
    assert otis.run("account", "list").stdout == scene.console("account", "list")
    assert {*otis.ask("account", "list")[0]} >= {*json.loads(scene.console("account", "list", "--json"))[0]}
    assert "Name it" in sara.run("account", "show", "--data", scene.server.data, code=EXIT_USAGE).stderr


def test_sessions_are_listed_and_ended(scene: Scene) -> None:
    sina = scene.person("sina")
    assert "signed in nowhere" in sina.run("account", "sessions").stderr
    visitors = [signed_in(scene.server, sign_up(scene.server, "sina", address=f"s{n}@example.org")) for n in range(3)]
    found = sina.ask("account", "sessions")
    assert len(found) == 3
    assert found[0]["id"] in sina.run("account", "sessions").stdout
    assert sina.run("account", "sign-out", found[0]["id"]).stdout == "The session has ended.\n"
    assert len(sina.ask("account", "sessions")) == 2
    assert sina.run("account", "sign-out", "--all").stdout == "2 sessions ended.\n"
    assert "--all" in sina.run("account", "sign-out", code=EXIT_USAGE).stderr
    for visitor in visitors:
        visitor.close()


def test_operators_invite_people_to_the_index_and_take_it_back(scene: Scene) -> None:
    ines, ida = scene.person("ines", office="operator"), scene.person("ida")
    made = ines.ask("account", "invite", "new@example.org", "--office", "auditor")
    assert (made["email"], made["office"], set(made)) == (
        "new@example.org",
        "auditor",
        {"email", "office", "expires_at"},
    )
    assert "new@example.org is invited until " in ines.run("account", "invite", "new@example.org").stdout
    assert [(each["email"], each["office"]) for each in ines.ask("account", "invitations")] == [
        ("new@example.org", None)
    ]
    ines.run("account", "withdraw-invitation", "new@example.org")
    assert ines.ask("account", "invitations") == []
    assert "[email.format]" in ines.run("account", "invite", "nonsense", code=EXIT_REFUSED).stderr
    assert "[access.office]" in ida.run("account", "invite", "x@example.org", code=EXIT_REFUSED).stderr


def test_a_machine_is_made_answered_for_given_a_token_and_retired(scene: Scene) -> None:
    owen, gil, opal = scene.person("owen", role="owner"), scene.person("gil"), scene.person("opal", office="operator")
    owen.run("machine", "create", "release-robot", "--sponsor", "gil")
    assert owen.run("machine", "list").stdout == "release-robot  waits for sponsors  sponsors: owen\n"
    offer = gil.ask("machine", "invitation", "list")[0]
    assert offer["id"] in gil.run("machine", "invitation", "list").stdout
    assert gil.run("machine", "invitation", "accept", offer["id"]).stdout == "The invitation is accepted.\n"
    assert gil.ask("machine", "list") == json.loads(scene.console("machine", "list", "--json"))
    assert gil.run("machine", "list").stdout == scene.console("machine", "list")
    scene.console("role", "add", "brie", "release-robot")
    made = owen.run("machine", "token", "create", "release-robot", "--project", "Brie", "--label", "ci").stdout
    token = gil.ask("machine", "token", "list", "release-robot")[0]
    assert (token["label"], token["actions"], token["projects"]) == ("ci", ["upload"], ["brie"])
    assert made.startswith(f"Token {token['id']} of release-robot, shown only now: pypi-")
    gil.run("machine", "token", "revoke", "release-robot", token["id"])
    assert "no token in force" in gil.run("machine", "token", "list", "release-robot").stderr
    assert opal.run("machine", "sponsor", "release-robot", "opal").stdout == "opal answers for release-robot.\n"
    assert "already" in opal.run("machine", "sponsor", "release-robot", "opal").stdout
    assert "any more" in opal.run("machine", "unsponsor", "release-robot", "opal").stdout
    asked = owen.run("machine", "invite", "release-robot", "opal").stdout.split()[-1].rstrip(".")
    owen.run("machine", "invitation", "withdraw", asked)
    assert opal.ask("machine", "invitation", "list") == []
    owen.run("machine", "invite", "release-robot", "opal")
    assert opal.run("machine", "invitation", "refuse", opal.ask("machine", "invitation", "list")[0]["id"]).stdout
    gil.run("machine", "leave", "release-robot")
    assert "[machine.last-sponsor]" in owen.run("machine", "leave", "release-robot", code=EXIT_REFUSED).stderr
    owen.run("machine", "retire", "release-robot")
    assert owen.ask("machine", "list") == []


def test_a_publisher_is_pending_until_it_is_withdrawn(scene: Scene) -> None:
    pia = scene.person("pia")
    said = pia.run("publisher", "pending", "add", "Gouda", "github", *JOB).stdout
    found = pia.ask("publisher", "pending", "list")
    assert [(each["project"], each["kind"]) for each in found] == [("Gouda", "github")]
    assert said.startswith(f"Publisher {found[0]['id']} can make Gouda until ")
    assert found[0]["display"] in pia.run("publisher", "pending", "list").stdout
    pia.run("publisher", "pending", "remove", found[0]["id"])
    assert "No publisher is pending." in pia.run("publisher", "pending", "list").stderr


def test_only_publishers_may_upload_from_one_command_on_and_tokens_in_three_days(scene: Scene) -> None:
    paul = scene.person("paul", role="owner")
    paul.run("publisher", "add", "brie", "github", *JOB)
    assert "Only trusted publishers" in paul.run("publisher", "only", "brie").stdout
    assert "In three days" in paul.run("publisher", "only", "brie", "--off").stdout
    paul.run("publisher", "remove", "brie", paul.ask("publisher", "list", "brie")[0]["id"])


def test_an_invitation_is_accepted_and_the_role_given_up_again(scene: Scene) -> None:
    rosa, ruth = scene.person("rosa", role="owner"), scene.person("ruth")
    rosa.run("role", "invite", "brie", "ruth")
    assert (
        ruth.run("invitation", "accept", ruth.ask("invitation", "list")[0]["id"]).stdout
        == "The invitation is accepted.\n"
    )
    assert "ruth  maintainer" in rosa.run("role", "list", "brie").stdout
    assert ruth.run("role", "leave", "brie").stdout == "You have no role on brie any more.\n"
    assert "ruth" not in rosa.run("role", "list", "brie").stdout


def test_a_removal_is_proposed_withdrawn_objected_to_and_agreed_to(scene: Scene) -> None:
    rita, sven = scene.person("rita", role="owner"), scene.person("sven", role="maintainer")
    propose = ("removal", "propose", "brie", "sven", "--reason", "gone for a year")

    def number() -> int:
        return int(sven.ask("removal", "list", "brie")[0]["id"])

    assert rita.run(*propose).stdout == "sven is told.\n"
    assert "sven, by rita, due " in rita.run("removal", "list", "brie").stdout
    rita.run("removal", "withdraw", "brie", number())
    rita.run(*propose)
    sven.run("removal", "object", "brie", number(), "--reason", "I am back")
    assert "sven  maintainer" in rita.run("role", "list", "brie").stdout
    rita.run(*propose)
    assert sven.run("removal", "consent", "brie", number()).stdout == "You have no role on brie any more.\n"
    assert "sven" not in rita.run("role", "list", "brie").stdout
    assert "[removal.exists]" in rita.run("removal", "withdraw", "brie", 4711, code=EXIT_REFUSED).stderr


def test_people_of_a_project_write_to_each_other(scene: Scene) -> None:
    wim, wanda = scene.person("wim", role="owner"), scene.person("wanda", role="maintainer")
    assert wim.run("message", "brie", "--to", "wanda", given="When is 2.0?").stdout == "The message is on its way.\n"
    assert "release" in wanda.run("message", "brie", "--topic", "gossip", given="x", code=EXIT_REFUSED).stderr
    assert "wanda@example.org" not in wim.run("log", "--json").stdout


def test_what_is_done_as_oneself_asks_for_an_index_elsewhere(tmp_path: Path) -> None:
    nobody = Machine(tmp_path / "home")
    for verb in (["machine", "leave", "robot"], ["publisher", "pending", "list"], ["message", "brie"]):
        assert "--index" in nobody.run(*verb, code=EXIT_USAGE).stderr


def test_a_way_that_is_not_encrypted_is_said_at_every_command_and_loopback_is_none(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    variables = {"AFFINEUR_TOKEN": "pypi-x"}
    away = Machine(scene.home / "away")
    # A name that is nowhere (RFC 6761, section 6.4): nothing is sent.
    for verb in (["log"], ["role", "list", "brie"], ["machine", "leave", "robot"]):
        said = away.run(*verb, "--index", "http://index.invalid/", code=EXIT_NOT_READY, **variables).stderr
        assert said.count("is not encrypted") == 1
    warn_of_plain_http("http://127.0.0.1:8040/")
    warn_of_plain_http("https://index.example.org/")
    assert capsys.readouterr().err == ""
