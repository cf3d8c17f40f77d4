"""Classes of downloads: who made one, as far as its user agent tells. A table with versions, and a reason a line.

What does not live here: how a user agent is taken apart (`agents`).
"""

from __future__ import annotations

from typing import Literal

Class = Literal["installer", "mirror", "browser", "automation", "unknown"]
CLASSES: tuple[Class, ...] = ("installer", "mirror", "browser", "automation", "unknown")
