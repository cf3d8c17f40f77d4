"""What file names say, which of them are refused, and what the refusal tells their author."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from affineur.core.decision import Decision, Refused
from affineur.core.distributions.filenames import (
    SdistName,
    WheelName,
    parse_filename,
    parse_filename_leniently,
    unsupported_platform_tag,
)
from affineur.core.distributions.platforms import is_portable
from affineur.core.names import NormalizedName


def refusal(filename: str) -> Decision:
    with pytest.raises(Refused) as caught:
        parse_filename(filename)
    return caught.value.decision


def test_a_wheel_name_says_project_version_build_and_tags() -> None:
    name = parse_filename("foo_bar-1.0rc1-2b-py2.py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl")
    assert isinstance(name, WheelName)
    assert (name.name, name.version, name.build, name.kind) == ("foo-bar", "1.0rc1", "2b", "bdist_wheel")
    assert (name.python_tags, name.abi_tags) == (("py2", "py3"), ("none",))
    assert name.platform_tags == ("manylinux_2_17_x86_64", "manylinux2014_x86_64")
    assert name.python_version == "py2.py3"


def test_an_sdist_name_says_project_and_version() -> None:
    name = parse_filename("foo_bar-1.0.tar.gz")
    assert isinstance(name, SdistName)
    assert (name.name, name.version, name.kind, name.python_version) == ("foo-bar", "1.0", "sdist", "source")


REFUSED = [
    ("", "filename.length", "1 to 240 characters"),
    ("a" * 250 + "-1.0.tar.gz", "filename.length", "Shorten"),
    ("foo\n-1.0.tar.gz", "filename.characters", "not allowed"),
    ("foo\x7f-1.0.tar.gz", "filename.characters", "not allowed"),
    ("../foo-1.0.tar.gz", "filename.characters", "not allowed"),
    ("a/foo-1.0.tar.gz", "filename.characters", "not allowed"),
    ("a\\foo-1.0.tar.gz", "filename.characters", "not allowed"),
    (".foo-1.0.tar.gz", "filename.characters", "not allowed"),
    ("foö-1.0.tar.gz", "filename.characters", "not allowed"),
    ("foo-1.0.tar.gz\n", "filename.characters", "not allowed"),
    ("foo-1.0.egg", "filename.kind", "Invalid file extension"),
    ("foo-1.0.win32.exe", "filename.kind", "python -m build"),
    ("foo-1.0.tar.bz2", "filename.kind", "Invalid file extension"),
    ("foo-1.0-py3-none-any.WHL", "filename.kind", "Invalid file extension"),
    (
        "foo-1.0.zip",
        "filename.format",
        "Filename 'foo-1.0.zip' is invalid, should be 'foo-1.0.tar.gz'.",
    ),
    ("Foo-1.0.tar.gz", "filename.format", "should be 'foo-1.0.tar.gz'"),
    ("foo-bar-1.0.tar.gz", "filename.format", "should be 'foo_bar-1.0.tar.gz'"),
    ("foo-1.0-rc1.tar.gz", "filename.format", "is invalid"),
    ("foo-1.00.tar.gz", "filename.format", "should be 'foo-1.0.tar.gz'"),
    ("foo.tar.gz", "filename.format", "is not {name}-{version}.tar.gz"),
    (
        "Foo-1.0-py3-none-any.whl",
        "filename.name",
        "Filename 'Foo-1.0-py3-none-any.whl' should contain the normalized project name 'foo', not 'Foo'.",
    ),
    ("foo.bar-1.0-py3-none-any.whl", "filename.name", "'foo_bar', not 'foo.bar'"),
    ("foo__bar-1.0-py3-none-any.whl", "filename.name", "'foo_bar', not 'foo__bar'"),
    (
        "foo-1.0.RC1-py3-none-any.whl",
        "filename.version",
        "Version in filename should be '1.0rc1' not '1.0.RC1'.",
    ),
    ("foo-nonsense-py3-none-any.whl", "version.format", "PEP 440"),
    ("_foo-1.0-py3-none-any.whl", "filename.characters", "not allowed"),
    ("foo_-1.0-py3-none-any.whl", "name.format", "is an invalid value for Name"),
    ("foo-1.0-py3-none.whl", "filename.format", "wrong number of parts"),
    ("foo-1.0-1-py3-none-any-x.whl", "filename.format", "wrong number of parts"),
    ("foo-1.0-py3-none-any-variant.whl", "filename.format", "must start with a digit"),
    ("foo-1.0-py3..py2-none-any.whl", "filename.format", "a tag is empty or malformed"),
    ("foo-1.0-py3-none-.whl", "filename.format", "a tag is empty or malformed"),
    ("foo-1.0-py3-no+ne-any.whl", "filename.format", "a tag is empty or malformed"),
]


@pytest.mark.parametrize(("filename", "rule", "part"), REFUSED)
def test_a_bad_file_name_is_refused_with_a_way_out(filename: str, rule: str, part: str) -> None:
    decision = refusal(filename)
    assert decision.rule == rule
    assert part in decision.sentence
    assert decision.ways_out


LENIENT = [
    ("Foo.Bar-1.0.zip", "foo-bar", "1.0"),
    ("foo-bar-1.0.tar.gz", "foo-bar", "1.0"),
    ("foo-1.0-rc1.tar.gz", "foo", "1.0rc1"),
    ("Foo.Bar-1.0-py2.py3-none-any.whl", "foo-bar", "1.0"),
    ("foo-1.0_1-py3-none-any.whl", "foo", "1.0.post1"),
]


@pytest.mark.parametrize(("filename", "name", "version"), LENIENT)
def test_old_spellings_are_read_when_importing(filename: str, name: str, version: str) -> None:
    parsed = parse_filename_leniently(filename)
    assert (parsed.name, parsed.version) == (name, version)


def test_the_known_project_settles_where_an_old_version_begins() -> None:
    assert parse_filename_leniently("foo-1.0-1.tar.gz", NormalizedName("foo")).version == "1.0.post1"
    assert parse_filename_leniently("foo-1.0-1.tar.gz", NormalizedName("foo-1-0")).version == "1"


@pytest.mark.parametrize("filename", ["foo-1.0.egg", "foo-1.0.exe", "a/b-1.0.zip", "x.zip", "a-b-py3-c-d.whl"])
def test_what_is_no_distribution_is_refused_when_importing_too(filename: str) -> None:
    with pytest.raises(Refused):
        parse_filename_leniently(filename)


PORTABLE = [
    "any win32 win_amd64 win_arm64 win_ia64 manylinux1_i686 manylinux2010_x86_64 manylinux2014_s390x",
    "linux_armv6l linux_armv7l manylinux_2_28_riscv64 manylinux_2_17_ppc64 musllinux_1_2_aarch64",
    "macosx_10_9_universal2 macosx_11_0_arm64 macosx_26_0_x86_64 ios_13_0_arm64_iphoneos",
    "ios_13_0_x86_64_iphonesimulator android_21_arm64_v8a android_35_x86_64 pyemscripten_2025_0_wasm32",
]
NOT_PORTABLE = [
    "linux_x86_64 linux_aarch64 win_arm manylinux1_aarch64 manylinux2010_s390x manylinux_2_17_mips",
    "musllinux_1_2_ppc64 macosx_11_1_arm64 macosx_16_0_arm64 macosx_10_9_mips ios_13_0_arm64 android_21_mips",
    "manylinux_2_x86_64 emscripten_3_1_58_wasm32 freebsd_14_amd64 Any any_ xany",
]


@pytest.mark.parametrize("tag", " ".join(PORTABLE).split())
def test_a_portable_platform_tag_is_taken(tag: str) -> None:
    assert is_portable(tag)


@pytest.mark.parametrize("tag", [*" ".join(NOT_PORTABLE).split(), "any\n", "manylinux_٢_17_x86_64", ""])
def test_a_platform_tag_that_is_not_portable_is_not(tag: str) -> None:
    assert not is_portable(tag)


def test_one_platform_of_several_that_is_not_portable_is_found() -> None:
    name = parse_filename("foo-1.0-cp311-cp311-manylinux_2_17_x86_64.linux_x86_64.whl")
    assert isinstance(name, WheelName)
    assert unsupported_platform_tag(name) == "linux_x86_64"


_NEARLY = st.from_regex(r"[A-Za-z0-9._-]{1,12}-[0-9a-z.!+_]{1,9}(-[a-z0-9._]{0,6}){3,4}\.(whl|tar\.gz|zip)")


@given(st.one_of(st.text(), _NEARLY))
def test_any_text_is_a_name_or_refused(filename: str) -> None:
    for parse in (parse_filename, parse_filename_leniently):
        try:
            name = parse(filename)
        except Refused as refused:
            assert refused.decision.reason.isprintable()
        else:
            assert name.filename == filename
            assert parse_filename_leniently(filename).version == name.version or parse is parse_filename_leniently
