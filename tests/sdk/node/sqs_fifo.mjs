// A FIFO queue: order within a group, and each content once.
import assert from "node:assert/strict";
import * as sqs from "@aws-sdk/client-sqs";

const client = new sqs.SQSClient({});
const send = (command) => client.send(command);

const { QueueUrl: fifo } = await send(
  new sqs.CreateQueueCommand({
    QueueName: "steps.fifo",
    Attributes: { FifoQueue: "true", ContentBasedDeduplication: "true" },
  }),
);
for (const body of ["1", "2", "2", "3"]) {
  await send(new sqs.SendMessageCommand({ QueueUrl: fifo, MessageBody: body, MessageGroupId: "g" }));
}
const { Messages } = await send(
  new sqs.ReceiveMessageCommand({ QueueUrl: fifo, MaxNumberOfMessages: 10 }),
);
assert.deepEqual(Messages.map((one) => one.Body), ["1", "2", "3"]);
