"""``haar coverage``: computed from the registry and the models, never written by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from subprocess import CompletedProcess

import botocore.session

from haar.app import services

Run = Callable[..., CompletedProcess[str]]


def test_it_counts_what_is_registered(haar_command: Run) -> None:
    """Every operation of every model is in the table once: implemented, or refused."""
    tables = {one["model"]: one for one in json.loads(haar_command("coverage", "--json").stdout)}
    session = botocore.session.get_session()
    for service in services():
        for model in service.models:
            registered = {
                one.name for one in service.operations if (one.model or service.models[0]) == model
            }
            assert set(tables[model]["implemented"]) == registered
            every = set(session.get_service_model(model).operation_names)
            assert set(tables[model]["refused"]) == every - registered


def test_the_overview_adds_up(haar_command: Run) -> None:
    """One line a model and the sum, with percentages."""
    lines = haar_command("coverage").stdout.splitlines()
    assert lines[0].split() == ["service", "implemented", "refused", "of"]
    rows = [line.split() for line in lines[1:]]
    assert rows[-1][0] == "all"
    assert sum(int(row[1]) for row in rows[:-1]) == int(rows[-1][1])
    assert all(int(row[1]) + int(row[2]) == int(row[3]) for row in rows)


def test_a_services_members_are_listed(haar_command: Run) -> None:
    """For one service it names the honoured and the refused members of each operation."""
    said = haar_command("coverage", "sts").stdout
    assert "implemented  GetSessionToken" in said
    assert "honoured: DurationSeconds" in said
    assert "refused: MinimumSessionTokenSize, SerialNumber, TokenCode" in said
    assert "refused      AssumeRoleWithSAML" in said


def test_an_unknown_service_is_refused(haar_command: Run) -> None:
    """One sentence names the services that there are."""
    ended = haar_command("coverage", "teleport")
    assert ended.returncode == 2
    assert "teleport" in ended.stderr
    assert "sts" in ended.stderr
