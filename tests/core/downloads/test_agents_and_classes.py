"""Who asks: user agents as real programs send them, and what nobody should believe."""

from __future__ import annotations

import json
import re

import pytest

from affineur.core.downloads import agents, classes
from affineur.core.downloads.classes import CLASSES, MEANINGS, TABLE, Class

PIP = (
    'pip/24.0 {"ci":true,"cpu":"x86_64","distro":{"id":"jammy","libc":{"lib":"glibc","version":"2.35"},"name":"Ubuntu",'
    '"version":"22.04"},"implementation":{"name":"CPython","version":"3.10.12"},"installer":{"name":"pip","version":'
    '"24.0"},"openssl_version":"OpenSSL 3.0.2 15 Mar 2022","python":"3.10.12","rustc_version":"1.75.0",'
    '"setuptools_version":"59.6.0","system":{"name":"Linux","release":"6.5.0-1018-azure"}}'
)
UV = (
    'uv/0.5.1 {"installer":{"name":"uv","version":"0.5.1","subcommand":["pip","install"]},"python":"3.12.7",'
    '"implementation":{"name":"CPython","version":"3.12.7"},"distro":{"name":"macOS","version":"14.6"},'
    '"system":{"name":"Darwin","release":"23.6.0"},"cpu":"arm64","openssl_version":null,"ci":null}'
)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"

REAL: tuple[tuple[str, Class, str | None, str | None], ...] = (
    # user agent, class, installer, Python
    (PIP, "installer", "pip", "3.10.12"),
    (UV, "installer", "uv", "3.12.7"),
    ("uv/0.1.5", "installer", "uv", None),
    ("pip/1.5.6 CPython/2.7.8 Linux/3.16.0-4-amd64", "installer", "pip", "2.7.8"),
    ("pip/1.5.6 PyPy/2.4.0 Linux/3.16.0-4-amd64", "installer", "pip", None),
    ("pip/24.0", "installer", "pip", None),
    ("poetry/1.8.3 CPython/3.11.9 Linux/6.8.0", "installer", "poetry", "3.11.9"),
    ("pdm/2.20.1 CPython/3.12.7", "installer", "pdm", "3.12.7"),
    ("unearth/0.17.2", "installer", None, None),
    ("Hatch/1.13.0", "installer", None, None),
    ("hatch/1.13.0", "installer", "hatch", None),
    ("pex/2.1.159", "installer", "pex", None),
    ("setuptools/68.0 Python-urllib/3.9", "installer", "setuptools", "3.9"),
    ("Python-urllib/2.7 distribute/0.6.28", "installer", "distribute", "2.7"),
    ("conda/24.1.2 requests/2.31.0 CPython/3.11.7 Linux/6.5.0 ubuntu/22.04", "installer", "conda", None),
    ("bandersnatch/6.5.0 (cpython 3.11.9-final0, Linux x86_64) (aiohttp 3.9.5)", "mirror", "bandersnatch", None),
    ("devpi-server/6.14.0 (py3.11.9; linux)", "mirror", "devpi", None),
    ("Artifactory/7.77.5 77705900", "mirror", None, None),
    ("Artifactory/5.9.0", "mirror", "Artifactory", None),
    ("Nexus/3.68.1-02 (OSS; Linux; 5.10.0; amd64; 17.0.10)", "mirror", "Nexus", None),
    ("pulpcore/3.49.1 (cpython 3.9.18-final0, Linux x86_64) (aiohttp 3.9.2)", "mirror", "pulpcore", None),
    ("pep381client/1.5", "mirror", "pep381client", None),
    ("z3c.pypimirror/1.0.16", "mirror", "z3c.pypimirror", None),
    ("affineur/0.1.0", "mirror", None, None),
    (FIREFOX, "browser", "Browser", None),
    (CHROME, "browser", "Browser", None),
    (CHROME.replace("Chrome/", "HeadlessChrome/"), "automation", "Browser", None),
    ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.example.org/bot.html)", "automation", "Browser", None),
    ("Mozilla/5.0 (Windows NT; Windows NT 10.0; en-US) WindowsPowerShell/5.1.17763.1", "automation", "Browser", None),
    ("curl/8.5.0", "automation", "Browser", None),
    ("curl/8.9.1 Nixpkgs/24.05", "automation", "Browser", None),
    ("Wget/1.21.4", "automation", "Browser", None),
    ("python-requests/2.32.3", "automation", "requests", None),
    ("python-httpx/0.27.2", "automation", None, None),
    ("Python/3.12 aiohttp/3.10.5", "automation", None, None),
    ("Python-urllib/3.12", "automation", None, None),
    ("Go-http-client/1.1", "automation", None, None),
    ("Homebrew/4.3.0 (Macintosh; Intel Mac OS X 14.5) curl/8.6.0", "automation", "Homebrew", None),
    ("Bazel/release 7.1.0", "automation", "Bazel", None),
    ("libfetch/2.0", "automation", "OS", None),
    ("twine/5.1.1 CPython/3.12.4", "automation", "twine", "3.12.4"),
    ("RenovateBot/37.0 (https://example.org/renovate)", "automation", None, None),
    ("dependabot-core/0.260.0 excon/0.110.0 ruby/3.3.1", "automation", None, None),
    ("Scrapy/2.11.2 (+https://example.org)", "automation", None, None),
    ("", "unknown", None, None),
    ("-", "unknown", None, None),
    ("something-new/1.0", "unknown", None, None),
)


@pytest.mark.parametrize(("user_agent", "kind", "installer", "python"), REAL)
def test_a_program_is_known_by_what_it_says(
    user_agent: str, kind: Class, installer: str | None, python: str | None
) -> None:
    agent = agents.parse(user_agent)
    assert (classes.classify(agent, user_agent), agent.installer, agent.details["python"]) == (kind, installer, python)


def test_what_pip_says_fills_every_column_of_the_details() -> None:
    assert agents.parse(PIP).details == {
        "installer": {"name": "pip", "version": "24.0"},
        "python": "3.10.12",
        "implementation": {"name": "CPython", "version": "3.10.12"},
        "distro": {"name": "Ubuntu", "version": "22.04", "id": "jammy", "libc": {"lib": "glibc", "version": "2.35"}},
        "system": {"name": "Linux", "release": "6.5.0-1018-azure"},
        "cpu": "x86_64",
        "openssl_version": "OpenSSL 3.0.2 15 Mar 2022",
        "setuptools_version": "59.6.0",
        "rustc_version": "1.75.0",
        "ci": True,
    }


@pytest.mark.parametrize(
    "hostile",
    [
        "pip/24.0 " + "[" * 100_000,
        "pip/24.0 " + '{"a":' * 5_000,
        'pip/24.0 {"installer":"pip","python":{"a":1},"ci":"yes","distro":[1,2]}',
        'pip/24.0 {"python":' + "9" * 4_000,
        'pip/24.0 {"cpu":"\\ud800","system":{"name":"a\\u0000b"},"python":"\\n"}',
        "pip/" + "1" * 5_000 + " {}",
        "pip/not-a-version {}",
        "pip/",
        "uv/ ",
        "\x00\x1b[31m",
        "\ud800",
        "pdm/ a/",
        "bandersnatch/" + "(" * 5_000,
    ],
)
def test_whatever_is_sent_nothing_fails_and_nothing_grows(hostile: str) -> None:
    agent = agents.parse(hostile)
    assert classes.classify(agent, hostile) in CLASSES
    assert len(json.dumps(agent.details)) < 3_000
    assert agents.plain(hostile).isprintable()
    assert len(agents.plain(hostile)) <= agents.MAXIMUM_LENGTH
    json.dumps(agent.details).encode()  # no half of a character


def test_values_that_are_too_long_are_cut() -> None:
    agent = agents.parse('pip/24.0 {"installer":{"name":"pip","version":"24.0"},"cpu":"' + "x" * 500 + '"}')
    assert len(agent.details["cpu"]) == agents.MAXIMUM_VALUE


def test_a_user_agent_that_two_parsers_would_take_is_always_told_the_same_way() -> None:
    assert agents.parse('pip/24.0 {"installer":{"name":"pip","version":"24.0"},"cpu":"pex/1"}').installer == "pip"


def test_every_line_of_the_table_says_why_and_fits_something() -> None:
    for line in TABLE:
        assert line.kind in CLASSES
        assert line.reason.endswith(".")
        assert line.names or line.begins or line.has
        for word in (*line.names, *line.begins, *line.has):
            assert word, "an empty word fits everything"
            assert word == word.lower(), "words are held against what is in lower case"
    assert set(MEANINGS) == set(CLASSES)


def test_no_line_of_the_table_is_hidden_by_one_above() -> None:
    for number, line in enumerate(TABLE):
        for begins in line.begins:
            above = [other.who for other in TABLE[:number] if begins.startswith(other.begins)]
            assert not above, f"{line.who}: {begins} is taken by {above}"


def test_the_page_has_a_row_for_each_line() -> None:
    rows = [row for row in classes.table_page() if re.match(r"\| (installer|mirror|browser|automation|unknown) ", row)]
    assert len(rows) == len(TABLE) + 1
