"""The Distributed Map: where items come from, what children get, how a Map Run ends."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

NO_NUMBER = 'field refers to value "x" which is not a valid'
S3_GET = "arn:aws:states:::s3:getObject"
S3_LIST = "arn:aws:states:::s3:listObjectsV2"
PASS = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
FAIL_ON_ODD = {
    "StartAt": "C",
    "States": {
        "C": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.odd", "BooleanEquals": True, "Next": "F"}],
            "Default": "P",
        },
        "F": {"Type": "Fail", "Error": "Odd", "Cause": "not even"},
        "P": {"Type": "Pass", "End": True},
    },
}
WAIT = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 10, "End": True}}}


def mapped(
    processor: dict[str, Any] | None = None, *, kind: str = "STANDARD", **fields: Any
) -> Any:
    config = {"Mode": "DISTRIBUTED", "ExecutionType": kind}
    return {
        "Type": "Map",
        "ItemProcessor": {"ProcessorConfig": config, **(processor or PASS)},
        **fields,
    }


def machine(**fields: Any) -> dict[str, Any]:
    return {"StartAt": "S", "States": {"S": {**mapped(**fields), "End": True}}}


def reader(key: str, kind: str, **config: Any) -> dict[str, Any]:
    return {
        "Resource": S3_GET,
        "ReaderConfig": {"InputType": kind, **config},
        "Parameters": {"Bucket": "data", "Key": key},
    }


def run_of(states: Any, arn: str) -> dict[str, Any]:
    """Return DescribeMapRun's answer for the only Map Run of an execution."""
    (listed,) = states.client.list_map_runs(executionArn=arn)["mapRuns"]
    answer: dict[str, Any] = states.client.describe_map_run(mapRunArn=listed["mapRunArn"])
    return answer


@pytest.fixture(scope="module")
def bucket(states: Any) -> Any:
    """A client of S3, in which a bucket ``data`` is."""
    s3 = states.cloud.client("s3")
    s3.create_bucket(Bucket="data")
    return s3


def test_the_history_of_a_distributed_map(states: Any) -> None:
    """The parent tells of the Map Run, not of its children."""
    answer = states.run(machine(Label="each"), [1, 2])
    arn = answer["executionArn"]
    assert states.trace(arn) == [
        (1, "ExecutionStarted", 0),
        (2, "MapStateEntered", 0),
        (3, "MapStateStarted", 2),
        (4, "MapRunStarted", 3),
        (5, "MapRunSucceeded", 4),
        (6, "MapStateSucceeded", 5),
        (7, "MapStateExited", 6),
        (8, "ExecutionSucceeded", 7),
    ]
    started = states.history(arn)[3]["mapRunStartedEventDetails"]["mapRunArn"]
    name = answer["stateMachineArn"].rpartition(":")[2]
    assert started.startswith(f"arn:aws:states:us-east-1:000000000000:mapRun:{name}/each:")


def test_children_are_executions(states: Any) -> None:
    """Each child can be listed, described, and has a history of its own."""
    answer = states.run(machine(Label="each"), [{"n": 1}, {"n": 2}])
    run = run_of(states, answer["executionArn"])
    children = states.client.list_executions(mapRunArn=run["mapRunArn"])["executions"]
    assert [child["itemCount"] for child in children] == [1, 1]
    child = states.describe(children[0]["executionArn"])
    assert (child["input"], child["output"]) == ('{"n":2}', '{"n":2}')
    assert child["mapRunArn"] == run["mapRunArn"]
    assert child["stateMachineArn"] == f"{answer['stateMachineArn']}/each"
    assert [type_ for _, type_, _ in states.trace(child["executionArn"])] == [
        "ExecutionStarted",
        "PassStateEntered",
        "PassStateExited",
        "ExecutionSucceeded",
    ]
    told = states.client.describe_state_machine_for_execution(executionArn=child["executionArn"])
    assert (told["mapRunArn"], told["label"]) == (run["mapRunArn"], "each")


def test_a_child_is_found_under_its_own_arn_only(states: Any) -> None:
    """Another machine's name before a child's id names no execution."""
    answer = states.run(machine(Label="each"), [1])
    run = run_of(states, answer["executionArn"])
    (child,) = states.client.list_executions(mapRunArn=run["mapRunArn"])["executions"]
    name = answer["stateMachineArn"].rpartition(":")[2]
    with pytest.raises(states.client.exceptions.ExecutionDoesNotExist):
        states.describe(child["executionArn"].replace(name, "other"))
    with pytest.raises(states.client.exceptions.ResourceNotFound):
        states.client.describe_map_run(mapRunArn=run["mapRunArn"].replace(name, "other"))


def test_the_counts_of_items_and_executions(states: Any) -> None:
    """A batch is one execution of several items."""
    arn = states.start(machine(ItemBatcher={"MaxItemsPerBatch": 2}), [1, 2, 3])
    answer = states.ended(arn)
    assert json.loads(answer["output"]) == [{"Items": [1, 2]}, {"Items": [3]}]
    run = run_of(states, arn)
    assert (run["status"], run["executionArn"]) == ("SUCCEEDED", arn)
    assert (run["maxConcurrency"], run["toleratedFailureCount"]) == (10_000, 0)
    wanted = {"succeeded": 3, "total": 3, "resultsWritten": 3}
    assert {name: run["itemCounts"][name] for name in wanted} == wanted
    wanted = {"succeeded": 2, "total": 2, "pending": 0, "running": 0}
    assert {name: run["executionCounts"][name] for name in wanted} == wanted


def test_a_batch_has_its_input_and_a_size(states: Any) -> None:
    """BatchInput is evaluated once; bytes bound a batch as well as a count does."""
    batcher = {"MaxInputBytesPerBatch": 60, "BatchInput": {"k.$": "$.k"}}
    output = states.output(
        mapped(ItemsPath="$.xs", ItemBatcher=batcher), {"k": 1, "xs": ["x" * 10] * 5}
    )
    assert [len(child["Items"]) for child in output] == [2, 2, 1]
    assert all(child["BatchInput"] == {"k": 1} for child in output)


def test_item_selector_sees_the_item_and_the_input(states: Any) -> None:
    """Map.Item.Index, Value and Source; $ is the state's input."""
    selector = {
        "i.$": "$$.Map.Item.Index",
        "v.$": "$$.Map.Item.Value",
        "s.$": "$$.Map.Item.Source",
        "k.$": "$.k",
    }
    output = states.output(
        mapped(ItemsPath="$.xs", ItemSelector=selector), {"k": 9, "xs": ["a", "b"]}
    )
    assert output == [
        {"i": 0, "v": "a", "s": "STATE_DATA", "k": 9},
        {"i": 1, "v": "b", "s": "STATE_DATA", "k": 9},
    ]


def test_an_object_is_iterated_by_its_pairs(states: Any) -> None:
    """Map.Item.Key is there for objects."""
    selector = {"k.$": "$$.Map.Item.Key", "v.$": "$$.Map.Item.Value"}
    output = states.output(mapped(ItemSelector=selector), {"a": 1, "b": 2})
    assert output == [{"k": "a", "v": 1}, {"k": "b", "v": 2}]


def test_a_csv_file_is_read(states: Any, bucket: Any) -> None:
    """The first row has the headers; every value is a text."""
    bucket.put_object(Bucket="data", Key="a.csv", Body=b'id,name\n1,"a, b"\n2,\n')
    items = reader("a.csv", "CSV", CSVHeaderLocation="FIRST_ROW")
    arn = states.start(machine(ItemReader=items))
    output = json.loads(states.ended(arn)["output"])
    assert output == [{"id": "1", "name": "a, b"}, {"id": "2", "name": ""}]
    started = next(e for e in states.history(arn) if e["type"] == "MapStateStarted")
    assert started["mapStateStartedEventDetails"] == {"length": 0}


def test_a_csv_file_with_given_headers_and_another_delimiter(states: Any, bucket: Any) -> None:
    """GIVEN headers make the first row an item."""
    bucket.put_object(Bucket="data", Key="b.csv", Body=b"1|x\n2|y\n")
    items = reader(
        "b.csv", "CSV", CSVHeaderLocation="GIVEN", CSVHeaders=["n", "t"], CSVDelimiter="PIPE"
    )
    output = states.output(mapped(ItemReader=items))
    assert output == [{"n": "1", "t": "x"}, {"n": "2", "t": "y"}]


@pytest.mark.parametrize(("pointer", "expected"), [("", [1]), ("/a/b", [2, 3]), ("/o", [4, 5])])
def test_a_json_file_is_read(states: Any, bucket: Any, pointer: str, expected: Any) -> None:
    """An array, or what a pointer finds in the document: an array or an object."""
    document: Any = {"a": {"b": [2, 3]}, "o": {"x": 4, "y": 5}} if pointer else [1]
    bucket.put_object(Bucket="data", Key="a.json", Body=json.dumps(document).encode())
    config = {"ItemsPointer": pointer} if pointer else {}
    assert states.output(mapped(ItemReader=reader("a.json", "JSON", **config))) == expected


def test_a_json_lines_file_is_read(states: Any, bucket: Any) -> None:
    """One value a line; blank lines are none; the last newline may be missing."""
    bucket.put_object(Bucket="data", Key="a.jsonl", Body=b'{"a":1}\n\n[2]\n"c"')
    assert states.output(mapped(ItemReader=reader("a.jsonl", "JSONL"))) == [{"a": 1}, [2], "c"]


def test_a_listing_is_read(states: Any, bucket: Any) -> None:
    """Objects below a prefix, as ListObjectsV2 tells them, page after page."""
    for number in range(3):
        bucket.put_object(Bucket="data", Key=f"list/{number}", Body=b"x" * number)
    items = {"Resource": S3_LIST, "Parameters": {"Bucket": "data", "Prefix": "list/"}}
    selector = {"o.$": "$$.Map.Item.Value", "s.$": "$$.Map.Item.Source"}
    output = states.output(mapped(ItemReader=items, ItemSelector=selector))
    assert [child["o"]["Key"] for child in output] == ["list/0", "list/1", "list/2"]
    assert [child["o"]["Size"] for child in output] == [0, 1, 2]
    assert set(output[0]["o"]) == {"Etag", "Key", "LastModified", "Size", "StorageClass"}
    assert output[0]["s"] == "S3://data"


def test_max_items_ends_the_reading(states: Any, bucket: Any) -> None:
    """Written or found by a path; 0 is no bound."""
    bucket.put_object(Bucket="data", Key="m.jsonl", Body=b"1\n2\n3\n")
    for config, count in [({"MaxItems": 2}, 2), ({"MaxItemsPath": "$.n"}, 1), ({"MaxItems": 0}, 3)]:
        items = reader("m.jsonl", "JSONL", **config)
        assert len(states.output(mapped(ItemReader=items), {"n": 1})) == count


FIRST_ROW = {"CSVHeaderLocation": "FIRST_ROW"}
BAD_READERS = [
    (reader("none.csv", "CSV", **FIRST_ROW), "NoSuchKey: The specified key does not exist."),
    (reader("twice.csv", "CSV", **FIRST_ROW), "CSV headers cannot contain duplicates."),
    (reader("bad.json", "JSON"), None),
    (reader("bad.json", "JSONL"), None),
    (reader("five.json", "JSON"), "Attempting to map over non-iterable node."),
    (reader("five.json", "JSON", MaxItemsPath="$.minus"), "field MaxItems must be positive"),
]


@pytest.mark.parametrize(("items", "cause"), BAD_READERS)
def test_a_source_that_cannot_be_read_fails_the_map_run(
    states: Any, bucket: Any, items: dict[str, Any], cause: str | None
) -> None:
    """States.ItemReaderFailed, which a Catch may catch."""
    bucket.put_object(Bucket="data", Key="twice.csv", Body=b"a,a\n1,2\n")
    bucket.put_object(Bucket="data", Key="bad.json", Body=b"{")
    bucket.put_object(Bucket="data", Key="five.json", Body=b"5")
    answer = states.run(machine(ItemReader=items), {"minus": -1})
    assert (answer["status"], answer["error"]) == ("FAILED", "States.ItemReaderFailed")
    if cause is not None:
        assert answer["cause"] == cause
    assert run_of(states, answer["executionArn"])["status"] == "FAILED"
    types = [type_ for _, type_, _ in states.trace(answer["executionArn"])]
    assert types[-3:] == ["MapRunFailed", "MapStateFailed", "ExecutionFailed"]


def test_the_first_failure_fails_the_run(states: Any) -> None:
    """Nothing is tolerated unless it is said so."""
    answer = states.run(machine(processor=FAIL_ON_ODD), [{"odd": True}])
    assert answer["error"] == "States.ExceedToleratedFailureThreshold"
    assert answer["cause"] == "The specified tolerated failure threshold was exceeded"
    counts = run_of(states, answer["executionArn"])["itemCounts"]
    assert (counts["failed"], counts["succeeded"]) == (1, 0)


TOLERANCES = [
    ({"ToleratedFailureCount": 2}, "SUCCEEDED"),
    ({"ToleratedFailureCount": 1}, "FAILED"),
    ({"ToleratedFailurePercentage": 50}, "SUCCEEDED"),
    ({"ToleratedFailurePercentage": 49.9}, "FAILED"),
    ({"ToleratedFailureCount": 2, "ToleratedFailurePercentage": 10}, "FAILED"),
    ({"ToleratedFailureCountPath": "$.two"}, "SUCCEEDED"),
    ({"ToleratedFailurePercentagePath": "$.two"}, "FAILED"),
]


@pytest.mark.parametrize(("tolerance", "status"), TOLERANCES)
def test_failures_are_tolerated_up_to_a_threshold(
    states: Any, tolerance: dict[str, Any], status: str
) -> None:
    """Two of four fail; either threshold may be exceeded."""
    xs = [{"odd": n % 2 == 1} for n in range(4)]
    answer = states.run(
        machine(processor=FAIL_ON_ODD, ItemsPath="$.xs", **tolerance), {"two": 2, "xs": xs}
    )
    assert answer["status"] == status
    if status == "SUCCEEDED":
        output = json.loads(answer["output"])
        assert [child.get("Error") for child in output] == [None, "Odd", None, "Odd"]
        assert json.loads(output[1]["Input"]) == {"odd": True}


@pytest.mark.parametrize(
    ("fields", "cause"),
    [
        ({"MaxConcurrencyPath": "$.no"}, f"The MaxConcurrencyPath {NO_NUMBER} integer: $.no"),
        (
            {"ToleratedFailurePercentagePath": "$.no"},
            f"The ToleratedFailurePercentagePath {NO_NUMBER} float: $.no",
        ),
        ({"ToleratedFailureCountPath": "$.minus"}, "ToleratedFailureCount cannot be negative."),
        ({"MaxConcurrencyPath": "$.minus"}, "MaxConcurrency cannot be negative."),
        (
            {"ItemBatcher": {"MaxItemsPerBatchPath": "$.minus"}},
            "MaxItemsPerBatch cannot be negative.",
        ),
        (
            {"ToleratedFailurePercentagePath": "$.much"},
            "ToleratedFailurePercentage must be between 0 and 100.",
        ),
    ],
)
def test_numbers_that_make_no_sense_fail_the_state(
    states: Any, fields: dict[str, Any], cause: str
) -> None:
    """States.Runtime before a Map Run begins."""
    given = {"no": "x", "minus": -1, "much": 101, "xs": []}
    answer = states.run(machine(ItemsPath="$.xs", **fields), given)
    assert answer["error"] == "States.Runtime"
    assert answer["cause"].endswith(cause)
    assert states.client.list_map_runs(executionArn=answer["executionArn"])["mapRuns"] == []


def test_children_run_as_many_at_once_as_they_may(states: Any) -> None:
    """MaxConcurrency bounds the children that wait."""
    arn = states.start(machine(processor=WAIT, MaxConcurrency=2), [1, 2, 3])
    states.tick(0)
    counts = run_of(states, arn)["executionCounts"]
    assert (counts["running"], counts["pending"]) == (2, 0)
    assert run_of(states, arn)["itemCounts"]["pending"] == 1
    states.tick(10_000)
    states.tick(10_000)
    assert states.ended(arn)["status"] == "SUCCEEDED"


def test_the_bounds_of_a_running_map_run_can_be_changed(states: Any) -> None:
    """UpdateMapRun is in force at once."""
    arn = states.start(machine(processor=WAIT, MaxConcurrency=1), [1, 2, 3])
    states.tick(0)
    run = run_of(states, arn)["mapRunArn"]
    states.client.update_map_run(
        mapRunArn=run,
        maxConcurrency=3,
        toleratedFailureCount=2,
        toleratedFailurePercentage=12.5,
    )
    states.tick(0)
    told = run_of(states, arn)
    assert told["executionCounts"]["running"] == 3
    assert (told["maxConcurrency"], told["toleratedFailureCount"]) == (3, 2)
    assert told["toleratedFailurePercentage"] == 12.5
    states.tick(10_000)
    assert states.ended(arn)["status"] == "SUCCEEDED"
    with pytest.raises(ClientError) as refusal:
        states.client.update_map_run(mapRunArn=run, maxConcurrency=1)
    assert refusal.value.response["Error"]["Code"] == "ValidationException"


def test_stopping_the_parent_stops_the_children(states: Any) -> None:
    """The Map Run and every child are ABORTED."""
    arn = states.start(machine(processor=WAIT), [1, 2])
    states.tick(0)
    states.client.stop_execution(executionArn=arn)
    states.tick(0)
    run = run_of(states, arn)
    assert (run["status"], run["executionCounts"]["aborted"]) == ("ABORTED", 2)
    children = states.client.list_executions(mapRunArn=run["mapRunArn"], statusFilter="ABORTED")
    assert len(children["executions"]) == 2
    types = [type_ for _, type_, _ in states.trace(arn)]
    assert types[-3:] == ["MapRunAborted", "MapStateAborted", "ExecutionAborted"]


def test_a_run_that_fails_stops_what_still_runs(states: Any) -> None:
    """One child fails at once, the others wait: they are aborted."""
    processor = {
        "StartAt": "C",
        "States": {
            "C": {
                "Type": "Choice",
                "Choices": [{"Variable": "$", "NumericEquals": 2, "Next": "F"}],
                "Default": "W",
            },
            "F": {"Type": "Fail", "Error": "Two"},
            "W": {"Type": "Wait", "Seconds": 60, "End": True},
        },
    }
    arn = states.start(machine(processor=processor), [1, 2, 3])
    answer = states.ended(arn)
    assert answer["error"] == "States.ExceedToleratedFailureThreshold"
    counts = run_of(states, arn)["executionCounts"]
    assert (counts["failed"], counts["aborted"]) == (1, 2)


def test_a_map_retry_is_a_new_map_run(states: Any) -> None:
    """Over all items again, with an ARN of its own."""
    retry = [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1, "IntervalSeconds": 1}]
    arn = states.start(machine(processor=FAIL_ON_ODD, Retry=retry), [{"odd": True}])
    states.tick(1_000)
    assert states.ended(arn)["status"] == "FAILED"
    runs = states.client.list_map_runs(executionArn=arn)["mapRuns"]
    assert len({run["mapRunArn"] for run in runs}) == 2


def test_an_output_beyond_256_kib_fails_the_state(states: Any) -> None:
    """Without a ResultWriter the results must fit a payload."""
    processor = {
        "StartAt": "P",
        "States": {"P": {"Type": "Pass", "Result": "x" * 300, "End": True}},
    }
    answer = states.run(machine(processor=processor), [0] * 1_000)
    assert answer["error"] == "States.DataLimitExceeded"


def written(bucket: Any, output: dict[str, Any]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return the manifest of exported results, and the bytes of each kind's files."""
    key = output["ResultWriterDetails"]["Key"]
    manifest = json.loads(bucket.get_object(Bucket="data", Key=key)["Body"].read())
    return manifest, {
        kind: b"".join(
            bucket.get_object(Bucket="data", Key=file["Key"])["Body"].read() for file in files
        )
        for kind, files in manifest["ResultFiles"].items()
    }


def writer(**config: str) -> dict[str, Any]:
    return {
        "Resource": "arn:aws:states:::s3:putObject",
        "Parameters": {"Bucket": "data", "Prefix": "out"},
        **({"WriterConfig": config} if config else {}),
    }


def test_results_are_exported_with_a_manifest(states: Any, bucket: Any) -> None:
    """SUCCEEDED and FAILED files hold the executions; the state's output names the manifest."""
    xs = [{"odd": False}, {"odd": True}]
    answer = states.run(
        machine(processor=FAIL_ON_ODD, ToleratedFailureCount=1, ResultWriter=writer()), xs
    )
    output = json.loads(answer["output"])
    run = run_of(states, answer["executionArn"])["mapRunArn"]
    folder = f"out/{run.rpartition(':')[2]}"
    assert output == {
        "MapRunArn": run,
        "ResultWriterDetails": {"Bucket": "data", "Key": f"{folder}/manifest.json"},
    }
    manifest, files = written(bucket, output)
    assert manifest["DestinationBucket"] == "data"
    assert manifest["MapRunArn"] == run
    (succeeded,) = json.loads(files["SUCCEEDED"])
    assert list(succeeded) == [
        "ExecutionArn",
        "Input",
        "InputDetails",
        "Name",
        "Output",
        "OutputDetails",
        "RedriveCount",
        "RedriveStatus",
        "RedriveStatusReason",
        "StartDate",
        "StateMachineArn",
        "Status",
        "StopDate",
    ]
    (failed,) = json.loads(files["FAILED"])
    assert (failed["Status"], failed["Error"], failed["Cause"]) == ("FAILED", "Odd", "not even")
    sizes = [file["Size"] for file in manifest["ResultFiles"]["SUCCEEDED"]]
    assert sizes == [len(files["SUCCEEDED"])]


FORMS = [
    ({"Transformation": "COMPACT", "OutputType": "JSON"}, b"[[1],2]"),
    ({"Transformation": "FLATTEN", "OutputType": "JSON"}, b"[1,2]"),
    ({"Transformation": "FLATTEN", "OutputType": "JSONL"}, b"1\n2"),
]


@pytest.mark.parametrize(("config", "expected"), FORMS)
def test_results_are_transformed(
    states: Any, bucket: Any, config: dict[str, str], expected: bytes
) -> None:
    """COMPACT keeps outputs, FLATTEN splices arrays; JSON is one array, JSONL a line each."""
    output = states.output(mapped(ResultWriter=writer(**config)), [[1], 2])
    assert written(bucket, output)[1]["SUCCEEDED"] == expected


def test_results_may_stay_in_the_output_and_be_transformed(states: Any) -> None:
    """WriterConfig without a Resource shapes the state's output."""
    config = {"WriterConfig": {"Transformation": "FLATTEN", "OutputType": "JSON"}}
    assert states.output(mapped(ResultWriter=config), [[1], 2]) == [1, 2]


def test_results_that_cannot_be_written_fail_the_state(states: Any) -> None:
    """States.ResultWriterFailed, with S3's word for it."""
    body = writer()
    body["Parameters"]["Bucket"] = "no-such-bucket"
    answer = states.run(machine(ResultWriter=body), [1])
    assert answer["error"] == "States.ResultWriterFailed"
    assert "NoSuchBucket" in answer["cause"]


def test_express_children_have_no_history(states: Any) -> None:
    """Their ARNs say express, and GetExecutionHistory refuses them."""
    answer = states.run(machine(kind="EXPRESS"), [1])
    run = run_of(states, answer["executionArn"])["mapRunArn"]
    (child,) = states.client.list_executions(mapRunArn=run)["executions"]
    assert ":express:" in child["executionArn"]
    with pytest.raises(states.client.exceptions.InvalidArn):
        states.history(child["executionArn"])


def test_a_map_run_within_a_child_of_a_map_run(states: Any) -> None:
    """Children may open Map Runs of their own."""
    inner = {"StartAt": "I", "States": {"I": {**mapped(), "End": True}}}
    assert states.output(mapped(inner), [[1, 2], [], [3]]) == [[1, 2], [], [3]]


def test_many_items_are_many_children(states: Any, bucket: Any) -> None:
    """Across several commits and pages of the reader, each item once and in order."""
    body = b"".join(b"%d\n" % number for number in range(3_000))
    bucket.put_object(Bucket="data", Key="many.jsonl", Body=body)
    output = states.output(mapped(ItemReader=reader("many.jsonl", "JSONL")))
    assert output == list(range(3_000))
