"""Generated download events, as uneven as those of a public index, and with what belongs together together.

Everything is drawn by Zipf's law with exponent 1, from numbers that are hashes of the event's number, so the same
numbers give the same events:

- projects: 200,000 in a run of 50 million events; each has 1 to 60 versions, the newest drawn first;
- user agents: 3,000, each with its installer, Python, system, class and whether it runs in continuous integration.
  They are spread evenly over what is likely: of 100 agents 55 are pip, 20 uv, 5 Poetry, 10 mirrors, 4 browsers, 4
  scripts, 2 not known; 8 minor versions of Python; 85 of 100 on Linux, 40 of 100 in continuous integration;
- networks: 400,000, each in one of 40 countries.

Which project, agent and network meet is independent: real ones go together more, and so have fewer rows in `daily`.
What does not live here: what is measured with them (`downloads`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import duckdb

from affineur.core.downloads.tables import EVENTS
from affineur.shell.lake.duck_engine import FORM

FIRST_DAY = date(2026, 1, 1)
RULES = 2
"""Counted up whenever other events are drawn: files of other rules are not taken for these."""
_AGENTS, _NETWORKS, _VERSIONS = 3_000, 400_000, 60

# u(n, k): a number from 0 to 1 that is the k-th of n. Of a Zipf distribution with exponent 1 over the numbers 1 to m,
# floor(exp(u ln(m + 1))) is a draw.
_ZIPF = "CREATE MACRO zipf(u, m) AS floor(exp(u * ln(m + 1)))::BIGINT"
_U = "CREATE MACRO u(n, k) AS (hash(n * 16 + k) >> 11)::DOUBLE / 9007199254740992.0"
# `who` by the golden ratio: however few agents are looked at, their kinds are as frequent as they should be.
_MADE_AGENTS = f"""
CREATE TABLE agents AS SELECT *,
    installer || '/' || installer_version || coalesce(' ' || python, '') || coalesce(' ' || system, '')
        || CASE WHEN ci THEN ' ci' ELSE '' END || ' ' || agent AS user_agent
FROM (
    SELECT agent, '2' || (u(-agent, 4) * 5)::INTEGER || '.' || (u(-agent, 5) * 9)::INTEGER AS installer_version,
        CASE WHEN who < .55 THEN 'pip' WHEN who < .75 THEN 'uv' WHEN who < .80 THEN 'poetry' WHEN who < .90 THEN
            'bandersnatch' WHEN who < .94 THEN 'Browser' WHEN who < .98 THEN 'curl' ELSE 'thing' END AS installer,
        CASE WHEN who < .80 THEN 'installer' WHEN who < .90 THEN 'mirror' WHEN who < .94 THEN 'browser'
            WHEN who < .98 THEN 'automation' ELSE 'unknown' END AS kind,
        CASE WHEN who < .80 THEN '3.' || (7 + floor(sqrt(u(-agent, 1)) * 8))::INTEGER || '.'
            || (u(-agent, 1) * 97)::INTEGER % 12 END AS python,
        CASE WHEN who >= .80 THEN NULL WHEN u(-agent, 2) < .85 THEN 'Linux' WHEN u(-agent, 2) < .93 THEN 'Windows'
            ELSE 'Darwin' END AS system,
        '6.' || (u(-agent, 2) * 17)::INTEGER AS release,
        CASE WHEN who < .80 THEN u(-agent, 3) < .4 END AS ci
    FROM (SELECT agent, agent * 0.6180339887498949 % 1 AS who FROM range(1, {_AGENTS + 1}) AS numbers(agent))
)
"""
_DRAWN = f"""
SELECT {{start}}::BIGINT + i AS n, (i * 86400000000 // {{events}})::BIGINT AS instant,
    zipf(u(n, 1), {{projects}}) AS project_number, zipf(u(n, 2), {{networks}}) AS network_number,
    zipf(u(n, 3), {_AGENTS}) AS agent,
    zipf(u(-project_number, 6), {_VERSIONS}) AS versions, versions - zipf(u(n, 4), versions) AS minor
FROM range({{events}}) AS numbers(i)
"""
_NAMED = """
SELECT *, 'project-' || project_number AS name, '1.' || minor AS version,
    countries[zipf(u(-network_number, 7), 40)] AS country
FROM drawn JOIN agents USING (agent)
"""
_PLACES = [
    *("US", "DE", "CN", "IN", "FR", "GB", "NL", "JP", "BR", "CA", "RU", "SG", "IE", "KR", "AU", "PL", "ES", "IT", "SE"),
    *("TW", "ID", "VN", "TR", "UA", "MX", "CH", "FI", "AR", "ZA", "HK", "CZ", "IL", "PT", "BE", "AT", "DK", "NO", "RO"),
    *("TH", "GR"),
]
_EVENT = {
    "timestamp": "make_timestamptz({midnight} + instant)",
    "country_code": "country",
    "url": "'/files/' || name || '/' || name || '-' || version || '-py3-none-any.whl'",
    "project": "name",
    "file": "{{'filename': name || '-' || version || '-py3-none-any.whl', 'project': name, 'version': version, "
    "'type': 'bdist_wheel'}}",
    "details": "{{'installer': {{'name': installer, 'version': installer_version}}, "
    "'python': python, 'implementation': {{'name': 'CPython', 'version': python}}, 'distro': {{'name': 'Debian', "
    "'version': '13', 'id': 'trixie', 'libc': {{'lib': 'glibc', 'version': '2.41'}}}}, 'system': {{'name': system, "
    "'release': release}}, 'cpu': 'x86_64', 'openssl_version': 'OpenSSL 3.5.1', "
    "'setuptools_version': NULL::VARCHAR, 'rustc_version': NULL::VARCHAR, "
    "'ci': ci}}",
    "tls_protocol": "'TLSv1.3'",
    "tls_cipher": "'TLS_AES_256_GCM_SHA384'",
    "_class": "kind",
    "_user_agent": "user_agent",
    "_network": "hash(network_number)",
}


def generate(
    folder: Path, events: int, days: int, projects: int, say: Callable[[str], None], networks: int = _NETWORKS
) -> list[Path]:
    """A file of events for each day below ``folder``; those that are there stay. They are in the order of time."""
    folder = folder / f"rules-{RULES}"
    folder.mkdir(parents=True, exist_ok=True)
    made = [folder / f"{FIRST_DAY + timedelta(days=number)}.parquet" for number in range(days)]
    with duckdb.connect(":memory:", config={"memory_limit": "1GiB", "threads": 2}) as duck:
        duck.execute("SET TimeZone = 'UTC'")
        for made_first in (_U, _ZIPF, _MADE_AGENTS):
            duck.execute(made_first)
        for number, path in enumerate(made):
            if path.exists():
                continue
            each = events // days
            midnight = (FIRST_DAY + timedelta(days=number) - date(1970, 1, 1)).days * 86_400_000_000
            columns = ", ".join(
                f'{_EVENT[column.name].format(midnight=midnight)} AS "{column.name}"' for column in EVENTS
            )
            drawn = _DRAWN.format(start=number * each, events=each, projects=projects, networks=networks)
            beside = path.with_suffix(".new")
            duck.execute(
                f"COPY (WITH drawn AS ({drawn}), named AS ({_NAMED.replace('countries[', f'{_PLACES}[')}) "
                f"SELECT {columns} FROM named) TO '{beside}' ({FORM})"
            )
            beside.rename(path)
            say(f"{number + 1} of {days} days of events")
    return made
