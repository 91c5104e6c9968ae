"""What AWS says of statements that it does not take [nv]: one place for every text."""

MALFORMED = "Statement wasn't well formed, can't be processed: {reason}"
PARAMETERS = "Number of parameters in request and statement don't match."
KEY_MISSING = "Where clause does not contain a mandatory equality on all key attributes"
KEY_MORE = "Key attributes may only be compared for equality in this statement"
ORDER_WITHOUT_KEY = (
    "Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY "
    "clause."
)
IN_TOO_MANY = "The IN operator is provided with too many operands; number of operands: {count}"
ORDER_OTHER = "Variable reference {name} in ORDER BY clause must be part of the primary key"
MIXED = "Batch requests may not mix reads and writes"
TRANSACTION_MIXED = "Transaction requests may not mix reads and writes"
INDEX_WRITTEN = "An index cannot be written: {table}.{index}"
EXISTS_ON_INDEX = "EXISTS() does not read an index"
EXISTS_ALONE = "EXISTS() function is only supported in transactions"
RETURNING = "RETURNING clause is not supported in transactions"
EXISTS_WITHOUT_CONDITION = "EXISTS() must have a condition besides the primary key"
BATCH_KEY = (
    "Select statements within BatchExecuteStatement must specify the primary key in the where "
    "clause."
)
