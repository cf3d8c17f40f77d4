"""What the mint endpoint calls a refusal: the few codes that clients know.

`uv`, `twine` and the publishing actions print ``code`` and ``description`` as they come; PEP 807 answers
problem details instead and needs no code.
"""

from __future__ import annotations

_CODES = {
    "publisher.invalid-payload": "invalid-payload",
    "publisher.issuer": "invalid-payload",
    "publisher.not-enabled": "not-enabled",
    "publisher.invalid-token": "invalid-token",
    "publisher.issuer-away": "invalid-token",
    "publisher.invalid-publisher": "invalid-publisher",
    "publisher.invalid-pending-publisher": "invalid-pending-publisher",
    "publisher.invalid-reuse-token": "invalid-reuse-token",
    "throttle.token-mint": "too-many-requests",
}


def error_code(rule: str) -> str:
    """The code for a refusal by ``rule``; ``invalid-publisher`` for rules that say who may publish what."""
    return _CODES.get(rule, "invalid-publisher")
