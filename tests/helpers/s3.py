"""A real S3 server on this machine, for tests that talk to one."""

import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import boto3

_REGION = "us-east-1"


@contextmanager
def running_s3() -> Iterator[str]:
    """Run a server; yields its URL."""
    command = [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as server:
        if server.stderr is None:
            raise RuntimeError("the server has no standard error")
        try:
            yield next(found[0] for line in server.stderr if (found := re.search(r"http://127\.0\.0\.1:\d+", line)))
        finally:
            server.kill()


def environment(endpoint: str) -> dict[str, str]:
    """Return the variables by which any S3 client finds the server."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": _REGION,
    }


class S3:
    """Speaks to the server without the code under test."""

    def __init__(self) -> None:
        """Use the environment's server."""
        self._client = boto3.client("s3")

    def new_bucket(self) -> str:
        """Make a bucket and return its name."""
        name = f"test-{uuid.uuid4().hex}"
        self._client.create_bucket(Bucket=name)
        return name

    def keys(self, bucket: str) -> list[str]:
        """List the objects of a bucket."""
        return [entry["Key"] for entry in self._client.list_objects_v2(Bucket=bucket).get("Contents", [])]

    def unfinished(self, bucket: str) -> list[str]:
        """List uploads that were begun and neither finished nor given up."""
        return [entry["Key"] for entry in self._client.list_multipart_uploads(Bucket=bucket).get("Uploads", [])]

    def put(self, bucket: str, key: str, body: bytes) -> None:
        """Store an object."""
        self._client.put_object(Bucket=bucket, Key=key, Body=body)
