"""Room for a call: bounded concurrency, decided before any real work."""

from __future__ import annotations

from haar.kernel.errors import ApiError


class TooManyCalls(ApiError):
    """As many calls as allowed are being worked on: the client may try again."""

    code = "ThrottlingException"
    message = "Rate exceeded"
    status = 503


class Admission:
    """Counts the calls that are being worked on, and refuses what goes beyond the bound.

    A long poll counts like any other call: it holds memory while it waits.
    """

    __slots__ = ("_calls_max", "calls", "refused")

    def __init__(self, calls_max: int) -> None:
        self._calls_max = calls_max
        self.calls = 0
        self.refused = 0

    def enter(self) -> None:
        """Take a place.

        Raises:
            TooManyCalls: there is none left.
        """
        if self.calls >= self._calls_max:
            self.refused += 1
            raise TooManyCalls
        self.calls += 1

    def leave(self) -> None:
        """Give the place back."""
        self.calls -= 1
