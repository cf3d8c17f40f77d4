"""The legacy upload form: which fields are read, which refused, and what has to agree with the file."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.distributions import core_metadata, sdist, sdist_filename, wheel, wheel_filename

from affineur.core.decision import Decision, Refused
from affineur.core.distributions.distribution import inspect
from affineur.core.distributions.upload_form import UploadForm, agree, read_form

BASE = {
    ":action": "file_upload",
    "protocol_version": "1",
    "filetype": "bdist_wheel",
    "pyversion": "py3",
    "metadata_version": "2.4",
    "name": "Foo",
    "version": "1.0",
    "sha256_digest": "A" * 64,
}


def form(*more: tuple[str, str], **changes: str | None) -> UploadForm:
    fields = {**BASE, **{name.replace("_action", ":action"): value for name, value in changes.items()}}
    return read_form([*((name, value) for name, value in fields.items() if value is not None), *more])


def refusal(*more: tuple[str, str], **changes: str | None) -> Decision:
    with pytest.raises(Refused) as caught:
        form(*more, **changes)
    assert caught.value.decision.sentence.isprintable()
    return caught.value.decision


def test_the_fields_that_name_the_file_are_read() -> None:
    read = form(comment="hi", md5_digest="b" * 32, blake2_256_digest="c" * 64)
    assert (read.action, read.protocol_version, read.filetype, read.pyversion) == (
        "file_upload",
        "1",
        "bdist_wheel",
        "py3",
    )
    assert (read.name, read.normalized_name, read.version, read.metadata_version) == (
        "Foo",
        "foo",
        "1.0",
        "2.4",
    )
    assert (read.md5_digest, read.sha256_digest, read.blake2_256_digest) == ("b" * 32, "a" * 64, "c" * 64)
    assert (read.comment, read.has_gpg_signature, read.attestations) == ("hi", False, None)


def test_signatures_and_attestations_are_noted() -> None:
    read = form(gpg_signature="x", attestations="[]")
    assert (read.has_gpg_signature, read.attestations) == (True, "[]")


def test_descriptive_fields_keep_every_value_and_unknown_fields_are_ignored() -> None:
    read = form(
        ("classifiers", "A"),
        ("classifiers", "B"),
        ("project_urls", "Home, https://example.org/"),
        ("summary", "x"),
        ("requires_python", ""),
        ("license", "UNKNOWN"),
        ("home_page", " UNKNOWN "),
        ("x_unknown", "y"),
        ("author", "a\x00b"),
    )
    assert dict(read.descriptive) == {
        "classifiers": ("A", "B"),
        "project_urls": ("Home, https://example.org/",),
        "summary": ("x",),
        "author": ("a\\x00b",),
    }


@pytest.mark.parametrize("field", ["import_name", "import_namespace", "license_file", "platform"])
def test_singular_and_plural_spellings_are_one_field(field: str) -> None:
    assert form((field, "a"), (field + "s", "b")).descriptive == {field: ("a", "b")}


@pytest.mark.parametrize("pyversion", [None, "", "source"])
def test_an_sdist_has_source_as_its_python_version(pyversion: str | None) -> None:
    assert form(filetype="sdist", pyversion=pyversion).pyversion == "source"


def test_an_absent_protocol_version_is_version_1() -> None:
    assert form(protocol_version=None).protocol_version == "1"


def test_a_field_given_twice_alike_is_no_contradiction() -> None:
    assert form(("name", "Foo")).name == "Foo"


REFUSED = [
    ({"_action": None}, "form.action", "Send ':action' as 'file_upload'"),
    ({"_action": "nonsense"}, "form.action", "Unknown action 'nonsense'."),
    (
        {"_action": "submit"},
        "form.action-gone",
        "Project pre-registration is no longer required or supported",
    ),
    ({"_action": "submit_pkg_info"}, "form.action-gone", "upload your files instead."),
    ({"_action": "doc_upload"}, "form.action-gone", "documentation"),
    ({"protocol_version": "2"}, "form.protocol-version", "Unknown protocol version."),
    ({"filetype": "bdist_egg"}, "form.filetype", "Use a known file type."),
    ({"filetype": None}, "form.filetype", "Use a known file type."),
    ({"sha256_digest": None}, "form.digest", "Include at least one message digest."),
    ({"sha256_digest": "UNKNOWN"}, "form.digest", "Include at least one message digest."),
    (
        {"sha256_digest": "a" * 63},
        "form.digest",
        "Invalid value for sha256_digest. Error: Use a valid, hex-encoded",
    ),
    ({"md5_digest": "1B2M2Y8AsgTpgAmY7PhCfg"}, "form.digest", "Invalid value for md5_digest"),
    ({"blake2_256_digest": "g" * 64}, "form.digest", "Invalid value for blake2_256_digest"),
    ({"name": None}, "form.required", "Invalid value for name. Error: This field is required."),
    ({"version": ""}, "form.required", "Invalid value for version. Error: This field is required."),
    ({"name": "-foo"}, "name.format", "'-foo' is an invalid value for Name."),
    ({"version": "one"}, "version.format", "'one' is an invalid value for Version."),
    ({"version": "1" * 5000}, "form.version", "at most 200 characters"),
    ({"filetype": "sdist", "pyversion": "py3"}, "form.pyversion", "Use 'source' as Python version"),
]


@pytest.mark.parametrize(("changes", "rule", "part"), REFUSED, ids=[row[2] for row in REFUSED])
def test_a_bad_form_is_refused_with_a_way_out(changes: dict[str, str | None], rule: str, part: str) -> None:
    decision = refusal(**changes)
    assert decision.rule == rule
    assert part in decision.sentence


def test_two_different_names_in_one_form_are_refused() -> None:
    decision = refusal(("name", "bar"))
    assert (decision.rule, decision.reason) == (
        "form.repeated",
        "Invalid value for name. Error: it is given twice.",
    )


WHEEL = inspect(io.BytesIO(wheel()), wheel_filename())
SDIST = inspect(io.BytesIO(sdist()), sdist_filename())


@pytest.mark.parametrize(
    ("changes", "rule", "part"),
    [
        (
            {"filetype": "sdist", "pyversion": None},
            "form.filetype",
            "'foo-1.0-py3-none-any.whl' is a bdist_wheel",
        ),
        (
            {"name": "bar"},
            "form.name",
            "The form says project 'bar', but 'foo-1.0-py3-none-any.whl' is of project",
        ),
        ({"version": "2.0"}, "form.version", "The form says version '2.0', but"),
    ],
)
def test_name_version_and_kind_must_agree_with_the_file(changes: dict[str, str | None], rule: str, part: str) -> None:
    with pytest.raises(Refused) as caught:
        agree(form(**changes), WHEEL)
    assert caught.value.decision.rule == rule
    assert part in caught.value.decision.sentence


def test_nothing_else_has_to_agree() -> None:
    agree(form(name="FOO", version="1.0.0", metadata_version="1.0", pyversion="cp27", summary="other"), WHEEL)
    agree(form(filetype="sdist", pyversion=None, metadata_version=None), SDIST)
    assert WHEEL.metadata_bytes == core_metadata()


@given(st.lists(st.tuples(st.sampled_from([*BASE, "summary", "x"]), st.text(max_size=70))))
def test_any_fields_end_in_a_form_or_a_refusal(fields: list[tuple[str, str]]) -> None:
    for given_fields in (fields, [*BASE.items(), *fields]):
        try:
            read_form(given_fields)
        except Refused as refused:
            assert refused.decision.sentence.isprintable()
