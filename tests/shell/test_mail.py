"""Mail: every letter in both forms, what people can and cannot put into it, and handing it to real mail servers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from socket import create_server

import jinja2
import pytest
from tests.services.certificates import new_certificate
from tests.services.smtp import PASSWORD, USER, PostOffice

from affineur.settings import Settings, SettingsError
from affineur.shell.mail import message, rendering
from affineur.shell.mail.letters import PATHS, TEMPLATES, UnfitMail, require_address, require_fit
from affineur.shell.mail.rendering import House, Rendered, render
from affineur.shell.mail.sending import Line, Outcome, Server, parse_server

NOW = datetime(2026, 3, 29, 23, 59, 30, tzinfo=UTC)
HOUSE = House("The Cellar", "https://index.example.org/py/", "help@example.org")

SAMPLES: dict[str, object] = {
    "account": "ann",
    "address": "new@example.org",
    "affected": ["Managing projects"],
    "answer": "accepted",
    "at": NOW,
    "by": "bea",
    "case": "2026-0017",
    "cases": ["2026-0017 (brie)", "2026-0018 (comte)"],
    "beside": "The project is archived, and stays so: you owe nobody anything for it.",
    "chains": ["app → brie"],
    "code": "malware",
    "day": "2026-03-28",
    "days_left": 30,
    "delays": ["From 2026-04-28 on: one owner alone unarchives it later."],
    "device": "Firefox on Linux",
    "due_at": NOW + timedelta(hours=72),
    "exits": ["Archive it."],
    "expires_at": NOW + timedelta(days=7),
    "files": ["brie-1.0.tar.gz", "brie-1.0-py3-none-any.whl"],
    "found_in": "https://code.example.org/x/blob/settings.py",
    "host": "hooks.example.org",
    "impact": "C3",
    "installers": ["pip: 12,345"],
    "instead_of": "chèvre",
    "inviter": "bea",
    "kind": "passkey",
    "label": "laptop",
    "left": 3,
    "link": "account/link?ticket=s3cret",
    "machine": "bot",
    "means": "It stays on offer and takes no new files.",
    "minutes": 60,
    "name": "blue key",
    "note": "You ended all other sessions.",
    "notice_days": 30,
    "objection": "I still\nmaintain it.",
    "office": "moderator",
    "on": NOW + timedelta(days=30),
    "outcome": "kept",
    "page": "account/page",
    "evidence": "brie/__init__.py, line 3: reads a key.",
    "place": "192.0.2.0/24",
    "project": "brie",
    "projects": ["brie", "comte"],
    "protects": ["It takes two moderators to find it harmful."],
    "publisher": "github: fromage/brie, release.yml",
    "publishers": ["github: fromage/brie, release.yml"],
    "reason": "No longer here.",
    "reasons": ["Steady installs: 12,345 (limit 10,000)"],
    "reported_by": "github",
    "role": "owner",
    "scope": "upload to brie",
    "sender": "bea",
    "since": NOW - timedelta(days=5),
    "sponsors": 1,
    "text": "Hello,\n\nwill you release?",
    "title": "Security keys",
    "tokens": ["release job", "laptop"],
    "topic": "Releases",
    "unchanged": ["Publishing."],
    "unaffected": ["Uploads with tokens"],
    "until": NOW + timedelta(days=14),
    "verdict": "upheld",
    "versions": ">=2",
    "what": "archived",
    "whom": "For owners of projects of class C4.",
    "why": "It answered 503.",
    "yanked": True,
}


def values_of(template: str, **changes: object) -> dict[str, object]:
    return {name: SAMPLES[name] for name in TEMPLATES[template]} | changes


def written(template: str, **changes: object) -> Rendered:
    return render(template, values_of(template, **changes), HOUSE, number=7, written_at=NOW)


def flat(text: str) -> str:
    return " ".join(text.split())


class Seen(HTMLParser):
    """What a reader of the HTML form sees, and what the form refers to."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words = ""
        self.tags: list[str] = []
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name == "href" and tag == "a":
                self.links.append(value or "")
            elif name in ("href", "src", "srcset", "background", "action") or "url(" in (value or ""):
                self.fetched.append(f"{tag} {name}")

    def handle_data(self, data: str) -> None:
        self.words += data


# --- what letters say


def test_there_is_one_template_for_each_letter_and_no_other() -> None:
    there = {path.stem for path in rendering.FOLDER.glob("*.txt") if not path.name.startswith("_")}
    assert there == set(TEMPLATES)


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_letter_can_be_written_in_both_forms(template: str) -> None:
    require_fit("ann@example.org", template, values_of(template))
    letter = written(template)
    assert re.fullmatch(r"\S.{5,149} \[The Cellar\]", letter.subject), letter.subject
    body, _, footer = letter.text.partition("\n-- \n")
    assert "This is message 7." in flat(footer)
    assert "because" in footer and "help@example.org" in footer
    for line in letter.text.splitlines():
        assert len(line) <= 72 or line.startswith("https://index.example.org/py/"), line
    assert not re.search(r"\{[{%]|None|datetime| \n", body), body
    seen = Seen(letter.html)
    assert not seen.fetched
    in_text = flat(re.sub(r"(?m)^(> ?|- )", "", body + footer))
    assert flat(seen.words.replace("\u00a0", "")).endswith(in_text), "both forms say the same"


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_letter_uses_every_value_it_asks_for(template: str) -> None:
    source = (rendering.FOLDER / f"{template}.txt").read_text()
    assert {name for name in TEMPLATES[template] if not re.search(rf"\b{name}\b", source)} == set()


@pytest.mark.parametrize(("template", "name"), [(t, n) for t, names in TEMPLATES.items() for n in sorted(names)])
def test_a_letter_that_lacks_a_value_is_not_written(template: str, name: str) -> None:
    values = {key: value for key, value in values_of(template).items() if key != name}
    with pytest.raises(UnfitMail, match=name):
        require_fit("ann@example.org", template, values)
    with pytest.raises(jinja2.UndefinedError):
        render(template, values, HOUSE, number=1, written_at=NOW)


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_letter_links_to_nothing_but_what_its_act_needs(template: str) -> None:
    letter = written(template, **({"found_in": "https://evil.example.org/"} if template == "token-disclosed" else {}))
    paths = [str(SAMPLES[name]) for name in TEMPLATES[template] & PATHS] or (["account"] if template == "test" else [])
    links = [f"https://index.example.org/py/{path}" for path in paths]
    assert Seen(letter.html).links == links
    assert [line for line in letter.text.splitlines() if line.startswith("http")] == links


def test_values_read_the_same_after_a_stay_in_the_outbox() -> None:
    import orjson

    for template in TEMPLATES:
        stored = orjson.loads(orjson.dumps(values_of(template)))
        assert render(template, stored, HOUSE, number=7, written_at=NOW) == written(template)


def test_moments_say_their_zone_whatever_zone_they_came_in() -> None:
    from datetime import timezone

    elsewhere = NOW.astimezone(timezone(timedelta(hours=13)))
    assert "29 March 2026, 23:59 UTC" in flat(written("account-thawed", at=elsewhere).text)


def test_a_link_that_ends_says_when_by_the_moment_the_mail_was_put_not_sent() -> None:
    assert "until 30 March 2026, 00:59 UTC" in flat(written("password-reset", minutes=60).text)


@pytest.mark.parametrize(("office", "said"), [("moderator", "You are moderator"), (None, "You hold no office")])
def test_an_office_given_and_one_taken_back_read_differently(office: str | None, said: str) -> None:
    assert written("office-changed", office=office).subject.startswith(said)


@pytest.mark.parametrize(("expires_at", "said"), [(NOW, "It ends: 29 March 2026, 23:59 UTC"), (None, "It ends: never")])
def test_a_token_without_an_end_says_never(expires_at: datetime | None, said: str) -> None:
    assert said in flat(written("token-created", expires_at=expires_at).text)


def test_the_notice_about_second_factors_says_what_pauses_what_does_not_when_and_where() -> None:
    said = flat(written("factor-ladder").text)
    for part in ("Managing projects", "Uploads with tokens", "28 April 2026", "30 days", "- brie", "You lose no role"):
        assert part in said
    assert "1 day left" in written("factor-ladder", days_left=1).subject
    assert "projects it concerns" not in written("factor-ladder", projects=[]).text


def test_only_somebody_with_an_account_is_told_where_their_mails_are_listed() -> None:
    values = values_of("registration-invitation")
    for listed in (True, False):
        letter = render("registration-invitation", values, HOUSE, number=7, written_at=NOW, listed=listed)
        assert "This is message 7." in flat(letter.text)
        assert ("Account, Mail" in flat(letter.text)) is listed


def test_without_help_address_a_mail_says_that_answers_are_not_read() -> None:
    letter = render("welcome", values_of("welcome"), House("X", HOUSE.address, ""), number=1, written_at=NOW)
    assert "Answers to this mail are not read." in letter.text


def test_links_lead_to_the_address_in_the_settings_and_nowhere_else() -> None:
    cases = {
        "https://index.example.org/py/": Settings(base_url="https://index.example.org/py/"),
        "http://127.0.0.1:8040/": Settings(),
        "http://[::1]:80/": Settings(host="::1", port=80),
    }
    for address, settings in cases.items():
        house = House.of(settings)
        assert house.address == address
        assert rendering.link_to("account/x?y=z", house) == f"{address}account/x?y=z"
        assert rendering.link_to("/account/x", house) == f"{address}account/x"


# --- what people cannot do to them

HOSTILE = [
    "brie\r\nBcc: everyone@example.org",
    "brie\n\nhttps://index.example.org/py/fake",
    "\u202egro.live",
    "<script>alert(1)</script><img src=//evil.example.org>",
    "{{ house.address }}{% raw %}",
    "x" * 100_000,
    "a\x00b\x1b[31mc\u2028d\u0085e",
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize(
    ("template", "name"),
    [("role-granted", "project"), ("token-created", "label"), ("relay-message", "topic"), ("new-device", "device")],
)
def test_a_value_can_neither_begin_a_header_nor_a_block_nor_html(template: str, name: str, text: str) -> None:
    letter, plain = written(template, **{name: text}), written(template, **{name: "plain"})
    made = composed(letter)
    assert made.keys() == composed(plain).keys()
    assert "\n" not in letter.subject and len(letter.subject) <= 200
    assert len(letter.text) < 10_000
    assert Seen(letter.html).tags == Seen(plain.html).tags
    assert Seen(letter.html).links == []
    assert len(letter.text.split("\n\n")) == len(plain.text.split("\n\n"))
    assert not set("\u202e\x00\x1b\u2028\u0085\r") & set(letter.text + letter.html + letter.subject)


@pytest.mark.parametrize("text", [*HOSTILE, "", "\n\n\n", "\n-- \nThis is message 9.", "> > deeper"])
def test_what_somebody_writes_stays_within_its_quotation(text: str) -> None:
    letter = written("relay-message", text=text)
    between = letter.text.split("addresses in them.\n\n")[1].split("\n\nbea does not see")[0]
    assert all(line.startswith("> ") or line == ">" for line in between.split("\n"))
    seen = Seen(letter.html)
    assert not seen.links and not seen.fetched and seen.tags.count("blockquote") == 1 and "script" not in seen.tags


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example.org/",
        "//evil.example.org",
        "javascript:alert(1)",
        "a b",
        "a\nb",
        "\\evil",
        "evil.example:80/",
    ],
)
def test_a_link_with_an_address_of_its_own_is_refused(path: str) -> None:
    with pytest.raises(UnfitMail, match="path below"):
        require_fit("ann@example.org", "password-reset", values_of("password-reset", link=path))


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ann",
        "@example.org",
        "ann@",
        "ann@example.org, bea@example.org",
        "ann@example.org\r\nBcc: bea@example.org",
        "ann@example.org\n",
        "Ann <ann@example.org>",
        "<ann@example.org>",
        "ann@example.org(comment)",
        "an n@example.org",
        "ann@exam\u2028ple.org",
        "a" * 243 + "@example.org",
    ],
)
def test_what_is_not_exactly_one_address_is_refused(address: str) -> None:
    with pytest.raises(UnfitMail):
        require_address(address)


@pytest.mark.parametrize("address", ["ann@example.org", "ann+brie@example.org", "änn@bücher.example", "a@[192.0.2.1]"])
def test_an_address_is_taken(address: str) -> None:
    require_address(address)


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"at": datetime(2026, 1, 1)}, "aware"), ({"place": {"a": 1}}, "place"), ({"more": 1}, "does not know more")],  # noqa: DTZ001
)
def test_values_of_the_wrong_kind_are_refused_without_showing_them(changes: dict[str, object], said: str) -> None:
    with pytest.raises(UnfitMail, match=said):
        require_fit("ann@example.org", "password-changed", values_of("password-changed", **changes))


def test_an_unknown_letter_is_refused() -> None:
    with pytest.raises(UnfitMail, match="no letter"):
        require_fit("ann@example.org", "../layout", {})


# --- the envelope

OF = message.sender(Settings(mail_from="The Cellar <index@example.org>"))


def composed(letter: Rendered, to: str = "ann@example.org", number: int = 7) -> message.EmailMessage:
    identifier = message.identifier(number, NOW, OF)
    return message.compose(letter, OF, to, HOUSE.contact, message_id=identifier, at=NOW)


def test_the_headers_are_those_of_a_machine_that_wants_no_automatic_answers() -> None:
    made = composed(written("welcome"))
    assert made["From"] == "The Cellar <index@example.org>"
    assert made["To"] == "ann@example.org"
    assert made["Reply-To"] == "help@example.org"
    assert made["Subject"] == "Welcome, ann [The Cellar]"
    assert made["Auto-Submitted"] == "auto-generated"
    assert made["Date"].datetime == NOW
    assert [part.get_content_type() for part in made.iter_parts()] == ["text/plain", "text/html"]


def test_a_row_that_is_sent_again_has_the_same_message_id_and_another_row_another() -> None:
    assert message.identifier(7, NOW, OF) == message.identifier(7, NOW, OF)
    assert message.identifier(7, NOW, OF) != message.identifier(8, NOW, OF)
    assert message.identifier(7, NOW, OF) != message.identifier(7, NOW + timedelta(microseconds=1), OF)


@pytest.mark.parametrize("text", ["", "nobody", "a@example.org, b@example.org", "a@example.org\r\nBcc: b@example.org"])
def test_a_sender_that_is_no_address_is_a_setting_that_does_not_fit(text: str) -> None:
    with pytest.raises(SettingsError, match="mail_from"):
        message.sender(Settings(mail_from=text))


def test_without_a_sender_mail_comes_from_the_host_of_the_index() -> None:
    of = message.sender(Settings(base_url="https://index.example.org:8443/py/", index_name="The Cellar"))
    assert (of.addr_spec, of.display_name) == ("index@index.example.org", "The Cellar")


# --- the server


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("", None),
        ("smtp://mail.example.org", Server("mail.example.org", 25, "none")),
        ("smtp://127.0.0.1:2525", Server("127.0.0.1", 2525, "none")),
        ("smtp://u:p@127.0.0.1:2525", Server("127.0.0.1", 2525, "none", "u", "p")),
        ("smtp://u:p@mail.example.org:587", Server("mail.example.org", 587, "starttls", "u", "p")),
        ("smtp+starttls://u:p%40%3A@mail.example.org", Server("mail.example.org", 587, "starttls", "u", "p@:")),
        ("smtps://u:p@mail.example.org", Server("mail.example.org", 465, "tls", "u", "p")),
        ("smtps://[::1]:4650/", Server("::1", 4650, "tls")),
    ],
)
def test_a_mail_server_is_read_from_its_setting(text: str, server: Server | None) -> None:
    assert parse_server(text) == server


@pytest.mark.parametrize(
    "text", ["mail.example.org", "http://u:pass@x", "smtp://", "smtp://u:pass@x:port", "smtp://u:pass@x/path", "smtp://u:p#ass@x"]
)  # fmt: skip
def test_a_mail_server_that_cannot_be_read_is_refused_without_showing_its_password(text: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parse_server(text)
    assert "pass@" not in str(refused.value) and "mail_server" in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_server_does_not_show_its_password() -> None:
    assert "hush" not in repr(parse_server("smtps://u:hush@x"))


def deliver(server: Server, to: str = "ann@example.org") -> Outcome:
    with Line(server, "example.org") as line:
        return line.deliver(composed(written("welcome"), to), "index@example.org", to)


def test_a_letter_arrives_as_it_was_written(smtp: PostOffice) -> None:
    letter = written("verify-email", account="Änn")
    with Line(Server(smtp.host, smtp.port, "none"), "example.org") as line:
        for number in range(3):
            made = composed(letter, number=number)
            assert line.deliver(made, "index@example.org", "ann@example.org") == Outcome("sent")
    got = smtp.messages(to="ann@example.org")
    assert len(got) == 3
    assert got[0].sender == "index@example.org"
    assert got[0].text.replace("\r\n", "\n") == letter.text
    assert got[0].html.replace("\r\n", "\n").strip() == letter.html.strip()
    assert got[0].links == ["https://index.example.org/py/account/link?ticket=s3cret"]


@pytest.mark.parametrize(
    ("stage", "reply", "result", "bad_address"),
    [
        ("recipient", "550 5.1.1 No such mailbox", "never", True),
        ("recipient", "550 No such mailbox", "never", True),
        ("recipient", "552 5.2.2 Mailbox full", "never", True),
        ("recipient", "550 5.7.1 Relaying denied", "never", False),
        ("recipient", "554 Refused", "never", False),
        ("recipient", "450 4.2.0 Greylisted", "later", False),
        ("data", "554 5.7.1 Looks like spam", "never", False),
        ("data", "451 4.3.0 Come back later", "later", False),
        ("sender", "550 5.7.1 Not your domain", "away", False),
        ("sender", "451 4.7.1 Not now", "away", False),
    ],
)
def test_each_answer_of_a_server_is_understood(
    smtp: PostOffice, stage: str, reply: str, result: str, bad_address: bool
) -> None:
    with smtp.refuse(reply, at=stage):  # type: ignore[arg-type]
        outcome = deliver(Server(smtp.host, smtp.port, "none"))
    assert (outcome.result, outcome.bad_address, outcome.said) == (result, bad_address, reply)
    assert deliver(Server(smtp.host, smtp.port, "none")).result == "sent"


def test_a_line_that_the_server_has_ended_is_opened_anew(smtp: PostOffice) -> None:
    with Line(Server(smtp.host, smtp.port, "none"), "example.org") as line:
        assert line.deliver(composed(written("welcome")), "index@example.org", "ann@example.org").result == "sent"
        assert line._open is not None and line._open.sock is not None
        line._open.sock.shutdown(2)
        assert line.deliver(composed(written("welcome")), "index@example.org", "ann@example.org").result == "sent"


def test_a_server_that_is_not_there_is_away() -> None:
    with create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    outcome = deliver(Server("127.0.0.1", port, "none"))
    assert outcome.result == "away" and "refused" in outcome.said


def test_an_address_outside_ascii_arrives_where_the_server_takes_it(smtp: PostOffice) -> None:
    assert deliver(Server(smtp.host, smtp.port, "none"), "änn@example.org").result == "sent"
    assert smtp.messages(to="änn@example.org")


@pytest.fixture
def believed(secure_smtp: PostOffice, monkeypatch: pytest.MonkeyPatch) -> Iterator[PostOffice]:
    """The server that insists on STARTTLS and signing in, its certificate believed by this process."""
    assert secure_smtp.certificate is not None
    monkeypatch.setenv("SSL_CERT_FILE", str(secure_smtp.certificate.authority_file))
    yield secure_smtp


def test_mail_is_encrypted_and_signed_in_where_the_server_wants_it(believed: PostOffice) -> None:
    assert deliver(Server(believed.host, believed.port, "starttls", USER, PASSWORD)).result == "sent"
    (got,) = believed.messages()
    assert (got.encrypted, got.signed_in_as) == (True, USER)


def test_a_wrong_password_keeps_mail_waiting_and_is_not_told(believed: PostOffice) -> None:
    outcome = deliver(Server(believed.host, believed.port, "starttls", USER, "hush hush"))
    assert outcome.result == "away" and outcome.said.startswith("535") and "hush" not in outcome.said


def test_a_certificate_that_nobody_vouches_for_gets_neither_mail_nor_password(secure_smtp: PostOffice) -> None:
    outcome = deliver(Server(secure_smtp.host, secure_smtp.port, "starttls", USER, PASSWORD))
    assert outcome.result == "away" and "CERTIFICATE_VERIFY_FAILED" in outcome.said
    assert not secure_smtp.messages()


def test_starttls_that_is_demanded_but_not_offered_sends_nothing(smtp: PostOffice) -> None:
    outcome = deliver(Server(smtp.host, smtp.port, "starttls", "u", "p"))
    assert outcome.result == "away" and not smtp.messages()


def test_tls_from_the_start_arrives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from aiosmtpd.controller import Controller
    from tests.services.keeper import free_ports

    certificate = new_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.authority_file))
    office = PostOffice(free_ports(1)[0])
    running = Controller(office, "127.0.0.1", office.port, ssl_context=certificate.for_server(), ready_timeout=20)
    running.start()
    try:
        assert deliver(Server("127.0.0.1", office.port, "tls")).result == "sent"
    finally:
        running.stop()
    assert len(office.messages()) == 1
