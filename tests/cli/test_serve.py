"""`affineur serve` where it cannot start: what it says, and what it must not lose."""

from __future__ import annotations

import json
import re
import socket
from dataclasses import fields
from pathlib import Path

import pytest
import typer
from tests.cli.test_commands import run

from affineur.cli.errors import EXIT_NOT_READY, EXIT_USAGE
from affineur.cli.main import app
from affineur.settings import Settings, SettingsError, load


def test_the_first_token_is_told_even_where_the_port_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        first = run("serve", "--data", tmp_path / "d", "--port", port, "--edge", "off", code=EXIT_NOT_READY)
        again = run("serve", "--data", tmp_path / "d", "--port", port, "--edge", "off", code=EXIT_NOT_READY)
    assert re.match(r"Token of the first operator, shown only now: pypi-\S+\n", first.stdout)
    assert "Choose another port with --port" in first.stderr
    assert again.stdout == "", "it is told once"
    assert len(json.loads(run("token", "list", "--json", "--data", tmp_path / "d").stdout)) == 1


@pytest.mark.parametrize(
    ("option", "value", "range_"),
    [
        ("port", "99999", "from 0 to 65535"),
        ("port", "-1", "from 0 to 65535"),
        ("workers", "0", "from 1 to 256"),
        ("workers", "-1", "from 1 to 256"),
    ],
)
def test_a_number_out_of_range_is_named_with_its_range(tmp_path: Path, option: str, value: str, range_: str) -> None:
    done = run("serve", "--data", tmp_path / "d", f"--{option}", value, code=EXIT_USAGE)
    assert done.stderr == f"affineur: flag: {option} = {value} does not fit: It must be {range_}.\n"
    assert not (tmp_path / "d").exists()


NOTHING_WITHOUT = {
    "session_days": "nobody could sign in",
    "maximum_token_days": "no token would ever be valid",
    "event_days": "a download would be forgotten before it is counted",
    "impact_window_days": "no download would decide about anything",
}
"""Settings for which zero has no meaning, and why."""


@pytest.mark.parametrize(
    "name", [f.name for f in fields(Settings) if f.name.endswith(("_bytes", "_days", "_seconds", "_proxies"))]
)
def test_sizes_spans_and_counts_are_not_negative(name: str) -> None:
    with pytest.raises(SettingsError, match=rf"AFFINEUR_{name.upper()}: {name} = '-1' does not fit: It must be"):
        load(environment={f"AFFINEUR_{name.upper()}": "-1"})
    if name not in NOTHING_WITHOUT:
        load(environment={f"AFFINEUR_{name.upper()}": "0"})


@pytest.mark.parametrize("text", ["no list at all\n", None])
def test_a_list_of_stolen_passwords_that_is_of_no_use_is_said_before_anything_is_made(
    tmp_path: Path, text: str | None
) -> None:
    if text is not None:
        (tmp_path / "list").write_text(text)
    given = {"AFFINEUR_BREACHED_PASSWORDS": str(tmp_path / "list")}
    done = run("serve", "--data", tmp_path / "d", "--port", 0, "--edge", "off", code=EXIT_USAGE, **given)
    assert f"The list of breached passwords at {tmp_path / 'list'} is of no use" in done.stderr
    assert "breached_passwords" in done.stderr
    assert not (tmp_path / "d").exists()


@pytest.mark.parametrize("host", ["nohost.invalid", "192.0.2.1", "a" * 70])
def test_a_host_that_is_none_of_this_machine_is_not_blamed_on_the_port(tmp_path: Path, host: str) -> None:
    done = run("serve", "--data", tmp_path / "d", "--host", host, "--edge", "off", code=EXIT_NOT_READY)
    assert "--host" in done.stderr
    assert "--port" not in done.stderr


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://example.org", "https://example.org/"),
        ("https://example.org/python", "https://example.org/python/"),
        ("http://example.org:8040/python//", "http://example.org:8040/python/"),
        ("", ""),
    ],
)
def test_the_public_address_ends_with_a_slash(given: str, kept: str) -> None:
    assert load({"base_url": given}, environment={}).settings.base_url == kept


@pytest.mark.parametrize(
    "wrong", ["example.org", "ftp://example.org/", "https:///x", "https://a b/", "https://[x/", "https://a/?q", "/x"]
)
def test_what_is_no_public_address_is_refused(wrong: str) -> None:
    with pytest.raises(SettingsError, match=r"base_url = .* does not fit"):
        load({"base_url": wrong}, environment={})


def test_help_shows_the_defaults_that_settings_have() -> None:
    command = typer.main.get_command(app).commands["serve"]  # type: ignore[attr-defined]
    shown = {each.name: each.show_default for each in command.params}
    for name in ("host", "port", "workers", "edge"):
        assert shown[name] == str(getattr(Settings(), name))


def test_an_upstream_that_is_away_is_said_in_a_sentence(tmp_path: Path) -> None:
    run("init", "--data", tmp_path / "d")
    url = "http://127.0.0.1:1/simple/"
    done = run("import", "index", url, "--all", "--data", tmp_path / "d", code=EXIT_NOT_READY)
    assert done.stderr.startswith(f"affineur: '{url}' could not be fetched")


def test_status_counts_one_as_one(tmp_path: Path) -> None:
    run("init", "--data", tmp_path / "d")
    assert "people    1 account, 1 token in force\n" in run("status", "--data", tmp_path / "d").stdout
