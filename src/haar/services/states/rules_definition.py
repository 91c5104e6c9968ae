"""Retry and Catch: how a definition's rules are read, and which rule an error meets."""

from __future__ import annotations

import math
from typing import TypeVar

from haar.services.states.fields import Fields
from haar.services.states.shapes import SECONDS_MAX, Catcher, Retrier
from haar.services.states.values import is_array, is_number

_ALL = "States.ALL"
_FIELDS = frozenset(
    [
        "ErrorEquals",
        "IntervalSeconds",
        "MaxAttempts",
        "BackoffRate",
        "MaxDelaySeconds",
        "JitterStrategy",
        "Comment",
    ]
)
_DELAY_SECONDS_MAX = 31_622_400
_UNCAUGHT_BY_ALL = frozenset({"States.Runtime", "States.DataLimitExceeded"})

R = TypeVar("R", Retrier, Catcher)


def parse_retriers(fields: Fields) -> tuple[Retrier, ...]:
    """Return the rules of Retry."""
    rules = fields.objects("Retry")
    return tuple(_retrier(rule, is_last=rule is rules[-1]) for rule in rules)


def _retrier(fields: Fields, *, is_last: bool) -> Retrier:
    fields.allow(_FIELDS)
    interval = fields.whole("IntervalSeconds", 1, SECONDS_MAX)
    attempts = fields.whole("MaxAttempts", 0, SECONDS_MAX)
    return Retrier(
        errors=_errors(fields, is_last=is_last),
        interval_seconds=1 if interval is None else interval,
        attempts_max=3 if attempts is None else attempts,
        backoff_rate=_rate(fields),
        delay_seconds_max=fields.whole("MaxDelaySeconds", 1, _DELAY_SECONDS_MAX),
        is_jittered=fields.choice("JitterStrategy", ("FULL", "NONE"), "NONE") == "FULL",
    )


def _rate(fields: Fields) -> float:
    rate = fields.get("BackoffRate")
    if rate is None:
        return 2.0
    if not is_number(rate) or rate < 1:
        fields.problem("Minimum value is 1.0", "BackoffRate")
        return 2.0
    return float(rate)


def _errors(fields: Fields, *, is_last: bool) -> tuple[str, ...]:
    fields.need("ErrorEquals")
    names = fields.get("ErrorEquals")
    if "ErrorEquals" not in fields:
        return ()
    if not is_array(names) or not names or not all(isinstance(name, str) for name in names):
        fields.problem("Value should be a non-empty array of strings", "ErrorEquals")
        return ()
    if _ALL in names and (len(names) > 1 or not is_last):
        place = f"ErrorEquals[{names.index(_ALL)}]"
        fields.problem("States.ALL must appear alone and at end of list", place)
    return tuple(names)


def parse_catchers(fields: Fields) -> tuple[Catcher, ...]:
    """Return the rules of Catch."""
    rules = fields.objects("Catch")
    return tuple(_catcher(rule, is_last=rule is rules[-1]) for rule in rules)


def _catcher(fields: Fields, *, is_last: bool) -> Catcher:
    fields.allow(frozenset({"ErrorEquals", "Next", "ResultPath", "Comment"}))
    fields.need("Next")
    following = fields.text("Next") or ""
    return Catcher(_errors(fields, is_last=is_last), following, fields.result_keys())


def find_rule(rules: tuple[R, ...], error: str, alias: str, *, is_task: bool) -> int | None:
    """Return the index of the first rule that an error meets, under either of its names.

    ``States.ALL`` meets everything but States.Runtime and States.DataLimitExceeded;
    ``States.TaskFailed`` every error of a task but States.Timeout. States.Runtime meets no rule at
    all: it always fails the execution.
    """
    if error == "States.Runtime":
        return None
    for place, rule in enumerate(rules):
        if error in rule.errors or (alias and alias in rule.errors):
            return place
        if _ALL in rule.errors and error not in _UNCAUGHT_BY_ALL:
            return place
        if "States.TaskFailed" in rule.errors and is_task and error != "States.Timeout":
            return place
    return None


def delay_ms(retrier: Retrier, attempt: int, fraction: float) -> int:
    """Return the wait before the ``attempt``-th retry (1, 2, …); ``fraction`` is the jitter."""
    try:
        grown = retrier.interval_seconds * float(retrier.backoff_rate) ** (attempt - 1)
    except OverflowError:  # more than a float holds
        grown = math.inf
    seconds = min(grown, retrier.delay_seconds_max or _DELAY_SECONDS_MAX)
    return round(seconds * 1000 * (fraction if retrier.is_jittered else 1.0))
