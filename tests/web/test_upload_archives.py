"""Uploads of bad files: every fault that the readers know is refused over HTTP, too, and leaves nothing.

The faults are those of the readers' own tests: what is refused there must reach a client as a 400 with its sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from tests.core import (
    test_distribution,
    test_distribution_tar,
    test_distribution_zip,
    test_filenames,
    test_metadata,
)
from tests.core.distributions import core_metadata, sdist, sdist_filename, wheel, wheel_filename
from tests.services.affineur import Server, initialise, serve
from tests.web.uploading import (
    File,
    a_wheel,
    an_sdist,
    filenames,
    left_behind,
    page,
    published,
    refused,
    upload,
)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests here; whatever they do, ``foo`` stays unpublished."""
    data = tmp_path_factory.mktemp("archives") / "data"
    with serve(data, initialise(data)) as running:
        yield running
        assert left_behind(running) == []
        assert page(running, "foo") is None


def refuse_foo(index: Server, data: bytes, filename: str, part: str) -> None:
    """Require that ``data`` is refused as foo 1.0, in the words of ``part`` as far as a status line has them."""
    refused(upload(index, File(data, filename, "foo", "1.0")), part)


ZIP_FAULTS = [
    *((data, part) for data, _, part in test_distribution_zip.REFUSED_ALWAYS),
    *((data, part) for data, _, part in test_distribution_zip.REPORTED),
    *((data, part) for data, _, part in test_distribution.CONTENTS),
    *test_distribution.RECORDS,
]


@pytest.mark.parametrize(("data", "part"), ZIP_FAULTS, ids=range(len(ZIP_FAULTS)))
def test_a_wheel_with_a_fault_is_refused(index: Server, data: bytes, part: str) -> None:
    refuse_foo(index, data, wheel_filename(), part)


TAR_FAULTS = [
    *((data, part) for data, _, part in test_distribution_tar.REFUSED_ALWAYS),
    *((data, "Invalid distribution file.") for data, _ in test_distribution_tar.REPORTED),
]


@pytest.mark.parametrize(("data", "part"), TAR_FAULTS, ids=range(len(TAR_FAULTS)))
def test_an_sdist_with_a_fault_is_refused(index: Server, data: bytes, part: str) -> None:
    refuse_foo(index, data, sdist_filename(), part)


METADATA_FAULTS = [(raw, part) for raw, _, part in test_metadata.REFUSED]


@pytest.mark.parametrize(("raw", "part"), METADATA_FAULTS, ids=range(len(METADATA_FAULTS)))
def test_bad_metadata_is_refused_whatever_the_form_says(index: Server, raw: bytes, part: str) -> None:
    refuse_foo(index, wheel(metadata=raw), wheel_filename(), part)
    refuse_foo(index, sdist(metadata=raw), sdist_filename(), part)


@pytest.mark.parametrize(
    ("data", "filename", "part"), [(row[0], row[1], row[3]) for row in test_distribution.AGREEMENT]
)
def test_file_name_and_archive_must_agree(index: Server, data: bytes, filename: str, part: str) -> None:
    refuse_foo(index, data, filename, part)


# A quotation mark, a backslash or a line end would end the form's own header, and an empty name is no file.
FILE_NAMES = [
    (name, part) for name, _, part in test_filenames.REFUSED if name and name.isprintable() and "\\" not in name
]


@pytest.mark.parametrize(("filename", "part"), FILE_NAMES)
def test_a_bad_file_name_is_refused(index: Server, filename: str, part: str) -> None:
    refuse_foo(index, wheel(), filename, part)


@pytest.mark.parametrize("tag", " ".join(test_filenames.NOT_PORTABLE).split())
def test_a_platform_tag_that_is_not_portable_is_refused(index: Server, tag: str) -> None:
    file = a_wheel("foo", tags=f"cp311-cp311-{tag}")
    refused(upload(index, file), f"Binary wheel '{file.filename}' has an unsupported platform tag '{tag}'.")


def test_a_description_that_does_not_render_is_refused(index: Server) -> None:
    metadata = core_metadata(
        fields=[("Description-Content-Type", "text/x-rst")], description="Title\n==\n\n.. nonsense-directive::\n"
    )
    refused(upload(index, File(wheel(metadata=metadata), wheel_filename(), "foo", "1.0")), "failed to render")


def test_a_bomb_is_refused_and_the_server_goes_on(index: Server) -> None:
    zeros = bytes(96 * 1024 * 1024)
    refused(upload(index, a_wheel("foo", files={"foo/zeros": zeros})), "like a decompression bomb")
    refused(upload(index, an_sdist("foo", files={"zeros": zeros})), "like a decompression bomb")
    published(upload(index, a_wheel("after-the-bomb")))


def test_local_versions_are_refused_unless_a_setting_allows_them(index: Server, server: Callable[..., Server]) -> None:
    file = a_wheel("foo", "1.0+cu118")
    refused(upload(index, file), "The use of local versions in '1.0+cu118' is not allowed.")
    lenient = server(environment={"AFFINEUR_ALLOW_LOCAL_VERSIONS": "true"})
    published(upload(lenient, file))
    assert filenames(lenient, "foo") == ["foo-1.0+cu118-py3-none-any.whl"]


def test_an_untrue_record_is_refused_unless_a_setting_says_report(index: Server, server: Callable[..., Server]) -> None:
    data, part = test_distribution.RECORDS[1]
    refuse_foo(index, data, wheel_filename(), part)
    lenient = server(environment={"AFFINEUR_RECORD": "report"})
    answer = upload(lenient, File(data, wheel_filename(), "foo", "1.0"))
    published(answer)
    assert part in answer.text, "what was wrong is said, though the file was taken"
