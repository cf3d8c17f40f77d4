"""What lies in a file: sound wheels and sdists, and hostile ones, of which nothing may hurt whoever looks."""

from __future__ import annotations

import gzip
import hashlib
import io
import struct
import tarfile
import time
import zipfile
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.distributions import (
    gzipped,
    sdist,
    sdist_filename,
    sdist_members,
    tarred,
    wheel,
    wheel_filename,
    zipped,
)

from affineur.core.distributions.acceptance import MEBIBYTE
from affineur.core.distributions.archive_listing import Bounds, Contents, list_contents, plain_name, read_members
from affineur.core.moderation.comparison import Source, compare

WHEEL, SDIST = wheel_filename(), sdist_filename()
SHORT_TAR = tarred(sdist_members())


def listed(data: bytes, filename: str = WHEEL, **bounds: int) -> Contents:
    return list_contents(io.BytesIO(data), filename, Bounds(**bounds))


def kinds(contents: Contents) -> dict[str, tuple[str, str]]:
    return {entry.name: (entry.kind, entry.format) for entry in contents.entries}


def rule(contents: Contents) -> str:
    return contents.fault.rule if contents.fault else ""


def test_a_wheel_is_listed_with_digests_and_names_without_its_version() -> None:
    found = listed(wheel(files={"foo/__init__.py": b"answer = 42\n"}))
    assert [entry.name for entry in found.entries] == [
        "foo/__init__.py",
        "*.dist-info/METADATA",
        "*.dist-info/WHEEL",
        "*.dist-info/RECORD",
    ]
    first = found.entries[0]
    assert (first.size_bytes, first.sha256) == (12, hashlib.sha256(b"answer = 42\n").hexdigest())
    assert found.fault is None
    assert b"Name: foo" in found.texts["*.dist-info/METADATA"]


def test_an_sdist_is_listed_without_its_top_folder() -> None:
    found = listed(sdist(files={"foo.py": b"x = 1\n", "setup.py": b"import setuptools\n"}), SDIST)
    assert sorted(kinds(found)) == ["PKG-INFO", "foo.py", "pyproject.toml", "setup.py"]
    assert set(found.texts) == {"PKG-INFO", "pyproject.toml", "setup.py"}
    assert found.entries[0].path == "foo-1.0/PKG-INFO"
    assert found.fault is None


@pytest.mark.parametrize(
    ("path", "is_wheel", "name"),
    [
        ("foo-1.0.dist-info/METADATA", True, "*.dist-info/METADATA"),
        ("foo-1.0.data/scripts/foo", True, "*.data/scripts/foo"),
        ("foo/x.dist-info/y", True, "foo/x.dist-info/y"),
        ("foo-1.0/foo.dist-info/y", False, "foo.dist-info/y"),
        ("foo-1.0/a/b.py", False, "a/b.py"),
        ("lonely", False, "lonely"),
    ],
)
def test_what_changes_with_each_version_is_left_out_of_names(path: str, is_wheel: bool, name: str) -> None:
    assert plain_name(path, is_wheel) == name


@pytest.mark.parametrize(
    ("name", "data", "kind", "format"),
    [
        ("foo/a.py", b"# \0 hidden\nimport os\n", "text", ""),
        ("foo/a", b"\x7fELF\x02\x01\x01\0", "binary", "ELF"),
        ("foo/a.exe", b"MZ\x90\0\x03\0", "binary", "PE"),
        ("foo/about", b"MZ is how a PE begins\n", "text", ""),
        ("foo/a.dylib", b"\xcf\xfa\xed\xfe\0\0", "binary", "Mach-O"),
        ("foo/fat", b"\xca\xfe\xba\xbe\0\0\0\x02", "binary", "Mach-O"),
        ("foo/A.class", b"\xca\xfe\xba\xbe\0\0\0\x3d", "binary", "Java"),
        ("foo/a.pyc", b"\xcb\r\r\n\0\0", "binary", "bytecode"),
        ("foo/a.zip", b"PK\x03\x04\0", "binary", "ZIP"),
        ("foo/run", b"#!/bin/sh\n", "text", "script"),
        ("foo/latin", b"caf\xe9\n", "text", ""),
    ],
)
def test_members_are_told_apart_by_what_they_are_not_by_what_they_claim(
    name: str, data: bytes, kind: str, format: str
) -> None:
    assert kinds(listed(wheel(files={name: data})))[name] == (kind, format)


@pytest.mark.parametrize(
    ("text", "traits"),
    [
        (b"x = 1\n", ()),
        (b"x = 1" + b" " * 99 + b"; y\n", ()),
        (b"x = 1" + b" " * 100 + b"; y\n", ("aside",)),
        (b"x" * 1999 + b"\n", ()),
        (b"x" * 2000 + b"\n", ("long",)),
        ("a = '\u202e'\n".encode(), ("turned",)),
        ("a = '\u200d'\n".encode(), ()),
        (b"# " + b"a" * 3 * MEBIBYTE, ("huge",)),
    ],
)
def test_what_a_reader_of_a_program_could_miss_is_noted(text: bytes, traits: tuple[str, ...]) -> None:
    entry = listed(wheel(files={"foo.py": text})).entries[0]
    assert entry.traits == traits
    assert listed(wheel(files={"foo.json": text})).entries[0].traits == ()


@pytest.mark.parametrize("unit", [b" ", b" \n", b"x", b"x\n", b" x", b"\t"])
def test_looking_through_a_hostile_text_takes_time_in_proportion_to_its_length(unit: bytes) -> None:
    text = unit * (2 * MEBIBYTE // len(unit))
    begun = time.process_time()
    listed(wheel(files={"foo.py": text}))
    assert time.process_time() - begun < 10


def bomb_in_zip() -> bytes:
    return zipped({"foo/zeros": bytes(80 * MEBIBYTE), "foo/x.py": b"x\n"})


def bomb_in_tar() -> bytes:
    return gzipped(tarred([("foo-1.0/a", b"x"), ("foo-1.0/zeros", bytes(80 * MEBIBYTE))]))


def many_in_zip() -> bytes:
    return zipped(((f"foo/{number}", b"") for number in range(100_000)), 0)


def many_in_tar() -> bytes:
    return gzipped(tarred([("foo-1.0/again", b"")])[:512] * 100_000)


def path_in_zip(name: str) -> Callable[[], bytes]:
    return lambda: zipped([("foo/a.py", b"x\n"), (name, b"x\n")])


def path_in_tar(name: str) -> Callable[[], bytes]:
    return lambda: gzipped(tarred([*sdist_members(), (name, b"x\n")]))


def link_in_tar(target: str) -> Callable[[], bytes]:
    def made() -> bytes:
        member = tarfile.TarInfo("foo-1.0/link")
        member.type, member.linkname = tarfile.SYMTYPE, target
        return gzipped(tarred([*sdist_members(), (member, b"")]))

    return made


@pytest.mark.parametrize(
    ("make", "filename", "refusal", "seen"),
    [
        (bomb_in_zip, WHEEL, "archive.bomb", 0),
        (bomb_in_tar, SDIST, "archive.bomb", 2),
        (many_in_zip, WHEEL, "archive.members", 0),
        (many_in_tar, SDIST, "archive.members", 65_535),
        (path_in_zip("../../etc/passwd"), WHEEL, "archive.path", 0),
        (path_in_zip("C:/windows"), WHEEL, "archive.path", 0),
        (path_in_tar("/etc/passwd"), SDIST, "archive.path", 3),
        (path_in_tar("foo-1.0/../../x"), SDIST, "archive.path", 3),
        (link_in_tar("../../etc/passwd"), SDIST, "archive.link", 3),
        (lambda: b"", WHEEL, "archive.zip.directory", 0),
        (lambda: b"nonsense" * 100, SDIST, "archive.tar.gzip", 0),
        (lambda: wheel()[:-30], WHEEL, "archive.zip.directory", 0),
        (lambda: gzip.decompress(sdist()), SDIST, "archive.tar.gzip", 0),
    ],
)  # fmt: skip
def test_a_hostile_archive_is_listed_as_far_as_it_goes_and_says_what_is_wrong(
    make: Callable[[], bytes], filename: str, refusal: str, seen: int
) -> None:
    found = listed(make(), filename)
    assert rule(found) == refusal
    assert len(found.entries) == seen
    assert found.fault is not None
    assert found.fault.sentence.isprintable()


def test_an_sdist_that_is_cut_off_is_listed_up_to_there() -> None:
    rows = hashlib.sha256(b"seed").digest()
    noise = b"".join(hashlib.sha256(rows + bytes([at % 256, at // 256])).digest() for at in range(9000))
    whole = sdist(files={"a.py": b"x\n", "b.bin": noise})
    found = listed(whole[: len(whole) // 2], SDIST)
    assert rule(found) == "archive.tar.truncated"
    assert kinds(found)["a.py"] == ("text", "")
    assert kinds(found)["b.bin"] == ("unread", "")


def test_one_damaged_member_of_a_wheel_hides_no_other() -> None:
    data = bytearray(zipped({"foo/a.py": b"first\n", "foo/b.py": b"second\n"}, 0))
    at = data.index(b"first\n")
    data[at] = ord("F")
    found = listed(bytes(data))
    assert rule(found) == "archive.zip.contents"
    assert {name: kind for name, (kind, _) in kinds(found).items()} == {"foo/a.py": "unread", "foo/b.py": "text"}


def test_a_name_that_is_no_utf8_is_listed_in_what_can_be_shown() -> None:
    data = bytearray(zipped({"foo/a.py": b"x\n", "foo/b.py": b"y\n"}, 0))
    for _ in range(2):
        at = data.index(b"foo/b.py")
        data[at + 4] = 0xFF
    found = listed(bytes(data))
    assert [entry.name for entry in found.entries] == ["foo/a.py", "foo/\ufffd.py"]


def test_what_is_too_much_to_read_is_listed_unread() -> None:
    found = listed(wheel(files={"foo/large.bin": bytes(3000), "foo/b.py": b"x\n"}), read_bytes=1500)
    assert kinds(found)["foo/large.bin"] == ("unread", "")
    assert kinds(found)["foo/b.py"] == ("text", "")
    assert rule(found) == "examine.size"
    found = listed(sdist(files={"a.py": b"x\n", "large.bin": bytes(3000), "z.py": b"y\n"}), SDIST, read_bytes=1500)
    assert rule(found) == "examine.size"
    assert "a.py" in kinds(found)
    assert "z.py" not in kinds(found)


def test_once_the_time_is_over_nothing_more_is_read() -> None:
    answers = iter([False] * 4 + [True] * 100)
    found = list_contents(io.BytesIO(wheel(files={f"foo/{n}.py": b"x\n" for n in range(9)})), WHEEL,
                          is_over=lambda: next(answers))  # fmt: skip
    assert rule(found) == "examine.time"
    assert 0 < len(found.entries) < 9


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_whatever_the_bytes_are_a_listing_is_the_answer(data: st.DataObject) -> None:
    filename, sound = data.draw(st.sampled_from(((WHEEL, wheel()), (SDIST, sdist()), (SDIST, SHORT_TAR))))
    broken = bytearray(sound)
    for at, value in data.draw(st.lists(st.tuples(st.integers(0, len(sound) - 1), st.integers(0, 255)), max_size=6)):
        broken[at] = value
    packed = gzipped(bytes(broken)) if sound is SHORT_TAR else bytes(broken[: data.draw(st.integers(0, len(sound)))])
    found = listed(packed, filename)
    read_members(io.BytesIO(packed), filename, [entry.path for entry in found.entries], 100)
    now = Source(io.BytesIO(packed), filename)
    assert compare(Source(io.BytesIO(sound), filename), now).new == found


def test_members_are_read_on_demand_and_cut_at_a_length() -> None:
    data = wheel(files={"foo/a.py": b"0123456789", "foo/b.py": b"x\n"})
    found = read_members(io.BytesIO(data), WHEEL, ("foo/a.py", "foo/none.py"), 4)
    assert found == {"foo/a.py": b"0123"}
    data = sdist(files={"a.py": b"0123456789", "b.py": b"x\n"})
    found = read_members(io.BytesIO(data), SDIST, ("foo-1.0/a.py", "foo-1.0/b.py"), 4)
    assert found == {"foo-1.0/a.py": b"0123", "foo-1.0/b.py": b"x\n"}


def test_of_a_member_that_is_there_twice_the_last_one_is_read() -> None:
    data = gzipped(tarred([*sdist_members(), ("foo-1.0/a.py", b"first"), ("foo-1.0/a.py", b"last")]))
    assert read_members(io.BytesIO(data), SDIST, ("foo-1.0/a.py",), 99) == {"foo-1.0/a.py": b"last"}


def test_a_member_that_lies_about_its_length_stops_at_it() -> None:
    data = bytearray(wheel(files={"foo/a.bin": bytes(100_000)}))
    for signature, field in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<L", data, data.index(signature) + field, 10)
    found = listed(bytes(data))
    assert kinds(found)["foo/a.bin"] == ("unread", "")
    assert rule(found) == "archive.zip.contents"


def test_an_old_sdist_in_zip_is_read_as_well() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("foo-1.0/PKG-INFO", "Name: foo\n")
        archive.writestr("foo-1.0/setup.py", "import setuptools\n")
    found = listed(out.getvalue(), "foo-1.0.zip")
    assert set(found.texts) == {"PKG-INFO", "setup.py"}
