"""Lambda function: add a batch of flights to the tallies, once, and queue the very late ones.

The event is ``{"Batch": id, "Items": [row, …]}`` with the rows of the CSV as text. The tallies of a
batch and the mark that it was counted are one transaction, so that a batch that is run again (after
a crash, or by a retry) changes nothing. Late flights are queued before the mark is set: they may be
queued twice, never forgotten; their ``id`` lets the reader tell.
"""

import json
import os
from collections import Counter
from typing import Any

import boto3

TABLE = os.environ["TABLE"]
LATE_QUEUE = os.environ["LATE_QUEUE"]
LATE_MINUTES = 180

# Untyped: a function's zip does not have the types of AWS's models.
session: Any = boto3.Session()
dynamodb, sqs = session.client("dynamodb"), session.client("sqs")


def handler(event: dict[str, Any], context: object) -> dict[str, int]:
    """Return how many flights and how many late ones the batch has."""
    del context
    flights = event["Items"]
    late = [flight for flight in flights if minutes(flight["arr_delay"]) > LATE_MINUTES]
    queue(late)
    add_once(event["Batch"], tally(flights))
    return {"flights": len(flights), "late": len(late)}


def minutes(text: str) -> int:
    """Return a delay; a flight that never arrived has none."""
    return 0 if text == "NA" else int(text)


def tally(flights: list[dict[str, str]]) -> dict[str, Counter[str]]:
    """Return flights, arrivals and minutes of delay per airline and airport."""
    tallies: dict[str, Counter[str]] = {}
    for flight in flights:
        counts = tallies.setdefault(f"{flight['carrier']}#{flight['origin']}", Counter())
        counts["flights"] += 1
        counts["arrivals"] += flight["arr_delay"] != "NA"
        counts["delay_minutes"] += minutes(flight["arr_delay"])
    return tallies


def queue(late: list[dict[str, str]]) -> None:
    """Send each late flight to the queue, ten at a time."""
    for start in range(0, len(late), 10):
        entries = [
            {"Id": str(number), "MessageBody": json.dumps(message(flight))}
            for number, flight in enumerate(late[start : start + 10])
        ]
        answer = sqs.send_message_batch(QueueUrl=LATE_QUEUE, Entries=entries)
        if answer.get("Failed"):
            raise RuntimeError(f"not queued: {answer['Failed']}")


def message(flight: dict[str, str]) -> dict[str, Any]:
    """Return what the queue is told of a flight."""
    names = ("time_hour", "carrier", "flight", "origin")
    return {
        "id": "/".join(flight[name] for name in names),
        "carrier": flight["carrier"],
        "origin": flight["origin"],
        "dest": flight["dest"],
        "late_minutes": minutes(flight["arr_delay"]),
    }


def add_once(batch: str, tallies: dict[str, Counter[str]]) -> None:
    """Add the tallies, unless this batch was added before."""
    mark = {
        "Put": {
            "TableName": TABLE,
            "Item": {"pk": {"S": f"batch#{batch}"}},
            "ConditionExpression": "attribute_not_exists(pk)",
        }
    }
    try:
        dynamodb.transact_write_items(
            TransactItems=[mark, *(addition(*tally) for tally in tallies.items())]
        )
    except dynamodb.exceptions.TransactionCanceledException as error:
        if error.response["CancellationReasons"][0]["Code"] != "ConditionalCheckFailed":
            raise


def addition(pair: str, counts: Counter[str]) -> dict[str, Any]:
    """Return the update that adds to one tally."""
    return {
        "Update": {
            "TableName": TABLE,
            "Key": {"pk": {"S": f"tally#{pair}"}},
            "UpdateExpression": "ADD flights :f, arrivals :a, delay_minutes :d",
            "ExpressionAttributeValues": {
                ":f": {"N": str(counts["flights"])},
                ":a": {"N": str(counts["arrivals"])},
                ":d": {"N": str(counts["delay_minutes"])},
            },
        }
    }
