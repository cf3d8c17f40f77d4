"""Every standing × posture × token × state of a project × act, through the real routes, against the rules in words."""

from __future__ import annotations

import http.client
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

import pytest
from tests.security import routes
from tests.security.asks import API, CLIENTS, ELSEWHERE, OPEN, PAGES, PAGES_ELSEWHERE, Ask, send
from tests.security.rules_in_words import (
    MACHINES,
    NO_ROUTE,
    POSTURES,
    SESSION,
    STANDINGS,
    WHOLE,
    machine,
    person,
    publisher,
    rules,
)
from tests.security.scene import PROJECTS, Person, Scene, narrowed_tokens, open_scene

RULES = rules()
_WALLS = {
    "access.frozen": "frozen",
    "access.scope": "token",
    "access.token": "token",
    "access.signed-in": "token",
    **dict.fromkeys(
        ("access.role", "access.office", "access.machine", "access.sponsor", "access.own", "machine.exists"), "standing"
    ),
    "access.paused": "paused",
    "access.publishers-only": "publishers only",
    **dict.fromkeys(("factor.manage", "factor.publish", "factor.first"), "factor"),
    "access.sponsors": "sponsors",
    "access.step-up": "proof",
    "access.strong": "proof",
    "identity.token": "nobody",
}
"""What stands in somebody's way, by the rule that says so."""


class Matrix:
    """Asks cell after cell on one connection, and keeps what did not come out as expected."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.asked, self.wrong = scene, 0, list[str]()
        address = urlsplit(scene.server.url)
        self.line = http.client.HTTPConnection(str(address.hostname), address.port, timeout=60)

    def cell(self, ask: Ask, state: str, expected: str, who: Person | None, token: str, called: str) -> None:
        """Ask once."""
        said = send(self.line, self.scene, ask, state, who, token)
        self.asked += 1
        rule = said.partition(" ")[2] or said
        came = _WALLS.get(rule, rule if rule in _WALLS.values() else "yes")
        wanted = ask.then if expected == "yes" else expected
        if (said if expected == "yes" else came) != wanted:
            self.wrong.append(f"{called}: {ask.act} ({ask.method} {ask.route} {state}): {said!r} instead of {wanted!r}")
        if ask.undo and said in ("200", "204", "303") and who is not None:
            self.scene.give_back(who, ask.act, state)

    def settle(self, at_least: int) -> None:
        """Require that all came out as expected, and that there was something to expect."""
        self.line.close()
        assert not self.wrong, "\n".join(self.wrong)
        assert self.asked >= at_least, self.asked


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with open_scene(tmp_path_factory.mktemp("matrix")) as made:
        yield made


def cells(asks: Iterable[Ask]) -> Iterator[tuple[Ask, str]]:
    return ((ask, state) for ask in asks for state in ask.states)


def on_project(ask: Ask) -> bool:
    return ask.act == "upload"


@pytest.mark.parametrize("standing", STANDINGS)
def test_what_a_person_may_with_a_token_is_what_the_rules_say(scene: Scene, standing: str) -> None:
    matrix = Matrix(scene)
    for who in (each for each in scene.people if each.standing == standing):
        for ask, state in cells((*API, *CLIENTS)):
            expected = person(RULES[ask.act], standing, who.posture, WHOLE, state, on_project=on_project(ask))
            matrix.cell(ask, state, expected, who, who.tokens[WHOLE.name], who.name)
    matrix.settle(at_least=len(POSTURES) * 100)


@pytest.mark.parametrize("standing", STANDINGS)
def test_what_a_person_may_who_is_signed_in_is_what_the_rules_say(scene: Scene, standing: str) -> None:
    matrix = Matrix(scene)
    for who in (each for each in scene.people if each.standing == standing):
        for ask, state in cells(PAGES):
            expected = person(RULES[ask.act], standing, who.posture, SESSION, state, on_project=False)
            matrix.cell(ask, state, expected, who, "", f"{who.name}, signed in")
    matrix.settle(at_least=len(POSTURES) * 60)


@pytest.mark.parametrize("standing", ["owner", "sponsor", "operator"])
def test_a_narrowed_token_may_less_and_never_more(scene: Scene, standing: str) -> None:
    matrix = Matrix(scene)
    (who,) = (each for each in scene.people if each.standing == standing and each.posture == "strong")
    for token in narrowed_tokens():
        for ask, state in cells((*API, *CLIENTS)):
            expected = person(RULES[ask.act], standing, "strong", token, state, on_project=on_project(ask))
            if (
                ("-machine" in ask.act or ask.act == "set-sponsors")
                and standing == "owner"
                and ask.act != "create-machine"
            ):
                expected = "standing"  # what is nobody's business is not there, whatever the token
            matrix.cell(ask, state, expected, who, who.tokens[token.name], f"{who.name}, {token.name}")
    matrix.settle(at_least=8 * 100)


def test_what_a_machine_may_is_what_the_rules_say(scene: Scene) -> None:
    matrix = Matrix(scene)
    for condition in MACHINES:
        for ask, state in cells((*API, *CLIENTS)):
            expected = machine(RULES[ask.act], condition, WHOLE, state)
            matrix.cell(ask, state, expected, None, scene.machines[condition], f"a machine, {condition}")
    matrix.settle(at_least=4 * 100)


def test_what_a_trusted_publisher_may_is_what_the_rules_say(scene: Scene) -> None:
    matrix = Matrix(scene)
    for ask, state in cells((*API, *CLIENTS)):
        expected = publisher(RULES[ask.act], "elsewhere" if state in ("create", "lone") else state)
        matrix.cell(ask, state, expected, None, scene.publisher, "a publisher")
    matrix.settle(at_least=100)


def test_owners_withhold_on_their_own_page_and_not_on_the_one_of_the_office(scene: Scene) -> None:
    """That one knows of cases, and ends on one."""
    matrix = Matrix(scene)
    for who in (each for each in scene.people if (each.standing, each.posture) == ("owner", "strong")):
        for word in ("withhold", "unwithhold"):
            path = f"/admin/projects/{PROJECTS['active']}/{word}"
            for place in ("", "release 1.0", "release 9.9"):
                form = Ask("withhold", "POST", path, path, body={"place": place, "code": "secret", "step": "act"})
                matrix.cell(form, "active", "standing", who, "", f"{who.name}, {word} {place!r}")
    matrix.settle(at_least=6)


def test_nobody_may_anything(scene: Scene) -> None:
    matrix = Matrix(scene)
    for token in ("", "pypi-nonsense", scene.people[0].cookies[:60]):
        for ask, state in cells((*API, *CLIENTS)):
            matrix.cell(ask, state, "nobody", None, token, "nobody")
    for ask, state in cells(PAGES):
        matrix.cell(ask, state, "nobody", None, "", "nobody, signed out")
    matrix.settle(at_least=300)


def test_a_password_or_a_session_is_no_token_and_a_token_no_session(scene: Scene) -> None:
    matrix = Matrix(scene)
    (who,) = (each for each in scene.people if (each.standing, each.posture) == ("owner", "strong"))
    for ask, state in cells(PAGES):
        matrix.cell(ask, state, "nobody", None, who.tokens[WHOLE.name], "a token instead of a session")
    matrix.settle(at_least=60)


def test_every_act_is_asked_for_or_has_a_reason_why_not() -> None:
    from affineur.core.permissions import ACTIONS

    assert set(RULES) | set(NO_ROUTE) == set(ACTIONS)
    assert {ask.act for ask in (*API, *CLIENTS, *PAGES)} == set(RULES)
    assert not set(RULES) & set(NO_ROUTE)


def test_every_operation_of_the_api_is_asked_for_or_has_a_reason_why_not() -> None:
    asked = {ask.route for ask in API}
    assert set(routes.operations()) - asked - set(ELSEWHERE) == set()
    assert asked - set(routes.operations()) == set()
    assert asked & set(ELSEWHERE) == set()


def test_every_route_is_asked_for_or_has_a_reason_why_not() -> None:
    asked = {(ask.route, ask.method) for ask in PAGES}
    there = {(each.path, method) for each in routes.personal() for method in each.methods or () if method != "HEAD"}
    unexplained = {(path, method) for path, method in there - asked if path not in PAGES_ELSEWHERE}
    assert unexplained == set()
    assert asked - there == set()
    others = [each.path for each in routes.every() if each not in routes.personal()]
    assert [path for path in others if not path.startswith(OPEN) and path != "/"] == []
