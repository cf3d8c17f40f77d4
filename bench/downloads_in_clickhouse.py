"""Download statistics in ClickHouse's own engine, for `downloads`: the same events and the same port.

The engine is chDB in this process, in place of a server: its answers go through the adapter as a server's do, without
the way over HTTP. What does not live here: what is asked (`downloads`).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
from tests.services.clickhouse import Engine

from affineur.settings import Settings
from affineur.shell.lake.clickhouse import ClickHouseLake
from affineur.shell.lake.clickhouse_http import ClickHouse, Value, as_parameter
from affineur.shell.store import Store


class _InProcess(ClickHouse):
    """The adapter, with the engine where it has a server."""

    def __init__(self, folder: Path) -> None:
        super().__init__("clickhouse://in-process/default")
        self._engine = Engine(folder)

    @contextmanager
    def _answer(
        self, sql: str, seconds: int, values: Mapping[str, Value], body: Iterator[bytes] | None = None
    ) -> Iterator[httpx.Response]:
        asked = {"database": self.database, "output_format_json_quote_64bit_integers": "0"}
        asked |= {f"param_{name}": as_parameter(value) for name, value in values.items()}
        with tempfile.NamedTemporaryFile(suffix=".body") as file:
            for chunk in body or ():
                file.write(chunk)
            file.flush()
            answer = self._engine.carry_out(sql, asked, None if body is None else Path(file.name))
        yield httpx.Response(httpx.codes.OK, content=answer)


def new_lake(folder: Path, store: Store) -> ClickHouseLake:
    """An empty lake in ``folder``. There can be one in a process."""
    lake = ClickHouseLake(Settings(data=folder), store)
    lake._server = _InProcess(folder / "clickhouse")
    return lake
