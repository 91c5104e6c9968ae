"""haar: the AWS serverless stack, running for real on your own machines."""
