"""Where a search for chains starts: names as people type them, and requirements files as pip reads them."""

from __future__ import annotations

import pytest

from affineur.core.decision import Refused
from affineur.core.dependents.starts import MOST_STARTS, read_starts, require_starts
from affineur.core.names import parse_name

FILE = """\
# what we run
Ansible_Runner>=2.3,<3  # the runner
python-daemon[test]==3.1.2 ; python_version >= "3.7"
lockfile==0.12.2 \\
    --hash=sha256:0000 \\
    --hash=sha256:1111
--index-url https://index.example.org/simple/
-c constraints.txt
-r more.txt
-e ./tools
https://files.example.org/brie-1.0-py3-none-any.whl
comte @ https://files.example.org/comte-1.0-py3-none-any.whl#sha256=aa
./wheels/feta-1.0-py3-none-any.whl
ansible-runner
"""


def test_a_requirements_file_is_read_as_pip_reads_it_and_what_it_hides_is_said() -> None:
    found = read_starts(FILE)
    assert found.names == ("ansible-runner", "python-daemon", "lockfile", "comte")
    assert found.passed_over == (
        "-r more.txt",
        "-e ./tools",
        "https://files.example.org/brie-1.0-py3-none-any.whl",
        "./wheels/feta-1.0-py3-none-any.whl",
    )


@pytest.mark.parametrize("typed", ["a,b", "a b", " a , b ", "A\r\nB", "a\nb\n\na", "\ufeffa\nb", "a==1\nb"])
def test_names_may_be_typed_in_any_way(typed: str) -> None:
    assert read_starts(typed).names == ("a", "b")


def test_nothing_named_and_too_much_named_are_refused_with_the_number() -> None:
    with pytest.raises(Refused) as nothing:
        require_starts(read_starts("-r other.txt").names)
    assert nothing.value.decision.rule == "dependents.starts"
    with pytest.raises(Refused) as much:
        require_starts(parse_name(f"p{number}") for number in range(MOST_STARTS + 1))
    assert much.value.decision.facts["maximum"] == MOST_STARTS
    assert len(require_starts(parse_name(f"p{number % 3}") for number in range(MOST_STARTS + 1))) == 3


@pytest.mark.parametrize(
    "line", ["a" + " " * 400_000 + "b?", "a; " + "(" * 5_000 + "os_name == 'nt'" + ")" * 5_000, "a" + " -" * 200_000]
)
def test_a_line_that_is_meant_to_cost_is_read_at_once(line: str) -> None:
    # Looked at from each of its characters on, the first would take minutes; the parser of the second calls itself.
    read_starts(f"{line}\nb  # the runner")


def test_a_comment_begins_after_white_space_only() -> None:
    assert read_starts("a\t # b\n#c\n  #d\ne @ https://files.example.org/e-1.0.tar.gz#sha256=aa").names == ("a", "e")
