"""The control plane of pipes, through boto3."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

ROLE = "arn:aws:iam::000000000000:role/tester"
SOURCE = "arn:aws:sqs:us-east-1:000000000000:source"
TARGET = "arn:aws:sqs:us-east-1:000000000000:target"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"
STREAM = "arn:aws:kinesis:us-east-1:000000000000:stream/s"
STOPPED: dict[str, Any] = {"DesiredState": "STOPPED"}


def refusal(call: Any, **members: Any) -> tuple[str, str, int]:
    """Return code, message and status of a refusal."""
    with pytest.raises(ClientError) as refused:
        call(**members)
    error = refused.value.response["Error"]
    return (
        error["Code"],
        error["Message"],
        refused.value.response["ResponseMetadata"]["HTTPStatusCode"],
    )


def test_a_pipe_is_created_stopped_and_described(pipeline: Any) -> None:
    """What was given is told again, with the defaults."""
    answer = pipeline.create(Description="d", Tags={"k": "v"}, **STOPPED)
    assert answer["CurrentState"] == "CREATING"
    assert answer["DesiredState"] == "STOPPED"
    told = pipeline.comes_to("STOPPED")
    assert told["Arn"] == "arn:aws:pipes:us-east-1:000000000000:pipe/tested"
    assert told["SourceParameters"] == {
        "SqsQueueParameters": {"BatchSize": 10, "MaximumBatchingWindowInSeconds": 0}
    }
    assert (told["Source"], told["Target"], told["RoleArn"]) == (SOURCE, TARGET, ROLE)
    assert (told["Description"], told["Tags"]) == ("d", {"k": "v"})
    assert told["CreationTime"] == answer["CreationTime"]


def test_a_name_is_taken_once(pipeline: Any) -> None:
    """A second pipe of the name is a conflict, which names the pipe."""
    pipeline.create(**STOPPED)
    with pytest.raises(pipeline.pipes.exceptions.ConflictException) as refused:
        pipeline.create(**STOPPED)
    assert refused.value.response["resourceId"] == "tested"


def test_no_such_pipe(pipeline: Any) -> None:
    """Every call on a pipe that is not there says so."""
    for call in (
        pipeline.pipes.describe_pipe,
        pipeline.pipes.start_pipe,
        pipeline.pipes.stop_pipe,
        pipeline.pipes.delete_pipe,
    ):
        assert refusal(call, Name="none")[::2] == ("NotFoundException", 404)


def test_a_deleted_pipe_is_gone_and_its_name_free(pipeline: Any) -> None:
    """DELETING, then nothing, then a new pipe of the name."""
    pipeline.create(**STOPPED)
    pipeline.comes_to("STOPPED")
    answer = pipeline.pipes.delete_pipe(Name="tested")
    assert (answer["DesiredState"], answer["CurrentState"]) == ("DELETED", "DELETING")
    is_gone = pipeline.pipes.exceptions.NotFoundException
    with pytest.raises(is_gone):
        pipeline.comes_to("never")
    pipeline.create(**STOPPED)


@pytest.mark.parametrize(
    ("members", "named"),
    [
        ({"Source": STREAM}, "pipes from kinesis"),
        ({"Source": "smk://host.example:9092"}, "pipes from self-managed Kafka"),
        ({"Target": STREAM}, "pipes to kinesis"),
        ({"Enrichment": STREAM}, "pipes with an enrichment by kinesis"),
        (
            {"SourceParameters": {"KinesisStreamParameters": {"StartingPosition": "LATEST"}}},
            "the member SourceParameters.KinesisStreamParameters of CreatePipe",
        ),
        (
            {"TargetParameters": {"HttpParameters": {}}},
            "the member TargetParameters.HttpParameters of CreatePipe",
        ),
        (
            {"EnrichmentParameters": {"HttpParameters": {}}},
            "the member EnrichmentParameters.HttpParameters of CreatePipe",
        ),
        (
            {"LogConfiguration": {"Level": "ERROR"}},
            "the member LogConfiguration of CreatePipe",
        ),
        ({"KmsKeyIdentifier": "k"}, "the member KmsKeyIdentifier of CreatePipe"),
    ],
)
def test_what_is_not_built_is_refused_by_name(
    pipeline: Any, members: dict[str, Any], named: str
) -> None:
    """501 and the name, never a pipe that ignores what it was told."""
    code, message, status = refusal(
        pipeline.pipes.create_pipe,
        **{"Name": "n", "RoleArn": ROLE, "Source": SOURCE, "Target": TARGET, **members},
    )
    assert (code, status) == ("NotImplemented", 501)
    assert message == f"haar does not implement {named}."


@pytest.mark.parametrize(
    "members",
    [
        {"SourceParameters": {"SqsQueueParameters": {"BatchSize": 11}}},
        {
            "Source": f"{SOURCE}.fifo",
            "Target": FUNCTION,
            "SourceParameters": {"SqsQueueParameters": {"BatchSize": 11}},
        },
        {"Target": f"{TARGET}.fifo"},
        {"TargetParameters": {"LambdaFunctionParameters": {}}},
        {"SourceParameters": {"FilterCriteria": {"Filters": [{"Pattern": '{"a":"b"}'}]}}},
        {"SourceParameters": {"FilterCriteria": {"Filters": [{"Pattern": "no json"}]}}},
    ],
    ids=str,
)
def test_parameters_that_do_not_go_together_are_refused(
    pipeline: Any, members: dict[str, Any]
) -> None:
    """A ValidationException that names the member."""
    with pytest.raises(pipeline.pipes.exceptions.ValidationException) as refused:
        pipeline.create(**members)
    assert refused.value.response["fieldList"][0]["name"]


def test_an_update_replaces_each_object_as_a_whole(pipeline: Any) -> None:
    """What an object of parameters does not tell falls back to its default; others stay."""
    filters = {"Filters": [{"Pattern": json.dumps({"body": {"a": [1]}})}]}
    pipeline.create(
        target=FUNCTION,
        SourceParameters={
            "FilterCriteria": filters,
            "SqsQueueParameters": {"BatchSize": 5, "MaximumBatchingWindowInSeconds": 7},
        },
        TargetParameters={"InputTemplate": "<$.body>"},
        **STOPPED,
    )
    pipeline.comes_to("STOPPED")
    answer = pipeline.pipes.update_pipe(
        Name="tested", RoleArn=ROLE, SourceParameters={"SqsQueueParameters": {"BatchSize": 3}}
    )
    assert answer["CurrentState"] == "UPDATING"
    told = pipeline.comes_to("STOPPED")
    assert told["SourceParameters"] == {
        "FilterCriteria": filters,
        "SqsQueueParameters": {"BatchSize": 3, "MaximumBatchingWindowInSeconds": 0},
    }
    assert told["TargetParameters"] == {
        "InputTemplate": "<$.body>",
        "LambdaFunctionParameters": {"InvocationType": "REQUEST_RESPONSE"},
    }


def test_an_update_clears_what_is_set_to_nothing(pipeline: Any) -> None:
    """Filters, a template, the enrichment."""
    pipeline.create(
        Enrichment=FUNCTION,
        EnrichmentParameters={"InputTemplate": "<$.body>"},
        SourceParameters={"FilterCriteria": {"Filters": [{"Pattern": '{"body":["x"]}'}]}},
        **STOPPED,
    )
    pipeline.comes_to("STOPPED")
    pipeline.pipes.update_pipe(
        Name="tested",
        RoleArn=ROLE,
        Enrichment="",
        EnrichmentParameters={"InputTemplate": ""},
        SourceParameters={"FilterCriteria": {"Filters": []}},
    )
    told = pipeline.comes_to("STOPPED")
    assert "Enrichment" not in told
    assert "EnrichmentParameters" not in told
    assert told["SourceParameters"]["FilterCriteria"] == {"Filters": []}


def test_pipes_are_listed_by_name_in_pages(pipeline: Any) -> None:
    """Each pipe once, in the order of names, with what ListPipes may ask for."""
    for name in ("b", "a", "ab"):
        pipeline.create(Name=name, **STOPPED)
    other = pipeline.create(Name="c", target=FUNCTION, **STOPPED)
    pages = pipeline.pipes.get_paginator("list_pipes").paginate(PaginationConfig={"PageSize": 1})
    assert [pipe["Name"] for page in pages for pipe in page["Pipes"]] == ["a", "ab", "b", "c"]
    listed = pipeline.pipes.list_pipes
    assert [pipe["Name"] for pipe in listed(NamePrefix="a")["Pipes"]] == ["a", "ab"]
    assert [pipe["Arn"] for pipe in listed(TargetPrefix=FUNCTION)["Pipes"]] == [other["Arn"]]
    assert listed(DesiredState="RUNNING")["Pipes"] == []
    assert refusal(listed, NextToken="x")[0] == "ValidationException"


def test_tags_are_added_and_removed(pipeline: Any) -> None:
    """By the pipe's ARN."""
    arn = pipeline.create(Tags={"a": "1"}, **STOPPED)["Arn"]
    pipeline.pipes.tag_resource(resourceArn=arn, tags={"b": "2"})
    pipeline.pipes.untag_resource(resourceArn=arn, tagKeys=["a", "none"])
    assert pipeline.pipes.list_tags_for_resource(resourceArn=arn)["tags"] == {"b": "2"}
    too_many = {str(number): "" for number in range(50)}
    code = refusal(pipeline.pipes.tag_resource, resourceArn=arn, tags=too_many)[0]
    assert code == "ValidationException"
    missing = refusal(pipeline.pipes.list_tags_for_resource, resourceArn=f"{arn}x")
    assert missing[0] == "NotFoundException"
