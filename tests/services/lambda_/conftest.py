"""Functions for the tests of Lambda: a client of a running haar, and zips of code."""

from __future__ import annotations

import io
import sys
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

PYTHON = f"python3.{sys.version_info.minor}"
ROLE = "arn:aws:iam::000000000000:role/tester"


def zipped(**files: str) -> bytes:
    """Return a zip of files; ``app`` is ``app.py``."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name if name == "bootstrap" else f"{name}.py")
            info.external_attr = 0o755 << 16
            archive.writestr(info, content)
    return buffer.getvalue()


@pytest.fixture
def client(haar: Any) -> Any:
    """A boto3 client of Lambda."""
    return haar.client("lambda")


@pytest.fixture
def package() -> Callable[..., bytes]:
    """Make zips of code."""
    return zipped


@pytest.fixture
def create(client: Any) -> Callable[..., dict[str, Any]]:
    """Create a function from the source of ``app.py``."""

    def make(source: str = "def handler(event, context): return event\n", **settings: Any) -> Any:
        given = {
            "FunctionName": "tested",
            "Runtime": PYTHON,
            "Role": ROLE,
            "Handler": "app.handler",
            "Code": {"ZipFile": zipped(app=source)},
            **settings,
        }
        return client.create_function(**given)

    return make
