"""Refusals of S3, with AWS's texts; their keywords are members of the ``<Error>`` document too."""

from __future__ import annotations

from haar.kernel.errors import ApiError


class Refusal(ApiError):
    """Any of S3's; what it is given stands in the document."""

    def __init__(self, message: str | None = None, **members: object) -> None:
        super().__init__(message, members=dict(members), **members)


class AccessDenied(Refusal):
    """The bucket is another account's."""

    code = "AccessDenied"
    message = "Access Denied"
    status = 403


class NoSuchBucket(Refusal):
    """There is no bucket of that name."""

    code = "NoSuchBucket"
    message = "The specified bucket does not exist"
    status = 404


class NoSuchKey(Refusal):
    """There is no object of that key."""

    code = "NoSuchKey"
    message = "The specified key does not exist."
    status = 404


class NoSuchUpload(Refusal):
    """There is no such upload (any more)."""

    code = "NoSuchUpload"
    message = (
        "The specified upload does not exist. The upload ID may be invalid, or the upload may "
        "have been aborted or completed."
    )
    status = 404


class NoSuchVersion(Refusal):
    """There is no such version of the object."""

    code = "NoSuchVersion"
    message = "The specified version does not exist."
    status = 404


class InvalidBucketName(Refusal):
    """A name that no bucket may have."""

    code = "InvalidBucketName"
    message = "The specified bucket is not valid."


class BucketAlreadyExists(Refusal):
    """The name is taken by another account."""

    code = "BucketAlreadyExists"
    message = (
        "The requested bucket name is not available. The bucket namespace is shared by all users "
        "of the system. Please select a different name and try again."
    )
    status = 409


class BucketAlreadyOwnedByYou(Refusal):
    """The caller has that bucket."""

    code = "BucketAlreadyOwnedByYou"
    message = "Your previous request to create the named bucket succeeded and you already own it."
    status = 409


class BucketNotEmpty(Refusal):
    """A bucket with objects cannot be deleted."""

    code = "BucketNotEmpty"
    message = "The bucket you tried to delete is not empty"
    status = 409


class TooManyBuckets(Refusal):
    """The account has as many buckets as it may."""

    code = "TooManyBuckets"
    message = "You have attempted to create more buckets than allowed"


class IllegalLocationConstraint(Refusal):
    """The constraint is not the region that the request went to."""

    code = "IllegalLocationConstraintException"
    message = ""


class InvalidLocationConstraint(Refusal):
    """There is no such region."""

    code = "InvalidLocationConstraint"
    message = "The specified location-constraint is not valid"


class AuthorizationHeaderMalformed(Refusal):
    """The request was signed for another region than the bucket's."""

    code = "AuthorizationHeaderMalformed"
    message = ""


class InvalidBucketOwner(Refusal):
    """``x-amz-expected-bucket-owner`` is no account."""

    code = "InvalidBucketOwnerAWSAccountID"
    message = "The value of the expected bucket owner parameter must be an AWS account ID."


class AccessControlListNotSupported(Refusal):
    """Buckets have no access control lists here, as new ones of AWS."""

    code = "AccessControlListNotSupported"
    message = "The bucket does not allow ACLs"


class InvalidArgument(Refusal):
    """A parameter's value does not do; the text says why."""

    code = "InvalidArgument"
    message = ""


class InvalidRequest(Refusal):
    """Parameters that do not go together; the text says which."""

    code = "InvalidRequest"
    message = ""


class InvalidStorageClass(Refusal):
    """There is no such storage class."""

    code = "InvalidStorageClass"
    message = "The storage class you specified is not valid"


class KeyTooLong(Refusal):
    """The key has more than 1,024 bytes."""

    code = "KeyTooLongError"
    message = "Your key is too long"


class MetadataTooLarge(Refusal):
    """The user's metadata have more than 2 KiB."""

    code = "MetadataTooLarge"
    message = "Your metadata headers exceed the maximum allowed metadata size"


class EntityTooLarge(Refusal):
    """The body is larger than one call may bring."""

    code = "EntityTooLarge"
    message = "Your proposed upload exceeds the maximum allowed size"


class EntityTooSmall(Refusal):
    """A part that is not the last has less than 5 MiB."""

    code = "EntityTooSmall"
    message = "Your proposed upload is smaller than the minimum allowed size"


class MissingContentLength(Refusal):
    """The request does not say how long its body is."""

    code = "MissingContentLength"
    message = "You must provide the Content-Length HTTP header."
    status = 411


class InvalidDigest(Refusal):
    """``Content-MD5`` is no MD5 in base64."""

    code = "InvalidDigest"
    message = "The Content-MD5 you specified was invalid."


class BadDigest(Refusal):
    """The body is not the one that its digest was made of."""

    code = "BadDigest"
    message = "The Content-MD5 you specified did not match what we received."


class InvalidPart(Refusal):
    """A part that was not uploaded, or is another one now."""

    code = "InvalidPart"
    message = (
        "One or more of the specified parts could not be found.  The part may not have been "
        "uploaded, or the specified entity tag may not match the part's entity tag."
    )


class InvalidPartOrder(Refusal):
    """The parts do not ascend."""

    code = "InvalidPartOrder"
    message = "The list of parts was not in ascending order. Parts must be ordered by part number."


class InvalidPartNumber(Refusal):
    """The object has fewer parts."""

    code = "InvalidPartNumber"
    message = "The requested partnumber is not satisfiable"
    status = 416


class InvalidRange(Refusal):
    """The range begins behind the object's end."""

    code = "InvalidRange"
    message = "The requested range is not satisfiable"
    status = 416


class MalformedXml(Refusal):
    """The document has not the form that the operation asks for."""

    code = "MalformedXML"
    message = (
        "The XML you provided was not well-formed or did not validate against our published schema"
    )


class PreconditionFailed(Refusal):
    """A condition of the request does not hold."""

    code = "PreconditionFailed"
    message = "At least one of the pre-conditions you specified did not hold"
    status = 412


class NotModified(Refusal):
    """The client has the object as it is."""

    code = "NotModified"
    message = "Not Modified"
    status = 304


class ConditionalRequestConflict(Refusal):
    """The bucket was deleted while the body came."""

    code = "ConditionalRequestConflict"
    message = (
        "The conditional request cannot succeed due to a conflicting operation against this "
        "resource."
    )
    status = 409


class InvalidTag(Refusal):
    """A tag that may not be; the text says why."""

    code = "InvalidTag"
    message = ""


class BadRequest(Refusal):
    """More tags than an object may have."""

    code = "BadRequest"
    message = "Object tags cannot be greater than 10"
