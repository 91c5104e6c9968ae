"""The front door of EventBridge Pipes."""

from __future__ import annotations

from haar.kit.operation import collect
from haar.kit.service import Service
from haar.services.pipes import pipes, switches, tags, workers

SERVICE = Service(
    name="pipes",
    models=("pipes",),
    operations=collect(
        pipes.create_pipe,
        pipes.describe_pipe,
        pipes.update_pipe,
        pipes.delete_pipe,
        pipes.list_pipes,
        switches.start_pipe,
        switches.stop_pipe,
        tags.tag_resource,
        tags.untag_resource,
        tags.list_tags_for_resource,
    ),
    jobs=(workers.DRIVE,),
)
