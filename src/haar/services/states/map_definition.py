"""The Map state of a definition: inline and distributed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from haar.services.states.expressions import constant
from haar.services.states.fields import Fields, matches, unsupported
from haar.services.states.shapes import (
    BatcherShape,
    Distribution,
    MapState,
    Number,
    ReaderShape,
    WriterShape,
)
from haar.services.states.values import PAYLOAD_BYTES_MAX, is_array, is_object

CONCURRENCY_MAX = 10_000
ITEMS_MAX = 100_000_000
_LABEL = r"[^\s?*<>{}\[\]:;,\\|^~$#%&\"`\x00-\x1f\x7f-\x9f]{1,40}"
_DELIMITERS = {"COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "SPACE": " ", "TAB": "\t"}
_GET_OBJECT = "arn:aws:states:::s3:getObject"
_LIST_OBJECTS = "arn:aws:states:::s3:listObjectsV2"
_PUT_OBJECT = "arn:aws:states:::s3:putObject"
_DISTRIBUTED_ONLY = (
    "ItemReader ItemBatcher ResultWriter Label ToleratedFailureCount ToleratedFailureCountPath "
    "ToleratedFailurePercentage ToleratedFailurePercentagePath"
)
PROCESSOR_FIELDS = frozenset({"ProcessorConfig", "Comment", "StartAt", "States", "QueryLanguage"})
CSV_FIELDS = frozenset(
    {"InputType", "MaxItems", "MaxItemsPath", "CSVHeaderLocation", "CSVHeaders", "CSVDelimiter"}
)
MAP_FIELDS = (
    "ItemProcessor Iterator ItemsPath ItemSelector MaxConcurrency MaxConcurrencyPath "
    + _DISTRIBUTED_ONLY
)


def parse_map(
    fields: Fields,
    common: dict[str, Any],
    parse_scope: Callable[[Fields], None],
    labels: set[str],
) -> MapState:
    """Return a Map state.

    Args:
        fields: the state's.
        common: what all states share, parsed.
        parse_scope: parses the processor's own states.
        labels: the labels of the Map states so far; the new one is added.
    """
    processor = fields.object("ItemProcessor") or fields.object("Iterator")
    start_at = ""
    if processor is None:
        fields.need("ItemProcessor")
    else:
        processor.allow(PROCESSOR_FIELDS)
        parse_scope(processor)
        start_at = str(processor.get("StartAt"))
    # The legacy Parameters of a Map are what is now called ItemSelector.
    selector = fields.template("ItemSelector") or common.pop("parameters")
    common.pop("parameters", None)
    return MapState(
        start_at=start_at,
        items_path=fields.path("ItemsPath"),
        items_text=str(fields.get("ItemsPath") or "$"),
        selector=selector,
        concurrency=fields.number("MaxConcurrency", 0, 2**31),
        distribution=_distribution(fields, processor, common["name"], labels),
        **common,
    )


def _distribution(
    fields: Fields, processor: Fields | None, name: str, labels: set[str]
) -> Distribution | None:
    config = processor.object("ProcessorConfig") if processor else None
    mode = config.choice("Mode", ("INLINE", "DISTRIBUTED"), "INLINE") if config else "INLINE"
    if mode == "INLINE":
        for field in _DISTRIBUTED_ONLY.split():
            if field in fields:
                fields.problem(f"Field '{field}' is only supported in DISTRIBUTED mode", field)
        return None
    assert config is not None
    config.allow(frozenset({"Mode", "ExecutionType"}))
    config.need("ExecutionType")
    kind = config.choice("ExecutionType", ("STANDARD", "EXPRESS"), "STANDARD")
    return Distribution(
        label=_label(fields, name, labels),
        is_express=kind == "EXPRESS",
        reader=_reader(fields.object("ItemReader")),
        batcher=_batcher(fields.object("ItemBatcher")),
        writer=_writer(fields.object("ResultWriter")),
        tolerated_count=fields.number("ToleratedFailureCount", 0, 2**53),
        tolerated_percentage=fields.number("ToleratedFailurePercentage", 0, 100, is_whole=False),
    )


def _label(fields: Fields, name: str, labels: set[str]) -> str:
    label = fields.text("Label")
    if label is None:
        # AWS generates one; ours follows from the name, so that it is the same in each revision.
        label = hashlib.sha256(name.encode()).hexdigest()[:32]
    elif not matches(label, _LABEL):
        fields.problem("Value is not a valid label", "Label", code="INVALID_LABEL_NAME")
    if label in labels:
        fields.problem(f"Duplicate label: {label}", "Label", code="DUPLICATE_LABEL_NAME")
    labels.add(label)
    return label


def _reader(fields: Fields | None) -> ReaderShape | None:
    if fields is None:
        return None
    fields.allow(frozenset({"Resource", "Parameters", "ReaderConfig"}))
    fields.need("Resource", "Parameters")
    parameters = fields.template("Parameters") or constant({})
    config = fields.object("ReaderConfig") or Fields({}, fields.place, fields.problems)
    max_items = config.number("MaxItems", 0, ITEMS_MAX)
    if fields.get("Resource") == _LIST_OBJECTS:
        config.allow(frozenset({"MaxItems", "MaxItemsPath", "Transformation"}))
        if config.get("Transformation") not in {None, "NONE"}:
            raise unsupported("Transformation LOAD_AND_FLATTEN")
        return ReaderShape("LISTING", parameters, max_items)
    if fields.get("Resource") != _GET_OBJECT:
        fields.problem("Value is not a supported ItemReader resource", "Resource")
    return _object_reader(config, parameters, max_items)


def _object_reader(config: Fields, parameters: Any, max_items: Number) -> ReaderShape:
    config.need("InputType")
    if "ManifestType" in config:
        raise unsupported("ManifestType")
    kind = config.choice("InputType", ("CSV", "JSON", "JSONL", "MANIFEST", "PARQUET"), "CSV")
    if kind in {"MANIFEST", "PARQUET"}:
        raise unsupported(f"InputType {kind}")
    if kind != "CSV":
        config.allow(frozenset({"InputType", "MaxItems", "MaxItemsPath", "ItemsPointer"}))
        return ReaderShape(kind, parameters, max_items, pointer=config.text("ItemsPointer") or "")
    config.allow(CSV_FIELDS)
    delimiter = config.choice("CSVDelimiter", tuple(_DELIMITERS), "COMMA")
    return ReaderShape(
        kind, parameters, max_items, headers=_headers(config), delimiter=_DELIMITERS[delimiter]
    )


def _headers(config: Fields) -> tuple[str, ...] | None:
    config.need("CSVHeaderLocation")
    place = config.choice("CSVHeaderLocation", ("FIRST_ROW", "GIVEN"), "FIRST_ROW")
    if place == "FIRST_ROW":
        return None
    names = config.get("CSVHeaders")
    if not is_array(names) or not names or not all(isinstance(name, str) for name in names):
        config.problem("The field 'CSVHeaders' is required but was missing", "CSVHeaders")
        return ()
    return tuple(names)


def _batcher(fields: Fields | None) -> BatcherShape | None:
    if fields is None:
        return None
    names = "MaxItemsPerBatch MaxItemsPerBatchPath MaxInputBytesPerBatch MaxInputBytesPerBatchPath"
    fields.allow(frozenset([*names.split(), "BatchInput"]))
    if not fields.body:
        fields.problem("At least one field is required")
    return BatcherShape(
        items_max=fields.number("MaxItemsPerBatch", 1, ITEMS_MAX),
        bytes_max=fields.number("MaxInputBytesPerBatch", 1, PAYLOAD_BYTES_MAX),
        batch_input=fields.template("BatchInput"),
    )


def _writer(fields: Fields | None) -> WriterShape | None:
    if fields is None:
        return None
    fields.allow(frozenset({"Resource", "Parameters", "WriterConfig"}))
    if ("Resource" in fields) != ("Parameters" in fields) or not fields.body:
        fields.problem("The fields Resource and Parameters belong together")
    exports = "Resource" in fields
    if exports and fields.get("Resource") != _PUT_OBJECT:
        fields.problem("Value is not a supported ResultWriter resource", "Resource")
    config = fields.object("WriterConfig") or Fields({}, fields.place, fields.problems)
    config.allow(frozenset({"Transformation", "OutputType"}))
    given = fields.get("Parameters")
    if exports and not (is_object(given) and {"Bucket", "Bucket.$"} & given.keys()):
        fields.problem("The field 'Bucket' is required but was missing", "Parameters")
    return WriterShape(
        parameters=fields.template("Parameters"),
        transformation=config.choice(
            "Transformation", ("NONE", "COMPACT", "FLATTEN"), "NONE" if exports else "COMPACT"
        ),
        output_type=config.choice("OutputType", ("JSON", "JSONL"), "JSON"),
    )
