"""Figures as people and programs read them: periods, plots, badges, the pypistats documents, the top list."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, timedelta
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from affineur.core.downloads.figures import (
    EVERYTHING,
    OTHERS,
    WITHOUT_MIRRORS,
    Entry,
    Point,
    Recent,
    Window,
)
from affineur.core.views import badge, plot, pypistats, top_list
from affineur.core.views.periods import STEPS, in_parts, parts, step_for

LAST = date(2026, 3, 18)  # a Wednesday
SCRIPT = "\"'><script>alert(1)</script>"
SVG = "{http://www.w3.org/2000/svg}"


def points(days: int, *values: str | None) -> list[Point]:
    window = Window.until(LAST, days)
    return [
        Point(window.first + timedelta(days=day), value, 10 * (place + 1))
        for day in range(days)
        for place, value in enumerate(values)
    ]


@pytest.mark.parametrize("days", [1, 2, 30, 31, 180, 800])
@pytest.mark.parametrize("step", STEPS)
def test_parts_cover_each_day_of_a_window_once(days: int, step: str) -> None:
    window = Window.until(LAST, days)
    found = parts(window, step)  # type: ignore[arg-type]
    assert (found[0].first, found[-1].last) == (window.first, window.last)
    assert all(after.first - before.last == timedelta(days=1) for before, after in pairwise(found))
    assert all(each.days >= 1 for each in found)
    if step == "week":
        assert all(each.first.weekday() == 0 for each in found[1:])
    if step == "month":
        assert all(each.first.day == 1 for each in found[1:])


def test_the_step_is_the_shortest_that_is_few_enough_parts() -> None:
    assert step_for(Window.until(LAST, 31), 31) == "day"
    assert step_for(Window.until(LAST, 32), 31) == "week"
    assert step_for(Window.until(LAST, 1000), 31) == "month"
    assert step_for(Window.until(LAST, 4000), 31) == "month", "there is nothing longer"


def test_series_count_every_point_of_the_window_and_stand_most_first() -> None:
    window = Window.until(LAST, 14)
    series = in_parts(points(20, "1.0", None, OTHERS, "2.0"), parts(window, "week"))
    assert [each.value for each in series] == ["2.0", "1.0", OTHERS, None]
    assert [each.total for each in series] == [14 * 40, 14 * 10, 14 * 30, 14 * 20]
    assert [each.label for each in series] == ["2.0", "1.0", "other", "not known"]
    assert len(series[0].counts) == len(parts(window, "week"))


def test_a_series_that_is_expected_is_there_without_a_download() -> None:
    (series,) = in_parts([], parts(Window.until(LAST, 3), "day"), known=[None])
    assert (series.value, list(series.counts)) == (None, [0, 0, 0])


@pytest.mark.parametrize("most", [0, 0.3, 1, 4, 5, 6, 99, 100, 101, 4999, 1_000_000, 123_456_789])
def test_ticks_are_whole_round_and_reach_the_greatest_value(most: float) -> None:
    ticks = plot.nice_ticks(most)
    assert ticks[0] == 0
    assert ticks[-1] >= most
    assert 2 <= len(ticks) <= 6
    assert str(ticks[1]).rstrip("0") in ("1", "2", "5")
    assert {b - a for a, b in pairwise(ticks)} == {ticks[1]}


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (999, "999"), (1000, "1k"), (1234, "1.2k"), (99_900, "99.9k"), (99_960, "100k"), (999_400, "999k"),
     (999_600, "1M"), (35_000_000, "35M"), (2_100_000_000, "2.1G")],
)  # fmt: skip
def test_short_numbers_have_three_digits_that_mean_something(number: int, text: str) -> None:
    assert plot.short(number) == text


@pytest.mark.parametrize("days", [1, 2, 7, 30, 45, 90, 180, 370, 1000, 4000])
@pytest.mark.parametrize("frame", [plot.WIDE, plot.NARROW])
def test_dates_below_an_axis_are_few_enough_and_lie_in_the_window(days: int, frame: plot.Frame) -> None:
    window = Window.until(LAST, days)
    most = frame.field_width // 62
    found = plot.dates_for(window.first, window.last, most)
    assert 1 <= len(found) <= most + 1
    assert all(window.first <= day <= window.last for day, _ in found)


def drawn(days: int, *values: str | None, frame: plot.Frame = plot.WIDE) -> ElementTree.Element:
    window = Window.until(LAST, days)
    among = parts(window, step_for(window, 370))
    svg = plot.stacked(among, in_parts(points(days, *values), among), f"Downloads {SCRIPT}", frame, "main")
    return ElementTree.fromstring(svg)


@pytest.mark.parametrize("days", [1, 2, 30, 180, 2000])
@pytest.mark.parametrize("frame", [plot.WIDE, plot.NARROW])
def test_a_plot_has_an_area_for_each_series_inside_of_its_frame(days: int, frame: plot.Frame) -> None:
    values = ("3.12", "3.11", SCRIPT, OTHERS, None)
    svg = drawn(days, *values, frame=frame)
    assert len(svg.findall("g")) == len(values)
    for path in svg.iter("path"):
        numbers = (
            path.get("d", "").replace("M", " ").replace("L", " ").replace("z", " ").replace("H", " ").split("v")[0]
        )
        assert all(-1 <= float(number) <= frame.width + 1 for number in numbers.split())
    assert svg.findtext("title") == f"Downloads {SCRIPT}", "what is written is text, never markup"


def test_a_plot_names_its_series_beside_them_where_there_is_room() -> None:
    written = [text.text for text in drawn(30, "3.12", "3.11", frame=plot.WIDE).iter("text")]
    assert {"3.12", "3.11"} <= set(written)
    narrow = [text.text for text in drawn(30, "3.12", "3.11", frame=plot.NARROW).iter("text")]
    assert not {"3.12", "3.11"} & set(narrow)


def test_neighbouring_series_differ_in_more_than_their_colour() -> None:
    looks = [plot.swatch(place, "x").partition("url(")[2][:12] for place in range(plot.COLOURS)]
    assert len(set(looks)) == plot.COLOURS
    assert plot.swatch(0, None) != plot.swatch(0, OTHERS)


def test_a_plot_of_nothing_has_axes_and_no_error() -> None:
    among = parts(Window.until(LAST, 30), "day")
    svg = ElementTree.fromstring(plot.stacked(among, [], "Nothing", plot.WIDE, "main"))
    assert len(svg.findall("g")) == 0
    assert [text.text for text in svg.iter("text")][:2] == ["0", "1"]


def test_a_sparkline_of_zeros_lies_on_the_ground() -> None:
    svg = ElementTree.fromstring(plot.sparkline([0, 0, 0], "None"))
    line = svg.find("polyline")
    assert line is not None
    assert {pair.partition(",")[2] for pair in line.get("points", "").split()} == {"30.0"}


@pytest.mark.parametrize("value", ["1.2k/month", "no data", SCRIPT, "", "é" * 500])
def test_a_badge_is_sound_says_its_words_and_is_as_wide_as_they_are(value: str) -> None:
    svg = ElementTree.fromstring(badge.badge("downloads", value).decode())
    title = svg.findtext(f"{SVG}title") or ""
    assert title.startswith(f"downloads: {value[:59]}")
    assert svg.get("role") == "img"
    assert svg.get("aria-label") == title
    assert int(svg.get("width", "0")) == sum(int(float(r.get("width", "0"))) for r in svg.findall(f"{SVG}g/{SVG}rect"))
    assert not list(svg.iter(f"{SVG}script"))


def test_wider_words_make_wider_badges() -> None:
    assert badge.text_width("mmm") > badge.text_width("nnn") > badge.text_width("iii")


RECENT = Recent(1, 7, 30)


def test_recent_has_the_three_figures_or_the_one_that_is_asked_for() -> None:
    whole = json.loads(pypistats.recent_document("brie", RECENT, None, LAST, WITHOUT_MIRRORS))
    assert (whole["package"], whole["type"]) == ("brie", "recent_downloads")
    assert whole["data"] == {"last_day": 1, "last_month": 30, "last_week": 7}
    assert whole["_index"] == {"filter": WITHOUT_MIRRORS.sentence, "last_day": "2026-03-18"}
    week = json.loads(pypistats.recent_document("brie", RECENT, "week", LAST, WITHOUT_MIRRORS))
    assert week["data"] == {"last_week": 7}


def test_overall_has_both_series_of_each_day() -> None:
    window = Window.until(LAST, 2)
    found = json.loads(
        pypistats.overall_document(
            "brie", {"with_mirrors": points(2, None), "without_mirrors": points(1, None)}, window
        )
    )
    assert found["type"] == "overall_downloads"
    assert found["data"] == [
        {"category": "with_mirrors", "date": "2026-03-17", "downloads": 10},
        {"category": "with_mirrors", "date": "2026-03-18", "downloads": 10},
        {"category": "without_mirrors", "date": "2026-03-18", "downloads": 10},
    ]
    assert (found["_index"]["first_day"], found["_index"]["last_day"]) == ("2026-03-17", "2026-03-18")


def test_a_series_says_null_where_nothing_is_known_and_takes_a_category_in_any_case() -> None:
    window = Window.until(LAST, 1)
    every = json.loads(pypistats.series_document("b", "system", points(1, "Linux", None), None, window, EVERYTHING))
    assert [row["category"] for row in every["data"]] == ["Linux", "null"]
    one = json.loads(pypistats.series_document("b", "system", points(1, "Linux", None), "linux", window, EVERYTHING))
    assert [row["category"] for row in one["data"]] == ["Linux"]


ENTRIES = (Entry("comte", 20, 1), Entry("brie", 3, 2))


def test_the_top_list_has_the_form_that_tools_read() -> None:
    window = Window.until(LAST, 30)
    for small in (False, True):
        found = json.loads(top_list.top_document(ENTRIES, window, WITHOUT_MIRRORS, small=small))
        assert found["last_update"] == "2026-03-19 00:00:00"
        assert found["rows"] == [
            {"download_count": 20, "project": "comte"},
            {"download_count": 3, "project": "brie"},
        ]
        assert found["query"]["filter"] == WITHOUT_MIRRORS.sentence
    assert list(csv.reader(io.StringIO(top_list.top_csv(ENTRIES).decode()))) == [
        ["download_count", "project"],
        ["20", "comte"],
        ["3", "brie"],
    ]


def test_the_top_list_of_an_index_without_downloads_is_empty_and_says_so() -> None:
    found = json.loads(top_list.top_document((), None, WITHOUT_MIRRORS, small=True))
    assert (found["rows"], found["last_update"]) == ([], None)
