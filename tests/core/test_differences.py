"""What happened at an index without a journal: events told once, stop orders first, and folded to the same again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from affineur.core.decision import Refused
from affineur.core.history.differences import Seen, SeenFile, differences, seen
from affineur.core.life.standing import ProjectStatus

ACTIVE = ProjectStatus("active")
A, B = SeenFile("1.0", "a" * 64), SeenFile("1.1", "b" * 64)


def told(before: Seen, files: dict[str, SeenFile] | None, status: ProjectStatus = ACTIVE) -> list[tuple[str, str]]:
    return [(event.event, event.hint) for event in differences("brie", before, files, status)]


def known(files: dict[str, SeenFile], status: ProjectStatus = ACTIVE) -> Seen:
    return Seen(True, dict(files), {}, status)


@pytest.mark.parametrize(
    ("before", "files", "status", "events"),
    [
        (Seen(), {"a": A}, ACTIVE, [("ProjectCreated", "refresh"), ("FilePublished", "refresh")]),
        (known({"a": A}), {"a": A}, ACTIVE, []),
        (known({"a": A}), {"b": B}, ACTIVE, [("FileRemoved", "purge"), ("FilePublished", "refresh")]),
        (known({"a": A}), {"a": SeenFile("1.0", "a" * 64, True, "bad")}, ACTIVE, [("FileYanked", "refresh")]),
        (known({"a": SeenFile("1.0", "a" * 64, True)}), {"a": A}, ACTIVE, [("FileUnyanked", "refresh")]),
        (known({"a": A}), {}, ProjectStatus("quarantined"), [("ProjectQuarantined", "hide")]),
        (known({"a": A}, ProjectStatus("quarantined")), {"a": A}, ACTIVE, [("ProjectCleared", "restore")]),
        (
            known({"a": A}, ProjectStatus("quarantined")), {"a": A}, ProjectStatus("archived"),
            [("ProjectCleared", "restore"), ("ProjectArchived", "refresh")],
        ),
        (known({}, ProjectStatus("archived")), {}, ProjectStatus("deprecated", "use x"),
         [("ProjectDeprecated", "refresh")]),
        (known({}, ProjectStatus("deprecated", "y")), {}, ACTIVE, [("ProjectUndeprecated", "refresh")]),
        (known({"a": A}), None, ACTIVE, [("FileRemoved", "purge"), ("ProjectRemoved", "purge")]),
        (Seen(), None, ACTIVE, []),
    ],
)  # fmt: skip
def test_a_difference_is_told_as_what_happened(
    before: Seen, files: dict[str, SeenFile] | None, status: ProjectStatus, events: list[tuple[str, str]]
) -> None:
    assert told(before, files, status) == events


def test_a_file_name_never_gets_another_digest_not_even_after_it_went_away() -> None:
    other = {"a": SeenFile("1.0", "c" * 64)}
    with pytest.raises(Refused):
        told(known({"a": A}), other)
    gone = seen([*differences("brie", Seen(), {"a": A}, ACTIVE), *differences("brie", known({"a": A}), {}, ACTIVE)])
    assert gone.burnt == {"a": "a" * 64}
    with pytest.raises(Refused):
        told(gone, other)
    assert told(gone, {"a": A}) == [("FilePublished", "refresh")]


files = st.dictionaries(
    st.sampled_from("abcd"),
    st.builds(lambda yanked, why: SeenFile("1.0", "e" * 64, yanked, why if yanked else None), st.booleans(),
              st.none() | st.just("why")),
    max_size=4,
)  # fmt: skip
looks = st.tuples(
    files | st.none(),
    st.builds(ProjectStatus, st.sampled_from(["active", "archived", "deprecated", "quarantined"]),
              st.none() | st.just("because")),
)  # fmt: skip


@given(st.lists(looks, max_size=6))
def test_what_was_told_folds_to_what_was_seen_and_is_not_told_again(
    pages: list[tuple[dict[str, SeenFile] | None, ProjectStatus]],
) -> None:
    events = []
    for listed, status in pages:
        status = ProjectStatus(status.status, status.reason if status.status != "active" else None)
        events += differences("brie", seen(events), listed, status)
        now = seen(events)
        assert differences("brie", now, listed, status) == []
        if listed is None:
            assert not now.files
        elif status.status != "quarantined":
            assert now.files == listed
            assert now.status == status
