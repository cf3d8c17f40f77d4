"""Collecting, now and then: downloads get from the request log of this machine into the lake.

What does not live here: how a log is read (`shell.lake.collecting`), and what is made of events
(`projections.downloads`).
"""

from __future__ import annotations

import logging
import threading

from affineur.shell.index import Index
from affineur.shell.lake.collecting import Busy, collect
from affineur.shell.lake.port import LakeAway
from affineur.shell.store.lake_logs import Moved

log = logging.getLogger(__name__)


def keep_collecting(index: Index, stop: threading.Event) -> None:
    """Collect every ``collect_seconds`` until ``stop`` is set; never where that is 0.

    Run it in a thread of its own: many lines may wait, and new names must not wait for them. What fails is logged, and
    tried again the next time.
    """
    pause_seconds = index.settings.collect_seconds
    while pause_seconds and not stop.wait(pause_seconds):
        try:
            collect(index.settings, index.store, lambda: index.lake, is_ending=stop.is_set)
        except (Busy, Moved):
            pass  # somebody else does it
        except LakeAway as error:
            log.warning("downloads wait to be counted", extra={"reason": str(error)})
        except Exception:
            log.exception("downloads were not counted; trying again in %g seconds", pause_seconds)
