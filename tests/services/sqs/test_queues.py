"""Queues, through boto3: their life, attributes, listings, tags, permissions; what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from haar.testing import running

QUEUE_GONE = ("AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")
DEFAULTS = {
    "DelaySeconds": "0",
    "MaximumMessageSize": "1048576",
    "MessageRetentionPeriod": "345600",
    "ReceiveMessageWaitTimeSeconds": "0",
    "VisibilityTimeout": "30",
    "SqsManagedSseEnabled": "true",
    "ApproximateNumberOfMessages": "0",
    "ApproximateNumberOfMessagesNotVisible": "0",
    "ApproximateNumberOfMessagesDelayed": "0",
}


def attributes_of(client: Any, url: str, *names: str) -> dict[str, str]:
    told = client.get_queue_attributes(QueueUrl=url, AttributeNames=list(names or ("All",)))
    found: dict[str, str] = told.get("Attributes", {})
    return found


BAD_POLICY = "Invalid value for the parameter Policy."


def policy_of(statements: int, principals: int = 1, conditions: int = 1, actions: int = 1) -> str:
    """Return a policy with so much in it: in each statement, that is."""
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": [f"{n:012}" for n in range(principals)]},
        "Action": ["sqs:SendMessage"] * actions,
        "Resource": "*",
        "Condition": {"StringEquals": {f"aws:key{n}": ["a", "b"] for n in range(conditions)}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement] * statements})


def test_a_new_queue_has_awss_defaults(client: Any, queue: str, name: str) -> None:
    """What is not set is not told; no names, no attributes."""
    told = attributes_of(client, queue)
    assert told.pop("QueueArn") == f"arn:aws:sqs:us-east-1:000000000000:{name}"
    assert told.pop("CreatedTimestamp") == told.pop("LastModifiedTimestamp")
    assert told == DEFAULTS
    assert "Attributes" not in client.get_queue_attributes(QueueUrl=queue)
    assert client.get_queue_url(QueueName=name)["QueueUrl"] == queue
    assert queue.endswith(f"/000000000000/{name}")


def test_a_fifo_queue_tells_its_kind(client: Any, create: Any) -> None:
    """The attributes of FIFO queues stand beside the others, on FIFO queues only."""
    told = attributes_of(client, create(FifoQueue="true"))
    assert {name: told[name] for name in told.keys() - DEFAULTS.keys() if "T" not in name[:1]} == {
        "QueueArn": told["QueueArn"],
        "CreatedTimestamp": told["CreatedTimestamp"],
        "LastModifiedTimestamp": told["LastModifiedTimestamp"],
        "FifoQueue": "true",
        "ContentBasedDeduplication": "false",
        "DeduplicationScope": "queue",
        "FifoThroughputLimit": "perQueue",
    }


def test_creating_again_compares_what_is_given(client: Any, name: str, refusal: Any) -> None:
    """The same or less is the same queue; another value is refused by name."""
    given = {"VisibilityTimeout": "40", "DelaySeconds": "1"}
    url = client.create_queue(QueueName=name, Attributes=given)["QueueUrl"]
    assert client.create_queue(QueueName=name)["QueueUrl"] == url
    same = {"DelaySeconds": "1"}
    assert client.create_queue(QueueName=name, Attributes=same)["QueueUrl"] == url
    assert refusal(client.create_queue, QueueName=name, Attributes={"VisibilityTimeout": "41"}) == (
        "QueueAlreadyExists",
        (
            "A queue already exists with the same name and a different value for attribute "
            "VisibilityTimeout"
        ),
    )


@pytest.mark.parametrize("bad", ["a b", "", "x" * 81, "a.fifo", "é"])
def test_names_are_checked(client: Any, refusal: Any, bad: str) -> None:
    """Only letters, digits, hyphens and underscores, 80 at most."""
    assert refusal(client.create_queue, QueueName=bad) == (
        "InvalidParameterValue",
        "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
    )


def test_a_fifo_name_ends_with_fifo(client: Any, refusal: Any) -> None:
    """FifoQueue=true asks for the suffix."""
    code, text = refusal(client.create_queue, QueueName="plain", Attributes={"FifoQueue": "true"})
    assert code == "InvalidParameterValue"
    assert "must end with .fifo suffix and be 1 to 80 in length." in text


@pytest.mark.parametrize(
    ("attributes", "code", "text"),
    [
        ({"Nope": "1"}, "InvalidAttributeName", "Unknown Attribute Nope."),
        ({"QueueArn": "1"}, "InvalidAttributeName", "Unknown Attribute QueueArn."),
        ({"FifoQueue": "false"}, "InvalidAttributeName", "Unknown Attribute FifoQueue."),
        (
            {"DeduplicationScope": "queue"},
            "InvalidAttributeName",
            "Unknown Attribute DeduplicationScope.",
        ),
        (
            {"DelaySeconds": "901"},
            "InvalidAttributeValue",
            "Invalid value for the parameter DelaySeconds.",
        ),
        (
            {"MessageRetentionPeriod": "59"},
            "InvalidAttributeValue",
            "Invalid value for the parameter MessageRetentionPeriod.",
        ),
        (
            {"MaximumMessageSize": "x"},
            "InvalidAttributeValue",
            "Invalid value for the parameter MaximumMessageSize.",
        ),
        ({"Policy": "{"}, "InvalidAttributeValue", BAD_POLICY),
        ({"Policy": policy_of(21)}, "InvalidAttributeValue", BAD_POLICY),
        ({"Policy": policy_of(1, principals=51)}, "InvalidAttributeValue", BAD_POLICY),
        ({"Policy": policy_of(1, conditions=11)}, "InvalidAttributeValue", BAD_POLICY),
        ({"Policy": policy_of(1, actions=8)}, "InvalidAttributeValue", BAD_POLICY),
        (
            {"KmsMasterKeyId": "alias/x"},
            "NotImplemented",
            "haar does not implement the attribute KmsMasterKeyId of queues.",
        ),
    ],
)
def test_attributes_are_checked(
    client: Any, queue: str, refusal: Any, attributes: dict[str, str], code: str, text: str
) -> None:
    """Each wrong attribute has AWS's code and text, and nothing is applied."""
    given = {"VisibilityTimeout": "77", **attributes}
    assert refusal(client.set_queue_attributes, QueueUrl=queue, Attributes=given) == (code, text)
    assert attributes_of(client, queue, "VisibilityTimeout") == {"VisibilityTimeout": "30"}


@pytest.mark.parametrize(
    "policy", [policy_of(10), policy_of(1, principals=50, conditions=10, actions=7)]
)
def test_a_policy_within_its_bounds_is_kept(client: Any, queue: str, policy: str) -> None:
    """Twenty statements, fifty principals, ten conditions, seven actions a statement."""
    client.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    assert attributes_of(client, queue, "Policy") == {"Policy": policy}


def test_a_limit_by_group_needs_deduplication_by_group(create: Any, refusal: Any) -> None:
    """FifoThroughputLimit=perMessageGroupId goes with DeduplicationScope=messageGroup."""
    code, _ = refusal(create, FifoQueue="true", FifoThroughputLimit="perMessageGroupId")
    assert code == "InvalidAttributeValue"


def test_a_deleted_queue_is_gone_with_its_messages(timed: Any, refusal: Any) -> None:
    """Its name is free after a minute, and the new queue is empty."""
    sqs = timed.sqs
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="x")
    sqs.delete_queue(QueueUrl=url)
    assert refusal(sqs.delete_queue, QueueUrl=url) == QUEUE_GONE
    assert refusal(sqs.send_message, QueueUrl=url, MessageBody="x") == QUEUE_GONE
    assert refusal(sqs.create_queue, QueueName="q") == (
        "AWS.SimpleQueueService.QueueDeletedRecently",
        (
            "You must wait 60 seconds after deleting a queue before you can create another with "
            "the same name."
        ),
    )
    timed.pass_s(60)
    sqs.create_queue(QueueName="q")
    assert "Messages" not in sqs.receive_message(QueueUrl=url)


def test_the_minute_is_a_setting() -> None:
    """Whoever makes the same queue in each test need not wait."""
    with running(queue_name_s=0) as cloud:
        sqs = cloud.client("sqs")
        for _ in range(2):
            sqs.delete_queue(QueueUrl=sqs.create_queue(QueueName="q")["QueueUrl"])


def test_a_purge_is_whole_and_once_a_minute(timed: Any, counts: Any, refusal: Any) -> None:
    """Visible, delayed and in flight: all messages are gone."""
    url = timed.sqs.create_queue(QueueName="q")["QueueUrl"]
    for delay in (0, 0, 100):
        timed.sqs.send_message(QueueUrl=url, MessageBody="x", DelaySeconds=delay)
    timed.sqs.receive_message(QueueUrl=url)
    timed.sqs.purge_queue(QueueUrl=url)
    assert counts(timed.sqs, url) == (0, 0, 0)
    timed.sqs.send_message(QueueUrl=url, MessageBody="after")
    assert refusal(timed.sqs.purge_queue, QueueUrl=url) == (
        "AWS.SimpleQueueService.PurgeQueueInProgress",
        "Only one PurgeQueue operation on q is allowed every 60 seconds.",
    )
    assert counts(timed.sqs, url) == (1, 0, 0)
    timed.pass_s(60)
    timed.sqs.purge_queue(QueueUrl=url)
    assert counts(timed.sqs, url) == (0, 0, 0)


def test_queues_are_listed_by_name(haar: Any) -> None:
    """With a prefix, page by page; no queue, no key."""
    sqs = haar.client("sqs")
    assert "QueueUrls" not in sqs.list_queues()
    for name in ("b1", "a", "b2", "b3", "B4"):
        sqs.create_queue(QueueName=name)
    whole = sqs.list_queues(QueueNamePrefix="b")
    assert [url.rpartition("/")[2] for url in whole["QueueUrls"]] == ["b1", "b2", "b3"]
    assert "NextToken" not in whole
    pages = list(
        sqs.get_paginator("list_queues").paginate(
            QueueNamePrefix="b", PaginationConfig={"PageSize": 2}
        )
    )
    assert [len(page["QueueUrls"]) for page in pages] == [2, 1]


def test_another_accounts_queue_is_denied(client: Any, queue: str, refusal: Any) -> None:
    """The account in the URL counts, not the host."""
    other = queue.replace("/000000000000/", "/111111111111/")
    assert refusal(client.receive_message, QueueUrl=other)[0] in {
        "AccessDenied",
        "AccessDeniedException",
    }
    elsewhere = "https://sqs.us-east-1.amazonaws.com" + queue[queue.index("/", 8) :]
    client.send_message(QueueUrl=elsewhere, MessageBody="x")
    for bad in ("nope", "arn:aws:sqs:us-east-1:000000000000:x", "http://h/x"):
        assert refusal(client.receive_message, QueueUrl=bad) == (
            "InvalidAddress",
            f"The address {bad} is not valid for this endpoint.",
        )


def test_tags_come_and_go(client: Any, name: str, refusal: Any) -> None:
    """They are given at creation or later; the same key overwrites."""
    url = client.create_queue(QueueName=name, tags={"a": "1", "b": "2"})["QueueUrl"]
    client.tag_queue(QueueUrl=url, Tags={"b": "3", "c": "4"})
    client.untag_queue(QueueUrl=url, TagKeys=["a", "nope"])
    assert client.list_queue_tags(QueueUrl=url)["Tags"] == {"b": "3", "c": "4"}
    client.untag_queue(QueueUrl=url, TagKeys=["b", "c"])
    assert "Tags" not in client.list_queue_tags(QueueUrl=url)
    code, _ = refusal(client.tag_queue, QueueUrl=url, Tags={str(n): "" for n in range(51)})
    assert code == "InvalidParameterValue"
    client.tag_queue(QueueUrl=url, Tags={"Größe 1_.:/=+-@": "é ß"})
    for tags in ({"a!": "b"}, {"a": "b;"}, {"aws:a": "b"}, {"a" * 129: ""}, {"a": "b" * 257}):
        assert refusal(client.tag_queue, QueueUrl=url, Tags=tags)[0] == "InvalidParameterValue"


def test_permissions_are_statements_of_the_policy(client: Any, queue: str, refusal: Any) -> None:
    """AddPermission appends one by its label, RemovePermission takes it out."""
    add = {"QueueUrl": queue, "AWSAccountIds": ["111111111111"]}
    client.add_permission(**add, Label="one", Actions=["SendMessage"])
    client.add_permission(**add, Label="two", Actions=["ReceiveMessage", "DeleteMessage"])
    policy = json.loads(attributes_of(client, queue, "Policy")["Policy"])
    first, second = policy["Statement"]
    assert (first["Sid"], first["Action"]) == ("one", "SQS:SendMessage")
    assert first["Principal"] == {"AWS": "arn:aws:iam::111111111111:root"}
    assert second["Action"] == ["SQS:ReceiveMessage", "SQS:DeleteMessage"]
    assert refusal(client.add_permission, **add, Label="one", Actions=["*"]) == (
        "InvalidParameterValue",
        "Value one for parameter Label is invalid. Reason: Already exists.",
    )
    assert refusal(client.remove_permission, QueueUrl=queue, Label="nope")[1].endswith(
        "Reason: can't find label on existing policy."
    )
    code, _ = refusal(client.add_permission, **add, Label="x", Actions=["SendMessage"] * 8)
    assert code == "OverLimit"
    for label in ("one", "two"):
        client.remove_permission(QueueUrl=queue, Label=label)
    assert attributes_of(client, queue, "Policy") == {}
