"""The simple API's pages: both serialisations, field by field, and the traps on the way."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from affineur.core.life.standing import Hold, ProjectStatus, Standing
from affineur.core.names import NormalizedName
from affineur.core.views import simple
from affineur.core.views.simple import FileLink, ProjectPage, RootEntry

NAME = NormalizedName("foo-bar")
AT = datetime(2026, 3, 1, 12, 0, 0, 5, tzinfo=UTC)


def a_file(version: str = "1.0", **changes: object) -> FileLink:
    values: dict[str, object] = {
        "filename": f"foo_bar-{version}-py3-none-any.whl",
        "version": version,
        "sha256": "a" * 64,
        "size_bytes": 1234,
        "uploaded_at": AT,
    }
    return FileLink(**{**values, **changes})  # type: ignore[arg-type]


def a_page(*files: FileLink, status: ProjectStatus | None = None, serial: int = 7, offer: bool = True) -> ProjectPage:
    """A page as `arrange` makes it; ``offer`` false: of a project on hold. ``status`` is put in its place, if given."""
    standing = Standing() if offer else Standing(holds=(Hold("quarantined"),))
    page = simple.arrange(NAME, standing, files, serial)
    return replace(page, status=status) if status else page


class Anchors(HTMLParser):
    """The anchors and meta tags of a page, as a client reads them."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.anchors: list[dict[str, str | None]] = []
        self.metas: dict[str, str | None] = {}
        self.texts: list[str] = []
        self._inside = False
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "a":
            self.anchors.append(found)
            self._inside = True
        elif tag == "meta" and "name" in found:
            self.metas[found["name"] or ""] = found.get("content")

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "a"

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.texts.append(data)


def test_the_json_form_has_the_keys_of_version_1_4_and_no_others() -> None:
    page = json.loads(simple.project_json(a_page(a_file(requires_python=">=3.9", metadata_sha256="b" * 64))))
    assert page["meta"] == {"api-version": "1.4", "_last-serial": 7}
    assert page["name"] == "foo-bar"
    assert page["versions"] == ["1.0"]
    assert page["project-status"] == {"status": "active"}
    assert page["files"] == [
        {
            "filename": "foo_bar-1.0-py3-none-any.whl",
            "url": "../../packages/foo-bar/1.0/foo_bar-1.0-py3-none-any.whl",
            "hashes": {"sha256": "a" * 64},
            "size": 1234,
            "upload-time": "2026-03-01T12:00:00.000005Z",
            "core-metadata": {"sha256": "b" * 64},
            "yanked": False,
            "requires-python": ">=3.9",
        }
    ]


def test_a_yank_without_a_reason_is_true_in_json_and_an_empty_value_in_html() -> None:
    page = a_page(a_file(yanked=True, yanked_reason=None))
    assert json.loads(simple.project_json(page))["files"][0]["yanked"] is True
    assert Anchors(simple.project_html(page)).anchors[0]["data-yanked"] == ""


def test_a_yank_with_a_reason_carries_it_in_both_forms() -> None:
    page = a_page(a_file(yanked=True, yanked_reason='broken <"1.1"> & gone'))
    assert json.loads(simple.project_json(page))["files"][0]["yanked"] == 'broken <"1.1"> & gone'
    assert Anchors(simple.project_html(page)).anchors[0]["data-yanked"] == 'broken <"1.1"> & gone'


def test_a_file_that_is_not_yanked_has_no_such_attribute() -> None:
    assert "data-yanked" not in Anchors(simple.project_html(a_page(a_file()))).anchors[0]


def test_html_says_nothing_of_metadata_that_is_not_offered_and_json_says_false() -> None:
    page = a_page(a_file())
    assert json.loads(simple.project_json(page))["files"][0]["core-metadata"] is False
    assert "data-core-metadata" not in Anchors(simple.project_html(page)).anchors[0]


def test_only_html_repeats_metadata_under_its_old_name_with_the_same_value() -> None:
    page = a_page(a_file(metadata_sha256="c" * 64))
    anchor = Anchors(simple.project_html(page)).anchors[0]
    assert anchor["data-core-metadata"] == anchor["data-dist-info-metadata"] == "sha256=" + "c" * 64
    assert b"dist-info-metadata" not in simple.project_json(page)


def test_the_text_of_an_anchor_is_the_last_part_of_its_address_and_the_digest_its_fragment() -> None:
    anchors = Anchors(simple.project_html(a_page(a_file())))
    address, _, fragment = (anchors.anchors[0]["href"] or "").partition("#")
    assert address.rpartition("/")[2] == anchors.texts[0]
    assert fragment == "sha256=" + "a" * 64


def test_requires_python_is_escaped_in_html_and_plain_in_json() -> None:
    page = a_page(a_file(requires_python=">=3.9,<4"))
    assert b'data-requires-python="&gt;=3.9,&lt;4"' in simple.project_html(page)
    assert json.loads(simple.project_json(page))["files"][0]["requires-python"] == ">=3.9,<4"


@pytest.mark.parametrize("status", ["archived", "deprecated", "quarantined"])
def test_a_status_and_its_reason_stand_in_both_forms(status: str) -> None:
    page = a_page(a_file(), status=ProjectStatus(status, 'use <"other">'))  # type: ignore[arg-type]
    document = json.loads(simple.project_json(page))
    assert document["project-status"] == {"status": status, "reason": 'use <"other">'}
    assert "project-status" not in document["meta"]
    metas = Anchors(simple.project_html(page)).metas
    assert metas["pypi:project-status"] == status
    assert metas["pypi:project-status-reason"] == 'use <"other">'


def test_an_active_project_has_no_status_tag_in_html() -> None:
    assert set(Anchors(simple.project_html(a_page(a_file()))).metas) == {"pypi:repository-version"}


def test_html_has_no_empty_lines() -> None:
    for status in (ProjectStatus("active"), ProjectStatus("archived", "done")):
        assert b"\n\n" not in simple.project_html(a_page(a_file(), status=status))
    for entries in ([], [RootEntry("brie", 1)]):
        assert b"\n\n" not in simple.root_html(entries, 1)


def test_the_html_form_stays_at_version_1_4_and_ends_with_the_serial() -> None:
    page = simple.project_html(a_page(a_file(), serial=815))
    assert Anchors(page).metas["pypi:repository-version"] == "1.4"
    assert page.rstrip().endswith(b"<!--SERIAL 815-->")


def test_what_is_not_offered_lists_versions_and_no_files() -> None:
    page = a_page(a_file("1.0"), a_file("2.0"), offer=False)
    assert json.loads(simple.project_json(page))["files"] == []
    assert json.loads(simple.project_json(page))["versions"] == ["1.0", "2.0"]
    assert Anchors(simple.project_html(page)).anchors == []


def test_files_are_in_the_order_of_versions_not_of_letters() -> None:
    page = a_page(a_file("1.10"), a_file("1.9"), a_file("1.9rc1"))
    assert [file.version for file in page.files] == ["1.9rc1", "1.9", "1.10"]


def test_the_upload_time_is_utc_whatever_the_zone() -> None:
    there = AT.astimezone(timezone(timedelta(hours=5)))
    assert simple.upload_time(there) == "2026-03-01T12:00:00.000005Z"


def test_the_root_list_carries_serials_and_relative_links() -> None:
    entries = [RootEntry(NormalizedName("a"), 3), RootEntry(NormalizedName("b-c"), 9)]
    document = json.loads(simple.root_json(entries, 12))
    assert document["meta"] == {"api-version": "1.4", "_last-serial": 12}
    assert document["projects"] == [{"name": "a", "_last-serial": 3}, {"name": "b-c", "_last-serial": 9}]
    anchors = Anchors(simple.root_html(entries, 12))
    assert [anchor["href"] for anchor in anchors.anchors] == ["a/", "b-c/"]


def test_an_empty_root_list_is_valid() -> None:
    assert json.loads(simple.root_json([], 0))["projects"] == []


@given(st.binary(max_size=5000), st.integers(0, 10**12))
def test_a_gzip_twin_unpacks_to_the_body_and_its_length_tells_the_serial(body: bytes, serial: int) -> None:
    twin = simple.gzip_twin(body, serial)
    assert gzip.decompress(twin) == body
    assert len(twin) % simple.VALIDATOR_MODULUS == serial % simple.VALIDATOR_MODULUS
    assert twin == simple.gzip_twin(body, serial)


@given(st.integers(1, 10**9), st.integers(1, 255))
def test_two_pages_of_one_second_differ_in_length(serial: int, later: int) -> None:
    first, second = a_page(a_file(), serial=serial), a_page(a_file(), serial=serial + later)
    for form in (simple.project_json, simple.project_html):
        assert len(form(first)) != len(form(second))


def test_small_forms_have_no_twin_and_large_ones_do() -> None:
    assert set(simple.with_twin("v1.json", b"x" * (simple.TWIN_FROM_BYTES - 1), 1)) == {"v1.json"}
    assert set(simple.with_twin("v1.json", b"x" * simple.TWIN_FROM_BYTES, 1)) == {"v1.json", "v1.json.gz"}
