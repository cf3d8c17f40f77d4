"""``POST /legacy/``: who may upload, what the form must say, and how every answer looks on the wire."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from tests.core.distributions import core_metadata
from tests.services.affineur import MODES, Server, initialise, serve
from tests.web.uploading import (
    BOUNDARY,
    a_wheel,
    an_sdist,
    ask,
    basic,
    filenames,
    form,
    form_of,
    left_behind,
    new_token,
    open_socket,
    page,
    part,
    post,
    published,
    refused,
    request_head,
    upload,
)

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
FILE_TYPE = "application/octet-stream"


@pytest.fixture(scope="module", params=MODES)
def index(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests here, all in Python and behind nginx. Each test uses project names of its own."""
    data = tmp_path_factory.mktemp("uploads") / "data"
    with serve(data, initialise(data), mode=request.param) as running:
        yield running


# -- what an upload leads to


@pytest.mark.parametrize("make", [a_wheel, an_sdist])
def test_a_file_is_on_the_page_and_downloadable_when_the_200_arrives(index: Server, make: Callable) -> None:
    name = "soft-cheese" if make is a_wheel else "hard-cheese"
    file = make(name)
    answer = upload(index, file)
    published(answer)
    assert (answer.text, answer.headers["content-type"]) == ("", "text/plain; charset=utf-8")
    (listed,) = page(index, name)["files"]
    assert listed["hashes"] == {"sha256": file.sha256}
    where = f"/packages/{name}/1.0/{file.filename}"
    assert listed["url"].endswith(where)
    assert ask(index, "GET", where).body == file.data
    assert listed["core-metadata"], "an sdist whose metadata is static has a metadata file, too"
    assert ask(index, "GET", f"{where}.metadata").body == core_metadata(name)


def test_an_sdist_whose_requirements_are_dynamic_offers_no_metadata_file(index: Server) -> None:
    file = an_sdist("blue-cheese", metadata=core_metadata("blue-cheese", fields=[("Dynamic", "Requires-Dist")]))
    published(upload(index, file))
    assert page(index, "blue-cheese")["files"][0]["core-metadata"] is False
    assert ask(index, "GET", f"/packages/blue-cheese/1.0/{file.filename}.metadata").status == 404


def test_findings_that_are_no_ground_for_refusal_are_the_body_of_the_200(index: Server) -> None:
    wheel_file = b"Wheel-Version: 1.0\nTag: py2-none-any\n"
    answer = upload(index, a_wheel("warned", wheel_file=wheel_file))
    published(answer)
    assert "The tags in WHEEL are not those in the file name." in answer.text


def test_attestations_are_not_dropped_in_silence(index: Server) -> None:
    answer = upload(index, a_wheel("attested"), attestations="[]")
    published(answer)
    assert answer.text == "Attestations were not kept: this index does not check them yet."


# -- who may upload

NOBODY = "Invalid or non-existent authentication information."
NO_PASSWORDS = "Username/Password authentication is no longer supported. Migrate to API Tokens or Trusted Publishers"


@pytest.mark.parametrize(
    ("authorization", "text"),
    [
        (None, NOBODY),
        ("", NOBODY),
        ("Basic", NOBODY),
        ("Basic !!!", NOBODY),
        (basic("", ""), NOBODY),
        (basic("__token__", ""), NOBODY),
        (basic("__token__", "pypi-wrong"), NOBODY),
        ("Bearer pypi-wrong", NOBODY),
        ("Bearer", NOBODY),
        ("Digest username=ann", NOBODY),
        (basic("ann", "secret"), NO_PASSWORDS),
        (basic("ann", ""), NO_PASSWORDS),
    ],
)
def test_without_a_good_token_an_upload_is_403(index: Server, authorization: str | None, text: str) -> None:
    file = a_wheel("unauthorised")
    refused(post(index, form_of(file), authorization=authorization), text, status=403)
    assert page(index, "unauthorised") is None


def test_an_operators_token_behind_another_user_name_is_not_taken(index: Server) -> None:
    answer = post(index, form_of(a_wheel("unauthorised")), authorization=basic("operator", index.token))
    refused(answer, NO_PASSWORDS, status=403)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "token", "Token"])
def test_a_token_may_also_come_as_bearer_or_token(index: Server, scheme: str) -> None:
    file = a_wheel(f"by-{scheme}-{scheme.islower()}".lower())
    published(post(index, form_of(file), authorization=f"{scheme} {index.token}"))


def test_revoked_and_expired_tokens_are_403(index: Server) -> None:
    revoked = new_token(index, "past", LONG_AGO, revoked=True)
    refused(upload(index, a_wheel("unauthorised"), token=revoked), "The token was revoked.", status=403)
    expired = new_token(index, "past", LONG_AGO, lifetime=timedelta(days=1))
    refused(upload(index, a_wheel("unauthorised"), token=expired), "The token expired at", status=403)
    lasting = new_token(index, "past", LONG_AGO, lifetime=timedelta(days=365 * 1000))
    published(upload(index, a_wheel("authorised"), token=lasting))


def test_a_token_that_may_only_read_uploads_nothing(index: Server) -> None:
    reader = new_token(index, "reader", LONG_AGO, actions=["read"])
    answer = upload(index, a_wheel("unauthorised"), token=reader)
    refused(answer, "This token may not upload: it is for read only.", status=403)


def test_a_narrowed_token_is_good_for_its_own_projects_only(index: Server) -> None:
    narrow = new_token(index, "narrow", LONG_AGO, projects=("narrow-one",))
    published(upload(index, a_wheel("narrow-one"), token=narrow))
    published(upload(index, a_wheel("Narrow.One", "2.0"), token=narrow))
    answer = upload(index, a_wheel("narrow-two"), token=narrow)
    refused(answer, "The given token isn't allowed to create project 'narrow-two'.", status=403)
    published(upload(index, a_wheel("narrow-two"), token=new_token(index, "narrow", LONG_AGO)))
    answer = upload(index, a_wheel("narrow-two", "2.0"), token=narrow)
    refused(answer, "The given token isn't allowed to upload to project 'narrow-two'.", status=403)


def test_who_publishes_first_owns_the_project_and_others_may_not_upload_to_it(index: Server) -> None:
    ann, bob = (new_token(index, name, LONG_AGO) for name in ("ann", "bob"))
    published(upload(index, a_wheel("anns-cheese"), token=ann))
    published(upload(index, a_wheel("anns-cheese", "2.0"), token=ann))
    answer = upload(index, a_wheel("anns-cheese", "3.0"), token=bob)
    refused(answer, "The user 'bob' isn't allowed to upload to project 'anns-cheese'.", status=403)
    published(upload(index, a_wheel("anns-cheese", "3.0")))  # an operator may


def test_new_projects_can_be_left_to_operators(server: Callable[..., Server]) -> None:
    strict = server(environment={"AFFINEUR_NEW_PROJECTS": "operators"})
    ann = new_token(strict, "ann", LONG_AGO)
    refused(upload(strict, a_wheel("brie"), token=ann), "Only operators of this index may create projects", status=403)
    published(upload(strict, a_wheel("brie")))


# -- the form


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"_action": None}, "Send ':action' as 'file_upload'"),
        ({"_action": "nonsense"}, "Unknown action 'nonsense'."),
        ({"protocol_version": "2"}, "Unknown protocol version."),
        ({"filetype": None}, "Use a known file type."),
        ({"filetype": "bdist_egg"}, "Invalid value for filetype. Error: Use a known file type."),
        ({"filetype": "sdist", "pyversion": "source"}, "The form says 'sdist', but"),
        ({"sha256_digest": None}, "Include at least one message digest."),
        ({"sha256_digest": "abc"}, "Use a valid, hex-encoded, SHA256 message digest."),
        ({"md5_digest": "q" * 32}, "Use a valid, hex-encoded, MD5 message digest."),
        ({"blake2_256_digest": "0" * 63}, "Use a valid, hex-encoded, Blake2 message digest."),
        ({"sha256_digest": "0" * 64}, "The digest supplied does not match a digest calculated from the uploaded"),
        ({"md5_digest": "0" * 32}, "The digest supplied does not match"),
        ({"blake2_256_digest": "0" * 64}, "The digest supplied does not match"),
        ({"name": None}, "Invalid value for name. Error: This field is required."),
        ({"version": None}, "Invalid value for version. Error: This field is required."),
        ({"name": "-x-"}, "'-x-' is an invalid value for Name."),
        ({"name": "K\u212a"}, "is an invalid value for Name."),
        ({"version": "one"}, "'one' is an invalid value for Version."),
        ({"name": "other"}, "The form says project 'other', but 'formal-1.0-py3-none-any.whl' is of project 'formal'."),
        ({"version": "2.0"}, "The form says version '2.0', but"),
    ],
    ids=str,
)
def test_a_form_that_is_wrong_is_refused(index: Server, changes: dict[str, str | None], text: str) -> None:
    refused(upload(index, a_wheel("formal"), **changes), text)
    assert page(index, "formal") is None


def test_digests_are_taken_in_either_case_and_all_must_match(index: Server) -> None:
    file = a_wheel("digested")
    published(upload(index, file, sha256_digest=file.sha256.upper()))


def test_what_clients_only_approximate_is_not_held_against_them(index: Server) -> None:
    published(upload(index, a_wheel("Approximate.Name"), metadata_version="2.3", name="approximate-name"))
    published(upload(index, an_sdist("approximate-name"), pyversion=None, protocol_version=None, version="1.0.0"))
    odd = {"requires_python": "", "summary": "UNKNOWN", "x_unknown": "x", "gpg_signature": "x", "author": "a\x00b"}
    published(upload(index, a_wheel("approximate-name", "2.0"), **odd))


@pytest.mark.parametrize("plural", ["", "s"])
def test_import_names_come_in_both_spellings(index: Server, plural: str) -> None:
    fields = [("Import-Name", "foo"), ("Import-Namespace", "bar")]
    name = f"importable{plural}"
    file = a_wheel(name, metadata=core_metadata(name, fields=fields, metadata_version="2.5"))
    changes = {f"import_name{plural}": "foo", f"import_namespace{plural}": "bar", "metadata_version": "2.5"}
    published(upload(index, file, **changes))


@pytest.mark.parametrize(
    ("action", "text"),
    [
        ("submit", "Project pre-registration is no longer required or supported, upload your files instead."),
        ("submit_pkg_info", "Project pre-registration is no longer required or supported, upload your files instead."),
        ("doc_upload", "Uploading documentation is no longer supported"),
    ],
)
def test_actions_of_old_are_gone(index: Server, action: str, text: str) -> None:
    refused(post(index, form([(":action", action), ("name", "x")])), text, status=410)
    refused(post(index, form([("name", "x")]), path=f"/legacy/?:action={action}"), text, status=410)


def test_the_action_may_stand_in_the_query(index: Server) -> None:
    file = a_wheel("queried")
    published(post(index, form_of(file, _action=None), path="/legacy/?:action=file_upload"))


def test_without_the_slash_the_client_is_sent_to_the_right_address(index: Server) -> None:
    answer = post(index, form_of(a_wheel("slashless")), path="/legacy")
    assert answer.status == 308
    assert answer.headers["location"] == "/legacy/"
    assert answer.reason.startswith("An upload was attempted to /legacy but the expected upload URL is /legacy/")
    assert page(index, "slashless") is None


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_only_post_uploads(index: Server, method: str) -> None:
    assert ask(index, method, "/legacy/").status == 405


def test_a_form_without_a_file_is_refused(index: Server) -> None:
    fields = a_wheel("fileless").fields()
    refused(post(index, form(fields)), "Upload payload does not have a file.")
    refused(post(index, form([*fields, ("content", "text")])), "Upload payload does not have a file.")
    refused(post(index, form(fields, part("content", b"x", "", FILE_TYPE))), "Upload payload does not have a file.")


def test_a_picture_is_no_distribution_and_a_part_without_a_type_may_be_one(index: Server) -> None:
    file = a_wheel("untyped")
    refused(post(index, form(file.fields(), part("content", file.data, file.filename, "image/png"))), "Invalid distri")
    published(post(index, form(file.fields(), part("content", file.data, file.filename))))


def test_two_files_in_one_form_are_refused(index: Server) -> None:
    file = a_wheel("twofold")
    content = part("content", file.data, file.filename, FILE_TYPE)
    refused(post(index, form(file.fields(), content, content)), "The form brings more than one file.")
    assert page(index, "twofold") is None


def test_the_file_may_come_before_the_fields(index: Server) -> None:
    file = a_wheel("backwards")
    content = part("content", file.data, file.filename, FILE_TYPE)
    end = f"--{BOUNDARY}--\r\n".encode()
    published(post(index, content + form(file.fields()).removesuffix(end) + end))


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        (b"{}", "application/json", "The request is not multipart/form-data."),
        (b"a=b", "application/x-www-form-urlencoded", "The request is not multipart/form-data."),
        (b"", None, "The request is not multipart/form-data."),
        (b"", "multipart/form-data", "The request is not multipart/form-data."),
        (b"", "multipart/mixed; boundary=x", "The request is not multipart/form-data."),
        (b"", "multipart/form-data; boundary=x", "The form ended before its last boundary."),
        (b"nothing of the kind", "multipart/form-data; boundary=x", "The form cannot be read"),
        (form([("a", "b")])[:-9], "multipart/form-data; boundary=" + BOUNDARY, "The form ended before"),
        (form([("a", "b")]), "multipart/form-data; boundary=other", "The form cannot be read"),
        (form([("a" * 20_000, "b")]), "multipart/form-data; boundary=" + BOUNDARY, "The form cannot be read"),
        (form([("a", "b")] * 10_001), "multipart/form-data; boundary=" + BOUNDARY, "more than 10,000 fields"),
        (form([("a", "b" * 8_400_000)]), "multipart/form-data; boundary=" + BOUNDARY, "larger than 8 MiB"),
    ],
    ids=range(12),
)
def test_a_form_that_cannot_be_read_is_refused(index: Server, body: bytes, content_type: str | None, text: str) -> None:
    refused(post(index, body, content_type=content_type), text)


# -- how a refusal looks


def test_the_body_of_a_refusal_is_what_accept_prefers(index: Server) -> None:
    body = form_of(a_wheel("formal"), protocol_version="2")
    sentence = "Unknown protocol version. Send protocol_version 1, or leave it out."
    for accept, kind in (
        (None, "text/plain; charset=utf-8"),
        ("*/*", "text/plain; charset=utf-8"),
        ("text/html", "text/plain; charset=utf-8"),
        ("application/json", "application/json"),
        ("application/json;q=0.9, text/plain;q=0.8, text/html;q=0.7", "application/json"),
        ("application/problem+json", "application/problem+json"),
        ("application/json; q=0.1, application/problem+json", "application/problem+json"),
    ):
        answer = post(index, body, accept=accept)
        refused(answer, sentence)
        assert answer.headers["content-type"] == kind
        assert answer.headers["cache-control"] == "no-store"
        if kind == "application/json":
            said = answer.json
            assert (said["message"], said["code"], said["title"]) == (sentence, f"400 {sentence}", "Bad Request")
        elif kind == "application/problem+json":
            said = answer.json
            assert (said["status"], said["title"], said["detail"]) == (400, "Bad Request", sentence)
            assert said["type"].endswith("/form.protocol-version")
        else:
            assert answer.text == f"400 Bad Request\n\n{sentence}\n"


def test_the_status_line_is_the_message_itself_and_says_nothing_else(index: Server) -> None:
    body = form_of(a_wheel("formal"), protocol_version="2")
    with open_socket(index) as raw:
        raw.sendall(request_head(index, len(body)) + body)
        head = raw.recv(65536).partition(b"\r\n\r\n")[0]
    lines = head.split(b"\r\n")
    assert lines[0] == b"HTTP/1.1 400 Unknown protocol version. Send protocol_version 1, or leave it out."
    assert not [line for line in lines[1:] if line.lower().startswith(b"x-reason")]


def test_a_message_cannot_break_out_of_the_status_line(index: Server) -> None:
    evil = "1.0\r\nSet-Cookie: a=b\r\n\r\n<script>"
    answer = upload(index, a_wheel("formal"), version=evil)
    refused(answer, "is an invalid value for Version.")
    assert "set-cookie" not in answer.headers
    file = a_wheel("formal")
    named = part("content", file.data, "f\u00fc\u20ac-1.0.whl", FILE_TYPE)
    refused(post(index, form(file.fields(), named)), "contains characters that are not allowed")


# -- again, and other files


def test_the_same_file_again_is_200_and_changes_nothing(index: Server) -> None:
    file = a_wheel("again")
    published(upload(index, file))
    before = page(index, "again")
    published(upload(index, file))
    assert page(index, "again") == before


def test_one_name_has_one_content_and_one_content_one_name(index: Server) -> None:
    file = a_wheel("unique")
    published(upload(index, file))
    other = a_wheel("unique", files={"unique/__init__.py": b"other"})
    refused(upload(index, other), "File already exists ('unique-1.0-py3-none-any.whl'")
    renamed = a_wheel("unique", tags="py2.py3-none-any")
    assert renamed.data == file.data

    refused(upload(index, renamed), "File already exists ('unique-1.0-py3-none-any.whl', with blake2_256 hash '")
    assert filenames(index, "unique") == [file.filename]


def test_nothing_that_was_refused_has_left_a_trace(index: Server) -> None:
    refused(upload(index, a_wheel("traceless"), sha256_digest="0" * 64))
    refused(upload(index, a_wheel("traceless", metadata=core_metadata("other"))))
    assert left_behind(index) == []
    assert ask(index, "GET", "/simple/traceless/").status == 404
