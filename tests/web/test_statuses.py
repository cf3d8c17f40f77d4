"""The status files over HTTP, in both serving modes, and what the command writes."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from tests.services.affineur import Server
from tests.web.uploading import Answer, a_wheel, ask, published, upload
from typer.testing import CliRunner

from affineur.cli.main import app
from affineur.projections import statuses
from affineur.settings import load
from affineur.shell.index import open_index

NAMES = ("statuses-brie", "statuses-comte")


@pytest.fixture(scope="module")
def served(shared_server: Server) -> Server:
    """A server whose status files are written."""
    for name in NAMES:
        published(upload(shared_server, a_wheel(name)))
    write(shared_server)
    return shared_server


def write(server: Server) -> None:
    """What the background does after a while."""
    index = open_index(load({"data": server.data}, environment={}).settings)
    try:
        statuses.project_statuses(index)
    finally:
        index.close()


def names_in(lines: bytes) -> list[str]:
    return [json.loads(line)["name"] for line in lines.splitlines()]


def good(answer: Answer) -> bytes:
    assert answer.status == 200, answer.text
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cache-control"] == "no-cache, public"
    assert int(answer.headers["x-pypi-last-serial"]) > 0
    return answer.body


def test_lines_come_compressed_plain_and_as_a_file_with_the_same_rows(served: Server) -> None:
    packed = ask(served, "GET", "/statuses.jsonl", accept_encoding="gzip, deflate")
    plain = ask(served, "GET", "/statuses.jsonl", accept_encoding="identity")
    file = ask(served, "GET", "/statuses.jsonl.gz", accept_encoding="gzip")
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert "content-encoding" not in file.headers
    assert good(packed) == good(file)
    assert gzip.decompress(file.body) == good(plain)
    assert packed.headers["content-type"] == plain.headers["content-type"] == "application/x-ndjson"
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
    assert file.headers["content-type"] == "application/gzip"
    assert set(NAMES) <= set(names_in(plain.body))
    assert len({answer.headers["etag"] for answer in (packed, plain, file)}) == 3


def test_parquet_can_be_read_by_range(served: Server) -> None:
    whole = good(ask(served, "GET", "/statuses.parquet"))
    assert (whole[:4], whole[-4:]) == (b"PAR1", b"PAR1")
    head = ask(served, "HEAD", "/statuses.parquet")
    assert (head.status, head.body, int(head.headers["content-length"])) == (200, b"", len(whole))
    assert head.headers["accept-ranges"] == "bytes"
    part = ask(served, "GET", "/statuses.parquet", range="bytes=-8", if_range=head.headers["etag"])
    assert (part.status, part.body) == (206, whole[-8:])
    other = ask(served, "GET", "/statuses.parquet", range="bytes=-8", if_range='"another"')
    assert (other.status, other.body) == (200, whole)


@pytest.mark.parametrize("path", ["/statuses.jsonl", "/statuses.jsonl.gz", "/statuses.parquet"])
@pytest.mark.parametrize("coding", ["gzip", "identity"])
def test_who_has_a_file_gets_it_again_only_when_something_has_changed(served: Server, path: str, coding: str) -> None:
    first = ask(served, "GET", path, accept_encoding=coding)
    assert good(first)
    again = ask(served, "GET", path, accept_encoding=coding, if_none_match=first.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    published(upload(served, a_wheel(f"statuses-{coding}", "1.0" if path.endswith("l") else f"1.{len(path)}")))
    write(served)
    changed = ask(served, "GET", path, accept_encoding=coding, if_none_match=first.headers["etag"])
    assert good(changed)
    assert changed.headers["etag"] != first.headers["etag"]


def test_head_says_what_get_would(served: Server) -> None:
    head = ask(served, "HEAD", "/statuses.jsonl", accept_encoding="identity")
    get = ask(served, "GET", "/statuses.jsonl", accept_encoding="identity")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["etag"] == get.headers["etag"]


def test_a_script_of_another_site_may_ask(served: Server) -> None:
    assert ask(served, "OPTIONS", "/statuses.parquet").status == 204


def test_before_they_are_written_it_is_said_when_to_come_again(served: Server) -> None:
    folder = served.data / "public" / "statuses"
    aside = folder.rename(folder.with_name("locks") / "aside")
    try:
        answers = [ask(served, "GET", path) for path in ("/statuses.jsonl", "/statuses.parquet")]
    finally:
        if not folder.exists():
            aside.rename(folder)
    assert [(answer.status, answer.headers["retry-after"]) for answer in answers] == [(503, "60")] * 2


def test_the_command_writes_each_format_and_nothing_beside_it(served: Server, tmp_path: Path) -> None:
    def run(*arguments: object, code: int = 0) -> bytes:
        done = CliRunner().invoke(app, ["statuses", *map(str, arguments), "--data", str(served.data)])
        assert done.exit_code == code, (done.output, done.exception)
        return done.stdout_bytes

    plain = run()
    assert plain == ask(served, "GET", "/statuses.jsonl", accept_encoding="identity").body
    for name in ("a.jsonl", "a.jsonl.gz", "a.parquet"):
        run("-o", tmp_path / name)
    run("-o", tmp_path / "named", "--format", "parquet")
    assert (tmp_path / "a.jsonl").read_bytes() == gzip.decompress((tmp_path / "a.jsonl.gz").read_bytes()) == plain
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "named").read_bytes() == run("--format", "parquet")
    assert {path.name for path in tmp_path.iterdir()} == {"a.jsonl", "a.jsonl.gz", "a.parquet", "named"}
    run("-o", tmp_path / "missing" / "a.parquet", code=2)
