"""Programs that know SQS and nothing of haar: Kombu, Celery, the AWS command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from celery import Celery
from celery.contrib.testing.worker import start_worker
from kombu import Connection

from haar.testing import Running

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning:kombu", "ignore::DeprecationWarning:celery"
)

OPTIONS = {"region": "us-east-1", "is_secure": False, "wait_time_seconds": 2}


def broker(cloud: Running) -> str:
    """Return Kombu's URL of a haar."""
    key = cloud.credentials
    secret = quote(key["aws_secret_access_key"], safe="")
    return f"sqs://{key['aws_access_key_id']}:{secret}@{cloud.endpoint.removeprefix('http://')}"


def test_kombu_puts_and_gets(cloud: Running, name: str) -> None:
    """What is not acknowledged comes back, what is acknowledged does not."""
    options = {**OPTIONS, "visibility_timeout": 1}
    with Connection(broker(cloud), transport_options=options) as connection:
        queue = connection.SimpleQueue(name)
        for n in range(3):
            queue.put({"n": n})
        first = queue.get(timeout=60)
        first.requeue()
        seen = []
        while len(seen) < 3:
            message = queue.get(timeout=60)
            seen.append(message.payload["n"])
            message.ack()
        assert sorted(seen) == [0, 1, 2]
        assert queue.qsize() == 0
        queue.close()


@pytest.mark.slow
def test_celery_works_through_a_queue(cloud: Running, name: str) -> None:
    """A worker takes tasks, retries the one that fails, and leaves an empty queue."""
    app = Celery("orders", broker=broker(cloud))
    app.conf.update(
        broker_transport_options=OPTIONS,
        task_default_queue=name,
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
    )
    done: list[int] = []
    failed: list[int] = []
    is_done = threading.Event()

    @app.task(bind=True, max_retries=2)
    def double(task: Any, n: int) -> None:
        if n == 1 and not failed:
            failed.append(n)
            raise task.retry(countdown=0)
        done.append(2 * n)
        if len(done) == 3:
            is_done.set()

    with start_worker(app, pool="solo", perform_ping_check=False):
        for n in range(3):
            double.delay(n)
        assert is_done.wait(timeout=60)
    assert (sorted(done), failed) == ([0, 2, 4], [1])
    sqs = cloud.client("sqs")
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    assert "Messages" not in sqs.receive_message(QueueUrl=url)


def aws(cloud: Running, *words: str) -> dict[str, Any]:
    """Run the AWS command line and return what it prints."""
    key = cloud.credentials
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", ""),
        "AWS_ACCESS_KEY_ID": key["aws_access_key_id"],
        "AWS_SECRET_ACCESS_KEY": key["aws_secret_access_key"],
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    program = Path(sys.executable).with_name("aws")
    ran = subprocess.run(
        [str(program), "sqs", *words, "--output", "json", "--endpoint-url", cloud.endpoint],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    found: dict[str, Any] = json.loads(ran.stdout) if ran.stdout else {}
    return found


@pytest.mark.slow
def test_the_command_line_sends_and_receives(cloud: Running, name: str) -> None:
    """The AWS CLI creates a queue, sends, receives and deletes."""
    url = aws(cloud, "create-queue", "--queue-name", name)["QueueUrl"]
    attributes = json.dumps({"colour": {"DataType": "String", "StringValue": "grey"}})
    sent = aws(
        cloud,
        *("send-message", "--queue-url", url, "--message-body", "fog"),
        *("--message-attributes", attributes),
    )
    (got,) = aws(cloud, "receive-message", "--queue-url", url, "--message-attribute-names", "All")[
        "Messages"
    ]
    assert (got["MessageId"], got["Body"]) == (sent["MessageId"], "fog")
    assert got["MessageAttributes"]["colour"]["StringValue"] == "grey"
    handle = got["ReceiptHandle"]
    assert aws(cloud, "delete-message", "--queue-url", url, "--receipt-handle", handle) == {}
