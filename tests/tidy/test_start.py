"""What ``haar up`` loads before it answers: a start is mostly imports."""

from __future__ import annotations

import subprocess
import sys

LOADED = {
    "click",
    "haar",
    "httptools",
    "msgspec",
    "orjson",
    "rocksdict",
    "sortedcontainers",
    "typing_extensions",
    "uvloop",
}
"""The packages that a start needs; whatever else haar uses is imported where it is used first."""

SCRIPT = """
import sys
import haar.cli.up
from haar.app import services
services()
tops = {name.partition(".")[0] for name in sys.modules}
print(*sorted(tops - sys.stdlib_module_names))
"""


def test_a_start_loads_no_other_packages() -> None:
    """A heavy import on the way to the first answer is seen here, and not by a stopwatch."""
    told = subprocess.run(
        [sys.executable, "-I", "-c", SCRIPT], capture_output=True, text=True, check=True
    )
    found = {name for name in told.stdout.split() if not name.startswith(("_", "cython"))}
    assert found <= LOADED, f"imported at the start, too: {sorted(found - LOADED)}"
