// The document client of lib-dynamodb: plain JavaScript values in and out.
import assert from "node:assert/strict";
import * as dynamodb from "@aws-sdk/client-dynamodb";
import * as lib from "@aws-sdk/lib-dynamodb";

const client = new dynamodb.DynamoDBClient({});
const documents = lib.DynamoDBDocumentClient.from(client);
const TableName = "music";

await client.send(
  new dynamodb.CreateTableCommand({
    TableName,
    KeySchema: [
      { AttributeName: "artist", KeyType: "HASH" },
      { AttributeName: "year", KeyType: "RANGE" },
    ],
    AttributeDefinitions: [
      { AttributeName: "artist", AttributeType: "S" },
      { AttributeName: "year", AttributeType: "N" },
      { AttributeName: "genre", AttributeType: "S" },
    ],
    GlobalSecondaryIndexes: [
      {
        IndexName: "by-genre",
        KeySchema: [{ AttributeName: "genre", KeyType: "HASH" }],
        Projection: { ProjectionType: "ALL" },
      },
    ],
    BillingMode: "PAY_PER_REQUEST",
  }),
);
await dynamodb.waitUntilTableExists({ client, minDelay: 1, maxWaitTime: 20 }, { TableName });

const song = {
  artist: "Capercaillie",
  year: 1991,
  genre: "folk",
  tags: new Set(["gaelic", "scots"]),
  chart: { uk: [39, 41], live: false, note: null },
  cover: Uint8Array.of(1, 2, 3),
};
await documents.send(new lib.PutCommand({ TableName, Item: song }));
const Key = { artist: song.artist, year: song.year };
const { Item } = await documents.send(new lib.GetCommand({ TableName, Key }));
assert.deepEqual(Item, song);

const { Attributes } = await documents.send(
  new lib.UpdateCommand({
    TableName,
    Key,
    UpdateExpression: "SET #c.#uk[0] = :one, plays = if_not_exists(plays, :zero) + :one",
    ConditionExpression: "contains(tags, :tag)",
    ExpressionAttributeNames: { "#c": "chart", "#uk": "uk" },
    ExpressionAttributeValues: { ":one": 1, ":zero": 0, ":tag": "gaelic" },
    ReturnValues: "ALL_NEW",
  }),
);
assert.deepEqual(Attributes.chart.uk, [1, 41]);
assert.equal(Attributes.plays, 1);

await assert.rejects(
  documents.send(
    new lib.PutCommand({ TableName, Item: song, ConditionExpression: "attribute_not_exists(artist)" }),
  ),
  dynamodb.ConditionalCheckFailedException,
);

await documents.send(
  new lib.BatchWriteCommand({
    RequestItems: {
      [TableName]: Array.from({ length: 20 }, (_, n) => ({
        PutRequest: { Item: { artist: "Runrig", year: 1979 + n, genre: "rock" } },
      })),
    },
  }),
);
const years = [];
const pages = lib.paginateQuery(
  { client: documents, pageSize: 7 },
  {
    TableName,
    KeyConditionExpression: "artist = :a AND #y BETWEEN :from AND :to",
    ExpressionAttributeNames: { "#y": "year" },
    ExpressionAttributeValues: { ":a": "Runrig", ":from": 1980, ":to": 1995 },
    ScanIndexForward: false,
  },
);
for await (const page of pages) years.push(...page.Items.map((item) => item.year));
assert.deepEqual(years, Array.from({ length: 16 }, (_, n) => 1995 - n));

const folk = await documents.send(
  new lib.QueryCommand({
    TableName,
    IndexName: "by-genre",
    KeyConditionExpression: "genre = :g",
    ExpressionAttributeValues: { ":g": "folk" },
  }),
);
assert.equal(folk.Count, 1);

const failure = await documents
  .send(
    new lib.TransactWriteCommand({
      TransactItems: [
        { Put: { TableName, Item: { artist: "new", year: 1 } } },
        { ConditionCheck: { TableName, Key, ConditionExpression: "plays > :n", ExpressionAttributeValues: { ":n": 9 } } },
      ],
    }),
  )
  .catch((err) => err);
assert.ok(failure instanceof dynamodb.TransactionCanceledException);
assert.deepEqual(failure.CancellationReasons.map((one) => one.Code), ["None", "ConditionalCheckFailed"]);
const { Item: none } = await documents.send(
  new lib.GetCommand({ TableName, Key: { artist: "new", year: 1 } }),
);
assert.equal(none, undefined);
