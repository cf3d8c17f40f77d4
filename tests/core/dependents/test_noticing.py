"""Who would get another release, or none, after a yank."""

from __future__ import annotations

import pytest

from affineur.core.dependents.noticing import Effect, effect

RELEASES = (("1.0", False), ("1.1", False), ("2.0", False), ("2.1", True), ("3.0rc1", False))


@pytest.mark.parametrize(
    ("specifier", "version", "expected"),
    [
        ("==1.1", "1.1", Effect(None)),
        ("~=1.0", "1.1", Effect("1.0")),
        (">=1", "1.1", None),
        ("<1.1", "1.1", None),
        ("", "2.0", Effect("1.1")),
        (">=2", "2.0", Effect("3.0rc1")),  # a pre-release, for want of others
        (">=3.0rc1", "3.0rc1", Effect(None)),
        ("==2.1", "2.1", None),  # which is yanked already
        ("<2\n==2.0", "2.0", Effect(None)),
        (">1\n==2.0", "2.0", Effect(None)),
        ("not a specifier", "2.0", None),
        ("==9", "9", None),
    ],
)
def test_a_yank_means_to_a_requirement_what_an_installer_takes_after_it(
    specifier: str, version: str, expected: Effect | None
) -> None:
    assert effect(specifier, version, RELEASES) == expected
