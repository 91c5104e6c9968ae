"""FIFO queues, through boto3: groups, order, duplicates, receives that are tried again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from haar.services.sqs.expiry import BATCH
from haar.testing import running

WRONG_KIND = "The request include parameter that is not valid for this queue type."


@pytest.fixture
def fifo(timed: Any) -> str:
    """The URL of a FIFO queue in a haar whose time the test moves."""
    url: str = timed.sqs.create_queue(
        QueueName="q.fifo", Attributes={"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    )["QueueUrl"]
    return url


def send(timed: Any, url: str, group: str, body: str, **members: Any) -> dict[str, Any]:
    sent: dict[str, Any] = timed.sqs.send_message(
        QueueUrl=url, MessageGroupId=group, MessageBody=body, **members
    )
    return sent


def receive(timed: Any, url: str, count: int = 10, **members: Any) -> list[dict[str, Any]]:
    answer = timed.sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=count, AttributeNames=["All"], **members
    )
    found: list[dict[str, Any]] = answer.get("Messages", [])
    return found


def texts(found: list[dict[str, Any]]) -> list[str]:
    return [message["Body"] for message in found]


def delete(timed: Any, url: str, *found: dict[str, Any]) -> None:
    for message in found:
        timed.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def test_what_expired_is_not_in_the_way(timed: Any) -> None:
    """However many groups have expired, one receive finds the message that is there."""
    lasting = {"FifoQueue": "true", "MessageRetentionPeriod": "60"}
    attributes = {**lasting, "ContentBasedDeduplication": "true"}
    url = timed.sqs.create_queue(QueueName="short.fifo", Attributes=attributes)["QueueUrl"]
    for start in range(0, 150, 10):
        entries = [
            {"Id": str(n), "MessageBody": f"old {n}", "MessageGroupId": f"old-{n}"}
            for n in range(start, start + 10)
        ]
        assert "Failed" not in timed.sqs.send_message_batch(QueueUrl=url, Entries=entries)
    timed.pass_s(61)
    until_swept(timed, url)
    send(timed, url, "new", "new")
    assert texts(receive(timed, url)) == ["new"]


def until_swept(timed: Any, url: str) -> None:
    """Wait until the sweep has removed every message."""
    for _ in range(1000):
        told = timed.sqs.get_queue_attributes(
            QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"]
        )
        if told["Attributes"]["ApproximateNumberOfMessages"] == "0":
            return
    raise AssertionError("they are still there")


def test_a_group_is_held_while_a_message_is_in_flight(timed: Any, fifo: str) -> None:
    """What comes after a message in flight waits for it; other groups do not."""
    for body in ("a1", "a2", "b1", "a3"):
        send(timed, fifo, body[0], body)
    first = receive(timed, fifo, 1)
    assert texts(first) == ["a1"]
    other = receive(timed, fifo)
    assert texts(other) == ["b1"]
    assert receive(timed, fifo) == []
    delete(timed, fifo, *first)
    assert texts(receive(timed, fifo)) == ["a2", "a3"]


def test_a_failed_message_comes_before_its_successors(timed: Any, fifo: str) -> None:
    """After the timeout the group begins with the message that was not deleted."""
    for n in range(4):
        send(timed, fifo, "g", str(n))
    found = receive(timed, fifo, 3)
    delete(timed, fifo, found[0], found[2])
    assert receive(timed, fifo) == []
    timed.pass_s(30)
    again = receive(timed, fifo)
    assert texts(again) == ["1", "3"]
    assert [m["Attributes"]["ApproximateReceiveCount"] for m in again] == ["2", "1"]


def test_sequence_numbers_grow(timed: Any, fifo: str) -> None:
    """They have twenty digits and tell the order of sending."""
    sent = [send(timed, fifo, "g", str(n))["SequenceNumber"] for n in range(3)]
    assert sent == sorted(sent)
    assert {len(number) for number in sent} == {20}
    assert [m["Attributes"]["SequenceNumber"] for m in receive(timed, fifo)] == sent


def test_a_duplicate_is_answered_and_not_stored(timed: Any, fifo: str, counts: Any) -> None:
    """For five minutes from the first send, also after the message was deleted."""
    first = send(timed, fifo, "g", "once")
    delete(timed, fifo, *receive(timed, fifo))
    timed.pass_s(299)
    again = send(timed, fifo, "g", "once")
    for name in ("MessageId", "SequenceNumber", "MD5OfMessageBody"):
        assert again[name] == first[name]
    assert counts(timed.sqs, fifo) == (0, 0, 0)
    other = send(timed, fifo, "h", "other body", MessageDeduplicationId="x")
    same = send(timed, fifo, "i", "another body", MessageDeduplicationId="x")
    assert (same["MessageId"], counts(timed.sqs, fifo)) == (other["MessageId"], (1, 0, 0))
    timed.pass_s(1)
    assert send(timed, fifo, "g", "once")["MessageId"] != first["MessageId"]


def test_high_throughput_knows_duplicates_by_group(timed: Any, counts: Any) -> None:
    """With the scope messageGroup the same id in two groups is two messages."""
    url = timed.sqs.create_queue(
        QueueName="h.fifo",
        Attributes={
            "FifoQueue": "true",
            "DeduplicationScope": "messageGroup",
            "FifoThroughputLimit": "perMessageGroupId",
        },
    )["QueueUrl"]
    for group in ("a", "b", "a"):
        send(timed, url, group, "x", MessageDeduplicationId="same")
    assert counts(timed.sqs, url) == (2, 0, 0)


def test_a_delay_holds_every_message_and_can_be_changed(timed: Any, counts: Any) -> None:
    """The queue's delay is retroactive: messages that wait now are affected."""
    url = timed.sqs.create_queue(
        QueueName="d.fifo",
        Attributes={
            "FifoQueue": "true",
            "ContentBasedDeduplication": "true",
            "DelaySeconds": "60",
        },
    )["QueueUrl"]
    send(timed, url, "g", "1")
    timed.pass_s(10)
    send(timed, url, "g", "2")
    assert receive(timed, url) == []
    assert counts(timed.sqs, url) == (0, 0, 2)
    timed.sqs.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "5"})
    found = receive(timed, url)
    assert texts(found) == ["1"]
    delete(timed, url, *found)
    assert receive(timed, url) == []
    timed.pass_s(5)
    assert texts(receive(timed, url)) == ["2"]


def test_a_handle_ends_with_the_timeout(timed: Any, fifo: str, refusal: Any) -> None:
    """On FIFO queues a late delete is refused; on standard ones it deletes."""
    send(timed, fifo, "g", "1")
    (old,) = receive(timed, fifo)
    timed.pass_s(30)
    handle = old["ReceiptHandle"]
    code, text = refusal(timed.sqs.delete_message, QueueUrl=fifo, ReceiptHandle=handle)
    assert code == "InvalidParameterValue"
    reason = "The receipt handle has expired."
    assert text == f"Value {handle} for parameter ReceiptHandle is invalid. Reason: {reason}"
    (new,) = receive(timed, fifo)
    delete(timed, fifo, old)  # older: succeeds, the message stays
    delete(timed, fifo, new)
    delete(timed, fifo, new)
    assert receive(timed, fifo) == []


def test_visibility_zero_frees_the_group(timed: Any, fifo: str) -> None:
    """A message given back is first of its group again."""
    send(timed, fifo, "g", "1")
    send(timed, fifo, "g", "2")
    (found,) = receive(timed, fifo, 1)
    timed.sqs.change_message_visibility(
        QueueUrl=fifo, ReceiptHandle=found["ReceiptHandle"], VisibilityTimeout=0
    )
    assert texts(receive(timed, fifo)) == ["1", "2"]


def test_a_long_poll_wakes_when_the_group_is_free(timed: Any, fifo: str) -> None:
    """Deleting the message in flight hands the next one to whoever waits."""
    send(timed, fifo, "g", "1")
    send(timed, fifo, "g", "2")
    found = receive(timed, fifo, 1)
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(
            timed.cloud.client("sqs").receive_message, QueueUrl=fifo, WaitTimeSeconds=20
        )
        delete(timed, fifo, *found)
        assert texts(answer.result(timeout=60)["Messages"]) == ["2"]


def test_a_receive_can_be_tried_again(timed: Any, fifo: str) -> None:
    """The same attempt id returns the same messages and handles, with a new timeout."""
    for n in range(3):
        send(timed, fifo, "g", str(n))
    first = receive(timed, fifo, 2, ReceiveRequestAttemptId="try-1")
    timed.pass_s(20)
    again = receive(timed, fifo, 2, ReceiveRequestAttemptId="try-1")
    assert [m["ReceiptHandle"] for m in again] == [m["ReceiptHandle"] for m in first]
    assert again == first
    timed.pass_s(20)  # beyond the first timeout, within the second
    delete(timed, fifo, first[0])
    assert receive(timed, fifo, 2, ReceiveRequestAttemptId="try-1") == []
    delete(timed, fifo, first[1])
    assert texts(receive(timed, fifo, 2, ReceiveRequestAttemptId="try-1")) == ["2"]


def test_members_of_the_other_kind_are_refused(timed: Any, fifo: str, refusal: Any) -> None:
    """What only one kind of queue has is refused by the other, by name."""
    plain = timed.sqs.create_queue(QueueName="plain")["QueueUrl"]
    bare = timed.sqs.create_queue(QueueName="b.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    message = {"MessageBody": "x", "MessageGroupId": "g"}
    cases = (
        ({"QueueUrl": fifo, "MessageBody": "x"}, "MissingParameter", "MessageGroupId"),
        ({"QueueUrl": fifo, **message, "DelaySeconds": 0}, "InvalidParameterValue", WRONG_KIND),
        (
            {"QueueUrl": plain, **message, "MessageDeduplicationId": "d"},
            "InvalidParameterValue",
            WRONG_KIND,
        ),
        ({"QueueUrl": bare, **message}, "InvalidParameterValue", "ContentBasedDeduplication"),
        (
            {"QueueUrl": fifo, "MessageBody": "x", "MessageGroupId": "a b"},
            "InvalidParameterValue",
            "can only include alphanumeric and punctuation characters. 1 to 128 in length.",
        ),
    )
    for members, code, text in cases:
        told = refusal(timed.sqs.send_message, **members)
        assert told[0] == code
        assert text in told[1]
    code, text = refusal(timed.sqs.receive_message, QueueUrl=plain, ReceiveRequestAttemptId="a")
    assert text.endswith(WRONG_KIND)


def test_a_standard_queue_takes_a_group(timed: Any) -> None:
    """The group of a message on a standard queue is kept and told."""
    url = timed.sqs.create_queue(QueueName="fair")["QueueUrl"]
    timed.sqs.send_message(QueueUrl=url, MessageBody="x", MessageGroupId="tenant")
    assert receive(timed, url)[0]["Attributes"]["MessageGroupId"] == "tenant"


def test_a_purge_keeps_the_memory_of_duplicates(timed: Any, fifo: str, counts: Any) -> None:
    """What was purged cannot be sent again within the five minutes."""
    send(timed, fifo, "g", "1")
    send(timed, fifo, "g", "2")
    receive(timed, fifo, 1)
    timed.sqs.purge_queue(QueueUrl=fifo)
    send(timed, fifo, "g", "1")
    assert counts(timed.sqs, fifo) == (0, 0, 0)
    send(timed, fifo, "g", "3")
    assert texts(receive(timed, fifo)) == ["3"]


def test_a_fifo_queue_survives_a_restart(tmp_path: Path) -> None:
    """Held groups, receive counts and the memory of duplicates are in the store."""
    attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    with running(data=tmp_path) as first:
        sqs = first.client("sqs")
        url = sqs.create_queue(QueueName="q.fifo", Attributes=attributes)["QueueUrl"]
        for body in ("1", "2"):
            sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId="g")
        (held,) = sqs.receive_message(QueueUrl=url)["Messages"]
    with running(data=tmp_path) as second:
        sqs = second.client("sqs")
        sqs.send_message(QueueUrl=url, MessageBody="1", MessageGroupId="g")
        assert "Messages" not in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        sqs.change_message_visibility(
            QueueUrl=url, ReceiptHandle=held["ReceiptHandle"], VisibilityTimeout=0
        )
        found = sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["ApproximateReceiveCount"]
        )["Messages"]
        told = [(m["Body"], m["Attributes"]["ApproximateReceiveCount"]) for m in found]
        assert told == [("1", "2"), ("2", "1")]


def test_what_is_in_flight_is_not_in_the_way_of_the_sweep(timed: Any) -> None:
    """However many expired messages are in flight, those behind them are removed."""
    lasting = {"FifoQueue": "true", "MessageRetentionPeriod": "60", "VisibilityTimeout": "600"}
    attributes = {**lasting, "ContentBasedDeduplication": "true"}
    url = timed.sqs.create_queue(QueueName="busy.fifo", Attributes=attributes)["QueueUrl"]
    count = BATCH + 20
    for start in range(0, count, 10):
        entries = [
            {"Id": str(n), "MessageBody": f"{n}", "MessageGroupId": f"{n}"}
            for n in range(start, start + 10)
        ]
        assert "Failed" not in timed.sqs.send_message_batch(QueueUrl=url, Entries=entries)
    received = 0
    while received < BATCH:
        received += len(receive(timed, url))
    timed.pass_s(61)
    until_swept(timed, url)
