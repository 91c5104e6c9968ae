"""A key that is used many times makes the codes that the standard library makes."""

import hmac

from hypothesis import given
from hypothesis import strategies as st

from haar.identity.mac import Mac


@given(key=st.binary(max_size=64), messages=st.lists(st.binary(max_size=200), max_size=3))
def test_a_code_is_hmacs(key: bytes, messages: list[bytes]) -> None:
    """Whatever the key and the message, and however often the key was used before."""
    mac = Mac(key)
    for message in messages:
        assert mac.hex(message) == hmac.new(key, message, "sha256").hexdigest()
