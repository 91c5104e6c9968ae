"""The interpreter's working memory: one execution during one step.

A :class:`Run` is made from stored rows, changed by :func:`~.interpret.decide`, and written back
whole or not at all. It knows how states are left, how errors find their Retry, Catch or end, and
how events are numbered; what each type of state does is in :mod:`.kinds`.

Everything is a function of the rows, the event and ``now_ms``: randomness is derived from the
execution's ARN and the event's number. So replaying the same events repeats the same history.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn, cast

from haar.services.states import tokens, values
from haar.services.states.expressions import Unresolved
from haar.services.states.filters import NoResult
from haar.services.states.frames import Frame, Frames, Phase
from haar.services.states.history import EVENTS_MAX, SAME_AS_INPUT, HistoryEvent
from haar.services.states.intrinsics import IntrinsicFailure
from haar.services.states.paths import bracketed, put
from haar.services.states.rules_definition import delay_ms, find_rule
from haar.services.states.shapes import Definition, MapState, Number, State, TaskState
from haar.services.states.steps import (
    ROOT,
    Command,
    Forget,
    GoOn,
    Outcome,
    Purpose,
    SetTimer,
)
from haar.services.states.surroundings import Expression, Surroundings
from haar.services.states.timestamps import text_of
from haar.services.states.values import is_integer, is_number

_EXACT_MAX = 2**53
"""Above, numbers of JSON are not exact everywhere."""

STEP_EVENTS_MAX = 500
STEP_BYTES_MAX = 1_000_000
"""What one transaction may record before the rest is left to the next."""


class StateFailed(Exception):
    """The current state fails with an error that Retry and Catch may meet (by either name)."""

    def __init__(self, error: str, cause: str, alias: str = "") -> None:
        super().__init__(error)
        self.error = error
        self.cause = cause
        self.alias = alias


class HistoryIsFull(Exception):
    """The execution has no room for another event."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What of an execution never changes.

    Attributes:
        arn: of the execution.
        name: of the execution.
        machine_arn: of its state machine.
        machine_name: the context object's StateMachine.Name.
        role: the role's ARN.
        start_ms: when it began.
        input_text: its input as it was given.
        input: its input as a value.
        secret: of its randomness and its task tokens.
    """

    arn: str
    name: str
    machine_arn: str
    machine_name: str
    role: str
    start_ms: int
    input_text: str
    input: Any
    secret: str


class Run:
    """One execution during one step. See the module."""

    __slots__ = (
        "_bytes",
        "_last",
        "_last_text",
        "commands",
        "definition",
        "events",
        "facts",
        "frames",
        "next_event",
        "next_frame",
        "now_ms",
        "outcome",
        "ready",
    )

    def __init__(self, definition: Definition, facts: Facts, frames: Frames, now_ms: int) -> None:
        self.definition = definition
        self.facts = facts
        self.frames = frames
        self.now_ms = now_ms
        self.next_event = 1
        self.next_frame = 1
        self.events: list[HistoryEvent] = []
        self.commands: list[Command] = []
        self.ready: deque[Frame] = deque()
        self.outcome: Outcome | None = None
        self._bytes = 0
        self._last: Any = self
        self._last_text = ""

    # Events and payloads

    def record(self, type_: str, previous: int, details: dict[str, Any] | None = None) -> int:
        """Append an event to the history and return its id.

        Raises:
            HistoryIsFull: only the event that ends the execution fits.
        """
        if self.is_full():
            raise HistoryIsFull
        return self._append(type_, previous, details)

    def is_full(self) -> bool:
        """Tell whether only the event that ends the execution fits."""
        return self.next_event >= EVENTS_MAX

    def _append(self, type_: str, previous: int, details: dict[str, Any] | None) -> int:
        id_ = self.next_event
        self.events.append(HistoryEvent(id_, type_, self.now_ms, previous, details))
        self.next_event = id_ + 1
        return id_

    def follow(self, frame: Frame, type_: str, details: dict[str, Any] | None = None) -> int:
        """Append an event that follows the frame's last one."""
        frame.last = self.record(type_, frame.last, details)
        return frame.last

    def text(self, value: Any) -> str:
        """Return the JSON text of a payload."""
        if value is self.facts.input:
            return self.facts.input_text
        if value is not self._last:
            self._last, self._last_text = value, values.write(value)
            self._bytes += len(self._last_text)
        return self._last_text

    def shown(self, value: Any) -> str | None:
        """Return a payload's text as an event stores it."""
        return SAME_AS_INPUT if value is self.facts.input else self.text(value)

    def is_spent(self) -> bool:
        """Tell whether this step has recorded enough for one transaction."""
        return len(self.events) >= STEP_EVENTS_MAX or self._bytes >= STEP_BYTES_MAX

    def leave_rest(self) -> None:
        """Leave the frames that are ready to a next step."""
        self.commands.append(GoOn())

    # Expressions

    def surroundings(
        self, frame: Frame, item: dict[str, Any] | None = None, token: str = ""
    ) -> Surroundings:
        """Return what expressions of the frame's state may see."""
        facts = self.facts
        seed = f"{facts.secret}/{facts.arn}/{frame.id}/{self.next_event}"
        return Surroundings(lambda: self._context(frame, item, token), seed)

    def token(self, frame: Frame, ticket: int) -> str:
        """Return the task token of a wait of the frame."""
        return tokens.make(self.facts.secret, self.facts.arn, frame.id, ticket)

    def _context(self, frame: Frame, item: dict[str, Any] | None, token: str) -> dict[str, Any]:
        facts = self.facts
        context: dict[str, Any] = {
            "Execution": {
                "Id": facts.arn,
                "Input": facts.input,
                "StartTime": text_of(facts.start_ms),
                "Name": facts.name,
                "RoleArn": facts.role,
                "RedriveCount": 0,
            },
            "StateMachine": {"Id": facts.machine_arn, "Name": facts.machine_name},
            "State": {
                "Name": frame.state,
                "EnteredTime": text_of(frame.entered_ms),
                "RetryCount": frame.retry_count,
            },
        }
        found = item or self._iteration(frame)
        if found is not None:
            context["Map"] = {"Item": found}
        if token:
            context["Task"] = {"Token": token}
        return context

    def _iteration(self, frame: Frame) -> dict[str, Any] | None:
        """Return the item of the innermost inline Map around a frame."""
        at = frame
        while at.parent >= ROOT:
            parent = self.frames.need(at.parent)
            if isinstance(self.definition.states[parent.state], MapState):
                return {"Index": at.index, "Value": at.item}
            at = parent
        return None

    def evaluate(
        self,
        frame: Frame,
        expression: Expression,
        value: Any,
        *,
        error: str = "States.Runtime",
        around: Surroundings | None = None,
    ) -> Any:
        """Evaluate an expression of the frame's state.

        Raises:
            StateFailed: with ``error`` where a path finds nothing.
        """
        try:
            return expression(value, around or self.surroundings(frame))
        except Unresolved as err:
            self.break_down(frame, str(err), error)
        except IntrinsicFailure as err:
            self.break_down(frame, str(err), "States.IntrinsicFailure")

    def break_down(self, frame: Frame, reason: str, error: str = "States.Runtime") -> NoReturn:
        """Fail the frame's state for a reason that lies in the definition or its data."""
        raise StateFailed(
            error,
            f"An error occurred while executing the state '{frame.state}' "
            f"(entered at the event id #{frame.entered}). {reason}",
        )

    def number(self, frame: Frame, number: Number, value: Any, *, is_whole: bool = True) -> float:
        """Return a number of the definition or of the input; 0 where neither is given."""
        if number.path is None:
            return number.value or 0
        found = self.evaluate(frame, number.path, value)
        is_valid = is_integer(found) or (not is_whole and is_number(found))
        if not (is_valid and abs(found) <= _EXACT_MAX):
            kind = "integer" if is_whole else "float"
            shown = found if isinstance(found, str) else values.write(found)
            self.break_down(
                frame,
                f'The {number.path_name} field refers to value "{shown}" '
                f"which is not a valid {kind}: {number.path_text}",
            )
        return cast("float", found)

    def count(self, frame: Frame, number: Number, value: Any) -> int:
        """Return a number that counts something.

        Raises:
            StateFailed: it is negative, or none.
        """
        found = int(self.number(frame, number, value))
        if found < 0:
            self.break_down(frame, f"{number.path_name.removesuffix('Path')} cannot be negative.")
        return found

    def effective_input(self, frame: Frame, state: State) -> Any:
        """Return the state's input after InputPath."""
        if state.input_path is None:
            return frame.input
        return self.evaluate(frame, state.input_path, frame.input)

    def arguments(self, frame: Frame, state: State, token: str = "") -> Any:
        """Return the state's input after InputPath and Parameters."""
        effective = self.effective_input(frame, state)
        if state.parameters is None:
            return effective
        around = self.surroundings(frame, token=token)
        return self.evaluate(
            frame, state.parameters, effective, error="States.ParameterPathFailure", around=around
        )

    # Leaving states

    def complete(self, frame: Frame, state: State, result: Any) -> None:
        """Leave the state with a result: ResultSelector, ResultPath, OutputPath.

        Raises:
            StateFailed: a path that finds nothing, or too large an output.
        """
        if state.result_selector is not None:
            result = self.evaluate(frame, state.result_selector, result)
        output = self.merged(frame, state.result_keys, result)
        if state.output_path is not None:
            output = self.evaluate(frame, state.output_path, output)
        self.leave(frame, state, output, state.next)

    def merged(self, frame: Frame, keys: tuple[str | int, ...] | None, result: Any) -> Any:
        """Return the state's raw input with a result at a ResultPath."""
        if keys is None:
            return frame.input
        if not keys:
            return result
        try:
            return put(frame.input, keys, result)
        except NoResult:
            reason = (
                f"Unable to apply Reference Path {bracketed(keys)} "
                f"to input {self.text(frame.input)}"
            )
            self.break_down(frame, reason, "States.ResultPathMatchFailure")

    def leave(self, frame: Frame, state: State, output: Any, following: str | None) -> None:
        """Record the exit and go on to the next state, or to the end of the scope."""
        text = self.text(output)
        if values.size(text) > values.PAYLOAD_BYTES_MAX:
            raise self.too_large(state)
        details = {"name": state.name, "output": self.shown(output)}
        self.follow(frame, f"{state.type}StateExited", details)
        frame.retries, frame.retry_count = [], 0
        if following is None:
            self.finish(frame, output)
        else:
            frame.state, frame.input = following, output
            self.make_ready(frame)

    @staticmethod
    def too_large(state: State) -> StateFailed:
        """Return the failure of a state whose result is too large."""
        return StateFailed(
            "States.DataLimitExceeded",
            f"The state/task '{state.name}' returned a result with a size exceeding "
            "the maximum number of bytes service limit.",
        )

    def make_ready(self, frame: Frame, phase: Phase = Phase.ENTER) -> None:
        """Let the frame go on in this step."""
        frame.phase = phase
        self.ready.append(frame)

    def wait(self, frame: Frame) -> int:
        """Let the frame wait for an event, and return the ticket that it must carry."""
        frame.phase, frame.ticket = Phase.WAITING, frame.last
        return frame.ticket

    def command(self, command: Command) -> None:
        """Ask for something to be done once this step is durable."""
        self.commands.append(command)

    def finish(self, frame: Frame, output: Any) -> None:
        """End the frame's scope with an output."""
        if frame.id == ROOT:
            self._append("ExecutionSucceeded", frame.last, {"output": self.shown(output)})
            self.outcome = Outcome("SUCCEEDED", output=self.text(output))
            return
        frame.phase, frame.output, frame.input, frame.item = Phase.DONE, output, None, None
        parent = self.frames.need(frame.parent)
        parent.finished += 1
        self._iteration_event(parent, frame, "Succeeded")
        parent.last = frame.last
        if parent.finished == parent.children:
            self.gather(parent)
        elif parent.started < parent.children:
            self.start_child(parent)

    def _iteration_event(self, parent: Frame, frame: Frame, what: str) -> None:
        if isinstance(self.definition.states[parent.state], MapState):
            details = {"name": parent.state, "index": frame.index}
            self.follow(frame, f"MapIteration{what}", details)

    def start_child(self, parent: Frame) -> None:
        """Start the next pending child of a frame."""
        child = self.frames.need(parent.first_child + parent.started)
        parent.started += 1
        child.last = parent.ticket
        self._iteration_event(parent, child, "Started")
        self.make_ready(child)

    def gather(self, parent: Frame) -> None:
        """Complete a Parallel or Map state whose children have all finished."""
        outputs: list[Any] = []
        for id_ in range(parent.first_child, parent.first_child + parent.children):
            outputs.append(self.frames.need(id_).output)
            self.frames.drop(id_)
        state = self.definition.states[parent.state]
        self.follow(parent, f"{state.type}StateSucceeded")
        self.guard(parent, lambda: self.complete(parent, state, outputs))

    # Errors

    def guard(self, frame: Frame, work: Callable[[], None]) -> None:
        """Do what a state does; send its failure to Retry, Catch, or the end."""
        try:
            work()
        except StateFailed as failure:
            self.fail(frame, failure.error, failure.cause, failure.alias)

    def fail(self, frame: Frame, error: str, cause: str, alias: str = "") -> None:
        """Let an error meet the state's Retry, then its Catch, then whoever is around it."""
        state = self.definition.states[frame.state]
        is_task = isinstance(state, TaskState)
        if self._retry(frame, state, error, alias):
            return None
        place = find_rule(state.catchers, error, alias, is_task=is_task)
        if place is None:
            return self.give_up(frame, error, cause)
        catcher = state.catchers[place]
        output = {"Error": error, "Cause": cause}
        try:
            merged = self.merged(frame, catcher.result_keys, output)
            self.leave(frame, state, merged, catcher.next)
        except StateFailed as failure:
            self.give_up(frame, failure.error, failure.cause)

    def _retry(self, frame: Frame, state: State, error: str, alias: str) -> bool:
        is_task = isinstance(state, TaskState)
        place = find_rule(state.retriers, error, alias, is_task=is_task)
        if place is None:
            return False
        retrier = state.retriers[place]
        if not frame.retries:
            frame.retries = [0] * len(state.retriers)
        if frame.retries[place] >= retrier.attempts_max:
            return False
        frame.retries[place] += 1
        frame.retry_count += 1
        fraction = self.surroundings(frame).entropy.fraction() if retrier.is_jittered else 1.0
        due_ms = self.now_ms + delay_ms(retrier, frame.retries[place], fraction)
        ticket = self.wait(frame)
        self.command(SetTimer(frame.id, ticket, due_ms, Purpose.RETRY))
        return True

    def give_up(self, frame: Frame, error: str, cause: str) -> None:
        """End the frame's scope with an error that nobody inside of it caught."""
        if frame.id == ROOT:
            self.end("FAILED", "ExecutionFailed", frame.last, error, cause)
            return
        parent = self.frames.need(frame.parent)
        self._iteration_event(parent, frame, "Failed")
        parent.last = frame.last
        self.frames.drop(frame.id)
        self._abort_children(parent)
        state = self.definition.states[parent.state]
        self.follow(parent, f"{state.type}StateFailed")
        self.fail(parent, error, cause)

    def end(
        self, status: str, type_: str, previous: int, error: str | None, cause: str | None
    ) -> None:
        """End the execution otherwise than by success."""
        given = {"error": error, "cause": cause}
        details = {name: value for name, value in given.items() if value is not None}
        self._append(type_, previous, details)
        self.outcome = Outcome(status, error=error, cause=cause)

    def abort(self, frame: Frame) -> None:
        """Take a frame and all below it out of the execution."""
        self.ready = deque(other for other in self.ready if other.id != frame.id)
        if frame.phase is Phase.CHILDREN:
            self._abort_children(frame)
        if frame.phase in {Phase.WAITING, Phase.CHILDREN}:
            self._record_aborted(frame)
        if frame.phase is Phase.WAITING:
            self.command(Forget(frame.id, frame.ticket, frame.map_run))
        self.frames.drop(frame.id)

    def _record_aborted(self, frame: Frame) -> None:
        state = self.definition.states[frame.state]
        if frame.map_run and not self.is_full():
            self.follow(frame, "MapRunAborted")
        if state.type in {"Task", "Wait", "Parallel", "Map"} and not self.is_full():
            self.follow(frame, f"{state.type}StateAborted")

    def _abort_children(self, parent: Frame) -> None:
        for id_ in range(parent.first_child, parent.first_child + parent.children):
            child = self.frames.get(id_)
            if child is None:
                continue
            if child.phase not in {Phase.DONE, Phase.PENDING}:
                self.abort(child)
                if not self.is_full():
                    self._iteration_event(parent, child, "Aborted")
                parent.last = child.last
            self.frames.drop(id_)
