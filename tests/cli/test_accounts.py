"""Accounts on the console: made, invited, let in, listed, deleted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.indexes import new_index
from typer.testing import CliRunner

from affineur.cli.errors import EXIT_REFUSED, EXIT_USAGE
from affineur.cli.main import app
from affineur.core.decision import Refused


@pytest.fixture
def data(tmp_path: Path) -> Path:
    new_index(tmp_path / "data").close()
    return tmp_path / "data"


def run(data: Path, *arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["account", *arguments, "--data", str(data)])
    if code == 0 and done.exception is not None:
        raise done.exception
    assert done.exit_code == code, done.output
    return done.stdout


def test_an_account_is_made_listed_shown_and_deleted(data: Path) -> None:
    made = json.loads(run(data, "create", "ann", "--email", "ann@example.org", "--office", "auditor", "--json"))
    assert "/account/password/reset?ticket=" in made["password_link"]
    assert [each["name"] for each in json.loads(run(data, "list", "--json"))] == ["ann", "operator"]
    shown = json.loads(run(data, "show", "ANN", "--json"))
    assert (shown["office"], shown["has_password"], shown["emails"]) == (
        "auditor", False, ["ann@example.org (verified)"],
    )  # fmt: skip
    assert "ann" in run(data, "delete", "ann", "--yes")
    assert "ann" not in run(data, "list")
    assert "ann  deleted" in run(data, "list", "--all")


def test_what_is_printed_for_people_holds_the_link(data: Path) -> None:
    assert "/account/register/finish?ticket=" in run(data, "invite", "guest@example.org")
    assert run(data, "password-link", "operator").startswith("http://127.0.0.1:8040/account/password/reset?ticket=")


def test_deleting_asks_first(data: Path) -> None:
    run(data, "create", "ann")
    done = CliRunner().invoke(app, ["account", "delete", "ann", "--data", str(data)], input="n\n")
    assert done.exit_code == 1
    assert "ann" in run(data, "list")


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        (("create", "operator"), "account.exists"),
        (("create", "a b"), "account.name"),
        (("create", "ann", "--email", "no address"), "email.format"),
        (("invite", "no address"), "email.format"),
        (("password-link", "nobody"), "account.exists"),
        (("delete", "operator", "--yes"), "account.last-operator"),
    ],
)
def test_what_is_refused_names_its_rule(data: Path, arguments: tuple[str, ...], rule: str) -> None:
    with pytest.raises(Refused) as refused:
        run(data, *arguments)
    assert refused.value.decision.rule == rule


def test_an_office_that_there_is_not_and_an_account_that_there_is_not_are_told(data: Path) -> None:
    run(data, "invite", "guest@example.org", "--office", "king", code=EXIT_USAGE)
    run(data, "show", "nobody", code=EXIT_REFUSED)
