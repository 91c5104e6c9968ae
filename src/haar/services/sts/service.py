"""The front door of STS."""

from __future__ import annotations

from haar.kit.operation import collect
from haar.kit.service import Service
from haar.services.sts import identities, sessions

SERVICE = Service(
    name="sts",
    models=("sts",),
    operations=collect(
        identities.get_caller_identity,
        identities.get_access_key_info,
        sessions.get_session_token,
    ),
)
