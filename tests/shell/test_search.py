"""The search index on both engines: what is found, in which order, and that nothing breaks it."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from affineur.core.names import NormalizedName, parse_name
from affineur.shell.search import Document, Order, SearchIndex, open_search
from affineur.shell.search.port import PAGE_LIMIT
from affineur.shell.search.postgresql import TIERS

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an index may be made: nothing is there yet."""
    if request.param == "sqlite":
        return str(tmp_path / "search.db")
    return str(request.getfixturevalue("postgresql_url"))


@pytest.fixture
def index(location: str) -> Iterator[SearchIndex]:
    opened = open_search(location)
    yield opened
    opened.close()


def document(
    display_name: str, summary: str = "", weight: float = 0.0, keywords: tuple[str, ...] = (), days: int = 0
) -> Document:
    updated_at = START + timedelta(days=days)
    name = parse_name(display_name)
    return Document(name, display_name, "1.0", summary, keywords, weight, updated_at)


SHELF = [
    document("requests", "Python HTTP for Humans.", 1e9, ("web",), days=3),
    document("requests-toolbelt", "Utilities for requests", 1e6),
    document("numpy", "Fundamental package for array computing in Python", 9e8, days=5),
    document("scikit-learn", "Machine learning in Python", 5e8),
    document("python-http-client", "Client for REST APIs", 1e5),
    document("aiohttp", "Async client and server", 8e8),
    document("BeautifulSoup4", "Screen-scraping library", 7e8),
    document("Flask-SQLAlchemy", "Add a database to your Flask application", 1e7),
    document("http", "An old and empty thing", 1.0),
    document("httpx", "The next generation client", 6e8, days=9),
    document("tiny", "Größe über alles, 机器学习", 1.0, ("Café", "naïve")),
]


def found(index: SearchIndex, text: str, **how: object) -> list[str]:
    return [hit.name for hit in index.search(text, **how).hits]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("requests", "requests"),
        ("Requests", "requests"),
        ("flask_sqlalchemy", "flask-sqlalchemy"),
        ("Flask.SQLAlchemy", "flask-sqlalchemy"),
        ("flask sqlalchemy", "flask-sqlalchemy"),
        ("scikitlearn", "scikit-learn"),
        ("beautiful soup", "beautifulsoup4"),
        ("beautifulsoup", "beautifulsoup4"),
        ("machine learning", "scikit-learn"),
        ("reques", "requests"),
        ("web", "requests"),
        ("array comp", "numpy"),
        ("CAFE", "tiny"),
        ("grösse", "tiny"),
        ("学习", "tiny"),
        ("soup", "beautifulsoup4"),
    ],
)
def test_what_is_typed_finds_what_is_meant(index: SearchIndex, text: str, first: str) -> None:
    index.rebuild(SHELF)
    results = index.search(text)
    assert results.hits[0].name == first
    assert results.corrected is None
    assert results.total_is_exact


@pytest.mark.parametrize(
    ("text", "first", "corrected"),
    [
        ("reqeusts", "requests", "requests"),
        ("requsts", "requests", "requests"),
        ("nunpy", "numpy", "numpy"),
        ("numppy", "numpy", "numpy"),
        ("machien learning", "scikit-learn", None),
        ("flask-sqlachemy", "flask-sqlalchemy", "flask sqlalchemy"),
        ("beautiffullsoup", "beautifulsoup4", "beautifulsoup"),
    ],
)
def test_a_slip_is_put_right(index: SearchIndex, text: str, first: str, corrected: str | None) -> None:
    index.rebuild([*SHELF, document("machine", "", 10.0)] if corrected is None else SHELF)
    results = index.search(text)
    assert results.corrected == (corrected or "machine learning")
    assert results.hits[0].name == first


def test_a_name_that_exists_comes_before_what_it_may_be_a_slip_of(index: SearchIndex) -> None:
    index.rebuild([*SHELF, document("nunpy", "My own", 1.0)])
    results = index.search("nunpy")
    assert [hit.name for hit in results.hits] == ["nunpy", "numpy"]
    assert results.corrected == "numpy"


def test_an_equally_heavy_neighbour_is_no_correction(index: SearchIndex) -> None:
    index.rebuild([document("pandas", "", 100.0), document("pandaz", "", 90.0)])
    assert index.search("pandaz").corrected is None


def test_the_name_comes_first_then_beginnings_then_the_rest_by_weight(index: SearchIndex) -> None:
    index.rebuild(SHELF)
    assert found(index, "http") == ["http", "httpx", "requests", "aiohttp", "python-http-client"]


def test_a_word_in_the_name_outweighs_one_in_the_summary(index: SearchIndex) -> None:
    index.rebuild([document("alpha", "a parser", 40.0), document("my-parser", "", 1.0)])
    assert found(index, "parser") == ["my-parser", "alpha"]


def test_words_that_stand_nowhere_are_passed_over(index: SearchIndex) -> None:
    index.rebuild(SHELF)
    assert found(index, "frobnicating array computing qqqq")[0] == "numpy"


def test_without_a_project_that_has_all_words_those_with_some_are_shown(index: SearchIndex) -> None:
    index.rebuild(SHELF)
    assert set(found(index, "fundamental toolbelt")) == {"numpy", "requests-toolbelt"}


def test_a_hit_shows_what_was_put_in(index: SearchIndex) -> None:
    index.rebuild(SHELF)
    hit = index.search("beautifulsoup4").hits[0]
    assert (hit.name, hit.display_name, hit.version) == ("beautifulsoup4", "BeautifulSoup4", "1.0")
    assert (hit.summary, hit.updated_at) == ("Screen-scraping library", START)
    assert hit.updated_at.utcoffset() == timedelta(0)


def test_orders_by_date_and_by_name(index: SearchIndex) -> None:
    index.rebuild(SHELF)
    assert found(index, "python", order=Order.UPDATED)[:2] == ["numpy", "requests"]
    names = found(index, "python", order=Order.NAME)
    assert names == sorted(names)
    assert len(names) == 4


def test_pages_follow_each_other_without_gap_or_repeat(index: SearchIndex) -> None:
    index.rebuild(document(f"thing-{n}", "", 1.1**n) for n in range(250))
    pages = [found(index, "thing", limit=100, offset=offset) for offset in (0, 100, 200, 300)]
    assert [len(page) for page in pages] == [100, 100, 50, 0]
    assert len({name for page in pages for name in page}) == 250
    assert pages[0][0] == "thing-249"
    assert index.search("thing").total == 250


@pytest.mark.parametrize(("limit", "count"), [(-1, 0), (0, 0), (1, 1), (1_000_000, PAGE_LIMIT)])
def test_a_limit_is_held_within_bounds(index: SearchIndex, limit: int, count: int) -> None:
    index.rebuild(document(f"thing-{n}") for n in range(PAGE_LIMIT + 20))
    assert len(found(index, "thing", limit=limit, offset=-5)) == count


def test_a_word_that_thousands_have_gives_the_heaviest_and_says_there_are_more(index: SearchIndex) -> None:
    index.rebuild(document(f"thing-{n}", "common", float(n + 1)) for n in range(6000))
    results = index.search("common")
    assert not results.total_is_exact
    assert 1000 <= results.total < 6000
    assert all(int(hit.name.removeprefix("thing-")) > 5700 for hit in results.hits)


def test_replacing_changes_one_project_and_leaves_the_rest(index: SearchIndex) -> None:
    index.rebuild(SHELF)
    index.replace([document("NumPy", "Now about hovercraft", 9e8, days=20)])
    assert found(index, "hovercraft") == ["numpy"]
    assert found(index, "array computing") == []
    assert found(index, "numpy") == ["numpy"]
    assert index.count() == len(SHELF)


def test_replacing_twice_is_the_same_as_once(index: SearchIndex) -> None:
    for _ in range(2):
        index.replace(SHELF)
    assert index.count() == len(SHELF)
    assert found(index, "http") == ["http", "httpx", "requests", "aiohttp", "python-http-client"]
    assert index.search("reqeusts").corrected == "requests"


def test_a_weight_that_changes_moves_a_project(index: SearchIndex) -> None:
    index.replace([document("one-thing", "", 100.0), document("two-thing", "", 10.0)])
    assert found(index, "thing") == ["one-thing", "two-thing"]
    index.replace([document("two-thing", "", 1000.0)])
    assert found(index, "thing") == ["two-thing", "one-thing"]
    assert index.count() == 2


@pytest.mark.parametrize("weight", [0.0, -1.0, 5e-324, 1e308, float("inf"), float("nan")])
def test_any_weight_can_be_stored(index: SearchIndex, weight: float) -> None:
    index.replace([document("odd", "", weight), document("odder", "", weight)])
    assert sorted(found(index, "odd")) == ["odd", "odder"]


def test_removed_projects_are_not_found_and_unknown_names_are_passed_over(index: SearchIndex) -> None:
    index.rebuild(SHELF)
    index.remove([NormalizedName("numpy"), NormalizedName("never-there")], serial=12)
    assert found(index, "numpy") == []
    assert found(index, "array computing") == []
    assert found(index, "nunpy") == []
    assert (index.count(), index.serial()) == (len(SHELF) - 1, 12)


def test_the_serial_is_kept_with_the_documents(index: SearchIndex, location: str) -> None:
    assert index.serial() == 0
    index.rebuild(SHELF, serial=7)
    assert index.serial() == 7
    index.replace([document("new")])
    assert index.serial() == 7
    index.replace([document("newer")], serial=8)
    index.set_serial(9)
    again = open_search(location)
    assert (again.serial(), again.count()) == (9, len(SHELF) + 2)
    again.close()


def test_a_write_that_fails_half_way_leaves_nothing(index: SearchIndex) -> None:
    index.rebuild(SHELF, serial=3)

    def broken() -> Iterator[Document]:
        yield document("half")
        raise RuntimeError("the store went away")

    for write in (index.replace, index.rebuild):
        with pytest.raises(RuntimeError):
            write(broken(), serial=99)
        assert (index.serial(), index.count()) == (3, len(SHELF))
        assert found(index, "half") == []
        assert found(index, "numpy") == ["numpy"]


def test_a_rebuild_replaces_everything_and_counts_a_repeated_name_once(index: SearchIndex) -> None:
    index.rebuild(SHELF, serial=1)
    index.rebuild([document("only", "first"), document("other"), document("only", "second")], serial=2)
    assert (index.count(), index.serial()) == (2, 2)
    assert found(index, "numpy") == []
    assert found(index, "nunpy") == []
    assert found(index, "second") == ["only"]
    assert found(index, "first") == []


def test_a_rebuild_with_nothing_empties_the_index(index: SearchIndex) -> None:
    index.rebuild(SHELF)
    index.rebuild([])
    assert index.count() == 0
    assert index.search("numpy").hits == ()


def test_readers_see_the_old_index_while_a_new_one_is_built(index: SearchIndex) -> None:
    index.rebuild(SHELF, serial=1)
    at_half, go_on = threading.Event(), threading.Event()

    def slow() -> Iterator[Document]:
        yield document("fresh")
        at_half.set()
        assert go_on.wait(60)

    builder = threading.Thread(target=index.rebuild, args=(slow(),), kwargs={"serial": 2})
    builder.start()
    assert at_half.wait(60)
    during = (found(index, "numpy"), found(index, "fresh"), index.serial())
    go_on.set()
    builder.join(60)
    assert during == (["numpy"], [], 1)
    assert (found(index, "numpy"), found(index, "fresh"), index.serial()) == ([], ["fresh"], 2)


def test_many_threads_search_and_write_at_once(index: SearchIndex) -> None:
    index.rebuild(SHELF)
    failures: list[BaseException] = []

    def work(worker: int) -> None:
        try:
            for turn in range(5):
                index.replace([document(f"worker-{worker}-{turn}", "busy")])
                assert found(index, f"worker-{worker}-{turn}")[0] == f"worker-{worker}-{turn}"
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert failures == []
    assert index.count() == len(SHELF) + 40


HOSTILE = [
    "", " ", '"', "'", "\0", "a\0b", "\ud800", "* *", "a* b*", "NEAR(a b, 2)", "a AND", "OR", "NOT a", "^py",
    "name:py", "words:py", "-py", "(((((", "a:*b & !c | d", "<->", "%", "_%_", "\\",
    "'; DROP TABLE document; --",
    "x" * 1000, "a " * 500, " ".join("abcdefghijklmnopqrstuvwxyz") * 40,
    "ﷺ" * 1000, "é" * 1000, "🐍", "\u202e",
    "ǅ", "İ", "²", "①", "１２３", "\r\n\t", "a\u0301" * 600, "--", "/*", "$1", "%s", "?", ":name",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_only_text(index: SearchIndex, text: str) -> None:
    index.replace([document("py"), document("a-b-c", text, keywords=(text,))])
    for order in Order:
        index.search(text, order=order)
    assert index.count() == 2


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(), max_size=60))
def test_any_text_can_be_stored_found_again_and_taken_out(index: SearchIndex, text: str) -> None:
    index.replace([document("strange", text, keywords=(text, "anchorword"))])
    index.search(text)
    assert "strange" in found(index, "anchorword")
    index.remove([NormalizedName("strange")])
    assert found(index, "anchorword") == []


def test_a_huge_keyword_list_does_not_fill_the_index(index: SearchIndex) -> None:
    index.replace([document("greedy", "mine", keywords=tuple(f"word{n}" for n in range(5000)))])
    assert found(index, "word10") == ["greedy"]
    assert found(index, "word4999") == []


def test_a_damaged_file_is_replaced_by_an_empty_index(tmp_path: Path) -> None:
    path = tmp_path / "search.db"
    path.write_bytes(b"this is no database" * 1000)
    index = open_search(str(path))
    assert (index.count(), index.serial()) == (0, 0)
    index.replace(SHELF)
    assert found(index, "numpy") == ["numpy"]
    index.close()


def test_a_deleted_file_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "search.db"
    index = open_search(str(path))
    index.rebuild(SHELF, serial=5)
    index.close()
    for leftover in tmp_path.iterdir():
        leftover.unlink()
    index = open_search(str(path))
    assert (index.count(), index.serial()) == (0, 0)
    index.close()


def test_an_index_of_another_format_is_thrown_away(location: str) -> None:
    index = open_search(location)
    index.rebuild(SHELF, serial=5)
    index.close()
    statement = "UPDATE meta SET value = 999 WHERE key = 'format'"
    if os.path.exists(location):
        with sqlite3.connect(location) as file:
            file.execute(statement)
        file.close()
    else:
        with psycopg.connect(location, options="-c search_path=affineur_search") as connection:
            connection.execute(statement)
    index = open_search(location)
    assert (index.count(), index.serial()) == (0, 0)
    index.close()


def test_a_folder_that_is_missing_is_an_error_and_deletes_nothing(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError):
        open_search(str(tmp_path / "missing" / "search.db"))


def test_tiers_are_cut_anew_when_the_index_has_doubled(postgresql_url: str) -> None:
    tiers = (
        "SELECT count(*) FROM pg_indexes "
        "WHERE schemaname = 'affineur_search' AND indexdef LIKE '%USING gin (name_words)%'"
    )
    index = open_search(postgresql_url)
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        assert connection.execute(tiers).fetchone() == (1,)
        index.rebuild(document(f"a-{n}", "old", 10.0) for n in range(TIERS[0] - 1))
        assert connection.execute(tiers).fetchone() == (1,)
        index.replace(document(f"b-{n}", "new", 5.0) for n in range(TIERS[0] + 2))
        assert connection.execute(tiers).fetchone() == (2,)
    assert index.search("old").total >= 1000
    assert index.search("new", limit=1).hits[0].name.startswith("b-")
    index.close()


@pytest.fixture
def url_without_rights(postgresql_url: str) -> Iterator[str]:
    """The database as a user sees it who owns the schema, and may create neither schemas nor extensions."""
    user = "searcher_" + postgresql_url.rpartition("/")[2].partition("?")[0]
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {user} LOGIN")
        connection.execute(f"CREATE SCHEMA affineur_search AUTHORIZATION {user}")
        yield postgresql_url.replace("postgres@", f"{user}@", 1)
        connection.execute(f"DROP OWNED BY {user}")
        connection.execute(f"DROP ROLE {user}")


def test_without_trigrams_everything_but_parts_of_names_is_found(url_without_rights: str) -> None:
    index = open_search(url_without_rights)
    index.rebuild(SHELF)
    assert found(index, "numpy") == ["numpy"]
    assert found(index, "reques")[0] == "requests"
    assert found(index, "reqeusts")[0] == "requests"
    assert found(index, "quest") == []
    index.close()


def test_parts_of_names_are_found(index: SearchIndex) -> None:
    index.rebuild(SHELF)
    assert found(index, "quest") == ["requests", "requests-toolbelt"]
    assert found(index, "kit-lea") == ["scikit-learn"]


def test_a_search_goes_on_after_the_server_has_dropped_its_connections(postgresql_url: str) -> None:
    index = open_search(postgresql_url)
    index.rebuild(SHELF)
    assert found(index, "numpy") == ["numpy"]
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert found(index, "numpy") == ["numpy"]
    index.close()
