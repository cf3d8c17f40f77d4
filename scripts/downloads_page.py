"""The reference page of downloads, written from the tables that decide: `classes` and `tables`.

What does not live here: the other generated pages (`generate-reference`, which calls this one).
"""

from __future__ import annotations

from collections.abc import Iterator

from affineur.core.downloads import agents
from affineur.core.downloads.classes import MEANINGS, table_page
from affineur.core.downloads.networks import IPV4_PREFIX, IPV6_PREFIX
from affineur.core.downloads.tables import DAILY, EVENTS, TOTALS, Fields
from affineur.shell.lake.rolling import NETWORK_DAYS

_KINDS = {
    "text": "text", "number": "number", "truth": "truth", "moment": "moment, UTC", "day": "day",
    "hash": "number of 64 bits",
}  # fmt: skip


def downloads_page(head: str) -> str:
    """The reference of what is counted, as Markdown."""
    return "\n".join(
        [
            head,
            "# Downloads\n",
            "What counts as a download, who is taken for what, and what is stored. The figures made of it: "
            "[statistics](statistics.md).\n",
            *_counting(),
            "## Classes\n",
            "Each download is of one class, by the user agent that the client sent. Clients may send what they like: "
            "a class says what a program calls itself. The library linehaul takes user agents apart; this table "
            "says what they are.\n",
            "| class | what it means |\n| --- | --- |",
            *(f"| {kind} | {meaning} |" for kind, meaning in MEANINGS.items()),
            "",
            *table_page(),
            "\nA change of the table gives it a new version. `affineur statistics reclass` classes what is stored "
            "anew, as long as single downloads are kept (`event_days`).\n",
            "## Columns\n",
            "Table `events`: a row for each download, with the names and the nesting of the public table "
            "`file_downloads`, so that queries written for that one work here. Names that begin with an underscore "
            f"are ours. User agents are kept up to {agents.MAXIMUM_LENGTH} characters, each value in them up to "
            f"{agents.MAXIMUM_VALUE}.\n",
            *_columns(EVENTS),
            "Table `daily`: what the events of a day add up to, by everything that is told apart.\n",
            *_columns(DAILY),
            "Table `totals`: what they add up to by project and class.\n",
            *_columns(TOTALS),
        ]
    )


def _counting() -> Iterator[str]:
    yield "## What counts\n"
    yield (
        "A distribution file (wheel, sdist, egg …) that was sent whole: status 200 with a body, or, where files "
        "are delivered from elsewhere, a redirect to it (302 or 307). No download is an answer to `HEAD`, 304 (the "
        "client has it already), 206 (a part: clients that read by range ask many times for one file), a metadata "
        "file, a signature, an attestation, or a page. The log has no methods: where files are delivered by redirect, "
        "`HEAD` is told from `GET` by nobody, and counts.\n"
    )
    yield (
        "The [request log](request-log.md) is read every `collect_seconds`, by `affineur statistics collect`, or both; "
        "each line counts once, wherever the collector is killed. Logs of other servers: "
        "[statistics from old logs](../how-to/statistics-from-old-logs.md). A line that nobody can read is counted as "
        "unreadable and left out.\n"
    )
    yield (
        "No address is kept. The network that a download came from (the first "
        f"{IPV4_PREFIX} bits of IPv4, {IPV6_PREFIX} of IPv6) is hashed with a secret that is drawn for each day, and "
        f"forgotten {NETWORK_DAYS} days after it, hashes and all. Until then it serves one thing: that nobody makes a "
        "project critical by downloading it over and over (`network_cap`).\n"
    )


def _columns(fields: Fields) -> Iterator[str]:
    yield "| column | type | what |\n| --- | --- | --- |"
    yield from _rows(fields, "")
    yield ""


def _rows(fields: Fields, above: str) -> Iterator[str]:
    for column in fields:
        kind = "record" if isinstance(column.type, tuple) else _KINDS[column.type]
        yield f"| `{above}{column.name}` | {kind} | {column.about} |"
        if isinstance(column.type, tuple):
            yield from _rows(column.type, f"{above}{column.name}.")
