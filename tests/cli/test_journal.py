"""`affineur journal`: its head, its entries, copies of it, and the proof that nothing was changed."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.indexes import START, fill, new_index
from typer.testing import CliRunner, Result

from affineur.cli import errors
from affineur.cli.main import app, main
from affineur.core.history.journal import Event
from affineur.shell.store import journal as stored
from affineur.shell.store.schema import journal


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an index whose journal has a quarantine; tests only read it."""
    index = new_index(tmp_path_factory.mktemp("journal") / "data")
    fill(index)
    event = Event("ProjectQuarantined", "brie", reason="Mould \x1b[31m", actor_class="moderator", hint="hide")
    with index.store.write() as connection:
        stored.append(connection, START, [event])
    index.close()
    return index.settings.data


@pytest.fixture
def copy(data: Path, tmp_path: Path) -> Path:
    run("export", tmp_path / "copy.jsonl", "--data", data)
    return tmp_path / "copy.jsonl"


def run(*arguments: object, code: int = 0, given: bytes | None = None) -> Result:
    """Call the command in this process; its exit status must be ``code``."""
    done = CliRunner().invoke(app, ["journal", *map(str, arguments)], input=given)
    assert done.exit_code == code, (done.output, done.exception)
    return done


def head(data: Path) -> str:
    return run("head", "--data", data).stdout.strip()


def test_the_head_is_that_of_the_last_entry(data: Path, copy: Path) -> None:
    last = json.loads(copy.read_bytes().splitlines()[-1])
    assert head(data) == f"{last['serial']}:{last['hash']}"
    told = json.loads(run("head", "--json", "--data", data).stdout)
    assert told == {name: last[name] for name in ("serial", "hash", "at")}


def test_entries_are_shown_in_words_that_do_no_harm_to_a_terminal(data: Path) -> None:
    lines = run("show", "--data", data).stdout.splitlines()
    assert lines[0].endswith("brie  The project was created.  (by an operator of the index)")
    assert "taken off offer while it is looked into: Mould  [31m." in lines[-1]
    assert "\x1b" not in lines[-1]
    assert [line.split()[0] for line in lines] == [str(serial) for serial in range(1, len(lines) + 1)]
    assert run("show", "--limit", 2, "--data", data).stdout.splitlines() == lines[-2:]
    assert run("show", "--since", 3, "--limit", 0, "--data", data).stdout.splitlines() == lines[3:]
    assert run("show", "--project", "Brie", "--data", data).stdout.splitlines() == [
        line for line in lines if " brie " in line
    ]
    run("show", "--project", "gouda", "--data", data, code=errors.EXIT_REFUSED)


def test_shown_json_is_what_a_copy_has(data: Path, copy: Path) -> None:
    assert run("show", "--json", "--limit", 0, "--data", data).stdout_bytes == copy.read_bytes()
    assert run("export", "-", "--data", data).stdout_bytes == copy.read_bytes()
    assert run("export", "-", "--since", 3, "--data", data).stdout_bytes == b"".join(
        copy.read_bytes().splitlines(keepends=True)[3:]
    )


def test_a_copy_is_proved_without_an_index(copy: Path, data: Path) -> None:
    assert run("verify", copy).stdout.startswith("The journal is whole: ")
    run("verify", copy, "--head", head(data))
    run("verify", "-", "--head", head(data), given=copy.read_bytes())
    assert json.loads(run("verify", copy, "--json").stdout)["whole"] is True


def spoiled(lines: list[bytes]) -> Iterator[tuple[str, list[bytes]]]:
    yield "altered", [lines[0].replace(b'"brie"', b'"comte"', 1), *lines[1:]]
    yield "missing", [*lines[:2], *lines[3:]]
    yield "out of order", [lines[1], lines[0], *lines[2:]]
    yield "It ends with entry", lines[:-1]
    yield "Line 1 cannot be read", [b"\n", *lines]
    yield "Line 1 cannot be read", [b"x" * 1_000_000, *lines]
    yield "It ends with entry 0", []


def test_every_kind_of_damage_ends_with_1_and_is_named(copy: Path, data: Path) -> None:
    known = head(data)
    for said, lines in spoiled(copy.read_bytes().splitlines(keepends=True)):
        done = run("verify", "-", "--head", known, given=b"".join(lines), code=1)
        assert said in done.stdout
    done = run("verify", copy, "--head", f"3:{'a' * 64}", code=1)
    assert "this is another journal" in done.stdout


def test_of_many_faults_some_are_shown_and_the_others_counted(copy: Path) -> None:
    given = copy.read_bytes() * 20  # at each seam a serial and a hash that do not follow
    assert run("verify", "-", given=given, code=1).stdout.splitlines()[-1] == "… and 18 more faults."
    assert len(json.loads(run("verify", "-", "--json", given=given, code=1).stdout)["faults"]) == 38


def test_the_own_journal_is_proved_and_its_damage_found(data: Path, tmp_path: Path) -> None:
    assert "whole" in run("verify", "--data", data).stdout
    run("verify", "--head", head(data), "--data", data)
    index = new_index(tmp_path / "data")
    fill(index)
    with index.store.write() as connection:
        connection.execute(journal.update().where(journal.c.serial == 2).values(reason="forged"))
    index.close()
    assert "Entry 2 was altered" in run("verify", "--data", tmp_path / "data", code=1).stdout
    with index.store.write() as connection:
        last = connection.scalar(sa.select(sa.func.max(journal.c.serial)))
        connection.execute(journal.delete().where(journal.c.serial == last))
    index.close()
    assert "1 are missing" in run("verify", "--data", tmp_path / "data", code=1).stdout


def test_what_is_no_head_and_what_is_no_file_end_with_a_sentence(
    copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments, said, code in (
        (["verify", str(copy), "--head", "12"], "journal.head", errors.EXIT_REFUSED),
        (["verify", str(copy.with_name("nothing"))], "No such file", errors.EXIT_NOT_READY),
    ):
        monkeypatch.setattr(sys, "argv", ["affineur", "journal", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == code
        assert said in capsys.readouterr().err


def test_an_export_replaces_a_copy_whole(copy: Path, data: Path) -> None:
    before = copy.read_bytes()
    copy.write_bytes(b"old")
    run("export", copy, "--data", data)
    assert copy.read_bytes() == before
    assert [path.name for path in copy.parent.iterdir() if path.name.startswith(".")] == []
