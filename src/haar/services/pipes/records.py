"""What Pipes stores: pipes."""

from __future__ import annotations

from typing import Any

import msgspec

from haar.kit.records import Codec


class Pipe(msgspec.Struct, frozen=True, array_like=True):
    """A pipe: what it is to do, and where it stands.

    Attributes:
        arn: of the pipe.
        name: of the pipe.
        role: the ARN of the role in whose name it reads, enriches and delivers.
        source: ARN.
        target: ARN.
        created_ms: when.
        modified_ms: when it was last created, updated, started or stopped.
        desired: ``RUNNING``, ``STOPPED`` or ``DELETED``.
        current: where it is, as AWS names it.
        revision: one more with each demand on it; the runner works on one revision at a time.
        reason: why it stopped by itself or could not start.
        description: free text.
        enrichment: ARN; empty without one.
        source_parameters: as in the API, with defaults.
        enrichment_parameters: as in the API.
        target_parameters: as in the API.
        tags: key → value.
    """

    arn: str
    name: str
    role: str
    source: str
    target: str
    created_ms: int
    modified_ms: int
    desired: str
    current: str
    revision: int = 1
    reason: str = ""
    description: str = ""
    enrichment: str = ""
    source_parameters: dict[str, Any] = {}
    enrichment_parameters: dict[str, Any] = {}
    target_parameters: dict[str, Any] = {}
    tags: dict[str, str] = {}


PIPE = Codec(Pipe)
