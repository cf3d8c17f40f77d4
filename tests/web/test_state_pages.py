"""The pages on which owners change the state of a project: what they show first, and that they do it then."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from tests.services.affineur import Server, initialise, serve
from tests.web.people import Person, Visitor, sign_up, signed_in, store_of, words
from tests.web.states import at_hand
from tests.web.uploading import a_wheel, published, upload

from affineur.actions.hold import hold
from affineur.actions.status import set_status
from affineur.core.access import SYSTEM
from affineur.core.life.lifecycle import Place, Said
from affineur.core.names import parse_name
from affineur.core.people.second_factor import Proof
from affineur.core.security import console
from affineur.shell.store import grants, projects
from affineur.shell.store.projects import ProjectRow


@dataclass
class Scene:
    """A server, and a project with two releases, an owner (ann) and a maintainer (mia); nina has no role."""

    server: Server
    project: str
    people: dict[str, Person]

    def visit(self, name: str = "ann", proof: Proof | None = "passkey") -> Visitor:
        return signed_in(self.server, self.people[name], proof=proof, device_age=timedelta(days=2))

    @property
    def page(self) -> str:
        return f"/account/projects/{self.project}/state"

    @property
    def row(self) -> ProjectRow:
        with store_of(self.server) as store, store.read() as connection:
            found = projects.find(connection, parse_name(self.project))
        assert found is not None
        return found

    @property
    def holds(self) -> list[str]:
        return [hold.kind for hold in self.row.standing.holds]

    @property
    def yanked(self) -> set[str]:
        with store_of(self.server) as store, store.read() as connection:
            return {file.version for file in projects.file_links(connection, self.row.id) if file.yanked}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose mail waits in the outbox."""
    data = tmp_path_factory.mktemp("states") / "data"
    with serve(data, initialise(data)) as server:
        yield server


@pytest.fixture(scope="module")
def people(running: Server) -> dict[str, Person]:
    """Who visits."""
    return {name: sign_up(running, name, factors=("passkey",)) for name in ("ann", "mia", "nina")}


@pytest.fixture
def scene(running: Server, people: dict[str, Person], request: pytest.FixtureRequest) -> Scene:
    """A project of the test's own."""
    project = f"p{abs(hash(request.node.name)) % 10**9}"
    for version in ("1.0", "2.0"):
        published(upload(running, a_wheel(project, version)))
    now = datetime.now(UTC)
    with store_of(running) as store, store.write() as connection:
        found = projects.find(connection, parse_name(project))
        assert found is not None
        grants.set_role(connection, found.id, people["ann"].id, "owner", now, None)
        grants.set_role(connection, found.id, people["mia"].id, "maintainer", now, None)
    return Scene(running, project, people)


def the_form(page: str) -> dict[str, str]:
    """The hidden fields of the form on a preview that does the act."""
    form = page[page.index('<form class="stack" method="post"') :]
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form)
    return {unescape(name): unescape(value) for name, value in found}


def test_the_page_says_each_dimension_and_what_the_words_mean(scene: Scene) -> None:
    with scene.visit() as ann:
        said = words(ann.get(scene.page))
    for expected in (
        "Active: releases may come.",
        "Its owners.",
        "Yank is not removal.",
        "Nothing is removed, and a yank can be taken back.",
        "Installers are told active",
    ):
        assert expected in said


def test_a_broken_release_is_yanked_after_a_preview_that_changes_nothing(scene: Scene) -> None:
    asked = {"act": "yank", "version": "2.0", "code": "broken", "reason": "it cannot be imported"}
    with scene.visit() as ann:
        address = f"{scene.page}/preview?" + "&".join(f"{name}={value}" for name, value in asked.items())
        shown = ann.get(address)
        assert scene.yanked == set()
        said = words(shown)
        assert f"pip install {scene.project} Now: Installs 2.0. Then: Installs 1.0." in said
        assert "warns that it is yanked: “[broken] it cannot be imported”" in said
        assert "This release was yanked" in said
        done = ann.post(scene.page, the_form(shown.text), follow=True)
    assert "Nothing was removed, and you can take it back." in words(done)
    assert scene.yanked == {"2.0"}
    public = words(Visitor(scene.server.url).get(f"/project/{scene.project}/2.0/"))
    assert "This release was yanked" in public
    assert "it cannot be imported" in public


def test_several_releases_are_ticked_at_once_or_named_by_versions(scene: Scene) -> None:
    with scene.visit("mia") as mia:  # maintainers yank, too
        assert mia.post(scene.page, {"act": "yank", "version": ["1.0", "2.0"]}).status_code == 303
        assert scene.yanked == {"1.0", "2.0"}
        shown = mia.get(f"{scene.page}/preview?act=unyank&specifier=<2")
        assert mia.post(scene.page, the_form(shown.text)).status_code == 303
    assert scene.yanked == {"2.0"}


@pytest.mark.parametrize("chosen", ["", "&version=1.0&whole=yes", "&version=1.0&specifier=<2"])
def test_a_yank_that_does_not_say_clearly_of_what_is_refused_with_what_was_typed(scene: Scene, chosen: str) -> None:
    with scene.visit() as ann:
        shown = ann.get(f"{scene.page}/preview?act=yank&reason=typed+before{chosen}")
    assert "It is not clear which releases are meant" in words(shown)
    assert 'value="typed before"' in shown.text
    assert scene.yanked == set()


def test_archiving_shows_that_only_uploads_end_and_does_it(scene: Scene) -> None:
    with scene.visit() as ann:
        shown = ann.get(f"{scene.page}/preview?act=archive&reason=Moved+to+feta")
        assert re.search(r"Publishing to \S+ Now: Is taken\. Then: Is refused\.", words(shown))
        assert f"pip install {scene.project} Now: Installs 2.0. Then: The same." in words(shown)
        assert "archived: [archived] Moved to feta" in words(shown)
        done = words(ann.post(scene.page, the_form(shown.text), follow=True))
    assert "The project is archived" in done
    assert "Archived: no new release, and uploads are refused." in done
    assert scene.row.standing.maintenance == "archived"


def test_an_act_that_is_not_possible_is_named_with_the_reason(scene: Scene) -> None:
    with scene.visit() as ann:
        said = words(ann.get(scene.page))
        assert "Not possible now: take the archiving back, say that work goes on" in said
        assert "'unarchive' leads nowhere from there" in said
        refused = ann.get(f"{scene.page}/preview?act=resume")
    assert "'resume' leads nowhere from there" in words(refused)
    assert refused.status_code in (403, 409)


def test_a_maintainer_reads_why_the_status_is_not_theirs_to_change(scene: Scene) -> None:
    with scene.visit("mia") as mia:
        said = words(mia.get(scene.page))
        assert "Not possible now: archive it" in said
        refused = mia.post(scene.page, {"act": "archive"})
    assert refused.status_code == 403
    assert scene.row.standing.maintenance == "active"


def test_nobody_else_sees_the_page_or_a_preview(scene: Scene) -> None:
    with scene.visit("nina") as nina:
        assert nina.get(scene.page).status_code == 403
        assert nina.get(f"{scene.page}/preview?act=archive").status_code == 403
        assert nina.post(scene.page, {"act": "archive"}).status_code == 403
    stranger = Visitor(scene.server.url).get(scene.page)
    assert stranger.status_code == 303
    assert "sign-in" in stranger.headers["location"]


def test_a_deprecation_names_what_to_use_instead_and_says_what_is_no_project_here(scene: Scene) -> None:
    other = f"{scene.project}-next"
    published(upload(scene.server, a_wheel(other)))
    with store_of(scene.server) as store, store.write() as connection:
        found = projects.find(connection, parse_name(other))
        assert found is not None
        grants.set_role(connection, found.id, scene.people["ann"].id, "owner", datetime.now(UTC), None)
    with scene.visit() as ann:
        refused = ann.get(f"{scene.page}/preview?act=deprecate&replacements=no-such-cheese&reason=old")
        assert "There is no project 'no-such-cheese'" in words(refused)
        assert 'value="no-such-cheese"' in refused.text
        shown = ann.get(f"{scene.page}/preview?act=deprecate&replacements={other}%3E%3D1&reason=old")
        assert f"deprecated: [deprecated] use {other}>=1: old" in words(shown)
        ann.post(scene.page, the_form(shown.text))
    assert [str(each) for each in scene.row.standing.replacements] == [f"{other}>=1"]


def test_withholding_asks_for_a_proof_first_and_keeps_what_was_written(scene: Scene) -> None:
    asked = f"act=withhold&release=2.0&code=secret&file={scene.project}-2.0-py3-none-any.whl&reason=a+key"
    with scene.visit(proof=None) as ann:
        shown = ann.get(f"{scene.page}/preview?{asked}")
        assert "Confirm that it is you" in shown.text
        assert "Fails: the files that it names are not on offer." in words(shown)
        sent = ann.post(scene.page, dict(pair.split("=") for pair in asked.replace("+", " ").split("&")))
        assert sent.status_code == 303
        assert "/account/confirm?strength=strong&next=" in sent.headers["location"]
        assert "reason%3Da%2Bkey" in sent.headers["location"]
    assert scene.holds == []
    with scene.visit() as ann:
        shown = ann.get(f"{scene.page}/preview?{asked}")
        assert "withheld" in words(ann.post(scene.page, the_form(shown.text), follow=True))
        assert scene.holds == ["withheld"]
        back = f"act=unwithhold&release=2.0&file={scene.project}-2.0-py3-none-any.whl"
        shown = ann.get(f"{scene.page}/preview?{back}")
        assert ann.post(scene.page, the_form(shown.text)).status_code == 303
    assert scene.holds == []


def test_what_is_so_already_is_said_and_offers_nothing_to_confirm(scene: Scene) -> None:
    with scene.visit() as ann:
        ann.post(scene.page, {"act": "yank", "version": "2.0"})
        shown = ann.get(f"{scene.page}/preview?act=yank&version=2.0")
    assert "Nothing would change: it is so already." in words(shown)
    assert 'method="post"' not in shown.text[shown.text.index("Nothing would change") :]


def test_a_link_ticks_the_release_that_it_names(scene: Scene) -> None:
    with scene.visit() as ann:
        shown = ann.get(f"{scene.page}?version=1.0")
    assert re.search(r'name="version" value="1\.0" checked', shown.text)
    assert not re.search(r'name="version" value="2\.0" checked', shown.text)
    assert "Files of 1.0" in words(shown)


def test_a_form_from_elsewhere_changes_nothing(scene: Scene) -> None:
    with scene.visit() as ann:
        sent = ann.post(scene.page, {"act": "archive"}, own=False)
    assert sent.status_code == 403
    assert scene.row.standing.maintenance == "active"


def test_what_moderators_hold_is_shown_with_the_way_to_object(scene: Scene) -> None:
    with at_hand(scene.server) as index:
        said = Said(reason="it calls home", code="malware")
        hold(index, console(datetime.now(UTC)), "quarantine", parse_name(scene.project), Place("2.0"), said)
    with scene.visit() as ann:
        shown = ann.get(scene.page)
        assert "Release 2.0 is quarantined: harmful code: it calls home." in words(shown)
        assert f'href="/project/{scene.project}/appeal/"' in shown.text
        preview = words(ann.get(f"{scene.page}/preview?act=yank&version=2.0"))
    assert f"pip install {scene.project} Now: Installs 1.0. Then: The same." in preview


def test_unarchiving_what_is_widely_used_is_shown_to_wait_and_is_asked_for(scene: Scene) -> None:
    name, long_ago = parse_name(scene.project), datetime.now(UTC) - timedelta(days=3)
    with at_hand(scene.server) as index:
        set_status(index, SYSTEM, "archive", name, long_ago)
        set_status(index, SYSTEM, "reclassify", name, long_ago, Said(value="C3", basis="a test"))
    with scene.visit() as ann:
        assert "Take the archiving back…" in ann.get(scene.page).text
        shown = ann.get(f"{scene.page}/preview?act=unarchive")
        assert "not at once" in words(shown)
        sent = ann.post(scene.page, the_form(shown.text))
        assert sent.headers["location"].endswith("/unarchiving?done=unarchiving-asked")
        assert "It takes new files again from" in words(ann.get(scene.page))
    assert scene.row.standing.maintenance == "archived"
