"""S3: general purpose buckets and their objects; the model ``s3``.

Objects of up to 64 KiB ride in rows; larger ones are files, synced before a transaction refers to
them. An object made in parts refers to the files of its parts: completing an upload copies nothing.

Differences from AWS: no versions, no access control lists beyond the owner's, no encryption, one
storage class; what asks for them is refused by name. One endpoint serves every region, and a bucket
answers only requests that are signed for its own.
"""
