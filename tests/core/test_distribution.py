"""Wheels and sdists as a whole: sound ones are taken, each kind of fault is refused with its own sentence."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable

import pytest
from tests.core.distributions import (
    core_metadata,
    record_line,
    sdist,
    sdist_filename,
    wheel,
    wheel_filename,
    wheel_members,
    zipped,
)

from affineur.core.decision import Decision, Refused
from affineur.core.distributions.acceptance import IMPORTED, UPLOADED, Rules
from affineur.core.distributions.distribution import Distribution, inspect

INFO = "foo-1.0.dist-info"


def inspected(data: bytes, filename: str | None = None, rules: Rules = UPLOADED) -> Distribution:
    return inspect(io.BytesIO(data), filename or wheel_filename(), rules)


def refusal(data: bytes, filename: str | None = None, rules: Rules = UPLOADED) -> Decision:
    with pytest.raises(Refused) as caught:
        inspected(data, filename, rules)
    decision = caught.value.decision
    assert decision.sentence.isprintable()
    return decision


def reported(data: bytes, filename: str | None = None) -> list[str]:
    return [finding.rule for finding in inspected(data, filename, IMPORTED).findings]


def test_a_sound_wheel_is_taken_with_its_metadata_byte_for_byte() -> None:
    metadata = core_metadata(description="Grüße\r\n")
    distribution = inspected(wheel(metadata=metadata))
    assert distribution.metadata_bytes == metadata
    assert distribution.serves_metadata
    assert distribution.findings == ()
    assert not distribution.has_signature
    assert distribution.filename.version == distribution.metadata.version == "1.0"


def test_a_wheel_with_stored_members_directories_and_entry_points_is_taken() -> None:
    extra = {f"{INFO}/": b"", f"{INFO}/entry_points.txt": b"[console_scripts]\nfoo = foo:main\n"}
    assert inspected(zipped(wheel_members(extra=extra), compression=0)).findings == ()


def test_an_old_signature_beside_record_needs_no_digest() -> None:
    members = wheel_members()
    members[f"{INFO}/RECORD.jws"] = b"{}"
    assert inspected(zipped(members)).has_signature


def test_a_sound_sdist_is_taken_and_serves_static_metadata() -> None:
    distribution = inspected(sdist(), sdist_filename())
    assert distribution.metadata_bytes == core_metadata()
    assert distribution.serves_metadata
    assert distribution.findings == ()


def test_an_sdist_whose_requirements_are_dynamic_serves_no_metadata() -> None:
    data = sdist(metadata=core_metadata(fields=[("Dynamic", "Requires-Dist")]))
    assert not inspected(data, sdist_filename()).serves_metadata


# -- name, version, kind


AGREEMENT = [
    (
        wheel(metadata=core_metadata("bar")),
        wheel_filename(),
        "distribution.name",
        "'bar' (from METADATA), not 'foo'",
    ),
    (
        wheel(metadata=core_metadata(version="2.0")),
        wheel_filename(),
        "distribution.version",
        "Version in filename should be '2.0' (from METADATA) not '1.0'.",
    ),
    (wheel(metadata=core_metadata(version="1.0.0")), wheel_filename(), "distribution.version", "'1.0.0'"),
    (sdist(metadata=core_metadata("bar")), sdist_filename(), "distribution.name", "(from PKG-INFO)"),
    (sdist(metadata=core_metadata(version="2")), sdist_filename(), "distribution.version", "(from PKG-INFO)"),
    (wheel(), sdist_filename(), "archive.polyglot", "both a ZIP and a tar archive"),
    (sdist(), wheel_filename(), "archive.zip.directory", "no end of central directory"),
    (
        wheel(),
        wheel_filename(tags="cp311-cp311-linux_x86_64"),
        "filename.platform",
        "unsupported platform tag",
    ),
]


@pytest.mark.parametrize(("data", "filename", "rule", "part"), AGREEMENT, ids=[row[2] for row in AGREEMENT])
def test_file_name_and_archive_must_agree(data: bytes, filename: str, rule: str, part: str) -> None:
    decision = refusal(data, filename)
    assert decision.rule == rule
    assert part in decision.sentence


def test_two_spellings_of_one_version_are_only_reported_on_import() -> None:
    assert reported(wheel(metadata=core_metadata(version="1.0.0"))) == ["distribution.version"]


# -- what a wheel must have


def without(path: str) -> bytes:
    members = wheel_members()
    del members[path]
    return zipped(members)


CONTENTS = [
    (without(f"{INFO}/WHEEL"), "wheel.wheel-file", "WHEEL not found at 'foo-1.0.dist-info/WHEEL'"),
    (without(f"{INFO}/METADATA"), "wheel.metadata", "METADATA not found at 'foo-1.0.dist-info/METADATA'"),
    (zipped({"foo.py": b""}), "wheel.dist-info", "it has none"),
    (wheel(dist_info="bar-1.0.dist-info"), "wheel.dist-info", "it has 'bar-1.0.dist-info'"),
    (wheel(dist_info="foo-2.0.dist-info"), "wheel.dist-info", "Don't rename wheels"),
    (wheel(extra={"bar-1.0.dist-info/METADATA": b""}), "wheel.dist-info", "exactly one .dist-info directory"),
    (wheel(wheel_file=b"Wheel-Version: 2.0\n"), "wheel.wheel-file", "Wheel-Version '2.0'"),
    (wheel(wheel_file=b"Generator: x\n"), "wheel.wheel-file", "there is only 1.x"),
    (wheel(wheel_file=b"x" * 70_000), "archive.size", "at most 65536 are read"),
    (wheel(extra={f"{INFO}/entry_points.txt": b"\xff"}), "wheel.entry-points", "not UTF-8"),
    (wheel(extra={f"{INFO}/entry_points.txt": b"a = b:c\n"}), "wheel.entry-points", "INI file"),
    (
        wheel(extra={f"{INFO}/entry_points.txt": b"[console_scripts]\n../evil = a:b\n"}),
        "wheel.entry-points",
        "The entry point '../evil' in 'console_scripts' has a bad name.",
    ),
    (
        wheel(metadata=core_metadata(fields=[("License-File", "LICENSE")])),
        "metadata.license-file",
        "License-File 'LICENSE' does not exist in the distribution",
    ),
]


@pytest.mark.parametrize(("data", "rule", "part"), CONTENTS, ids=[row[2] for row in CONTENTS])
def test_a_wheel_that_lacks_what_it_needs_is_refused(data: bytes, rule: str, part: str) -> None:
    decision = refusal(data)
    assert decision.rule == rule
    assert part in decision.sentence


def test_a_license_file_in_its_place_is_found() -> None:
    metadata = core_metadata(fields=[("License-File", "a/LICENSE")])
    assert inspected(wheel(metadata=metadata, extra={f"{INFO}/licenses/a/LICENSE": b"MIT"})).findings == ()
    assert inspected(sdist(metadata=metadata, files={"a/LICENSE": b"MIT"}), sdist_filename()).findings == ()
    assert refusal(sdist(metadata=metadata), sdist_filename()).rule == "metadata.license-file"


def test_odd_names_of_plug_ins_are_reported_and_tags_that_differ_too() -> None:
    data = wheel(
        wheel_file=b"Wheel-Version: 1.0\nTag: py2-none-any\n",
        extra={f"{INFO}/entry_points.txt": b"[plug.ins]\na plug: in = a:b\n"},
    )
    assert [finding.rule for finding in inspected(data).findings] == ["wheel.tags", "wheel.entry-points"]


def test_an_old_spelling_of_the_dist_info_directory_is_reported_on_import() -> None:
    assert reported(wheel(dist_info="Foo-1.0.dist-info")) == ["wheel.dist-info"]


# -- RECORD


def recorded(change: Callable[[list[str]], list[str]]) -> bytes:
    lines = wheel_members()[f"{INFO}/RECORD"].decode().splitlines(keepends=True)
    return wheel(record="".join(change(lines)).encode())


CODE = "foo/__init__.py"
RECORDS = [
    (without(f"{INFO}/RECORD"), "RECORD not found at 'foo-1.0.dist-info/RECORD'"),
    (recorded(lambda lines: lines[1:]), "'foo/__init__.py' is in the wheel, but not listed in RECORD"),
    (recorded(lambda lines: [record_line(CODE, b"other"), *lines[1:]]), "sha256 digest of 'foo/__init__.py'"),
    (recorded(lambda lines: [lines[0].replace(",12", ",13"), *lines[1:]]), "has 12 bytes, RECORD says 13"),
    (
        recorded(lambda lines: [record_line(CODE, b"answer = 42\n", "md5"), *lines[1:]]),
        "sha256 or better, but 'md5'",
    ),
    (recorded(lambda lines: [f"{CODE},,\n", *lines[1:]]), "no digest of 'foo/__init__.py'"),
    (
        recorded(lambda lines: [record_line("gone.py", b""), *lines]),
        "RECORD lists 'gone.py', which is not in",
    ),
    (recorded(lambda lines: [record_line(CODE, b"other"), *lines]), "lists 'foo/__init__.py' twice"),
    (wheel(record=b"\xff\xfe"), "not a CSV file in UTF-8"),
    (wheel(record=b"," * 10_000), "not a CSV file in UTF-8"),
    (wheel(record=b'"' + b"x" * 200_000), "not a CSV file in UTF-8"),
]


@pytest.mark.parametrize(("data", "part"), RECORDS, ids=[part for _, part in RECORDS])
def test_a_record_that_is_untrue_is_refused_on_upload_and_reported_on_import(data: bytes, part: str) -> None:
    decision = refusal(data)
    assert decision.rule == "wheel.record"
    assert part in decision.sentence
    assert "wheel.record" in reported(data)


@pytest.mark.parametrize("algorithm", ["sha384", "sha512", "sha3_256", "blake2b"])
def test_digests_better_than_sha256_are_verified(algorithm: str) -> None:
    def change(lines: list[str]) -> list[str]:
        return [record_line(CODE, b"answer = 42\n", algorithm), *lines[1:]]

    assert inspected(recorded(change)).findings == ()


def test_findings_are_bounded_however_much_is_wrong() -> None:
    files = {f"foo/{number}.py": b"" for number in range(500)}
    assert len(reported(wheel(files=files, record=b""))) == 100


# -- bombs and sizes


def test_a_decompression_bomb_is_refused_before_it_is_unpacked() -> None:
    data = wheel(files={"foo/zeros": bytes(70 * 1024 * 1024)})
    decision = refusal(data)
    assert decision.rule == "archive.bomb"
    assert "decompression bomb" in decision.sentence
    assert refusal(data, rules=IMPORTED).rule == "archive.bomb"


def test_an_sdist_that_is_a_bomb_is_refused_while_it_is_unpacked() -> None:
    data = sdist(files={"zeros": bytes(70 * 1024 * 1024)})
    assert refusal(data, sdist_filename()).rule == "archive.bomb"


def test_much_repetition_is_no_bomb_as_long_as_it_is_small() -> None:
    assert inspected(wheel(files={"foo/zeros": bytes(30 * 1024 * 1024)})).findings == ()


def test_too_many_members_are_refused() -> None:
    rules = Rules(maximum_members=3)
    assert refusal(wheel(), rules=rules).rule == "archive.members"
    assert refusal(sdist(), sdist_filename(), rules=Rules(maximum_members=2)).rule == "archive.members"


def test_a_member_that_unpacks_to_more_than_announced_is_refused_as_soon_as_it_does() -> None:
    data = bytearray(wheel(files={"foo/zeros": bytes(1024 * 1024)}))
    local = data.index(b"PK\x03\x04")
    central = data.index(b"PK\x01\x02")
    struct.pack_into("<L", data, local + 22, 1000)
    struct.pack_into("<L", data, central + 24, 1000)
    decision = refusal(bytes(data))
    assert decision.rule == "archive.zip.contents"
    assert "longer than the directory says" in decision.sentence


def test_memory_stays_small_for_a_large_wheel() -> None:
    import tracemalloc

    noise = b"".join(zlib.compress(struct.pack("<Q", number) * 9, 0) for number in range(400_000))
    data = io.BytesIO(wheel(files={"foo/noise": noise}))
    del noise
    tracemalloc.start()
    try:
        inspect(data, wheel_filename())
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak_bytes < 6 * 1024 * 1024
