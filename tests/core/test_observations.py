"""Observations: PyPI's form of a report, read and written."""

from __future__ import annotations

from typing import get_args

import pytest

from affineur.core.decision import Refused
from affineur.core.moderation.observations import OUR_KINDS, THEIR_KINDS, answer, read_observation, write_observation
from affineur.core.moderation.reports import Kind, read_report
from affineur.core.names import NormalizedName

INSPECTED = "https://inspector.example.org/project/some.project/1.0.RC1/packages/aa/bb/cc/x-1.0.tar.gz/setup.py"


def test_what_a_scanner_sends_becomes_a_report() -> None:
    body = {
        "kind": "is_malware",
        "summary": "Sends keys away.",
        "inspector_url": INSPECTED,
        "extra": {"score": 9},
        "yara": [],
    }
    report = read_observation("Some_Project", body)
    assert report == read_report(
        "malware",
        "some-project",
        "Sends keys away.",
        version="1.0rc1",
        evidence=[INSPECTED],
        extra={"extra": {"score": 9}, "yara": []},
    )


@pytest.mark.parametrize(
    ("link", "version", "expected"),
    [
        (INSPECTED, None, "1.0rc1"),
        (INSPECTED, "2.0", "2.0"),
        ("https://example.org/project/other/1.0/x", None, None),
        ("https://example.org/project/some-project/", None, None),
        ("https://example.org/project/some-project/latest/", None, None),
        ("https://example.org/project/some-project/1%2B2", None, "1+2"),
        ("https://example.org/project/-/1.0/", None, None),
        (None, None, None),
        (None, "2", "2"),
    ],
)
def test_the_release_is_the_one_named_or_linked(link: str | None, version: str | None, expected: str | None) -> None:
    body = {"kind": "is_malware", "summary": "x", "inspector_url": link, "version": version}
    assert read_observation("some-project", body).version == expected


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ([], "report.form"),
        ("is_malware", "report.form"),
        ({}, "report.form"),
        ({"kind": "is_malware"}, "report.form"),
        ({"kind": ["is_malware"], "summary": "x"}, "report.form"),
        ({"kind": "is_malware", "summary": 5}, "report.form"),
        ({"kind": "is_malware", "summary": "x", "inspector_url": 5}, "report.form"),
        ({"kind": "malware", "summary": "x"}, "report.kind"),
        ({"kind": "is_malware", "summary": ""}, "report.summary"),
        ({"kind": "is_malware", "summary": "x", "inspector_url": "http://[oops"}, "report.evidence"),
        ({"kind": "is_malware", "summary": "x", "extra": "\udc80"}, "report.extra"),
    ],
    ids=str,
)
def test_an_observation_of_another_form_is_refused(body: object, rule: str) -> None:
    with pytest.raises(Refused) as refused:
        read_observation("x", body)
    assert refused.value.decision.rule == rule


def test_every_kind_has_a_name_there_and_comes_back_but_for_look_alikes() -> None:
    back = {kind: OUR_KINDS[theirs] for kind, theirs in THEIR_KINDS.items()}
    assert back == {kind: kind for kind in get_args(Kind)} | {"look-alike": "other"}
    assert set(OUR_KINDS.values()) == set(get_args(Kind))


def test_a_report_goes_out_in_their_form() -> None:
    report = read_report("spam", "x", "Adverts.", evidence=["https://example.org/1", "https://example.org/2"])
    assert write_observation(report) == {
        "kind": "is_spam",
        "summary": "Adverts.",
        "inspector_url": "https://example.org/1",
    }
    assert write_observation(read_report("other", "x", "Odd.")) == {"kind": "something_else", "summary": "Odd."}


def test_thanks_are_given() -> None:
    assert answer(NormalizedName("x")) == {"project": "x", "thanks": "for the observation"}
