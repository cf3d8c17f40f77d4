"""Structured logs: one JSON object a line on standard error, through the standard library's logging.

A message never has values in it: ``log.warning("process ended", extra={"process": name})``.
"""

from __future__ import annotations

import logging
import sys

from pythonjsonlogger.json import JsonFormatter


def configure(level: str) -> None:
    """Send our own logs at ``level`` and those of libraries, from warnings up, through one shape."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        JsonFormatter(
            "%(levelname)s %(name)s %(message)s",
            timestamp=True,
            rename_fields={"levelname": "level", "name": "logger", "message": "event"},
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("affineur").setLevel(level.upper())
