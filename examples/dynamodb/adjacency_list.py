"""Adjacency lists: many-to-many by an item an edge, read from the other side by the index."""

from typing import Any

from boto3.dynamodb.conditions import Key
from single_table import make_table

EDGES = (("alex", "chess"), ("alex", "golf"), ("bea", "golf"))


def main(dynamodb: Any) -> None:
    """Read the clubs of a person, and the people of a club."""
    table = make_table(dynamodb)
    for who, club in EDGES:
        edge = {"pk": f"PERSON#{who}", "sk": f"CLUB#{club}"}
        table.put_item(Item={**edge, "gsi1pk": edge["sk"], "gsi1sk": edge["pk"]})
    clubs = table.query(KeyConditionExpression=Key("pk").eq("PERSON#alex"))["Items"]
    assert [item["sk"] for item in clubs] == ["CLUB#chess", "CLUB#golf"]
    golfers = table.query(IndexName="gsi1", KeyConditionExpression=Key("gsi1pk").eq("CLUB#golf"))
    assert [item["pk"] for item in golfers["Items"]] == ["PERSON#alex", "PERSON#bea"]
