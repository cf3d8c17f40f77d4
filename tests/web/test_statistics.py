"""Statistics over HTTP: pages, exports, badges, the list of the most downloaded, the API, and who may see them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tests.services.affineur import Server, affineur, initialise, serve
from tests.services.events import CURL, MIRROR, PIP, STILL, UV, Downloads, a_quarter, bring_into
from tests.web.uploading import Answer, a_wheel, ask, basic, published, upload

from affineur.core.views.plot import short

LAST = date(2026, 3, 18)
TODAY = LAST + timedelta(days=1)
SVG = "{http://www.w3.org/2000/svg}"
PLACES = (
    "statistics/",
    "project/brie/statistics/",
    "project/brie/statistics.csv",
    "statistics/top-30-days.json",
    "statistics/export.json",
    "api/packages/brie/recent",
    "badges/brie/month.svg",
    "api/v1/projects/brie/downloads",
)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """brie: here, and downloaded. mould: in quarantine. gone: not here any more. comte: here, and never downloaded."""
    data = tmp_path_factory.mktemp("statistics") / "data"
    token = initialise(data)
    downloads = [
        *a_quarter("brie", LAST),
        *(Downloads("mould", LAST, 6, agent, networks=2) for agent in (PIP, UV, MIRROR, CURL)),
        Downloads("gone", LAST - timedelta(days=200), 9),
    ]
    bring_into(data, downloads, TODAY)
    with serve(data, token, options=STILL) as running:
        for name in ("brie", "mould", "comte"):
            published(upload(running, a_wheel(name)))
        affineur("quarantine", "mould", "--reason", "Sends secrets away.", "--data", data)
        yield running


def get(index: Server, path: str, **headers: str) -> Answer:
    return ask(index, "GET", f"/{path}", b"", **{"accept": "text/html,*/*;q=0.8", **headers})


def shown(index: Server, path: str) -> str:
    answer = get(index, path)
    assert answer.status == 200, answer.text
    return answer.text


def test_a_page_says_what_counts_and_over_which_days(index: Server) -> None:
    text = shown(index, "project/brie/statistics/?from=2026-03-01&to=2026-03-10&count=installs&by=version")
    assert "downloads by installers only" in text
    assert "1 March 2026 to 10 March 2026" in text
    assert 'data-days="2026-03-01,2026-03-02' in text


def test_a_page_has_the_numbers_of_its_plot_as_a_table(index: Server) -> None:
    told = get(index, "api/v1/projects/brie/downloads?days=10&by=installer&count=all").json
    text = shown(index, "project/brie/statistics/?days=10&by=installer&count=all")
    table = text.partition("<table")[2].partition("</table>")[0]
    assert f"<td>{told['total']:,}</td>" in table
    for each in ("pip", "uv", "bandersnatch"):
        assert f'<th scope="col">{each}</th>' in table


def test_what_is_held_or_gone_keeps_its_statistics(index: Server) -> None:
    assert "quarantined" in shown(index, "project/mould/statistics/")
    assert "is not on this index any more" in shown(index, "project/gone/statistics/")
    assert get(index, "api/packages/gone/recent").json["data"]["last_month"] == 0, "that was 200 days ago"
    assert get(index, "api/v1/projects/gone/downloads").json["ever"] == 9


def test_a_project_that_nobody_downloaded_has_a_page_that_says_so(index: Server) -> None:
    assert "Nobody has downloaded comte" in shown(index, "project/comte/statistics/")
    assert get(index, "api/packages/comte/overall").json["data"] == []


@pytest.mark.parametrize("path", ["project/nope/statistics/", "project/nope/statistics.csv", "api/packages/nope/recent",
                                  "project/brie/statistics.xls", "api/packages/brie/nope", "badges/brie/nope.svg",
                                  "api/v1/projects/nope/downloads", "statistics/export.xls"])  # fmt: skip
def test_what_was_never_here_is_not_found(index: Server, path: str) -> None:
    assert get(index, path).status == 404


@pytest.mark.parametrize("path", ["project/Brie/statistics/", "project/brie/statistics", "statistics"])
def test_other_spellings_lead_to_the_page(index: Server, path: str) -> None:
    answer = get(index, f"{path}?days=7")
    assert answer.status == 301
    assert answer.headers["location"].endswith("statistics/?days=7")


@pytest.mark.parametrize("query", ["days=x", "days=0", "days=-1", "from=yesterday", "from=2026-03-10&to=2026-03-01",
                                   "count=nothing", "by=shoe", "to=0000-00-00"])  # fmt: skip
def test_a_question_that_cannot_be_meant_is_refused(index: Server, query: str) -> None:
    for path in ("project/brie/statistics/", "project/brie/statistics.csv", "statistics/"):
        answer = get(index, f"{path}?{query}")
        assert answer.status == 400, path


@pytest.mark.parametrize("query", ["days=999999", "from=0001-01-01&to=9999-12-31", "from=1999-01-01&to=1999-02-01"])
def test_a_window_is_cut_to_the_days_that_are_known(index: Server, query: str) -> None:
    told = shown(index, f"project/brie/statistics/?{query}")
    assert str((LAST - timedelta(days=200)).year) in told


def test_exports_have_all_that_the_page_counts_and_agree_with_each_other(index: Server) -> None:
    import duckdb

    days = "from=2026-03-01&to=2026-03-18"
    total = get(index, "api/v1/projects/brie/downloads?count=all&first_day=2026-03-01&last_day=2026-03-18").json[
        "total"
    ]
    rows = list(csv.DictReader(io.StringIO(get(index, f"project/brie/statistics.csv?{days}").text)))
    document = get(index, f"project/brie/statistics.json?{days}")
    assert sum(int(row["downloads"]) for row in rows) == total
    assert sum(row["downloads"] for row in document.json["rows"]) == total
    assert document.json["project"] == "brie"
    assert "attachment" in document.headers["content-disposition"]
    parquet = index.data / "taken.parquet"
    parquet.write_bytes(get(index, f"project/brie/statistics.parquet?{days}").body)
    assert duckdb.execute(f"SELECT sum(downloads)::BIGINT FROM '{parquet}'").fetchall() == [(total,)]
    assert not list((index.data / "spool").glob("export-*")), "what was sent is gone"


def test_an_export_of_the_index_is_of_some_months_at_most(index: Server) -> None:
    whole = get(index, "statistics/export.json?days=92").json
    assert {row["project"] for row in whole["rows"]} == {"brie", "mould"}
    refused = get(index, "statistics/export.json?days=93", accept="application/json")
    assert (refused.status, refused.json["rule"]) == (403, "statistics.export")


def test_the_top_list_is_ranked_and_cut(index: Server) -> None:
    rows = get(index, "statistics/top-30-days.json").json["rows"]
    assert [row["project"] for row in rows] == ["brie", "mould"]
    assert rows[1]["download_count"] == 18, "without those of the mirror"
    assert len(get(index, "statistics/top-30-days.min.json?limit=1").json["rows"]) == 1
    assert get(index, "statistics/top-30-days.csv?count=all").text.splitlines()[2] == '24,"mould"'
    assert get(index, "statistics/top-30-days.json?limit=0").status == 400
    assert "brie" in shown(index, "statistics/")


@pytest.mark.parametrize("what", ["day", "week", "month", "total", "rank", "version", "status"])
def test_a_badge_is_a_picture_for_every_name(index: Server, what: str) -> None:
    for name in ("brie", "gone", "comte", "never-seen", "%3Cscript%3E"):
        answer = get(index, f"badges/{name}/{what}.svg")
        assert (answer.status, answer.headers["content-type"]) == (200, "image/svg+xml")
        assert ElementTree.fromstring(answer.text).findtext(f"{SVG}title")
        assert "max-age" in answer.headers["cache-control"]


def test_badges_tell_figures_ranks_and_states(index: Server) -> None:
    def says(path: str) -> str | None:
        return ElementTree.fromstring(get(index, f"badges/{path}.svg").text).findtext(f"{SVG}title")

    month = get(index, "api/packages/brie/recent").json["data"]["last_month"]
    assert says("brie/month") == f"downloads: {short(month)}/month"
    assert says("brie/rank") == "rank: 1 of 2"
    assert says("mould/status") == "status: quarantined"
    assert says("gone/status") == "status: not here any more"
    assert says("brie/version") == "version: 1.0"
    assert says("never-seen/month") == "downloads: no data"


def test_figures_are_checked_again_cheaply(index: Server) -> None:
    for path in ("api/packages/brie/overall", "badges/brie/total.svg", "statistics/top-30-days.json"):
        first = get(index, path)
        assert get(index, path, if_none_match=first.headers["etag"]).status == 304
        assert first.headers["cache-control"].endswith("public")
        assert first.headers["access-control-allow-origin"] == "*"


def test_the_json_api_and_the_projects_page_have_real_numbers(index: Server) -> None:
    recent = get(index, "api/packages/brie/recent").json["data"]
    assert get(index, "pypi/brie/json").json["info"]["downloads"] == recent
    page = shown(index, "project/brie/")
    assert f"{recent['last_month']:,}" in page
    assert 'class="sparkline"' in page
    assert get(index, "pypi/comte/json").json["info"]["downloads"] == dict.fromkeys(recent, 0)


def test_the_api_tells_rank_and_days_with_their_filter(index: Server) -> None:
    told = get(index, "api/v1/projects/Mould/downloads?count=installs&by=class&days=5").json
    assert told["filter"].startswith("downloads by installers only")
    assert (told["project"], told["total"], told["rank"], told["among"]) == ("mould", 12, 2, 2)
    assert told["series"] == [{"day": str(LAST), "value": "installer", "downloads": 12}]
    assert (told["first_day"], told["last_day"]) == (str(LAST - timedelta(days=4)), str(LAST))


@pytest.mark.parametrize("form", ["csv", "json", "jsonl", "parquet"])
def test_an_export_leaves_nothing_behind_whatever_part_of_it_is_asked_for(index: Server, form: str) -> None:
    path = f"statistics/export.{form}?days=400"
    whole = get(index, path)
    assert whole.headers.get("content-length", str(len(whole.body))) == str(len(whole.body))
    for wanted in ("bytes=99999999999-", "bytes=5-2", "bytes=0-1"):
        assert get(index, path, range=wanted).body == whole.body
    assert ask(index, "HEAD", f"/{path}", b"").body == b""
    assert not list((index.data / "spool").glob("*export*"))


def test_the_command_line_reads_the_same_numbers(index: Server, tmp_path: Path) -> None:
    said = json.loads(affineur("statistics", "top", "--json", "--data", index.data))
    rows = get(index, "statistics/top-30-days.json").json["rows"]
    assert [(each["project"], each["downloads"]) for each in said["projects"]] == [
        (row["project"], row["download_count"]) for row in rows
    ]
    assert "mould: 18 downloads" in affineur("statistics", "show", "mould", "--by", "class", "--data", index.data)
    target = tmp_path / "taken.csv"
    affineur("statistics", "export", target, "--project", "mould", "--data", index.data)
    assert sum(int(row["downloads"]) for row in csv.DictReader(target.open())) == 24


def test_an_index_without_statistics_says_so_and_answers(tmp_path_factory: pytest.TempPathFactory) -> None:
    """And this one is private: strangers get nothing, readers nothing that shared caches keep."""
    data = tmp_path_factory.mktemp("private") / "data"
    token = initialise(data)
    with serve(data, token, environment={"AFFINEUR_READ": "token"}) as private:
        published(upload(private, a_wheel("brie")))
        allowed = {"authorization": basic("__token__", token)}
        for path in PLACES:
            assert get(private, path).status == 401, path
            answer = get(private, path, **allowed)
            assert answer.status == (404 if "statistics.csv" in path or "export" in path else 200), path
            assert "public" not in answer.headers.get("cache-control", ""), path
        assert "No day was counted whole yet" in get(private, "statistics/", **allowed).text
        document = get(private, "pypi/brie/json", **allowed).json
        assert set(document["info"]["downloads"].values()) == {-1}


def test_statistics_that_cannot_be_reached_take_nothing_else_with_them(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    data = tmp_path_factory.mktemp("away") / "data"
    nobody = {"AFFINEUR_STATISTICS": "clickhouse://127.0.0.1:9/none"}
    with serve(data, initialise(data), environment=nobody) as index:
        published(upload(index, a_wheel("brie")))
        for path in (path for path in PLACES if not path.startswith("badges")):
            answer = get(index, path)
            assert (answer.status, answer.headers["cache-control"][:8]) == (503, "no-store"), path
            assert "cannot be reached just now" in answer.text
        assert "not known just now" in get(index, "badges/brie/month.svg").text
        assert "active" in get(index, "badges/brie/status.svg").text
        assert set(get(index, "pypi/brie/json").json["info"]["downloads"].values()) == {-1}
        assert "sparkline" not in shown(index, "project/brie/")
