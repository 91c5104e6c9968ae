"""SQS: queues of messages, standard and FIFO; serves the AWS model ``sqs``.

A message is a row of the store that moves between the spans of its queue: it is ready, or it is
*later* (delayed, or in flight) under the time at which it may be received. No timer and no lease
stands behind a visibility timeout: a receive looks at the rows whose time has come, then at the
ready ones.

Other than on AWS: a message is received in the order of arrival where nothing was in flight; a
receive looks at the whole queue, however short the poll and however many groups are held; counts
are exact. No queue is throttled. A standard queue keeps and tells message groups, but does not
prefer quiet ones. KMS keys are refused.
"""
