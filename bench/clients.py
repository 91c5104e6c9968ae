"""boto3 clients of servers under measurement."""

from __future__ import annotations

import json
from typing import Any

import boto3
from botocore.config import Config

from servers import Server


def client(server: Server, service: str, *, account: str | None = None) -> Any:
    """Return a boto3 client; ``account`` asks as that account of a haar that runs ``--dev``."""
    return boto3.client(
        service,
        endpoint_url=f"http://127.0.0.1:{server.port}",
        region_name="us-east-1",
        aws_access_key_id=account or server.access_key_id,
        aws_secret_access_key="test" if account else server.secret,
        config=Config(inject_host_prefix=False, retries={"total_max_attempts": 2}),
    )


def dumps(content: dict[str, Any]) -> bytes:
    """Return JSON as SDKs send it."""
    return json.dumps(content, separators=(",", ":")).encode()
