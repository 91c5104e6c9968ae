"""Two unique attributes: a transaction puts the user and a marker for the mail, both or neither."""

from typing import Any

from single_table import make_table


def main(dynamodb: Any) -> None:
    """Let nobody take a user name or a mail address twice."""
    table = make_table(dynamodb)
    assert _sign_up(dynamodb, table, "alex", "a@example.com")
    assert not _sign_up(dynamodb, table, "bea", "a@example.com")
    assert not _sign_up(dynamodb, table, "alex", "other@example.com")
    assert _sign_up(dynamodb, table, "bea", "b@example.com")
    assert table.scan(Select="COUNT")["Count"] == 4


def _sign_up(dynamodb: Any, table: Any, name: str, mail: str) -> bool:
    client = dynamodb.meta.client
    items = [
        {"pk": f"USER#{name}", "sk": "USER", "mail": mail},
        {"pk": f"MAIL#{mail}", "sk": "MAIL", "user": name},
    ]
    puts = [
        {
            "Put": {
                "TableName": table.name,
                "Item": item,
                "ConditionExpression": "attribute_not_exists(pk)",
            }
        }
        for item in items
    ]
    try:
        client.transact_write_items(TransactItems=puts)
    except client.exceptions.TransactionCanceledException:
        return False
    return True
