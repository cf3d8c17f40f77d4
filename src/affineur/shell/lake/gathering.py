"""Gathering: lines of a log become events of a Parquet file, in memory that depends on the batch alone.

Python looks at each line once, and takes apart each user agent and each address of a file only where it is new; the
rows themselves are numbers until DuckDB joins them with the rest and writes them down.
What does not live here: which bytes are read, and when they count (`collecting`, `importing`).
"""

from __future__ import annotations

import gc
import shutil
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from affineur.core.downloads import agents, classes, places
from affineur.core.downloads.foreign import Read, day_of
from affineur.core.downloads.networks import network_hash
from affineur.core.downloads.places import Place
from affineur.shell.duck_memory import connect, reading_lines, write_lines, written

from .duck_engine import columns

if TYPE_CHECKING:
    import duckdb

_Key = tuple[str, str, str, str]
"""Path, project, version and file name of a `Request`."""
_MEMORY_MIB = 512
_DAY = 86_400_000_000
"""Microseconds."""
_REMEMBERED = 20_000
_COUNTRY_LENGTH = 2


@dataclass(slots=True)
class Gathered:
    """What was in some lines. The arrays have an item for each event; the mappings number what they refer to, from 0.

    ``networks`` are pairs of a day (days since 1970) and an address; of ``places`` those that are no distribution have
    no number, and ``files`` has the others in their order.
    """

    lines: int = 0
    unreadable: int = 0
    at: array[int] = field(default_factory=lambda: array("q"))
    agent: array[int] = field(default_factory=lambda: array("i"))
    place: array[int] = field(default_factory=lambda: array("i"))
    network: array[int] = field(default_factory=lambda: array("i"))
    rest: array[int] = field(default_factory=lambda: array("i"))
    agents: dict[str, int] = field(default_factory=dict)
    places: dict[_Key, int | None] = field(default_factory=dict)
    files: list[tuple[_Key, Place]] = field(default_factory=list)
    networks: dict[tuple[int, str], int] = field(default_factory=dict)
    rests: dict[tuple[str, str, str], int] = field(default_factory=dict)

    @property
    def events(self) -> int:
        """How many downloads there are."""
        return len(self.at)

    @property
    def days(self) -> set[date]:
        """The days in UTC that there are downloads of."""
        return {day_of(day * _DAY) for day in {day for day, _ in self.networks}}


def gather(lines: Sequence[bytes], read: Read) -> Gathered:
    """See `_gather`. Nothing that is made here refers to itself, and looking for what does would take a third of it."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        return _gather(lines, read)
    finally:
        if was_enabled:
            gc.enable()


def _gather(lines: Sequence[bytes], read: Read) -> Gathered:
    """Read ``lines`` by ``read``. Cost: 3 µs a line of our own form, and 4 µs for each file that is new.

    All of it happens in one loop, without calls: this is what the rate of the collector hangs on.
    """
    found = Gathered(lines=len(lines))
    known, agents_, networks, rests = found.places, found.agents, found.networks, found.rests
    put_at, put_agent, put_place = found.at.append, found.agent.append, found.place.append
    put_network, put_rest = found.network.append, found.rest.append
    for line in lines:
        request = read(line)
        if request is None:
            continue
        if isinstance(request, str):
            found.unreadable += 1
            continue
        key = (request.path, request.project, request.version, request.filename)
        number = known[key] if key in known else _see(found, key)
        if number is None:
            continue
        at = request.at
        put_at(at)
        put_place(number)
        put_agent(agents_.setdefault(request.user_agent, len(agents_)))
        put_network(networks.setdefault((at // _DAY, request.address), len(networks)))
        put_rest(rests.setdefault((request.country, request.tls_protocol, request.tls_cipher), len(rests)))
    return found


def _see(found: Gathered, key: _Key) -> int | None:
    """Number the place of ``key``, which is new; None where it is no distribution."""
    path, project, version, filename = key
    place = places.of_fields(project, version, filename) if project else places.of_path(path)
    number = found.places[key] = None if place is None else len(found.files)
    if place is not None:
        found.files.append((key, place))
    return number


def write_events(found: Gathered, salts: Mapping[date, bytes], target: Path, scratch: Path) -> None:
    """Write the events of ``found`` to ``target`` as table ``events``; ``salts`` has every day of them.

    ``scratch`` is a folder of the caller's; what is put there is removed. Raises `duckdb.Error` where the disk is full.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    try:
        write_lines(scratch / "agents", _agent_rows(found.agents))
        write_lines(scratch / "places", _place_rows(found.files))
        write_lines(scratch / "rests", _rest_rows(found.rests))
        with connect(_MEMORY_MIB) as connection:
            _copy(connection, found, salts, target, scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _copy(
    connection: duckdb.DuckDBPyConnection, found: Gathered, salts: Mapping[date, bytes], target: Path, scratch: Path
) -> None:
    import numpy as np

    by_day = {day: salts[day_of(day * _DAY)] for day in {day for day, _ in found.networks}}
    hashes = [network_hash(address, by_day[day]) for day, address in found.networks]
    networks = np.array([each or 0 for each in hashes], dtype=np.uint64)
    is_known = np.array([each is not None for each in hashes], dtype=np.bool_)
    network = np.frombuffer(found.network, dtype=np.int32)
    # DuckDB finds this one by its name.
    events = {  # noqa: F841
        "moment": np.frombuffer(found.at, dtype=np.int64),
        "agent": np.frombuffer(found.agent, dtype=np.int32),
        "place": np.frombuffer(found.place, dtype=np.int32),
        "rest": np.frombuffer(found.rest, dtype=np.int32),
        "network": networks[network],
        "is_known": is_known[network],
    }
    types = _types(connection)
    about = {
        "agents": {"id": "INTEGER", "details": types["details"], "class": "VARCHAR", "user_agent": "VARCHAR"},
        "places": {"id": "INTEGER", "url": "VARCHAR", "file": types["file"]},
        "rests": {"id": "INTEGER", "country": "VARCHAR", "protocol": "VARCHAR", "cipher": "VARCHAR"},
    }
    tables = {name: reading_lines(scratch / name, typed) for name, typed in about.items()}
    connection.execute(
        # Only our own names and paths.
        f"""COPY (
            SELECT make_timestamp(moment)::TIMESTAMPTZ AS timestamp, rests.country AS country_code, places.url,
                places.file.project AS project, places.file AS file, agents.details AS details,
                rests.protocol AS tls_protocol, rests.cipher AS tls_cipher,
                agents.class AS _class, agents.user_agent AS _user_agent,
                CASE WHEN is_known THEN network::UBIGINT END AS _network
            FROM events
            JOIN {tables["agents"]} agents ON agents.id = events.agent
            JOIN {tables["places"]} places ON places.id = events.place
            JOIN {tables["rests"]} rests ON rests.id = events.rest
        ) TO {written(target)} (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)"""  # noqa: S608
    )


def _types(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The types of the columns of table ``events``, as DuckDB writes them."""
    connection.execute(f"CREATE TEMP TABLE shape ({columns('events')})")
    return {name: str(kind) for name, kind, *_ in connection.execute("DESCRIBE shape").fetchall()}


_known: dict[str, tuple[agents.Agent, classes.Class]] = {}
"""What user agents tell: the same ones come in every batch."""


def _agent_rows(numbered: Mapping[str, int]) -> Iterator[dict[str, object]]:
    for user_agent, number in numbered.items():
        kept = agents.plain(user_agent)  # and classed as it is kept: a later table of classes sees no more
        known = _known.get(kept)
        if known is None:
            agent = agents.parse(kept)
            known = agent, classes.classify(agent, kept)
            if len(_known) >= _REMEMBERED:
                _known.clear()
            _known[kept] = known
        agent, kind = known
        yield {"id": number, "details": agent.details, "class": kind, "user_agent": kept or None}


def _place_rows(files: Iterable[tuple[_Key, Place]]) -> Iterator[dict[str, object]]:
    for number, (key, place) in enumerate(files):
        project, version, filename, kind = place
        # Behind a path may stand what lets somebody in: a token, or the signature of an address in S3.
        path = agents.plain(key[0].partition("?")[0].partition("#")[0]) or f"/packages/{project}/{version}/{filename}"
        file = {"project": project, "version": version, "filename": filename, "type": kind}
        yield {"id": number, "url": path, "file": file}


def _rest_rows(numbered: Mapping[tuple[str, str, str], int]) -> Iterator[dict[str, object]]:
    for (country, protocol, cipher), number in numbered.items():
        is_code = len(country) == _COUNTRY_LENGTH and country.isascii() and country.isalpha()
        yield {
            "id": number,
            "country": country.upper() if is_code else None,
            "protocol": protocol[: agents.MAXIMUM_VALUE] or None,
            "cipher": cipher[: agents.MAXIMUM_VALUE] or None,
        }
