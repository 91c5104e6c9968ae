"""The AWS SDK for JavaScript v3, unmodified, against haar."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from haar.testing import Running

FOLDER = Path(__file__).with_name("node")
SCRIPTS = sorted(FOLDER.glob("*.mjs"))
NODE = shutil.which("node")

pytestmark = pytest.mark.skipif(
    NODE is None or not (FOLDER / "node_modules").exists(),
    reason="needs Node and 'npm ci' in tests/sdk/node",
)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_the_javascript_sdk_works_unchanged(haar: Running, script: Path) -> None:
    """What an application in another language does needs nothing but the endpoint."""
    credentials = haar.credentials
    assert NODE is not None
    done = subprocess.run(
        [NODE, str(script)],
        env={
            "PATH": os.environ["PATH"],
            "AWS_ENDPOINT_URL": haar.endpoint,
            "AWS_REGION": haar.region,
            "AWS_ACCESS_KEY_ID": credentials["aws_access_key_id"],
            "AWS_SECRET_ACCESS_KEY": credentials["aws_secret_access_key"],
            "AWS_MAX_ATTEMPTS": "1",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
