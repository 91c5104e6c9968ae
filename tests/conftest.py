"""What all tests share: how Hypothesis tries."""

from __future__ import annotations

from hypothesis import settings

# A busy machine is slow, and being slow is no failure: nothing here is timed.
settings.register_profile("haar", deadline=None)
settings.load_profile("haar")
