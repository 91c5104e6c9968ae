"""Every crash point: the process dies after each commit in turn, and a new one goes on."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from typing import Any

from haar.fabric.workers import Workers
from haar.gateway.audit import Audit
from haar.gateway.dispatch import Registry
from haar.gateway.local import LocalCloud
from haar.kernel.clock import VirtualClock
from haar.kernel.entropy import SeededEntropy
from haar.kit.call import Scope
from haar.services.dynamodb.service import SERVICE as DYNAMODB
from haar.services.states.errors import ExecutionAlreadyExists
from haar.services.states.service import SERVICE as STATES
from haar.store.api import Transaction, Watch
from haar.store.memory import MemoryBlobs, MemoryStore
from haar.wire.documents import ModelDocuments
from haar.wire.inside import InsideChecks
from haar.wire.models import ModelCatalog

SCOPE = Scope("000000000000", "us-east-1")
ROLE = "arn:aws:iam::000000000000:role/machine"
TURNS_MAX = 20_000
LIVES_MAX = 50
MODELS = ModelCatalog(None)


class MortalStore:
    """A store whose process dies after a number of commits: later ones never happen.

    Args:
        rows: what is on the disk; it outlives the process.
        commits_max: how many commits the process lives for; None: it does not die.
    """

    def __init__(self, rows: MemoryStore, commits_max: int | None) -> None:
        self._rows = rows
        self._max = commits_max
        self.commits = 0

    @property
    def is_dead(self) -> bool:
        """Whether the process is gone."""
        return self._max is not None and self.commits >= self._max

    def read(self, body: Callable[[Transaction], Any]) -> Any:
        """Read what is on the disk."""
        return self._rows.read(body)

    async def transact(self, body: Callable[[Transaction], Any]) -> Any:
        """Commit, or wait for ever: who is dead answers nobody."""
        if self.is_dead:
            await asyncio.get_running_loop().create_future()
        return await self._rows.transact(lambda tx: self._count(tx, body(tx)))

    def _count(self, tx: Any, result: Any) -> Any:
        self.commits += tx.has_writes
        return result

    def watch(self, key: bytes) -> Watch:
        """Watch the rows."""
        return self._rows.watch(key)

    async def close(self) -> None:
        """Leave the rows as they are."""


class Process:
    """One life of a haar over some rows."""

    def __init__(self, rows: MemoryStore, clock: VirtualClock, commits_max: int | None) -> None:
        self.store = MortalStore(rows, commits_max)
        self.clock = clock
        services = (DYNAMODB, STATES)
        self.cloud = LocalCloud(
            registry=Registry(services),
            store=self.store,
            blobs=MemoryBlobs(),
            clock=clock,
            entropy=SeededEntropy(7),
            audit=Audit(None),
            checks=InsideChecks(MODELS),
        )
        self.cloud.add_part(ModelDocuments(MODELS))
        self.workers = Workers(self.cloud, services)

    async def call(self, service: str, operation: str, **members: Any) -> Any:
        """Call an API; None where the process dies meanwhile."""
        call = self.cloud.invoke(service, operation, members, as_=ROLE, scope=SCOPE)
        task = asyncio.ensure_future(call)
        for _ in range(TURNS_MAX):
            if task.done():
                return task.result()
            if self.store.is_dead:
                task.cancel()
                return None
            await asyncio.sleep(0)
        raise AssertionError(f"{operation} is never answered")

    async def live(self, is_over: Callable[[], Awaitable[bool]]) -> None:
        """Work until it is over, or until death; time goes on meanwhile."""
        for turn in range(TURNS_MAX):
            if self.store.is_dead or (turn % 20 == 19 and await is_over()):
                return
            if turn % 20 == 0:
                self.clock.advance(250)
            await asyncio.sleep(0)
        raise AssertionError("it never came to be")


PUT = {
    "Type": "Task",
    "Resource": "arn:aws:states:::dynamodb:updateItem",
    "Parameters": {
        "TableName": "things",
        "Key": {"id": {"S.$": "States.Format('{}', $.id)"}},
        "UpdateExpression": "ADD seen :execution SET n = :n",
        "ExpressionAttributeValues": {
            ":execution": {"SS.$": "States.Array($$.Execution.Name)"},
            ":n": {"N.$": "States.Format('{}', $.n)"},
        },
    },
    "ResultPath": None,
    "End": True,
}
MACHINE = {
    "StartAt": "Both",
    "States": {
        "Both": {
            "Type": "Parallel",
            "Branches": [
                {
                    "StartAt": "Sleep",
                    "States": {"Sleep": {"Type": "Wait", "Seconds": 2, "End": True}},
                },
                {"StartAt": "One", "States": {"One": PUT}},
            ],
            "ResultPath": None,
            "Next": "Each",
        },
        "Each": {
            "Type": "Map",
            "ItemsPath": "$.xs",
            "MaxConcurrency": 2,
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                "StartAt": "Nap",
                "States": {"Nap": {"Type": "Wait", "Seconds": 1, "Next": "Many"}, "Many": PUT},
            },
            "ResultPath": "$.each",
            "Next": "Missing",
        },
        "Missing": {
            "Type": "Task",
            "Resource": "arn:aws:states:::dynamodb:getItem",
            "Parameters": {"TableName": "none", "Key": {"id": {"S": "x"}}},
            "Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1}],
            "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Done"}],
            "Next": "Done",
        },
        "Done": {"Type": "Succeed"},
    },
}
GIVEN = {"id": "one", "n": 0, "xs": [{"id": n, "n": n * 10} for n in range(1, 5)]}
ARN = "arn:aws:states:us-east-1:000000000000:execution:m:x"
ARN_OF_MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:m"


async def one_life(rows: MemoryStore, clock: VirtualClock, commits_max: int | None) -> Process:
    """Set up what is not there yet, and work until the execution has ended or the process died."""
    process = Process(rows, clock, commits_max)
    await process.workers.start()
    try:
        await set_up(process)
        await process.live(lambda: has_ended(process))
    finally:
        await process.workers.stop()
    return process


async def set_up(process: Process) -> None:
    """Make the table, the state machine and the execution; all of it may be asked for again."""
    tables = await process.call("dynamodb", "ListTables")
    if tables is not None and not tables["TableNames"]:
        await process.call(
            "dynamodb",
            "CreateTable",
            TableName="things",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
    made = await process.call(
        "states", "CreateStateMachine", name="m", definition=json.dumps(MACHINE), roleArn=ROLE
    )
    if made is not None and not await has_ended(process):
        # In a later life it may end between the question and the start.
        with contextlib.suppress(ExecutionAlreadyExists):
            await process.call(
                "states",
                "StartExecution",
                stateMachineArn=made["stateMachineArn"],
                name="x",
                input=json.dumps(GIVEN),
            )


async def has_ended(process: Process) -> bool:
    found = await process.call("states", "ListExecutions", stateMachineArn=ARN_OF_MACHINE)
    return found is not None and any(entry["status"] != "RUNNING" for entry in found["executions"])


async def told(process: Process) -> tuple[Any, Any, list[Any]]:
    """Return the execution's end, its history, and the items of the table."""
    answer = await process.call("states", "DescribeExecution", executionArn=ARN)
    events = await process.call("states", "GetExecutionHistory", executionArn=ARN, maxResults=1000)
    items = await process.call("dynamodb", "Scan", TableName="things")
    return answer, events["events"], items["Items"]


def check(answer: Any, events: Any, items: list[Any]) -> None:
    """Everything happened, in the order and the number that it should have."""
    assert answer["status"] == "SUCCEEDED", answer
    output = json.loads(answer["output"])
    assert output["each"] == GIVEN["xs"]
    assert output["error"]["Error"] == "DynamoDB.ResourceNotFoundException"
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))
    assert all(event["previousEventId"] < event["id"] for event in events)
    types = [event["type"] for event in events]
    assert types.count("MapRunStarted") == types.count("MapRunSucceeded") == 1
    assert types.count("TaskScheduled") == 3
    found = {item["id"]["S"]: (item["n"]["N"], len(item["seen"]["SS"])) for item in items}
    # One execution each: no item was given to two children.
    assert found == {"one": ("0", 1), **{str(n): (str(n * 10), 1) for n in range(1, 5)}}


def test_a_crash_after_any_commit_changes_nothing() -> None:
    """The outcome, the history and the effects are those of a run without a crash."""

    async def story() -> None:
        whole = await one_life(MemoryStore(), VirtualClock(), None)
        check(*await told(whole))
        total = whole.store.commits
        assert total > 20
        for commits in range(1, total):
            rows, clock = MemoryStore(), VirtualClock()
            await one_life(rows, clock, commits)
            check(*await told(await one_life(rows, clock, None)))

    asyncio.run(story())


def test_a_crash_every_few_commits_changes_nothing() -> None:
    """A process that keeps dying gets there, too, if it lives for a few commits at a time."""

    async def story() -> None:
        for lifetime in (9, 13, 21):
            rows, clock = MemoryStore(), VirtualClock()
            process = await one_life(rows, clock, lifetime)
            for _ in range(LIVES_MAX):
                if not process.store.is_dead:
                    break
                process = await one_life(rows, clock, lifetime)
            check(*await told(process))

    asyncio.run(story())
