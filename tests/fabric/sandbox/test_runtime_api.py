"""The Runtime API as any custom runtime sees it: over HTTP, on a port of the sandbox's own."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

LOOP = """
import http.client, json, os
api = http.client.HTTPConnection(os.environ['AWS_LAMBDA_RUNTIME_API'])
base = '/2018-06-01/runtime'
def ask(method, path, body=None, headers={}):
    api.request(method, base + path, body, headers)
    answer = api.getresponse()
    return answer, answer.read()
while True:
    answer, event = ask('GET', '/invocation/next')
    id = answer.headers['Lambda-Runtime-Aws-Request-Id']
    BODY
"""


def test_a_custom_bootstrap_answers(run: Any) -> None:
    """A bootstrap that speaks the Runtime API is given events with their headers, and answers."""
    source = LOOP.replace(
        "BODY",
        """
    told = {name: answer.headers['Lambda-Runtime-' + name]
            for name in ('Aws-Request-Id', 'Deadline-Ms', 'Invoked-Function-Arn')}
    said, text = ask('POST', f'/invocation/{id}/response',
                     json.dumps([json.loads(event), told, os.getcwd()]))
    assert (said.status, json.loads(text)) == (202, {'status': 'OK'})
""",
    )

    async def body(bench: Any) -> Any:
        program = bench.bootstrap(source)
        first, second = await bench.run(program, b'{"n": 1}'), await bench.run(program, b"2")
        return bench.code, json.loads(first.payload), json.loads(second.payload)

    code, first, second = run(body)
    assert first[0] == {"n": 1}
    assert first[1]["Aws-Request-Id"] == "request-1"
    assert first[1]["Invoked-Function-Arn"] == "arn:invoked"
    assert int(first[1]["Deadline-Ms"]) > 1_700_000_000_000
    assert Path(first[2]) == code
    assert second[0] == 2


def test_an_error_of_a_runtime_is_the_answer(run: Any) -> None:
    """What a runtime posts to ``error`` is the payload, marked Unhandled."""
    source = LOOP.replace(
        "BODY",
        """ask('POST', f'/invocation/{id}/error', '{"errorType":"Mine","errorMessage":"m"}',
        {'Lambda-Runtime-Function-Error-Type': 'Mine'})""",
    )

    async def body(bench: Any) -> Any:
        return await bench.run(bench.bootstrap(source))

    outcome = run(body)
    assert outcome.error == "Unhandled"
    assert json.loads(outcome.payload) == {"errorType": "Mine", "errorMessage": "m"}


def test_an_init_error_of_a_runtime_is_the_answer(run: Any) -> None:
    """What a runtime posts to ``init/error`` answers the event that it was started for."""
    source = """
import http.client, os
api = http.client.HTTPConnection(os.environ['AWS_LAMBDA_RUNTIME_API'])
api.request('POST', '/2018-06-01/runtime/init/error', '{"errorType":"Early"}',
            {'Lambda-Runtime-Function-Error-Type': 'Early'})
assert api.getresponse().status == 202
"""

    async def body(bench: Any) -> Any:
        return await bench.run(bench.bootstrap(source))

    assert json.loads(run(body).payload) == {"errorType": "Early"}


def test_wrong_requests_are_refused_and_harm_nothing(run: Any) -> None:
    """Another request's id is 400, an unknown path 404, a too large answer 413."""
    source = LOOP.replace(
        "BODY",
        """
    statuses = [ask('POST', '/invocation/other/response', '1')[0].status,
                ask('GET', '/nowhere')[0].status,
                ask('POST', f'/invocation/{id}/nothing', '1')[0].status]
    if event == b'"large"':
        statuses.append(ask('POST', f'/invocation/{id}/response', 'x' * 7_000_000)[0].status)
        print(statuses, flush=True)
    else:
        ask('POST', f'/invocation/{id}/response', json.dumps(statuses))
        statuses = ask('POST', f'/invocation/{id}/response', '1')[0].status
        assert statuses == 400
""",
    )

    async def body(bench: Any) -> Any:
        program = bench.bootstrap(source)
        small = await bench.run(program)
        large = await bench.run(program, b'"large"')
        return small, large

    small, large = run(body)
    assert json.loads(small.payload) == [400, 404, 404]
    assert json.loads(large.payload)["errorType"] == "Function.ResponseSizeTooLarge"


def test_a_connection_for_each_request_is_fine(run: Any) -> None:
    """A runtime need not keep its connection, as scripts around curl do not."""
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("there is no curl on this machine")
    script = f"""#!/bin/sh
base="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
while true; do
    event=$({curl} -sS -D "$TMPDIR/head" "$base/next")
    id=$(grep -i aws-request-id "$TMPDIR/head" | tr -d '\\r' | cut -d' ' -f2)
    {curl} -sS -o /dev/null -d "{{\\"got\\": $event}}" "$base/$id/response"
done
"""

    async def body(bench: Any) -> Any:
        program = bench.bootstrap("")
        (bench.code / "bootstrap").write_text(script)
        return [(await bench.run(program, payload)).payload for payload in (b"1", b"[2]")]

    assert [json.loads(payload) for payload in run(body)] == [{"got": 1}, {"got": [2]}]


def test_awslambdaric_runs_unchanged(run: Any) -> None:
    """AWS's own Python client runs functions over the same API."""
    found = importlib.util.find_spec("awslambdaric")
    if found is None or found.origin is None:
        pytest.skip("awslambdaric is not installed")
    path = str(Path(found.origin).parent.parent)

    async def body(bench: Any) -> Any:
        (bench.code / "app.py").write_text("def handler(event, context): return [event]\n")
        argv = (sys.executable, "-m", "awslambdaric", "app.handler")
        program = bench.program(
            argv, uses_socket=False, memory_mb=1024, variables={"PYTHONPATH": path}
        )
        return await bench.run(program, b"1"), await bench.run(program, b"2")

    first, second = run(body)
    assert (first.payload, second.payload) == (b"[1]", b"[2]")


def test_a_bootstrap_that_cannot_be_executed_is_an_exit_error(run: Any) -> None:
    """What is no program ends with status 127 and says why in the log."""

    async def body(bench: Any) -> Any:
        program = bench.bootstrap("")
        (bench.code / "bootstrap").write_bytes(b"\x00\x01\x02")
        return await bench.run(program)

    outcome = run(body)
    assert json.loads(outcome.payload)["errorMessage"].endswith("exit status 127")
    assert b"haar could not start" in outcome.log
