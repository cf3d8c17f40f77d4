"""``/metrics``: what is counted, over one process and over several, and that the list of it is complete."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families
from tests.services.affineur import Server, initialise, serve
from tests.web.uploading import a_wheel, an_sdist, ask, published, refused, upload

DOCUMENTED = Path(__file__).resolve().parents[2] / "docs" / "reference" / "metrics.md"


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests here."""
    data = tmp_path_factory.mktemp("metrics") / "data"
    with serve(data, initialise(data)) as running:
        yield running


Samples = dict[tuple[str, ...], float]


def samples(server: Server) -> Samples:
    """Every sample as ``(name, label=value, …)``."""
    answer = ask(server, "GET", "/metrics")
    assert answer.status == 200
    return read(answer.text)


def read(text: str) -> Samples:
    return {
        (sample.name, *(f"{name}={value}" for name, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def settle(condition: Callable[[], bool], within_seconds: float = 20) -> None:
    deadline = time.monotonic() + within_seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_requests_are_counted_by_class_and_status_and_timed(index: Server) -> None:
    before = samples(index)
    for path in ("/pypi/none/json", "/pypi/none/json", "/rss/updates.xml", "/nowhere/at/all"):
        ask(index, "GET", path)
    after = samples(index)

    def grown(*key: str) -> float:
        return after.get(key, 0) - before.get(key, 0)

    assert grown("affineur_requests_total", "method=GET", "route=json", "status=404") == 2
    assert grown("affineur_requests_total", "method=GET", "route=feed", "status=200") == 1
    assert grown("affineur_requests_total", "method=GET", "route=other", "status=404") == 1
    assert grown("affineur_request_duration_seconds_count", "route=json") == 2
    assert grown("affineur_request_duration_seconds_bucket", "le=+Inf", "route=json") == 2
    assert grown("affineur_sent_bytes_total", "route=json") == 2 * len(b'{"message":"Not Found"}')


def test_uploads_are_counted_by_the_rule_that_refused_them(index: Server) -> None:
    before = samples(index)
    published(upload(index, a_wheel("counted")))
    refused(upload(index, a_wheel("counted", "2.0"), sha256_digest="0" * 64), "digest")
    refused(upload(index, a_wheel("counted", "2.0"), token="wrong"), "authentication", status=403)
    after = samples(index)
    for outcome, rule in (("accepted", ""), ("refused", "upload.digest"), ("refused", "identity.token")):
        key = ("affineur_uploads_total", f"outcome={outcome}", f"rule={rule}")
        assert after[key] - before.get(key, 0) == 1


def test_what_is_answered_from_memory_is_counted_within_a_second_or_two(index: Server) -> None:
    file = a_wheel("from-memory")
    published(upload(index, file))
    before = samples(index)
    with session(index) as connection:
        for _ in range(5):
            etag = fetch(connection, "/simple/from-memory/")[1]["etag"]
        for _ in range(3):
            assert fetch(connection, "/simple/from-memory/", {"If-None-Match": etag})[0] == 304
        for _ in range(2):
            fetch(connection, f"/packages/from-memory/1.0/{file.filename}")
    wanted = {"route=page status=200": 5, "route=page status=304": 3, "route=file status=200": 2}

    def counted() -> bool:
        after = samples(index)
        keys = {each: ("affineur_requests_total", "method=GET", *each.split()) for each in wanted}
        return all(after.get(key, 0) - before.get(key, 0) == wanted[each] for each, key in keys.items())

    settle(counted)
    assert samples(index)[("affineur_page_cache_bytes",)] > 0


@contextmanager
def session(server: Server) -> Iterator[http.client.HTTPConnection]:
    """A connection that stays open: only those are answered from memory."""
    address = urlsplit(server.url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=60)
    yield connection
    connection.close()


def fetch(
    connection: http.client.HTTPConnection, path: str, headers: dict[str, str] | None = None
) -> tuple[int, http.client.HTTPMessage]:
    connection.request("GET", path, headers=headers or {})
    answer = connection.getresponse()
    answer.read()
    return answer.status, answer.headers


def test_paths_and_methods_that_clients_invent_make_no_new_series(index: Server) -> None:
    ask(index, "GET", "/warm-up")
    ask(index, "BREW", "/warm-up")
    samples(index)  # asking for metrics is counted, too
    before = set(samples(index))
    for number in range(5):
        ask(index, "GET", f"/invented-{number}")
        ask(index, f"INVENT{number}", f"/invented-{number}")
    assert set(samples(index)) - before == set()


def test_serials_and_lags_follow_the_journal(index: Server) -> None:
    published(upload(index, an_sdist("followed")))
    head = samples(index)[("affineur_journal_serial",)]
    assert head >= 3
    for projection in ("public_tree", "root_list", "search"):
        settle(lambda name=projection: samples(index)[("affineur_projection_lag", f"projection={name}")] == 0)
        assert samples(index)[("affineur_projection_serial", f"projection={projection}")] >= head


def test_both_forms_of_the_exposition_are_given(index: Server) -> None:
    plain = ask(index, "GET", "/metrics")
    assert plain.headers["content-type"].startswith("text/plain; version=")
    assert plain.headers["cache-control"] == "no-store"
    modern = ask(index, "GET", "/metrics", accept="application/openmetrics-text; version=1.0.0")
    assert modern.headers["content-type"].startswith("application/openmetrics-text")
    assert "affineur_journal_serial" in {family.name for family in parse_openmetrics(modern.text)}


def test_several_processes_are_added_up_and_a_dead_one_keeps_its_counts(server: Callable[..., Server]) -> None:
    several = server(workers=2)
    rounds = 60
    for _ in range(rounds):  # each on a connection of its own: the kernel spreads them
        ask(several, "GET", "/pypi/none/json")
    key = ("affineur_requests_total", "method=GET", "route=json", "status=404")
    for _ in range(4):  # whoever answers
        assert samples(several)[key] == rounds
    found = samples(several)
    pids = {int(key[1].removeprefix("pid=")) for key in found if key[0] == "affineur_process_resident_memory_bytes"}
    assert len(pids) == 2
    os.kill(min(pids), signal.SIGKILL)
    settle(lambda: still_answers(several) and len(living(several)) == 2 and min(pids) not in living(several))
    assert samples(several)[key] == rounds


def living(server: Server) -> set[int]:
    return {
        int(key[1].removeprefix("pid=")) for key in samples(server) if key[0] == "affineur_process_start_time_seconds"
    }


def still_answers(server: Server) -> bool:
    try:
        return all(ask(server, "GET", "/health/live").status == 200 for _ in range(6))
    except OSError:
        return False


def test_a_private_index_shows_its_metrics_to_holders_of_a_token_only(server: Callable[..., Server]) -> None:
    private = server(environment={"AFFINEUR_READ": "token"})
    assert ask(private, "GET", "/metrics").status == 401
    assert ask(private, "GET", "/metrics", authorization=f"Bearer {private.token}").status == 200


COUNTERS_OF_A_FORK = """
import os, sys
from pathlib import Path
from affineur.settings import Settings
from affineur.web.metrics import Meter, prepare

settings = Settings(data=Path(sys.argv[1]))
prepare(settings)
for number in (1, 2):
    if os.fork() == 0:
        meter = Meter(settings)
        for _ in range(10):  # what the hot path does, and the timer
            meter.tally.pages += number
            meter.tally.pages_bytes += 100
            meter.tally.files_unchanged += 1
            meter.fold()
        meter.fold()
        meter.tally.page_cache_bytes = 7
        meter.fold()
        os._exit(0)
for _ in (1, 2):
    assert os.wait()[1] == 0
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
registry = CollectorRegistry()
MultiProcessCollector(registry)
sys.stdout.write(generate_latest(registry).decode())
"""


def counted_by_forks(data: Path) -> Samples:
    done = subprocess.run(
        [sys.executable, "-c", COUNTERS_OF_A_FORK, str(data)], capture_output=True, text=True, check=True
    )
    return read(done.stdout)


def test_what_the_hot_path_tallies_is_folded_in_once(tmp_path: Path) -> None:
    found = counted_by_forks(tmp_path)
    assert found[("affineur_requests_total", "method=GET", "route=page", "status=200")] == 30
    assert found[("affineur_requests_total", "method=GET", "route=file", "status=304")] == 20
    assert found[("affineur_sent_bytes_total", "route=page")] == 2000
    assert found[("affineur_page_cache_bytes",)] == 14


def test_a_new_run_starts_from_zero(tmp_path: Path) -> None:
    counted_by_forks(tmp_path)
    assert counted_by_forks(tmp_path)[("affineur_sent_bytes_total", "route=page")] == 2000


def test_a_process_folds_by_itself_once_a_second(tmp_path: Path) -> None:
    program = f"""
import asyncio
from pathlib import Path
from affineur.settings import Settings
from affineur.web import metrics
metrics.FOLD_SECONDS = 0.01
settings = Settings(data=Path({str(tmp_path)!r}))
metrics.prepare(settings)
meter = metrics.Meter(settings)

async def main():
    folding = asyncio.create_task(meter.keep_folding())
    meter.tally.files += 3
    await asyncio.sleep(0.2)
    folding.cancel()
    print(meter.requests.labels("file", "GET", "200")._value.get())

asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "3.0"


def test_every_metric_is_in_the_reference_and_the_reference_names_no_other(index: Server) -> None:
    published(upload(index, a_wheel("documented")))
    there = {family.name for family in text_string_to_metric_families(ask(index, "GET", "/metrics").text)}
    documented = set(re.findall(r"^\| `(affineur_\w+)`", DOCUMENTED.read_text(), re.MULTILINE))
    documented -= {name for name in documented if name.startswith("affineur_follow_")}  # a mirror's (`test_following`)
    assert {bare(name) for name in there} == {bare(name) for name in documented}


def bare(name: str) -> str:
    return name.removesuffix("_total").removesuffix("_info")
