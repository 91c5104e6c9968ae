"""The calls of a pipe: other services' APIs, in the name of its role."""

from __future__ import annotations

from dataclasses import dataclass

from haar.kernel import arn as arns
from haar.kit.call import Members, Scope
from haar.kit.cloud import Cloud


@dataclass(frozen=True, slots=True)
class Caller:
    """Calls in the name of a role, in the account and region of whatever is called.

    Attributes:
        cloud: has the other services.
        role: ARN.
    """

    cloud: Cloud
    role: str

    async def call(self, service: str, operation: str, members: Members, *, on: str) -> Members:
        """Call an operation on the resource of an ARN.

        Raises:
            ApiError: whatever the operation refuses with.
        """
        place = arns.parse(on)
        scope = Scope(place.account, place.region, place.partition)
        return await self.cloud.invoke(service, operation, members, as_=self.role, scope=scope)
