"""The expression language of DynamoDB: pure functions of items and values, no store."""
