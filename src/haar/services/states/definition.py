"""From the text of a definition to a :class:`~.shapes.Definition`, or every problem in it."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from haar.services.states import resources, values
from haar.services.states.choices import OPERATORS, BadRule, compile_rule
from haar.services.states.errors import InvalidDefinition
from haar.services.states.expressions import BadExpression, UsesVariable, constant
from haar.services.states.fields import Fields, Problem, names_of, unsupported
from haar.services.states.map_definition import MAP_FIELDS, parse_map
from haar.services.states.rules_definition import parse_catchers, parse_retriers
from haar.services.states.shapes import (
    SECONDS_MAX,
    ChoiceState,
    Definition,
    FailState,
    ParallelState,
    PassState,
    State,
    SucceedState,
    TaskState,
    WaitState,
)
from haar.services.states.surroundings import Expression
from haar.services.states.timestamps import NotATime, parse_ms
from haar.services.states.transitions import transition_problems
from haar.services.states.values import is_array, is_object

STATE_NAME_CHARACTERS_MAX = 80

_COMMON = "Type Comment QueryLanguage"
_PATHS = "InputPath OutputPath"
_GOES_ON = "Next End"
_WORKS = "Parameters ResultSelector ResultPath Retry Catch"


def _fields(*groups: str) -> frozenset[str]:
    return frozenset(" ".join(groups).split())


@lru_cache(maxsize=256)
def parse(text: str) -> Definition:
    """Return the parsed definition; remembered by its text.

    Raises:
        InvalidDefinition: with every problem and its place.
        NotImplementedByHaar: a part of the language that haar does not have.
    """
    definition, problems = examine(text)
    if definition is None:
        raise InvalidDefinition.of([(p.code, p.message, p.place) for p in problems])
    return definition


def examine(text: str) -> tuple[Definition | None, list[Problem]]:
    """Return the definition (None where it has problems) and the problems."""
    try:
        document = values.read(text)
    except values.NotJson as err:
        return None, [Problem(str(err), "/", "INVALID_JSON_DESCRIPTION")]
    if not is_object(document):
        problem = Problem("Definition must be a valid JSON object", "/", "INVALID_JSON_DESCRIPTION")
        return None, [problem]
    parser = _Parser()
    timeout = parser.document(Fields(document, "", parser.problems))
    problems = parser.problems or transition_problems(document)
    if problems:
        return None, problems
    return Definition(document["StartAt"], parser.states, timeout), []


class _Parser:
    """Walks the document; ``states`` gathers those of every depth."""

    def __init__(self) -> None:
        self.states: dict[str, State] = {}
        self.problems: list[Problem] = []
        self.labels: set[str] = set()

    def document(self, fields: Fields) -> int | None:
        fields.allow(
            frozenset(
                {"Comment", "StartAt", "States", "Version", "TimeoutSeconds", "QueryLanguage"}
            )
        )
        if fields.get("Version") not in {None, "1.0"}:
            fields.problem("The field 'Version' should have one of these values: [1.0]", "Version")
        self.scope(fields)
        return fields.whole("TimeoutSeconds", 1, SECONDS_MAX)

    def scope(self, fields: Fields) -> None:
        """Parse a StartAt and States pair: the document, a branch or a processor."""
        _refuse_jsonata(fields)
        if not fields.need("States", "StartAt"):
            return
        states = fields.object("States")
        if states is None:
            return
        if not states.body:
            states.problem("Value cannot be empty")
        fields.text("StartAt")
        for name in states.body:
            body = states.object(name)
            if body is not None:
                self.state(name, body)

    def state(self, name: str, fields: Fields) -> None:
        if len(name) > STATE_NAME_CHARACTERS_MAX:
            message = f"State name should not exceed {STATE_NAME_CHARACTERS_MAX} characters"
            fields.problem(message, code="INVALID_STATE_NAME")
        if name in self.states:
            fields.problem(f"Duplicate State name: {name}", code="DUPLICATE_STATE_NAME")
        if not fields.need("Type"):
            return
        kind = fields.get("Type")
        parse_kind = _KINDS.get(kind) if isinstance(kind, str) else None
        if parse_kind is None:
            fields.problem(
                f"The field 'Type' should have one of these values: {names_of(_KINDS)}", "Type"
            )
            return
        _refuse_jsonata(fields)
        common = self.common(name, kind, fields)
        self.states[name] = State(name=name, type=kind)  # holds the name while the inside is read
        self.states[name] = parse_kind(self, fields, common)

    def common(self, name: str, kind: str, fields: Fields) -> dict[str, Any]:
        """Return the fields that states share."""
        common: dict[str, Any] = {"name": name, "type": kind}
        if kind != "Fail":
            common["input_path"] = fields.data_path("InputPath")
            common["output_path"] = fields.data_path("OutputPath")
        if kind in {"Task", "Parallel", "Map", "Pass", "Wait"}:
            common["next"] = _next(fields)
        if kind in {"Task", "Parallel", "Map", "Pass"}:
            common["parameters"] = fields.template("Parameters")
            common["result_keys"] = fields.result_keys()
        if kind in {"Task", "Parallel", "Map"}:
            common["result_selector"] = fields.template("ResultSelector")
            common["retriers"] = parse_retriers(fields)
            common["catchers"] = parse_catchers(fields)
        return common


def _refuse_jsonata(fields: Fields) -> None:
    if fields.choice("QueryLanguage", ("JSONPath", "JSONata"), "JSONPath") == "JSONata":
        raise unsupported("QueryLanguage JSONata")


def _next(fields: Fields) -> str | None:
    if ("Next" in fields) == ("End" in fields):
        fields.problem("Exactly one of the fields [Next, End] is required")
    if "End" in fields and fields.get("End") is not True:
        fields.problem("The field 'End' should be true", "End")
    return fields.text("Next")


def _pass(_: _Parser, fields: Fields, common: dict[str, Any]) -> State:
    fields.allow(_fields(_COMMON, _PATHS, _GOES_ON, "Parameters Result ResultPath"))
    return PassState(has_result="Result" in fields, result=fields.get("Result"), **common)


def _choice(_: _Parser, fields: Fields, common: dict[str, Any]) -> State:
    fields.allow(_fields(_COMMON, _PATHS, "Choices Default"))
    fields.need("Choices")
    if fields.get("Choices") == []:
        fields.problem("Value cannot be empty", "Choices")
    rules = [_rule(rule) for rule in fields.objects("Choices")]
    return ChoiceState(
        rules=tuple(rule for rule in rules if rule),
        default=fields.text("Default"),
        **common,
    )


def _rule(fields: Fields) -> Any:
    fields.allow(OPERATORS | {"And", "Or", "Not", "Variable", "Next", "Comment"})
    fields.need("Next")
    try:
        return compile_rule(fields.body), fields.text("Next")
    except BadRule as err:
        fields.problem(str(err))
    except BadExpression:
        fields.problem("Value must be a valid JSONPath.", "Variable")
    except UsesVariable as err:
        raise unsupported("Variables") from err
    return None


def _wait(_: _Parser, fields: Fields, common: dict[str, Any]) -> State:
    options = ("Seconds", "SecondsPath", "Timestamp", "TimestampPath")
    fields.allow(_fields(_COMMON, _PATHS, _GOES_ON, *options))
    if sum(name in fields for name in options) != 1:
        fields.problem(f"Exactly one of the fields [{', '.join(options)}] is required")
    return WaitState(
        seconds=fields.whole("Seconds", 0, SECONDS_MAX),
        until_ms=_timestamp(fields),
        seconds_path=fields.path("SecondsPath"),
        timestamp_path=fields.path("TimestampPath"),
        path_text=str(fields.get("SecondsPath") or fields.get("TimestampPath") or ""),
        **common,
    )


def _timestamp(fields: Fields) -> int | None:
    text = fields.text("Timestamp")
    if text is None:
        return None
    try:
        return parse_ms(text)
    except NotATime:
        fields.problem("String does not match RFC3339 timestamp", "Timestamp")
    return None


def _succeed(_: _Parser, fields: Fields, common: dict[str, Any]) -> State:
    fields.allow(_fields(_COMMON, _PATHS))
    return SucceedState(**common)


def _fail(_: _Parser, fields: Fields, common: dict[str, Any]) -> State:
    fields.allow(_fields(_COMMON, "Error ErrorPath Cause CausePath"))
    return FailState(error=_word(fields, "Error"), cause=_word(fields, "Cause"), **common)


def _word(fields: Fields, name: str) -> Expression | None:
    if name in fields and f"{name}Path" in fields:
        fields.problem(f"Only one of [{name}, {name}Path] may be given")
    if f"{name}Path" in fields:
        return fields.path(f"{name}Path")
    text = fields.text(name)
    return None if text is None else constant(text)


def _task(_: _Parser, fields: Fields, common: dict[str, Any]) -> State:
    limits = "TimeoutSeconds TimeoutSecondsPath HeartbeatSeconds HeartbeatSecondsPath"
    fields.allow(_fields(_COMMON, _PATHS, _GOES_ON, _WORKS, "Resource", limits))
    fields.need("Resource")
    timeout = fields.number("TimeoutSeconds", 1, SECONDS_MAX)
    heartbeat = fields.number("HeartbeatSeconds", 1, SECONDS_MAX)
    if timeout.value and heartbeat.value and heartbeat.value >= timeout.value:
        fields.problem("HeartbeatSeconds should be smaller than TimeoutSeconds")
    return TaskState(resource=_resource(fields), timeout=timeout, heartbeat=heartbeat, **common)


def _resource(fields: Fields) -> resources.Resource:
    text = fields.text("Resource") or ""
    try:
        found = resources.find(text)
    except resources.UnsupportedResource as err:
        raise unsupported(f"The resource {text}") from err
    except resources.UnknownResource:
        if "Resource" in fields:
            fields.problem("Value is not a valid resource ARN", "Resource")
        return resources.Resource(arn=text, type="", action="")
    if not found.is_function:
        _check_parameters(fields, found)
    return found


def _check_parameters(fields: Fields, resource: resources.Resource) -> None:
    given: Any = fields.body.get("Parameters", {})
    if not is_object(given):
        return
    plain = {name.removesuffix(".$") for name in given}
    where = Fields({}, f"{fields.place}/Parameters", fields.problems)
    missing = sorted(resource.required - plain)
    for name in missing:
        where.problem(f"The field '{name}' is required but was missing")
    for name in sorted(plain - resource.allowed) if resource.allowed is not None else ():
        where.problem(f"The field '{name}' is not supported by Step Functions")


def _parallel(parser: _Parser, fields: Fields, common: dict[str, Any]) -> State:
    fields.allow(_fields(_COMMON, _PATHS, _GOES_ON, _WORKS, "Branches"))
    fields.need("Branches")
    if is_array(fields.get("Branches")) and not fields.get("Branches"):
        fields.problem("Value cannot be empty", "Branches")
    branches = fields.objects("Branches")
    for branch in branches:
        branch.allow(_fields("Comment StartAt States QueryLanguage"))
        parser.scope(branch)
    return ParallelState(
        branches=tuple(str(branch.get("StartAt")) for branch in branches), **common
    )


def _map(parser: _Parser, fields: Fields, common: dict[str, Any]) -> State:
    fields.allow(_fields(_COMMON, _PATHS, _GOES_ON, _WORKS, MAP_FIELDS))
    return parse_map(fields, common, parser.scope, parser.labels)


_Kind = Callable[[_Parser, Fields, dict[str, Any]], State]
_KINDS: dict[str, _Kind] = {
    "Task": _task,
    "Wait": _wait,
    "Pass": _pass,
    "Succeed": _succeed,
    "Fail": _fail,
    "Choice": _choice,
    "Parallel": _parallel,
    "Map": _map,
}
