"""Tables for spreadsheets: lines of CSV (RFC 4180) whose cells a spreadsheet shows and never runs.

What does not live here: what is in a table.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What spreadsheets take for the beginning of a formula (OWASP, "CSV Injection")."""


def line(cells: Iterable[object]) -> bytes:
    """One line of CSV in UTF-8, ended by CR LF. None is empty; text that looks like a formula begins with ``'``."""
    written = io.StringIO()
    csv.writer(written).writerow([_cell(cell) for cell in cells])
    return written.getvalue().encode()


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = str(value)
    # Spaces before it do not help: some programs strip them.
    return f"'{text}" if isinstance(value, str) and text.lstrip(" ").startswith(_STARTS_A_FORMULA) else text
