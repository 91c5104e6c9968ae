// The Runtime API client of Node functions: one file, no package.
//
// Finds the handler, and speaks HTTP/1.1 on descriptor 3, a socket that haar gave it. The answer to
// one invocation and the question for the next leave in one write. Handlers may be asynchronous or
// call back; CommonJS and ES modules are found as AWS finds them (.js, .mjs, .cjs).

import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { Socket } from "node:net";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const PREFIX = "/2018-06-01/runtime";
const NEXT = Buffer.from(`GET ${PREFIX}/invocation/next HTTP/1.1\r\nHost: runtime\r\n\r\n`);
const END = Buffer.from("\r\n\r\n");

const socket = new Socket({ fd: 3, readable: true, writable: true });
let buffer = Buffer.alloc(0);
const waiting = [];

function take() {
  const end = buffer.indexOf(END);
  if (end < 0) return null;
  const headers = {};
  for (const line of buffer.subarray(0, end).toString("latin1").split("\r\n").slice(1)) {
    const colon = line.indexOf(":");
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  const stop = end + 4 + Number(headers["content-length"]);
  if (buffer.length < stop) return null;
  const body = buffer.subarray(end + 4, stop);
  buffer = buffer.subarray(stop);
  return { headers, body };
}

socket.on("data", (piece) => {
  buffer = buffer.length ? Buffer.concat([buffer, piece]) : piece;
  while (waiting.length) {
    const answer = take();
    if (answer === null) return;
    waiting.shift()(answer);
  }
});
socket.on("close", () => process.exit(0));
socket.on("error", () => process.exit(0));

const receive = () => {
  const answer = take();
  return answer ? Promise.resolve(answer) : new Promise((resolved) => waiting.push(resolved));
};

function post(path, body, kind) {
  const bytes = Buffer.from(body);
  const type = kind ? `Lambda-Runtime-Function-Error-Type: ${kind}\r\n` : "";
  const head = `POST ${PREFIX}${path} HTTP/1.1\r\nHost: runtime\r\nContent-Type: application/json\r\n`;
  return Buffer.concat([Buffer.from(`${head}${type}Content-Length: ${bytes.length}\r\n\r\n`), bytes]);
}

function describe(error) {
  if (error instanceof Error || (error && error.stack && error.message)) {
    return {
      errorType: error.name ?? "Error",
      errorMessage: error.message,
      trace: String(error.stack).split("\n"),
    };
  }
  return { errorType: typeof error, errorMessage: String(error), trace: [] };
}

class Fault extends Error {
  constructor(kind, message) {
    super(message);
    this.name = kind;
  }
}

async function load(file) {
  for (const extension of ["", ".js", ".mjs", ".cjs"]) {
    if (!extension && !/\.[cm]?js$/.test(file)) continue;
    const path = file + extension;
    if (!existsSync(path)) continue;
    if (path.endsWith(".cjs")) return createRequire(path)(path);
    return import(pathToFileURL(path));
  }
  throw new Fault("Runtime.ImportModuleError", `Error: Cannot find module '${file}'`);
}

async function findHandler(name) {
  const slash = name.lastIndexOf("/") + 1;
  const [file, ...path] = name.slice(slash).split(".");
  if (!path.length) throw new Fault("Runtime.MalformedHandlerName", "Bad handler");
  const module = await load(resolve(process.env.LAMBDA_TASK_ROOT, name.slice(0, slash) + file));
  const found = (root) => path.reduce((at, key) => at?.[key], root);
  const handler = found(module) ?? found(module.default);
  if (typeof handler !== "function") {
    throw new Fault("Runtime.HandlerNotFound", `${name} is undefined or not exported`);
  }
  return handler;
}

function contextOf(headers) {
  const deadline = Number(headers["lambda-runtime-deadline-ms"]);
  const parse = (text) => (text ? JSON.parse(text) : undefined);
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    invokedFunctionArn: headers["lambda-runtime-invoked-function-arn"],
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    awsRequestId: headers["lambda-runtime-aws-request-id"],
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    identity: parse(headers["lambda-runtime-cognito-identity"]),
    clientContext: parse(headers["lambda-runtime-client-context"]),
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
  };
}

function run(handler, event, context) {
  return new Promise((resolved, rejected) => {
    const callback = (error, result) => (error ? rejected(error) : resolved(result));
    context.done = callback;
    context.succeed = resolved;
    context.fail = rejected;
    const result = handler(event, context, callback);
    if (result && typeof result.then === "function") result.then(resolved, rejected);
    else if (result !== undefined || handler.length < 3) resolved(result);
  });
}

async function answer(handler, { headers, body }) {
  const id = headers["lambda-runtime-aws-request-id"];
  process.env._X_AMZN_TRACE_ID = headers["lambda-runtime-trace-id"] ?? "";
  try {
    const result = await run(handler, JSON.parse(body.toString()), contextOf(headers));
    return post(`/invocation/${id}/response`, JSON.stringify(result === undefined ? null : result));
  } catch (error) {
    const shape = describe(error);
    console.error(`${id}\tERROR\tInvoke Error\t${JSON.stringify(shape)}`);
    return post(`/invocation/${id}/error`, JSON.stringify(shape), shape.errorType);
  }
}

async function main() {
  let handler;
  try {
    handler = await findHandler(process.env._HANDLER);
  } catch (error) {
    const shape = describe(error);
    console.error(`ERROR\tInit Error\t${JSON.stringify(shape)}`);
    socket.write(post("/init/error", JSON.stringify(shape), shape.errorType));
    await receive();
    process.exit(1);
  }
  socket.write(NEXT);
  for (;;) {
    const said = await answer(handler, await receive());
    socket.write(Buffer.concat([said, NEXT]));
    await receive();
  }
}

process.on("uncaughtException", (error) => {
  console.error(`ERROR\tUncaught Exception\t${JSON.stringify(describe(error))}`);
  process.exit(129);
});

await main();
