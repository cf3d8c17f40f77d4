"""Reports: what one must hold, which are the same, networks and case numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from affineur.core.decision import Refused
from affineur.core.moderation import reports
from affineur.core.moderation.reports import (
    Filed,
    case_number,
    duplicate_of,
    hashed_network,
    parse_case_number,
    read_evidence,
    read_extra,
    read_report,
    read_summary,
)
from affineur.core.names import NormalizedName
from affineur.core.versions import CanonicalVersion

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
KEY = b"a key of this index"


def rule_of(refused: pytest.ExceptionInfo[Refused]) -> str:
    return refused.value.decision.rule


def test_a_report_is_read_into_one_spelling() -> None:
    report = read_report(
        "malware",
        "Some.Project",
        "It sends ~/.ssh away. \r\n\r\n \t\r\n\r\nSee setup.py  \n",
        version="1.0RC1",
        evidence=[" https://example.org/a ", "", "https://example.org/a"],
        extra={"rule": "exec", "at": [1, 2]},
    )
    assert report == reports.Report(
        "malware",
        NormalizedName("some-project"),
        CanonicalVersion("1.0rc1"),
        "It sends ~/.ssh away.\n\nSee setup.py",
        ("https://example.org/a",),
        '{"at":[1,2],"rule":"exec"}',
    )


@pytest.mark.parametrize("version", [None, ""])
def test_a_report_may_be_about_the_whole_project(version: str | None) -> None:
    assert read_report("spam", "x", "Adverts.", version=version).version is None


@pytest.mark.parametrize(
    ("parts", "rule"),
    [
        ({"kind": "is_malware"}, "report.kind"),
        ({"kind": ""}, "report.kind"),
        ({"kind": "\udc80\x1b[31m"}, "report.kind"),
        ({"project": "-x"}, "name.format"),
        ({"version": "latest"}, "version.format"),
        ({"summary": ""}, "report.summary"),
        ({"summary": " \n\x00\u202e\t"}, "report.summary"),
        ({"summary": "x" * 4001}, "report.summary"),
        ({"evidence": ["javascript:alert(1)"]}, "report.evidence"),
        ({"evidence": ["ftp://example.org/x"]}, "report.evidence"),
        ({"evidence": ["//example.org/x"]}, "report.evidence"),
        ({"evidence": ["https://example.org/\u202ecod.exe"]}, "report.evidence"),
        ({"evidence": ["https://example.org/" + "x" * 1981]}, "report.evidence"),
        ({"evidence": [f"https://example.org/{n}" for n in range(11)]}, "report.evidence"),
        ({"extra": {"x": float}}, "report.extra"),
        ({"extra": {"x": "\udc80"}}, "report.extra"),
        ({"extra": {"x": 2**64}}, "report.extra"),
        ({"extra": {1: "x"}}, "report.extra"),
        ({"extra": {"x": "y" * reports.EXTRA_LIMIT_BYTES}}, "report.extra"),
    ],
    ids=str,
)
def test_a_report_that_cannot_be_kept_is_refused(parts: dict[str, object], rule: str) -> None:
    whole = {"kind": "malware", "project": "x", "summary": "Harm.", **parts}
    with pytest.raises(Refused) as refused:
        read_report(**whole)  # type: ignore[arg-type]
    assert rule_of(refused) == rule
    assert refused.value.decision.sentence.isprintable()


def test_the_limits_themselves_are_within() -> None:
    assert len(read_summary("x" * 4000)) == 4000
    assert len(read_evidence([f"https://example.org/{n}" for n in range(10)])) == 10
    assert read_evidence(["https://example.org/" + "x" * 1980])
    assert len(read_extra({"x": "y" * (reports.EXTRA_LIMIT_BYTES - 8)})) == reports.EXTRA_LIMIT_BYTES


def test_a_deeply_nested_extra_is_refused_rather_than_read() -> None:
    nested: dict[str, object] = {}
    for _ in range(2000):
        nested = {"x": nested}
    with pytest.raises(Refused) as refused:
        read_extra(nested)
    assert rule_of(refused) == "report.extra"


@given(st.text(st.characters(), min_size=1, max_size=300))
def test_a_summary_is_printable_lines_and_stays_as_it_is_when_read_again(text: str) -> None:
    try:
        said = read_summary(text)
    except Refused:
        return
    assert all(line.isprintable() for line in said.split("\n"))
    assert "\n\n\n" not in said
    assert read_summary(said) == said


def filed(**changes: object) -> Filed:
    fields: dict[str, object] = {
        "id": 1,
        "kind": "malware",
        "project": "x",
        "version": None,
        "account_id": 7,
        "network": "n",
        "filed_at": NOW,
        **changes,
    }
    return Filed(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({}, True),
        ({"network": "elsewhere"}, True),
        ({"state": "dismissed"}, False),
        ({"state": "upheld"}, False),
        ({"account_id": 8}, False),
        ({"account_id": None}, False),
        ({"kind": "spam"}, False),
        ({"project": "y"}, False),
        ({"version": "1.0"}, False),
    ],
    ids=str,
)
def test_the_same_report_while_open_is_the_one_there_is(changes: dict[str, object], same: bool) -> None:
    old = filed(**changes)
    assert duplicate_of(read_report("malware", "X", "Again."), 7, [old]) == (old if same else None)


def test_the_oldest_of_several_is_shown() -> None:
    old, older = filed(id=5), filed(id=6, filed_at=NOW - timedelta(hours=1))
    assert duplicate_of(read_report("malware", "x", "Again."), 7, [old, older]) == older


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.254", True),
        ("192.0.2.1", "192.0.3.1", False),
        ("192.0.2.1", "::ffff:192.0.2.9", True),
        ("2001:db8:1::1", "2001:db8:1:ffff::1", True),
        ("2001:db8:1::1", "2001:db8:2::1", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("unix", "unix", True),
        ("unix", "other", False),
    ],
)
def test_a_network_is_as_wide_as_one_customer_gets(one: str, other: str, same: bool) -> None:
    assert (hashed_network(one, KEY) == hashed_network(other, KEY)) is same


def test_a_network_cannot_be_told_without_the_key() -> None:
    told = hashed_network("192.0.2.1", KEY)
    assert told != hashed_network("192.0.2.1", b"another key")
    assert len(told) == 32


@pytest.mark.parametrize(
    ("id", "opened_at", "number"),
    [
        (42, NOW, "2026-0042"),
        (1, NOW, "2026-0001"),
        (9999, NOW, "2026-9999"),
        (12345, NOW, "2026-12345"),
        (3, datetime(2027, 1, 1, 0, 30, tzinfo=timezone(timedelta(hours=1))), "2026-0003"),
    ],
)
def test_a_case_has_a_number_with_its_year(id: int, opened_at: datetime, number: str) -> None:
    assert case_number(id, opened_at) == number
    assert parse_case_number(f" {number}\n") == id


@pytest.mark.parametrize(
    "text",
    [
        "",
        "42",
        "2026-42",
        "2026-00042",
        "2026-0000",
        "2026-0042x",
        "226-0042",
        "2026-٠٠٤٢",
        "2026-0042-1",
        "2026-" + "9" * 5000,
    ],
    ids=lambda text: text[:12],
)
def test_what_is_no_case_number_is_refused(text: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_case_number(text)
    assert rule_of(refused) == "report.case"


@given(st.integers(1, 10**18 - 1), st.integers(1, 9999))
def test_every_case_number_leads_back_to_its_case(id: int, year: int) -> None:
    assert parse_case_number(case_number(id, datetime(year, 6, 1, tzinfo=UTC))) == id
