"""Names of accounts and e-mail addresses: what is one, and which two are the same."""

from __future__ import annotations

import pytest

from affineur.core.decision import Refused
from affineur.core.people.accounts import (
    RESERVED,
    Registration,
    address_key,
    chosen_name,
    lookalike_key,
    registration,
    require_name,
)
from affineur.core.people.devices import spoken


@pytest.mark.parametrize("name", ["ab", "a" * 40, "Ann-Smith", "a.b_c", "42", "pietro"])
def test_a_readable_name_can_be_chosen(name: str) -> None:
    assert chosen_name(name, taken=False, similar=None).allowed


@pytest.mark.parametrize(
    "name", ["", "a", "a" * 41, "-a", "a-", ".a", "a b", "a\n", "ann@example.org", "a+b", "аnn", "ann\u200b", "a/b"]
)
def test_a_name_that_would_be_misread_cannot(name: str) -> None:
    assert chosen_name(name, taken=False, similar=None).rule == "account.name"


@pytest.mark.parametrize("name", [*sorted(RESERVED), "Admin", "r00t", "sup-port", "0PERATOR", "_"])
def test_nobody_takes_a_name_that_speaks_for_the_index(name: str) -> None:
    decision = chosen_name(name, taken=False, similar=None)
    assert decision.rule == ("account.name" if name == "_" else "account.reserved")


def test_a_name_that_is_taken_or_looks_like_one_is_refused() -> None:
    assert chosen_name("ann", taken=True, similar="ann").rule == "account.taken"
    assert chosen_name("b1ll", taken=False, similar="bill").rule == "account.lookalike"
    assert lookalike_key("B1-ll") == lookalike_key("bill") == "b111"


def test_the_console_may_give_names_that_people_may_not_choose() -> None:
    for name in ("admin", "ci+bot@example.org", "a" * 100):
        require_name(name)
    for name in ("", "a" * 101, "-a", "a b", "é"):
        with pytest.raises(Refused, match="cannot be the name"):
            require_name(name)


def test_addresses_are_compared_in_one_case_and_one_composition() -> None:
    assert address_key(" Ann@Example.ORG ") == "ann@example.org"
    assert address_key("e\u0301@example.org") == address_key("\u00e9@example.org")
    assert address_key("ann@example.org") != address_key("a.nn@example.org")
    assert address_key("\u0131@example.org") != address_key("i@example.org"), "a dotless i is another letter"


@pytest.mark.parametrize(
    ("setting", "invited", "rule"),
    [
        ("open", False, "register"),
        ("open", True, "register"),
        ("invitation", False, "register.invitation"),
        ("invitation", True, "register"),
        ("closed", False, "register.closed"),
        ("closed", True, "register.closed"),
    ],
)
def test_who_may_make_an_account_follows_the_setting(setting: Registration, invited: bool, rule: str) -> None:
    decision = registration(setting, invited)
    assert (decision.rule, decision.allowed) == (rule, rule == "register")


@pytest.mark.parametrize(
    ("user_agent", "said"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 14_0) AppleWebKit/605 Version/18 Safari/605", "Safari on macOS"),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        ("Mozilla/5.0", "A browser"),
        ("uv/0.9.1 {}", "uv"),
        ("", "A program that does not say what it is"),
        ("<script>", "A program that does not say what it is"),
    ],
)
def test_a_device_is_called_what_its_owner_calls_it(user_agent: str, said: str) -> None:
    assert spoken(user_agent) == said
