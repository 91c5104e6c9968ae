"""Dead letters and expiry, through boto3: redrive policies, move tasks, retention."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

PATIENCE_S = 60


def redrive(arn: str, receives_max: int | str = 1) -> dict[str, str]:
    return {
        "RedrivePolicy": json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": receives_max})
    }


class Pair:
    """A queue and the queue of its dead letters."""

    def __init__(self, timed: Any, *, is_fifo: bool = False, **attributes: str) -> None:
        self.timed, self.sqs = timed, timed.sqs
        suffix = ".fifo" if is_fifo else ""
        kind = {"FifoQueue": "true", "ContentBasedDeduplication": "true"} if is_fifo else {}
        make = self.sqs.create_queue
        self.dead = make(QueueName=f"dead{suffix}", Attributes=kind)["QueueUrl"]
        self.dead_arn = timed.arn(self.dead)
        given = {**kind, **redrive(self.dead_arn), **attributes}
        self.source = make(QueueName=f"source{suffix}", Attributes=given)["QueueUrl"]
        self.source_arn = timed.arn(self.source)

    def receive(self, url: str, **members: Any) -> list[dict[str, Any]]:
        answer = self.sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"], **members
        )
        found: list[dict[str, Any]] = answer.get("Messages", [])
        return found

    def kill(self, *bodies: str, **members: Any) -> None:
        """Send messages and let them die."""
        for body in bodies:
            self.sqs.send_message(QueueUrl=self.source, MessageBody=body, **members)
        for _ in bodies:
            self.receive(self.source, VisibilityTimeout=0)
        assert self.receive(self.source) == []

    def until(self, url: str, expected: tuple[int, int, int], counts: Callable[..., Any]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while counts(self.sqs, url) != expected:
            assert time.monotonic() < deadline, counts(self.sqs, url)
            self.timed.pass_s(0.1)

    def task(self) -> dict[str, Any]:
        """Return the newest task, once it does not run any more."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            (task,) = self.sqs.list_message_move_tasks(SourceArn=self.dead_arn)["Results"]
            if task["Status"] != "RUNNING":
                return dict(task)
            assert time.monotonic() < deadline
            self.timed.pass_s(0.1)


def test_a_message_received_too_often_is_buried(timed: Any) -> None:
    """It keeps its id, body, time of sending and count, and tells where it came from."""
    pair = Pair(timed, VisibilityTimeout="5")
    pair.sqs.send_message(QueueUrl=pair.source, MessageBody="L" * 20_000)
    (first,) = pair.receive(pair.source)
    timed.pass_s(5)
    assert pair.receive(pair.source) == []
    (letter,) = pair.receive(pair.dead)
    assert (letter["MessageId"], letter["Body"]) == (first["MessageId"], "L" * 20_000)
    system = letter["Attributes"]
    assert system["DeadLetterQueueSourceArn"] == pair.source_arn
    assert system["SentTimestamp"] == first["Attributes"]["SentTimestamp"]
    assert system["ApproximateReceiveCount"] == "2"


def test_a_dead_letter_of_a_group_frees_it(timed: Any) -> None:
    """On FIFO queues the message's id becomes its deduplication id, and its time is new."""
    pair = Pair(timed, is_fifo=True)
    pair.sqs.send_message(QueueUrl=pair.source, MessageBody="1", MessageGroupId="g")
    pair.sqs.send_message(QueueUrl=pair.source, MessageBody="2", MessageGroupId="g")
    (first,) = pair.sqs.receive_message(QueueUrl=pair.source)["Messages"]
    timed.pass_s(30)
    assert [m["Body"] for m in pair.receive(pair.source)] == ["2"]
    (letter,) = pair.receive(pair.dead)
    assert letter["Attributes"]["MessageDeduplicationId"] == first["MessageId"]
    assert letter["Attributes"]["MessageGroupId"] == "g"


def test_letters_stay_while_their_queue_is_gone(timed: Any) -> None:
    """A dead-letter queue that was deleted later loses no messages."""
    pair = Pair(timed)
    pair.sqs.send_message(QueueUrl=pair.source, MessageBody="x")
    pair.sqs.delete_queue(QueueUrl=pair.dead)
    for n in range(1, 4):
        (message,) = pair.receive(pair.source, VisibilityTimeout=0)
        assert message["Attributes"]["ApproximateReceiveCount"] == str(n)


@pytest.mark.parametrize("is_fifo", [False, True])
def test_a_move_task_takes_letters_back(timed: Any, counts: Any, is_fifo: bool) -> None:
    """Each goes to the queue that it came from, as a new message."""
    pair = Pair(timed, is_fifo=is_fifo)
    group = {"MessageGroupId": "g"} if is_fifo else {}
    pair.kill("a", "b", "c", **group)
    assert counts(pair.sqs, pair.dead) == (3, 0, 0)
    pair.sqs.start_message_move_task(SourceArn=pair.dead_arn)
    task = pair.task()
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", 3)
    assert task["ApproximateNumberOfMessagesToMove"] == 3
    assert "TaskHandle" not in task
    found = pair.receive(pair.source)
    assert [m["Body"] for m in found] == ["a", "b", "c"]
    assert {m["Attributes"]["ApproximateReceiveCount"] for m in found} == {"1"}
    assert counts(pair.sqs, pair.dead) == (0, 0, 0)


def test_a_move_task_keeps_its_rate_and_can_be_cancelled(
    timed: Any, counts: Any, refusal: Any
) -> None:
    """What it has moved stays moved, the rest stays where it is."""
    pair = Pair(timed)
    pair.kill("a", "b", "c")
    target = pair.sqs.create_queue(QueueName="target")["QueueUrl"]
    start = {"SourceArn": pair.dead_arn, "DestinationArn": timed.arn(target)}
    handle = pair.sqs.start_message_move_task(**start, MaxNumberOfMessagesPerSecond=1)["TaskHandle"]
    pair.until(target, (1, 0, 0), counts)
    (task,) = pair.sqs.list_message_move_tasks(SourceArn=pair.dead_arn)["Results"]
    assert (task["Status"], task["TaskHandle"]) == ("RUNNING", handle)
    assert refusal(pair.sqs.start_message_move_task, **start)[0].endswith("UnsupportedOperation")
    told = pair.sqs.cancel_message_move_task(TaskHandle=handle)
    moved = told["ApproximateNumberOfMessagesMoved"]
    timed.pass_s(60)
    assert counts(pair.sqs, target) == (moved, 0, 0)
    assert counts(pair.sqs, pair.dead) == (3 - moved, 0, 0)
    assert pair.task()["Status"] == "CANCELLED"
    pair.sqs.start_message_move_task(**start)
    pair.until(target, (3, 0, 0), counts)


def test_a_queue_made_anew_has_no_tasks(timed: Any) -> None:
    """Those of a deleted queue of that name are gone with it, also one that runs."""
    pair = Pair(timed)
    pair.kill("a", "b", "c")
    start = {"SourceArn": pair.dead_arn, "MaxNumberOfMessagesPerSecond": 1}
    pair.sqs.start_message_move_task(**start)
    pair.sqs.delete_queue(QueueUrl=pair.dead)
    timed.pass_s(61)
    assert pair.sqs.create_queue(QueueName="dead")["QueueUrl"] == pair.dead
    assert "Results" not in pair.sqs.list_message_move_tasks(SourceArn=pair.dead_arn)
    pair.kill("d")
    pair.sqs.start_message_move_task(**start)
    assert pair.task()["Status"] == "COMPLETED"


def test_a_move_task_without_a_way_fails(timed: Any, counts: Any) -> None:
    """A message that was sent to the dead-letter queue itself has no queue to go back to."""
    pair = Pair(timed)
    pair.kill("a")
    pair.sqs.send_message(QueueUrl=pair.dead, MessageBody="stray")
    pair.sqs.start_message_move_task(SourceArn=pair.dead_arn)
    task = pair.task()
    assert (task["Status"], task["FailureReason"]) == ("FAILED", "CouldNotDetermineMessageSource")
    assert task["ApproximateNumberOfMessagesMoved"] == 1
    assert counts(pair.sqs, pair.dead) == (1, 0, 0)


def test_wrong_move_tasks_are_refused(timed: Any, refusal: Any) -> None:
    """Codes and texts are those of AWS."""
    pair = Pair(timed)
    start = pair.sqs.start_message_move_task
    assert refusal(start, SourceArn=pair.source_arn) == (
        "InvalidParameterValue",
        "Source queue must be configured as a Dead Letter Queue.",
    )
    code, message = refusal(start, SourceArn=pair.dead_arn, DestinationArn=pair.dead_arn)
    assert code == "InvalidParameterValue"
    assert "must be different" in message
    assert refusal(start, SourceArn=f"{pair.dead_arn}x") == (
        "ResourceNotFoundException",
        "The resource that you specified for the SourceArn parameter doesn't exist.",
    )
    assert refusal(pair.sqs.cancel_message_move_task, TaskHandle="nope") == (
        "ResourceNotFoundException",
        "Task does not exist.",
    )


def test_redrive_policies_are_checked(timed: Any, refusal: Any) -> None:
    """The text says what is wrong; nothing is set."""
    pair = Pair(timed)
    fifo = pair.sqs.create_queue(QueueName="f.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    beyond = (
        "Invalid value for maxReceiveCount: {}, valid values are from 1 to 1000 both inclusive."
    )
    cases = (
        ("nope", "Redrive policy is not a valid JSON map."),
        (
            json.dumps({"deadLetterTargetArn": pair.dead_arn}),
            "Redrive policy does not contain mandatory attribute: maxReceiveCount.",
        ),
        (redrive(pair.dead_arn, 1001)["RedrivePolicy"], beyond.format(1001)),
        (redrive(pair.dead_arn, 0)["RedrivePolicy"], beyond.format(0)),
        (redrive(pair.dead_arn, True)["RedrivePolicy"], beyond.format("true")),
        (redrive(f"{pair.dead_arn}x")["RedrivePolicy"], "Dead letter target does not exist."),
        (
            redrive(timed.arn(fifo))["RedrivePolicy"],
            "Dead-letter queue must be same type of queue as the source.",
        ),
    )
    for text, reason in cases:
        code, message = refusal(
            pair.sqs.set_queue_attributes,
            QueueUrl=pair.source,
            Attributes={"RedrivePolicy": text, "DelaySeconds": "9"},
        )
        assert (code, message.split("Reason: ")[1]) == ("InvalidParameterValue", reason)
    told = pair.sqs.get_queue_attributes(QueueUrl=pair.source, AttributeNames=["All"])["Attributes"]
    assert told["DelaySeconds"] == "0"
    assert json.loads(told["RedrivePolicy"]) == {
        "deadLetterTargetArn": pair.dead_arn,
        "maxReceiveCount": 1,
    }


def test_a_queue_says_whose_letters_it_takes(timed: Any, refusal: Any) -> None:
    """RedriveAllowPolicy decides who may name a queue as dead-letter queue."""
    pair = Pair(timed)
    allow = pair.sqs.set_queue_attributes
    for policy, is_good in (
        ({"redrivePermission": "denyAll"}, False),
        ({"redrivePermission": "byQueue", "sourceQueueArns": [pair.dead_arn]}, False),
        ({"redrivePermission": "byQueue", "sourceQueueArns": [pair.source_arn]}, True),
        ({"redrivePermission": "allowAll"}, True),
    ):
        allow(QueueUrl=pair.dead, Attributes={"RedriveAllowPolicy": json.dumps(policy)})
        pair.sqs.set_queue_attributes(QueueUrl=pair.source, Attributes={"RedrivePolicy": ""})
        attempt = {"QueueUrl": pair.source, "Attributes": redrive(pair.dead_arn, "3")}
        if is_good:
            pair.sqs.set_queue_attributes(**attempt)
        else:
            assert refusal(pair.sqs.set_queue_attributes, **attempt)[0] == "InvalidParameterValue"
    bad = {"redrivePermission": "byQueue"}
    code, _ = refusal(allow, QueueUrl=pair.dead, Attributes={"RedriveAllowPolicy": json.dumps(bad)})
    assert code == "InvalidAttributeValue"


def test_the_sources_of_letters_are_listed(timed: Any) -> None:
    """A page at a time, and only while they name the queue."""
    pair = Pair(timed)
    second = pair.sqs.create_queue(QueueName="second", Attributes=redrive(pair.dead_arn))[
        "QueueUrl"
    ]
    pages = pair.sqs.get_paginator("list_dead_letter_source_queues").paginate(
        QueueUrl=pair.dead, PaginationConfig={"PageSize": 1}
    )
    assert [page["queueUrls"] for page in pages] == [[second], [pair.source]]
    pair.sqs.set_queue_attributes(QueueUrl=second, Attributes={"RedrivePolicy": ""})
    pair.sqs.delete_queue(QueueUrl=pair.source)
    assert pair.sqs.list_dead_letter_source_queues(QueueUrl=pair.dead)["queueUrls"] == []


@pytest.mark.parametrize("is_fifo", [False, True])
def test_messages_expire(timed: Any, counts: Any, is_fifo: bool) -> None:
    """Ready, delayed or once in flight: nothing is older than the retention period."""
    name = "q.fifo" if is_fifo else "q"
    kind = {"FifoQueue": "true", "ContentBasedDeduplication": "true"} if is_fifo else {}
    url = timed.sqs.create_queue(
        QueueName=name, Attributes={"MessageRetentionPeriod": "60", **kind}
    )["QueueUrl"]
    for n in range(3):
        group = {"MessageGroupId": f"g{n}"} if is_fifo else {}
        timed.sqs.send_message(QueueUrl=url, MessageBody=str(n), **group)
    timed.sqs.receive_message(QueueUrl=url)
    timed.pass_s(59)
    assert sum(counts(timed.sqs, url)) == 3
    timed.pass_s(2)
    assert "Messages" not in timed.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    deadline = time.monotonic() + PATIENCE_S
    while counts(timed.sqs, url) != (0, 0, 0):
        assert time.monotonic() < deadline, counts(timed.sqs, url)
        timed.pass_s(1)


def test_a_shorter_retention_counts_at_once(timed: Any, counts: Any) -> None:
    """Lowering it expires the messages that are there."""
    url = timed.sqs.create_queue(QueueName="q")["QueueUrl"]
    timed.sqs.send_message(QueueUrl=url, MessageBody="x")
    timed.pass_s(120)
    timed.sqs.set_queue_attributes(QueueUrl=url, Attributes={"MessageRetentionPeriod": "60"})
    deadline = time.monotonic() + PATIENCE_S
    while counts(timed.sqs, url) != (0, 0, 0):
        assert time.monotonic() < deadline
