"""The tables of download statistics: their columns, for every engine that keeps them.

``events`` has a row for each download, with the names and the nesting of the public ``file_downloads`` table, so that
queries written for that one work here; ours are added behind, each with an underscore before it. ``daily`` is what
the events of a day add up to in every dimension, ``totals`` what they add up to by project and class.
What does not live here: how they are laid out in files (`shell.lake`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["events", "daily", "totals", "facts"]
KINDS: tuple[Kind, ...] = ("events", "daily", "totals", "facts")
"""What a file of the lake has in it. ``facts``: what a run that gave impact classes knew of each project."""

Type = Literal["text", "number", "truth", "moment", "day", "hash"]
Fields = tuple["Column", ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, and a scalar type, or the columns that it is a record of. Every value but a key may be null.

    ``moment`` is UTC in microseconds, ``hash`` an unsigned number of 64 bits, ``number`` a signed one.
    """

    name: str
    type: Type | Fields
    about: str = ""


_NAME_AND_VERSION: Fields = (Column("name", "text"), Column("version", "text"))

EVENTS: Fields = (
    Column("timestamp", "moment", "When the file was asked for."),
    Column("country_code", "text", "Two letters, as the proxy in front said; null: nobody said."),
    Column("url", "text", "The path that was asked for."),
    Column("project", "text", "Normalised name."),
    Column(
        "file",
        (
            Column("filename", "text"),
            Column("project", "text"),
            Column("version", "text"),
            Column("type", "text", "`bdist_wheel`, `sdist` and so on."),
        ),
        "The file.",
    ),
    Column(
        "details",
        (
            Column("installer", _NAME_AND_VERSION),
            Column("python", "text", "Whole version of the Python that installed."),
            Column("implementation", _NAME_AND_VERSION),
            Column(
                "distro",
                (
                    Column("name", "text"),
                    Column("version", "text"),
                    Column("id", "text"),
                    Column("libc", (Column("lib", "text"), Column("version", "text"))),
                ),
            ),
            Column("system", (Column("name", "text"), Column("release", "text"))),
            Column("cpu", "text"),
            Column("openssl_version", "text"),
            Column("setuptools_version", "text"),
            Column("rustc_version", "text"),
            Column("ci", "truth", "Whether it said that it runs in continuous integration; null: it did not say."),
        ),
        "What the user agent says; each may be null.",
    ),
    Column("tls_protocol", "text", "Where the log that was read has it."),
    Column("tls_cipher", "text", "Where the log that was read has it."),
    Column("_class", "text", "A `core.downloads.classes.Class`."),
    Column("_user_agent", "text", "As it was sent: a changed table of classes is replayed over it."),
    Column(
        "_network", "hash", "Of the network it came from, with the salt of its day; null once the day is long past."
    ),
)
"""A row for each download."""

DAILY: Fields = (
    Column("day", "day"),
    Column("project", "text"),
    Column("version", "text"),
    Column("installer", "text", "Name of the installer; null: not known."),
    Column("python", "text", "Minor version, such as `3.12`; null: not known."),
    Column("system", "text", "`Linux`, `Windows`, `Darwin` …; null: not known."),
    Column("country", "text"),
    Column("class", "text"),
    Column("ci", "truth"),
    Column("downloads", "number"),
)
"""What the events of a day add up to, by every dimension. Sorted by project, then day."""

TOTALS: Fields = (
    Column("day", "day"),
    Column("project", "text"),
    Column("class", "text"),
    Column("downloads", "number", "All of them."),
    Column("capped", "number", "Those that are left where each network counts at most `network_cap` times a day."),
)
"""What the events of a day add up to, by project and class. Sorted by project, then day."""

TABLES: dict[Kind, Fields] = {"events": EVENTS, "daily": DAILY, "totals": TOTALS}
