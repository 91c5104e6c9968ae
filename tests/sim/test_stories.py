"""Whole stories in simulated worlds: what fails there, and when, comes from one seed.

``HAAR_SIM_SEED=<seed>`` plays one seed only, ``HAAR_SIM_SEEDS=<count>`` as many as are asked for.
"""

from __future__ import annotations

import pytest
from plays import play, seeds
from stories import STORIES


@pytest.mark.parametrize("name", STORIES)
@pytest.mark.parametrize("seed", seeds())
def test_the_promises_hold_in_a_world_of_misfortunes(seed: int, name: str) -> None:
    """Whatever crashes, drops, fails and jumps: what was acknowledged holds."""
    assert play(seed, STORIES[name]).crashes > 0
