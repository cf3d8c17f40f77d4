"""What installers do, as it is foretold to owners: held to real pip and uv, which ask the same pages."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from tests.clients.runner import program
from tests.core.distributions import wheel, wheel_filename

from affineur.core.life.consequences import Seen, changes, exactly, locked, newest, publishing, touched
from affineur.core.life.standing import Hold, Standing
from affineur.core.names import parse_name
from affineur.core.views.simple import FileLink, arrange, file_path, project_html

AT = datetime(2026, 3, 1, tzinfo=UTC)
BOTH = ("py3-none-any", "py2.py3-none-any")


def a_project(name: str, *releases: str, standing: Standing | None = None, tags: Sequence[str] = BOTH[:1]) -> Seen:
    """A project with one wheel a release and tag; a release that ends in ``!`` is yanked."""
    files = [
        a_file(name, release.rstrip("!"), tag, yanked=release.endswith("!")) for release in releases for tag in tags
    ]
    return Seen(parse_name(name), standing or Standing(), files)


def a_file(name: str, version: str, tag: str = BOTH[0], *, yanked: bool = False) -> FileLink:
    content, reason, code = wheel(name, version), "it eats rind" if yanked else None, "broken" if yanked else None
    sha256 = hashlib.sha256(content).hexdigest()
    filename = wheel_filename(name, version, tag)
    return FileLink(filename, version, sha256, len(content), AT, yanked=yanked, yanked_reason=reason, yanked_code=code)


def held(kind: str = "quarantined", version: str | None = None, filename: str | None = None) -> Standing:
    return Standing(holds=(Hold(kind, version=version, filename=filename, code="other"),))  # type: ignore[arg-type]


ONE_YANKED = Seen(
    parse_name("half"),
    Standing(),
    [a_file("half", "1.0"), a_file("half", "2.0", yanked=True), a_file("half", "2.0", BOTH[1])],
)
SITUATIONS: Mapping[str, tuple[Seen, str]] = {
    "ordinary": (a_project("plain", "1.0", "2.0"), "2.0"),
    "the newest is yanked": (a_project("brie", "1.0", "2.0!"), "2.0"),
    "all is yanked": (a_project("feta", "1.0!", "2.0!"), "2.0"),
    "one file of the newest is yanked": (ONE_YANKED, "2.0"),
    "quarantined": (a_project("edam", "1.0", standing=held()), "1.0"),
    "the newest is quarantined": (a_project("gouda", "1.0", "2.0", standing=held(version="2.0")), "2.0"),
    "archived": (a_project("tilsit", "1.0", standing=Standing(maintenance="archived")), "1.0"),
    "deprecated": (a_project("emmental", "1.0", standing=Standing(advice="deprecated")), "1.0"),
    "one file is withheld": (
        a_project("comte", "1.0", "2.0", tags=BOTH, standing=held("withheld", "2.0", wheel_filename("comte", "2.0"))),
        "2.0",
    ),
    "a pre-release is newer": (a_project("morbier", "1.0", "2.0b1"), "2.0b1"),
    "only pre-releases": (a_project("reblochon", "1.0b1", "1.0b2!"), "1.0b1"),
    "the only final release is yanked": (a_project("munster", "1.0!", "2.0b1"), "2.0b1"),
    "the only final release is withheld": (
        a_project("livarot", "1.0", "2.0b1", standing=held("withheld", "1.0")),
        "1.0",
    ),
}
_OPTIONS = ("--no-deps", "--dry-run")
_RUN_PIP = """
import io, json, sys
from contextlib import redirect_stderr, redirect_stdout
from pip._internal.cli.main import main
answers = []
for arguments in json.load(sys.stdin):
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        code = main(arguments)
    answers.append([code, said.getvalue()])
sys.__stdout__.write(json.dumps(answers))
"""
"""One process for all questions: starting pip takes longer than asking it."""


class _Pages(BaseHTTPRequestHandler):
    """The pages and files of all situations, as an index has them."""

    known: Mapping[str, bytes] = {}

    def do_GET(self) -> None:
        body = self.known.get(self.path)
        self.send_response(200 if body is not None else 404)
        self.send_header("content-type", "text/html" if self.path.startswith("/simple/") else "application/zip")
        self.send_header("content-length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is said."""


@dataclass(frozen=True)
class Ended:
    """How a client ended: the version it chose, or None, and what it said."""

    version: str | None
    said: str


Question = tuple[str, str]
"""A situation, and what is asked of it: ``newest``, ``exact``, ``locked``."""


@pytest.fixture(scope="module")
def index() -> Iterator[str]:
    """The URL of an index that has every situation."""
    for seen, _ in SITUATIONS.values():
        page = arrange(seen.name, seen.standing, seen.files, 1)
        _Pages.known = {**_Pages.known, f"/simple/{seen.name}/": project_html(page)} | {
            f"/{file_path(seen.name, file.version, file.filename)}": wheel(seen.name, file.version)
            for file in seen.offered
        }
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Pages)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/simple/"
    server.shutdown()
    thread.join(30)
    server.server_close()


@pytest.fixture(scope="module")
def asked(index: str, tmp_path_factory: pytest.TempPathFactory) -> Mapping[Question, Sequence[str]]:
    """Every question, as the last words of a command line."""
    folder, questions = tmp_path_factory.mktemp("locks"), {}
    for situation, (seen, version) in SITUATIONS.items():
        lock = folder / f"{seen.name}.txt"
        digests = "".join(f" --hash=sha256:{file.sha256}" for file in seen.files if file.version == version)
        lock.write_text(f"{seen.name}=={version}{digests}\n")
        questions[situation, "newest"] = ["--index-url", index, seen.name]
        questions[situation, "exact"] = ["--index-url", index, f"{seen.name}=={version}"]
        questions[situation, "locked"] = ["--index-url", index, "--require-hashes", "-r", str(lock)]
    return questions


@pytest.fixture(scope="module")
def pip(asked: Mapping[Question, Sequence[str]]) -> Mapping[Question, Ended]:
    """What pip answers to each."""
    options = ("install", "--isolated", "--disable-pip-version-check", "--no-cache-dir", "--ignore-installed")
    commands = [[*options, *_OPTIONS, *words] for words in asked.values()]
    told = _run([sys.executable, "-c", _RUN_PIP], json.dumps(commands))
    answers = json.loads(told.stdout)
    return {
        question: _ended(said, r"Would install \S+-(\S+)") for question, (_, said) in zip(asked, answers, strict=True)
    }


@pytest.fixture(scope="module")
def uv(asked: Mapping[Question, Sequence[str]], tmp_path_factory: pytest.TempPathFactory) -> Mapping[Question, Ended]:
    """What uv answers to each."""
    nowhere = str(tmp_path_factory.mktemp("target"))
    start = [
        str(program("uv", "uv")),
        "pip",
        "install",
        "--no-config",
        "--no-cache",
        "--target",
        nowhere,
        "--python",
        sys.executable,
    ]
    told = {question: _run([*start, *_OPTIONS, *words]).stderr for question, words in asked.items()}
    return {question: _ended(said, r"\+ \S+==(\S+)") for question, said in told.items()}


def _run(command: Sequence[str], given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, input=given, capture_output=True, text=True, timeout=300, check=False)


def _ended(said: str, installed: str) -> Ended:
    found = re.search(installed, said)
    return Ended(found[1] if found else None, said)


@pytest.mark.parametrize("situation", SITUATIONS)
def test_what_is_foretold_of_the_newest_version_is_what_pip_and_uv_choose(
    situation: str, pip: Mapping[Question, Ended], uv: Mapping[Question, Ended]
) -> None:
    answer, by_pip, by_uv = newest(SITUATIONS[situation][0]), pip[situation, "newest"], uv[situation, "newest"]
    assert by_uv.version == answer.version, by_uv.said
    assert by_pip.version == (None if answer.verdict == "differs" else answer.version), by_pip.said
    assert "yanked version" not in by_pip.said


@pytest.mark.parametrize("situation", SITUATIONS)
def test_what_is_foretold_of_a_pinned_version_is_what_pip_and_uv_do(
    situation: str, pip: Mapping[Question, Ended], uv: Mapping[Question, Ended]
) -> None:
    answer = exactly(*SITUATIONS[situation])
    for ended in (pip[situation, "exact"], uv[situation, "exact"]):
        assert ended.version == answer.version, ended.said
        assert ("yanked" in ended.said) == (answer.verdict == "warns"), ended.said


@pytest.mark.parametrize("situation", SITUATIONS)
def test_what_is_foretold_of_a_lock_file_is_what_pip_and_uv_do(
    situation: str, pip: Mapping[Question, Ended], uv: Mapping[Question, Ended]
) -> None:
    answer, version = locked(*SITUATIONS[situation]), SITUATIONS[situation][1]
    for ended in (pip[situation, "locked"], uv[situation, "locked"]):
        assert ended.version == (None if answer.verdict == "fails" else version), ended.said
        assert ("yanked" in ended.said) == (answer.verdict == "warns"), ended.said


def test_what_fails_is_quoted_as_pip_says_it(pip: Mapping[Question, Ended]) -> None:
    for (situation, kind), ended in pip.items():
        seen, version = SITUATIONS[situation]
        answer = newest(seen) if kind == "newest" else exactly(seen, version)
        for quoted in re.findall("“(No matching[^”]+)”", answer.text) if kind != "locked" else ():
            assert quoted in ended.said, situation


def test_a_yank_of_the_newest_release_leads_to_the_one_before_and_leaves_pins_and_locks_alone() -> None:
    before = a_project("brie", "1.0", "2.0")
    after = before.yanked(lambda file: file.version == "2.0", "it eats rind", "broken")
    told = changes(before, after, touched(before, after))
    assert touched(before, after) == ("2.0",)
    assert [(each.doing, each.before.verdict, each.after.verdict) for each in told] == [
        ("pip install brie", "works", "works"),
        ("pip install brie==2.0", "works", "warns"),
        ("A lock file with brie 2.0", "works", "warns"),
        ("Publishing to brie", "works", "works"),
    ]
    assert (told[0].before.version, told[0].after.version) == ("2.0", "1.0")
    assert "[broken] it eats rind" in told[1].after.text
    assert [each.is_one for each in told] == [True, True, True, False]


def test_taking_a_yank_back_leads_to_what_was_before() -> None:
    before = a_project("brie", "1.0", "2.0")
    yanked = before.yanked(lambda _: True, None, None)
    assert newest(yanked).verdict == "fails"
    assert yanked.unyanked(lambda _: True) == before


def test_archiving_changes_nothing_but_uploads() -> None:
    before = a_project("tilsit", "1.0")
    after = Seen(before.name, Standing(maintenance="archived"), before.files)
    assert [each.doing for each in changes(before, after, ["1.0"]) if each.is_one] == ["Publishing to tilsit"]
    assert publishing(after).text == "Is refused."


def test_a_pin_without_a_local_label_means_releases_with_one_too() -> None:
    assert exactly(a_project("brie", "1.0+local"), "1.0").verdict == "works"
    assert exactly(a_project("brie", "1.0"), "1.0.0").verdict == "works"
    assert exactly(a_project("brie", "1.0"), "1.0+local").verdict == "fails"
