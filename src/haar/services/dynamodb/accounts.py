"""What DynamoDB tells of an account and of itself."""

from __future__ import annotations

from haar.kit.call import Call, Members
from haar.kit.operation import anything, operation
from haar.services.dynamodb.provisioning import UNITS_MAX
from haar.store.api import Transaction

_ACCOUNT_UNITS = 80_000
_CACHE_MINUTES = 1440


@operation("DescribeLimits", members="", resource=anything, readonly=True)
def describe_limits(call: Call[Members], tx: Transaction) -> Members:
    """Tell AWS's default quotas of capacity; a table is held to its own.

    Keys: none.

    Source: AWS docs, DynamoDB API reference, DescribeLimits.
    """
    return {
        "AccountMaxReadCapacityUnits": _ACCOUNT_UNITS,
        "AccountMaxWriteCapacityUnits": _ACCOUNT_UNITS,
        "TableMaxReadCapacityUnits": UNITS_MAX,
        "TableMaxWriteCapacityUnits": UNITS_MAX,
    }


@operation("DescribeEndpoints", members="", resource=anything, readonly=True)
def describe_endpoints(call: Call[Members], tx: Transaction) -> Members:
    """Tell where this haar is reached.

    Keys: none.

    Source: AWS docs, DynamoDB API reference, DescribeEndpoints.
    """
    address = call.endpoint.partition("://")[2]
    return {"Endpoints": [{"Address": address, "CachePeriodInMinutes": _CACHE_MINUTES}]}
