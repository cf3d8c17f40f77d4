"""Downloads for tests: so many, on such a day, by such a program, brought into an index's lake the way logs are.

They are gathered, classed, written and taken in by what does so with lines of logs, then rolled up. Test support, not
tests.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from affineur.core.downloads.foreign import Request
from affineur.settings import load
from affineur.shell.index import Index, open_index
from affineur.shell.lake.gathering import gather, write_events

PIP = (
    'pip/26.1 {"ci":null,"cpu":"x86_64","distro":{"id":"noble","name":"Ubuntu","version":"24.04"},"implementation":'
    '{"name":"CPython","version":"3.12.4"},"installer":{"name":"pip","version":"26.1"},"openssl_version":'
    '"OpenSSL 3.0.13","python":"3.12.4","system":{"name":"Linux","release":"6.8"}}'
)
UV = (
    'uv/0.9.2 {"installer":{"name":"uv","version":"0.9.2"},"python":"3.13.1","implementation":{"name":"CPython",'
    '"version":"3.13.1"},"distro":null,"system":{"name":"Darwin","release":"24.0"},"cpu":"arm64","ci":true}'
)
MIRROR = "bandersnatch/7.0.0 (CPython 3.13.1-final0, Linux 6.8 x86_64) (aiohttp 3.11)"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0"
CURL = "curl/8.9.1"
STILL = ("--no-background",)
"""Options of a server whose statistics stay as a test has brought them: nothing is rolled up as on the present day."""
AGENTS = (PIP, UV, MIRROR, BROWSER, CURL)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Downloads:
    """``count`` downloads of a version of a project on a day. ``networks``: from how many networks they come."""

    project: str
    day: date
    count: int
    agent: str = PIP
    version: str = "1.0"
    country: str = "FR"
    networks: int = 1

    def requests(self) -> Iterator[Request]:
        """Each as a line of a log says it, spread over the day."""
        noon = datetime(self.day.year, self.day.month, self.day.day, tzinfo=UTC)
        filename = f"{self.project.replace('-', '_')}-{self.version}-py3-none-any.whl"
        for number in range(self.count):
            at = noon + number * _DAY / self.count
            address = f"10.{number % self.networks // 256}.{number % self.networks % 256}.0"
            yield Request(round(at.timestamp() * 1_000_000), self.agent, address, self.country,
                          "", self.project, self.version, filename)  # fmt: skip


def bring(index: Index, downloads: Iterable[Downloads], today: date, *, roll_up: bool = True) -> None:
    """Take the downloads into the lake of ``index``, as one batch, and roll up as on the day ``today``."""
    requests = [request for each in downloads for request in each.requests()]
    found = gather([b"%d" % number for number in range(len(requests))], lambda line: requests[int(line)])
    name = f"test-{secrets.token_hex(8)}"
    target = index.settings.spool / f"{name}.parquet"
    salts = {day: day.isoformat().encode() * 2 for day in found.days}
    write_events(found, salts, target, index.settings.spool / name)
    index.lake.append(name, target)
    target.unlink()
    if roll_up:
        index.lake.roll_up(today)


def bring_into(data: Path, downloads: Iterable[Downloads], today: date) -> None:
    """As `bring`, into the index whose data folder is ``data``, a server running on it or not."""
    index = open_index(load({"data": data}, environment={}).settings)
    try:
        bring(index, downloads, today)
    finally:
        index.close()


def a_quarter(project: str, last: date, days: int = 90) -> list[Downloads]:
    """``days`` days of a project as it might be: weekends lower, growing, two versions, several programs."""
    found = []
    for number in range(days):
        day = last - (days - 1 - number) * _DAY
        base = (40 + number // 2) // (3 if day.weekday() >= 5 else 1)
        newer = "1.1" if number > days // 2 else "1.0"
        found += [
            Downloads(project, day, base, PIP, newer, "FR", networks=20),
            Downloads(project, day, base // 2, UV, newer, "DE", networks=9),
            Downloads(project, day, base // 4, PIP, "1.0", "US", networks=5),
            Downloads(project, day, 12, MIRROR, "1.0", ""),
            Downloads(project, day, 3, CURL, newer, "US"),
            Downloads(project, day, 1 + number % 3, BROWSER, newer, "FR"),
        ]
    return found
