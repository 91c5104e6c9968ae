"""Golden records: what earlier versions stored still reads as what it meant.

``golden/<package>.<Record>.json`` holds, for each kind of record, bytes as they were once written
and what they mean. ``HAAR_WRITE_GOLDEN=1 pytest tests/tidy/test_golden.py`` writes the files that
are missing, and never changes one.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from msgspec import inspect

import haar
from haar.kit.records import Codec

GOLDEN = Path(__file__).with_name("golden")
OWNERS = ("haar.kit.", "haar.services.", "haar.identity.", "haar.fabric.")
WRITE = "HAAR_WRITE_GOLDEN"


def codecs() -> Iterator[tuple[str, Codec[Any]]]:
    """Yield every codec by its package and the name of its record."""
    for found in pkgutil.walk_packages(haar.__path__, "haar."):
        if not found.name.startswith(OWNERS) or ".sandbox." in found.name:
            continue
        for value in vars(importlib.import_module(found.name)).values():
            if isinstance(value, Codec):
                record = (get_args(value.kind) or (value.kind,))[0]
                owner = ".".join(record.__module__.split(".")[1:3])
                yield f"{owner}.{record.__name__}", value


CODECS = dict(sorted(codecs(), key=lambda one: one[0]))
SAMPLES: dict[type, Callable[[Any], Any]] = {
    inspect.IntType: lambda kind: 7,
    inspect.FloatType: lambda kind: 7.5,
    inspect.StrType: lambda kind: "text",
    inspect.BytesType: lambda kind: b"bytes",
    inspect.BoolType: lambda kind: True,
    inspect.NoneType: lambda kind: None,
    inspect.AnyType: lambda kind: "anything",
    inspect.RawType: lambda kind: msgspec.Raw(msgspec.msgpack.encode("raw")),
    inspect.ListType: lambda kind: [sample(kind.item_type)],
    inspect.SetType: lambda kind: {sample(kind.item_type)},
    inspect.FrozenSetType: lambda kind: {sample(kind.item_type)},
    inspect.VarTupleType: lambda kind: (sample(kind.item_type),),
    inspect.TupleType: lambda kind: tuple(sample(one) for one in kind.item_types),
    inspect.NamedTupleType: lambda kind: kind.cls(*[sample(one.type) for one in kind.fields]),
    inspect.DictType: lambda kind: {sample(kind.key_type): sample(kind.value_type)},
    inspect.LiteralType: lambda kind: min(kind.values, key=str),
    inspect.EnumType: lambda kind: min(kind.cls, key=lambda one: str(one.value)),
    inspect.UnionType: lambda kind: sample(
        next(one for one in kind.types if not isinstance(one, inspect.NoneType))
    ),
    inspect.StructType: lambda kind: kind.cls(
        **{field.name: sample(field.type) for field in kind.fields}
    ),
}


def sample(kind: Any) -> Any:
    """Return a value of a type, the same each time, with something in every place."""
    return SAMPLES[type(kind)](kind)


def meaning(value: Any) -> Any:
    """Return what a record says, as JSON has it: structs by the names of their fields."""
    if isinstance(value, msgspec.Struct):
        return {name: meaning(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, bytes | msgspec.Raw):
        return bytes(value).hex()
    if isinstance(value, dict):
        return {str(meaning(key)): meaning(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [meaning(one) for one in value]
    return value.value if isinstance(value, Enum) else value


def still_means(once: Any, now: Any) -> bool:
    """Tell whether a record means what it did; it may have more fields by now."""
    if isinstance(once, dict) and isinstance(now, dict):
        return all(key in now and still_means(one, now[key]) for key, one in once.items())
    if isinstance(once, list) and isinstance(now, list):
        pairs = zip(once, now, strict=False)
        return len(once) == len(now) and all(still_means(a, b) for a, b in pairs)
    return bool(once == now)


def write(path: Path, codec: Codec[Any]) -> None:
    """Write the golden record of a codec."""
    record = sample(inspect.type_info(codec.kind))
    raw = codec.encode(record)
    known = [{"bytes": raw.hex(), "means": meaning(codec.decode(raw))}]
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")


@pytest.mark.parametrize("name", CODECS)
def test_a_stored_record_still_reads_as_what_it_meant(name: str) -> None:
    """Data of an earlier version is read by this one; a new kind of record brings its golden."""
    path, codec = GOLDEN / f"{name}.json", CODECS[name]
    if not path.exists() and os.environ.get(WRITE):
        write(path, codec)
    assert path.exists(), f"run: {WRITE}=1 .venv/bin/pytest tests/tidy/test_golden.py"
    for golden in json.loads(path.read_text()):
        now = meaning(codec.decode(bytes.fromhex(golden["bytes"])))
        assert still_means(golden["means"], now), (
            "raise its version and bring an upgrade; what was never released is written anew"
        )


def test_no_golden_record_is_forgotten() -> None:
    """What was stored once may still be stored somewhere: its codec stays."""
    assert {path.stem for path in GOLDEN.glob("*.json")} <= set(CODECS)
