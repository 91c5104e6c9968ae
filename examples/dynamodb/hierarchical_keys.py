"""Hierarchical sort keys: one Query at any level of a hierarchy."""

from typing import Any

from boto3.dynamodb.conditions import Key
from single_table import make_table

STORES = ("GB#SCT#EDI#1", "GB#SCT#EDI#2", "GB#SCT#GLA#1", "GB#ENG#LON#1", "FR#IDF#PAR#1")


def main(dynamodb: Any) -> None:
    """Count stores by country, region and city."""
    table = make_table(dynamodb)
    for store in STORES:
        table.put_item(Item={"pk": "STORES", "sk": store})
    for level, expected in (("GB#", 4), ("GB#SCT#", 3), ("GB#SCT#EDI#", 2)):
        condition = Key("pk").eq("STORES") & Key("sk").begins_with(level)
        answer = table.query(KeyConditionExpression=condition, Select="COUNT")
        assert answer["Count"] == expected
