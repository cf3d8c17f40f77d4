"""ClickHouse's own engine for tests, behind its HTTP interface: chDB, in a process of its own.

The engine is ClickHouse's, so each statement is carried out as a server would; the interface is ours, and has of
ClickHouse's what the adapter uses: statement in the body or as ``query``, values as ``param_<name>``, settings beside
them, a file as body of an INSERT, name and password in headers, errors with their code. One server a session, one
database a test. Run as a program, this module is the server.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import httpx

from .keeper import Service, free_ports, keep

USER, PASSWORD = "affineur", "a password: for statistics"
_NOT_SETTINGS = {"query", "database", "wait_end_of_query"}


@dataclass(frozen=True)
class Database:
    """An empty database: its URL, as the setting has it."""

    host: str
    name: str

    @property
    def url(self) -> str:
        return f"clickhouse://{USER}:{PASSWORD.replace(':', '%3A').replace(' ', '%20')}@{self.host}/{self.name}"

    def run(self, sql: str) -> str:
        """Carry out a statement past the adapter; the answer."""
        return _ask(self.host, sql, self.name)


@contextmanager
def new_database() -> Iterator[Database]:
    """An empty database of the session's ClickHouse; dropped afterwards."""
    host = keep("clickhouse", _prepare, lambda facts: _answers(facts["host"]))["host"]
    database = Database(host, f"test_{uuid4().hex}")
    _ask(host, f"CREATE DATABASE {database.name}")
    try:
        yield database
    finally:
        _ask(host, f"DROP DATABASE {database.name} SYNC")


def _prepare(folder: Path) -> Service:
    (port,) = free_ports(1)
    return Service(
        command=[sys.executable, "-m", "tests.services.clickhouse", str(folder / "data"), str(port)],
        facts={"host": f"127.0.0.1:{port}"},
        environment={"PYTHONPATH": str(Path(__file__).parents[2])},
    )


def _ask(host: str, sql: str, database: str = "default") -> str:
    answer = httpx.post(
        f"http://{host}/", params={"database": database}, content=sql.encode(), timeout=60,
        headers={"X-ClickHouse-User": USER, "X-ClickHouse-Key": PASSWORD},
    )  # fmt: skip
    assert answer.status_code == httpx.codes.OK, answer.text
    return answer.text


def _answers(host: str) -> bool:
    try:
        return _ask(host, "SELECT 1 FORMAT TabSeparated") == "1\n"
    except httpx.TransportError:
        return False


class Engine:
    """A session of chDB, which carries out one statement at a time."""

    def __init__(self, folder: Path) -> None:
        from chdb.session import Session

        self._session = Session(str(folder))
        self._lock = threading.Lock()
        self._set: dict[str, str] = {}

    def carry_out(self, sql: str, asked: Mapping[str, str], body: Path | None) -> bytes:
        """The answer. Raises what chDB raises, whose text is that of ClickHouse."""
        values = {name.removeprefix("param_"): value for name, value in asked.items() if name.startswith("param_")}
        settings = {name: value for name, value in asked.items() if name not in _NOT_SETTINGS and name[:6] != "param_"}
        sql, form = _parted(sql)
        if body is not None:
            # A server reads the rows that `input` stands for from the request; chDB, which has none, from a file.
            sql, form = sql.replace("FROM input(", f"FROM file('{body}', '{form}', "), "CSV"
        with self._lock:
            self._session.query(f"USE `{asked.get('database', 'default')}`")
            for name, value in settings.items():
                if self._set.get(name) != value:
                    self._session.query(f"SET {name} = {value}")
                    self._set[name] = value
            return bytes(self._session.query(sql, form, params=values or None).bytes())


def _parted(sql: str) -> tuple[str, str]:
    """A statement, and the form that it names at its end."""
    found = re.fullmatch(r"(?s)(.*?)\s+FORMAT\s+(\w+)\s*", sql)
    return (found[1], found[2]) if found else (sql, "TabSeparated")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer waits 40 ms for the client's word that it has the head
    wbufsize = -1
    engine: Engine

    def do_POST(self) -> None:
        asked = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True, errors="surrogateescape"))
        body = self._body()
        if (self.headers["X-ClickHouse-User"], self.headers["X-ClickHouse-Key"]) != (USER, PASSWORD):
            self._refuse(403, f"Code: 516. DB::Exception: {self.headers['X-ClickHouse-User']}: "
                              "Authentication failed (AUTHENTICATION_FAILED)")  # fmt: skip
            return
        try:
            if "query" in asked:
                with tempfile.NamedTemporaryFile(suffix=".body") as file:
                    file.write(body)
                    file.flush()
                    answer = self.engine.carry_out(asked["query"], asked, Path(file.name))
            else:
                answer = self.engine.carry_out(body.decode(), asked, None)
        except Exception as error:
            self._refuse(500, str(error))
        else:
            self._send(200, answer)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _refuse(self, status: int, text: str) -> None:
        code = re.search(r"Code: (\d+)", text)
        self._send(status, text.encode(), {"X-ClickHouse-Exception-Code": code[1] if code else "1001"})

    def _send(self, status: int, content: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: what is asked is not told."""


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("port", type=int)
    given = parser.parse_args()
    _Handler.engine = Engine(given.folder)
    ThreadingHTTPServer(("127.0.0.1", given.port), _Handler).serve_forever()


if __name__ == "__main__":
    main()
