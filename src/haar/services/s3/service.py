"""S3's front door: what it is made of."""

from __future__ import annotations

from haar.kit.operation import collect
from haar.kit.service import Service
from haar.services.s3 import (
    attributes,
    buckets,
    completing,
    contents,
    copies,
    deletions,
    object_lists,
    objects,
    parts,
    reading,
    tags,
    uploads,
)

SERVICE = Service(
    name="s3",
    models=("s3",),
    operations=collect(
        buckets.create_bucket,
        buckets.head_bucket,
        buckets.get_bucket_location,
        buckets.get_bucket_versioning,
        buckets.list_buckets,
        buckets.delete_bucket,
        objects.put_object,
        reading.get_object,
        reading.head_object,
        attributes.get_object_attributes,
        copies.copy_object,
        objects.delete_object,
        deletions.delete_objects,
        tags.put_object_tagging,
        tags.get_object_tagging,
        tags.delete_object_tagging,
        object_lists.list_objects,
        object_lists.list_objects_v2,
        object_lists.list_object_versions,
        uploads.create_multipart_upload,
        uploads.list_multipart_uploads,
        parts.upload_part,
        parts.list_parts,
        copies.upload_part_copy,
        completing.complete_multipart_upload,
        uploads.abort_multipart_upload,
    ),
    jobs=(contents.REMOVE, buckets.CLEAR, completing.FORGET),
    parts=(contents.Readings,),
)
