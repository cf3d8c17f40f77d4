"""A follower that is killed a moment after it began, like `kill -9`: told when on standard input, a line each.

It loads Affineur once, and forks for each line. Test support, not tests.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path


def main(data: Path, url: str) -> None:
    """Obey until standard input ends."""
    from affineur.projections import mirroring
    from affineur.settings import Settings
    from affineur.shell.index import open_index

    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            index = open_index(Settings(data=data))
            mirroring.follow(index, url, threading.Event(), mirroring.Manner())
            os._exit(0)
        time.sleep(float(line))
        os.kill(pid, signal.SIGKILL)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
