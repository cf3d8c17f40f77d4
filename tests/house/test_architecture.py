"""The architecture, held to what the code is: imports, schema, sizes, words, and what the tree must not name."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from affineur.settings import Settings
from affineur.shell.store import connect, schema
from affineur.shell.store.engine import SCHEMA_REVISION
from affineur.shell.store.migrate import configuration

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "affineur"
MODULES = sorted(SOURCE.rglob("*.py"))
MOST_LINES = 400
MOST_FUNCTION_LINES = 50
DRAWERS = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tracked_files() -> list[Path]:
    """Every file of the repository, as git knows it."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("this is not a git checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    return [path for one in listed.split(b"\0") if one and (path := ROOT / one.decode()).is_file()]


def test_imports_point_down() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    if not linter.exists():
        pytest.skip("import-linter comes with `make check`")
    done = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_the_migrations_make_the_schema_that_the_code_declares(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("postgresql_url") if database == "postgresql" else ""
    store = connect(Settings(data=tmp_path, database=url).database_url)
    store.create()
    with store.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        differences = compare_metadata(context, schema.metadata)
    store.close()
    assert differences == []


def test_the_revision_the_program_needs_is_the_newest_migration(tmp_path: Path) -> None:
    store = connect(Settings(data=tmp_path).database_url)
    with store.read() as connection:
        script = ScriptDirectory.from_config(configuration(connection))
    store.close()
    assert script.get_heads() == [SCHEMA_REVISION]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_has_one_subject_and_says_which(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= MOST_LINES
    assert not DRAWERS & {path.stem, path.parent.name}
    if text.strip():
        assert ast.get_docstring(ast.parse(text)), "it does not say what lives here"


def definitions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """Every class and function that can be reached from outside: not those inside functions.

    What a class that derives from another does under that one's names is said there.
    """
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef):
            yield node
            if not node.name.startswith("_") and not node.bases:
                yield from definitions(node)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
        elif isinstance(node, ast.If | ast.Try):
            yield from definitions(node)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_everything_public_has_a_docstring(path: Path) -> None:
    bare = [
        f"{node.name} (line {node.lineno})"
        for node in definitions(ast.parse(path.read_text()))
        if not node.name.startswith("_") and not ast.get_docstring(node)
    ]
    assert not bare


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_function_is_short_enough_to_be_read_at_once(path: Path) -> None:
    """Lines from the first statement to the last: signature and docstring do not count."""
    long: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
            lines = (node.end_lineno or 0) - body[0].lineno + 1
            if lines > MOST_FUNCTION_LINES and "migrations" not in path.parts:
                long.append(f"{node.name} has {lines} lines")
    assert not long


# Put together here, so that this file does not name them either.
REGISTRIES = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("python" + "hosted", "org"),
        ("npm" + "js", "org"),
        ("debian", "org"),
        ("conda", "io"),
    )
]
MACHINE_PATHS = [f"/{folder}/" for folder in ("wo" + "rk", "ro" + "ot", "ho" + "me", "t" + "mp")]


def test_no_file_names_a_registry_of_packages_or_a_path_of_some_machine() -> None:
    """Whoever runs this has an index of their own choice; and their own disk."""
    hosts = re.compile("|".join(re.escape(host) for host in REGISTRIES).encode())
    # A path of its own: not the end of a longer one or of an address.
    paths = re.compile(rb"(?<![\w.*}/-])(?:" + "|".join(MACHINE_PATHS).encode() + rb")\w")
    found = []
    for file in tracked_files():
        for number, line in enumerate(file.read_bytes().splitlines(), 1):
            if match := hosts.search(line) or paths.search(line):
                found.append(f"{name_of(file)}:{number}: {match.group().decode()}")
    assert not found


def test_every_file_that_git_keeps_is_text_of_ours_in_utf_8_or_a_known_picture() -> None:
    unreadable = []
    for file in tracked_files():
        if file.suffix in {".png", ".webp", ".ico", ".woff2", ".gz", ".whl", ".zip"}:
            continue
        try:
            file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            unreadable.append(name_of(file))
    assert not unreadable
