"""The Node client: handlers of both module systems, asynchronous or calling back."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from haar.fabric.sandbox import runtimes

CASES = [
    ("index.mjs", "export const handler = async (event) => ({ got: event });", {"got": 7}),
    ("index.js", "exports.handler = async (event) => event + 1;", 8),
    ("index.cjs", "exports.handler = (event, context, done) => done(null, [event]);", [7]),
    ("index.mjs", "export const handler = () => undefined;", None),
    (
        "index.mjs",
        "export const handler = (e, c) => [c.awsRequestId, c.getRemainingTimeInMillis() > 0];",
        ["request-1", True],
    ),
]


@pytest.fixture
def node() -> Any:
    try:
        return asyncio.run(runtimes.find("nodejs18.x"))
    except runtimes.NotHere as reason:
        pytest.skip(str(reason))


def of(bench: Any, node: Any, file: str, source: str) -> Any:
    (bench.code / file).write_text(source)
    return bench.program(node.command(bench.code), handler="index.handler", uses_socket=True)


@pytest.mark.parametrize(("file", "source", "answer"), CASES)
def test_a_handler_answers(run: Any, node: Any, file: str, source: str, answer: Any) -> None:
    """A handler's result, promised or called back, is the outcome."""

    async def body(bench: Any) -> Any:
        return await bench.run(of(bench, node, file, source), b"7")

    outcome = run(body)
    assert (outcome.error, json.loads(outcome.payload)) == ("", answer)


def test_an_exception_is_shaped_as_aws_shapes_it(run: Any, node: Any) -> None:
    """A rejected promise is errorType, errorMessage and trace; the process goes on."""
    source = """
export const handler = async (event) => {
  console.log("seen");
  if (event) throw new TypeError("wrong");
  return "well";
};
"""

    async def body(bench: Any) -> Any:
        program = of(bench, node, "index.mjs", source)
        return await bench.run(program, b"1"), await bench.run(program, b"0")

    failed, after = run(body)
    error = json.loads(failed.payload)
    assert (error["errorType"], error["errorMessage"]) == ("TypeError", "wrong")
    assert error["trace"][0] == "TypeError: wrong"
    assert b"\nseen\n" in failed.log
    assert after.payload == b'"well"'


def test_a_missing_handler_is_told(run: Any, node: Any) -> None:
    """A module without the handler is Runtime.HandlerNotFound."""

    async def body(bench: Any) -> Any:
        return await bench.run(of(bench, node, "index.mjs", "export const other = 1;"))

    assert json.loads(run(body).payload)["errorType"] == "Runtime.HandlerNotFound"
