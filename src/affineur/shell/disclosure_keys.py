"""The keys of those who report found tokens: asked for at the configured addresses only, and kept for a while.

What does not live here: who may report and what a report says (`core.people.disclosure`).
Source: the secret scanning partner programme of GitHub: ``{"public_keys": [{"key_identifier", "key", "is_current"}]}``
with keys in PEM, and signatures (ECDSA with SHA-256, DER in Base64) over the raw body.
"""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NoReturn

import httpx
import orjson
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from affineur.core.decision import refuse
from affineur.core.distributions.acceptance import quoted
from affineur.core.people.disclosure import Reporter

FRESH_FOR = timedelta(minutes=30)
"""A key that was taken back is forgotten after this time."""
ASKED_AGAIN_AFTER = timedelta(seconds=60)
"""An unknown key makes us ask, but not more often: anybody can make one up."""
MAXIMUM_DOCUMENT_BYTES = 256 * 1024
MAXIMUM_KEYS = 100
LEAST_CURVE_BITS = 256
_STEP_SECONDS = 5.0
_FETCH_SECONDS = 10.0


@dataclass(slots=True)
class _Keys:
    """What is known of one reporter's keys; ``lock`` is held by whoever asks."""

    by_id: Mapping[str, EllipticCurvePublicKey] = field(default_factory=dict)
    asked_at: datetime | None = None
    got_at: datetime | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


class DisclosureKeys:
    """Checks signatures of reports. Safe to share between threads; one for each process."""

    def __init__(self, client: httpx.Client | None = None) -> None:
        """``client`` is for those who need other certificates or proxies."""
        self._client = client or httpx.Client(timeout=_STEP_SECONDS)
        self._known: dict[str, _Keys] = {}

    def require_signed(self, reporter: Reporter, key_id: str, signature: str, body: bytes, now: datetime) -> None:
        """`Refused` unless ``signature`` (Base64) over ``body`` was made with the reporter's key ``key_id``.

        ``disclosure.signature``: it was not, or there is no such key. ``disclosure.keys-away``: the keys cannot be had.
        May take 10 seconds where they have to be asked for: call it off the event loop.
        """
        key = self._key(reporter, key_id, now)
        try:
            key.verify(base64.b64decode(signature, validate=True), body, ECDSA(SHA256()))
        except (InvalidSignature, ValueError):
            _unsigned("The signature does not fit the report and the key it names.")

    def _key(self, reporter: Reporter, key_id: str, now: datetime) -> EllipticCurvePublicKey:
        keys = self._known.setdefault(reporter.keys_url, _Keys())
        if keys.got_at is None or now - keys.got_at > FRESH_FOR or key_id not in keys.by_id:
            with keys.lock:
                if keys.asked_at is None or now - keys.asked_at >= ASKED_AGAIN_AFTER:
                    self._refresh(reporter, keys, now)
        if keys.got_at is None or now - keys.got_at > FRESH_FOR + ASKED_AGAIN_AFTER:
            refuse(
                "disclosure.keys-away",
                f"The keys of {reporter.name} cannot be had at present, so the report cannot be believed.",
                f"Send it again in {ASKED_AGAIN_AFTER // timedelta(seconds=1)} seconds.",
                retry_after_seconds=ASKED_AGAIN_AFTER // timedelta(seconds=1),
            )
        found = keys.by_id.get(key_id)
        if found is None:
            _unsigned(f"{reporter.name} has no key {quoted(key_id)}.")
        return found

    def _refresh(self, reporter: Reporter, keys: _Keys, now: datetime) -> None:
        keys.asked_at = now
        try:
            keys.by_id = _usable(self._document(reporter.keys_url))
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, ValueError):
            return  # what is known goes on as long as it is fresh
        keys.got_at = now

    def _document(self, url: str) -> object:
        """The JSON at ``url``. Redirects are not followed: they could lead anywhere. ValueError for anything else."""
        deadline, body = time.monotonic() + _FETCH_SECONDS, bytearray()
        headers = {"accept": "application/json", "accept-encoding": "identity", "user-agent": "affineur"}
        with self._client.stream("GET", url, headers=headers, follow_redirects=False) as answer:
            if answer.status_code != httpx.codes.OK or "content-encoding" in answer.headers:
                raise ValueError("no plain answer")
            for piece in answer.iter_raw(16 * 1024):
                body += piece
                if len(body) > MAXIMUM_DOCUMENT_BYTES or time.monotonic() > deadline:
                    raise ValueError("too long")
        return orjson.loads(body)

    def close(self) -> None:
        """Close connections."""
        self._client.close()


def _usable(document: object) -> Mapping[str, EllipticCurvePublicKey]:
    """The keys in a document that are for us. ValueError where it is no document of keys."""
    listed = document.get("public_keys") if isinstance(document, dict) else None
    if not isinstance(listed, list) or len(listed) > MAXIMUM_KEYS:
        raise ValueError("no list of keys")
    found: dict[str, EllipticCurvePublicKey] = {}
    for one in listed:
        if not isinstance(one, dict) or not isinstance(one.get("key_identifier"), str):
            continue
        try:
            key = load_pem_public_key(str(one.get("key")).encode())
        except (ValueError, UnsupportedAlgorithm):
            continue
        if isinstance(key, EllipticCurvePublicKey) and key.curve.key_size >= LEAST_CURVE_BITS:
            found[one["key_identifier"]] = key
    return found


def _unsigned(sentence: str) -> NoReturn:
    refuse("disclosure.signature", sentence, "Sign the body as it is sent, with a key that is listed.")
