"""`make fuzz`: every campaign in turn, for ``--seconds`` all together."""

from __future__ import annotations

import argparse
import subprocess
import sys

CAMPAIGNS = ("tests.fuzz.archives", "tests.fuzz.requests")


def main() -> int:
    """Run all campaigns; 0 where none of them found anything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=600)
    seconds = parser.parse_args().seconds // len(CAMPAIGNS)
    found = [subprocess.run([sys.executable, "-m", each, "--seconds", str(seconds)], check=False) for each in CAMPAIGNS]
    return max(run.returncode for run in found)


if __name__ == "__main__":
    sys.exit(main())
