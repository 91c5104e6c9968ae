"""PartiQL: statements do what the native operations do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from haar.gateway.local import permits_of, resources_of
from haar.kernel.entropy import SeededEntropy
from haar.kit.call import Call, Principal, Scope
from haar.testing import Running

Run = Callable[..., Any]
ORDERS = [
    {"customer": {"S": name}, "number": {"N": str(number)}, "total": {"N": str(number * 10)}}
    for name in ("ann", "bob")
    for number in range(1, 6)
]


@pytest.fixture
def run(db: Any) -> Run:
    """Run a statement; the arguments after it are its parameters."""

    def execute(statement: str, *parameters: dict[str, Any], **members: Any) -> Any:
        if parameters:
            members["Parameters"] = list(parameters)
        return db.execute_statement(Statement=statement, **members)

    return execute


@pytest.fixture
def orders(db: Any, make_table: Callable[..., str]) -> str:
    """A table of orders by customer and number, with an index by total."""
    index = {
        "IndexName": "by-total",
        "KeySchema": [{"AttributeName": "total", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "KEYS_ONLY"},
    }
    name = make_table("customer:S number:N", "total:N", GlobalSecondaryIndexes=[index])
    puts = [{"PutRequest": {"Item": order}} for order in ORDERS]
    db.batch_write_item(RequestItems={name: puts})
    return name


def numbers(answer: Any) -> list[int]:
    return [int(item["number"]["N"]) for item in answer["Items"]]


def refusal(call: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call()
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("customer = 'ann'", [1, 2, 3, 4, 5]),
        ("customer = 'ann' AND number > 3", [4, 5]),
        ("number BETWEEN 2 AND 3 AND customer = 'ann'", [2, 3]),
        ("customer = 'ann' AND number <> 3", [1, 2, 4, 5]),
        ("customer = 'ann' AND number IN [1, 5]", [1, 5]),
        ("customer = 'ann' AND (total < 20 OR total >= 50)", [1, 5]),
        ("customer = 'ann' AND NOT total = 20", [1, 3, 4, 5]),
        ("customer = 'ann' AND 3 <= number AND total < 50", [3, 4]),
        ("customer IN ['bob', 'ann'] AND number = 2", [2, 2]),
        ("customer = 'ann' AND missing IS MISSING AND total IS NOT MISSING", [1, 2, 3, 4, 5]),
        ("customer = 'ann' AND missing IS NULL AND number > 4", [5]),
        ("customer = 'ann' AND attribute_type(total, 'S')", []),
        ("customer = 'ann' AND size(customer) = 3 AND number < 2", [1]),
        ("customer = 'ann' ORDER BY number DESC", [5, 4, 3, 2, 1]),
        ("begins_with(customer, 'b') AND total = 30", [3]),
        ("customer = 'nobody'", []),
    ],
)
def test_select_meets_what_the_conditions_say(
    run: Run, orders: str, where: str, expected: list[int]
) -> None:
    """A condition on the key narrows the read, any other one filters."""
    assert numbers(run(f'SELECT * FROM "{orders}" WHERE {where}')) == expected


def test_select_by_parameters_and_paths(run: Run, db: Any, orders: str) -> None:
    """Question marks take parameters in order; a nested path comes under its last name."""
    item = {
        "customer": {"S": "cat"},
        "number": {"N": "1"},
        "to": {"M": {"city": {"S": "Leith"}, "lines": {"L": [{"S": "a"}, {"S": "b"}]}}},
    }
    db.put_item(TableName=orders, Item=item)
    answer = run(
        f'SELECT number, "to".city, "to".lines[1] FROM "{orders}" '
        "WHERE customer = ? AND number = ?",
        {"S": "cat"},
        {"N": "1"},
    )
    assert answer["Items"] == [
        {"number": {"N": "1"}, "city": {"S": "Leith"}, "lines[1]": {"S": "b"}}
    ]


def test_select_goes_on_where_a_page_ended(run: Run, orders: str) -> None:
    """Pages follow each other over all partitions, and a token goes with its statement only."""
    statement = f"SELECT * FROM \"{orders}\" WHERE customer IN ['ann', 'bob']"
    found: list[int] = []
    page = run(statement, Limit=3)
    while "NextToken" in page:
        found += numbers(page)
        page = run(statement, Limit=3, NextToken=page["NextToken"])
    assert found + numbers(page) == [1, 2, 3, 4, 5, 1, 2, 3, 4, 5]
    token = run(statement, Limit=3)["NextToken"]
    assert refusal(lambda: run(f'SELECT * FROM "{orders}"', NextToken=token))[1] == (
        "NextToken does not match request"
    )


def test_a_page_over_partitions_is_one_megabyte(run: Run, db: Any, orders: str) -> None:
    """However many partitions a statement names, a page ends at 1 MB."""
    names = [f"large-{number}" for number in range(8)]
    for name in names:
        item = {"customer": {"S": name}, "number": {"N": "1"}, "text": {"S": "x" * 300_000}}
        db.put_item(TableName=orders, Item=item)
    statement = f'SELECT customer FROM "{orders}" WHERE customer IN {names}'
    page = run(statement)
    assert len(page["Items"]) == 4
    rest = run(statement, NextToken=page["NextToken"])
    found = [item["customer"]["S"] for item in page["Items"] + rest["Items"]]
    assert found == names
    assert "NextToken" not in rest


def test_a_key_is_not_updated_whatever_is_stored(run: Run, orders: str) -> None:
    """That an update names a key attribute is said before its conditions are looked at."""
    where = "WHERE customer = 'nobody' AND number = 1"
    found = refusal(lambda: run(f'UPDATE "{orders}" SET number = 2 {where}'))
    assert found[0] == "ValidationException"
    assert "Cannot update attribute number. This attribute is part of the key" in found[1]


@pytest.mark.parametrize("token", ["NQ==", "bm90aGluZw==", "*", "bnVsbA=="])
def test_a_token_that_is_none_is_refused(run: Run, orders: str, token: str) -> None:
    """A token that no answer had is the client's error."""
    found = refusal(lambda: run(f'SELECT * FROM "{orders}"', NextToken=token))
    assert found == ("ValidationException", "NextToken does not match request")


def test_select_from_an_index(run: Run, orders: str) -> None:
    """An index is read by its own key."""
    answer = run(f'SELECT customer FROM "{orders}"."by-total" WHERE total = 20')
    assert sorted(item["customer"]["S"] for item in answer["Items"]) == ["ann", "bob"]


def test_insert_once(run: Run, db: Any, orders: str) -> None:
    """Every literal becomes its value; the second INSERT of a key is refused."""
    statement = (
        f"INSERT INTO \"{orders}\" VALUE {{'customer': 'dan', 'number': 1, 'ok': true, "
        "'none': null, 'list': [1, 'it''s'], 'set': <<'a', 'b'>>, 'map': {'x': -1.50}, 'given': ?}"
    )
    run(statement, {"B": b"\x00"})
    key = {"customer": {"S": "dan"}, "number": {"N": "1"}}
    item = db.get_item(TableName=orders, Key=key)["Item"]
    assert {**item, "set": {"SS": sorted(item["set"]["SS"])}} == {
        **key,
        "ok": {"BOOL": True},
        "none": {"NULL": True},
        "list": {"L": [{"N": "1"}, {"S": "it's"}]},
        "set": {"SS": ["a", "b"]},
        "map": {"M": {"x": {"N": "-1.5"}}},
        "given": {"B": b"\x00"},
    }
    assert refusal(lambda: run(statement, {"B": b""})) == (
        "DuplicateItemException",
        "Duplicate primary key exists in table",
    )


def test_update_what_is_there(run: Run, db: Any, orders: str) -> None:
    """SET, REMOVE, functions of lists and sets, and what RETURNING asks for."""
    key = "customer = 'ann' AND number = 1"
    update = f'UPDATE "{orders}"'
    run(f"{update} SET tags = <<'a'>> SET log = ['one'] WHERE {key}")
    answer = run(
        f"{update} SET tags = set_add(tags, <<'b'>>) SET log = list_append(log, ['two']) "
        f"SET total = total + 5 WHERE {key} AND total = 10 RETURNING ALL NEW *"
    )
    (item,) = answer["Items"]
    assert sorted(item["tags"]["SS"]) == ["a", "b"]
    assert item["log"] == {"L": [{"S": "one"}, {"S": "two"}]}
    assert item["total"] == {"N": "15"}
    old = run(f"{update} REMOVE log SET total = 1 WHERE {key} RETURNING MODIFIED OLD *")
    assert old["Items"] == [{"log": item["log"], "total": {"N": "15"}}]
    for where in ("customer = 'ann' AND number = 99", f"{key} AND total = 77"):
        code, _ = refusal(lambda where=where: run(f"{update} SET total = 2 WHERE {where}"))
        assert code == "ConditionalCheckFailedException"


def test_delete_what_the_key_names(run: Run, orders: str) -> None:
    """The item goes, if the conditions hold; what is not there is no error."""
    delete = f"DELETE FROM \"{orders}\" WHERE customer = 'ann' AND number = 2"
    code, _ = refusal(lambda: run(f"{delete} AND total > 1000"))
    assert code == "ConditionalCheckFailedException"
    (gone,) = run(f"{delete} RETURNING ALL OLD *")["Items"]
    assert gone["total"] == {"N": "20"}
    assert run(delete)["Items"] == []


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ("SELEC * FROM t", "Statement wasn't well formed, can't be processed: "),
        ('SELECT * FROM "{t}" WHERE', "Statement wasn't well formed, can't be processed: "),
        ('SELECT * FROM "{t}" WHERE a = ?', "Number of parameters in request and statement"),
        ("UPDATE \"{t}\" SET a = 1 WHERE customer = 'x'", "Where clause does not contain a mand"),
        ('DELETE FROM "{t}"', "Where clause does not contain a mandatory equality"),
        ('SELECT * FROM "{t}" ORDER BY number', "Must have at least one non-optional hash key"),
        ('SELECT * FROM "{t}" WHERE ' + "(" * 40 + "a = 1" + ")" * 40, "Statement wasn't well"),
        ('SELECT * FROM "{t}" WHERE a = \'', "Statement wasn't well formed"),
    ],
)
def test_a_wrong_statement_is_refused(run: Run, orders: str, statement: str, text: str) -> None:
    """What cannot be done is said before anything is."""
    code, message = refusal(lambda: run(statement.replace("{t}", orders)))
    assert code == "ValidationException"
    assert message.startswith(text)


def test_a_batch_runs_each_statement_by_itself(db: Any, orders: str) -> None:
    """One may fail while the others do what they say; reads and writes do not mix."""
    insert = f"INSERT INTO \"{orders}\" VALUE {{'customer': ?, 'number': 1}}"
    answer = db.batch_execute_statement(
        Statements=[
            {"Statement": insert, "Parameters": [{"S": name}]} for name in ("eve", "ann", "fay")
        ]
    )
    errors = [response.get("Error", {}).get("Code") for response in answer["Responses"]]
    assert errors == [None, "DuplicateItem", None]
    select = f'SELECT number FROM "{orders}" WHERE customer = ? AND number = 1'
    answer = db.batch_execute_statement(
        Statements=[{"Statement": select, "Parameters": [{"S": name}]} for name in ("eve", "no")]
        + [{"Statement": f'SELECT * FROM "{orders}"'}]
    )
    first, none, scan = answer["Responses"]
    assert first == {"TableName": orders, "Item": {"number": {"N": "1"}}}
    assert none == {"TableName": orders}
    assert scan["Error"]["Code"] == "ValidationError"
    mixed = [{"Statement": f'SELECT * FROM "{orders}"'}, {"Statement": f'DELETE FROM "{orders}"'}]
    assert refusal(lambda: db.batch_execute_statement(Statements=mixed))[0] == "ValidationException"


def test_a_transaction_does_all_or_nothing(db: Any, orders: str) -> None:
    """EXISTS is a condition, INSERT of what is there cancels, and a token makes it once."""
    where = "WHERE customer = 'ann' AND number = 1"
    insert = f"INSERT INTO \"{orders}\" VALUE {{'customer': 'gus', 'number': 1}}"
    check = f'EXISTS(SELECT * FROM "{orders}" {where} AND total = 10)'
    statements = [{"Statement": text} for text in (insert, check)]
    for _ in range(2):
        db.execute_transaction(TransactStatements=statements, ClientRequestToken="once")
    with pytest.raises(ClientError) as caught:
        db.execute_transaction(TransactStatements=statements)
    assert [reason["Code"] for reason in caught.value.response["CancellationReasons"]] == [
        "DuplicateItem",
        "None",
    ]
    on_index = [{"Statement": check.replace(f'"{orders}"', f'"{orders}"."by-note"')}]
    refused = refusal(lambda: db.execute_transaction(TransactStatements=on_index))
    assert refused == ("ValidationException", "EXISTS() does not read an index")
    reads = [{"Statement": f'SELECT total FROM "{orders}" {where}'}, {"Statement": insert}]
    answer = db.execute_transaction(TransactStatements=reads[:1])
    assert answer["Responses"] == [{"Item": {"total": {"N": "10"}}}]
    assert refusal(lambda: db.execute_transaction(TransactStatements=reads))[0] == (
        "ValidationException"
    )


def test_a_transaction_reads_paths_as_select_does(db: Any, orders: str) -> None:
    """A nested path comes under its last name, in a transaction as in a statement alone."""
    item = {
        "customer": {"S": "dan"},
        "number": {"N": "1"},
        "to": {"M": {"city": {"S": "Leith"}, "lines": {"L": [{"S": "a"}, {"S": "b"}]}}},
    }
    db.put_item(TableName=orders, Item=item)
    select = (
        f'SELECT number, "to".city, "to".lines[1] FROM "{orders}" '
        "WHERE customer = 'dan' AND number = 1"
    )
    found = {"number": {"N": "1"}, "city": {"S": "Leith"}, "lines[1]": {"S": "b"}}
    assert db.execute_statement(Statement=select)["Items"] == [found]
    answer = db.execute_transaction(TransactStatements=[{"Statement": select}])
    assert answer["Responses"] == [{"Item": found}]


SELECT = "SELECT * FROM \"t-1\" WHERE p = 'a'"
INSERT = "INSERT INTO \"t-1\" VALUE {'p': 'a'}"
UPDATE = "UPDATE \"t-1\" SET x = 1 WHERE p = 'a'"
DELETE = "DELETE FROM \"t-1\" WHERE p = 'a'"
EXISTS = f"EXISTS({SELECT} AND x = 1)"


@pytest.fixture(scope="module")
def nobody(cloud: Running) -> Any:
    """A client of somebody whom no policy allows anything."""

    async def mint() -> Any:
        user = Principal("user", "arn:aws:iam::000000000000:user/no", "000000000000", "AIDANO")
        return cloud.app.credentials.mint(user, 3600)

    made = cloud.run(mint())
    return cloud.client(
        "dynamodb",
        aws_access_key_id=made.access_key_id,
        aws_secret_access_key=made.secret,
        aws_session_token=made.token,
    )


@pytest.mark.parametrize(
    ("statement", "action"),
    [
        (SELECT, "PartiQLSelect"),
        (INSERT, "PartiQLInsert"),
        (UPDATE, "PartiQLUpdate"),
        (DELETE, "PartiQLDelete"),
    ],
)
def test_a_statement_needs_the_permission_of_its_kind(
    nobody: Any, statement: str, action: str
) -> None:
    """The denial names the action, alone, in a batch and in a transaction."""
    one = [{"Statement": statement}]
    for call in (
        lambda: nobody.execute_statement(Statement=statement),
        lambda: nobody.batch_execute_statement(Statements=one),
        lambda: nobody.execute_transaction(TransactStatements=one),
    ):
        code, text = refusal(call)
        assert code == "AccessDeniedException"
        assert f"is not authorized to perform: dynamodb:{action} on resource" in text


def test_every_action_of_a_transaction_is_decided(cloud: Running) -> None:
    """Each kind of statement is an action of its own, on the tables that it names."""
    other = DELETE.replace("t-1", "t-2")
    statements = [{"Statement": text} for text in (INSERT, DELETE, EXISTS, other)]
    registry = cloud.app.cloud.registry
    declared = registry.find("dynamodb", "dynamodb", "ExecuteTransaction")
    members = {"TransactStatements": statements}
    scope = Scope("000000000000", "us-east-1")
    arns = [scope.arn("dynamodb", f"table/{name}") for name in ("t-1", "t-2")]
    call = Call(
        service="dynamodb",
        operation=declared.name,
        members=members,
        principal=Principal("user", "arn:aws:iam::000000000000:user/no", "000000000000", "AIDANO"),
        scope=scope,
        resources=resources_of(declared, members, scope),
        request_id="",
        now_ms=0,
        entropy=SeededEntropy(1),
        endpoint="",
    )
    assert permits_of(registry, declared, call) == [
        ("dynamodb:PartiQLInsert", (arns[0],)),
        ("dynamodb:PartiQLDelete", (arns[0], arns[1])),
        ("dynamodb:PartiQLSelect", (arns[0],)),
    ]


@pytest.mark.parametrize(
    ("name", "most"),
    [("customer", 50), ("note", 100)],
)
def test_in_takes_as_many_values_as_awss(run: Any, orders: str, name: str, most: int) -> None:
    """Fifty of a partition key, a hundred of another attribute; one more is refused."""

    def asked(count: int, where: str = "{0} IN [{1}]") -> str:
        values = ", ".join(f"'{number}'" for number in range(count))
        return f'SELECT * FROM "{orders}" WHERE {where.format(name, values)}'

    assert run(asked(most))["Items"] == []
    assert run(asked(most, "number = 1 AND ({0} IN [{1}] OR note = 'none')"))["Items"] == []
    code, text = refusal(lambda: run(asked(most + 1)))
    assert (code, text) == (
        "ValidationException",
        f"The IN operator is provided with too many operands; number of operands: {most + 1}",
    )


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO \"{table}\".\"by-note\" VALUE {{'customer': 'eve', 'number': 1}}",
        "UPDATE \"{table}\".\"by-note\" SET note = 'x' WHERE customer = 'ann' AND number = 1",
        'DELETE FROM "{table}"."by-note" WHERE customer = \'ann\' AND number = 1',
    ],
)
def test_an_index_is_not_written(run: Any, orders: str, statement: str) -> None:
    """An index that a statement names is not passed over: its table stays as it is."""
    before = run(f'SELECT * FROM "{orders}"')["Items"]
    code, text = refusal(lambda: run(statement.format(table=orders)))
    assert (code, text) == (
        "ValidationException",
        f"An index cannot be written: {orders}.by-note",
    )
    assert run(f'SELECT * FROM "{orders}"')["Items"] == before


def test_a_set_is_changed_where_it_stands(run: Any, orders: str) -> None:
    """SET_ADD of one attribute into another is none of PartiQL's functions: it is refused."""
    where = "WHERE customer = 'ann' AND number = 1"
    code, text = refusal(lambda: run(f'UPDATE "{orders}" SET a = set_add(b, <<1>>) {where}'))
    assert code == "ValidationException"
    assert "must be of the attribute that is set" in text
