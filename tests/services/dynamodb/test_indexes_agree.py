"""After any writes, every index says what its table says, and so do counts and the stream."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from haar.testing import Running

NAMES = st.sampled_from(["a", "b", "c", "d"])
GROUPS = st.sampled_from(["g", "h", "\x00", "g\x01"])
NUMBERS = st.integers(-3, 3).map(str)
TABLE = "agreeing"

INDEXES: dict[str, tuple[list[tuple[str, str]], dict[str, Any]]] = {
    "local": ([("p", "HASH"), ("n", "RANGE")], {"ProjectionType": "ALL"}),
    "by-g": (
        [("g", "HASH"), ("n", "RANGE")],
        {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["x"]},
    ),
    "by-n": ([("n", "HASH")], {"ProjectionType": "KEYS_ONLY"}),
}


def index(name: str) -> dict[str, Any]:
    keys, projection = INDEXES[name]
    return {
        "IndexName": name,
        "KeySchema": [{"AttributeName": key, "KeyType": kind} for key, kind in keys],
        "Projection": projection,
    }


@st.composite
def items(draw: Any) -> dict[str, Any]:
    item = {"p": {"S": draw(NAMES)}, "s": {"S": draw(NAMES)}}
    if draw(st.booleans()):
        item["g"] = {"S": draw(GROUPS)}
    if draw(st.booleans()):
        item["n"] = {"N": draw(NUMBERS)}
    if draw(st.booleans()):
        item["x"] = {"S": draw(NAMES)}
    return item


def key_of(item: dict[str, Any]) -> dict[str, Any]:
    return {"p": item["p"], "s": item["s"]}


class Writes(RuleBasedStateMachine):
    """Writes of every kind."""

    cloud: Running

    def __init__(self) -> None:
        super().__init__()
        self.db = self.cloud.client("dynamodb")
        self.streams = self.cloud.client("dynamodbstreams")
        self.arn = ""

    @initialize()
    def begin(self) -> None:
        """Begin with an empty table."""
        if TABLE in self.db.list_tables()["TableNames"]:
            self.db.delete_table(TableName=TABLE)
        made = self.db.create_table(
            TableName=TABLE,
            KeySchema=[
                {"AttributeName": "p", "KeyType": "HASH"},
                {"AttributeName": "s", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": "N" if name == "n" else "S"}
                for name in "psgn"
            ],
            LocalSecondaryIndexes=[index("local")],
            GlobalSecondaryIndexes=[index("by-g"), index("by-n")],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={
                "StreamEnabled": True,
                "StreamViewType": "NEW_AND_OLD_IMAGES",
            },
        )
        self.arn = made["TableDescription"]["LatestStreamArn"]

    @rule(item=items())
    def put(self, item: dict[str, Any]) -> None:
        """Put one."""
        self.db.put_item(TableName=TABLE, Item=item)

    @rule(item=items())
    def delete(self, item: dict[str, Any]) -> None:
        """Delete one, if it is there."""
        self.db.delete_item(TableName=TABLE, Key=key_of(item))

    @rule(item=items(), gone=st.sampled_from(["g", "n", "x"]))
    def update(self, item: dict[str, Any], gone: str) -> None:
        """Set the attributes of an item, and remove another."""
        names = [name for name in "gnx" if name in item and name != gone]
        text = f"REMOVE {gone}"
        if names:
            text += " SET " + ", ".join(f"{name} = :{name}" for name in names)
        asked: Any = {"ExpressionAttributeValues": {f":{n}": item[n] for n in names}}
        self.db.update_item(
            TableName=TABLE,
            Key=key_of(item),
            UpdateExpression=text,
            **(asked if names else {}),
        )

    @rule(several=st.lists(items(), min_size=1, max_size=5, unique_by=lambda i: str(key_of(i))))
    def batch(self, several: list[dict[str, Any]]) -> None:
        """Put several."""
        self.db.batch_write_item(
            RequestItems={TABLE: [{"PutRequest": {"Item": item}} for item in several]}
        )

    @rule(several=st.lists(items(), min_size=2, max_size=5, unique_by=lambda i: str(key_of(i))))
    def transact(self, several: list[dict[str, Any]]) -> None:
        """Put several and delete one together, if that one is there."""
        gone, *put = several
        try:
            self.db.transact_write_items(
                TransactItems=[
                    {
                        "Delete": {
                            "TableName": TABLE,
                            "Key": key_of(gone),
                            "ConditionExpression": "attribute_exists(p)",
                        }
                    },
                    *({"Put": {"TableName": TABLE, "Item": item}} for item in put),
                ]
            )
        except self.db.exceptions.TransactionCanceledException:
            return

    @invariant()
    def agrees(self) -> None:
        """Indexes, counts and the stream say what the table says."""
        if not self.arn:
            return
        table = self.db.scan(TableName=TABLE)["Items"]
        described = self.db.describe_table(TableName=TABLE)["Table"]
        assert described["ItemCount"] == len(table)
        counted = {
            one["IndexName"]: (one["ItemCount"], one["IndexSizeBytes"])
            for kind in ("LocalSecondaryIndexes", "GlobalSecondaryIndexes")
            for one in described[kind]
        }
        for name, (keys, projection) in INDEXES.items():
            found = self.db.scan(TableName=TABLE, IndexName=name)["Items"]
            expected = [
                projected(item, keys, projection)
                for item in table
                if all(key in item for key, _ in keys)
            ]
            assert sorted(map(str, map(ordered, found))) == sorted(map(str, map(ordered, expected)))
            assert counted[name] == (len(expected), sum(map(size, expected)))
        assert self.replayed() == {str(key_of(item)): item for item in table}

    def replayed(self) -> dict[str, Any]:
        """Return the items that the stream makes when it is read from the beginning."""
        shard = self.streams.describe_stream(StreamArn=self.arn)["StreamDescription"]["Shards"][0]
        position = self.streams.get_shard_iterator(
            StreamArn=self.arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        made: dict[str, Any] = {}
        for record in self.streams.get_records(ShardIterator=position)["Records"]:
            change = record["dynamodb"]
            key = str({"p": change["Keys"]["p"], "s": change["Keys"]["s"]})
            assert change.get("OldImage") == made.pop(key, None)
            if "NewImage" in change:
                made[key] = change["NewImage"]
        return made


def projected(item: dict[str, Any], keys: Any, projection: dict[str, Any]) -> dict[str, Any]:
    if projection["ProjectionType"] == "ALL":
        return item
    names = {"p", "s", *(key for key, _ in keys), *projection.get("NonKeyAttributes", ())}
    return {name: value for name, value in item.items() if name in names}


def ordered(item: dict[str, Any]) -> list[tuple[str, Any]]:
    return sorted(item.items())


def size(item: dict[str, Any]) -> int:
    """Return AWS's size of an item of short strings and numbers of one digit."""
    total = 0
    for name, value in item.items():
        ((kind, content),) = value.items()
        number = 1 + (content != "0") + content.startswith("-")
        total += len(name) + (len(content) if kind == "S" else number)
    return total


def test_indexes_counts_and_stream_agree_with_the_table(cloud: Running) -> None:
    """Whatever is written in whatever way, the table and what follows it stay in step."""
    from hypothesis.stateful import run_state_machine_as_test  # noqa: PLC0415  # only here

    machine = type("OnThisCloud", (Writes,), {"cloud": cloud})
    run_state_machine_as_test(
        machine, settings=settings(max_examples=12, stateful_step_count=12, deadline=None)
    )
