"""What botocore's models do not say: a line of data each, with the AWS page that shows it.

Code of the wire layer never branches on a service's name; it asks for the patch of a model here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Patch:
    """What one model leaves out.

    Attributes:
        error_namespace: written before the code in ``__type``, with ``#``.
        code_namespaces: other namespaces for single codes.
        upper_message: codes whose text is in ``Message``, not ``message``.
        constraint_code: of a refusal for a breached constraint; the protocol's where empty.
        null_code: of a refusal for a missing member; as other constraints where empty.
        null_text: its text, with ``{name}``; the usual list of breaches where empty.
        has_digests: documents are checked against their digest, where the model asks for one.
        has_open_texts: enums and patterns are the operations' to check, in words of their own.
        parameter_code: of a refusal for a header or a query parameter that cannot be read; that of
            a malformed body where empty.
        parameter_text: its text, with ``{name}``.
        text_members: members that are no timestamps, whatever the model says: kept as they came.
        lenient_members: members that are left out where they cannot be read.
        timestamp: the format of moments in XML; the protocol's where empty.
        has_hoisted_headers: a link's query may carry headers.
        host_id_header: a second header that carries the request's id.
        query_codes: error shape → its code in XML and in ``x-amzn-query-error``.
        has_crc32: answers carry ``x-amz-crc32``.
        has_bare_errors: an ``<Error>`` document without ``<ErrorResponse>`` around it.
        namespace: XML namespace of answers where the model gives none.
        host_label: the path label that may come as the first labels of the host name.
        is_anonymous_home: takes requests that name no service at all.
        roots: operation → root element of its answer.
        bare_outputs: operations whose root element is the one member itself.
        query_texts: error shape → its text in the query protocol, where it has another.
        open_enums: shapes whose values the service checks itself, with its own refusals.
        enums: shape → its values in the order in which AWS's texts list them.
        own_required: input shape → members that are missed by the operation, in its own words.
        least_lengths: shape → the length that it has at least, where the model says another.
        told_patterns: shape → a pattern that its operations check, and how AWS tells it: it is
            told with the breaches of others, and costs nothing where there are none.
        path_member: the member that the path of a form stands for, where the form lacks it.
        query_statuses: error shape → its HTTP status in the query protocol, where it has another.
        query_elements: in the query protocol: a flattened list or map → the name of its elements,
            and, of a map, the names of their keys and values.
    """

    error_namespace: str = ""
    code_namespaces: Mapping[str, str] = field(default_factory=dict[str, str])
    upper_message: frozenset[str] = frozenset()
    constraint_code: str = ""
    null_code: str = ""
    null_text: str = ""
    has_digests: bool = False
    has_open_texts: bool = False
    parameter_code: str = ""
    parameter_text: str = ""
    text_members: frozenset[str] = frozenset()
    lenient_members: frozenset[str] = frozenset()
    timestamp: str = ""
    has_hoisted_headers: bool = False
    host_id_header: str = ""
    query_codes: Mapping[str, str] = field(default_factory=dict[str, str])
    has_crc32: bool = False
    has_bare_errors: bool = False
    namespace: str = ""
    host_label: str = ""
    is_anonymous_home: bool = False
    roots: Mapping[str, str] = field(default_factory=dict[str, str])
    bare_outputs: frozenset[str] = frozenset()
    query_texts: Mapping[str, str] = field(default_factory=dict[str, str])
    open_enums: frozenset[str] = frozenset()
    enums: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    own_required: Mapping[str, str] = field(default_factory=dict[str, str])
    least_lengths: Mapping[str, int] = field(default_factory=dict[str, int])
    told_patterns: Mapping[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    path_member: str = ""
    query_statuses: Mapping[str, int] = field(default_factory=dict[str, int])
    query_elements: Mapping[str, tuple[str, ...]] = field(
        default_factory=dict[str, tuple[str, ...]]
    )


NO_PATCH = Patch()

_CORAL = "com.amazon.coral.service"

FRAMEWORK: dict[str, str] = dict.fromkeys(
    (
        "SerializationException",
        "UnknownOperationException",
        "MissingAuthenticationTokenException",
        "IncompleteSignatureException",
        "InvalidSignatureException",
        "UnrecognizedClientException",
        "ExpiredTokenException",
        "AccessDeniedException",
        "ThrottlingException",
        "InternalFailure",
        "ServiceUnavailable",
    ),
    _CORAL,
)
"""The namespace of what the front of a JSON service refuses, whatever the service."""

# AWS docs, DynamoDB developer guide, "Error handling with DynamoDB": __type and x-amz-crc32.
_DYNAMODB = Patch(
    error_namespace="com.amazonaws.dynamodb.v20120810",
    code_namespaces={"ValidationException": "com.amazon.coral.validate", **FRAMEWORK},
    upper_message=frozenset({"SerializationException"}),
    has_crc32=True,
    enums={
        "ScalarAttributeType": ("B", "N", "S"),
        "Select": (
            "SPECIFIC_ATTRIBUTES",
            "COUNT",
            "ALL_ATTRIBUTES",
            "ALL_PROJECTED_ATTRIBUTES",
        ),
    },
    own_required={
        "CreateTableInput": "TableName",
        "DeleteTableInput": "TableName",
        "DescribeTableInput": "TableName",
        "UpdateTableInput": "TableName",
        "BatchGetItemInput": "RequestItems",
    },
    # A name, which has three characters; the model's least is that of an ARN.
    least_lengths={"TableArn": 3},
    told_patterns={"TableArn": (r"[a-zA-Z0-9_.-]+|arn:.*", "[a-zA-Z0-9_.-]+")},
)

# AWS docs, SQS API reference: the query examples of each operation.
_SQS_ELEMENTS = {
    "AttributeNameList": ("AttributeName",),
    "MessageSystemAttributeList": ("MessageSystemAttributeName",),
    "MessageAttributeNameList": ("MessageAttributeName",),
    "AWSAccountIdList": ("AWSAccountId",),
    "ActionNameList": ("ActionName",),
    "TagKeyList": ("TagKey",),
    "StringList": ("StringListValue",),
    "BinaryList": ("BinaryListValue",),
    "QueueUrlList": ("QueueUrl",),
    "MessageList": ("Message",),
    "QueueAttributeMap": ("Attribute", "Name", "Value"),
    "MessageSystemAttributeMap": ("Attribute", "Name", "Value"),
    "MessageBodyAttributeMap": ("MessageAttribute", "Name", "Value"),
    "MessageBodySystemAttributeMap": ("MessageSystemAttribute", "Name", "Value"),
    "TagMap": ("Tag", "Key", "Value"),
} | {
    f"{name}List": (name,)
    for name in (
        "SendMessageBatchRequestEntry",
        "SendMessageBatchResultEntry",
        "DeleteMessageBatchRequestEntry",
        "DeleteMessageBatchResultEntry",
        "ChangeMessageVisibilityBatchRequestEntry",
        "ChangeMessageVisibilityBatchResultEntry",
        "BatchResultErrorEntry",
        "ListMessageMoveTasksResultEntry",
    )
}

_SQS_LEGACY = "AWS.SimpleQueueService."

# AWS docs, SQS API reference, "Common Error Types" and each operation's "Errors".
_SQS = Patch(
    error_namespace="com.amazonaws.sqs",
    code_namespaces=FRAMEWORK,
    namespace="http://queue.amazonaws.com/doc/2012-11-05/",
    # AWS docs, SQS API reference, "CreateQueue", "ReceiveMessage": InvalidAttributeName.
    open_enums=frozenset(
        {"QueueAttributeName", "MessageSystemAttributeName", "MessageSystemAttributeNameForSends"}
    ),
    # AWS docs, SQS API reference, "SendMessageBatch": EmptyBatchRequest; the texts of attributes.
    own_required={
        "SendMessageBatchRequest": "Entries",
        "DeleteMessageBatchRequest": "Entries",
        "ChangeMessageVisibilityBatchRequest": "Entries",
        "MessageAttributeValue": "DataType",
        "MessageSystemAttributeValue": "DataType",
    },
    query_texts={
        "QueueDoesNotExist": "The specified queue does not exist for this wsdl version.",
    },
    # AWS docs, SQS developer guide, "Making query API requests": POST /account/queue/.
    path_member="QueueUrl",
    query_statuses={
        "InvalidAddress": 404,
        "ReceiptHandleIsInvalid": 404,
        "ResourceNotFoundException": 404,
        "InvalidSecurity": 403,
        "OverLimit": 403,
        "PurgeQueueInProgress": 403,
        "RequestThrottled": 403,
    },
    query_elements=_SQS_ELEMENTS,
    constraint_code="InvalidParameterValue",
    null_code="MissingParameter",
    null_text="The request must contain the parameter {name}.",
    query_codes={
        "QueueDoesNotExist": _SQS_LEGACY + "NonExistentQueue",
        "QueueNameExists": "QueueAlreadyExists",
        "KmsAccessDenied": "KMS.AccessDeniedException",
        "KmsDisabled": "KMS.DisabledException",
        "KmsInvalidState": "KMS.InvalidStateException",
        "KmsNotFound": "KMS.NotFoundException",
        "KmsOptInRequired": "KMS.OptInRequired",
        "KmsThrottled": "KMS.ThrottlingException",
        "KmsInvalidKeyUsage": "KMS.InvalidKeyUsageException",
    }
    | {
        name: _SQS_LEGACY + name
        for name in (
            "QueueDeletedRecently",
            "PurgeQueueInProgress",
            "MessageNotInflight",
            "EmptyBatchRequest",
            "TooManyEntriesInBatchRequest",
            "BatchEntryIdsNotDistinct",
            "InvalidBatchEntryId",
            "BatchRequestTooLong",
            "UnsupportedOperation",
        )
    }
    # What the query protocol calls the errors that all services share ("Common Error Types").
    | {
        "AccessDeniedException": "AccessDenied",
        "ExpiredTokenException": "ExpiredToken",
        "IncompleteSignatureException": "IncompleteSignature",
        "InvalidSignatureException": "SignatureDoesNotMatch",
        "MissingAuthenticationTokenException": "MissingAuthenticationToken",
        "SerializationException": "MalformedInput",
        "UnknownOperationException": "InvalidAction",
        "UnrecognizedClientException": "InvalidClientTokenId",
    }
    # Their names have always been these; clients of the query protocol look for them, too.
    | {
        name: name
        for name in (
            "InvalidAddress",
            "InvalidAttributeName",
            "InvalidAttributeValue",
            "InvalidIdFormat",
            "InvalidMessageContents",
            "InvalidSecurity",
            "OverLimit",
            "ReceiptHandleIsInvalid",
            "RequestThrottled",
            "ResourceNotFoundException",
        )
    },
)

# AWS docs, S3 API reference, "Error responses" and the response syntax of each operation.
_S3 = Patch(
    has_bare_errors=True,
    constraint_code="InvalidArgument",
    null_code="MalformedXML",
    null_text=(
        "The XML you provided was not well-formed or did not validate against our published schema"
    ),
    has_digests=True,
    has_open_texts=True,
    parameter_code="InvalidArgument",
    parameter_text="Provided {name} not an integer or within integer range",
    # "Expires" is kept as it was sent; dates of conditions that are none do not count.
    text_members=frozenset({"Expires", "ResponseExpires"}),
    lenient_members=frozenset(
        {
            "IfModifiedSince",
            "IfUnmodifiedSince",
            "CopySourceIfModifiedSince",
            "CopySourceIfUnmodifiedSince",
        }
    ),
    timestamp="iso8601-millis",
    query_codes={"InternalFailure": "InternalError"},
    has_hoisted_headers=True,
    host_id_header="x-amz-id-2",
    namespace="http://s3.amazonaws.com/doc/2006-03-01/",
    host_label="Bucket",
    is_anonymous_home=True,
    roots={
        "CompleteMultipartUpload": "CompleteMultipartUploadResult",
        "CopyObject": "CopyObjectResult",
        "CreateMultipartUpload": "InitiateMultipartUploadResult",
        "CreateSession": "CreateSessionResult",
        "DeleteObjects": "DeleteResult",
        "GetBucketAccelerateConfiguration": "AccelerateConfiguration",
        "GetBucketAcl": "AccessControlPolicy",
        "GetBucketCors": "CORSConfiguration",
        "GetBucketLifecycle": "LifecycleConfiguration",
        "GetBucketLifecycleConfiguration": "LifecycleConfiguration",
        "GetBucketLocation": "LocationConstraint",
        "GetBucketLogging": "BucketLoggingStatus",
        "GetBucketNotification": "NotificationConfiguration",
        "GetBucketNotificationConfiguration": "NotificationConfiguration",
        "GetBucketRequestPayment": "RequestPaymentConfiguration",
        "GetBucketTagging": "Tagging",
        "GetBucketVersioning": "VersioningConfiguration",
        "GetBucketWebsite": "WebsiteConfiguration",
        "GetObjectAcl": "AccessControlPolicy",
        "GetObjectAttributes": "GetObjectAttributesResponse",
        "GetObjectTagging": "Tagging",
        "ListBucketAnalyticsConfigurations": "ListBucketAnalyticsConfigurationResult",
        "ListBucketIntelligentTieringConfigurations": (
            "ListBucketIntelligentTieringConfigurationsOutput"
        ),
        "ListBucketInventoryConfigurations": "ListInventoryConfigurationsResult",
        "ListBucketMetricsConfigurations": "ListMetricsConfigurationsResult",
        "ListBuckets": "ListAllMyBucketsResult",
        "ListDirectoryBuckets": "ListAllMyDirectoryBucketsResult",
        "ListMultipartUploads": "ListMultipartUploadsResult",
        "ListObjectVersions": "ListVersionsResult",
        "ListObjects": "ListBucketResult",
        "ListObjectsV2": "ListBucketResult",
        "ListParts": "ListPartsResult",
        "UploadPartCopy": "CopyPartResult",
    },
    bare_outputs=frozenset({"GetBucketLocation"}),
)

PATCHES: Mapping[str, Patch] = {
    "dynamodb": _DYNAMODB,
    # AWS docs, DynamoDB Streams API reference: the same front as the tables'.
    "dynamodbstreams": _DYNAMODB,
    "sqs": _SQS,
    "s3": _S3,
    # AWS docs, SNS API reference, "Common errors".
    "sns": Patch(constraint_code="InvalidParameter"),
    # AWS docs, CloudWatch Logs API reference, "InvalidParameterException".
    "logs": Patch(constraint_code="InvalidParameterException"),
}


_JSON_PATH = r"(\$(\.[\w/_-]+(\[(\d+|\*)\])*)*)"

PATTERNS: Mapping[str, str] = {
    # Pipes, HeaderValue: a run of blanks can be cut in exponentially many ways. The same language.
    rf"[ \t]*[\x20-\x7E]+([ \t]+[\x20-\x7E]+)*[ \t]*|{_JSON_PATH}": (
        rf"\t*[\x20-\x7E][\t\x20-\x7E]*|{_JSON_PATH}"
    ),
}
"""A model's pattern that takes for ever → one for the same texts that does not."""


def patch_of(model: str) -> Patch:
    """Return the patch of a model, or one that changes nothing."""
    return PATCHES.get(model, NO_PATCH)
