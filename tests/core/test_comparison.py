"""A file against an earlier one: members, metadata, signals, and which files are laid beside each other."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from tests.core.distributions import core_metadata, sdist, sdist_filename, wheel, wheel_filename

from affineur.core.decision import Refused
from affineur.core.moderation.comparison import Comparison, Source, compare
from affineur.core.moderation.comparison_choice import EARLIER, one_file, pair
from affineur.core.moderation.comparison_signals import Signal
from affineur.core.moderation.comparison_text import unified
from affineur.core.views.simple import FileLink

CODE = b"def answer():\n    return 42\n"


def wheels(old: dict[str, bytes] | None, new: dict[str, bytes], **changes: object) -> Comparison:
    """Wheel 1.0 of ``old`` (None: there is none) against wheel 1.1 of ``new``; ``changes`` are about the new one."""
    before = None if old is None else Source(io.BytesIO(wheel(files=old)), wheel_filename())
    now = wheel(version="1.1", files=new, **changes)
    return compare(before, Source(io.BytesIO(now), wheel_filename(version="1.1")))


def sdists(old: dict[str, bytes], new: dict[str, bytes]) -> Comparison:
    before, now = sdist(files=old), sdist(version="1.1", files=new)
    return compare(Source(io.BytesIO(before), sdist_filename()), Source(io.BytesIO(now), sdist_filename(version="1.1")))


def changes(found: Comparison) -> dict[str, str]:
    """The members but those that follow from the version."""
    always = ("*.dist-info/RECORD", "*.dist-info/METADATA", "PKG-INFO")
    return {member.name: member.change for member in found.members if member.name not in always}


def signals(found: Comparison, code: str) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(each.state, each.says, each.places) for each in found.signals if each.code == code]


def new_ones(found: Comparison) -> list[Signal]:
    return [each for each in found.signals if each.state == "new"]


def test_members_are_added_removed_changed_and_moved() -> None:
    old = {"foo/same.py": CODE, "foo/gone.py": b"1\n", "foo/here.py": b"import os\n", "foo/empty.py": b""}
    new = {"foo/same.py": CODE + b"\n", "foo/there.py": b"import os\n", "foo/new.py": b"3\n", "foo/__init__.py": b""}
    found = wheels(old, new)
    assert changes(found) == {
        "foo/same.py": "changed",
        "foo/new.py": "added",
        "foo/__init__.py": "added",
        "foo/there.py": "moved",
        "foo/gone.py": "removed",
        "foo/empty.py": "removed",
    }
    moved = next(member for member in found.members if member.change == "moved")
    assert moved.old is not None
    assert moved.old.name == "foo/here.py"
    assert moved.diff is None


def test_a_release_that_changes_nothing_but_its_version_says_so() -> None:
    found = wheels({"foo/a.py": CODE}, {"foo/a.py": CODE})
    assert changes(found) == {}
    assert found.unchanged == 2
    assert found.metadata == ()
    assert new_ones(found) == []
    found = sdists({"foo.py": CODE}, {"foo.py": CODE})
    assert changes(found) == {}
    assert new_ones(found) == []


def test_changed_texts_are_laid_beside_each_other_and_binaries_are_not() -> None:
    found = wheels({"foo/a.py": b"x = 1\n", "foo/a.bin": b"\0\1"}, {"foo/a.py": b"x = 2\n", "foo/a.bin": b"\0\2"})
    by_name = {member.name: member.diff for member in found.members}
    diff = by_name["foo/a.py"]
    assert diff is not None
    assert unified(diff) == "@@ -1,1 +1,1 @@\n-x = 1\n+x = 2"
    assert by_name["foo/a.bin"] is None
    assert by_name["*.dist-info/RECORD"] is None
    assert by_name["*.dist-info/METADATA"] is not None


def test_changed_fields_of_metadata_are_told_as_they_are_spelled_there() -> None:
    old = core_metadata("foo", "1.0", [("Requires-Dist", "requests"), ("Author-email", "ann@example.org")])
    fields = [("Requires-Dist", "requests"), ("Requires-Dist", "reqeusts"), ("Author-email", "eve@example.org")]
    new = core_metadata("foo", "1.1", fields)
    found = compare(
        Source(io.BytesIO(wheel(metadata=old)), wheel_filename()),
        Source(io.BytesIO(wheel(version="1.1", metadata=new)), wheel_filename(version="1.1")),
    )
    told = {each.field: (each.removed, each.added) for each in found.metadata}
    assert told["Requires-Dist"] == ((), ("reqeusts",))
    assert told["Author-Email"] == (("ann@example.org",), ("eve@example.org",))


def test_without_an_earlier_file_all_is_new_and_no_signal_claims_to_be() -> None:
    found = wheels(None, {"foo/a.py": CODE, "foo.pth": b"import foo\n"})
    assert set(changes(found).values()) == {"added"}
    assert {each.state for each in found.signals} == {"here"}


@pytest.mark.parametrize(
    ("files", "code", "says", "place"),
    [
        ({"foo.pth": b"./foo\nimport foo.hook\n"}, "start", "Runs code each time Python starts, through foo.pth.",
         "foo.pth:2"),
        ({"foo.pth": b"import\tos\n"}, "start", "Runs code each time Python starts, through foo.pth.", "foo.pth:1"),
        ({"foo.pth": b"\xef\xbb\xbfimport os\n"}, "start",
         "Runs code each time Python starts, through foo.pth.", "foo.pth:1"),
        ({"foo.pth": "./foo\u2028import os\n".encode()}, "start",
         "Runs code each time Python starts, through foo.pth.", "foo.pth:2"),
        ({"foo.start": b"# note\n\nfoo.hook:run\n"}, "start",
         "Runs code each time Python starts, through foo.start.", "foo.start:3"),
        ({"foo.pth": b"#" * 3_000_000}, "start",
         "Changes how Python starts, through foo.pth, which was not read.", "foo.pth"),
        ({"foo-1.1.data/purelib/z.pth": b"import os\n"}, "start",
         "Runs code each time Python starts, through *.data/purelib/z.pth.", "*.data/purelib/z.pth:1"),
        ({"foo.pth": b"./lib\n"}, "start", "Adds folders to where Python imports from, through foo.pth.", "foo.pth"),
        ({"sitecustomize.py": b"\n"}, "start", "Is run each time Python starts.", "sitecustomize.py"),
        ({"usercustomize/__init__.py": b"\n"}, "start", "Is run each time Python starts.", "usercustomize/__init__.py"),
        ({"foo-1.1.data/scripts/pip": b"#!python\n"}, "command", "Installs programs among the commands.",
         "*.data/scripts/pip"),
        ({"foo-1.1.data/data/etc/cron.d/foo": b"x\n"}, "outside",
         "Installs files outside of where Python's libraries lie.", "*.data/data/etc/cron.d/foo"),
        ({"requests/__init__.py": b"\n"}, "imports", "Installs these names to import.", "requests"),
        ({"six.py": b"\n"}, "imports", "Installs these names to import.", "six"),
        ({"foo/run.so": b"\x7fELF\0"}, "elf", "Contains machine code for Linux and its like (ELF).", "foo/run.so"),
        ({"foo/x.zip": b"PK\x03\x04\0"}, "zip", "Contains further archives (ZIP).", "foo/x.zip"),
        ({"foo/x.pyc": b"\0\0"}, "bytecode",
         "Contains compiled Python, which is run without its text being there.", "foo/x.pyc"),
        ({"foo/a.py": b"x = 1" + b" " * 200 + b"; import evil\n"}, "aside",
         "Contains programs with code far to the right, after 100 blanks or more.", "foo/a.py"),
        ({"foo/a.py": b"x = '" + b"A" * 5000 + b"'\n"}, "long",
         "Contains programs with lines of 2,000 bytes or more.", "foo/a.py"),
    ],
)  # fmt: skip
def test_what_a_wheel_does_is_said_in_a_sentence_with_its_place(
    files: dict[str, bytes], code: str, says: str, place: str
) -> None:
    found = wheels({"foo/a.py": CODE}, {"foo/a.py": CODE, **files})
    told = {(state, said): places for state, said, places in signals(found, code)}
    state = "changed" if code == "imports" else "new"
    assert place in told[state, says]


def test_commands_and_plug_ins_are_named_with_what_they_call() -> None:
    points = b"[console_scripts]\nfoo = foo:main\npip = foo:main\n[pytest11]\nfoo = foo.plugin\n"
    found = wheels({"foo/a.py": CODE}, {"foo/a.py": CODE}, extra={"foo-1.1.dist-info/entry_points.txt": points})
    assert [says for _, says, _ in signals(found, "command")] == [
        "Installs the command foo, which calls foo:main.",
        "Installs the command pip, which calls foo:main.",
    ]
    assert signals(found, "plug-in") == [("new", "Plugs itself into pytest11 as foo, by foo.plugin.", ())]


@pytest.mark.parametrize("broken", [b"[x\n", b"\xff\xfe", b"no section = 1\n", b"[a]\nb\n"])
def test_entry_points_that_cannot_be_read_are_said_to_be(broken: bytes) -> None:
    found = wheels({}, {}, extra={"foo-1.1.dist-info/entry_points.txt": broken})
    assert signals(found, "entry-points")[0][1] == "Its entry points cannot be read."


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"setup.py": b"import setuptools\n"}, "Building it runs its own setup.py."),
        ({"pyproject.toml": b'[build-system]\nrequires = ["evil"]\nbuild-backend = "evil"\n'}, "It is built by evil."),
        ({"pyproject.toml": b'[build-system]\nrequires = ["evil", "hatchling"]\n'},
         "Building it fetches evil, hatchling."),
        ({"pyproject.toml": b'[build-system]\nbuild-backend = "own"\nbackend-path = ["."]\n'},
         "Building it runs a backend that it brings itself: own."),
        ({"pyproject.toml": b"[[["}, "Its pyproject.toml cannot be read."),
        ({"pyproject.toml": b"a = " + b"[" * 5000}, "Its pyproject.toml cannot be read."),
        ({"pyproject.toml": b"#" * 3_000_000}, "Its pyproject.toml cannot be read."),
        ({"pyproject.toml": b"\xff"}, "Its pyproject.toml cannot be read."),
    ],
)  # fmt: skip
def test_what_building_an_sdist_runs_is_said(files: dict[str, bytes], says: str) -> None:
    assert ("new", says) in [each[:2] for each in signals(sdists({"foo.py": CODE}, {"foo.py": CODE, **files}), "build")]


def test_what_was_so_before_is_told_apart_from_what_is_new_and_what_changed() -> None:
    old = {"setup.py": b"a\n", "foo.py": CODE}
    assert {state for state, _, _ in signals(sdists(old, old), "build")} == {"same"}
    states = {says: state for state, says, _ in signals(sdists(old, {**old, "setup.py": b"b\n"}), "build")}
    assert states["Building it runs its own setup.py."] == "changed"


def test_words_in_new_lines_are_told_with_their_lines_and_those_in_old_ones_are_not() -> None:
    old = b"import subprocess\nsubprocess.run(['ls'])\n"
    new = old + b"import base64\nexec(base64.b64decode(x))\nurllib.request.urlopen(y)\n"
    found = {says: places for _, says, places in signals(wheels({"foo/a.py": old}, {"foo/a.py": new}), "calls")}
    assert found == {
        "Lines that are new here run text as a program, by the words in them.": ("foo/a.py:4",),
        "Lines that are new here speak to the network, by the words in them.": ("foo/a.py:5",),
        "Lines that are new here unpack what is encoded, by the words in them.": ("foo/a.py:4",),
    }


def test_nothing_that_is_shown_could_turn_a_line_around_or_reach_a_terminal() -> None:
    points = "[console_scripts]\nx\u202e\x1b]0;owned\x07 = foo:main\n".encode()
    files = {"a\u202eb.py": b"", "a\u202eb.pth": b"import os\n", "foo/\u202ex.so": b"\x7fELF\0"}
    found = wheels({}, files, extra={"foo-1.1.dist-info/entry_points.txt": points})
    assert len(found.signals) >= 4
    for each in found.signals:
        assert all(text.isprintable() for text in (each.says, *each.places))


def test_a_hostile_file_is_compared_as_far_as_it_goes() -> None:
    found = compare(
        Source(io.BytesIO(wheel()), wheel_filename()),
        Source(io.BytesIO(b"not a wheel"), wheel_filename(version="1.1")),
    )
    assert found.new.fault is not None
    assert found.metadata == ()
    assert {member.change for member in found.members} == {"removed"}


# -- which files


def link(filename: str, version: str) -> FileLink:
    return FileLink(filename, version, "0" * 64, 1, datetime(2026, 1, 1, tzinfo=UTC))


FILES = [
    link("foo-1.0.tar.gz", "1.0"),
    link("foo-1.0-py3-none-any.whl", "1.0"),
    link("foo-1.5-cp312-cp312-manylinux_2_28_x86_64.whl", "1.5"),
    link("foo-1.5-cp312-cp312-win_amd64.whl", "1.5"),
    link("foo-1.5-cp313-cp313-win_amd64.whl", "1.5"),
    link("foo-2.0rc1-cp313-cp313-win_amd64.whl", "2.0rc1"),
    link("foo-2.0rc1.tar.gz", "2.0rc1"),
]


@pytest.mark.parametrize(
    ("version", "filename", "chosen"),
    [
        ("1.0", None, "foo-1.0-py3-none-any.whl"),
        ("1", None, "foo-1.0-py3-none-any.whl"),
        (None, None, "foo-2.0rc1.tar.gz"),
        (None, "foo-1.0.tar.gz", "foo-1.0.tar.gz"),
        ("1.5", None, "foo-1.5-cp312-cp312-manylinux_2_28_x86_64.whl"),
    ],
)
def test_the_file_that_is_meant(version: str | None, filename: str | None, chosen: str) -> None:
    assert one_file(FILES, version, filename).filename == chosen


@pytest.mark.parametrize(
    ("new", "against", "old", "version"),
    [
        ("foo-2.0rc1-cp313-cp313-win_amd64.whl", None, "foo-1.5-cp313-cp313-win_amd64.whl", "1.5"),
        ("foo-2.0rc1-cp313-cp313-win_amd64.whl", EARLIER, "foo-1.5-cp313-cp313-win_amd64.whl", "1.5"),
        ("foo-2.0rc1-cp313-cp313-win_amd64.whl", "1.0.0", "foo-1.0-py3-none-any.whl", "1.0"),
        ("foo-2.0rc1.tar.gz", "1.0", "foo-1.0.tar.gz", "1.0"),
        ("foo-2.0rc1.tar.gz", None, None, "1.5"),
        ("foo-1.0.tar.gz", None, None, ""),
        ("foo-1.0.tar.gz", "2.0rc1", "foo-2.0rc1.tar.gz", "2.0rc1"),
    ],
)
def test_a_file_is_laid_beside_the_one_most_like_it(
    new: str, against: str | None, old: str | None, version: str
) -> None:
    found = pair(FILES, one_file(FILES, None, new), against)
    assert (found.old.filename if found.old else None, found.against) == (old, version)


def test_a_file_or_release_that_is_not_there_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        one_file(FILES, "3.0", None)
    assert caught.value.decision.rule == "examine.exists"
    with pytest.raises(Refused) as caught:
        one_file([], None, None)
    assert caught.value.decision.rule == "examine.exists"
    with pytest.raises(Refused) as caught:
        pair(FILES, FILES[0], "3.0")
    assert caught.value.decision.rule == "examine.exists"
    with pytest.raises(Refused) as caught:
        pair(FILES, FILES[0], "nonsense")
    assert caught.value.decision.rule == "version.format"
