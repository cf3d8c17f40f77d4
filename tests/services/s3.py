"""A real S3 server for tests: SeaweedFS, one server a session, one bucket a test."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from .keeper import Service, free_ports, keep

_KEY, _SECRET, REGION = "affineur-test", "affineur-test-secret", "us-east-1"
# Each door SeaweedFS may open must be told where: its defaults are fixed ports.
_DOORS = ("s3.port", "s3.port.grpc", "s3.port.iceberg", "s3.port.lance", "master.port", "master.port.grpc",
          "filer.port", "filer.port.grpc", "volume.port", "volume.port.grpc",
          "admin.port", "admin.port.grpc")  # fmt: skip


@dataclass(frozen=True)
class Bucket:
    """An empty bucket and how to reach it."""

    endpoint: str
    name: str
    access_key_id: str
    secret_access_key: str
    region: str = REGION

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which S3 programs are commonly told all this but the bucket's name."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ALLOW_HTTP": "true",
        }


@contextmanager
def new_bucket() -> Iterator[Bucket]:
    """An empty bucket of the session's S3 server; emptied and removed afterwards."""
    facts = keep("s3", _prepare, _answers)
    bucket = Bucket(facts["endpoint"], f"test-{uuid4().hex}", facts["key"], facts["secret"])
    client = _client(facts)
    client.create_bucket(Bucket=bucket.name)
    try:
        yield bucket
    finally:
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket.name):
            if found := page.get("Contents"):
                client.delete_objects(Bucket=bucket.name, Delete={"Objects": [{"Key": one["Key"]} for one in found]})
        with suppress(ClientError):
            client.delete_bucket(Bucket=bucket.name)


def _prepare(folder: Path) -> Service:
    (folder / "data").mkdir()
    doors = dict(zip(_DOORS, free_ports(len(_DOORS)), strict=True))
    return Service(
        command=[str(Path(sys.executable).with_name("weed")), "mini", f"-dir={folder / 'data'}",
                 "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-admin.ui=false", "-webdav=false",
                 *(f"-{door}={port}" for door, port in doors.items())],
        facts={"endpoint": f"http://127.0.0.1:{doors['s3.port']}", "key": _KEY, "secret": _SECRET},
        environment={"AWS_ACCESS_KEY_ID": _KEY, "AWS_SECRET_ACCESS_KEY": _SECRET},
    )  # fmt: skip


def _client(facts: Mapping[str, str]):  # type: ignore[no-untyped-def]
    return boto3.client(
        "s3", endpoint_url=facts["endpoint"], region_name=REGION, aws_access_key_id=facts["key"],
        aws_secret_access_key=facts["secret"],
        config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
    )  # fmt: skip


def _answers(facts: Mapping[str, str]) -> bool:
    """SeaweedFS opens its S3 door before it can store anything: only a stored object tells."""
    try:
        client = _client(facts)
        client.create_bucket(Bucket="readiness")
        client.put_object(Bucket="readiness", Key="one", Body=b"1")
        client.delete_object(Bucket="readiness", Key="one")
        client.delete_bucket(Bucket="readiness")
    except (BotoCoreError, ClientError):
        return False
    return True
