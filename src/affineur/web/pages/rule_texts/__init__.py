"""What each rule asks for, in words: the contents of ``/help/rules``.

A message names its rule (``upload.window``); here is what the rule wants and why. A test holds the ids against
those in the source. What does not live here: the rules themselves (`core`), and the sentences they answer with.
"""

from .group import Group
from .people import PEOPLE
from .publishing import PUBLISHING

GROUPS: tuple[Group, ...] = (*PEOPLE, *PUBLISHING)

__all__ = ["GROUPS", "Group"]
