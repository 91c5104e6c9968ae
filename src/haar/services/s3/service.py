"""S3's front door: what it is made of."""

from __future__ import annotations

from haar.kit.operation import collect
from haar.kit.service import Service
from haar.services.s3 import (
    buckets,
    completing,
    contents,
    object_lists,
    objects,
    parts,
    reading,
    uploads,
)

SERVICE = Service(
    name="s3",
    models=("s3",),
    operations=collect(
        buckets.create_bucket,
        buckets.head_bucket,
        buckets.get_bucket_location,
        buckets.list_buckets,
        buckets.delete_bucket,
        objects.put_object,
        reading.get_object,
        reading.head_object,
        objects.delete_object,
        object_lists.list_objects,
        object_lists.list_objects_v2,
        uploads.create_multipart_upload,
        parts.upload_part,
        completing.complete_multipart_upload,
        uploads.abort_multipart_upload,
    ),
    jobs=(contents.REMOVE, buckets.CLEAR),
    parts=(contents.Readings,),
)
