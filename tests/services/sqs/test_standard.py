"""Standard queues, through boto3: send, receive, delete, visibility, delays, long polls."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from haar.testing import running


def test_a_message_comes_back_as_it_was_sent(client: Any, queue: str) -> None:
    """Body, attributes, system attributes and digests are those of the send."""
    sent = client.send_message(
        QueueUrl=queue,
        MessageBody="good morning ☀",
        MessageAttributes={
            "a": {"DataType": "String", "StringValue": "x"},
            "b": {"DataType": "Number.int", "StringValue": "12"},
            "c": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
        },
        MessageSystemAttributes={
            "AWSTraceHeader": {
                "DataType": "String",
                "StringValue": "Root=1-5759e988-bd862e3fe1be46a994272793",
            }
        },
    )
    assert sent["MD5OfMessageAttributes"] == "2522575e99f5ff622a4c287a474f5dec"
    (got,) = client.receive_message(
        QueueUrl=queue, MessageSystemAttributeNames=["All"], MessageAttributeNames=["All"]
    )["Messages"]
    assert got["Body"] == "good morning ☀"
    assert (got["MessageId"], got["MD5OfBody"]) == (sent["MessageId"], sent["MD5OfMessageBody"])
    assert got["MessageAttributes"]["c"] == {"DataType": "Binary", "BinaryValue": b"\x00\xff"}
    assert got["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    system = got["Attributes"]
    assert system["AWSTraceHeader"].startswith("Root=1-")
    assert (system["ApproximateReceiveCount"], system["SenderId"]) == ("1", "000000000000")
    assert system["SentTimestamp"] <= system["ApproximateFirstReceiveTimestamp"]


def test_the_digest_covers_the_attributes_returned(client: Any, queue: str) -> None:
    """A receive that asks for some attributes gets the digest of those."""
    attributes = {n: {"DataType": "String", "StringValue": n} for n in ("foo.a", "foo.b", "bar")}
    client.send_message(QueueUrl=queue, MessageBody="x", MessageAttributes=attributes)
    client.send_message(
        QueueUrl=queue, MessageBody="x", MessageAttributes={"bar": attributes["bar"]}
    )
    got = client.receive_message(
        QueueUrl=queue, MessageAttributeNames=["foo.*", "nope"], MaxNumberOfMessages=10
    )["Messages"]
    assert set(got[0]["MessageAttributes"]) == {"foo.a", "foo.b"}
    assert "MessageAttributes" not in got[1]
    assert "MD5OfMessageAttributes" not in got[1]


def test_a_received_message_is_hidden_until_its_timeout_ends(timed: Any, bodies: Any) -> None:
    """Nobody else receives it before, anybody does after; its count and times go on."""
    url = timed.sqs.create_queue(QueueName="q")["QueueUrl"]
    timed.sqs.send_message(QueueUrl=url, MessageBody="m")
    first = timed.sqs.receive_message(QueueUrl=url, AttributeNames=["All"])["Messages"][0]
    timed.pass_s(29.999)
    assert bodies(timed.sqs.receive_message(QueueUrl=url)) == []
    timed.pass_s(0.001)
    again = timed.sqs.receive_message(QueueUrl=url, AttributeNames=["All"])["Messages"][0]
    assert again["MessageId"] == first["MessageId"]
    assert again["ReceiptHandle"] != first["ReceiptHandle"]
    assert again["Attributes"]["ApproximateReceiveCount"] == "2"
    name = "ApproximateFirstReceiveTimestamp"
    assert again["Attributes"][name] == first["Attributes"][name]


def test_a_delayed_message_comes_after_its_delay(timed: Any, bodies: Any, counts: Any) -> None:
    """The message's delay beats the queue's, also when it is zero."""
    url = timed.sqs.create_queue(QueueName="q", Attributes={"DelaySeconds": "5"})["QueueUrl"]
    timed.sqs.send_message(QueueUrl=url, MessageBody="five")
    timed.sqs.send_message(QueueUrl=url, MessageBody="nine", DelaySeconds=9)
    timed.sqs.send_message(QueueUrl=url, MessageBody="zero", DelaySeconds=0)
    assert counts(timed.sqs, url) == (1, 0, 2)
    assert bodies(timed.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)) == ["zero"]
    timed.pass_s(5)
    assert counts(timed.sqs, url) == (1, 1, 1)
    assert bodies(timed.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)) == ["five"]
    timed.pass_s(4)
    assert bodies(timed.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)) == ["nine"]
    assert counts(timed.sqs, url) == (0, 3, 0)


@pytest.mark.parametrize("received", [False, True])
def test_counts_hold_where_messages_become_due_together(
    timed: Any, bodies: Any, counts: Any, *, received: bool
) -> None:
    """Messages that were delayed, or received, by one call and are then received one by one."""
    url = timed.sqs.create_queue(QueueName="q", Attributes={"VisibilityTimeout": "5"})["QueueUrl"]
    entries = [{"Id": body, "MessageBody": body, "DelaySeconds": 5} for body in "abc"]
    timed.sqs.send_message_batch(QueueUrl=url, Entries=entries)
    timed.pass_s(5)
    if received:
        timed.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        timed.pass_s(5)
    assert counts(timed.sqs, url) == (3, 0, 0)
    for taken in (1, 2, 3):
        (message,) = timed.sqs.receive_message(QueueUrl=url)["Messages"]
        assert counts(timed.sqs, url) == (3 - taken, 1, 0)
        timed.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        assert counts(timed.sqs, url) == (3 - taken, 0, 0)


def test_dead_letters_that_are_due_together_leave_the_counts(timed: Any, counts: Any) -> None:
    """A receive that buries one message and takes the next counts both."""
    dead = timed.sqs.create_queue(QueueName="dead")["QueueUrl"]
    policy = {"deadLetterTargetArn": timed.arn(dead), "maxReceiveCount": 1}
    attributes = {"VisibilityTimeout": "5", "RedrivePolicy": json.dumps(policy)}
    url = timed.sqs.create_queue(QueueName="q", Attributes=attributes)["QueueUrl"]
    timed.sqs.send_message(QueueUrl=url, MessageBody="dies")
    timed.sqs.receive_message(QueueUrl=url)
    entries = [{"Id": body, "MessageBody": body, "DelaySeconds": 5} for body in "ab"]
    timed.sqs.send_message_batch(QueueUrl=url, Entries=entries)
    timed.pass_s(5)
    assert len(timed.sqs.receive_message(QueueUrl=url)["Messages"]) == 1
    assert counts(timed.sqs, url) == (1, 1, 0)
    assert counts(timed.sqs, dead) == (1, 0, 0)


def test_handles_behave_as_on_aws(timed: Any, refusal: Any, bodies: Any) -> None:
    """The last handle deletes; an older one succeeds and the message stays."""
    url = timed.sqs.create_queue(QueueName="q")["QueueUrl"]
    other = timed.sqs.create_queue(QueueName="other")["QueueUrl"]
    timed.sqs.send_message(QueueUrl=url, MessageBody="m")

    def receive() -> str:
        found = timed.sqs.receive_message(QueueUrl=url, VisibilityTimeout=10)["Messages"]
        handle: str = found[0]["ReceiptHandle"]
        return handle

    def change(handle: str, seconds: int = 5) -> None:
        timed.sqs.change_message_visibility(
            QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=seconds
        )

    old = receive()
    timed.pass_s(10)
    # Not in flight any more, not received again.
    assert refusal(change, handle=old)[0] == "AWS.SimpleQueueService.MessageNotInflight"
    new = receive()
    timed.sqs.delete_message(QueueUrl=url, ReceiptHandle=old)
    assert refusal(change, handle=old)[0] == "AWS.SimpleQueueService.MessageNotInflight"
    change(new, 3)
    timed.pass_s(3)
    last = receive()
    timed.pass_s(10)
    timed.sqs.delete_message(QueueUrl=url, ReceiptHandle=last)  # over, yet not received again
    assert bodies(timed.sqs.receive_message(QueueUrl=url)) == []
    timed.sqs.delete_message(QueueUrl=url, ReceiptHandle=last)
    code, text = refusal(change, handle=last)
    assert code == "InvalidParameterValue"
    assert text.endswith("does not exist or is not available for visibility timeout change.")
    for bad, where in (("abc", url), (last, other), (last[:-4] + "AAAA", url)):
        assert refusal(timed.sqs.delete_message, QueueUrl=where, ReceiptHandle=bad) == (
            "ReceiptHandleIsInvalid",
            f'The input receipt handle "{bad}" is not a valid receipt handle.',
        )


def test_visibility_ends_at_twelve_hours(timed: Any, refusal: Any) -> None:
    """A message cannot be kept in flight for longer, in however many steps."""
    url = timed.sqs.create_queue(QueueName="q")["QueueUrl"]
    timed.sqs.send_message(QueueUrl=url, MessageBody="m")
    handle = timed.sqs.receive_message(QueueUrl=url)["Messages"][0]["ReceiptHandle"]
    change = timed.sqs.change_message_visibility
    change(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=43_195)
    code, text = refusal(change, QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=43_200)
    assert code == "InvalidParameterValue"
    assert text == (
        "Value 43200 for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout "
        "for the message is beyond the limit [43200 seconds]."
    )
    code, text = refusal(change, QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=43_201)
    assert text.endswith("VisibilityTimeout must be an integer between 0 and 43200.")


def test_a_long_poll_returns_with_the_message(client: Any, queue: str) -> None:
    """Whoever waits is woken by the send, not by the end of the wait."""
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(client.receive_message, QueueUrl=queue, WaitTimeSeconds=20)
        client.send_message(QueueUrl=queue, MessageBody="here")
        assert answer.result(timeout=60)["Messages"][0]["Body"] == "here"


def test_many_polls_share_what_comes(client: Any, queue: str) -> None:
    """Each of many who wait gets one of the messages, and nobody is forgotten."""
    with ThreadPoolExecutor(16) as pool:
        answers = [
            pool.submit(client.receive_message, QueueUrl=queue, WaitTimeSeconds=20)
            for _ in range(16)
        ]
        for start in (0, 10):
            numbers = range(start, min(start + 10, 16))
            entries = [{"Id": str(n), "MessageBody": str(n)} for n in numbers]
            client.send_message_batch(QueueUrl=queue, Entries=entries)
        got = [answer.result(timeout=30)["Messages"][0]["Body"] for answer in answers]
    assert sorted(got, key=int) == [str(n) for n in range(16)]


def test_a_long_poll_ends_empty(timed: Any) -> None:
    """At the end of the wait there is no key ``Messages``; zero beats the queue's wait."""
    url = timed.sqs.create_queue(QueueName="q", Attributes={"ReceiveMessageWaitTimeSeconds": "20"})[
        "QueueUrl"
    ]
    assert "Messages" not in timed.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=0)
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(timed.sqs.receive_message, QueueUrl=url)
        while not answer.done():
            timed.pass_s(1)
        assert "Messages" not in answer.result()


@pytest.mark.parametrize("what", ["delay", "timeout", "change"])
def test_a_long_poll_wakes_when_a_message_becomes_visible(timed: Any, what: str) -> None:
    """The end of a delay or of a visibility timeout during the wait is not missed."""
    url = timed.sqs.create_queue(QueueName="q")["QueueUrl"]
    timed.sqs.send_message(QueueUrl=url, MessageBody="m", DelaySeconds=7 if what == "delay" else 0)
    handle = ""
    if what != "delay":
        seconds = 7 if what == "timeout" else 1000
        got = timed.sqs.receive_message(QueueUrl=url, VisibilityTimeout=seconds)
        handle = got["Messages"][0]["ReceiptHandle"]
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(
            timed.cloud.client("sqs").receive_message, QueueUrl=url, WaitTimeSeconds=15
        )
        if what == "change":
            timed.sqs.change_message_visibility(
                QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0
            )
        for _ in range(8):
            timed.pass_s(1)
        while not answer.done():
            timed.pass_s(0.1)
        assert answer.result()["Messages"][0]["Body"] == "m"


def test_a_poll_whose_queue_is_deleted_is_told(client: Any, queue: str, refusal: Any) -> None:
    """A long poll does not wait for a queue that is gone."""
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(refusal, client.receive_message, QueueUrl=queue, WaitTimeSeconds=20)
        client.delete_queue(QueueUrl=queue)
        assert answer.result(timeout=60)[0] == "AWS.SimpleQueueService.NonExistentQueue"


def test_no_message_is_received_twice_by_many(client: Any, queue: str) -> None:
    """Receivers at the same time get different messages, and all of them."""
    for start in range(0, 100, 10):
        entries = [{"Id": str(n), "MessageBody": str(start + n)} for n in range(10)]
        client.send_message_batch(QueueUrl=queue, Entries=entries)
    got: list[str] = []
    lock = threading.Lock()

    def drain() -> None:
        while found := client.receive_message(QueueUrl=queue, MaxNumberOfMessages=3).get(
            "Messages"
        ):
            with lock:
                got.extend(message["Body"] for message in found)

    with ThreadPoolExecutor(8) as pool:
        for _ in range(8):
            pool.submit(drain)
    assert sorted(map(int, got)) == list(range(100))


def test_messages_survive_a_restart(tmp_path: Any, bodies: Any, counts: Any) -> None:
    """Delays, flights, counts and large bodies are in the store, not in the process."""
    with running(data=tmp_path) as first:
        sqs = first.client("sqs")
        url = sqs.create_queue(QueueName="q")["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody="flies")
        handle = sqs.receive_message(QueueUrl=url)["Messages"][0]["ReceiptHandle"]
        sqs.send_message(QueueUrl=url, MessageBody="waits", DelaySeconds=900)
        sqs.send_message(QueueUrl=url, MessageBody="L" * 100_000)
    with running(data=tmp_path) as second:
        sqs = second.client("sqs")
        assert counts(sqs, url) == (1, 1, 1)
        assert bodies(sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)) == ["L" * 100_000]
        sqs.delete_message(QueueUrl=url, ReceiptHandle=handle)
        assert counts(sqs, url) == (0, 1, 1)


def test_batches_fail_by_entry(client: Any, queue: str) -> None:
    """What is wrong with one entry does not touch the others."""
    sent = client.send_message_batch(
        QueueUrl=queue,
        Entries=[
            {"Id": "good", "MessageBody": "x"},
            {"Id": "late", "MessageBody": "x", "DelaySeconds": 901},
            {"Id": "empty", "MessageBody": ""},
        ],
    )
    assert [one["Id"] for one in sent["Successful"]] == ["good"]
    assert [(one["Id"], one["Code"], one["SenderFault"]) for one in sent["Failed"]] == [
        ("late", "InvalidParameterValue", True),
        ("empty", "MissingParameter", True),
    ]
    handle = client.receive_message(QueueUrl=queue)["Messages"][0]["ReceiptHandle"]
    changed = client.change_message_visibility_batch(
        QueueUrl=queue,
        Entries=[
            {"Id": "a", "ReceiptHandle": handle, "VisibilityTimeout": 60},
            {"Id": "b", "ReceiptHandle": "nope", "VisibilityTimeout": 60},
        ],
    )
    assert [one["Code"] for one in changed["Failed"]] == ["ReceiptHandleIsInvalid"]
    gone = client.delete_message_batch(
        QueueUrl=queue,
        Entries=[{"Id": "a", "ReceiptHandle": handle}, {"Id": "b", "ReceiptHandle": "nope"}],
    )
    assert ([one["Id"] for one in gone["Successful"]], len(gone["Failed"])) == (["a"], 1)
