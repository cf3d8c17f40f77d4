"""Devices in words: what a browser or program calls itself, said so that its owner recognises it.

What does not live here: whether a device is known (`shell.store.sessions`). Nothing is decided by these words: any
program can call itself anything.
"""

from __future__ import annotations

import re

_BROWSERS = (
    ("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("FxiOS/", "Firefox"), ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"), ("Safari/", "Safari"),
)  # fmt: skip
"""In this order: each of them also names some of those below."""
_SYSTEMS = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"), ("Linux", "Linux"),
)  # fmt: skip
_PROGRAM = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,30}")


def spoken(user_agent: str) -> str:
    """``"Firefox on Linux"`` for a browser, ``"uv"`` for a program that names itself; else what is known of it."""
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), None)
    if user_agent.startswith("Mozilla/"):
        browser = next((name for mark, name in _BROWSERS if mark in user_agent), "A browser")
        return f"{browser} on {system}" if system else browser
    program = _PROGRAM.match(user_agent)
    return program.group() if program else "A program that does not say what it is"
