"""What is asked after every test (`tests.agreement`) finds what no act did, and leaves mirrors and strangers alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.agreement import BY_HAND, judge_folders
from tests.indexes import fill, new_index

from affineur.shell.store.schema import file, project


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (project.update().where(project.c.name == "brie").values(maintenance="archived"), "its maintenance is"),
        (file.update().where(file.c.filename.startswith("feta")).values(yanked=True), "it is yanked"),
        (project.update().where(project.c.name == "comte").values(serial=1), "the project has serial 1"),
    ],
    ids=["standing", "yank", "serial"],
)
def test_rows_that_no_act_wrote_are_found(tmp_path_factory: pytest.TempPathFactory, change: object, said: str) -> None:
    data = tmp_path_factory.mktemp("agreement") / "data"
    index = new_index(data)
    fill(index)
    judge_folders({data.parent})
    with index.store.write() as connection:
        connection.execute(change)  # type: ignore[call-overload]
    with pytest.raises(AssertionError, match=f"(?i){said}"):
        judge_folders({data.parent})
    (data / "affineur.db").unlink()
    index.close()


def test_what_is_no_index_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "affineur.db").write_bytes(b"not a database at all" * 100)
    judge_folders({tmp_path})


def test_tests_that_are_excused_exist() -> None:
    root = Path(__file__).parents[2]
    for test in BY_HAND:
        module, _, name = test.partition("::")
        assert f"def {name}" in (root / module).read_text()
