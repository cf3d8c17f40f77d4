"""The program as it is called: what it prints, what it answers to programs, and how it ends."""

from __future__ import annotations

import json
import os
import re
import resource
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from tests.indexes import fill, new_index, open_unfounded
from tests.services import starter

from affineur.cli.errors import EXIT_DAMAGED, EXIT_NOT_READY, EXIT_REFUSED, EXIT_USAGE

PROGRAM = str(Path(sys.executable).with_name("affineur"))


def run(*arguments: object, code: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
    """Call the program; its exit status must be ``code``, and it must never show a traceback."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AFFINEUR_")}
    done = starter.run([PROGRAM, *map(str, arguments)], kept | environment, timeout=60)
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == code, (done.stdout, done.stderr)
    return done


def ask(*arguments: object, code: int = 0) -> dict:  # type: ignore[type-arg]
    return json.loads(run(*arguments, "--json", code=code).stdout)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    index = new_index(tmp_path / "data")
    fill(index)
    index.close()
    return tmp_path / "data"


def test_help_costs_less_than_300_ms_of_cpu() -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for _ in range(3):
        subprocess.run([PROGRAM, "--help"], stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / 3 < 0.3


def test_every_command_prints_help_that_says_something() -> None:
    listed = run("--help").stdout.partition("Commands:")[2]
    commands = re.findall(r"^  (\w+) +\S", listed.partition("Exit status")[0], re.MULTILINE)
    assert {"init", "serve", "work", "fsck", "backup", "restore", "token", "yank", "config"} <= set(commands)
    for command in commands:
        assert "Usage: affineur" in run(command, "--help").stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_is_given_for_each_shell(shell: str) -> None:
    assert "_AFFINEUR_COMPLETE" in run(_AFFINEUR_COMPLETE=f"source_{shell}").stdout


def test_bash_is_offered_the_commands_that_fit() -> None:
    offered = run(_AFFINEUR_COMPLETE="complete_bash", COMP_WORDS="affineur qu", COMP_CWORD="1").stdout
    assert offered.split() == ["quarantine"]


def test_init_is_done_once(tmp_path: Path) -> None:
    first = ask("init", "--data", tmp_path / "data")
    assert first["operator"] == "operator"
    assert first["token"].startswith("pypi-")
    assert ask("init", "--data", tmp_path / "data")["token"] is None
    assert "set up already" in run("init", "--data", tmp_path / "data").stdout


@pytest.mark.parametrize(
    "command", [["status"], ["fsck"], ["rebuild"], ["token", "list"], ["backup", "x"], ["migrate"]]
)
def test_where_there_is_no_index_it_is_said_and_nothing_is_made(tmp_path: Path, command: list[str]) -> None:
    done = run(*command, "--data", tmp_path / "none", code=EXIT_NOT_READY)
    assert "affineur init" in done.stderr
    assert not (tmp_path / "none").exists()


def test_status_tells_programs_and_people(data: Path) -> None:
    found = ask("status", "--data", data)
    assert (found["projects"], found["releases"], found["files"]) == (3, 4, 4)
    assert found["behind"] == {"pages": 0, "root": 0, "search": 0}
    assert "everything is up to date" in run("status", "--data", data).stdout


def test_tokens_are_created_listed_and_revoked(data: Path) -> None:
    made = ask("token", "create", "--user", "olga", "--project", "Brie", "--expires-in-days", 3, "--data", data)
    assert made["new_account"] is True
    listed = {row["id"]: row for row in ask("token", "list", "--data", data)}
    row = listed[made["id"]]
    assert (row["user"], row["projects"], row["state"]) == ("olga", ["brie"], "valid")
    assert made["token"] not in run("token", "list", "--data", data).stdout
    run("token", "revoke", made["id"], "--data", data)
    assert made["id"] not in run("token", "list", "--data", data).stdout
    assert "revoked" in run("token", "list", "--all", "--data", data).stdout
    assert "[token.exists]" in run("token", "revoke", made["id"], "--data", data, code=EXIT_REFUSED).stderr


def test_a_new_account_is_announced_beside_the_token(data: Path) -> None:
    done = run("token", "create", "--user", "olga", "--data", data)
    assert "There was no account olga; it was made" in done.stderr
    assert re.search(r"shown only now: pypi-\S+$", done.stdout)


def test_the_life_of_a_project_is_changed_by_name(data: Path) -> None:
    assert ask("yank", "Brie", "1.0", "--reason", "bad", "--data", data)["changed"] == ["brie-1.0-py3-none-any.whl"]
    assert ask("unyank", "brie", "--data", data)["changed"] == ["brie-1.0-py3-none-any.whl"]
    assert "already; nothing" in run("unyank", "brie", "--data", data).stdout
    for act, status in (("archive", "archived"), ("quarantine", "quarantined"), ("clear", "archived")):
        assert ask(act, "brie", "--data", data)["status"] == status
    assert run("unarchive", "brie", "--data", data).stdout == "brie is active.\n"
    deprecated = run("deprecate", "brie", "--reason", "use feta", "--data", data).stdout
    assert deprecated == "brie is deprecated ([deprecated] use feta).\n"
    assert run("undeprecate", "brie", "--data", data).stdout == "brie is active. The advice is taken back.\n"
    assert "There is no project" in run("archive", "gouda", "--data", data, code=EXIT_REFUSED).stderr
    assert "[name.format]" in run("archive", "gou da", "--data", data, code=EXIT_REFUSED).stderr
    run("fsck", "--data", data)


def test_roles_and_limits_are_set_and_shown(data: Path) -> None:
    assert "token create --user olga" in run("role", "add", "brie", "olga", "--data", data, code=EXIT_REFUSED).stderr
    run("token", "create", "--user", "olga", "--data", data)
    assert run("role", "add", "brie", "olga", "--as", "owner", "--data", data).stdout == "olga is owner of brie.\n"
    assert [(row["user"], row["role"]) for row in ask("role", "list", "brie", "--data", data)] == [("olga", "owner")]
    run("role", "remove", "brie", "olga", "--data", data)
    assert ask("role", "list", "brie", "--data", data) == []
    limits = ask("limit", "brie", "--file-bytes", "1MiB", "--total-bytes", "2 GiB", "--data", data)
    assert (limits["file_limit_bytes"], limits["total_limit_bytes"]) == (1 << 20, 2 << 30)
    assert ask("limit", "brie", "--file-bytes", "default", "--data", data)["file_limit_bytes"] is None
    assert "2,147,483,648 bytes" in run("limit", "brie", "--data", data).stdout
    run("limit", "brie", "--file-bytes", "many", "--data", data, code=EXIT_USAGE)


def test_config_shows_every_setting_with_its_source(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "my.toml"
    file.write_text('port = 9000\ndatabase = "postgresql://olga:secret@127.0.0.1/x"\n')
    hidden = {"AFFINEUR_COMPANY_CLIENT_SECRET": "hush", "AFFINEUR_MAIL_SERVER": "smtps://post:hush@127.0.0.1:465"}
    done = run("config", "--json", "--data", data, "--config", file, AFFINEUR_WORKERS="7", **hidden)
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert (rows["port"]["value"], rows["port"]["source"]) == (9000, str(file))
    assert (rows["workers"]["value"], rows["workers"]["source"]) == (7, "AFFINEUR_WORKERS")
    assert (rows["data"]["source"], rows["host"]["source"]) == ("flag", "default")
    assert ":secret@" not in done.stdout
    assert "hush" not in done.stdout
    text = run("config", "--data", data, AFFINEUR_WORKERS="7").stdout
    assert "workers = 7    (from AFFINEUR_WORKERS; default: 2)" in text
    assert "There is no setting" in run("config", "nonsense", code=EXIT_USAGE).stderr


def test_a_setting_that_does_not_fit_is_named_with_its_source(data: Path) -> None:
    assert "AFFINEUR_PORT: port = 'x'" in run("status", "--data", data, code=EXIT_USAGE, AFFINEUR_PORT="x").stderr


def test_migrate_says_that_nothing_is_to_be_done(data: Path) -> None:
    assert "already" in run("migrate", "--data", data).stdout


def test_fsck_names_damage_and_ends_with_4_and_rebuild_mends_it(data: Path) -> None:
    (data / "public" / "simple" / "brie").unlink()
    found = ask("fsck", "--data", data, code=EXIT_DAMAGED)
    assert [(each["kind"], each["mend"]) for each in found["findings"]] == [("missing-page", "rebuild")]
    done = run("fsck", "--data", data, code=EXIT_DAMAGED)
    assert done.stdout.startswith("missing-page: page of brie")
    assert "`affineur rebuild` mends this." in done.stderr
    run("rebuild", "pages", "--data", data)
    assert run("fsck", "--data", data).stdout == "No damage found.\n"
    assert ask("rebuild", "--sweep", "--data", data)["projects"] == 3
    assert "nothing called" in run("rebuild", "everything", "--data", data, code=EXIT_USAGE).stderr


def test_backup_and_restore_make_an_index_that_is_clean(data: Path, tmp_path: Path) -> None:
    done = ask("backup", tmp_path / "copy", "--data", data)
    assert done["copied"] == done["blobs"] > 0
    assert ask("backup", tmp_path / "copy", "--data", data)["copied"] == 0
    assert ask("restore", tmp_path / "copy", "--data", tmp_path / "new")["projects"] == 3
    run("fsck", "--data", tmp_path / "new")
    assert "not empty" in run("restore", tmp_path / "copy", "--data", data, code=EXIT_REFUSED).stderr
    assert "is no backup" in run("restore", tmp_path, "--data", tmp_path / "n", code=EXIT_DAMAGED).stderr


def test_a_database_that_is_away_is_said_in_a_sentence(data: Path) -> None:
    done = run("status", "--data", data, code=EXIT_NOT_READY, AFFINEUR_DATABASE="postgresql://x@127.0.0.1:9/x")
    assert "The database cannot be used" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_missing_right_is_said_in_a_sentence(data: Path) -> None:
    (data / "spool").chmod(stat.S_IRUSR)
    run("backup", "/nowhere", "--data", data, code=EXIT_NOT_READY)


def test_a_full_disk_is_said_in_a_sentence(data: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [PROGRAM, "config", "--data", data], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.stderr.startswith("affineur: The disk is full")
    assert done.returncode == EXIT_NOT_READY


def test_a_reader_that_goes_away_is_no_error(data: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", f"'{PROGRAM}' config --data '{data}' | head -1; exit ${{PIPESTATUS[0]}}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr


def test_the_postgresql_index_is_looked_after_alike(tmp_path: Path, postgresql_url: str) -> None:
    data = tmp_path / "data"
    index = new_index(data, database=postgresql_url)
    fill(index)
    index.close()
    where = {"AFFINEUR_DATABASE": postgresql_url}
    assert json.loads(run("status", "--json", "--data", data, **where).stdout)["database"] == "PostgreSQL"
    run("yank", "brie", "--data", data, **where)
    run("fsck", "--data", data, **where, code=0)
    run("backup", tmp_path / "copy", "--data", data, **where)
    run("restore", tmp_path / "copy", "--data", tmp_path / "new")
    copy = open_unfounded(tmp_path / "new")
    assert copy.store.is_sqlite
    copy.close()
