"""Sdists: what their tar archive may hold, and what is refused."""

from __future__ import annotations

import gzip
import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.distributions import (
    gzipped,
    sdist,
    sdist_filename,
    sdist_members,
    tarred,
    wheel,
    zipped,
)

from affineur.core.decision import Decision, Refused
from affineur.core.distributions.acceptance import IMPORTED, UPLOADED, Rules
from affineur.core.distributions.distribution import Distribution, inspect

PLAIN = tarred(sdist_members())


def inspected(data: bytes, rules: Rules = UPLOADED, filename: str | None = None) -> Distribution:
    return inspect(io.BytesIO(data), filename or sdist_filename(), rules)


def refusal(data: bytes, rules: Rules = UPLOADED) -> Decision:
    with pytest.raises(Refused) as caught:
        inspected(data, rules)
    assert caught.value.decision.sentence.isprintable()
    return caught.value.decision


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0, **pax: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, size
    info.pax_headers = {key.replace("__", "."): value for key, value in pax.items()}
    return info


def with_member(info: tarfile.TarInfo, data: bytes = b"") -> bytes:
    return gzipped(tarred([*sdist_members(), (info, data)]))


def huge_extended_header() -> bytes:
    return gzipped(member("foo-1.0/x", tarfile.XHDTYPE, size=2**40).tobuf(tarfile.GNU_FORMAT) + bytes(4096))


def negative_size() -> bytes:
    header = bytearray(member("foo-1.0/x").tobuf())
    header[124:136] = b"\xff" * 12
    header[148:156] = b"        "
    header[148:156] = b"%06o\0 " % sum(header)
    return gzipped(bytes(header) + PLAIN)


def pax(records: bytes) -> bytes:
    header = member("foo-1.0/x", tarfile.XHDTYPE, size=len(records)).tobuf()
    return gzipped(header + records.ljust(512, b"\0") + member("foo-1.0/y").tobuf() + PLAIN)


def both() -> bytes:
    """A ZIP archive whose comment is nothing, behind a sound sdist."""
    return sdist() + zipped({"a": b""})


LINK, HARD = tarfile.SYMTYPE, tarfile.LNKTYPE
REFUSED_ALWAYS = [
    (b"", "archive.tar.truncated", "cut off"),
    (b"no gzip at all", "archive.tar.gzip", "not a sound gzip file"),
    (sdist()[:-9], "archive.tar.truncated", "cut off"),
    (gzipped(PLAIN[:700]), "archive.tar.truncated", "ends within a member"),
    (gzipped(PLAIN[:100]), "archive.tar.truncated", "ends within a header"),
    (gzipped(b"x" * 512 + PLAIN), "archive.tar.header", "a header is malformed"),
    (PLAIN, "archive.tar.gzip", "not a sound gzip file"),
    (both(), "archive.polyglot", "both a ZIP and a tar archive"),
    (wheel(), "archive.polyglot", "both a ZIP and a tar archive"),
    (huge_extended_header(), "archive.tar.header", "an extended header claims 1099511627776 bytes"),
    (negative_size(), "archive.tar.header", "negative size"),
    (pax(b"99 path=a\n"), "archive.tar.header", "a pax header is malformed"),
    (pax(b"x path=a\n"), "archive.tar.header", "a pax header is malformed"),
    (pax(b"0 path=a\n"), "archive.tar.header", "a pax header is malformed"),
    (pax(b"10 size=x\n"), "archive.tar.header", "a pax size is no number"),
    (pax(b"10 path=\xff\n"), "archive.tar.header", "is not UTF-8"),
    (
        gzipped(member("x", b"L", size=4).tobuf() + b"name".ljust(1536, b"\0")),
        "archive.tar.header",
        "no member",
    ),
    (with_member(member("foo-1.0/sparse", GNU__sparse__major="1")), "archive.tar.sparse", "sparse members"),
    (with_member(member("foo-1.0/sparse", b"S")), "archive.tar.sparse", "sparse members"),
    (
        with_member(member("foo-1.0/device", tarfile.CHRTYPE)),
        "archive.tar.type",
        "neither a file nor a directory",
    ),
    (with_member(member("foo-1.0/pipe", tarfile.FIFOTYPE)), "archive.tar.type", "nor a link"),
    (with_member(member("foo-1.0/odd", b"Z")), "archive.tar.type", "nor a link"),
    (with_member(member("foo-1.0/../evil")), "archive.path", "plain relative path"),
    (with_member(member("/etc/evil")), "archive.path", "plain relative path"),
    (with_member(member("./foo-1.0/x")), "archive.path", "plain relative path"),
    (with_member(member("foo-1.0/" + "x/" * 600 + "x")), "archive.path", "plain relative path"),
    (with_member(member("foo-1.0/l", LINK, "../../etc")), "archive.link", "leads out of it, to '../../etc'"),
    (with_member(member("foo-1.0/l", LINK, "../foo-1.0/x")), "archive.link", "Pack the file itself"),
    (with_member(member("foo-1.0/l", LINK, "/etc/passwd")), "archive.link", "leads out of it"),
    (with_member(member("foo-1.0/l", LINK, "")), "archive.link", "leads out of it"),
    (with_member(member("foo-1.0/l", HARD, "other/x")), "archive.link", "leads out of it"),
    (with_member(member("foo-1.0/l", HARD, "foo-1.0/../../x")), "archive.link", "leads out of it"),
    (with_member(member("bar/x")), "sdist.top-directory", "exactly one top directory"),
    (with_member(member("README")), "sdist.top-directory", "this one has 'foo-1.0' and 'README'"),
    (with_member(member("foo-1.0/PKG-INFO")), "sdist.duplicate", "'foo-1.0/PKG-INFO' is in it twice"),
    (
        gzipped(tarred([("foo-1.0/setup.py", b"")])),
        "sdist.pkg-info",
        "PKG-INFO not found at 'foo-1.0/PKG-INFO'",
    ),
    (gzipped(tarred([("foo-1.0/foo.egg-info/PKG-INFO", b"")])), "sdist.pkg-info", "PKG-INFO not found"),
    (gzipped(tarred([(member("foo-1.0/PKG-INFO", LINK, "x"), b"")])), "sdist.pkg-info", "PKG-INFO not found"),
    (gzipped(bytes(1024)), "sdist.pkg-info", "PKG-INFO not found"),
]


@pytest.mark.parametrize(("data", "rule", "part"), REFUSED_ALWAYS, ids=[row[2] for row in REFUSED_ALWAYS])
def test_an_unsafe_or_damaged_sdist_is_refused(data: bytes, rule: str, part: str) -> None:
    for rules in (UPLOADED, IMPORTED):
        decision = refusal(data, rules)
        assert decision.rule == rule
        assert part in decision.sentence


REPORTED = [
    (gzipped(PLAIN.rstrip(b"\0").ljust(-(-len(PLAIN.rstrip(b"\0")) // 512) * 512, b"\0")), "archive.tar.end"),
    (gzipped(PLAIN + b"more"), "archive.tar.trailing"),
    (sdist() + b"more", "archive.tar.gzip-members"),
    (gzipped(PLAIN[:512]) + gzipped(PLAIN[512:]), "archive.tar.gzip-members"),
    (sdist(top="Foo-1.0"), "sdist.top-directory"),
]


@pytest.mark.parametrize(("data", "rule"), REPORTED, ids=[row[1] for row in REPORTED])
def test_an_odd_sdist_that_has_one_reading_is_reported_on_import(data: bytes, rule: str) -> None:
    decision = refusal(data)
    assert (decision.rule, bool(decision.ways_out)) == (rule, True)
    assert rule in [finding.rule for finding in inspected(data, IMPORTED).findings]


@pytest.mark.parametrize("format", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_long_names_links_and_directories_are_read_in_every_format(format: int) -> None:
    path = "foo-1.0/" + "/".join(["deep" * 10] * 4) + "/LICENSE"
    members = [
        (member("foo-1.0", tarfile.DIRTYPE), b""),
        *sdist_members(),
        (path, b"text"),
        (member("foo-1.0/a/link", LINK, "../foo.py"), b""),
        (member("foo-1.0/hard", HARD, "foo-1.0/foo.py"), b""),
    ]
    assert inspected(gzipped(tarred(members, format))).findings == ()


def test_an_old_zip_sdist_is_taken_on_import_only() -> None:
    data = zipped({str(name): contents for name, contents in sdist_members()})
    assert inspected(data, IMPORTED, "foo-1.0.zip").metadata.name == "foo"
    with pytest.raises(Refused) as caught:
        inspected(data, UPLOADED, "foo-1.0.zip")
    assert caught.value.decision.rule == "filename.format"


def test_other_files_that_are_there_twice_are_reported() -> None:
    findings = inspected(with_member(member("foo-1.0/foo.py"))).findings
    assert [finding.rule for finding in findings] == ["sdist.duplicate"]


def test_a_metadata_file_beyond_the_limit_is_refused() -> None:
    assert refusal(sdist(), Rules(maximum_metadata_bytes=10)).rule == "archive.size"


def test_gzip_members_without_end_are_refused() -> None:
    assert refusal(gzip.compress(b"") * 20_000, IMPORTED).rule == "archive.tar.gzip-members"


@given(
    st.lists(st.tuples(st.integers(0, len(PLAIN) - 1), st.integers(0, 255)), min_size=1, max_size=6),
    st.booleans(),
    st.booleans(),
)
def test_a_sound_sdist_with_some_bytes_changed_ends_in_a_value_or_a_refusal(
    changes: list[tuple[int, int]], mend: bool, lenient: bool
) -> None:
    data = bytearray(PLAIN)
    for offset, value in changes:
        data[offset] = value
    if mend:  # So that headers are read beyond their checksum.
        for start in {offset - offset % 512 for offset, _ in changes}:
            data[start + 148 : start + 156] = b"        "
            data[start + 148 : start + 156] = b"%06o\0 " % sum(data[start : start + 512])
    try:
        inspected(gzipped(bytes(data)), IMPORTED if lenient else UPLOADED)
    except Refused as refused:
        assert refused.decision.sentence.isprintable()


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_as_an_sdist_are_refused(data: bytes, pack: bool) -> None:
    refusal(gzipped(data) if pack else data, IMPORTED)
