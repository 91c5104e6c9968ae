"""Filter criteria: which messages a pipe takes. What it does not take is removed from the queue.

A message whose body is JSON never matches a filter on plain text, nor the other way round: both
follow from looking at the decoded body.

Source: AWS docs, EventBridge user guide, "Event filtering in Amazon EventBridge Pipes".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from haar.kit.call import Members
from haar.kit.patterns.matcher import Matcher
from haar.kit.patterns.operators import BadPattern
from haar.services.pipes.errors import ValidationFailed
from haar.services.pipes.events import decoded

BAD_FILTER = "Invalid filter pattern definition. {reason}"
"""Of event source mappings the first sentence is known; of Pipes none is."""


def patterns_of(source_parameters: Members) -> list[str]:
    """Return the patterns of a source's filters; a message is taken that matches any."""
    filters: list[Members] = source_parameters.get("FilterCriteria", {}).get("Filters", [])
    return [one["Pattern"] for one in filters if "Pattern" in one]


def compiled(source_parameters: Members) -> Callable[[Any], bool]:
    """Return what tells whether a pipe takes an event.

    Raises:
        ValidationFailed: a filter is no pattern.
    """
    patterns = patterns_of(source_parameters)
    if not patterns:
        return _takes_all
    try:
        matcher = Matcher(list(enumerate(patterns)))
    except BadPattern as err:
        raise ValidationFailed(
            BAD_FILTER.format(reason=err), field="SourceParameters.FilterCriteria"
        ) from None
    return lambda event: matcher.matches(decoded(event))


def _takes_all(_event: Any) -> bool:
    return True
