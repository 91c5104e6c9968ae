"""AWS's texts of ValidationException outside of expressions: one table, with ``{placeholders}``."""

from __future__ import annotations

_PARAMETERS = "One or more parameter values were invalid: "
_KEYS = "One or more parameter values are not valid. "

# Attribute values
VALUE_EMPTY = (
    "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
)
VALUE_AMBIGUOUS = (
    "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the "
    "supported datatypes"
)
NULL_NOT_TRUE = f"{_PARAMETERS}Null attribute value types must have the value of true"
SET_DUPLICATES = f"{_PARAMETERS}Input collection [{{values}}] contains duplicates."
SET_EMPTY = {
    "SS": f"{_PARAMETERS}An string set  may not be empty",
    "NS": f"{_PARAMETERS}An number set  may not be empty",
    "BS": f"{_PARAMETERS}Binary sets should not be empty",
}
NESTED_TOO_DEEP = "Nesting Levels have exceeded supported limits"
NAME_TOO_LONG = f"{_PARAMETERS}Attribute name is too large, must be less than 65536 bytes"

# Numbers
NOT_A_NUMBER = "The parameter cannot be converted to a numeric value: {value}"
NUMBER_EMPTY = "The parameter cannot be converted to a numeric value"
NUMBER_OVERFLOW = (
    "Number overflow. Attempting to store a number with magnitude larger than supported range"
)
NUMBER_UNDERFLOW = (
    "Number underflow. Attempting to store a number with magnitude smaller than supported range"
)
NUMBER_TOO_PRECISE = "Attempting to store more than 38 significant digits in a Number"

# Items and keys
KEY_MISMATCH = "The provided key element does not match the schema"
KEY_MISSING = f"{_PARAMETERS}Missing the key {{name}} in the item"
KEY_TYPE = f"{_PARAMETERS}Type mismatch for key {{name}} expected: {{expected}} actual: {{actual}}"
KEY_EMPTY = (
    f"{_KEYS}The AttributeValue for a key attribute cannot contain an empty {{kind}} value. "
    "Key: {name}"
)
HASH_TOO_LONG = f"{_PARAMETERS}Size of hashkey has exceeded the maximum size limit of2048 bytes"
RANGE_TOO_LONG = (
    f"{_PARAMETERS}Aggregated size of all range keys has exceeded the size limit of 1024 bytes"
)
INDEX_KEY_TYPE = (
    f"{_PARAMETERS}Type mismatch for Index Key {{name}} Expected: {{expected}} Actual: {{actual}} "
    "IndexName: {index}"
)
INDEX_KEY_EMPTY = (
    f"{_KEYS}A value specified for a secondary index key is not supported. The AttributeValue for "
    "a key attribute cannot contain an empty {kind} value. IndexName: {index}, IndexKey: {name}"
)
ITEM_TOO_LARGE = "Item size has exceeded the maximum allowed size"
UPDATE_TOO_LARGE = "Item size to update has exceeded the maximum allowed size"
KEY_UPDATED = f"{_PARAMETERS}Cannot update attribute {{name}}. This attribute is part of the key"
OTHER_PAGE = "NextToken does not match request"
PAGE_START = "The page does not start at an ARN that was listed: {arn}"
RESTORE_INDEXES = "One or more indexes of the override are not indexes of the source table"
RESTORE_SOURCE = "Either SourceTableArn or SourceTableName must be given"
RESTORE_TIME = (
    "Either RestoreDateTime or UseLatestRestorableTime must be given, and not both of them"
)
# Of incremental exports: [nv], AWS's own words are not known to us.
EXPORT_SPAN_GIVEN = "IncrementalExportSpecification is only valid for INCREMENTAL_EXPORT"
EXPORT_TIME_GIVEN = "ExportTime is only valid for FULL_EXPORT"
EXPORT_FROM_MISSING = "ExportFromTime must be specified for INCREMENTAL_EXPORT"
EXPORT_SPAN = "The export period must be between 15 minutes and 24 hours"
RETURN_VALUES_OLD = "ReturnValues can only be ALL_OLD or NONE"

# Updates, as they meet an item
PATH_INVALID = "The document path provided in the update expression is invalid for update"
OPERAND_MISSING = "The provided expression refers to an attribute that does not exist in the item"
OPERAND_TYPE = "An operand in the update expression has an incorrect data type"

# Expressions and what surrounds them
NAMES_ALONE = "ExpressionAttributeNames can only be specified when using expressions"
VALUES_ALONE = (
    "ExpressionAttributeValues can only be specified when using expressions: {names} {verb} null"
)
NAMES_EMPTY = "ExpressionAttributeNames must not be empty"
VALUES_EMPTY = "ExpressionAttributeValues must not be empty"
NAMES_SYNTAX = 'ExpressionAttributeNames contains invalid key: Syntax error; key: "{key}"'
VALUES_SYNTAX = 'ExpressionAttributeValues contains invalid key: Syntax error; key: "{key}"'
# [nv]: the bound is AWS's, its words are not known to us.
NAMES_LONG = 'ExpressionAttributeNames contains invalid key: Longer than 255 bytes; key: "{key}"'
VALUES_LONG = 'ExpressionAttributeValues contains invalid key: Longer than 255 bytes; key: "{key}"'
VALUE_IN_VALUES = "ExpressionAttributeValues contains invalid value: {reason} for key {key}"
NAMES_UNUSED = "Value provided in ExpressionAttributeNames unused in expressions: keys: {{{keys}}}"
VALUES_UNUSED = (
    "Value provided in ExpressionAttributeValues unused in expressions: keys: {{{keys}}}"
)
PLACEHOLDERS_TOO_LARGE = (
    "ExpressionAttributeNames and ExpressionAttributeValues have exceeded the maximum allowed size"
)
MIXED = (
    "Can not use both expression and non-expression parameters in the same request: "
    "Non-expression parameters: {{{legacy}}} Expression parameters: {{{modern}}}"
)

# Query and Scan
QUERY_WITHOUT_KEYS = (
    "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."
)
QUERY_KEY_MISSED = "Query condition missed key schema element: {name}"
QUERY_KEY_UNSUPPORTED = "Query key condition not supported"
QUERY_KEY_TYPE = f"{_PARAMETERS}Condition parameter type does not match schema type"
KEY_OPERATOR = "Invalid operator used in KeyConditionExpression: {operator}"
KEY_TWICE = "KeyConditionExpressions must only contain one condition per key"
KEY_NESTED = "KeyConditionExpressions cannot contain nested operations"
KEY_NAMES = (
    "Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition"
)
KEY_NOT_SCALAR = (
    "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: "
    "IndexKey: {name}"
)
FILTER_ON_KEY = (
    "Filter Expression can only contain non-primary key attributes: Primary key attribute: {name}"
)
NO_INDEX = "The table does not have the specified index: {index}"
INDEX_CONSISTENT = "Consistent reads are not supported on global secondary indexes"
SELECT_ALL_ON_INDEX = (
    f"{_PARAMETERS}Select type ALL_ATTRIBUTES is not supported for global secondary index "
    "{index} because its projection type is not ALL"
)
SELECT_PROJECTED = "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName"
SELECT_SPECIFIC = (
    "Must specify the AttributesToGet or ProjectionExpression when choosing to get "
    "SPECIFIC_ATTRIBUTES"
)
SELECT_AND_PROJECTION = "Cannot specify the {form} when choosing to get {select}"
NOT_PROJECTED = f"{_PARAMETERS}Global secondary index {{index}} does not project {{names}}"
START_INVALID = "The provided starting key is invalid"
START_OUTSIDE = "The provided starting key is outside query boundaries based on provided conditions"
START_RANGE = "The provided starting key does not match the range key predicate"
START_SINGLE = "The query can return at most one row and cannot be restarted"
START_SEGMENT = (
    "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey "
    "with correct Segment. TotalSegments: {total} Segment: {segment}"
)
SEGMENT_ALONE = (
    "The TotalSegments parameter is required but was not present in the request when Segment "
    "parameter is present"
)
SEGMENTS_ALONE = (
    "The Segment parameter is required but was not present in the request when parameter "
    "TotalSegments is present"
)
SEGMENT_BEYOND = (
    "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: "
    "{segment} is not less than TotalSegments: {total}"
)

INDEX_FILLING = "Cannot read from backfilling global secondary index: {index}"

# The older forms
JOINED_WITHOUT = "ConditionalOperator cannot be used without Filter or Expected"
JOINED_ALONE = (
    "ConditionalOperator can only be used when Filter or Expected has two or more elements"
)
EXISTS_AND_OPERATOR = (
    f"{_PARAMETERS}Exists and ComparisonOperator cannot be used together for Attribute: {{name}}"
)
VALUE_AND_LIST = (
    f"{_PARAMETERS}Value and AttributeValueList cannot be used together for Attribute: {{name}}"
)
LIST_WITHOUT_OPERATOR = (
    f"{_PARAMETERS}AttributeValueList can only be used with a ComparisonOperator for Attribute: "
    "{name}"
)
VALUE_NOT_EXISTING = (
    f"{_PARAMETERS}Value cannot be used when Exists is false for Attribute: {{name}}"
)
VALUE_MISSING = (
    f"{_PARAMETERS}Value must be provided when Exists is {{exists}} for Attribute: {{name}}"
)
ARGUMENT_COUNT = (
    f"{_PARAMETERS}Invalid number of argument(s) for the {{operator}} ComparisonOperator"
)
ARGUMENT_TYPE = (
    f"{_PARAMETERS}ComparisonOperator {{operator}} is not valid for {{kind}} AttributeValue type"
)
ARGUMENTS_DIFFER = (
    f"{_PARAMETERS}AttributeValues inside AttributeValueList must all be of the same type"
)
BETWEEN_ORDER = (
    "The BETWEEN condition was provided a range where the lower bound is greater than the upper "
    "bound"
)
KEY_CONDITIONS_COUNT = "Conditions can be of length 1 or 2 only"
KEY_CONDITIONS_OPERATOR = "Attempted conditional constraint is not an indexable operation"
QUERY_FILTER_ON_KEY = (
    "QueryFilter can only contain non-primary key attributes: Primary key attribute: {name}"
)
NAME_TWICE = f"{_PARAMETERS}Duplicate value in attribute name: {{name}}"
ACTION_WITHOUT_VALUE = (
    f"{_PARAMETERS}Only DELETE action is allowed when no attribute value is specified"
)
ADD_TYPE = f"{_PARAMETERS}ADD action is not supported for the type {{kind}}"
DELETE_TYPE = f"{_PARAMETERS}DELETE action with value is not supported for the type {{kind}}"
UPDATE_TYPE = "Type mismatch for attribute to update"

# Batches and transactions
BATCH_DUPLICATES = "Provided list of item keys contains duplicates"
BATCH_TOO_MANY_WRITES = "Too many items requested for the BatchWriteItem call"
BATCH_MISSING = "The requestItems parameter is required for BatchGetItem"
BATCH_TOO_MANY_KEYS = "Too many items requested for the BatchGetItem call"
BATCH_NEITHER = (
    "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the "
    "supported datatypes"
)
TRANSACT_ONE_ACTION = "TransactItems can only contain one of Check, Put, Update or Delete"
TRANSACT_DUPLICATES = "Transaction request cannot include multiple operations on one item"
TRANSACT_TOO_LARGE = (
    "Transaction size exceeds the maximum size: the aggregate size of the items in the transaction "
    "cannot exceed 4 MB"
)

# Tables
TABLE_NAME_SHORT = (
    "1 validation error detected: Value '{name}' at 'tableName' failed to satisfy constraint: "
    "Member must have length greater than or equal to 3"
)
TABLE_NAME_LONG = (
    "1 validation error detected: Value '{name}' at 'tableName' failed to satisfy constraint: "
    "Member must have length less than or equal to 255"
)
TABLE_NAME_PATTERN = (
    "1 validation error detected: Value '{name}' at 'tableName' failed to satisfy constraint: "
    "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
)
TABLE_NAME_MISSING = "The parameter 'TableName' is required but was not present in the request"
TABLE_ARN = "Invalid TableArn: Invalid ResourceArn provided as input {arn}"
PROTECTED = (
    "Resource cannot be deleted as it is currently protected against deletion. Disable deletion "
    "protection first."
)
KEY_SCHEMA_MISSING = "The parameter 'KeySchema' is required but was not present in the request"
DEFINITIONS_MISSING = (
    "The parameter 'AttributeDefinitions' is required but was not present in the request"
)
KEY_UNDEFINED = (
    f"{_PARAMETERS}Some index key attributes are not defined in AttributeDefinitions. Keys: "
    "[{keys}], AttributeDefinitions: [{definitions}]"
)
DEFINITIONS_UNUSED = (
    f"{_PARAMETERS}Number of attributes in KeySchema does not exactly match number of attributes "
    "defined in AttributeDefinitions"
)
# Not verified: the words for a table with indexes.
DEFINITIONS_SPARE = (
    f"{_PARAMETERS}Some AttributeDefinitions are not used. AttributeDefinitions: "
    "[{definitions}], keys used: [{used}]"
)
DEFINITION_TWICE = f"{_PARAMETERS}Duplicate AttributeName in AttributeDefinitions: {{name}}"
NO_INDEX_KEY_DEFINITION = "Invalid KeySchema: Some index key attribute have no definition"
FIRST_NOT_HASH = "Invalid KeySchema: The first KeySchemaElement is not a HASH key type"
SECOND_NOT_RANGE = "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type"
TOO_MANY_KEYS = (
    "1 validation error detected: Value '{shown}' at 'keySchema' failed to satisfy constraint: "
    "Member must have length less than or equal to 2"
)
SAME_KEYS = "Both the Hash Key and the Range Key element in the KeySchema have the same name"
INDEX_SCHEMA = f"{_PARAMETERS}Invalid KeySchema for index: {{index}}"
LSI_WITHOUT_RANGE = (
    f"{_PARAMETERS}Table KeySchema does not have a range key, which is required when specifying a "
    "LocalSecondaryIndex"
)
LSI_NO_RANGE = f"{_PARAMETERS}Index KeySchema does not have a range key for index: {{index}}"
LSI_OTHER_HASH = (
    f"{_PARAMETERS}Index KeySchema does not have the same leading hash key as table KeySchema for "
    "index: {index}. index hash key: {found}, table hash key: {expected}"
)
INDEX_TWICE = f"{_PARAMETERS}Duplicate index name: {{index}}"
PROJECTION_UNKNOWN = f"{_PARAMETERS}Unknown ProjectionType: null"
PROJECTION_NAMES_MISSING = (
    f"{_PARAMETERS}ProjectionType is INCLUDE, but NonKeyAttributes is not specified"
)
PROJECTION_NAMES_GIVEN = (
    f"{_PARAMETERS}ProjectionType is {{projection}}, but NonKeyAttributes is specified"
)
PROJECTION_TOO_MANY = f"{_PARAMETERS}Number of NonKeyAttributes exceeds per-table limit of 100"
TOO_MANY_GSI = f"{_PARAMETERS}GlobalSecondaryIndex count exceeds the per-table limit of 20"
TOO_MANY_LSI = f"{_PARAMETERS}Number of LocalSecondaryIndexes exceeds per-table limit of 5"
EMPTY_INDEXES = f"{_PARAMETERS}List of {{kind}} is empty"
UNITS_GIVEN = (
    f"{_PARAMETERS}Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when "
    "BillingMode is PAY_PER_REQUEST"
)
UNITS_MISSING = (
    f"{_PARAMETERS}ReadCapacityUnits and WriteCapacityUnits must both be specified when "
    "BillingMode is PROVISIONED"
)
INDEX_UNITS_GIVEN = (
    f"{_PARAMETERS}ProvisionedThroughput should not be specified for index: {{index}} when "
    "BillingMode is PAY_PER_REQUEST"
)
INDEX_UNITS_MISSING = f"{_PARAMETERS}ProvisionedThroughput is not specified for index: {{index}}"
UPDATE_NOTHING = (
    "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, "
    "GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required"
)
UNITS_UNCHANGED = (
    "The provisioned throughput for the table will not change. The requested value equals the "
    "current value. Current ReadCapacityUnits provisioned for the table: {read}. Requested "
    "ReadCapacityUnits: {read}. Current WriteCapacityUnits provisioned for the table: {write}. "
    "Requested WriteCapacityUnits: {write}. Refer to the Amazon DynamoDB Developer Guide for "
    "current limits and how to request higher limits."
)

REDEFINED = (
    "Attributes cannot be redefined. Please check that your attribute has the same type as "
    "previously defined. Existing schema: {old} New schema: {new}"
)
INDEX_ACTION = (
    f"{_PARAMETERS}One of GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Update, "
    "GlobalSecondaryIndexUpdate.Delete must not be null"
)

# Streams
STREAM_ARN = "Invalid StreamArn: Invalid ResourceArn provided as input {arn}"
STREAM_ENABLED = "Table already has an enabled stream: TableName: {table}"
STREAM_DISABLED = "Table has no stream to disable: TableName: {table}"
STREAM_VIEW_MISSING = f"{_PARAMETERS}StreamViewType must be specified when StreamEnabled is true"
STREAM_VIEW_GIVEN = f"{_PARAMETERS}StreamViewType must not be specified when StreamEnabled is false"
ITERATOR = "Invalid ShardIterator"
SHARD_NOT_FOUND = "Requested resource not found: Shard: {shard} not found"
NUMBER_MISSING = f"{_PARAMETERS}SequenceNumber must be specified for this ShardIteratorType"
TIMESTAMP_MISSING = f"{_PARAMETERS}Timestamp must be specified for this ShardIteratorType"
NUMBER_OUTSIDE = f"{_PARAMETERS}SequenceNumber {{number}} is not in the range of the shard"
LIMIT_TOO_LARGE = (
    "1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: Member "
    "must have value less than or equal to {most}"
)

# Tags and time to live
TAGS_TOO_MANY = f"{_PARAMETERS}Too many tags: a resource can have 50 at most"
TAGS_TWICE = f"{_PARAMETERS}Tag keys must be unique"
TTL_ENABLED = "TimeToLive is already enabled"
TTL_DISABLED = "TimeToLive is already disabled"
TTL_OTHER_NAME = (
    "TimeToLive is active on a different AttributeName: current AttributeName is {name}"
)
TTL_TOO_SOON = "Time to live has been modified multiple times within a fixed interval"
