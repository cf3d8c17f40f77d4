"""Macaroons: their text, their chain, and that others understand them as we do."""

from __future__ import annotations

import base64
import itertools
import string

import pymacaroons
import pypitoken
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from affineur.core.people.macaroons import (
    MAXIMUM_CAVEATS,
    MAXIMUM_TEXT,
    PREFIX,
    Macaroon,
    is_genuine,
    mint,
    narrow,
    read,
    write,
)

KEY = bytes(range(32))
LOCATION = "index.example.org"
IDENTIFIER = "5f0c6b1e-6ad0-4b3c-9e0e-0d2b7a1f9c11"
CAVEATS = (b'[3,"7"]', b'[1,["demo"]]', b'["actions",["upload"]]')
TOKEN = mint(KEY, LOCATION, IDENTIFIER, CAVEATS)

texts = st.text(st.characters(codec="utf-8"), max_size=40)
macaroons = st.builds(
    mint,
    st.binary(max_size=80),
    texts.filter(bool),
    texts,
    st.lists(st.binary(max_size=300), max_size=8),
)


def spelled(raw: bytes) -> str:
    return PREFIX + base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def raw_of(macaroon: Macaroon) -> bytes:
    body = write(macaroon).removeprefix(PREFIX)
    return base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))


def packet(kind: int, payload: bytes) -> bytes:
    assert len(payload) < 128
    return bytes((kind, len(payload))) + payload


HEAD = b"\x02" + packet(1, b"here") + packet(2, b"id") + b"\0"
TAIL = b"\0" + packet(6, bytes(32))


# --- the text ---------------------------------------------------------------------------------------------------------


@given(macaroons)
def test_what_is_written_is_read_as_it_was(macaroon: Macaroon) -> None:
    assert read(write(macaroon)) == macaroon


@given(macaroons)
def test_padding_may_be_there_or_not(macaroon: Macaroon) -> None:
    text = write(macaroon)
    assert not text.endswith("=")
    assert read(text + "=" * (-len(text.removeprefix(PREFIX)) % 4)) == macaroon


@pytest.mark.parametrize("length", [0, 1, 127, 128, 129, 255, 256, 5000])
def test_a_caveat_of_any_length_survives(length: int) -> None:
    macaroon = mint(KEY, LOCATION, IDENTIFIER, [b"x" * length, b"y"])
    assert read(write(macaroon)) == macaroon


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "does not start with"),
        ("affineur-AgEE", "does not start with"),
        ("PYPI-AgEE", "does not start with"),
        (" " + write(TOKEN), "does not start with"),
        ("pypi-", "version 2"),
        ("pypi-A", "Base64"),
        ("pypi-AgE", "too early"),
        ("pypi-A+/A", "Base64"),
        ("pypi-AgE\n", "Base64"),
        ("pypi-AgEé", "Base64"),
        ("pypi-AgE==", "Base64"),
        (write(TOKEN) + "\n", "Base64"),
        (write(TOKEN) + "====", "Base64"),
        (write(TOKEN).replace("-", "- ", 2), "Base64"),
        (spelled(b"0011location"), "version 2"),
        (spelled(b"\x01" + HEAD[1:] + TAIL), "version 2"),
        (spelled(b"\x02" + packet(2, b"id") + b"\0" + TAIL), "order"),
        (spelled(b"\x02" + packet(1, b"here") + b"\0" + TAIL), "order"),
        (spelled(b"\x02" + packet(1, b"") + packet(2, b"id") + b"\0" + TAIL), "does not name the index"),
        (spelled(b"\x02" + packet(1, b"\xff") + packet(2, b"id") + b"\0" + TAIL), "UTF-8"),
        (spelled(b"\x02" + packet(1, b"here") + packet(2, b"\xff") + b"\0" + TAIL), "UTF-8"),
        (spelled(HEAD + packet(1, b"there") + packet(2, b"c") + packet(4, b"v") + b"\0" + TAIL), "third-party"),
        (spelled(HEAD + packet(2, b"c") + packet(4, b"v") + b"\0" + TAIL), "third-party"),
        (spelled(HEAD + packet(3, b"c") + b"\0" + TAIL), "order"),
        (spelled(HEAD + packet(2, b"c") + packet(2, b"d") + b"\0" + TAIL), "order"),
        (spelled(HEAD + b"\0" + packet(6, bytes(31))), "32 bytes"),
        (spelled(HEAD + b"\0" + packet(6, bytes(33))), "32 bytes"),
        (spelled(HEAD + b"\0" + packet(5, bytes(32))), "order"),
        (spelled(HEAD + TAIL + b"\0"), "follows"),
        (spelled(HEAD), "too early"),
        (spelled(HEAD + TAIL[:-1]), "too early"),
        (spelled(HEAD + b"\x02\x81\x00c\0" + TAIL), "not written as it must be"),
        (spelled(HEAD + b"\x02\x81\x81\x01c\0" + TAIL), "not written as it must be"),
        (spelled(HEAD + b"\x02\xff\x7fc\0" + TAIL), "too early"),
        ("pypi-" + "A" * MAXIMUM_TEXT, f"at most {MAXIMUM_TEXT} characters"),
    ],
)
def test_what_is_no_token_is_refused_with_a_sentence(text: str, says: str) -> None:
    with pytest.raises(ValueError, match="token") as refused:
        read(text)
    assert says in str(refused.value)


@given(st.one_of(st.text(max_size=300), st.binary(max_size=300).map(spelled), st.text(max_size=80).map(PREFIX.__add__)))
@settings(max_examples=400)
@example(spelled(HEAD + TAIL))
def test_anything_is_read_or_refused_and_has_one_spelling(text: str) -> None:
    try:
        macaroon = read(text)
    except ValueError as error:
        assert type(error) is ValueError
        return
    assert write(macaroon) == text.rstrip("=")


@given(st.lists(st.sampled_from([*range(8), 0x7F, 0x80, 0x81, 0xFF, 32]), max_size=60), st.integers(0, 40))
@settings(max_examples=400)
def test_bytes_that_look_like_a_token_are_read_or_refused(tail: list[int], kept: int) -> None:
    try:
        macaroon = read(text := spelled(raw_of(TOKEN)[:kept] + bytes(tail)))
    except ValueError as error:
        assert type(error) is ValueError
        return
    assert write(macaroon) == text


def test_left_over_bits_of_the_last_character_are_refused() -> None:
    text = next(
        write(token)
        for n in range(3)
        if len(write(token := mint(KEY, "x" * (n + 1), "i", [])).removeprefix(PREFIX)) % 4 == 2
    )
    alphabet = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
    neighbour = alphabet[alphabet.index(text[-1]) + 1]
    with pytest.raises(ValueError, match="Base64"):
        read(text[:-1] + neighbour)


def test_a_refusal_tells_nothing_of_the_token() -> None:
    for cut in range(len(PREFIX) + 8, len(write(TOKEN))):
        with pytest.raises(ValueError, match="token") as refused:
            read(write(TOKEN)[:cut])
        assert write(TOKEN)[len(PREFIX) : len(PREFIX) + 8] not in str(refused.value)
        assert refused.value.__cause__ is None


def test_showing_a_token_does_not_show_its_secret() -> None:
    shown = repr(TOKEN)
    assert IDENTIFIER in shown
    assert "signature" not in shown
    assert repr(TOKEN.signature) not in shown


# --- bounds -----------------------------------------------------------------------------------------------------------


def test_a_token_has_at_most_a_hundred_caveats() -> None:
    full = mint(KEY, LOCATION, IDENTIFIER, [b"x"] * MAXIMUM_CAVEATS)
    assert read(write(full)) == full
    with pytest.raises(ValueError, match="at most 100 caveats"):
        narrow(full, b"x")
    with pytest.raises(ValueError, match="at most 100 caveats"):
        mint(KEY, LOCATION, IDENTIFIER, [b"x"] * (MAXIMUM_CAVEATS + 1))
    with pytest.raises(ValueError, match="at most 100 caveats"):
        read(spelled(HEAD + (packet(2, b"x") + b"\0") * (MAXIMUM_CAVEATS + 1) + TAIL))


def test_a_token_that_would_be_too_long_to_read_is_not_written() -> None:
    longest = max(length for length in range(6000, 6200) if _writes(mint(KEY, LOCATION, IDENTIFIER, [b"x" * length])))
    text = write(mint(KEY, LOCATION, IDENTIFIER, [b"x" * longest]))
    assert MAXIMUM_TEXT - 2 <= len(text) <= MAXIMUM_TEXT
    assert is_genuine(read(text), KEY)
    for length in (longest + 1, 100_000):
        with pytest.raises(ValueError, match="at most 8192 characters"):
            write(mint(KEY, LOCATION, IDENTIFIER, [b"x" * length]))


def _writes(macaroon: Macaroon) -> bool:
    try:
        return bool(write(macaroon))
    except ValueError:
        return False


def test_a_token_names_its_index() -> None:
    with pytest.raises(ValueError, match="names the index"):
        mint(KEY, "", IDENTIFIER, [])


# --- the chain --------------------------------------------------------------------------------------------------------


@given(macaroons, st.lists(st.binary(max_size=40), max_size=4))
def test_a_holder_narrows_as_the_index_would_have_minted(macaroon: Macaroon, more: list[bytes]) -> None:
    minted = mint(KEY, macaroon.location, macaroon.identifier, [*macaroon.caveats, *more])
    bare = mint(KEY, macaroon.location, macaroon.identifier, macaroon.caveats)
    assert narrow(bare, *more) == minted
    assert is_genuine(minted, KEY)


@given(st.binary(max_size=100), st.binary(max_size=100))
@example(b"", b"\0")
@example(b"key", b"key\0")
@example(KEY, KEY)
def test_a_token_is_genuine_with_its_own_key_only(key: bytes, other: bytes) -> None:
    # HMAC pads short keys with zero bytes; the derivation must not let two keys be one.
    token = mint(key, LOCATION, IDENTIFIER, CAVEATS)
    assert is_genuine(token, other) is (key == other)


def test_each_byte_of_a_token_counts() -> None:
    """But for the location, which macaroons do not sign; nothing is decided by it."""
    raw = raw_of(TOKEN)
    location = range(3, 3 + len(LOCATION))
    assert raw[location.start : location.stop] == LOCATION.encode()
    for place, flipped in itertools.product(range(len(raw)), (1, 0x20, 0x80, 0xFF)):
        changed = bytearray(raw)
        changed[place] ^= flipped
        try:
            read_back = read(spelled(bytes(changed)))
        except ValueError:
            continue
        assert is_genuine(read_back, KEY) is (place in location), place


def test_each_character_of_a_token_counts() -> None:
    text = write(TOKEN)
    for place in range(len(PREFIX) + 30, len(text)):
        changed = text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]
        try:
            assert not is_genuine(read(changed), KEY), place
        except ValueError:
            continue


def test_caveats_cannot_be_taken_away_reordered_repeated_or_moved() -> None:
    orders = {order for length in range(5) for order in itertools.product(CAVEATS, repeat=length) if order != CAVEATS}
    for order in orders:
        assert not is_genuine(Macaroon(LOCATION, IDENTIFIER, order, TOKEN.signature), KEY)
    first, second, third = CAVEATS
    for joined in ((first + second, third), (first, second + third), (first + second + third,), (*CAVEATS, b"")):
        assert not is_genuine(Macaroon(LOCATION, IDENTIFIER, joined, TOKEN.signature), KEY)


def test_another_identifier_is_another_token() -> None:
    assert not is_genuine(Macaroon(LOCATION, IDENTIFIER[:-1] + "0", CAVEATS, TOKEN.signature), KEY)


@pytest.mark.parametrize("signature", [b"", bytes(32), TOKEN.signature[:-1], TOKEN.signature + b"\0"])
def test_another_signature_is_not_genuine(signature: bytes) -> None:
    assert not is_genuine(Macaroon(LOCATION, IDENTIFIER, CAVEATS, signature), KEY)


# --- others -----------------------------------------------------------------------------------------------------------


@given(st.binary(min_size=1, max_size=80), st.lists(st.text(string.printable, min_size=1, max_size=200), max_size=5))
@settings(max_examples=50)
def test_pymacaroons_makes_the_same_token(key: bytes, caveats: list[str]) -> None:
    theirs = pymacaroons.Macaroon(location=LOCATION, identifier=IDENTIFIER, key=key, version=pymacaroons.MACAROON_V2)
    for caveat in caveats:
        theirs.add_first_party_caveat(caveat)
    ours = mint(key, LOCATION, IDENTIFIER, [caveat.encode() for caveat in caveats])
    assert write(ours) == PREFIX + theirs.serialize()
    assert read(PREFIX + theirs.serialize()) == ours


def test_pypitoken_reads_narrows_and_verifies_our_token() -> None:
    ours = mint(b"a key of our own", LOCATION, IDENTIFIER, [b'[1,["demo"]]'])
    theirs = pypitoken.Token.load(write(ours))
    assert (theirs.domain, theirs.identifier) == (LOCATION, IDENTIFIER)
    theirs.check(key="a key of our own", project_name="demo")
    with pytest.raises(pypitoken.ValidationError):
        theirs.check(key="a key of our own", project_name="other")
    with pytest.raises(pypitoken.ValidationError):
        theirs.check(key="another key", project_name="demo")
    theirs.restrict(not_before=1, not_after=2)
    back = read(theirs.dump())
    assert back.caveats == (b'[1,["demo"]]', b"[0, 2, 1]")
    assert is_genuine(back, b"a key of our own")


def test_we_verify_and_narrow_what_pypitoken_makes() -> None:
    theirs = pypitoken.Token.create(domain=LOCATION, identifier=IDENTIFIER, key="their key", prefix="pypi")
    theirs.restrict(project_names=["demo"])
    ours = read(theirs.dump())
    assert is_genuine(ours, b"their key")
    assert not is_genuine(ours, b"our key")
    narrowed = pypitoken.Token.load(write(narrow(ours, b"[0,20,10]")))
    narrowed.check(key="their key", project_name="demo", now=10)
    with pytest.raises(pypitoken.ValidationError):
        narrowed.check(key="their key", project_name="demo", now=20)
