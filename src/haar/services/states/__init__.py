"""Step Functions: state machines, their executions, and the Distributed Map.

Serves the botocore model ``stepfunctions``. Standard workflows in the JSONPath query language.
Every step of an execution is a transaction: the interpreter (:mod:`.interpret`) is a deterministic
function of the stored progress and one event, and what it wants from the world leaves as durable
jobs. Differences from AWS: a task whose answer was not recorded before a crash runs again (at least
once, as everywhere that acts on the world); executions are kept until haar is reset; children of a
Distributed Map may be EXPRESS, state machines may not. Express machines, JSONata, variables,
activities, ``.sync``, redrive, versions and aliases are refused by name with status 501.
"""
