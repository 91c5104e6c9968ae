"""Tasks: Lambda, SQS, DynamoDB, the aws-sdk integrations, callbacks and their time-outs."""

import io
import json
import sys
import zipfile
from typing import Any

import pytest
from botocore.exceptions import ClientError

ROLE = "arn:aws:iam::000000000000:role/machine"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:worker"
INVOKE = "arn:aws:states:::lambda:invoke"
SEND = "arn:aws:states:::sqs:sendMessage"
SOURCE = """
class Custom(Exception):
    pass

def handler(event, context):
    if event == {"fail": True}:
        raise Custom("no good")
    if event == {"exit": True}:
        import os
        os._exit(1)
    return {"got": event}
"""
END = {"Type": "Succeed"}


@pytest.fixture(scope="module")
def worker(states: Any) -> str:
    """The ARN of a function that answers with what it was given, or fails if it is told to."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("app.py", SOURCE)
    made = states.cloud.client("lambda").create_function(
        FunctionName="worker",
        Runtime=f"python3.{sys.version_info.minor}",
        Role=ROLE,
        Handler="app.handler",
        Code={"ZipFile": buffer.getvalue()},
    )
    return str(made["FunctionArn"])


@pytest.fixture(scope="module")
def queue(states: Any) -> str:
    """The URL of a queue."""
    url: str = states.cloud.client("sqs").create_queue(QueueName="jobs")["QueueUrl"]
    return url


@pytest.fixture(scope="module")
def table(states: Any) -> str:
    """The name of a table with the key ``id``."""
    states.cloud.client("dynamodb").create_table(
        TableName="things",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return "things"


def task(resource: str, parameters: Any = None, **fields: Any) -> dict[str, Any]:
    given = {} if parameters is None else {"Parameters": parameters}
    return {"Type": "Task", "Resource": resource, **given, **fields}


def received(states: Any, queue: str) -> dict[str, Any]:
    """Return the next message of a queue, and delete it."""
    sqs = states.cloud.client("sqs")
    seen = states.until(
        lambda: sqs.receive_message(QueueUrl=queue, MessageAttributeNames=["All"]),
        lambda answer: "Messages" in answer,
    )
    (message,) = seen["Messages"]
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    found: dict[str, Any] = message
    return found


def test_a_function_as_the_resource(states: Any, worker: str) -> None:
    """The input is its event, its answer the result; LambdaFunction events tell of it."""
    answer = states.state(task(worker), {"a": 1})
    assert json.loads(answer["output"]) == {"got": {"a": 1}}
    arn = answer["executionArn"]
    assert states.trace(arn) == [
        (1, "ExecutionStarted", 0),
        (2, "TaskStateEntered", 0),
        (3, "LambdaFunctionScheduled", 2),
        (4, "LambdaFunctionStarted", 3),
        (5, "LambdaFunctionSucceeded", 4),
        (6, "TaskStateExited", 5),
        (7, "ExecutionSucceeded", 6),
    ]
    assert states.history(arn)[2]["lambdaFunctionScheduledEventDetails"] == {
        "resource": worker,
        "input": '{"a": 1}',
        "inputDetails": {"truncated": False},
    }


def test_the_optimized_integration_of_lambda(states: Any, worker: str) -> None:
    """The result has the status, the version and the parsed payload."""
    parameters = {"FunctionName": "worker", "Payload.$": "$.p"}
    answer = states.state(task(INVOKE, parameters), {"p": [1, "x"]})
    output = json.loads(answer["output"])
    assert output["Payload"] == {"got": [1, "x"]}
    assert (output["StatusCode"], output["ExecutedVersion"]) == (200, "$LATEST")
    assert {"SdkHttpMetadata", "SdkResponseMetadata"} < output.keys()
    arn = answer["executionArn"]
    assert [type_ for _, type_, _ in states.trace(arn)][2:5] == [
        "TaskScheduled",
        "TaskStarted",
        "TaskSucceeded",
    ]
    details = states.history(arn)[2]["taskScheduledEventDetails"]
    parameters_told = json.loads(details.pop("parameters"))
    assert parameters_told == {"FunctionName": "worker", "Payload": [1, "x"]}
    assert details == {"resourceType": "lambda", "resource": "invoke", "region": "us-east-1"}


@pytest.mark.parametrize("payload", [None, "null", 1234, "abcd", "", [], True, {"é": "\U0001f600"}])
def test_any_json_value_is_a_payload(states: Any, worker: str, payload: Any) -> None:
    """What goes to the function is what comes back."""
    assert states.output(task(worker, InputPath="$.p"), {"p": payload}) == {"got": payload}


@pytest.mark.parametrize("resource", ["function", "invoke"])
def test_a_function_that_raises(states: Any, worker: str, resource: str) -> None:
    """The error is the exception's type, the cause the function's answer."""
    given = {"fail": True}
    body = (
        task(worker)
        if resource == "function"
        else task(INVOKE, {"FunctionName": worker, "Payload": given})
    )
    answer = states.state(body, given)
    assert (answer["status"], answer["error"]) == ("FAILED", "Custom")
    cause = json.loads(answer["cause"])
    assert (cause["errorMessage"], cause["errorType"]) == ("no good", "Custom")
    assert "stackTrace" in cause


def test_a_function_that_ends_without_an_answer(states: Any, worker: str) -> None:
    """A process that is gone is an error like any other, which States.TaskFailed catches."""
    catch = [{"ErrorEquals": ["States.TaskFailed"], "ResultPath": "$.e", "Next": "E"}]
    output = states.output(task(worker, Catch=catch, Next="E"), {"exit": True}, E=END)
    assert output["e"]["Error"] == "Runtime.ExitError"


def test_a_function_that_is_not_there(states: Any) -> None:
    """Lambda's refusal, under AWS's name and in its words."""
    answer = states.state(task(FUNCTION + "-missing"))
    assert answer["error"] == "Lambda.ResourceNotFoundException"
    assert answer["cause"].startswith(f"Function not found: {FUNCTION}-missing")
    assert (
        "(Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException"
        in answer["cause"]
    )


def test_results_are_selected_and_placed(states: Any, worker: str) -> None:
    """ResultSelector, then ResultPath, then OutputPath."""
    body = task(
        worker,
        ResultSelector={"v.$": "$.got.a", "const": 1},
        ResultPath="$.r",
        OutputPath="$.r",
    )
    assert states.output(body, {"a": 5}) == {"v": 5, "const": 1}


def test_a_message_is_sent(states: Any, queue: str) -> None:
    """A body that is no text is sent as JSON; the result tells the message's id."""
    attributes = {"k": {"DataType": "Binary", "BinaryValue": "AAE="}}
    output = states.output(
        task(SEND, {"QueueUrl": queue, "MessageBody.$": "$", "MessageAttributes": attributes}),
        {"a": [1]},
    )
    message = received(states, queue)
    assert json.loads(message["Body"]) == {"a": [1]}
    assert message["MessageAttributes"]["k"]["BinaryValue"] == b"\0\x01"
    assert output["MessageId"] == message["MessageId"]


def test_a_message_for_no_queue(states: Any, queue: str) -> None:
    """SQS.AmazonSQSException, with what SQS says."""
    body = task(SEND, {"QueueUrl": queue + "-missing", "MessageBody": "x"})
    answer = states.state(body)
    assert answer["error"] == "SQS.AmazonSQSException"
    assert "(Service: AmazonSQS; Status Code: 400;" in answer["cause"]


@pytest.mark.parametrize("url", [5, None, ["x"]])
def test_parameters_of_another_type_fail_the_task(states: Any, url: Any) -> None:
    """What a path finds is checked against the service's model before the service sees it."""
    answer = states.state(task(SEND, {"QueueUrl.$": "$.u", "MessageBody": "x"}), {"u": url})
    assert (answer["status"], answer["error"]) == ("FAILED", "SQS.AmazonSQSException")


def test_items_are_written_read_changed_and_deleted(states: Any, table: str) -> None:
    """The four operations of the DynamoDB integration."""
    prefix = "arn:aws:states:::dynamodb:"
    key = {"TableName": table, "Key": {"id": {"S.$": "$.id"}}}
    put = {
        "TableName": table,
        "Item": {
            "id": {"S.$": "$.id"},
            "n": {"N": "1"},
            "b": {"B": "AAE="},
            "l": {"L": [{"BOOL": True}]},
        },
    }
    update = {
        **key,
        "UpdateExpression": "SET n = n + :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
        "ReturnValues": "ALL_NEW",
    }
    steps = [
        ("putItem", put),
        ("updateItem", update),
        ("getItem", key),
        ("deleteItem", key),
        ("getItem", key),
    ]
    names = [f"S{n}" for n in range(len(steps))]
    machine = {
        "StartAt": "S0",
        "States": {
            name: task(
                prefix + action,
                parameters,
                ResultPath=f"$.{name}",
                **({"Next": names[at + 1]} if at + 1 < len(names) else {"End": True}),
            )
            for at, (name, (action, parameters)) in enumerate(zip(names, steps, strict=True))
        },
    }
    output = json.loads(states.run(machine, {"id": "x"})["output"])
    item = {"id": {"S": "x"}, "n": {"N": "2"}, "b": {"B": "AAE="}, "l": {"L": [{"BOOL": True}]}}
    assert output["S1"]["Attributes"] == item
    assert output["S2"]["Item"] == item
    assert "Item" not in output["S4"]
    assert output["S0"]["SdkHttpMetadata"]["HttpStatusCode"] == 200


DYNAMO_ERRORS = [
    ({"TableName": "missing", "Key": {"id": {"S": "x"}}}, "DynamoDB.ResourceNotFoundException"),
    ({"TableName": "things", "Key": {"no": {"S": "x"}}}, "DynamoDB.AmazonDynamoDBException"),
]


@pytest.mark.parametrize(("parameters", "error"), DYNAMO_ERRORS)
def test_dynamodb_errors_have_their_names(
    states: Any, table: str, parameters: dict[str, Any], error: str
) -> None:
    """Modelled refusals by their name, validation by the service's base class."""
    assert states.state(task("arn:aws:states:::dynamodb:getItem", parameters))["error"] == error


def test_any_operation_of_a_service_can_be_called(states: Any) -> None:
    """aws-sdk integrations take and give the API's members, streams and times as text."""
    sdk = "arn:aws:states:::aws-sdk:"
    machine = {
        "StartAt": "Make",
        "States": {
            "Make": task(sdk + "s3:createBucket", {"Bucket": "made"}, ResultPath=None, Next="Put"),
            "Put": task(
                sdk + "s3:putObject",
                {"Bucket": "made", "Key": "k", "Body.$": "$"},
                ResultPath=None,
                Next="Get",
            ),
            "Get": task(sdk + "s3:getObject", {"Bucket": "made", "Key": "k"}, Next="Who"),
            "Who": task(
                sdk + "sfn:describeExecution",
                {"ExecutionArn.$": "$$.Execution.Id"},
                ResultPath="$.me",
                End=True,
            ),
        },
    }
    answer = states.run(machine, {"a": "é"})
    output = json.loads(answer["output"])
    assert output["Body"] == '{"a":"é"}'
    assert output["me"]["ExecutionArn"] == answer["executionArn"]
    assert output["me"]["StartDate"].endswith("Z")


SDK_ERRORS = [
    ("s3:getObject", {"Bucket": "no-bucket", "Key": "k"}, "S3.NoSuchBucketException"),
    ("dynamodb:describeTable", {"TableName": "none"}, "DynamoDb.ResourceNotFoundException"),
    ("dynamodb:describeTable", {"TableName": 1}, "DynamoDb.DynamoDbException"),
    ("dynamodb:describeTable", {"Nothing": 1}, "DynamoDb.DynamoDbException"),
    ("dynamodb:noSuchThing", {}, "States.Runtime"),
]


@pytest.mark.parametrize(("action", "parameters", "error"), SDK_ERRORS)
def test_errors_of_a_service_are_told_under_their_sdk_names(
    states: Any, action: str, parameters: dict[str, Any], error: str
) -> None:
    """Prefix and suffix are those of the SDK for Java 2."""
    answer = states.state(task(f"arn:aws:states:::aws-sdk:{action}", parameters))
    assert (answer["status"], answer["error"]) == ("FAILED", error)


def waiting(states: Any, queue: str, **fields: Any) -> tuple[str, str]:
    """Start a machine that sends its token to a queue; return its ARN and the token."""
    body = task(
        SEND + ".waitForTaskToken",
        {"QueueUrl": queue, "MessageBody": {"token.$": "$$.Task.Token"}},
        **fields,
    )
    if "Next" not in body:
        body["End"] = True
    arn = states.start(
        {"StartAt": "S", "States": {"S": body, "E": END} if "Next" in body else {"S": body}}
    )
    return arn, json.loads(received(states, queue)["Body"])["token"]


def test_a_task_waits_for_its_token(states: Any, queue: str) -> None:
    """SendTaskSuccess gives the result; the token is good once."""
    arn, token = waiting(states, queue)
    states.client.send_task_success(taskToken=token, output='{"ok": true}')
    answer = states.ended(arn)
    assert (answer["status"], answer["output"]) == ("SUCCEEDED", '{"ok":true}')
    assert [type_ for _, type_, _ in states.trace(arn)][2:6] == [
        "TaskScheduled",
        "TaskStarted",
        "TaskSubmitted",
        "TaskSucceeded",
    ]
    submitted = states.history(arn)[4]["taskSubmittedEventDetails"]
    assert submitted["resource"] == "sendMessage.waitForTaskToken"
    with pytest.raises(states.client.exceptions.TaskTimedOut) as refusal:
        states.client.send_task_success(taskToken=token, output="1")
    message = refusal.value.response["Error"]["Message"]
    assert message == "Task Timed Out: 'Provided task does not exist anymore'"


def test_a_task_is_failed_by_its_token(states: Any, queue: str) -> None:
    """SendTaskFailure's error meets Catch like any other."""
    catch = [{"ErrorEquals": ["Bad"], "Next": "E"}]
    arn, token = waiting(states, queue, Catch=catch, Next="E")
    states.client.send_task_failure(taskToken=token, error="Bad", cause="why")
    assert json.loads(states.ended(arn)["output"]) == {"Error": "Bad", "Cause": "why"}


def test_a_task_that_gives_no_sign_of_life_is_timed_out(states: Any, queue: str) -> None:
    """Each heartbeat gives it as long again; Catch may tell it by its own name."""
    catch = [{"ErrorEquals": ["States.HeartbeatTimeout"], "Next": "E"}]
    arn, token = waiting(
        states, queue, HeartbeatSeconds=10, TimeoutSeconds=60, Catch=catch, Next="E"
    )
    for _ in range(3):
        states.tick(9_000)
        states.client.send_task_heartbeat(taskToken=token)
    states.tick(9_999)
    assert states.describe(arn)["status"] == "RUNNING"
    states.tick(1)
    answer = states.ended(arn)
    assert json.loads(answer["output"])["Error"] == "States.Timeout"
    timed_out = next(e for e in states.history(arn) if e["type"] == "TaskTimedOut")
    assert timed_out["taskTimedOutEventDetails"]["error"] == "States.Timeout"


def test_a_task_that_takes_too_long_is_timed_out(states: Any, queue: str) -> None:
    """TimeoutSeconds; States.TaskFailed does not catch it, States.Timeout does."""
    catch = [
        {"ErrorEquals": ["States.TaskFailed"], "Next": "S"},
        {"ErrorEquals": ["States.Timeout"], "Next": "E"},
    ]
    arn, token = waiting(states, queue, TimeoutSeconds=5, Catch=catch, Next="E")
    states.tick(5_000)
    assert states.ended(arn)["status"] == "SUCCEEDED"
    assert states.seconds(arn)[-1] == ("ExecutionSucceeded", 5.0)
    with pytest.raises(states.client.exceptions.TaskTimedOut):
        states.client.send_task_heartbeat(taskToken=token)


def test_stopping_ends_a_wait_for_a_token(states: Any, queue: str) -> None:
    """The task is aborted, its token no good any more."""
    arn, token = waiting(states, queue, TimeoutSeconds=5)
    states.client.stop_execution(executionArn=arn)
    assert [type_ for _, type_, _ in states.trace(arn)][-2:] == [
        "TaskStateAborted",
        "ExecutionAborted",
    ]
    with pytest.raises(states.client.exceptions.TaskTimedOut):
        states.client.send_task_failure(taskToken=token)


def test_a_token_cannot_be_made_up(states: Any, queue: str) -> None:
    """Any other text, and a token with a byte changed, is InvalidToken."""
    arn, token = waiting(states, queue)
    for wrong in ("x", "AAAA", token[:-6] + ("A" if token[-6] != "A" else "B") + token[-5:]):
        with pytest.raises(states.client.exceptions.InvalidToken):
            states.client.send_task_success(taskToken=wrong, output="1")
    with pytest.raises(ClientError) as refusal:
        states.client.send_task_success(taskToken=token, output="{")
    assert refusal.value.response["Error"]["Code"] == "InvalidOutput"
    assert states.describe(arn)["status"] == "RUNNING"


def test_children_of_a_map_wait_for_their_tokens(states: Any, queue: str) -> None:
    """Each child hands out its own."""
    wait = task(
        SEND + ".waitForTaskToken",
        {"QueueUrl": queue, "MessageBody": {"token.$": "$$.Task.Token", "n.$": "$"}},
        End=True,
    )
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "W",
        "States": {"W": wait},
    }
    arn = states.start(
        {"StartAt": "S", "States": {"S": {"Type": "Map", "ItemProcessor": processor, "End": True}}},
        [1, 2],
    )
    for _ in range(2):
        told = json.loads(received(states, queue)["Body"])
        states.client.send_task_success(taskToken=told["token"], output=str(told["n"] * 10))
    assert states.ended(arn)["output"] == "[10,20]"
