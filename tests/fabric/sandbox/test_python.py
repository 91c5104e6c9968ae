"""Our own Python client: what a handler sees, and what becomes of its result."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest


def test_a_handler_gets_the_event_and_its_answer_is_returned(run: Any) -> None:
    """A handler's result is the outcome's payload, without an error."""

    async def body(bench: Any) -> Any:
        source = "def handler(event, context):\n    return {'got': event, 'ünï': 'çode'}\n"
        return await bench.run(bench.python(source), b'{"a": [1, 2.5, null, "\\u00e4"]}')

    outcome = run(body)
    assert outcome.error == ""
    assert json.loads(outcome.payload) == {"got": {"a": [1, 2.5, None, "ä"]}, "ünï": "çode"}


def test_the_context_tells_who_and_how_long(run: Any) -> None:
    """The context has the request's id, the function's ARN and the time that is left."""
    source = """
def handler(event, context):
    left = context.get_remaining_time_in_millis()
    return [context.aws_request_id, context.invoked_function_arn, context.function_name,
            context.memory_limit_in_mb, 0 < left <= 20_000]
"""

    async def body(bench: Any) -> Any:
        return await bench.run(bench.python(source))

    assert json.loads(run(body).payload) == [
        "request-1",
        "arn:invoked",
        "tested",
        "512",
        True,
    ]


def test_a_module_is_loaded_once_and_its_state_stays(run: Any) -> None:
    """A warm process is used again, so a module's state survives from event to event."""
    source = "n = 0\ndef handler(event, context):\n    global n\n    n += 1\n    return n\n"

    async def body(bench: Any) -> Any:
        program = bench.python(source)
        return [(await bench.run(program)).payload for _ in range(3)]

    assert run(body) == [b"1", b"2", b"3"]


def test_a_handler_may_lie_in_a_package(run: Any) -> None:
    """Both ``package/module.function`` and ``package.module.function`` are found."""

    async def body(bench: Any) -> Any:
        (bench.code / "deep").mkdir()
        (bench.code / "deep" / "inner.py").write_text("def go(event, context): return 'deep'\n")
        by_slash = await bench.run(bench.python("", handler="deep/inner.go"))
        by_dot = await bench.run(bench.python("", handler="deep.inner.go"))
        return by_slash.payload, by_dot.payload

    assert run(body) == (b'"deep"', b'"deep"')


def test_nothing_returned_is_null(run: Any) -> None:
    """A handler that returns nothing answers ``null``."""

    async def body(bench: Any) -> Any:
        return await bench.run(bench.python("def handler(event, context): pass\n"))

    assert run(body).payload == b"null"


def test_an_exception_is_shaped_as_aws_shapes_it(run: Any) -> None:
    """A handler's exception is message, type, request id and its own frames; and in the log."""
    source = "def handler(event, context):\n    raise ValueError('no such thing')\n"

    async def body(bench: Any) -> Any:
        return await bench.run(bench.python(source))

    outcome = run(body)
    error = json.loads(outcome.payload)
    assert outcome.error == "Unhandled"
    assert (error["errorMessage"], error["errorType"]) == ("no such thing", "ValueError")
    assert error["requestId"] == "request-1"
    assert len(error["stackTrace"]) == 1
    assert "in handler\n    raise ValueError" in error["stackTrace"][0]
    assert b"[ERROR] ValueError: no such thing\nTraceback" in outcome.log


@pytest.mark.parametrize(
    ("source", "handler", "kind", "message"),
    [
        ("", "app.missing", "Runtime.HandlerNotFound", "Handler 'missing' missing on module"),
        ("", "nowhere.go", "Runtime.ImportModuleError", "Unable to import module 'nowhere'"),
        ("def", "app.go", "Runtime.UserCodeSyntaxError", "Syntax error in module 'app'"),
        ("", "app", "Runtime.MalformedHandlerName", "Bad handler 'app'"),
        ("1 / 0", "app.go", "ZeroDivisionError", "division by zero"),
    ],
)
def test_a_function_that_cannot_start_says_why(
    run: Any, source: str, handler: str, kind: str, message: str
) -> None:
    """An error before the first event is that event's answer, with an empty request id."""

    async def body(bench: Any) -> Any:
        return await bench.run(bench.python(source, handler=handler))

    outcome = run(body)
    error = json.loads(outcome.payload)
    assert outcome.error == "Unhandled"
    assert error["errorType"] == kind
    assert message in error["errorMessage"]
    assert error["requestId"] == ""


def test_a_result_that_is_no_json_is_an_error(run: Any) -> None:
    """What json cannot write is a MarshalError; Decimal, which DynamoDB gives, is a number."""
    source = """
import decimal
def handler(event, context):
    return decimal.Decimal('1.5') if event else object()
"""

    async def body(bench: Any) -> Any:
        program = bench.python(source)
        return await bench.run(program, b"1"), await bench.run(program, b"0")

    good, bad = run(body)
    assert good.payload == b"1.5"
    assert json.loads(bad.payload)["errorType"] == "Runtime.MarshalError"


def test_the_log_has_what_was_printed_between_start_and_report(run: Any) -> None:
    """The tail has START, prints and records of logging in order, END and REPORT."""
    source = """
import logging, sys
logging.getLogger().setLevel('INFO')
def handler(event, context):
    print('to out')
    print('to err', file=sys.stderr)
    logging.info('to the log')
"""

    async def body(bench: Any) -> Any:
        return await bench.run(bench.python(source))

    lines = run(body).log.decode().splitlines()
    assert lines[0] == "START RequestId: request-1 Version: $LATEST"
    assert lines[1:3] == ["to out", "to err"]
    assert lines[3].startswith("[INFO]\t")
    assert lines[3].endswith("Z\trequest-1\tto the log")
    assert lines[4] == "END RequestId: request-1"
    assert lines[5].startswith("REPORT RequestId: request-1\tDuration: ")
    assert "Memory Size: 512 MB" in lines[5]
    assert "Init Duration" in lines[5]


def test_only_the_end_of_a_long_log_is_kept(run: Any) -> None:
    """A function may write more than a pipe holds; 4 KiB of it come back."""
    source = "def handler(event, context):\n    print('x' * 1_000_000)\n    print('the end')\n"

    async def body(bench: Any) -> Any:
        return await bench.run(bench.python(source))

    log = run(body).log
    assert len(log) == 4096
    assert b"x\nthe end\nEND RequestId" in log


def test_large_events_and_answers_pass_whole(run: Any) -> None:
    """Six mebibytes go in and come out unchanged."""

    async def body(bench: Any) -> Any:
        program = bench.python("def handler(event, context): return event\n")
        payload = json.dumps("é" * 1_000_000).encode()
        return payload, (await bench.run(program, payload)).payload

    payload, answer = run(body)
    assert json.loads(answer) == json.loads(payload)


def test_an_answer_that_is_too_large_is_refused(run: Any) -> None:
    """An answer of more than 6 MiB becomes AWS's error, and the process goes on."""
    source = "def handler(event, context): return 'x' * event\n"

    async def body(bench: Any) -> Any:
        program = bench.python(source)
        return await bench.run(program, b"7000000"), await bench.run(program, b"3")

    refused, after = run(body)
    assert json.loads(refused.payload)["errorType"] == "Function.ResponseSizeTooLarge"
    assert after.payload == b'"xxx"'


def test_a_function_has_files_of_its_own(run: Any) -> None:
    """TMPDIR and HOME are one directory of the process's own, which goes with it."""
    source = """
import os, tempfile
def handler(event, context):
    with tempfile.NamedTemporaryFile(delete=False) as file:
        file.write(b'1')
    return [file.name, os.environ['HOME'], os.getcwd(), sorted(os.listdir('/proc/self/fd'))]
"""

    async def body(bench: Any) -> Any:
        name, home, cwd, descriptors = json.loads((await bench.run(bench.python(source))).payload)
        assert name.startswith(str(bench.scratch))
        assert name.startswith(home)
        assert cwd == str(bench.code)
        assert descriptors == ["0", "1", "2", "3", "4"]  # 4 is the listing itself

    run(body)


def test_events_at_once_run_in_processes_of_their_own(run: Any) -> None:
    """Functions that wait for each other are given as many processes as there are events."""
    source = """
import os, time
def handler(event, context):
    open(os.path.join(os.environ['MEET'], str(os.getpid())), 'w').close()
    while len(os.listdir(os.environ['MEET'])) < 4:
        time.sleep(0.01)
    return os.getpid()
"""

    async def body(bench: Any) -> Any:
        meet = bench.scratch / "meet"
        meet.mkdir()
        program = bench.python(source, variables={"MEET": str(meet)})
        outcomes = await asyncio.gather(*(bench.run(program) for _ in range(4)))
        return {outcome.payload for outcome in outcomes}

    assert len(run(body)) == 4
