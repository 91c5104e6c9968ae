"""Writers with an outside log of what was acknowledged, and what must then be true.

Each writer works in a thread of the test's process, which nobody kills: its lists are the outside
log. A call that was cut off may have happened or not, but never by half.
"""

import hashlib
import threading
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

ClientOf = Callable[[str], Any]
CutOff = (BotoCoreError, ClientError, OSError)

TABLE, QUEUE, BUCKET = "crash", "crash", "crash"
FOLLOWED = "followed"
PART = bytes(range(256)) * 4 * 1024 * 5  # 5 MiB, the least that S3 takes for a part
LARGE = bytes(range(256)) * 800  # 200 KiB: a file of its own


def prepare(client: ClientOf) -> None:
    """Make the table, the queue and the bucket."""
    client("dynamodb").create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    client("dynamodb").get_waiter("table_exists").wait(TableName=TABLE)
    client("dynamodb").create_table(
        TableName=FOLLOWED,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "g", "AttributeType": "S"},
        ],
        GlobalSecondaryIndexes=[global_index("early")],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    client("sqs").create_queue(QueueName=QUEUE, Attributes={"VisibilityTimeout": "1"})
    client("s3").create_bucket(Bucket=BUCKET)


class Writer:
    """One kind of call, over and over, until the server is gone."""

    def __init__(self) -> None:
        self.count = 0  # begun
        self.whole = 0  # come to their end
        self.failures: list[str] = []

    def write(self, client: ClientOf) -> None:
        """Call, and log what was acknowledged."""
        raise NotImplementedError

    def check(self, client: ClientOf) -> None:
        """Note in ``failures`` what is not as it must be."""
        raise NotImplementedError

    def start(self, client: ClientOf) -> threading.Thread:
        """Write in a thread until a call is cut off."""

        def work() -> None:
            try:
                while True:
                    self.count += 1
                    self.write(client)
                    self.whole += 1
            except CutOff:
                return

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        return thread

    def expect(self, truth: object, what: str) -> None:
        """Note a failure unless ``truth``."""
        if not truth:
            self.failures.append(f"{type(self).__name__}: {what}")


class Items(Writer):
    """PutItem: a new item and an overwritten one in turn."""

    def __init__(self) -> None:
        super().__init__()
        self.acknowledged: list[int] = []
        self.checked = 0

    def write(self, client: ClientOf) -> None:
        n = self.count
        for pk in (f"item#{n}", "item#last"):
            item = {"pk": {"S": pk}, "n": {"N": str(n)}, "pad": {"S": "x" * 300}}
            client("dynamodb").put_item(TableName=TABLE, Item=item)
        self.acknowledged.append(n)

    def check(self, client: ClientOf) -> None:
        for n in self.acknowledged[self.checked :]:
            self.expect(number(client, f"item#{n}") == n, f"item {n} is lost")
        self.checked = len(self.acknowledged)
        if self.acknowledged:
            last = number(client, "item#last")
            # The one that was cut off may have happened.
            self.expect(self.acknowledged[-1] <= last <= self.count, f"the last is {last}")


class Transactions(Writer):
    """TransactWriteItems: two items that must always be equal."""

    def __init__(self) -> None:
        super().__init__()
        self.acknowledged = 0

    def write(self, client: ClientOf) -> None:
        puts = [
            {"Put": {"TableName": TABLE, "Item": {"pk": {"S": pk}, "n": {"N": str(self.count)}}}}
            for pk in ("left", "right")
        ]
        client("dynamodb").transact_write_items(TransactItems=puts)
        self.acknowledged = self.count

    def check(self, client: ClientOf) -> None:
        left, right = number(client, "left"), number(client, "right")
        self.expect(left == right, f"half a transaction: {left} and {right}")
        self.expect(left >= self.acknowledged, f"{left} after {self.acknowledged}")


class Followers(Writer):
    """UpdateItem and DeleteItem of a table whose indexes and stream must follow it.

    Now and then an index is made, with a back-fill, or removed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.position: str | None = None
        self.newest = 0
        self.replayed: dict[str, str] = {}

    def write(self, client: ClientOf) -> None:
        dynamodb, n = client("dynamodb"), self.count
        where: Any = {"TableName": FOLLOWED, "Key": {"pk": {"S": f"item#{n % 150}"}}}
        if n % 40 == 0:
            toggle_index(dynamodb)
        if n % 7 == 0:
            dynamodb.delete_item(**where)
        else:
            dynamodb.update_item(
                **where,
                UpdateExpression="SET g = :g",
                ExpressionAttributeValues={":g": {"S": f"group {n % 11}"}},
            )

    def check(self, client: ClientOf) -> None:
        dynamodb = client("dynamodb")
        described = settled(dynamodb)
        table = groups(dynamodb)
        self.expect(described["ItemCount"] == len(table), "the count is wrong")
        for index in described["GlobalSecondaryIndexes"]:
            name = index["IndexName"]
            self.expect(groups(dynamodb, IndexName=name) == table, f"index {name} differs")
            self.expect(index["ItemCount"] == len(table), f"the count of {name} is wrong")
        self.replay(client("dynamodbstreams"), described["LatestStreamArn"])
        self.expect(self.replayed == table, "the stream differs")

    def replay(self, streams: Any, arn: str) -> None:
        """Read the stream on from where the last round left it.

        What an item was before a change must be what the change before it left: so none is
        missing, none comes twice, and none comes out of order.
        """
        if self.position is None:
            shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]
            self.position = streams.get_shard_iterator(
                StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
        while True:
            answer = streams.get_records(ShardIterator=self.position)
            self.position = answer["NextShardIterator"]
            for record in answer["Records"]:
                change = record["dynamodb"]
                key, number = change["Keys"]["pk"]["S"], int(change["SequenceNumber"])
                was = change["OldImage"]["g"]["S"] if "OldImage" in change else None
                self.expect(self.replayed.pop(key, None) == was, f"{key} was not {was}")
                self.expect(number > self.newest, f"{number} after {self.newest}")
                self.newest = number
                if "NewImage" in change:
                    self.replayed[key] = change["NewImage"]["g"]["S"]
            if not answer["Records"]:
                return


class Messages(Writer):
    """SendMessage, and ReceiveMessage with DeleteMessage of every other message."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: set[str] = set()
        self.deleting: set[str] = set()
        self.deleted: set[str] = set()

    def write(self, client: ClientOf) -> None:
        sqs = client("sqs")
        url = sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
        for half in ("kept", "gone"):
            body = f"{half}#{self.count}"
            sqs.send_message(QueueUrl=url, MessageBody=body)
            self.sent.add(body)
        for message in receive(sqs, url):
            if message["Body"].startswith("gone"):
                self.deleting.add(message["Body"])
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                self.deleted.add(message["Body"])

    def check(self, client: ClientOf) -> None:
        """Count only: a message that is in flight is not to be seen. See :meth:`check_all`."""
        sqs = client("sqs")
        url = sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        there = sum(int(told[name]) for name in names)
        least = len(self.sent) - len(self.deleting)
        self.expect(there >= least, f"{there} messages, {least} at least were kept")

    def check_all(self, client: ClientOf, deadline: Callable[[], bool]) -> None:
        """Drain the queue: every message that was kept is there, none that was deleted."""
        sqs = client("sqs")
        url = sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
        must = self.sent - self.deleting
        seen: set[str] = set()
        while not deadline() and not must <= seen:
            found = sqs.receive_message(
                QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1, VisibilityTimeout=600
            )
            seen |= {message["Body"] for message in found.get("Messages", [])}
        self.expect(must <= seen, f"lost: {sorted(must - seen)[:5]}")
        self.expect(
            not seen & self.deleted, f"back from the dead: {sorted(seen & self.deleted)[:5]}"
        )


class Objects(Writer):
    """PutObject: small ones, large ones, and one that is overwritten."""

    def __init__(self) -> None:
        super().__init__()
        self.acknowledged: list[tuple[str, str]] = []
        self.checked = 0
        self.has_overwritten = False

    def write(self, client: ClientOf) -> None:
        n = self.count
        small, large = b"small %d" % n, b"%d" % n + LARGE
        for key, body in ((f"small/{n}", small), (f"large/{n}", large)):
            client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)
            self.acknowledged.append((key, hashlib.md5(body).hexdigest()))
        client("s3").put_object(Bucket=BUCKET, Key="overwritten", Body=large)
        self.has_overwritten = True

    def check(self, client: ClientOf) -> None:
        s3 = client("s3")
        for key, digest in self.acknowledged[self.checked :]:
            self.expect(digest_of(s3, key) == digest, f"object {key}")
        self.checked = len(self.acknowledged)
        if self.has_overwritten:
            body = s3.get_object(Bucket=BUCKET, Key="overwritten")["Body"].read()
            self.expect(body.endswith(LARGE), "half an object")


class Uploads(Writer):
    """CompleteMultipartUpload: the object is there whole, or not at all."""

    def __init__(self) -> None:
        super().__init__()
        self.acknowledged: set[str] = set()
        self.tried: list[str] = []

    def write(self, client: ClientOf) -> None:
        s3, where = client("s3"), {"Bucket": BUCKET, "Key": f"upload/{self.count}"}
        upload = s3.create_multipart_upload(**where)["UploadId"]
        parts: list[dict[str, Any]] = []
        for number, body in ((1, PART), (2, b"the end")):
            told = s3.upload_part(**where, UploadId=upload, PartNumber=number, Body=body)
            parts.append({"PartNumber": number, "ETag": told["ETag"]})
        self.tried.append(where["Key"])
        s3.complete_multipart_upload(**where, UploadId=upload, MultipartUpload={"Parts": parts})
        self.acknowledged.add(where["Key"])

    def check(self, client: ClientOf) -> None:
        s3 = client("s3")
        for key in self.tried:
            try:
                size = s3.head_object(Bucket=BUCKET, Key=key)["ContentLength"]
            except ClientError:
                self.expect(key not in self.acknowledged, f"upload {key} is lost")
            else:
                self.expect(size == len(PART) + 7, f"upload {key} has {size} bytes")
        self.tried.clear()


def number(client: ClientOf, pk: str) -> int:
    """Return the ``n`` of an item, 0 where it is not there."""
    found = client("dynamodb").get_item(TableName=TABLE, Key={"pk": {"S": pk}})
    return int(found["Item"]["n"]["N"]) if "Item" in found else 0


def global_index(name: str) -> dict[str, Any]:
    """Return an index by ``g`` that has every attribute."""
    return {
        "IndexName": name,
        "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }


def toggle_index(dynamodb: Any) -> None:
    """Make the index ``late``, or remove it if it is there."""
    described = dynamodb.describe_table(TableName=FOLLOWED)["Table"]
    names = [index["IndexName"] for index in described["GlobalSecondaryIndexes"]]
    action: Any = {"Create": global_index("late")}
    if "late" in names:
        action = {"Delete": {"IndexName": "late"}}
    dynamodb.update_table(TableName=FOLLOWED, GlobalSecondaryIndexUpdates=[action])


def settled(dynamodb: Any) -> Any:
    """Return the table's description once no back-fill is under way."""
    while True:
        described = dynamodb.describe_table(TableName=FOLLOWED)["Table"]
        if all(i["IndexStatus"] == "ACTIVE" for i in described["GlobalSecondaryIndexes"]):
            return described


def groups(dynamodb: Any, **index: Any) -> dict[str, str]:
    """Return key and group of all items of the table, or of one of its indexes."""
    found = dynamodb.scan(TableName=FOLLOWED, ConsistentRead=not index, **index)["Items"]
    return {item["pk"]["S"]: item["g"]["S"] for item in found}


def receive(sqs: Any, url: str) -> list[dict[str, Any]]:
    """Return some messages."""
    found: list[dict[str, Any]] = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get(
        "Messages", []
    )
    return found


def digest_of(s3: Any, key: str) -> str:
    """Return the MD5 of an object as it is stored, or why it is not."""
    try:
        return hashlib.md5(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()).hexdigest()
    except ClientError as error:
        return str(error)
