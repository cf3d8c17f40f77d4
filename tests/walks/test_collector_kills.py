"""The collector is killed again and again, while the log grows and days turn: each line counts once.

Twelve kills here; `python -m bench collect` kills it a hundred times during five million lines.
"""

from __future__ import annotations

import random
from pathlib import Path

from tests.indexes import new_index
from tests.walks.collector_scene import DAYS, Log, collect, counted, dying_collector, totals

KILLS = 12
_LINES_A_ROUND = 1_200
_BATCH_BYTES = 200_000


def test_a_collector_that_is_killed_again_and_again_counts_each_line_once(tmp_path: Path) -> None:
    index = new_index(tmp_path / "data")
    log = Log(index.settings.logs)
    moments = random.Random(7)
    killed = 0
    with dying_collector(index.settings.data, _BATCH_BYTES) as collector:
        log.write(DAYS[0], _LINES_A_ROUND)
        assert collect(collector, None) == 0
        for number in range(3 * KILLS):
            if killed == KILLS:
                break
            log.write(DAYS[number * len(DAYS) // (3 * KILLS)], _LINES_A_ROUND)
            killed += collect(collector, moments.uniform(0.01, 0.4)) == -9
        assert killed >= KILLS // 2, "hardly any collector was killed at work: the moments are too late"
        assert collect(collector, None) == 0
        assert collect(collector, None) == 0
    assert counted(index) == log.expected
    found = totals(index.store)
    assert (found.lines, found.events, found.unreadable) == (log.lines, log.expected.total(), log.unreadable)
    index.close()
