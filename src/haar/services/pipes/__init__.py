"""EventBridge Pipes: from a queue, through a filter, to a target; the model ``pipes``.

A pipe delivers at least once: a message leaves its queue after the target has it. The pipe reads,
enriches and delivers through the other services' APIs in the name of its role. Built are SQS queues
as sources, Lambda functions as enrichments, SQS queues and Lambda functions as targets; all others
are refused by name.

Differences from AWS: a template that is JSON always renders JSON (values are escaped, where AWS
tells that it does not escape them); a missing value is ``""`` where a JSON value must stand.
"""
