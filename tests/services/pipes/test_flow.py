"""What runs through a pipe: filters, enrichments, targets, failures, order, states."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

ROLE = "arn:aws:iam::000000000000:role/tester"
ECHO = "def handler(event, context): return event\n"
NUMBERS = """
import json
def handler(event, context):
    return [{"n": json.loads(e["body"])["n"] * 10} for e in event]
"""


def filtering(*patterns: object) -> dict[str, Any]:
    """Return source parameters with filters."""
    return {"FilterCriteria": {"Filters": [{"Pattern": json.dumps(one)} for one in patterns]}}


def audited(haar: Any) -> list[tuple[str, str, str]]:
    """Return operation, principal and error of each call of the audit."""
    return [(one.operation, one.principal, one.error) for one in haar.app.audit.recent()]


def test_messages_go_from_queue_to_queue(pipeline: Any) -> None:
    """Each record is delivered whole, and leaves its queue."""
    source, source_arn = pipeline.queue("source")
    target, target_arn = pipeline.queue("target")
    pipeline.create(source_arn, target_arn)
    pipeline.send(
        source,
        "plain",
        MessageAttributes={
            "text": {"DataType": "String", "StringValue": "v"},
            "raw": {"DataType": "Binary", "BinaryValue": b"\xff"},
        },
    )
    (body,) = pipeline.take(target, 1)
    event = json.loads(body)
    assert (event["body"], event["eventSource"]) == ("plain", "aws:sqs")
    assert (event["eventSourceARN"], event["awsRegion"]) == (source_arn, "us-east-1")
    assert event["messageId"]
    assert event["receiptHandle"]
    assert event["attributes"]["ApproximateReceiveCount"] == "1"
    assert event["messageAttributes"]["text"]["stringValue"] == "v"
    assert event["messageAttributes"]["raw"]["binaryValue"] == "/w=="
    pipeline.is_emptied(source)


def test_what_the_filter_does_not_take_is_removed(pipeline: Any) -> None:
    """Filters are ORed and look into a JSON body; plain text never matches one on JSON."""
    source, source_arn = pipeline.queue("source")
    target, target_arn = pipeline.queue("target")
    pipeline.create(
        source_arn,
        target_arn,
        DesiredState="STOPPED",
        SourceParameters=filtering({"body": {"k": [{"prefix": "a"}]}}, {"body": ["plain"]}),
        TargetParameters={"InputTemplate": "<$.body>"},
    )
    pipeline.comes_to("STOPPED")
    pipeline.send(source, {"k": "abc"}, {"k": "xyz"}, "plain", "other", '{"k": ')
    pipeline.pipes.start_pipe(Name="tested")
    assert set(pipeline.take(target, 2)) == {'{"k":"abc"}', "plain"}
    pipeline.is_emptied(source)
    assert pipeline.left(target) == 0


def test_an_enrichment_changes_the_events(pipeline: Any) -> None:
    """A Lambda function is given an array and answers with what is delivered."""
    source, source_arn = pipeline.queue("source")
    target, target_arn = pipeline.queue("target")
    pipeline.create(
        source_arn,
        target_arn,
        Enrichment=pipeline.function("numbers", NUMBERS),
        TargetParameters={"InputTemplate": '{"tens": <$.n>, "pipe": <aws.pipes.pipe-name>}'},
    )
    pipeline.send(source, {"n": 1}, {"n": 2}, {"n": 3})
    bodies = [json.loads(body) for body in pipeline.take(target, 3)]
    assert sorted(body["tens"] for body in bodies) == [10, 20, 30]
    assert {body["pipe"] for body in bodies} == {"tested"}
    pipeline.is_emptied(source)


def test_an_enrichment_that_answers_nothing_ends_the_pass(pipeline: Any) -> None:
    """The target is not asked, and the messages are done."""
    source, source_arn = pipeline.queue("source")
    target, target_arn = pipeline.queue("target")
    empty = pipeline.function("empty", "def handler(event, context): return []\n")
    pipeline.create(source_arn, target_arn, Enrichment=empty)
    pipeline.send(source, "one", "two")
    pipeline.is_emptied(source)
    assert pipeline.left(target) == 0


def test_a_template_is_applied_to_each_record_of_an_enrichment(pipeline: Any) -> None:
    """The function sees what the template makes, in an array also where there is one."""
    source, source_arn = pipeline.queue("source")
    target, target_arn = pipeline.queue("target")
    pipeline.create(
        source_arn,
        target_arn,
        Enrichment=pipeline.function("echo", ECHO),
        EnrichmentParameters={"InputTemplate": '{"inner": <$.body.in>}'},
    )
    pipeline.send(source, {"in": [1, {"a": "b"}]})
    assert json.loads(*pipeline.take(target, 1)) == {"inner": [1, {"a": "b"}]}


def test_a_function_is_a_target(pipeline: Any) -> None:
    """It is given the batch; what it does not report has left the queue."""
    source, source_arn = pipeline.queue("source", VisibilityTimeout="1")
    seen, _ = pipeline.queue("seen")
    function = pipeline.function(
        "target",
        """
import boto3, json, os
sqs = boto3.client("sqs")
def handler(event, context):
    failed = [e for e in event if e["body"] == "bad"
              and e["attributes"]["ApproximateReceiveCount"] == "1"]
    for e in event:
        if e not in failed:
            sqs.send_message(QueueUrl=os.environ["SEEN"], MessageBody=e["body"])
    return {"batchItemFailures": [{"itemIdentifier": e["messageId"]} for e in failed]}
""",
        Environment={"Variables": {"SEEN": seen}},
        Timeout=30,
    )
    pipeline.create(source_arn, function)
    pipeline.send(source, "good", "bad", "fine")
    assert pipeline.take_all(seen, {"good", "bad", "fine"})
    pipeline.is_emptied(source)


def test_a_function_that_fails_leaves_its_batch_to_the_dead_letter_queue(pipeline: Any) -> None:
    """Failures go back through visibility, and after their receive count to the queue's DLQ."""
    dead, dead_arn = pipeline.queue("dead")
    redrive = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 2})
    source, source_arn = pipeline.queue("source", VisibilityTimeout="0", RedrivePolicy=redrive)
    failing = pipeline.function("failing", "def handler(event, context): raise ValueError(7)\n")
    pipeline.create(source_arn, failing)
    pipeline.send(source, "poison")
    (message,) = pipeline.take_messages(dead, 1)
    assert message["Body"] == "poison"
    assert pipeline.described()["CurrentState"] == "RUNNING"


def test_a_function_may_be_left_with_the_batch(pipeline: Any) -> None:
    """FIRE_AND_FORGET: the messages are done when the event has been taken."""
    source, source_arn = pipeline.queue("source")
    failing = pipeline.function("failing", "def handler(event, context): raise ValueError(7)\n")
    pipeline.create(
        source_arn,
        failing,
        TargetParameters={"LambdaFunctionParameters": {"InvocationType": "FIRE_AND_FORGET"}},
    )
    pipeline.send(source, "one")
    pipeline.is_emptied(source)


def test_an_enrichment_that_fails_fails_its_whole_batch(pipeline: Any) -> None:
    """Nothing is delivered, and all comes again."""
    source, source_arn = pipeline.queue("source", VisibilityTimeout="1")
    target, target_arn = pipeline.queue("target")
    second_time = pipeline.function(
        "second",
        """
def handler(event, context):
    if any(e["attributes"]["ApproximateReceiveCount"] == "1" for e in event):
        raise ValueError("not yet")
    return event
""",
    )
    pipeline.create(
        source_arn,
        target_arn,
        Enrichment=second_time,
        TargetParameters={"InputTemplate": "<$.attributes.ApproximateReceiveCount>"},
    )
    pipeline.send(source, "a", "b")
    assert int(pipeline.take(target, 1)[0]) > 1


def test_a_fifo_queue_keeps_its_order_through_a_pipe(pipeline: Any) -> None:
    """Order per group, the group and the deduplication id taken from the event."""
    source, source_arn = pipeline.queue("source.fifo", FifoQueue="true")
    target, target_arn = pipeline.queue("target.fifo", FifoQueue="true")
    pipeline.create(
        source_arn,
        target_arn,
        DesiredState="STOPPED",
        TargetParameters={
            "InputTemplate": "<$.body>",
            "SqsQueueParameters": {
                "MessageGroupId": "$.attributes.MessageGroupId",
                "MessageDeduplicationId": "$.messageId",
            },
        },
    )
    pipeline.comes_to("STOPPED")
    for number in range(30):
        pipeline.send(
            source,
            f"{number}",
            MessageGroupId=f"g{number % 3}",
            MessageDeduplicationId=f"d{number}",
        )
    pipeline.pipes.start_pipe(Name="tested")
    messages = pipeline.take_messages(target, 30)
    for group in range(3):
        own = [m["Body"] for m in messages if m["Attributes"]["MessageGroupId"] == f"g{group}"]
        assert own == [str(number) for number in range(group, 30, 3)]
    pipeline.is_emptied(source)


def test_a_group_in_two_passes_keeps_its_order(pipeline: Any) -> None:
    """What the filter takes may be more than a batch: its parts do not overtake each other."""
    source, source_arn = pipeline.queue("source.fifo", FifoQueue="true")
    seen, _ = pipeline.queue("seen.fifo", FifoQueue="true")
    function = pipeline.function(
        "slow",
        """
import boto3, os, time
sqs = boto3.client("sqs")
def handler(event, context):
    for one in event:
        if one["body"] == "a1":
            time.sleep(0.5)
        sqs.send_message(
            QueueUrl=os.environ["SEEN"],
            MessageBody=one["body"],
            MessageGroupId="all",
            MessageDeduplicationId=one["body"],
        )
""",
        Environment={"Variables": {"SEEN": seen}},
        Timeout=30,
    )
    pipeline.create(
        source_arn,
        function,
        DesiredState="STOPPED",
        SourceParameters={
            "SqsQueueParameters": {"BatchSize": 2},
            **filtering({"body": [{"anything-but": "refused"}]}),
        },
    )
    pipeline.comes_to("STOPPED")
    for group, body in (("b", "b1"), ("b", "refused"), ("a", "a1"), ("a", "a2")):
        pipeline.send(source, body, MessageGroupId=group, MessageDeduplicationId=body)
    pipeline.pipes.start_pipe(Name="tested")
    assert pipeline.take(seen, 3) == ["b1", "a1", "a2"]
    pipeline.is_emptied(source)


def test_a_window_gathers_a_batch(pipeline: Any) -> None:
    """With a batching window a pass has what has come in it, beyond what one receive gives."""
    source, source_arn = pipeline.queue("source")
    seen, _ = pipeline.queue("seen")
    function = pipeline.function(
        "count",
        """
import boto3, os
sqs = boto3.client("sqs")
def handler(event, context):
    sqs.send_message(QueueUrl=os.environ["SEEN"], MessageBody=str(len(event)))
""",
        Environment={"Variables": {"SEEN": seen}},
        Timeout=30,
    )
    window = {"BatchSize": 25, "MaximumBatchingWindowInSeconds": 300}
    pipeline.create(source_arn, function, SourceParameters={"SqsQueueParameters": window})
    pipeline.comes_to("RUNNING")
    pipeline.send(source, *(str(number) for number in range(25)))
    assert pipeline.take(seen, 1) == ["25"]
    pipeline.is_emptied(source)


def test_a_pipe_stops_and_starts(pipeline: Any) -> None:
    """While it is stopped, messages wait; after it is started, they go."""
    source, source_arn = pipeline.queue("source")
    target, target_arn = pipeline.queue("target")
    pipeline.create(source_arn, target_arn)
    pipeline.comes_to("RUNNING")
    answer = pipeline.pipes.stop_pipe(Name="tested")
    assert (answer["DesiredState"], answer["CurrentState"]) == ("STOPPED", "STOPPING")
    pipeline.comes_to("STOPPED")
    pipeline.send(source, "waits")
    assert pipeline.left(source) == 1
    assert pipeline.pipes.start_pipe(Name="tested")["CurrentState"] == "STARTING"
    assert json.loads(*pipeline.take(target, 1))["body"] == "waits"


def test_a_running_pipe_is_updated(pipeline: Any) -> None:
    """What comes after the update goes the new way."""
    source, source_arn = pipeline.queue("source")
    _, first_arn = pipeline.queue("first")
    second, second_arn = pipeline.queue("second")
    pipeline.create(source_arn, first_arn)
    pipeline.comes_to("RUNNING")
    pipeline.pipes.update_pipe(Name="tested", RoleArn=ROLE, Target=second_arn)
    pipeline.comes_to("RUNNING")
    pipeline.send(source, "one")
    assert json.loads(*pipeline.take(second, 1))["body"] == "one"


def test_a_pipe_without_its_queue_fails_to_be_created(pipeline: Any) -> None:
    """CREATE_FAILED, and the reason."""
    _, target_arn = pipeline.queue("target")
    pipeline.create("arn:aws:sqs:us-east-1:000000000000:none", target_arn)
    told = pipeline.comes_to("CREATE_FAILED")
    assert "QueueDoesNotExist" in told["StateReason"]
    assert told["DesiredState"] == "RUNNING"
    _, _ = pipeline.queue("none")
    pipeline.pipes.start_pipe(Name="tested")
    assert "StateReason" not in pipeline.comes_to("RUNNING")


def test_a_target_that_is_not_there_loses_nothing(pipeline: Any) -> None:
    """Messages wait in their queue until the target is there."""
    source, source_arn = pipeline.queue("source", VisibilityTimeout="0")
    pipeline.create(source_arn, "arn:aws:sqs:us-east-1:000000000000:later")
    pipeline.comes_to("RUNNING")
    pipeline.send(source, "patient")
    later, _ = pipeline.queue("later")
    assert json.loads(*pipeline.take(later, 1))["body"] == "patient"


def test_a_running_pipe_goes_on_after_a_restart(tmp_path: Path, restarted: Any) -> None:
    """Nobody starts it again: its job is in the store."""
    with restarted(tmp_path / "data") as pipeline:
        _, source_arn = pipeline.queue("source")
        _, target_arn = pipeline.queue("target")
        pipeline.create(source_arn, target_arn)
        pipeline.comes_to("RUNNING")
    with restarted(tmp_path / "data") as pipeline:
        source, target = pipeline.queue("source")[0], pipeline.queue("target")[0]
        pipeline.send(source, "after")
        assert json.loads(*pipeline.take(target, 1))["body"] == "after"
        assert pipeline.described()["CurrentState"] == "RUNNING"


def test_every_call_of_a_pipe_is_made_as_its_role(haar: Any, pipeline: Any) -> None:
    """The audit has the role for reading, delivering and removing."""
    source, source_arn = pipeline.queue("source")
    target, target_arn = pipeline.queue("target")
    pipeline.create(source_arn, target_arn)
    pipeline.send(source, "one")
    pipeline.take(target, 1)
    pipeline.is_emptied(source)
    as_role = {
        operation
        for operation, principal, error in audited(haar)
        if "assumed-role/tester" in principal and not error
    }
    assert {"ReceiveMessage", "SendMessageBatch", "DeleteMessageBatch"} <= as_role


@pytest.mark.parametrize("count", [200])
def test_many_pipes_are_at_rest(haar: Any, pipeline: Any, count: int) -> None:
    """Pipes whose queues are empty make no calls while nothing comes: a poll each, and it waits."""
    source, source_arn = pipeline.queue("source")
    target, target_arn = pipeline.queue("target")
    for number in range(count):
        pipeline.create(source_arn, target_arn, Name=f"p{number}")
    for number in range(count):
        pipeline.comes_to("RUNNING", f"p{number}")
    pipeline.send(source, *(str(number) for number in range(10)))
    pipeline.take(target, 10)
    polls = sum(operation == "ReceiveMessage" for operation, _, _ in audited(haar))
    assert polls < 5 * count
