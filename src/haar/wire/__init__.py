"""Bytes to members and back, driven by the botocore service models."""
