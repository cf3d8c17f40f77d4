"""What METADATA and PKG-INFO say, field by field; what is refused on upload and reported on import."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.distributions import core_metadata

from affineur.core.decision import Decision, Refused
from affineur.core.distributions.acceptance import IMPORTED, UPLOADED, Findings, Rules
from affineur.core.distributions.metadata import CoreMetadata, check_metadata, resolver_fields_are_static


def read(*fields: tuple[str, str], metadata_version: str = "2.4", description: str = "") -> CoreMetadata:
    return check_metadata(core_metadata("Foo.Bar", "1.0", fields, metadata_version, description))


def refusal(raw: bytes, rules: Rules = UPLOADED) -> Decision:
    with pytest.raises(Refused) as caught:
        check_metadata(raw, rules)
    return caught.value.decision


def reported(raw: bytes) -> tuple[CoreMetadata, list[str]]:
    findings = Findings()
    metadata = check_metadata(raw, IMPORTED, findings)
    return metadata, [finding.rule for finding in findings.noted]


def test_every_field_is_read() -> None:
    metadata = read(
        ("Summary", "A thing"),
        ("Keywords", "one,two"),
        ("Home-page", "https://example.org/"),
        ("Download-URL", "https://example.org/dl"),
        ("Author", "Ann"),
        ("Author-email", '"Doe, Ann" <ann@example.org>, bob@example.org'),
        ("Maintainer", "Bob"),
        ("Maintainer-email", "Bob <bob@example.org>"),
        ("License-Expression", "MIT OR Apache-2.0"),
        ("License-File", "LICENSE"),
        ("Classifier", "Programming Language :: Python :: 3"),
        ("Classifier", "Private :: Do Not Upload"),
        ("Platform", "any"),
        ("Requires-Python", ">=3.10"),
        ("Requires-Dist", "bar>=2; extra == 'x'"),
        ("Requires-External", "C"),
        ("Provides-Extra", "x"),
        ("Project-URL", "Docs, https://example.org/docs"),
        ("Dynamic", "Classifier"),
        ("Import-Name", "foo; private"),
        ("Import-Namespace", "ns"),
        ("Description-Content-Type", "text/markdown; charset=UTF-8; variant=GFM"),
        metadata_version="2.5",
        description="# Grüße\n\nText\n",
    )
    assert (metadata.name, metadata.normalized_name, metadata.version) == ("Foo.Bar", "foo-bar", "1.0")
    assert (metadata.summary, metadata.keywords, metadata.author) == ("A thing", "one,two", "Ann")
    assert metadata.description == "# Grüße\n\nText\n"
    assert metadata.requires_dist == ("bar>=2; extra == 'x'",)
    assert metadata.project_urls == (("Docs", "https://example.org/docs"),)
    assert (metadata.license_expression, metadata.license_files) == ("MIT OR Apache-2.0", ("LICENSE",))
    assert (metadata.import_names, metadata.import_namespaces) == (("foo; private",), ("ns",))
    assert metadata.dynamic == ("classifier",)
    assert len(metadata.classifiers) == 2


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2", "2.1", "2.2", "2.3", "2.4", "2.5", "2.6"])
def test_each_metadata_version_that_was_defined_is_taken(version: str) -> None:
    assert read(metadata_version=version).metadata_version == version


def test_an_empty_import_name_means_none_and_is_not_absence() -> None:
    assert read(("Import-Name", ""), metadata_version="2.5").import_names == ()
    assert read(metadata_version="2.5").import_names is None


def test_blank_and_unknown_values_count_as_absent() -> None:
    metadata = read(("Summary", "UNKNOWN"), ("Author", ""), ("Platform", "UNKNOWN"), ("License", "  "))
    assert (metadata.summary, metadata.author, metadata.platforms, metadata.license) == (None, None, (), None)


def test_a_description_in_the_header_loses_its_indentation() -> None:
    raw = b"Metadata-Version: 1.1\nName: foo\nVersion: 1\n"
    raw += b"Description: One\n        Two\n        \n          Three\n"
    assert check_metadata(raw).description == "One\nTwo\n\n  Three"


def test_nul_is_written_out_since_databases_cannot_hold_it() -> None:
    metadata = read(("Author", "a\x00b"), description="x\x00y")
    assert (metadata.author, metadata.description) == ("a\\x00b", "x\\x00y")


def with_field(heading: str, value: str, metadata_version: str = "2.5") -> bytes:
    return core_metadata("foo", "1.0", [(heading, value)], metadata_version)


REFUSED = [
    (
        core_metadata(metadata_version="2.0"),
        "metadata.metadata-version",
        "'2.0' is not a valid metadata version",
    ),
    (core_metadata(metadata_version="2.7"), "metadata.metadata-version", "Use one of 1.0"),
    (core_metadata(metadata_version="3.0"), "metadata.metadata-version", "current build backend"),
    (with_field("Summary", "x" * 513), "metadata.summary", "513 characters, at most 512"),
    (with_field("Summary", "a\n  b"), "metadata.summary", "single line"),
    (with_field("Author-email", "nobody"), "metadata.author-email", "Name <name@example.org>"),
    (with_field("Maintainer-email", "A <b>"), "metadata.maintainer-email", "not a list of e-mail addresses"),
    (with_field("Classifier", "Foo :: Bar"), "metadata.classifier", "is not a valid classifier"),
    (
        with_field("Classifier", "Natural Language :: Ukranian"),
        "metadata.classifier",
        "Use 'Natural Language :: Ukrainian' instead.",
    ),
    (with_field("Home-page", "example.org"), "metadata.home-page", "not a valid http or https URI"),
    (with_field("Home-page", "javascript:alert(1)"), "metadata.home-page", "beginning with 'https://'"),
    (with_field("Download-URL", "https://"), "metadata.download-url", "not a valid http or https URI"),
    (with_field("Project-URL", "Home, x://example.org/"), "metadata.project-url", "(label 'Home')"),
    (
        with_field("Project-URL", "l" * 33 + ", https://example.org/"),
        "metadata.project-url",
        "1 to 32 characters",
    ),
    (with_field("Project-URL", ", https://example.org/"), "metadata.project-url", "1 to 32 characters"),
    (
        with_field("Requires-Dist", "a @ https://example.org/a.whl"),
        "metadata.requires-dist",
        "Can't have direct dependency: 'a @ https://example.org/a.whl'.",
    ),
    (with_field("Provides-Dist", "a @ https://example.org/a"), "metadata.provides-dist", "direct dependency"),
    (
        with_field("Obsoletes-Dist", "a @ https://example.org/a"),
        "metadata.obsoletes-dist",
        "direct dependency",
    ),
    (with_field("Requires-Dist", "a >>= 1"), "metadata.requires-dist", "is not a valid requirement"),
    (
        with_field("Requires-Dist", "a; " + "(" * 3000 + "x"),
        "metadata.requires-dist",
        "not a valid requirement",
    ),
    (with_field("Requires-Dist", "a" * 20_000), "metadata.requires-dist", "is too long"),
    (with_field("Requires-Python", "three"), "metadata.requires-python", "Write a version specifier"),
    (with_field("Requires-Python", ">=" + "9" * 5000), "metadata.requires-python", "is too long"),
    (with_field("Dynamic", "Version"), "metadata.dynamic", "Name fields of core metadata"),
    (with_field("Dynamic", "Nonsense"), "metadata.dynamic", "not a valid dynamic field"),
    (with_field("Provides-Extra", "a b"), "metadata.provides-extra", "Use only ASCII letters"),
    (with_field("License-Expression", "Nonsense"), "metadata.license-expression", "not a valid SPDX"),
    (with_field("License-Expression", "LicenseRef-a_b"), "metadata.license-expression", "not a valid SPDX"),
    (
        with_field("License-Expression", "mit or apache-2.0"),
        "metadata.license-expression",
        "Write 'MIT OR Apache-2.0'",
    ),
    (with_field("License-Expression", "(" * 3000 + "MIT"), "metadata.license-expression", "not a valid SPDX"),
    (with_field("License-File", "../LICENSE"), "metadata.license-file", "without '..'"),
    (with_field("License-File", "/LICENSE"), "metadata.license-file", "from the project's root"),
    (with_field("License-File", "a\\LICENSE"), "metadata.license-file", "with '/'"),
    (with_field("Import-Name", "a-b"), "metadata.import-name", "Write a dotted name"),
    (with_field("Import-Namespace", "class"), "metadata.import-namespace", "Write a dotted name"),
    (
        with_field("Description-Content-Type", "text/html"),
        "metadata.description-content-type",
        "Use text/plain",
    ),
    (
        with_field("Description-Content-Type", "text/markdown; charset=latin-1"),
        "metadata.description-content-type",
        "in UTF-8",
    ),
    (
        with_field("Description-Content-Type", "text/markdown; variant=Mine"),
        "metadata.description-content-type",
        "GFM or CommonMark",
    ),
    (
        core_metadata(fields=[("License", "MIT"), ("License-Expression", "MIT")]),
        "metadata.license",
        "can't be given together",
    ),
    (
        core_metadata(fields=[("Import-Name", "a"), ("Import-Namespace", "a; private")], metadata_version="2.5"),
        "metadata.import-name",
        "also given as an Import-Namespace",
    ),
    (
        core_metadata(fields=[("Summary", "a"), ("Summary", "b")]),
        "metadata.repeated",
        "Summary may be given only once",
    ),
    (
        core_metadata(fields=[("Description", "a")], description="b"),
        "metadata.repeated",
        "Description may be given",
    ),
    (with_field("Summary", "a\nno field at all"), "metadata.format", "'no field at all'"),
    (with_field("Author", "x").replace(b"x", b"\xff"), "metadata.encoding", "not UTF-8"),
]


@pytest.mark.parametrize(("raw", "rule", "part"), REFUSED, ids=lambda value: str(value)[-40:])
def test_a_bad_field_is_refused_on_upload_and_reported_on_import(raw: bytes, rule: str, part: str) -> None:
    decision = refusal(raw)
    assert (decision.rule, bool(decision.ways_out)) == (rule, True)
    assert part in decision.sentence
    assert decision.sentence.isprintable()
    metadata, rules = reported(raw)
    assert rule in rules
    assert metadata.normalized_name == "foo"


IDENTITY = [
    (b"Metadata-Version: 2.1\nVersion: 1\n", "metadata.name"),
    (b"Metadata-Version: 2.1\nName: foo\n", "metadata.version"),
    (b"", "metadata.name"),
    (core_metadata(name="-foo"), "name.format"),
    (core_metadata(version="one"), "version.format"),
    (core_metadata(version="1" * 5000), "metadata.version"),
    (b"Name: foo\n" * 30_000 + b"Version: 1\n", "metadata.size"),
    (b"".join(b"X-%d: y\n" % i for i in range(300)), "metadata.size"),
    (core_metadata(fields=[("License", "x" * 150_000)]), "metadata.size"),
    (core_metadata(description="x" * (5 * 1024 * 1024)), "metadata.size"),
]


@pytest.mark.parametrize(("raw", "rule"), IDENTITY, ids=[rule for _, rule in IDENTITY])
def test_without_a_name_and_a_version_of_bounded_size_nothing_is_taken(raw: bytes, rule: str) -> None:
    assert refusal(raw).rule == rule
    assert refusal(raw, IMPORTED).rule == rule


def test_local_versions_are_taken_where_the_operator_allows_them() -> None:
    raw = core_metadata(version="1.0+ubuntu.1")
    decision = refusal(raw)
    assert decision.rule == "metadata.version"
    assert "The use of local versions in '1.0+ubuntu.1' is not allowed." in decision.sentence
    assert check_metadata(raw, Rules(allow_local_versions=True)).version == "1.0+ubuntu.1"


def test_private_classifiers_are_refused_where_the_operator_says_so() -> None:
    raw = with_field("Classifier", "Private :: Do Not Upload")
    assert refusal(raw, Rules(allow_private_classifiers=False)).rule == "metadata.classifier"


def test_a_field_newer_than_the_metadata_version_is_reported_and_never_refused() -> None:
    findings = Findings()
    metadata = check_metadata(with_field("License-File", "LICENSE", "2.1"), UPLOADED, findings)
    assert [finding.rule for finding in findings.noted] == ["metadata.too-new-field"]
    assert metadata.license_files == ()


def test_a_multipart_description_stays_text() -> None:
    raw = core_metadata(fields=[("Content-Type", "multipart/mixed; boundary=b")], description="--b\n\n--b--\n")
    assert check_metadata(raw).description == "--b\n\n--b--\n"


STATIC = [
    ("2.1", (), False),
    ("2.2", (), True),
    ("2.2", ("Classifier", "License"), True),
    ("2.4", ("Requires-Dist",), False),
    ("2.4", ("requires-python",), False),
    ("2.6", ("Provides-Extra",), False),
]


@pytest.mark.parametrize(("version", "dynamic", "expected"), STATIC)
def test_metadata_of_an_sdist_is_static_from_2_2_on_unless_said_otherwise(
    version: str, dynamic: tuple[str, ...], expected: bool
) -> None:
    metadata = read(*[("Dynamic", name) for name in dynamic], metadata_version=version)
    assert resolver_fields_are_static(metadata) is expected


_HEADINGS = (
    "Name Version Requires-Dist Project-URL License-Expression Summary Dynamic Content-Type Keywords Author-email "
    "Description-Content-Type Import-Name"
)
_VALUES = ["foo", "1.0", "a; (b", "x, https://[", "text/x-rst; x*", "multipart/mixed; boundary=b"]
_LINES = st.lists(
    st.tuples(
        st.sampled_from(["", *_HEADINGS.split()]),
        st.one_of(st.text(max_size=40), st.sampled_from(_VALUES)),
    )
)


def _ends_in_a_value_or_a_refusal(raw: bytes) -> None:
    for rules in (UPLOADED, IMPORTED):
        try:
            metadata = check_metadata(raw, rules)
        except Refused as refused:
            assert refused.decision.sentence.isprintable()
        else:
            for text in (metadata.summary, metadata.description, metadata.license, *metadata.requires_dist):
                assert "\x00" not in (text or "")
                (text or "").encode()


@given(_LINES, st.binary(max_size=60))
def test_any_fields_end_in_a_value_or_a_refusal(lines: list[tuple[str, str]], body: bytes) -> None:
    header = "".join(f"{heading}: {value}\n" for heading, value in lines).encode("utf-8", "surrogatepass")
    _ends_in_a_value_or_a_refusal(b"Metadata-Version: 2.5\nName: foo\nVersion: 1\n" + header + b"\n" + body)


@given(st.binary(max_size=300))
def test_any_bytes_end_in_a_value_or_a_refusal(raw: bytes) -> None:
    _ends_in_a_value_or_a_refusal(raw)
