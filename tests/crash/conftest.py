"""What all tests that kill share: when they do, by a seed that repeats it."""

from __future__ import annotations

import os
import time

import pytest

from haar.kernel.entropy import SeededEntropy


@pytest.fixture
def moments() -> SeededEntropy:
    """Chance, which ``HAAR_CRASH_SEED`` repeats."""
    seed = int(os.environ.get("HAAR_CRASH_SEED", time.time_ns()))
    print(f"HAAR_CRASH_SEED={seed}")
    return SeededEntropy(seed)
