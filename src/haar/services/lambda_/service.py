"""Lambda's front door: what it is made of."""

from __future__ import annotations

from haar.kit.operation import collect
from haar.kit.service import Service
from haar.services.lambda_ import code, functions, invocations, tags, workers
from haar.services.lambda_.running import Runner

SERVICE = Service(
    name="lambda_",
    models=("lambda",),
    operations=collect(
        functions.create_function,
        functions.get_function,
        functions.get_function_configuration,
        functions.update_function_configuration,
        functions.list_functions,
        functions.delete_function,
        code.update_function_code,
        invocations.invoke,
        tags.tag_resource,
        tags.untag_resource,
        tags.list_tags,
    ),
    jobs=(workers.ASYNC,),
    parts=(Runner,),
)
