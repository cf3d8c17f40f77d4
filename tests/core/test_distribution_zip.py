"""The framing of ZIP archives: every way in which two readers could see two archives is refused."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.distributions import wheel, wheel_filename, wheel_members, zipped

from affineur.core.decision import Decision, Refused
from affineur.core.distributions.acceptance import IMPORTED, UPLOADED, Rules
from affineur.core.distributions.distribution import inspect

SOUND = wheel()
LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"


def refusal(data: bytes, rules: Rules = UPLOADED) -> Decision:
    with pytest.raises(Refused) as caught:
        inspect(io.BytesIO(data), wheel_filename(), rules)
    assert caught.value.decision.sentence.isprintable()
    return caught.value.decision


def patched(offset: int, layout: str, value: int, data: bytes = SOUND) -> bytes:
    changed = bytearray(data)
    struct.pack_into(layout, changed, offset, value)
    return bytes(changed)


def in_local(field: int, layout: str, value: int) -> bytes:
    return patched(SOUND.index(LOCAL) + field, layout, value)


def in_central(field: int, layout: str, value: int) -> bytes:
    return patched(SOUND.index(CENTRAL) + field, layout, value)


def in_both(local: int, central: int, layout: str, value: int) -> bytes:
    return patched(SOUND.index(CENTRAL) + central, layout, value, in_local(local, layout, value))


def in_end(field: int, layout: str, value: int) -> bytes:
    return patched(SOUND.index(END) + field, layout, value)


def with_entry(change: Callable[[zipfile.ZipInfo], None], path: str = "foo/new.py", data: bytes = b"") -> bytes:
    """A wheel with one more member (listed in RECORD), whose entry ``change`` has changed."""
    members = wheel_members(extra={path: data})
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, contents in members.items():
            entry = zipfile.ZipInfo(name)
            if name == path:
                change(entry)
            archive.writestr(entry, contents)
    return out.getvalue()


def streamed() -> bytes:
    """A wheel written to a pipe: each member has a data descriptor."""

    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.data = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, data: bytes) -> int:  # type: ignore[override]
            self.data += data
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w") as archive:  # type: ignore[arg-type]
        for name, contents in wheel_members().items():
            archive.writestr(zipfile.ZipInfo(name), contents)
    return bytes(pipe.data)


def with_archive_comment() -> bytes:
    out = io.BytesIO(SOUND)
    with zipfile.ZipFile(out, "a") as archive:
        archive.comment = b"hello"
    return out.getvalue()


def with_bytes_before_the_directory() -> bytes:
    at = SOUND.index(CENTRAL)
    moved = SOUND[:at] + b"hidden" + SOUND[at:]
    return patched(moved.index(END) + 16, "<L", at + 6, moved)


def extra(kind: int, value: bytes) -> bytes:
    return struct.pack("<HH", kind, len(value)) + value


def set_extra(value: bytes) -> Callable[[zipfile.ZipInfo], None]:
    def change(entry: zipfile.ZipInfo) -> None:
        entry.extra = value

    return change


def set_comment(entry: zipfile.ZipInfo) -> None:
    entry.comment = b"a comment"


def unpack_above() -> bytes:
    return zipped([*wheel_members().items(), ("../evil.py", b"")])


NAME = b"foo/new.py"
REFUSED_ALWAYS = [
    (b"", "archive.zip.directory", "no end of central directory"),
    (b"\x00" * 30, "archive.zip.directory", "no end of central directory"),
    (SOUND[:-1], "archive.zip.directory", "cut off"),
    (SOUND + b"\x00", "archive.zip.surrounded", "bytes follow the archive"),
    (in_end(8, "<H", 9), "archive.zip.disks", "split archive"),
    (in_end(4, "<H", 1), "archive.zip.disks", "split archive"),
    (
        patched(SOUND.index(END) + 10, "<H", 2, in_end(8, "<H", 2)),
        "archive.zip.directory",
        "more bytes than entries",
    ),
    (patched(SOUND.index(END) + 10, "<H", 9, in_end(8, "<H", 9)), "archive.zip.directory", "another number"),
    (in_end(16, "<L", 0xFFFFFFF0), "archive.zip.directory", "does not lie where"),
    (in_end(16, "<L", 0xFFFFFFFF), "archive.zip.zip64", "announces a ZIP64 end record"),
    (in_both(8, 10, "<H", 12), "archive.zip.method", "compressed by method 12"),
    (in_both(6, 8, "<H", 1), "archive.zip.encrypted", "a member is encrypted"),
    (in_local(8, "<H", 0), "archive.zip.local-header", "contradicts"),
    (in_local(30, "<B", ord("g")), "archive.zip.local-header", "contradicts"),
    (in_local(14, "<L", 1), "archive.zip.local-header", "other sizes"),
    (in_local(22, "<L", 1), "archive.zip.local-header", "other sizes"),
    (in_local(0, "<L", 0), "archive.zip.local-header", "has no local header"),
    (in_both(14, 16, "<L", 7), "archive.zip.contents", "its checksum is wrong"),
    (in_both(22, 24, "<L", 13), "archive.zip.contents", "shorter than the directory says"),
    (in_both(22, 24, "<L", 11), "archive.zip.contents", "longer than the directory says"),
    (zipped([*wheel_members().items(), ("foo/__init__.py", b"")]), "archive.zip.duplicate", "is in it twice"),
    (zipped([*wheel_members().items(), ("foo/a\x1b.py", b"")]), "archive.zip.name", "unprintable"),
    (zipped([*wheel_members().items(), ("foo/a\x7f.py", b"")]), "archive.zip.name", "unprintable"),
    (unpack_above(), "archive.path", "The member name '../evil.py' is not a plain relative path."),
    (zipped([*wheel_members().items(), ("/evil.py", b"")]), "archive.path", "plain relative path"),
    (zipped([*wheel_members().items(), ("C:/evil.py", b"")]), "archive.path", "drive letters"),
    (zipped([*wheel_members().items(), ("a\\evil.py", b"")]), "archive.path", "backslashes"),
    (zipped([*wheel_members().items(), ("a//evil.py", b"")]), "archive.path", "empty parts"),
    (zipped([*wheel_members().items(), ("foo/dir/", b"x")]), "archive.zip.directory-entry", "has contents"),
    (with_entry(set_extra(extra(1, b"") * 2)), "archive.zip.extra", "two extra fields of one kind"),
    (
        with_entry(set_extra(extra(0x7075, b"\x01\0\0\0\0" + NAME) * 2)),
        "archive.zip.extra",
        "two extra fields",
    ),
    (
        with_entry(set_extra(extra(0x7075, b"\x01\0\0\0\0evil.py"))),
        "archive.zip.extra",
        "second, different name",
    ),
]


@pytest.mark.parametrize(("data", "rule", "part"), REFUSED_ALWAYS, ids=[row[2] for row in REFUSED_ALWAYS])
def test_an_archive_with_two_readings_is_refused(data: bytes, rule: str, part: str) -> None:
    for rules in (UPLOADED, IMPORTED):
        decision = refusal(data, rules)
        assert decision.rule == rule
        assert part in decision.sentence
    assert decision.ways_out


UNMARKED = SOUND.replace(b"foo/__init__.py", b"foo/__in\xc3\xa4__.py")
REPORTED = [
    (with_archive_comment(), "archive.zip.comment", "it has a comment"),
    (with_entry(set_comment), "archive.zip.comment", "a member has a comment"),
    (streamed(), "archive.zip.descriptor", "has a data descriptor"),
    (b"#!/bin/sh\n" + SOUND, "archive.zip.surrounded", "bytes lie before"),
    (with_bytes_before_the_directory(), "archive.zip.surrounded", "bytes lie between its last member"),
    (with_entry(set_extra(b"\x99\x99\x99")), "archive.zip.extra", "is cut off"),
    (with_entry(set_extra(b"\x99\x99\xff\xff")), "archive.zip.extra", "is cut off"),
    (UNMARKED, "archive.zip.name", "not marked as, or not, UTF-8"),
    (in_both(6, 8, "<H", 0x20), "archive.zip.flags", "flags that are not defined"),
]


@pytest.mark.parametrize(("data", "rule", "part"), REPORTED, ids=[row[2] for row in REPORTED])
def test_odd_framing_that_leaves_one_reading_is_reported_on_import(data: bytes, rule: str, part: str) -> None:
    decision = refusal(data)
    assert decision.rule == rule
    assert decision.sentence.startswith("ZIP archive not accepted: ")
    assert part in decision.sentence
    findings = inspect(io.BytesIO(data), wheel_filename(), IMPORTED).findings
    assert rule in [finding.rule for finding in findings]


def zip64(end_size: int = 44, count: int | None = None, gap: bytes = b"") -> bytes:
    """The sound wheel with ZIP64 end records."""
    at = SOUND.index(END)
    _, _, _, _, total, size_bytes, start, _ = struct.unpack("<4s4H2LH", SOUND[at:])
    wide = count if count is not None else total
    record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", end_size, 45, 45, 0, 0, wide, wide, size_bytes, start)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, at, 1)
    return SOUND[:at] + record + gap + locator + SOUND[at:]


def test_sound_zip64_end_records_are_read() -> None:
    assert inspect(io.BytesIO(zip64()), wheel_filename()).findings == ()


@pytest.mark.parametrize(
    ("data", "part"),
    [
        (zip64(end_size=45), "has not the size 44"),
        (zip64(count=9), "contradict each other"),
        (zip64(gap=b"x"), "right before its locator"),
    ],
    ids=["size", "count", "gap"],
)
def test_zip64_end_records_that_could_be_read_otherwise_are_refused(data: bytes, part: str) -> None:
    decision = refusal(data)
    assert decision.rule == "archive.zip.zip64"
    assert part in decision.sentence


def test_members_in_zip64_form_are_read() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, contents in wheel_members().items():
            with archive.open(zipfile.ZipInfo(name), "w", force_zip64=True) as member:
                member.write(contents)
    assert inspect(io.BytesIO(out.getvalue()), wheel_filename()).findings == ()


def test_names_beyond_ascii_are_taken_where_they_are_marked_as_utf_8() -> None:
    assert inspect(io.BytesIO(wheel(files={"foo/grüße.py": b""})), wheel_filename()).findings == ()


def test_members_that_overlap_are_refused() -> None:
    first, second = SOUND.index(CENTRAL), SOUND.index(CENTRAL, SOUND.index(CENTRAL) + 1)
    size_bytes = struct.unpack_from("<L", SOUND, first + 20)[0]
    grown = patched(first + 20, "<L", size_bytes + 9, patched(18, "<L", size_bytes + 9))
    assert second
    assert refusal(grown).rule == "archive.zip.overlap"


def test_bytes_behind_the_compressed_data_of_a_member_are_refused() -> None:
    # The first member grows by two bytes, and everything behind it moves.
    at = SOUND.index(LOCAL, 4)
    moved = bytearray(SOUND[:at] + b"XX" + SOUND[at:])
    size_bytes = struct.unpack_from("<L", SOUND, 18)[0] + 2
    struct.pack_into("<L", moved, 18, size_bytes)
    entry = moved.index(CENTRAL)
    struct.pack_into("<L", moved, entry + 20, size_bytes)
    while (entry := moved.find(CENTRAL, entry + 1)) > 0:
        struct.pack_into("<L", moved, entry + 42, struct.unpack_from("<L", moved, entry + 42)[0] + 2)
    end = moved.index(END)
    struct.pack_into("<L", moved, end + 16, struct.unpack_from("<L", moved, end + 16)[0] + 2)
    decision = refusal(bytes(moved))
    assert decision.rule == "archive.zip.contents"
    assert "bytes follow its compressed data" in decision.sentence


_CHANGES = st.lists(st.tuples(st.integers(0, len(SOUND) - 1), st.integers(0, 255)), min_size=1, max_size=6)


@given(_CHANGES, st.integers(0, 40), st.booleans())
def test_a_sound_wheel_with_some_bytes_changed_ends_in_a_value_or_a_refusal(
    changes: list[tuple[int, int]], cut: int, lenient: bool
) -> None:
    data = bytearray(SOUND)
    for offset, value in changes:
        data[offset] = value
    try:
        inspect(io.BytesIO(bytes(data[: len(data) - cut])), wheel_filename(), IMPORTED if lenient else UPLOADED)
    except Refused as refused:
        assert refused.decision.sentence.isprintable()


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_as_a_wheel_are_refused(data: bytes, lenient: bool) -> None:
    refusal(data + END + bytes(18), IMPORTED if lenient else UPLOADED)
