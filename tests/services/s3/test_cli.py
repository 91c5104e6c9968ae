"""The AWS CLI's own ``s3`` commands, in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

MIB = 1024 * 1024


def test_the_commands_of_the_cli(haar: Any, tmp_path: Path) -> None:
    """mb, sync, ls, cp, mv, rm and rb do what they do on AWS."""
    keys = haar.credentials
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "AWS_ENDPOINT_URL": haar.endpoint,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": keys["aws_access_key_id"],
        "AWS_SECRET_ACCESS_KEY": keys["aws_secret_access_key"],
    }

    def aws(*words: str) -> str:
        program = Path(sys.executable).with_name("aws")
        done = subprocess.run(
            [
                program,
                "s3",
                *words,
                *(["--no-progress"] if words[0] in {"cp", "sync", "mv"} else []),
            ],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    tree = tmp_path / "tree"
    (tree / "sub").mkdir(parents=True)
    (tree / "one").write_bytes(b"1")
    (tree / "sub" / "two words").write_bytes(bytes(range(256)) * 4096 * 9)  # in parts
    # S3 tells whole seconds: a file made in the second of its upload is newer than its object.
    for file in (tree / "one", tree / "sub" / "two words"):
        os.utime(file, (1_700_000_000, 1_700_000_000))
    aws("mb", "s3://of-the-cli")
    assert aws("sync", str(tree), "s3://of-the-cli/x").count("upload:") == 2
    assert aws("sync", str(tree), "s3://of-the-cli/x") == ""
    listed = aws("ls", "s3://of-the-cli/x/").splitlines()
    assert [line.split()[-1] for line in listed] == ["sub/", "one"]
    aws("cp", "s3://of-the-cli/x/sub/two words", "s3://of-the-cli/copy")
    aws("mv", "s3://of-the-cli/copy", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == (tree / "sub" / "two words").read_bytes()
    assert "copy" not in aws("ls", "--recursive", "s3://of-the-cli")
    assert aws("rm", "--recursive", "s3://of-the-cli").count("delete:") == 2
    aws("rb", "s3://of-the-cli")
