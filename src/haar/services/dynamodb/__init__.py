"""DynamoDB: tables of items with keys, indexes, expressions, transactions.

Serves the model ``dynamodb``.

Differences from AWS: every read is consistent; a table is ACTIVE when CreateTable answers, since it
works by then; indexes change in the transaction of their item; provisioned figures are kept and
described, and do not throttle.
"""
