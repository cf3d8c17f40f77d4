"""Commands against an index elsewhere: a real server, a real keyring, the program as it is called."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.cli.remote_machine import Machine
from tests.services.affineur import Server, affineur
from tests.web.uploading import a_wheel, published, store_of, upload

from affineur.cli.errors import EXIT_NOT_READY, EXIT_REFUSED, EXIT_USAGE
from affineur.core.people.second_factor import StepUp
from affineur.shell.store import tokens


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "home")


@pytest.fixture
def served(server: Callable[..., Server]) -> Server:
    running = server()
    for version in ("1.0", "2.0"):
        published(upload(running, a_wheel("brie", version)))
    return running


def token_of(server: Server, user: str, *options: str) -> str:
    made = affineur("token", "create", "--user", user, "--json", "--data", server.data, *options)
    token: str = json.loads(made)["token"]
    return token


@contextmanager
def answering(*answers: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """A server that gives each connection the next of ``answers`` as it stands, the last one over and over."""
    listening = socket.create_server(("127.0.0.1", 0))
    heard: list[bytes] = []

    def serve() -> None:
        number = 0
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                heard.append(connection.recv(65536))
                connection.sendall(answers[min(number, len(answers) - 1)])
            number += 1

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/", heard
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(10)


def http(status: str, body: bytes, kind: str = "application/json", **headers: str) -> bytes:
    more = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{more}\r\n"
    )
    return head.encode() + body


CALLER = b'{"name": "olga", "kind": "person", "office": null, "via": "token", "token": null}'


# Logging in


def test_whoever_logs_in_is_known_from_then_on_and_forgotten_by_logging_out(machine: Machine, served: Server) -> None:
    done = machine.run("login", served.url.rstrip("/"), given=f"{served.token}\n")
    assert done.stdout.startswith(f"operator, operator on {served.url}\nToken ")
    found = machine.ask("whoami")
    assert (found["name"], found["office"], found["index"]) == ("operator", "operator", served.url)
    assert machine.run("logout").stdout == f"The token for {served.url} is forgotten.\n"
    assert "affineur login" in machine.run("whoami", code=EXIT_USAGE).stderr
    assert "affineur login" in machine.run("whoami", "--index", served.url, code=EXIT_NOT_READY).stderr


def test_the_token_is_in_the_keyring_and_nowhere_else(machine: Machine, served: Server) -> None:
    done = machine.run("login", served.url, given=served.token)
    assert served.token not in done.stdout + done.stderr + machine.everything_kept
    assert list((machine.home / "share").rglob("*keyring*"))


def test_a_token_that_is_refused_is_not_kept(machine: Machine, served: Server) -> None:
    done = machine.run("login", served.url, given="pypi-nonsense", code=EXIT_REFUSED)
    assert "[identity.token]" in done.stderr
    assert "nonsense" not in done.stderr
    machine.run("whoami", code=EXIT_USAGE)


@pytest.mark.parametrize("part", ["simple/", "legacy/", "api/v1", "simple"])
def test_the_address_of_a_part_is_taken_for_the_whole(machine: Machine, served: Server, part: str) -> None:
    assert machine.ask("login", served.url + part, given=served.token)["index"] == served.url


@pytest.mark.parametrize(
    "url", ["index.example.org", "ftp://127.0.0.1/", "http://", "http://127.0.0.1:x/", "http://127.0.0.1/?a", "http://[/",
            "http://127.0.0.1/a b", "http://olga:pypi-x@127.0.0.1/"],
)  # fmt: skip
def test_what_is_no_address_of_an_index_is_said_so(machine: Machine, url: str) -> None:
    done = machine.run("login", url, given="pypi-x", code=EXIT_USAGE)
    assert "address of an index" in done.stderr
    assert "pypi-x" not in done.stderr.replace(url, "")


def test_without_a_keyring_the_variable_is_named_and_works(tmp_path: Path, served: Server) -> None:
    bare = Machine(tmp_path / "bare", keyring="keyring.backends.fail.Keyring")
    done = bare.run("login", served.url, given=served.token, code=EXIT_NOT_READY)
    assert "AFFINEUR_TOKEN" in done.stderr
    found = bare.ask("whoami", AFFINEUR_INDEX=served.url, AFFINEUR_TOKEN=served.token)
    assert found["name"] == "operator"
    assert "AFFINEUR_TOKEN" in bare.run("whoami", "--index", served.url, code=EXIT_NOT_READY).stderr


def test_a_keyring_that_cannot_be_written_is_said_in_a_sentence(tmp_path: Path, served: Server) -> None:
    locked = Machine(tmp_path / "home")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "share").write_text("a file where a folder should be")
    done = locked.run("login", served.url, given=served.token, code=EXIT_NOT_READY)
    assert "The keyring of this machine cannot be used" in done.stderr


# Which index is meant


def test_an_option_is_stronger_than_the_environment_and_two_that_differ_are_refused(
    machine: Machine, served: Server
) -> None:
    both = machine.run("archive", "brie", "--index", served.url, "--data", "x", code=EXIT_USAGE)
    assert "give one of them" in both.stderr
    variables = {"AFFINEUR_INDEX": served.url, "AFFINEUR_DATA": str(served.data), "AFFINEUR_TOKEN": served.token}
    assert "both set" in machine.run("archive", "brie", code=EXIT_USAGE, **variables).stderr
    assert machine.ask("archive", "brie", "--index", served.url, **variables)["status"] == "archived"
    assert machine.ask("unarchive", "brie", "--data", served.data, **variables)["status"] == "active"


def test_a_data_folder_where_one_stands_is_meant_before_the_index_logged_in_to(
    machine: Machine, served: Server
) -> None:
    machine.run("login", served.url, given=served.token)
    assert machine.ask("deprecate", "brie")["changed"] is True
    machine.run("init")
    assert "There is no project" in machine.run("deprecate", "brie", code=EXIT_REFUSED).stderr
    assert machine.ask("undeprecate", "brie", "--index", served.url)["changed"] is True


def test_what_is_done_on_the_machine_of_an_index_is_said_so(machine: Machine, served: Server) -> None:
    machine.run("login", served.url, given=served.token)
    done = machine.run("mail", "list", code=EXIT_NOT_READY)
    assert "on the machine of the index" in done.stderr


# The life of a project


def unnumbered(said: str) -> str:
    """What was said, without the number of a case: each hold has a new one."""
    return re.sub(r"case [0-9-]+", "case", said)


def test_verbs_say_the_same_here_and_elsewhere(machine: Machine, served: Server) -> None:
    machine.run("login", served.url, given=served.token)
    for verb, undo in (
        (["yank", "Brie", "1.0", "--reason", "broken"], "unyank"),
        (["yank", "brie", "--file", "brie-2.0-py3-none-any.whl"], "unyank"),
        (["deprecate", "brie", "--reason", "use feta"], "undeprecate"),
        (["archive", "brie"], "unarchive"),
        (["quarantine", "brie"], "clear"),
    ):
        there = machine.run(*verb).stdout
        assert "nothing was changed" in machine.run(*verb).stdout
        undone = machine.run(undo, "brie", "--data", served.data).stdout
        here = machine.run(*verb, "--data", served.data).stdout
        assert unnumbered(here) == unnumbered(there)
        if undo == "unarchive":  # takes fresh proof, which a token has not by itself
            machine.run(undo, "brie", "--data", served.data)
        else:
            assert unnumbered(machine.run(undo, "brie").stdout) == unnumbered(undone)
    assert "[version.format]" in machine.run("yank", "brie", "x", code=EXIT_REFUSED).stderr
    assert "There is no project 'gouda'" in machine.run("archive", "gouda", code=EXIT_REFUSED).stderr


def test_many_projects_elsewhere_are_changed_with_one_command(machine: Machine, served: Server) -> None:
    machine.run("login", served.url, given=served.token)
    tried = machine.run("archive", "Brie", "gouda", "--reason", "done", "--dry-run", code=EXIT_REFUSED)
    would, refused = tried.stdout.splitlines()
    assert would == "brie would be archived ([archived] done)."
    assert refused.startswith("gouda: would be refused: There is no project 'gouda'") and "[project.exists]" in refused
    done = json.loads(machine.run("archive", "brie", "gouda", "--json", code=EXIT_REFUSED).stdout)
    assert [(each["project"], each["changed"]) for each in done] == [("brie", True), ("gouda", False)]
    shown = machine.run("status", "brie").stdout
    assert "brie is archived ([archived] No more releases are planned)." in shown
    assert "cannot unarchive" in shown and "[access.step-up]" in shown and "look at: It has one owner" in shown
    assert "would be yanked" in machine.run("yank", "brie", "--versions", "<2", "--dry-run").stdout


def test_a_refusal_for_want_of_proof_names_the_page_where_it_is_given(machine: Machine, served: Server) -> None:
    machine.run("login", served.url, given=served.token)
    done = machine.run("unarchive", "brie", code=EXIT_REFUSED)
    assert f"{served.url}account/tokens" in done.stderr
    assert "[access.step-up]" in done.stderr


def test_a_role_that_is_missing_is_said_as_the_pages_say_it(machine: Machine, served: Server) -> None:
    machine.run("login", served.url, given=token_of(served, "olga"))
    assert "isn't allowed to yank files of project 'brie'" in machine.run("yank", "brie", code=EXIT_REFUSED).stderr


# Servers that are away, or are none of ours


def test_an_index_that_is_away_is_said_in_a_sentence(machine: Machine) -> None:
    done = machine.run("login", "http://127.0.0.1:9/", given="pypi-x", code=EXIT_NOT_READY)
    assert done.stderr.startswith("affineur: http://127.0.0.1:9/ cannot be used:")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "answer",
    [http("200 OK", b"<html>", "text/html"), http("200 OK", b"{"), http("302 Found", b"", Location="http://127.0.0.1:1/x"),
     http("502 Bad Gateway", b"nginx", "text/html"), b"nonsense", http("403 Forbidden", b"[]")],
)  # fmt: skip
def test_what_no_index_answers_is_no_traceback(machine: Machine, answer: bytes) -> None:
    with answering(answer) as (url, _):
        assert "cannot be used" in machine.run("login", url, given="pypi-x", code=EXIT_NOT_READY).stderr


def test_a_token_never_follows_a_redirect(machine: Machine) -> None:
    with answering(http("200 OK", CALLER)) as (other, heard):
        with answering(http("307 Temporary Redirect", b"", Location=f"{other}api/v1/account")) as (url, _):
            machine.run("login", url, given="pypi-x", code=EXIT_NOT_READY)
        assert heard == []


def test_what_comes_from_elsewhere_does_nothing_to_the_terminal(machine: Machine) -> None:
    problem = json.dumps({"rule": "x.y", "detail": "\x1b[2Jgone\x07\nline", "ways_out": ["\x9b0m"]}).encode()
    with answering(http("403 Forbidden", problem, "application/problem+json")) as (url, _):
        said = machine.run("login", url, given="pypi-x", code=EXIT_REFUSED).stderr
    assert all(each.isprintable() for each in said.rstrip("\n"))


def test_a_request_whose_answer_is_lost_is_sent_again_with_the_same_key(machine: Machine) -> None:
    answer = http("200 OK", b'{"project": "brie", "yanked": true, "changed": []}')
    with answering(b"", answer) as (url, heard):
        machine.run("yank", "brie", "--index", url, AFFINEUR_TOKEN="pypi-x")
    keys = [line for each in heard for line in each.split(b"\r\n") if line.lower().startswith(b"idempotency-key")]
    assert len(heard) == 2
    assert len(keys) == 2
    assert len(set(keys)) == 1


def test_proxies_are_for_other_machines(machine: Machine, served: Server) -> None:
    proxies = {
        "HTTP_PROXY": "http://127.0.0.1:9",
        "http_proxy": "http://127.0.0.1:9",
        "ALL_PROXY": "http://127.0.0.1:9",
    }
    machine.run("login", served.url, given=served.token, **proxies)


# Tokens


def confirm(server: Server) -> None:
    """What the button on the tokens page does, with a security key: the operator's tokens stand for fresh proof."""
    now = datetime.now(UTC)
    with store_of(server) as store, store.write() as connection:
        for row in tokens.listed(connection):
            tokens.confirm(connection, row.id, StepUp(now, "passkey", now - timedelta(days=30)))


def test_tokens_are_made_listed_and_revoked_elsewhere(machine: Machine, served: Server) -> None:
    machine.run("login", served.url, given=served.token)
    wanted = ["token", "create", "--label", "laptop", "--action", "upload", "--project", "Brie", "--expires-in-days", 3]
    assert "account/tokens" in machine.run(*wanted, code=EXIT_REFUSED).stderr
    confirm(served)
    made = machine.ask(*wanted)
    assert (made["user"], made["token"][:5]) == ("operator", "pypi-")
    listed = {each["id"]: each for each in machine.ask("token", "list")}
    found = listed[made["id"]]
    assert (found["label"], found["actions"], found["projects"]) == ("laptop", ["upload"], ["brie"])
    assert made["token"] not in machine.run("token", "list", "--all").stdout
    assert set(found) - {"last_used_address", "revoked_because"} == set(
        machine.ask("token", "list", "--data", served.data)[0]
    )
    assert machine.run("token", "revoke", made["id"]).stdout == f"Token {made['id']} is revoked.\n"
    assert made["id"] not in machine.run("token", "list").stdout
    assert "[token.exists]" in machine.run("token", "revoke", made["id"], code=EXIT_REFUSED).stderr


def test_a_token_elsewhere_is_ones_own_and_one_made_here_names_whose_it_is(machine: Machine, served: Server) -> None:
    machine.run("login", served.url, given=served.token)
    assert "your own" in machine.run("token", "create", "--user", "olga", code=EXIT_USAGE).stderr
    assert "--user" in machine.run("token", "create", "--data", served.data, code=EXIT_USAGE).stderr


def test_what_is_narrowed_works_elsewhere_as_far_as_it_goes(machine: Machine, served: Server) -> None:
    weak = machine.run("token", "narrow", "--action", "read", AFFINEUR_TOKEN=served.token).stdout.strip()
    machine.run("login", served.url, given=weak)
    assert machine.ask("whoami")["token"]["actions"] == ["read"]
    assert "[access.scope]" in machine.run("yank", "brie", code=EXIT_REFUSED).stderr


# Roles and publishers


def test_people_are_invited_and_accept_elsewhere(machine: Machine, served: Server, tmp_path: Path) -> None:
    olga = Machine(tmp_path / "olga")
    olga.run("login", served.url, given=token_of(served, "olga"))
    machine.run("login", served.url, given=served.token)
    assert "[access.step-up]" in machine.run("role", "invite", "brie", "olga", code=EXIT_REFUSED).stderr
    confirm(served)
    said = machine.run("role", "invite", "Brie", "olga", "--as", "owner").stdout
    assert said.startswith("olga is invited to be owner of Brie, until ")
    found = olga.ask("invitation", "list")
    assert [(each["project"], each["role"]) for each in found] == [("brie", "owner")]
    assert "owner of brie" in olga.run("invitation", "list").stdout
    assert olga.run("invitation", "refuse", found[0]["id"]).stdout == "The invitation is refused.\n"
    assert olga.ask("invitation", "list") == []
    machine.run("role", "add", "brie", "olga", "--as", "owner")
    here = machine.run("role", "list", "brie", "--data", served.data).stdout
    assert machine.run("role", "list", "brie").stdout == here
    assert "olga  owner" in here
    machine.run("role", "remove", "brie", "olga")
    assert "olga" not in machine.run("role", "list", "brie").stdout


def test_publishers_are_added_and_removed_by_the_same_words(machine: Machine, served: Server) -> None:
    machine.run("login", served.url, given=served.token)
    confirm(served)
    described = ("--field", "owner=olga", "--field", "repository=brie", "--field", "workflow=release.yml")
    for where in ((), ("--data", served.data)):
        machine.run("publisher", "add", "brie", "github", *described, *where)
        found = machine.ask("publisher", "list", "brie", *where)
        assert [(each["kind"], each["fields"]["repository"]) for each in found] == [("github", "brie")]
        machine.run("publisher", "remove", "brie", found[0]["id"], *where)
        assert machine.ask("publisher", "list", "brie", *where) == []
    assert "NAME=VALUE" in machine.run("publisher", "add", "brie", "github", "--field", "x", code=EXIT_USAGE).stderr
    assert "--issuer" in machine.run("publisher", "add", "brie", "nobody", code=EXIT_USAGE).stderr
