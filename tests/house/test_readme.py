"""The prose is held to the program: commands run, links lead somewhere, names exist, every route is described.

A fenced ``sh`` block under ``<!-- run -->`` is run, all those of a page one after another in one shell, as their
reader would. ``<!-- run: serve -->`` marks the command that keeps running in another terminal; ``<!-- run: file
NAME -->`` a block that is the contents of a file. Nothing but this machine is reached.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import pytest
from starlette.routing import Route
from tests.clients.projects import build, write_project
from tests.clients.runner import program
from tests.core.distributions import wheel, wheel_filename
from tests.services.keeper import free_ports

from affineur.web.app import routes
from affineur.web.requestlog import FIELDS

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "affineur"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
WRITTEN = [page for page in PAGES if "generate-reference" not in page.read_text()[:100]]
LAYERS = ("core", "shell", "actions", "projections", "web", "cli", "settings")
_NOWHERE = "http://127.0.0.1:9"  # the discard port: whoever turns to another host is refused at once


class Block(NamedTuple):
    """A fenced block that is run: how (empty, ``serve``, or ``file NAME``), and its text."""

    how: str
    text: str


def blocks(page: Path) -> list[Block]:
    """The marked blocks of a page, in order."""
    found = re.findall(r"<!-- run(?:: ([^>]+?))? -->\n```\w+\n(.*?)```", page.read_text(), re.DOTALL)
    return [Block(how, text) for how, text in found]


RUN = [page for page in WRITTEN if blocks(page)]


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """What the reader of a page has made: wheel and sdist of hello-cellar 1.0."""
    made = tmp_path_factory.mktemp("made")
    return build(write_project(made, "hello-cellar", backend="hatch")).distributions


def lay_out(folder: Path, built: list[Path], page: Path) -> None:
    """``dist/``, as the reader of ``page`` has it: with what else the page speaks of."""
    folder.mkdir()
    for path in built:
        shutil.copy(path, folder)
    for needed, name, version in (
        ("hello-cellar 1[.]1", "hello-cellar", "1.1"),
        (r"affineur .*\bfeta\b", "feta", "2.0"),
    ):
        if re.search(needed, page.read_text()):
            (folder / wheel_filename(name, version)).write_bytes(wheel(name, version))


@pytest.mark.parametrize("page", RUN, ids=named)
def test_the_commands_of_a_page_run(page: Path, built: list[Path], tmp_path: Path) -> None:
    port = free_ports(1)[0]
    lay_out(tmp_path / "dist", built, page)
    script = as_script(blocks(page)).replace("127.0.0.1:8040", f"127.0.0.1:{port}")
    clean = environment(tmp_path, port)
    if re.search(r"^pip ", script, re.MULTILINE):
        subprocess.run([sys.executable, "-m", "venv", tmp_path / "tools"], check=True)
    said = run_and_end(["bash", "-c", script], clean, tmp_path)
    assert said.endswith("ALL DONE\n"), said


READY = """
ready() { python3 -c 'import urllib.request as u; u.urlopen("http://127.0.0.1:8040/health/ready")' 2>/dev/null; }
for _ in $(seq 100); do ready && break; kill -0 $! || { cat served.log; exit 1; }; sleep 0.1; done
export TOKEN=$(sed -n 's/^Token of the first operator.*: //p' served.log)
"""


def as_script(found: list[Block]) -> str:
    """The blocks as one shell script. Where no block serves, the index is served before the first."""
    lines = ["set -eu -o pipefail"]
    if not any(block.how == "serve" for block in found):
        found = [Block("serve", "affineur serve --data cellar"), *found]
    for block in found:
        if block.how == "serve":
            lines += [f"{block.text.strip()} >served.log 2>&1 &", READY]
        elif block.how.startswith("file "):
            name = block.how.removeprefix("file ")
            lines += [f"mkdir -p $(dirname {name})", f"cat >{name} <<'END'\n{block.text}END"]
        else:
            lines.append(block.text)
    return "\n".join([*lines, "echo ALL DONE", ""])


def run_and_end(command: list[str], clean: dict[str, str], folder: Path) -> str:
    """What a command said; whatever it left running is ended."""
    log = folder / "said.log"
    with log.open("wb") as said:
        process = subprocess.Popen(
            command, cwd=folder, env=clean, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True
        )
        try:
            process.wait(180)
        finally:
            for number in (signal.SIGTERM, signal.SIGKILL):
                try:
                    os.killpg(process.pid, number)
                except ProcessLookupError:
                    break
                wait_for_group(process.pid)
            process.wait()
    return log.read_text()


def wait_for_group(group: int) -> None:
    """Wait until a process group is gone, for at most five seconds."""
    for _ in range(100):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)


def environment(home: Path, port: int) -> dict[str, str]:
    """A reader's environment: the tools on the path, and no way to any other host."""
    tools = [Path(sys.executable).parent, program("uv", "uv").parent, program("twine", "twine").parent]
    return {
        "PATH": os.pathsep.join([str(home / "tools" / "bin"), *map(str, tools), os.environ.get("PATH", os.defpath)]),
        "HOME": str(home),
        "TMPDIR": str(home),
        "LANG": "C.UTF-8",
        "NO_COLOR": "1",
        "AFFINEUR_PORT": str(port),
        "AFFINEUR_EDGE": "off",
        "AFFINEUR_WORKERS": "1",
        **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), _NOWHERE),
        **dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost"),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INPUT": "1",
        "PIP_RETRIES": "0",
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_CACHE_DIR": str(home / "uv-cache"),
        "UV_HTTP_RETRIES": "0",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    }


@pytest.mark.parametrize("page", WRITTEN, ids=named)
def test_every_link_between_pages_leads_somewhere(page: Path) -> None:
    lost = []
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(page.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        other = (page.parent / path).resolve() if path else page
        if not other.exists() or (anchor and anchor not in anchors(other)):
            lost.append(target)
    assert lost == []


def without_code(text: str) -> str:
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE))


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as code hosts make them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", WRITTEN, ids=named)
def test_every_part_of_the_program_that_a_page_names_exists(page: Path) -> None:
    words = re.findall(r"`([a-z_]+(?:\.[A-Za-z_]+)+)(?:\(\))?`", page.read_text())
    unknown = [word for word in words if word.split(".")[0] in LAYERS and not is_part(word.split("."))]
    assert unknown == []


def is_part(parts: list[str]) -> bool:
    """Whether dotted ``parts`` name a module of ours, or something defined in one."""
    folder = SOURCE
    for depth, part in enumerate(parts):
        if (folder / part).is_dir():
            folder /= part
            if depth + 1 == len(parts):
                return True
            continue
        module = folder / f"{part}.py"
        if module.exists():
            return defines(ast.parse(module.read_text()), parts[depth + 1 :])
        return defines(ast.parse((folder / "__init__.py").read_text()), parts[depth:])
    return False


def defines(tree: ast.Module | ast.ClassDef, names: list[str]) -> bool:
    if not names:
        return True
    for node in tree.body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) if name == names[0]:
                return len(names) == 1
            case ast.ClassDef(name=name) if name == names[0]:
                return defines(node, names[1:])
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)) if name == names[0]:
                return len(names) == 1
            case ast.ImportFrom() if any((each.asname or each.name) == names[0] for each in node.names):
                return len(names) == 1
            case _:
                pass
    return False


def test_every_route_is_described() -> None:
    page = (ROOT / "docs" / "reference" / "http.md").read_text()
    paths = {re.sub(r"\{(\w+)(:\w+)?\}", r"<\1>", route.path) for route in routes() if isinstance(route, Route)}
    assert sorted(path for path in paths if f"`{path}`" not in page) == []


def test_every_field_of_the_request_log_is_described() -> None:
    page = (ROOT / "docs" / "reference" / "request-log.md").read_text()
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == list(FIELDS)


def test_the_architecture_fits_on_a_few_screens() -> None:
    assert len((ROOT / "docs" / "ARCHITECTURE.md").read_text().splitlines()) <= 150


def test_decisions_are_numbered_without_gaps_say_what_they_cost_and_are_listed() -> None:
    decisions = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
    listed = (ROOT / "docs" / "index.md").read_text()
    assert [int(each.name[:4]) for each in decisions] == list(range(1, len(decisions) + 1))
    for each in decisions:
        text = each.read_text()
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Choice", "Rejected", "Consequences"], each
        assert f"adr/{each.name}" in listed, each


def test_every_page_can_be_found_from_the_first() -> None:
    found, left = set[Path](), [ROOT / "README.md"]
    while left:
        page = left.pop()
        if page in found or page.suffix != ".md" or not page.exists():
            continue
        found.add(page)
        targets = re.findall(r"\]\(([^)\s#:]+\.md)", without_code(page.read_text()))
        left += [(page.parent / target).resolve() for target in targets]
    assert [named(page) for page in PAGES if page not in found] == []
