"""A collector that is killed a moment after it began, like `kill -9`: told when on standard input, a line each.

It loads Affineur once, and forks for each line. Said is whether it was killed (-9) or had done all there was (0). Test
support, not tests.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from pathlib import Path


def main(data: Path, batch_bytes: int) -> None:
    """Obey until standard input ends. A line that is empty: nobody kills."""
    from affineur.settings import Settings
    from affineur.shell.index import open_index
    from affineur.shell.lake import collecting, gathering  # noqa: F401 -- loaded before the fork
    from affineur.shell.lake.opening import open_lake

    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            try:
                index = open_index(Settings(data=data))
                lake = open_lake(index.settings, index.store)
                collecting.collect(index.settings, index.store, lambda lake=lake: lake, batch_bytes=batch_bytes)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        if line.strip():
            time.sleep(float(line))
            os.kill(pid, signal.SIGKILL)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
