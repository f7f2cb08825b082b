// Makes the official JavaScript client call an app as the conformance tester for clients asks:
//
//     gradio-proto conformance client --command 'node docs/findings/official_js_client.mjs PACKAGES'
//
// PACKAGES is the directory node_modules in which @gradio/client is. Scenarios on files are not for it: it leaves the
// downloading of files to its user.

import { createRequire } from "node:module";
import { resolve } from "node:path";

const { Client } = createRequire(resolve(process.argv[2]) + "/")("@gradio/client");
console.log = console.warn = console.error = () => {}; // the last line of the output is the outcome

const { GRADIO_URL, GRADIO_API_NAME, GRADIO_DATA, GRADIO_CALLS, GRADIO_STREAM, GRADIO_TOKEN, GRADIO_HEADERS } = process.env;

const one = (data) => (data.length === 1 ? data[0] : data);

async function values(client, api_name, data) {
  const all = [];
  for await (const event of client.submit(api_name, data)) {
    if (event.type === "data") all.push(structuredClone(one(event.data))); // it goes on changing what it gave
    if (event.type === "status" && event.stage === "error") throw new Error(event.message);
  }
  return { values: all };
}

async function outcome(client, api_name, data) {
  try {
    if (GRADIO_STREAM === "true") return await values(client, api_name, data);
    return { value: one((await client.predict(api_name, data)).data) };
  } catch (error) {
    return failure(error);
  }
}

// It throws statuses as well as errors.
const failure = (error) => ({
  error: String(error?.message ?? JSON.stringify(error)),
  type: error?.constructor?.name ?? typeof error,
});

async function outcomes() {
  try {
    const headers = GRADIO_HEADERS ? JSON.parse(GRADIO_HEADERS) : undefined;
    const client = await Client.connect(GRADIO_URL, { token: GRADIO_TOKEN, headers, events: ["data", "status"] });
    if (!GRADIO_CALLS) return await outcome(client, GRADIO_API_NAME, JSON.parse(GRADIO_DATA));
    const calls = JSON.parse(GRADIO_CALLS).map(({ api_name, data }) => outcome(client, api_name, data));
    return { results: await Promise.all(calls) };
  } catch (error) {
    return failure(error);
  }
}

const line = JSON.stringify(await outcomes(), (_, value) => (value === undefined ? "(undefined)" : value));
process.stdout.write(line + "\n", () => process.exit(0)); // its streams would keep the process alive
