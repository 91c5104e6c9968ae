"""Every operation exists in its model, honours members of it, and says what it does."""

import inspect
from pathlib import Path

import pytest

from haar.app import services
from haar.kit.operation import Nested, Operation
from haar.kit.service import Service
from haar.wire.models import ModelCatalog, ServiceModel, Shape

CASES = [
    pytest.param(service, operation, id=f"{service.name}-{operation.name}")
    for service in services()
    for operation in service.operations
]


@pytest.fixture(scope="module")
def catalog() -> ModelCatalog:
    return ModelCatalog(None)


@pytest.mark.parametrize(("service", "operation"), CASES)
def test_an_operation_is_one_of_its_model(
    service: Service, operation: Operation, catalog: ModelCatalog
) -> None:
    """An operation that AWS does not have cannot be called by any AWS client."""
    model = catalog.service(operation.model or service.models[0])
    assert operation.name in model.operations


@pytest.mark.parametrize(("service", "operation"), CASES)
def test_the_honoured_members_are_the_models(
    service: Service, operation: Operation, catalog: ModelCatalog
) -> None:
    """A member that is misspelt would be refused when a client sends the right one."""
    model = catalog.service(operation.model or service.models[0])
    shape = model.operation(operation.name).input
    assert operation.members <= (model.shape(shape).members.keys() if shape else set())
    assert_known(model, model.shape(shape) if shape else None, operation.nested)


def assert_known(model: ServiceModel, shape: Shape | None, nested: Nested) -> None:
    """Hold honoured members inside of others against the model."""
    for name, inside in nested.items():
        assert shape is not None
        found = model.shape(shape.members[name].shape)
        while found.type == "list" and found.member is not None:
            found = model.shape(found.member.shape)
        assert_known(model, found, inside)


@pytest.mark.parametrize(("service", "operation"), CASES)
def test_an_operation_names_its_source(service: Service, operation: Operation) -> None:
    """Who doubts a behaviour can look it up."""
    assert "Source:" in (inspect.getdoc(operation.function) or "")


@pytest.mark.parametrize(("service", "operation"), CASES)
def test_an_operation_in_a_transaction_names_its_keys(
    service: Service, operation: Operation
) -> None:
    """What a call reads and writes is known without reading its body."""
    if not operation.is_async and service.name != "sts":
        assert "Keys:" in (inspect.getdoc(operation.function) or "")


@pytest.mark.parametrize("service", services(), ids=lambda service: service.name)
def test_a_service_package_has_its_rooms(service: Service) -> None:
    """The same noun is in the same place in each service."""
    package = Path(inspect.getfile(__import__("haar"))).parent / "services" / service.name
    rooms = {path.name for path in package.iterdir()}
    assert {"__init__.py", "service.py"} <= rooms
    if any(path.name == "keys.py" for path in package.iterdir()):
        text = (package / "keys.py").read_text()
        assert "====" in text.split('"""')[1], "keys.py opens with its table"
