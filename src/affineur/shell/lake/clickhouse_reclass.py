"""A changed table of classes, replayed over the events that ClickHouse has.

Sealed days are gone through first: their networks are forgotten, so what the cap had left of a class moves with its
events in proportion, rounded down. Then the events themselves change, and at last all other days are rolled up anew.
Whoever is killed in between begins anew: what was done is found done.
What does not live here: the table (`core.downloads.classes`), and rolling up (`clickhouse_rolling`).
"""

from __future__ import annotations

from datetime import date

from affineur.core.downloads import agents
from affineur.core.downloads.classes import TABLE_VERSION, Class, classify

from .clickhouse_batches import COUNTING, late_part, new_number, now_day, sealed_before
from .clickhouse_http import ClickHouse, Value
from .clickhouse_rolling import DAILY, DUE, EVENTS, KEPT, months, pairs, remade, roll, together
from .clickhouse_tables import columns
from .port import Progress

_AT_ONCE = 50
"""User agents in one statement; each may be some hundred characters long, and a statement's address at most a MiB."""
_OLDER = f"""
SELECT sum(events) FROM batches
WHERE committed AND attempt IN ({COUNTING}) AND table_version < {{version:UInt32}} AND (day, part) IN ({KEPT})
"""  # noqa: S608 -- only our own words
_AGENTS = "SELECT DISTINCT _user_agent, _class FROM events WHERE _user_agent IS NOT NULL"
_NOTE = """
INSERT INTO reclassed (attempt, user_agent, class) SELECT {attempt:UInt64}, agent, {kind:String}
FROM (SELECT arrayJoin({agents:Array(String)}) AS agent)
"""
_CHANGE = """
ALTER TABLE events UPDATE _class = {kind:String} WHERE ifNull(_class, '') != {kind:String} AND ifNull(_user_agent, '')
    IN (SELECT user_agent FROM reclassed WHERE attempt = {attempt:UInt64} AND class = {kind:String})
SETTINGS mutations_sync = 2, allow_nondeterministic_mutations = 1
"""
_CLASSED = """
ALTER TABLE batches UPDATE table_version = {version:UInt32}
WHERE table_version < {version:UInt32} AND day >= {first:Date}
SETTINGS mutations_sync = 2
"""
_NEW_CLASS = """transform(
    ifNull(_user_agent, ''),
    (SELECT groupArray(user_agent) FROM (SELECT * FROM reclassed WHERE attempt = {attempt:UInt64} ORDER BY user_agent)),
    (SELECT groupArray(class) FROM (SELECT * FROM reclassed WHERE attempt = {attempt:UInt64} ORDER BY user_agent)),
    ifNull(toString(_class), '')
)"""
_RECLASSED = EVENTS.replace("SELECT *", f"SELECT * REPLACE ({_NEW_CLASS} AS _class)")
_TOTALS_BEFORE = """
SELECT project, ifNull(toString(class), '') AS before, sum(downloads) AS known, sum(capped) AS left
FROM totals WHERE day IN {days:Array(Date)} AND _layer = {part:UInt64} GROUP BY project, before
"""
_MOVED_TOTALS = f"""
INSERT INTO {{made}} ({columns("totals")}, _layer)
SELECT {{{{day:Date}}}}, project, told, sum(c), sum(intDiv(c * left, known)), {{{{part:UInt64}}}}
FROM (
    SELECT project, ifNull(toString(_class), '') AS before, {_NEW_CLASS.replace("{", "{{").replace("}", "}}")} AS told,
        count() AS c
    FROM ({{events}}) GROUP BY project, before, told
) AS now JOIN ({_TOTALS_BEFORE.replace("{", "{{").replace("}", "}}")}) AS old USING (project, before)
GROUP BY project, told
"""  # noqa: S608 -- only our own words
_DIFFERING = f"""
SELECT count() FROM (
    SELECT project, ifNull(toString(_class), '') AS before, count() AS c FROM ({EVENTS}) GROUP BY project, before
) AS now FULL JOIN ({_TOTALS_BEFORE}) AS old USING (project, before) WHERE c != known
"""  # noqa: S608 -- only our own words


def reclass(server: ClickHouse, cap: int, progress: Progress | None = None) -> int:
    """See `port.Lake.reclass`. What says no user agent keeps its class."""
    attempt, today = new_number(), now_day(server)
    roll(server, pairs(server, DUE), cap, progress)
    kept = pairs(server, KEPT)
    events = server.rows(_OLDER, version=TABLE_VERSION)[0][0]
    if not events:
        return 0
    sealed = {(day, part) for day, part in kept if day < sealed_before(today) and part != late_part(today)}
    kinds = _note_changes(server, attempt)
    if kinds:
        _move(server, attempt, sorted(sealed), progress)
        for kind in sorted(kinds):
            server.run(_CHANGE, attempt=attempt, kind=kind)
    roll(server, [pair for pair in kept if pair not in sealed], cap, progress)
    server.run(_CLASSED, version=TABLE_VERSION, first=kept[0][0])
    server.run("ALTER TABLE reclassed DELETE WHERE attempt = {attempt:UInt64}", attempt=attempt)
    return int(events)


def _note_changes(server: ClickHouse, attempt: int) -> set[Class]:
    """Note which user agents are of another class now; those classes."""
    changed: dict[Class, list[str]] = {}
    for user_agent, former in server.stream(_AGENTS):
        new = classify(agents.parse(user_agent), user_agent)
        if new != former:
            changed.setdefault(new, []).append(user_agent)
    for kind, names in changed.items():
        once = sorted(set(names))  # one may be here with several former classes
        for start in range(0, len(once), _AT_ONCE):
            given: dict[str, Value] = {"attempt": attempt, "kind": kind, "agents": once[start : start + _AT_ONCE]}
            server.run(_NOTE, **given)
    return set(changed)


def _move(server: ClickHouse, attempt: int, sealed: list[tuple[date, int]], progress: Progress | None) -> None:
    """Roll up sealed days as they will be. What differs from its events was moved by somebody who was killed then."""
    done = 0
    for (month, part), days in months(sealed):
        with remade(server, "daily", month, part, days) as daily:
            for some in together(days):
                server.run(DAILY.format(made=daily, events=_RECLASSED), days=some, part=part, attempt=attempt)
        moving = [day for day in days if not next(server.stream(_DIFFERING, days=[day], part=part))[0]]
        if moving:
            with remade(server, "totals", month, part, moving) as totals:
                for day in moving:
                    moved = _MOVED_TOTALS.format(made=totals, events=EVENTS)
                    server.run(moved, day=day, days=[day], part=part, attempt=attempt)
        done += len(days)
        if progress is not None:
            progress("class", done, len(sealed))
