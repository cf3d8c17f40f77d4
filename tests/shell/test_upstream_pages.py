"""Pages of other indexes: JSON, HTML of every age, and bytes made to hurt."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import orjson
import pytest

from affineur.core.decision import Refused
from affineur.core.life.standing import ProjectStatus
from affineur.core.names import parse_name
from affineur.shell.upstream.offers import OfferedFile, OfferedProject
from affineur.shell.upstream.simple_page import HTML, JSON, Page, read_names, read_project

FOO = parse_name("foo")
URL = "https://example.org/simple/foo/"


def from_html(body: str, kind: str = "text/html") -> OfferedProject:
    return read_project(Page(URL, kind, body.encode()), FOO)


def from_json(**keys: object) -> OfferedProject:
    return read_project(Page(URL, JSON, orjson.dumps({"name": "foo", "files": [], **keys})), FOO)


def test_json_tells_everything_that_is_carried_over() -> None:
    file = {
        "filename": "foo-1.0.tar.gz",
        "url": "../../packages/foo-1.0.tar.gz",
        "hashes": {"sha256": "ab"},
        "size": 7,
        "upload-time": "2020-02-03T04:05:06.000007Z",
        "yanked": "bad\nrind",
        "requires-python": None,
        "_private": {},
    }
    found = from_json(files=[file], **{"project-status": {"status": "archived", "reason": "sold"}})
    assert found.status == ProjectStatus("archived", "sold")
    assert found.files == [
        OfferedFile(
            "foo-1.0.tar.gz",
            "https://example.org/packages/foo-1.0.tar.gz",
            {"sha256": "ab"},
            7,
            datetime(2020, 2, 3, 4, 5, 6, 7, UTC),
            True,
            "bad rind",
        )
    ]


def test_html_of_pep_503_alone_is_enough() -> None:
    found = from_html('<a href="foo-1.0.tar.gz">foo-1.0.tar.gz</a><a href=foo-2.0.tar.gz#md5=AB>foo-2.0.tar.gz')
    assert [(file.filename, file.place, dict(file.digests)) for file in found.files] == [
        ("foo-1.0.tar.gz", f"{URL}foo-1.0.tar.gz", {}),
        ("foo-2.0.tar.gz", f"{URL}foo-2.0.tar.gz", {"md5": "ab"}),
    ]


def test_html_tells_yanks_statuses_and_its_base() -> None:
    found = from_html(
        '<base href="/b/"><meta content="deprecated" name="pypi:project-status">'
        '<meta name="pypi:project-status-reason" content="use &quot;bar&quot;">'
        "<a data-requires-python='>=3.9' href='x/foo-1.0%2Bl.tar.gz' data-yanked><b>any</b> text</a>"
        '<a href="x/foo-2.0.tar.gz" data-yanked="why &amp; how" data-upload-time="2020-01-01T00:00:00Z">t</a>',
        HTML,
    )
    assert found.status == ProjectStatus("deprecated", 'use "bar"')
    first, second = found.files
    assert (first.filename, first.place) == ("foo-1.0+l.tar.gz", "https://example.org/b/x/foo-1.0%2Bl.tar.gz")
    assert (first.yanked, first.yanked_reason) == (True, None)
    assert (second.yanked_reason, second.uploaded_at) == ("why & how", datetime(2020, 1, 1, tzinfo=UTC))


def test_links_inside_comments_and_scripts_are_none() -> None:
    assert not from_html("<!-- <a href='foo-1.0.tar.gz'>x</a> --><script>'<a href=foo-1.0.tar.gz>'</script>").files


@pytest.mark.parametrize("version", ["2.0", "0.9", "1", "1.x", 1.4e300])
def test_another_major_version_is_refused(version: object) -> None:
    with pytest.raises(Refused) as refused:
        from_json(meta={"api-version": version})
    assert refused.value.decision.rule == "upstream.version"


def test_another_major_version_is_refused_in_html_too() -> None:
    with pytest.raises(Refused, match="simple API"):
        from_html('<meta name="pypi:repository-version" content="2.0">')


def test_a_newer_minor_version_is_noted() -> None:
    (note,) = from_json(meta={"api-version": "1.9"}).notes
    assert note.rule == "upstream.minor-version"
    assert not from_json(meta={"api-version": "1.4"}).notes


def test_the_page_of_another_project_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        from_json(name="bar")
    assert refused.value.decision.rule == "upstream.name"


@pytest.mark.parametrize("yanked", [False, "", None])
def test_an_empty_yank_is_none(yanked: object) -> None:
    assert not from_json(files=[{"filename": "f", "url": "f", "yanked": yanked}]).files[0].yanked


@pytest.mark.parametrize("when", ["", "yesterday", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:00", "1" * 5000])
def test_an_impossible_upload_time_is_none(when: str) -> None:
    assert from_json(files=[{"filename": "f", "url": "f", "upload-time": when}]).files[0].uploaded_at is None


@pytest.mark.parametrize("status", ["shiny", 7, None, ["archived"]])
def test_an_unknown_status_counts_as_active(status: object) -> None:
    assert from_json(**{"project-status": {"status": status}}).status == ProjectStatus("active")


def test_names_of_a_root_list_come_once_and_normalised() -> None:
    html = Page("https://example.org/", HTML, b'<a href="a/">A.b</a> <a href="..">up to the top</a> <a href=x>a-b/</a>')
    listed = Page("https://example.org/", JSON, b'{"projects":[{"name":"A.b","_last-serial":1},{"name":"../x"}]}')
    assert read_names(html)[0] == read_names(listed)[0] == ["a-b"]


@pytest.mark.parametrize("body", [b"[]", b"{", b"\xff", b'{"name":"foo"}', b"[" * 100_000, b'{"files":' * 100_000])
def test_json_of_another_shape_is_refused(body: bytes) -> None:
    with pytest.raises(Refused) as refused:
        read_project(Page(URL, JSON, body), FOO)
    assert refused.value.decision.rule == "upstream.syntax"


@pytest.mark.parametrize(
    "unit", ["<a href='", "<!--", "<a ", "<", "&#", "<a href=x>", "</a", '<a\n"', "<script>", "<base href=x ", "=a "]
)
def test_half_a_megabyte_made_to_hurt_takes_less_than_ten_seconds(unit: str) -> None:
    began = time.process_time()
    try:
        from_html(unit * (512 * 1024 // len(unit)))
    except Refused as refused:
        assert refused.decision.rule == "upstream.syntax"
    assert time.process_time() - began < 10
