"""Generated download events: zipf over projects, with the variety of programs, systems and networks of real ones.

The same numbers give the same events: everything is a hash of the event's number. What does not live here: what is
measured with them (`downloads`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import duckdb

from affineur.core.downloads.tables import EVENTS
from affineur.shell.lake.duck_engine import FORM

FIRST_DAY = date(2026, 1, 1)
_NETWORKS = 400_000

# u(k): a number from 0 to 1 that is the event's own. Of a zipf distribution with exponent 1 over n values, exp(u ln n)
# is a draw.
_DRAWN = """
SELECT {start}::BIGINT + i AS n, (i * 86400000000 // {events})::BIGINT AS instant,
    floor(exp(u(n, 1) * ln({projects})))::BIGINT AS project_number,
    floor(exp(u(n, 2) * ln({networks})))::BIGINT AS network_number,
    u(n, 3) AS who, u(n, 4) AS python_at, u(n, 5) AS system_at, u(n, 6) AS country_at, u(n, 7) AS version_at,
    u(n, 8) AS ci_at
FROM range({events}) AS numbers(i)
"""
_NAMED = """
SELECT *, 'project-' || project_number AS name, '1.' || floor(-ln(1 - version_at) * 1.1)::INTEGER AS version,
    CASE WHEN who < .55 THEN 'pip' WHEN who < .75 THEN 'uv' WHEN who < .80 THEN 'poetry' WHEN who < .90 THEN
        'bandersnatch' WHEN who < .94 THEN 'Browser' ELSE NULL END AS installer,
    CASE WHEN who < .80 THEN 'installer' WHEN who < .90 THEN 'mirror' WHEN who < .94 THEN 'browser' WHEN who < .98 THEN
        'automation' ELSE 'unknown' END AS kind,
    CASE WHEN who < .80 THEN '3.' || (7 + floor(sqrt(python_at) * 8))::INTEGER || '.' || (python_at * 97)::INTEGER % 12
        ELSE NULL END AS python,
    CASE WHEN who >= .80 THEN NULL WHEN system_at < .85 THEN 'Linux' WHEN system_at < .93 THEN 'Windows' ELSE 'Darwin'
        END AS system,
    countries[floor(exp(country_at * ln(41)))::INTEGER] AS country
FROM drawn
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
    "details": "{{'installer': {{'name': installer, 'version': '2' || (python_at * 5)::INTEGER || '.1'}}, "
    "'python': python, 'implementation': {{'name': 'CPython', 'version': python}}, 'distro': {{'name': 'Debian', "
    "'version': '13', 'id': 'trixie', 'libc': {{'lib': 'glibc', 'version': '2.41'}}}}, 'system': {{'name': system, "
    "'release': '6.' || (system_at * 17)::INTEGER}}, 'cpu': 'x86_64', 'openssl_version': 'OpenSSL 3.5.1', "
    "'setuptools_version': NULL::VARCHAR, 'rustc_version': NULL::VARCHAR, "
    "'ci': CASE WHEN who < .80 THEN ci_at < .4 END}}",
    "tls_protocol": "'TLSv1.3'",
    "tls_cipher": "'TLS_AES_256_GCM_SHA384'",
    "_class": "kind",
    "_user_agent": "coalesce(installer || '/2' || (python_at * 5)::INTEGER || '.1 ' || coalesce(python, ''), "
    "'thing/1')",
    "_network": "hash(network_number)",
}


def generate(
    folder: Path, events: int, days: int, projects: int, say: Callable[[str], None], networks: int = _NETWORKS
) -> list[Path]:
    """A file of events for each day in ``folder``; those that are there stay. They are in the order of time."""
    folder.mkdir(parents=True, exist_ok=True)
    made = [folder / f"{FIRST_DAY + timedelta(days=number)}.parquet" for number in range(days)]
    with duckdb.connect(":memory:", config={"memory_limit": "1GiB", "threads": 2}) as duck:
        duck.execute("SET TimeZone = 'UTC'")
        duck.execute("CREATE MACRO u(n, k) AS (hash(n * 16 + k) >> 11)::DOUBLE / 9007199254740992.0")
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
