"""Tags of state machines."""

from __future__ import annotations

from typing import Any

from haar.services.states.errors import TooManyTags

TAGS_MAX = 50


def merged(old: dict[str, str], given: list[dict[str, Any]], arn: str) -> dict[str, str]:
    """Return the tags with new ones added.

    Raises:
        TooManyTags: more than :data:`TAGS_MAX` in all.
    """
    tags = {**old, **{tag.get("key", ""): tag.get("value", "") for tag in given}}
    if len(tags) > TAGS_MAX:
        raise TooManyTags(arn=arn)
    return tags


def tags_of(tags: dict[str, str]) -> list[dict[str, str]]:
    """Return the tags as the API lists them."""
    return [{"key": key, "value": value} for key, value in tags.items()]
