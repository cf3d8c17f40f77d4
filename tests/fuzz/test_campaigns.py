"""A bounded run of the coverage-guided fuzzer; the long one is `make fuzz`."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None,
    reason=f"atheris has no wheel for Python {sys.version_info.major}.{sys.version_info.minor}",
)
@pytest.mark.parametrize("module", ["tests.fuzz.archives", "tests.fuzz.requests"])
def test_no_input_that_the_fuzzer_finds_ends_in_anything_but_a_value_or_a_refusal(module: str, tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", module, "--seconds", "10", "--keep", str(tmp_path / "broken")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-5000:]
    done = re.search(r"^Done (\d+) runs", run.stdout, re.MULTILINE)
    assert done, run.stdout[-2000:]
    assert int(done[1]) >= 1000
    assert not (tmp_path / "broken").exists()
