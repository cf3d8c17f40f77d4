"""The setting publisher_issuers: what operators write, and what they are told when it is wrong."""

from __future__ import annotations

import pytest

from affineur.core.decision import Refused
from affineur.core.publishers import WELL_KNOWN, admitted_by, audience_of
from affineur.settings import SettingsError, load


def test_nothing_written_admits_the_four_known_issuers() -> None:
    assert admitted_by("") == admitted_by("\n# a note\n\n") == WELL_KNOWN


def test_an_instance_of_a_known_kind_and_an_issuer_of_ones_own_are_admitted() -> None:
    setting = "gitlab https://git.example.org\nforge https://forge.example.org sub ref? id!"
    found = admitted_by(setting)[len(WELL_KNOWN) :]
    assert [(each.kind, each.url, each.claims, each.optional) for each in found] == [
        ("gitlab", "https://git.example.org", (), ()),
        ("oidc", "https://forge.example.org", ("sub",), ("ref",)),
    ]
    assert (found[1].name, found[1].pins) == ("forge", ("id",))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("forge", "needs a name and an address"),
        ("forge https://forge.example.org", "needs claims"),
        ("forge https://forge.example.org ref?", "needs claims"),
        ("forge http://forge.example.org sub", "is no issuer"),
        ("gitlab https://gitlab.com", "is admitted twice"),
        ("gitlab https://git.example.org sub", "only kind oidc names them"),
        ("forge https://forge.example.org aud", "aud"),
    ],
)
def test_a_line_that_cannot_be_is_refused_at_start_with_its_number(line: str, said: str) -> None:
    with pytest.raises(Refused, match="Line 2 of publisher_issuers") as refused:
        admitted_by(f"# first\n{line}")
    assert refused.value.decision.rule == "publisher.setting"
    assert said in str(refused.value)
    with pytest.raises(SettingsError, match="AFFINEUR_PUBLISHER_ISSUERS: publisher_issuers does not fit"):
        load(environment={"AFFINEUR_PUBLISHER_ISSUERS": line})


def test_the_audience_is_what_is_set_or_the_host_or_the_program() -> None:
    assert audience_of(" cheese ", "index.example.org") == "cheese"
    assert audience_of("", "index.example.org") == "index.example.org"
    assert audience_of("", None) == "affineur"
