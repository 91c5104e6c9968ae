"""Step Functions: state machines, their executions, and the Distributed Map.

Serves the botocore model ``stepfunctions``. Standard workflows in the JSONPath query language.
Every step of an execution is a transaction: the interpreter (:mod:`.interpret`) is a deterministic
function of the stored progress and one event, and what it wants from the world leaves as durable
jobs. How it differs from AWS: task results are applied at least once (a task whose answer was not
recorded before a crash runs again); Express machines, JSONata, variables, task tokens, activities,
``.sync``, redrive, versions and aliases are refused by name with status 501.
"""
