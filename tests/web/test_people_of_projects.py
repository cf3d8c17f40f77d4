"""The pages of a project's people, as they use them: invitations, removals, messages, leaving; who sees what."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from tests.services.affineur import Server, initialise, serve
from tests.web.people import Person, Visitor, sign_up, signed_in, store_of, words
from tests.web.uploading import a_wheel, published, upload

from affineur.core.people.second_factor import Proof
from affineur.shell.store import grants, journal, outbox, projects, security
from affineur.shell.store.schema import outbox as letters
from affineur.shell.store.schema import removal_proposal, role


@dataclass
class Scene:
    """A server, and a project with two owners (ann, ben) and a maintainer (mia); nina has no role."""

    server: Server
    project: str
    people: dict[str, Person]

    def visit(self, name: str, proof: Proof | None = "passkey") -> Visitor:
        return signed_in(self.server, self.people[name], proof=proof)

    @property
    def page(self) -> str:
        return f"/account/projects/{self.project}"

    def mails(self, template: str) -> list[outbox.OutboxRow]:
        with store_of(self.server) as store, store.read() as connection:
            found = outbox.mails(connection, unsent_only=True, limit=500)
        return [each for each in found if each.template == template and each.values.get("project") == self.project]

    def roles(self) -> dict[str, str]:
        with store_of(self.server) as store, store.read() as connection:
            found = projects.find(connection, self.project)
            assert found is not None
            return {name: role for name, role, _ in grants.roles(connection, found.id)}

    def logged(self, event: str) -> list[security.Recorded]:
        with store_of(self.server) as store, store.read() as connection:
            return list(security.recorded(connection, security.Filter(project=self.project, event=event)))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose mail waits in the outbox."""
    data = tmp_path_factory.mktemp("people") / "data"
    with serve(data, initialise(data)) as server:
        yield server


@pytest.fixture
def scene(running: Server, request: pytest.FixtureRequest) -> Scene:
    """People and a project of the test's own."""
    project = f"p{abs(hash(request.node.name)) % 10**9}"
    published(upload(running, a_wheel(project)))
    people = {name: sign_up(running, f"{name}-{project}", factors=("passkey",)) for name in ("ann", "ben", "mia")}
    people["nina"] = sign_up(running, f"nina-{project}", factors=("passkey",))
    now = datetime.now(UTC)
    with store_of(running) as store, store.write() as connection:
        found = projects.find(connection, project)
        assert found is not None
        connection.execute(role.delete().where(role.c.project_id == found.id))
        for name in ("ann", "ben"):
            grants.set_role(connection, found.id, people[name].id, "owner", now, None)
        grants.set_role(connection, found.id, people["mia"].id, "maintainer", now, people["ann"].id)
        connection.execute(letters.delete())
    return Scene(running, project, people)


def test_who_is_invited_accepts_on_their_page_and_is_listed_with_who_gave_the_role(scene: Scene) -> None:
    nina = scene.people["nina"]
    with scene.visit("ann") as ann, scene.visit("nina") as visitor:
        sent = ann.post(f"{scene.page}/invite", {"whom": nina.name, "role": "maintainer"})
        assert sent.headers["location"] == f"{scene.page}?done=invited"
        assert nina.name in words(ann.get(scene.page))
        shown = visitor.get("/account/projects")
        assert f"invites you to be maintainer of {scene.project}" in words(shown)
        number = shown.text.partition("/account/invitations/")[2].partition("/")[0]
        assert visitor.post(f"/account/invitations/{number}/accept", follow=True).status_code == 200
        assert scene.roles()[nina.name] == "maintainer"
        assert f"by {scene.people['ann'].name}" in words(ann.get(scene.page))
    assert [each.to_address for each in scene.mails("invitation-answered")] == [scene.people["ann"].address]
    assert [each.to_address for each in scene.mails("role-granted")] == [scene.people["ben"].address]


def test_an_address_is_invited_without_learning_whether_somebody_has_it(scene: Scene) -> None:
    with scene.visit("ann") as ann:
        answers: list[tuple[int, object, str]] = []
        for address in (scene.people["nina"].address, f"stranger-{scene.project}@example.org"):
            sent = ann.post(f"{scene.page}/invite", {"whom": address, "role": "maintainer"})
            answers.append((sent.status_code, sent.headers["location"], sent.text))
            assert address in words(ann.get(scene.page))
            again = ann.post(f"{scene.page}/invite", {"whom": address, "role": "maintainer"})
            answers.append((again.status_code, "They are invited already" in again.text, ""))
            assert f">{scene.people['nina'].name}<" not in ann.get(scene.page).text
    assert answers[:2] == answers[2:]
    # This index takes only people whom an operator invited, so a stranger gets no mail they could not follow.
    assert [each.to_address for each in scene.mails("role-invitation")] == [scene.people["nina"].address]


def test_a_refused_form_is_shown_again_with_what_was_typed(scene: Scene) -> None:
    with scene.visit("ann") as ann:
        answer = ann.post(f"{scene.page}/invite", {"whom": "<nobody>", "role": "owner"})
        assert answer.status_code == 400
        assert "There is no account" in answer.text
        assert 'value="&lt;nobody&gt;"' in answer.text
        other = ann.post(f"{scene.page}/invite", {"whom": scene.people["nina"].name, "role": "emperor"})
        assert "Choose the role" in other.text


@pytest.mark.parametrize("path", ["invite", "propose", "leave", "message", "block", "remove"])
def test_a_form_from_elsewhere_does_nothing(scene: Scene, path: str) -> None:
    fields = {"whom": scene.people["nina"].name, "role": "owner", "account": scene.people["ben"].name, "reason": "x",
              "topic": "other", "text": "x", "sender": scene.people["ben"].name}  # fmt: skip
    before = scene.roles()
    with scene.visit("ann") as ann:
        foreign = ann.post(f"{scene.page}/{path}", fields, own=False, sec_fetch_site="cross-site")
        keyless = ann.post(f"{scene.page}/{path}", fields, own=False, sec_fetch_site="same-origin")
    assert "was not sent from a page of this index" in foreign.text
    assert "was not sent from a page of this index" in keyless.text
    assert scene.roles() == before
    assert scene.mails("role-invitation") == []


def test_acts_that_ask_for_a_proof_lead_to_the_confirmation_and_back(scene: Scene) -> None:
    with scene.visit("ann", proof=None) as ann:
        for path, strength in (("invite", "proof"), ("leave", "strong"), ("propose", "proof")):
            fields = {"whom": scene.people["nina"].name, "role": "owner", "account": scene.people["mia"].name}
            sent = ann.post(f"{scene.page}/{path}", fields)
            assert sent.status_code == 303
            assert sent.headers["location"].startswith(f"/account/confirm?strength={strength}&next=")
            assert scene.project in sent.headers["location"]


def test_forms_that_one_writes_in_ask_for_the_proof_before_anything_is_typed(scene: Scene) -> None:
    with scene.visit("ann", proof=None) as stale, scene.visit("ann") as fresh:
        for visitor, is_asked in ((stale, True), (fresh, False)):
            page = visitor.get(scene.page).text
            assert ('id="whom"' in page, 'name="reason"' in page) == (not is_asked, not is_asked)
            assert (f"/account/confirm?strength=proof&amp;next={scene.page}" in page) == is_asked
            assert 'name="text"' in page, "writing to the others takes no proof"
        assert 'name="email"' not in stale.get("/account/emails").text
        assert 'name="email"' in fresh.get("/account/emails").text
        assert 'id="name"' not in stale.get("/account/machines").text


def test_people_without_a_role_see_nothing_of_it(scene: Scene) -> None:
    with scene.visit("nina") as nina:
        for path in ("", "/people.json", "/people.csv"):
            answer = nina.get(scene.page + path)
            assert answer.status_code == 403
            assert scene.people["ann"].name not in answer.text
        assert nina.get("/account/projects/no-such-thing").status_code == 404
        assert nina.get("/account/projects/..bad").status_code in (404, 400)


def test_maintainers_see_who_is_there_and_owners_everything(scene: Scene) -> None:
    late = sign_up(scene.server, f"late-{scene.project}")
    with store_of(scene.server) as store, store.write() as connection:
        found = projects.find(connection, scene.project)
        assert found is not None
        grants.set_role(connection, found.id, late.id, "owner", datetime.now(UTC), None)
    with scene.visit("ann") as ann, scene.visit("mia") as mia:
        full = json.loads(ann.get(f"{scene.page}/people.json").text)
        partly = json.loads(mia.get(f"{scene.page}/people.json").text)
        rows = list(csv.DictReader(io.StringIO(ann.get(f"{scene.page}/people.csv").text)))
        assert "Second factor" in ann.get(scene.page).text
        assert "Second factor" not in mia.get(scene.page).text
    by_name = {each["name"].partition("-")[0]: each for each in full}
    assert [by_name[name]["second_factor"] for name in ("ann", "late")] == ["ready", "not yet"]
    assert by_name["mia"]["granted_by"] == scene.people["ann"].name
    assert by_name["mia"]["last_signed_in"] == "this month"
    assert by_name["ben"]["last_signed_in"] == "never"
    assert {each["name"] for each in partly} == {each["name"] for each in full}
    assert {each[key] for each in partly for key in ("granted_by", "last_signed_in", "second_factor")} == {None}
    assert [row["name"] for row in rows] == [each["name"] for each in full]


def test_a_proposal_is_read_objected_to_and_seen_by_nobody_else(scene: Scene) -> None:
    mia = scene.people["mia"].name
    with scene.visit("ann") as ann, scene.visit("mia") as maintainer:
        ann.post(f"{scene.page}/propose", {"account": mia, "reason": "Moved on, <we> think."})
        assert "Moved on, <we> think." in words(maintainer.get(scene.page))
        assert "It is proposed that you be maintainer" in words(maintainer.get("/account/projects"))
        number = maintainer.get(scene.page).text.partition("/proposals/")[2].partition("/")[0]
        stolen = ann.post(f"{scene.page}/proposals/{number}/object", {"objection": "fine"})
        assert stolen.status_code == 404
        done = maintainer.post(f"{scene.page}/proposals/{number}/object", {"objection": "I am here."}, follow=True)
        assert "You objected" in words(done)
    assert scene.roles()[mia] == "maintainer"
    assert {each.to_address for each in scene.mails("removal-objected")} == {
        scene.people["ann"].address,
        scene.people["ben"].address,
    }


def test_leaving_takes_one_form_and_the_only_owner_reads_the_ways_out(scene: Scene) -> None:
    with scene.visit("ben") as ben:
        assert "You have left the project" in words(ben.post(f"{scene.page}/leave", follow=True))
        assert ben.get(scene.page).status_code == 403
    assert scene.people["ben"].name not in scene.roles()
    with scene.visit("ann") as ann:
        answer = ann.post(f"{scene.page}/leave")
        assert "only owner" in answer.text
        assert "make one of its maintainers an owner" in answer.text
    assert [each.account for each in scene.logged("RoleLeft")] == [scene.people["ben"].name]


def test_a_message_reaches_the_others_and_shows_no_address(scene: Scene) -> None:
    ann, ben, mia = (scene.people[name] for name in ("ann", "ben", "mia"))
    with scene.visit("ann") as visitor:
        sent = visitor.post(f"{scene.page}/message", {"topic": "release", "text": "Shall we?\nOn Monday.", "to": ""})
        assert sent.headers["location"].endswith("done=message-sent")
        for person in (ben, mia):
            assert person.address not in visitor.get(scene.page).text
    found = scene.mails("relay-message")
    assert {each.to_address for each in found} == {ben.address, mia.address}
    assert {str(each.values["text"]) for each in found} == {"Shall we?\nOn Monday."}
    assert all("@" not in str(each.values) for each in found)
    [event] = scene.logged("MessageRelayed")
    assert event.actor == ann.name
    assert "Monday" not in repr(event)


def test_messages_stop_for_whoever_does_not_want_them_and_the_sender_cannot_tell(scene: Scene) -> None:
    with scene.visit("ann") as ann, scene.visit("ben") as ben, scene.visit("mia") as mia:
        ben.post(f"{scene.page}/block", {"sender": scene.people["ann"].name})
        mia.post("/account/projects/messages", {"accepts": "no"})
        sent = ann.post(f"{scene.page}/message", {"topic": "other", "text": "Hello?"}, follow=True)
        assert "passed on to everybody there who takes messages" in words(sent)
        assert scene.mails("relay-message") == []
        ben.post("/account/projects/unblock", {"sender": scene.people["ann"].name})
        ann.post(f"{scene.page}/message", {"topic": "other", "text": "Hello?"})
        assert [each.to_address for each in scene.mails("relay-message")] == [scene.people["ben"].address]


def test_after_five_messages_a_day_the_sixth_is_refused(scene: Scene) -> None:
    with scene.visit("ann") as ann:
        answers = [ann.post(f"{scene.page}/message", {"topic": "other", "text": "Hi."}) for _ in range(6)]
    assert [each.status_code for each in answers] == [303] * 5 + [429]
    assert "Try again in" in words(answers[-1])
    assert len(scene.mails("relay-message")) == 10


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"topic": "spam", "text": "x"}, "one of a few topics"),
        ({"topic": "other", "text": " "}, "is empty"),
        ({"topic": "other", "text": "x" * 2001}, "2000 are the most"),
        ({"topic": "other", "text": "\u202eevil"}, "cannot be shown"),
        ({"topic": "other", "text": "x", "to": "nobody"}, "nobody to write to"),
    ],
)
def test_an_unfit_message_is_refused(scene: Scene, fields: dict[str, str], said: str) -> None:
    with scene.visit("ann") as ann:
        assert said in ann.post(f"{scene.page}/message", fields).text
    assert scene.mails("relay-message") == []


def test_strangers_cannot_write_to_the_people_of_a_project(scene: Scene) -> None:
    with scene.visit("nina") as nina:
        answer = nina.post(f"{scene.page}/message", {"topic": "other", "text": "x"})
    assert answer.status_code == 403
    assert scene.mails("relay-message") == []


def test_a_moderator_removes_at_once_and_an_owner_cannot(scene: Scene) -> None:
    ben = scene.people["ben"].name
    with scene.visit("ann") as ann:
        assert ann.post(f"{scene.page}/remove", {"account": ben}).status_code == 403
    moderator = sign_up(scene.server, f"mo-{scene.project}", office="moderator", factors=("passkey",))
    with signed_in(scene.server, moderator, proof="passkey") as visitor:
        assert "Remove at once" in visitor.get(scene.page).text
        assert visitor.post(f"{scene.page}/remove", {"account": ben}).status_code == 303
    assert ben not in scene.roles()


def test_the_public_journal_names_nobody(scene: Scene) -> None:
    with scene.visit("ben") as ben:
        ben.post(f"{scene.page}/leave")
    with store_of(scene.server) as store, store.read() as connection:
        told = [each.event for each in journal.entries(connection) if each.event.project == scene.project]
    assert told[-1].event == "RoleRevoked"
    assert scene.people["ben"].name not in repr(told)


def test_nobody_can_object_on_the_page_after_the_time_is_over(scene: Scene) -> None:
    with scene.visit("ann") as ann:
        ann.post(f"{scene.page}/propose", {"account": scene.people["mia"].name, "reason": "Gone."})
    with store_of(scene.server) as store, store.write() as connection:
        past = datetime.now(UTC) - timedelta(minutes=1)
        connection.execute(removal_proposal.update().values(due_at=past))
    with scene.visit("mia") as mia:
        number = mia.get(scene.page).text.partition("/proposals/")[2].partition("/")[0]
        late = mia.post(f"{scene.page}/proposals/{number}/object", {"objection": "Wait!"})
        assert "The time to object ended" in late.text
