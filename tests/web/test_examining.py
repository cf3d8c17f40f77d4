"""Looking into files through HTTP: pages, API and command line say the same, to moderators alone, of held files too."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import quote

import httpx
import pytest
from tests.core.distributions import core_metadata
from tests.services.affineur import Server, affineur, initialise, serve
from tests.web.people import Visitor, sign_up, signed_in, words
from tests.web.uploading import a_wheel, an_sdist, new_token, published, upload

SCRIPT = "<script>alert(1)</script>"
HOSTILE = 'brie/"><b>\u202eb.py'
OLD = {"brie/__init__.py": b"answer = 42\n", "brie/data.bin": b"\0\1\2", "brie/same.py": b"same = 1\n"}
NEW = {
    "brie/__init__.py": b"import subprocess\nanswer = 43\n",
    "brie/data.bin": b"\x7fELF\0\1",
    "brie/same.py": b"same = 1\n",
    HOSTILE: f"# {SCRIPT} \u202e\n".encode(),
    "brie.pth": b"import brie.hook\n",
}
FIELDS = [("Author-email", "eve@example.org"), ("Requires-Dist", "reqeusts")]
FILE = "/admin/projects/brie/files/brie-1.1-py3-none-any.whl"


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Brie in two releases, quarantined; and people."""
    data = tmp_path_factory.mktemp("examining") / "data"
    with serve(data, initialise(data)) as running:
        published(upload(running, a_wheel("brie", "1.0", files=OLD)))
        published(upload(running, an_sdist("brie", "1.0")))
        metadata = core_metadata("brie", "1.1", FIELDS)
        published(upload(running, a_wheel("brie", "1.1", files=NEW, metadata=metadata)))
        published(upload(running, an_sdist("brie", "1.1", files={"setup.py": b"import os\n"})))
        published(upload(running, a_wheel("lone", "1.0")))
        affineur("quarantine", "brie", "--reason", "Sends secrets away.", "--data", data)
        yield running


@pytest.fixture(scope="module")
def moderator(serving: Server) -> Iterator[Visitor]:
    with signed_in(serving, sign_up(serving, "mo", office="moderator", factors=("passkey",)), proof="passkey") as page:
        yield page


def api(serving: Server, where: str, token: str = "", **query: str) -> httpx.Response:
    headers = {"authorization": f"Bearer {token or serving.token}"}
    return httpx.get(f"{serving.url}api/v1/{where}", params=query, headers=headers, trust_env=False, timeout=30)


def cli(serving: Server, *arguments: str) -> str:
    return affineur("examine", *arguments, "--data", serving.data)


def test_a_held_file_is_not_on_offer_and_is_looked_into_all_the_same(serving: Server, moderator: Visitor) -> None:
    assert httpx.get(f"{serving.url}simple/brie/", trust_env=False).text.count("brie-1.1") == 0
    said = words(moderator.get(FILE))
    assert "Runs code each time Python starts, through brie.pth." in said
    assert "brie.pth:1" in said
    assert "eve@example.org" in said
    assert "Contains machine code for Linux and its like (ELF). brie/data.bin" in said


def test_the_listing_leads_to_each_text_which_is_shown_and_never_run(serving: Server, moderator: Visitor) -> None:
    page = moderator.get(FILE)
    links = re.findall(r'href="([^"]+\?member=[^"]+)"', page.text)
    assert len(links) == len(NEW) + 3
    for link in links:
        shown = moderator.get(link)
        assert shown.status_code == 200, link
        assert shown.headers["content-type"] == "text/html; charset=utf-8"
        assert "script-src 'self'" in shown.headers["content-security-policy"]
        assert SCRIPT not in shown.text
        assert "\u202e" not in shown.text
    hostile = moderator.get(f"{FILE}?member={quote(HOSTILE)}")
    assert "<i>1</i> # &lt;script&gt;alert(1)&lt;/script&gt; ⟨U+202E⟩\n" in hostile.text


def test_a_binary_member_is_shown_by_its_first_bytes(moderator: Visitor) -> None:
    said = words(moderator.get(f"{FILE}?member=brie/data.bin"))
    assert "00000000 7f 45 4c 46 00 01" in said
    assert ".ELF.." in said


def test_a_comparison_says_what_is_new_and_shows_the_lines(moderator: Visitor) -> None:
    page = moderator.get("/admin/projects/brie/compare?from=1.0&to=1.1")
    said = words(page)
    for expected in (
        "1.0 → 1.1",
        "brie-1.0-py3-none-any.whl",
        "New: Runs code each time Python starts, through brie.pth.",
        "Lines that are new here start other programs, by the words in them. brie/__init__.py:1",
        "New: Contains machine code for Linux and its like (ELF).",
        "Author-Email Come: eve@example.org",
        "Requires-Dist Come: reqeusts",
    ):
        assert expected in said, expected
    assert "<ins><i>2</i>+ answer = 43\n</ins>" in page.text
    assert "<del><i>1</i>- answer = 42\n</del>" in page.text
    assert "brie/same.py" not in page.text
    assert SCRIPT not in page.text
    assert "\u202e" not in page.text


def test_the_newest_release_is_compared_with_the_one_before_unless_told(moderator: Visitor) -> None:
    assert "1.0 → 1.1" in words(moderator.get("/admin/projects/brie/compare"))
    sdist = words(moderator.get("/admin/projects/brie/compare?file=brie-1.1.tar.gz"))
    assert "brie-1.0.tar.gz" in sdist
    assert "New: Building it runs its own setup.py." in sdist
    first = words(moderator.get("/admin/projects/lone/compare"))
    assert "1.0, the first release" in first
    assert "New:" not in first


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/admin/projects/none/compare", 404),
        ("/admin/projects/brie/compare?to=9.9", 404),
        ("/admin/projects/brie/compare?from=9.9", 404),
        ("/admin/projects/brie/compare?to=nonsense", 400),
        ("/admin/projects/brie/compare?file=lone-1.0-py3-none-any.whl", 404),
        ("/admin/projects/lone/files/brie-1.1-py3-none-any.whl", 404),
        (f"{FILE}?member=brie/none.py", 404),
        (f"{FILE}?member=../../etc/passwd", 404),
        (f"{FILE}?member=%ff%00", 404),
        ("/admin/projects/-/compare", 400),
    ],
)
def test_what_is_not_there_is_said_to_be_not_there(moderator: Visitor, path: str, status: int) -> None:
    page = moderator.get(path)
    assert page.status_code == status
    assert "/help/rules" in page.text


def test_nobody_but_moderators_and_operators_looks_into_files(serving: Server) -> None:
    with signed_in(serving, sign_up(serving, "au", office="auditor", factors=("passkey",)), proof="passkey") as other:
        for path in (FILE, f"{FILE}?member=brie/same.py", "/admin/projects/brie/compare"):
            page = other.get(path)
            assert page.status_code == 403
            assert "Only moderators and operators of this index may look into project &#39;brie&#39;" in page.text
            assert "brie.pth" not in page.text
    with Visitor(serving.url) as stranger:
        assert stranger.get(FILE).status_code == 303
    token = new_token(serving, "au", datetime.now(UTC))
    member = {"file": "brie-1.1-py3-none-any.whl", "path": "brie/same.py"}
    for where, query in (("contents", {}), ("contents/member", member), ("comparison", {})):
        refused = api(serving, f"projects/brie/{where}", token, **query)
        assert (refused.status_code, refused.json()["rule"]) == (403, "access.office")


def test_the_api_lists_a_file_reads_a_member_and_compares_releases(serving: Server) -> None:
    listed = api(serving, "projects/brie/contents", file="brie-1.1-py3-none-any.whl").json()
    assert {each["name"]: each["kind"] for each in listed["members"]}["brie/data.bin"] == "binary"
    assert listed["fault"] is None
    assert "Runs code each time Python starts, through brie.pth." in [each["says"] for each in listed["signals"]]
    text = api(serving, "projects/brie/contents/member", file="brie-1.1-py3-none-any.whl", path="brie.pth").json()
    assert (text["text"], text["size_bytes"], text["shown_bytes"]) == ("import brie.hook\n", 17, 17)
    compared = api(serving, "projects/brie/comparison", version="1.1", against="1.0").json()
    members = {each["name"]: each for each in compared["members"]}
    assert members["brie/__init__.py"]["diff"] == "@@ -1,1 +1,2 @@\n-answer = 42\n+import subprocess\n+answer = 43"
    assert members["brie.pth"]["change"] == "added"
    assert members["brie/data.bin"]["diff"] is None
    assert compared["metadata"][0] == {"field": "Author-Email", "removed": [], "added": ["eve@example.org"]}
    missing = api(serving, "projects/brie/contents/member", file="brie-1.1-py3-none-any.whl", path="none")
    assert (missing.status_code, missing.json()["rule"]) == (404, "examine.exists")


def test_the_command_says_the_same_here_and_elsewhere(serving: Server) -> None:
    here = cli(serving, "brie", "1.1", "--against", "earlier")
    environment = {"AFFINEUR_INDEX": serving.url, "AFFINEUR_TOKEN": serving.token}
    assert affineur("examine", "brie", "1.1", "--against", "1.0", environment=environment) == here
    assert "* new: Runs code each time Python starts, through brie.pth. (brie.pth:1)\n" in here
    assert "+ Requires-Dist: reqeusts\n" in here
    assert "\n-answer = 42\n+import subprocess\n+answer = 43\n" in here
    assert "\u202e" not in here
    listing = json.loads(cli(serving, "brie", "--file", "brie-1.1.tar.gz", "--json"))
    assert [each["name"] for each in listing["members"]] == ["PKG-INFO", "pyproject.toml", "setup.py"]
    assert "Building it runs its own setup.py." in cli(serving, "brie", "--file", "brie-1.1.tar.gz")
    assert cli(serving, "brie", "--file", "brie-1.1-py3-none-any.whl", "--member", "brie.pth") == "import brie.hook\n"
