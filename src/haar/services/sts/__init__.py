"""Security Token Service: who am I, and credentials that end by themselves.

Serves the model ``sts``. Stores nothing: session tokens carry what they say, sealed
(:mod:`haar.identity.credentials`). Unlike AWS, GetSessionToken takes no device of multi-factor
authentication, because haar has none.
"""
