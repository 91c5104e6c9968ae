"""Structures on the store: each module states its keys and values byte for byte."""
