// Who am I, with long-lived keys and with a session's.
import assert from "node:assert/strict";
import * as sts from "@aws-sdk/client-sts";

const root = await new sts.STSClient({}).send(new sts.GetCallerIdentityCommand({}));
assert.match(root.Arn, /^arn:aws:iam::\d{12}:root$/);

const { Credentials } = await new sts.STSClient({}).send(new sts.GetSessionTokenCommand({}));
const session = new sts.STSClient({
  credentials: {
    accessKeyId: Credentials.AccessKeyId,
    secretAccessKey: Credentials.SecretAccessKey,
    sessionToken: Credentials.SessionToken,
  },
});
assert.equal((await session.send(new sts.GetCallerIdentityCommand({}))).Arn, root.Arn);

const wrong = new sts.STSClient({
  credentials: { accessKeyId: Credentials.AccessKeyId, secretAccessKey: "not it", sessionToken: Credentials.SessionToken },
});
await assert.rejects(wrong.send(new sts.GetCallerIdentityCommand({})), { name: "SignatureDoesNotMatch" });
