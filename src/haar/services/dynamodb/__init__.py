"""DynamoDB: tables of items with keys, indexes, expressions, transactions, streams.

Serves the models ``dynamodb`` and ``dynamodbstreams``.

Differences from AWS: every read is consistent; a table is ACTIVE when CreateTable answers, since it
works by then; indexes change in the transaction of their item; a stream has one open shard at a
time; provisioned figures are kept and described, and do not throttle.
"""
