"""A seed is a whole world: whoever plays it again sees the same, to the last event."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from plays import play
from stories import STORIES

SEED = 7


@pytest.mark.parametrize("name", STORIES)
def test_a_seed_repeats_its_world(name: str) -> None:
    """The same seed is the same story, byte for byte: in this process, and in another one.

    The other process hashes texts in another way, so that no set of them decides anything.
    """
    first = play(SEED, STORIES[name]).told()
    again = subprocess.run(
        [sys.executable, "stories.py", name, str(SEED)],
        cwd=Path(__file__).parent,
        env={**os.environ, "PYTHONHASHSEED": "1"},
        capture_output=True,
        check=True,
    )
    assert again.stdout.decode() == first + "\n"
    assert play(SEED, STORIES[name]).told() == first
