"""Signing in by a passkey alone: what anybody may begin, before anything is known of them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from tests.indexes import START, new_index

from affineur.actions.beginning import Stranger
from affineur.actions.second_stage import begin_passkey_sign_in
from affineur.core.decision import Refused
from affineur.core.security import CONSOLE

NOW = START + timedelta(days=1)


def test_what_anybody_may_begin_without_end_is_bounded_by_address(tmp_path: Path) -> None:
    """Each sign-in that is begun is a row, and nobody has to finish it."""
    index = new_index(tmp_path / "data", base_url="http://localhost:8000/")
    one, other = (Stranger(NOW, CONSOLE, f"192.0.2.{last}") for last in (1, 2))
    for _ in range(60):
        begin_passkey_sign_in(index, one)
    with pytest.raises(Refused) as caught:
        begin_passkey_sign_in(index, one)
    assert caught.value.decision.rule == "throttle.passkey-sign-in"
    assert begin_passkey_sign_in(index, other).secret
    index.close()
