// Standard and FIFO queues; the SDK checks the MD5 of every message by itself.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import * as sqs from "@aws-sdk/client-sqs";

const client = new sqs.SQSClient({});
const send = (command) => client.send(command);

const { QueueUrl } = await send(new sqs.CreateQueueCommand({ QueueName: "orders" }));
const sent = await send(
  new sqs.SendMessageCommand({
    QueueUrl,
    MessageBody: "æøå",
    MessageAttributes: {
      kind: { DataType: "String", StringValue: "order" },
      raw: { DataType: "Binary", BinaryValue: Uint8Array.of(0, 255) },
      count: { DataType: "Number", StringValue: "3" },
    },
  }),
);
assert.equal(sent.MD5OfMessageBody, createHash("md5").update("æøå").digest("hex"));
assert.match(sent.MD5OfMessageAttributes, /^[0-9a-f]{32}$/);

const batch = await send(
  new sqs.SendMessageBatchCommand({
    QueueUrl,
    Entries: [
      { Id: "a", MessageBody: "two" },
      { Id: "b", MessageBody: "three", DelaySeconds: 900 },
    ],
  }),
);
assert.deepEqual(batch.Successful.map((one) => one.Id).sort(), ["a", "b"]);

const bodies = new Map();
while (bodies.size < 2) {
  const { Messages = [] } = await send(
    new sqs.ReceiveMessageCommand({
      QueueUrl,
      WaitTimeSeconds: 2,
      MaxNumberOfMessages: 10,
      MessageAttributeNames: ["All"],
      MessageSystemAttributeNames: ["All"],
    }),
  );
  assert.ok(Messages.length > 0, "a long poll finds what is there");
  for (const message of Messages) {
    bodies.set(message.Body, message);
    await send(new sqs.DeleteMessageCommand({ QueueUrl, ReceiptHandle: message.ReceiptHandle }));
  }
}
const order = bodies.get("æøå");
assert.deepEqual(order.MessageAttributes.raw.BinaryValue, Uint8Array.of(0, 255));
assert.equal(order.Attributes.ApproximateReceiveCount, "1");

await assert.rejects(send(new sqs.GetQueueUrlCommand({ QueueName: "nowhere" })), (err) => {
  assert.ok(err instanceof sqs.QueueDoesNotExist);
  assert.equal(err.$metadata.httpStatusCode, 400);
  return true;
});
