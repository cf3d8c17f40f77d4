"""Rules about what programs send to the API."""

from __future__ import annotations

from .rule import Group, Rule

API = (
    Group(
        "The API",
        "What programs send to `/api/v1`.",
        "A request that can be read in two ways is done in neither: programs repeat their mistakes quickly.",
        (
            Rule("api.not-found", "There is nothing at this address of the API."),
            Rule("api.method", "The address does not take this method; `Allow` names those it does."),
            Rule("api.accept", "The API answers in JSON."),
            Rule(
                "api.size",
                "A body keeps below the size that the API reads; the answer says how much that is.",
                "Reading a request must not exhaust the server.",
            ),
            Rule("api.content-type", "A body is plain JSON, sent as application/json."),
            Rule("api.syntax", "A body is well-formed JSON in UTF-8."),
            Rule(
                "api.fields", "Every value has the type and size that the operation declares; there is no unknown one."
            ),
            Rule("api.idempotency-key", "A key is one text in quotes, sent by a caller with an account."),
            Rule(
                "api.idempotency-reused",
                "A key stands for one request with one token.",
                "Else two different requests would be taken for one, and the second never done.",
            ),
            Rule("api.idempotency-running", "The first request with the key has not ended."),
            Rule(
                "api.idempotency-unknown",
                "The first request with the key broke off; look whether it was done.",
                "Doing it twice may be worse than not at all; only you can tell.",
            ),
            Rule(
                "api.idempotency-secret",
                "It was done; its secret was told once and is not kept.",
                "A secret that is kept can be stolen.",
            ),
            Rule(
                "api.failed",
                "Something failed here; the operator finds it in the log.",
                "What went wrong inside is for those who can mend it, and may hold what is not for others.",
            ),
        ),
    ),
)
