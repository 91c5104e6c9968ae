"""SQS's front door: what it is made of."""

from __future__ import annotations

from haar.kit.operation import collect
from haar.kit.service import Service
from haar.services.sqs import (
    moves,
    permissions,
    queues,
    receipts,
    receiving,
    sending,
    tags,
    workers,
)
from haar.services.sqs.lobby import Lobby

SERVICE = Service(
    name="sqs",
    models=("sqs",),
    operations=collect(
        *queues.OPERATIONS,
        *sending.OPERATIONS,
        *receiving.OPERATIONS,
        *receipts.OPERATIONS,
        *tags.OPERATIONS,
        *permissions.OPERATIONS,
        *moves.OPERATIONS,
    ),
    parts=(Lobby,),
    jobs=(workers.SWEEP, workers.MOVE),
)
