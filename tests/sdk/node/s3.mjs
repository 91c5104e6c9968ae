// Objects, an upload in parts, ranges and conditions; the SDK's own checksums are on.
import assert from "node:assert/strict";
import * as s3 from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";

const client = new s3.S3Client({ forcePathStyle: true });
const Bucket = "bucket";
await client.send(new s3.CreateBucketCommand({ Bucket }));

const Key = "a folder/æ+ø %.txt";
await client.send(
  new s3.PutObjectCommand({ Bucket, Key, Body: "hello", ContentType: "text/plain", Metadata: { by: "me" } }),
);
const got = await client.send(new s3.GetObjectCommand({ Bucket, Key, Range: "bytes=1-3" }));
assert.equal(await got.Body.transformToString(), "ell");
assert.equal(got.ContentRange, "bytes 1-3/5");
assert.deepEqual(got.Metadata, { by: "me" });

const large = Buffer.alloc(11 * 1024 * 1024, "haar ");
await new Upload({ client, params: { Bucket, Key: "large", Body: large } }).done();
const back = await client.send(new s3.GetObjectCommand({ Bucket, Key: "large" }));
assert.ok(large.equals(Buffer.from(await back.Body.transformToByteArray())));

const listed = await client.send(new s3.ListObjectsV2Command({ Bucket, Delimiter: "/" }));
assert.deepEqual(listed.CommonPrefixes.map((one) => one.Prefix), ["a folder/"]);
assert.deepEqual(listed.Contents.map((one) => [one.Key, one.Size]), [["large", large.length]]);

await assert.rejects(client.send(new s3.GetObjectCommand({ Bucket, Key: "none" })), s3.NoSuchKey);
await assert.rejects(
  client.send(new s3.PutObjectCommand({ Bucket, Key, Body: "again", IfNoneMatch: "*" })),
  (err) => err.name === "PreconditionFailed" && err.$metadata.httpStatusCode === 412,
);
await client.send(
  new s3.DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key }, { Key: "large" }] } }),
);
await client.send(new s3.DeleteBucketCommand({ Bucket }));
