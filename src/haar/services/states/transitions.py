"""Where the states of a definition lead: targets that are not there, states that nothing leads to.

Looks at the document as it was written, once its schema holds, scope by scope: the document itself,
each branch of a Parallel, the processor of each Map. Source of the texts and their order: recorded
answers of ValidateStateMachineDefinition.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from haar.services.states.fields import Problem

CODE = "MISSING_TRANSITION_TARGET"


def transition_problems(scope: dict[str, Any], place: str = "") -> list[Problem]:
    """Return what is wrong with the transitions of a scope and of those inside of it."""
    states: dict[str, dict[str, Any]] = scope["States"]
    ways = {name: list(_targets(state, f"{place}/States/{name}")) for name, state in states.items()}
    start = (scope["StartAt"], f"{place}/StartAt")
    problems = [
        Problem(f"Missing 'Next' target: {target}", where, CODE)
        for target, where in [start, *(way for found in ways.values() for way in found)]
        if target not in states
    ]
    if not any(_is_end(state) for state in states.values()):
        problems.append(Problem("Workflow has no terminal state", None, "MISSING_END_STATE"))
    else:
        reached = _reach(scope["StartAt"], ways)
        problems += [
            Problem(f'State "{name}" is not reachable.', f"{place}/States/{name}", CODE)
            for name in states
            if name not in reached
        ]
    for name, state in states.items():
        for inner, where in _inside(state, f"{place}/States/{name}"):
            problems += transition_problems(inner, where)
    return problems


def _targets(state: dict[str, Any], place: str) -> Iterator[tuple[str, str]]:
    """Yield the states that one may go on to, and where that is said."""
    for field in ("Next", "Default"):
        if field in state:
            yield state[field], f"{place}/{field}"
    for field in ("Choices", "Catch"):
        for at, rule in enumerate(state.get(field, ())):
            yield rule["Next"], f"{place}/{field}[{at}]/Next"


def _is_end(state: dict[str, Any]) -> bool:
    return "End" in state or state["Type"] in {"Succeed", "Fail"}


def _reach(start: str, ways: dict[str, list[tuple[str, str]]]) -> set[str]:
    reached: set[str] = set()
    ahead = [start]
    while ahead:
        name = ahead.pop()
        if name not in reached:
            reached.add(name)
            ahead += [target for target, _ in ways.get(name, ())]
    return reached


def _inside(state: dict[str, Any], place: str) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield the scopes inside of a state."""
    for at, branch in enumerate(state.get("Branches", ())):
        yield branch, f"{place}/Branches[{at}]"
    for field in ("ItemProcessor", "Iterator"):
        if field in state:
            yield state[field], f"{place}/{field}"
