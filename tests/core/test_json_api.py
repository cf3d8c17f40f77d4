"""The JSON API's documents: their shape, and which release is the one described."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson

from affineur.core.distributions.metadata import CoreMetadata
from affineur.core.names import NormalizedName
from affineur.core.views.json_api import Record, StoredFile, chosen_version, project_document, release_document

# What the reference lists, no more and no less.
INFO = {
    "author", "author_email", "bugtrack_url", "classifiers", "description", "description_content_type",
    "docs_url", "download_url", "downloads", "dynamic", "home_page", "keywords", "license",
    "license_expression", "license_files", "maintainer", "maintainer_email", "name", "package_url",
    "platform", "project_url", "project_urls", "provides_extra", "release_url", "requires_dist",
    "requires_python", "summary", "version", "yanked", "yanked_reason",
}  # fmt: skip
FILE = {
    "comment_text", "core-metadata", "digests", "downloads", "filename", "has_sig", "md5_digest",
    "packagetype", "python_version", "requires_python", "size", "upload_time", "upload_time_iso_8601", "url",
    "yanked", "yanked_reason",
}  # fmt: skip

BASE = "https://index.example.org/"
AT = datetime(2026, 3, 4, 5, 6, 7, 89, tzinfo=UTC)


def file(filename: str = "foo-1.0-py3-none-any.whl", *, yanked: bool = False, reason: str | None = None) -> StoredFile:
    return StoredFile(
        filename=filename,
        kind="bdist_wheel",
        python_version="py3",
        size_bytes=7,
        sha256="a" * 64,
        blake2b_256="b" * 64,
        md5="c" * 32,
        requires_python=">=3.11",
        metadata_sha256="d" * 64,
        comment=None,
        uploaded_at=AT,
        yanked=yanked,
        yanked_reason=reason,
    )


def record(files: Mapping[str, Sequence[StoredFile]], *, offer: bool = True) -> Record:
    return Record(NormalizedName("foo"), "Foo", 42, offer, files, [("Owner", "ann"), ("Maintainer", "bob")])


METADATA = CoreMetadata("2.4", "Foo", NormalizedName("foo"), "1.0")  # type: ignore[arg-type]


def document(given: Record, version: str = "1.0", metadata: CoreMetadata = METADATA) -> Any:
    return orjson.loads(project_document(given, version, metadata, BASE))


def test_a_document_has_every_key_that_tools_expect_and_no_other() -> None:
    found = document(record({"1.0": [file()]}))
    usual = {"info", "last_serial", "ownership", "releases", "urls", "vulnerabilities"}
    assert set(found) == usual | {"project-status"}
    assert set(found["info"]) == INFO
    assert set(found["urls"][0]) == FILE


def test_a_file_is_shown_with_all_digests_both_times_and_an_absolute_address() -> None:
    (shown,) = document(record({"1.0": [file()]}))["urls"]
    assert shown["digests"] == {"blake2b_256": "b" * 64, "md5": "c" * 32, "sha256": "a" * 64}
    assert shown["md5_digest"] == "c" * 32
    assert shown["core-metadata"] == {"sha256": "d" * 64}
    assert (shown["upload_time"], shown["upload_time_iso_8601"]) == (
        "2026-03-04T05:06:07",
        "2026-03-04T05:06:07.000089Z",
    )
    assert shown["url"] == f"{BASE}packages/foo/1.0/foo-1.0-py3-none-any.whl"
    assert (shown["downloads"], shown["has_sig"], shown["comment_text"]) == (-1, False, "")
    assert (shown["packagetype"], shown["python_version"], shown["size"]) == ("bdist_wheel", "py3", 7)


def test_without_a_metadata_file_core_metadata_is_false() -> None:
    (shown,) = document(record({"1.0": [replace(file(), metadata_sha256=None)]}))["urls"]
    assert shown["core-metadata"] is False


def test_the_project_route_has_every_release_and_the_release_route_none() -> None:
    given = record({"1.10": [file("b"), file("a")], "1.0": [], "1.9": [file("c")]})
    found = document(given, "1.10")
    assert list(found["releases"]) == ["1.0", "1.9", "1.10"]
    assert [one["filename"] for one in found["releases"]["1.10"]] == ["a", "b"]
    assert found["releases"]["1.10"] == found["urls"]
    assert found["releases"]["1.0"] == []
    single = orjson.loads(release_document(given, "1.9", METADATA, BASE))
    assert "releases" not in single
    assert [one["filename"] for one in single["urls"]] == ["c"]
    assert single["last_serial"] == 42


def test_a_project_that_offers_nothing_keeps_its_versions_and_shows_no_file() -> None:
    found = document(record({"1.0": [file()], "2.0": [file("b")]}, offer=False), "2.0")
    assert (found["urls"], found["releases"]) == ([], {"1.0": [], "2.0": []})
    assert found["info"]["version"] == "2.0"


def test_names_and_addresses_of_a_project() -> None:
    info = document(record({"1.0+cu.1": [file()]}), "1.0+cu.1")["info"]
    assert info["name"] == "Foo"
    assert info["package_url"] == info["project_url"] == f"{BASE}project/foo/"
    assert info["release_url"] == f"{BASE}project/foo/1.0%2Bcu.1/"


def test_people_are_the_ownership() -> None:
    assert document(record({"1.0": []}))["ownership"] == {
        "roles": [{"role": "Owner", "user": "ann"}, {"role": "Maintainer", "user": "bob"}],
        "organization": None,
    }


def test_metadata_is_shown_and_what_is_absent_is_null() -> None:
    bare = document(record({"1.0": [file()]}))["info"]
    for key in ("dynamic", "license_files", "project_urls", "provides_extra", "requires_dist", "summary", "platform"):
        assert bare[key] is None
    assert (bare["classifiers"], bare["description"]) == ([], "")
    full = replace(
        METADATA,
        summary="A thing",
        description="# Hi",
        classifiers=("A", "B"),
        requires_dist=("bar>1",),
        platforms=("linux", "macos"),
        home_page="https://example.org/",
        download_url="https://example.org/dl",
        project_urls=(("Docs", "https://example.org/docs"),),
    )
    info = document(record({"1.0": [file()]}), metadata=full)["info"]
    assert (info["summary"], info["description"], info["classifiers"]) == ("A thing", "# Hi", ["A", "B"])
    assert (info["requires_dist"], info["platform"]) == (["bar>1"], "linux,macos")
    assert list(info["project_urls"].items()) == [
        ("Homepage", "https://example.org/"),
        ("Docs", "https://example.org/docs"),
        ("Download", "https://example.org/dl"),
    ]


def test_a_home_page_that_is_also_a_link_is_shown_once() -> None:
    twice = replace(METADATA, home_page="https://example.org/", project_urls=(("Home", "https://example.org/"),))
    info = document(record({"1.0": [file()]}), metadata=twice)["info"]
    assert info["project_urls"] == {"Home": "https://example.org/"}


def test_a_release_is_yanked_when_all_its_files_are() -> None:
    some = document(record({"1.0": [file("a", yanked=True, reason="broken"), file("b")]}))
    assert (some["info"]["yanked"], some["info"]["yanked_reason"]) == (False, None)
    assert [(one["yanked"], one["yanked_reason"]) for one in some["urls"]] == [(True, "broken"), (False, None)]
    every = document(record({"1.0": [file("a", yanked=True), file("b", yanked=True, reason="broken")]}))
    assert (every["info"]["yanked"], every["info"]["yanked_reason"]) == (True, "broken")


def test_the_release_described_is_the_newest_final_one_that_offers_something() -> None:
    yanked = [file(yanked=True)]
    for files, expected in (
        ({"1.0": [file()], "1.10": [file()], "1.9": [file()]}, "1.10"),
        ({"1.0": [file()], "2.0rc1": [file()]}, "1.0"),
        ({"1.0": [file()], "2.0": yanked}, "1.0"),
        ({"1.0": [file()], "2.0": []}, "1.0"),
        ({"1.0rc1": [file()], "2.0": yanked}, "1.0rc1"),
        ({"1.0": yanked, "2.0": yanked}, "2.0"),
        ({}, None),
    ):
        assert chosen_version(record(files)) == expected
