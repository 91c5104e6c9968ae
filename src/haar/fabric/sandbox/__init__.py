"""Processes that run users' functions, spoken to over the Lambda Runtime API."""
