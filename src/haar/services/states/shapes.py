"""A state machine's definition, parsed: frozen values with every expression compiled.

State names are unique in the whole document, so a name alone finds a state, however deep.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from haar.services.states.choices import Predicate
from haar.services.states.resources import Resource
from haar.services.states.surroundings import Expression

SECONDS_MAX = 99_999_999
"""Of every time that a definition gives in seconds, and that a path may find."""


@dataclass(frozen=True, slots=True)
class Retrier:
    """One rule of a Retry array. ``delay_seconds_max`` None: not bounded."""

    errors: tuple[str, ...]
    interval_seconds: int = 1
    attempts_max: int = 3
    backoff_rate: float = 2.0
    delay_seconds_max: int | None = None
    is_jittered: bool = False


@dataclass(frozen=True, slots=True)
class Catcher:
    """One rule of a Catch array. ``result_keys`` None: the error output is discarded."""

    errors: tuple[str, ...]
    next: str
    result_keys: tuple[str | int, ...] | None = ()


@dataclass(frozen=True, slots=True)
class Number:
    """A number that is written in the definition, or found by a path when the state begins.

    Attributes:
        value: as written.
        path: finds it; ``path_text`` is the path, ``path_name`` the field's name, for messages.
    """

    value: float | None = None
    path: Expression | None = None
    path_text: str = ""
    path_name: str = ""

    @property
    def is_given(self) -> bool:
        """Whether there is such a number."""
        return self.value is not None or self.path is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What the states have in common.

    Attributes:
        name: unique in the document.
        type: ``Pass``, ``Task``, …
        next: the next state's name; None at the end of its scope.
        input_path: None for ``$``.
        output_path: None for ``$``.
        parameters: the payload template, where given.
        result_selector: the template of the result, where given.
        result_keys: where the result goes in the input; None discards it, empty replaces.
    """

    name: str
    type: str
    next: str | None = None
    input_path: Expression | None = None
    output_path: Expression | None = None
    parameters: Expression | None = None
    result_selector: Expression | None = None
    result_keys: tuple[str | int, ...] | None = ()
    retriers: tuple[Retrier, ...] = ()
    catchers: tuple[Catcher, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PassState(State):
    """``result`` is in force where ``has_result``: null is a result too."""

    has_result: bool = False
    result: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceState(State):
    """The first rule that holds decides; else ``default``, where given."""

    rules: tuple[tuple[Predicate, str], ...] = ()
    default: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitState(State):
    """Exactly one of the four is given; the path's text is kept for messages."""

    seconds: int | None = None
    until_ms: int | None = None
    seconds_path: Expression | None = None
    timestamp_path: Expression | None = None
    path_text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskState(State):
    """Work that an integration does, with its largest duration and silence in seconds."""

    resource: Resource
    timeout: Number = field(default_factory=Number)
    heartbeat: Number = field(default_factory=Number)


@dataclass(frozen=True, slots=True, kw_only=True)
class SucceedState(State):
    """Ends its scope."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailState(State):
    """Ends the execution (or its branch) with an error; both may be absent."""

    error: Expression | None = None
    cause: Expression | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParallelState(State):
    """``branches`` are the names of the first state of each."""

    branches: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReaderShape:
    """An ItemReader: ``kind`` is ``CSV``, ``JSON``, ``JSONL`` or ``LISTING``."""

    kind: str
    parameters: Expression
    max_items: Number = field(default_factory=Number)
    headers: tuple[str, ...] | None = None
    delimiter: str = ","
    pointer: str = ""


@dataclass(frozen=True, slots=True)
class BatcherShape:
    """An ItemBatcher."""

    items_max: Number = field(default_factory=Number)
    bytes_max: Number = field(default_factory=Number)
    batch_input: Expression | None = None


@dataclass(frozen=True, slots=True)
class WriterShape:
    """A ResultWriter. ``parameters`` None: the results stay in the state's output."""

    parameters: Expression | None = None
    transformation: str = "NONE"
    output_type: str = "JSON"


@dataclass(frozen=True, slots=True)
class Distribution:
    """What a Map in DISTRIBUTED mode has more than an inline one."""

    label: str
    is_express: bool = False
    reader: ReaderShape | None = None
    batcher: BatcherShape | None = None
    writer: WriterShape | None = None
    tolerated_count: Number = field(default_factory=Number)
    tolerated_percentage: Number = field(default_factory=Number)


@dataclass(frozen=True, slots=True, kw_only=True)
class MapState(State):
    """``start_at`` is the processor's first state; ``distribution`` None means inline."""

    start_at: str = ""
    items_path: Expression | None = None
    items_text: str = "$"
    selector: Expression | None = None
    concurrency: Number = field(default_factory=Number)
    distribution: Distribution | None = None


@dataclass(frozen=True, slots=True)
class Definition:
    """A whole state machine. ``states`` holds those of every depth, by name."""

    start_at: str
    states: Mapping[str, State]
    timeout_seconds: int | None = None
