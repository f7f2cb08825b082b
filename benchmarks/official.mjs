// The scenarios for the official JavaScript client. Prints its figures as JSON, as benchmarks/scenarios.py does.
//
//     node benchmarks/official.mjs PACKAGES SCENARIO URL SIZE
//
// PACKAGES is the directory node_modules in which @gradio/client is.

import { createRequire } from "node:module";

const [packages, scenario, url, size] = process.argv.slice(2);
const { Client } = createRequire(packages + "/")("@gradio/client");

const PATIENCE = 120; // seconds for all calls of a scenario: what has not ended by then is lost
const seconds = () => Number(process.hrtime.bigint()) / 1e9; // CLOCK_MONOTONIC on Linux, as Python's monotonic()
const pause = (time) => new Promise((resolve) => setTimeout(resolve, time * 1000));

async function measured(block) {
  const [wall, cpu] = [seconds(), process.cpuUsage()];
  await block();
  const { user, system } = process.cpuUsage(cpu);
  return { wall: seconds() - wall, cpu: (user + system) / 1e6 };
}

async function stats() {
  const reply = await fetch(`${url}/bench/stats`);
  return reply.ok ? await reply.json() : {};
}

async function concurrent(client, size) {
  const fast = client.config.dependencies.some(({ api_name }) => api_name === "fast");
  const name = fast ? "/fast" : "/echo";
  await client.predict(name, ["warm"]);
  await stats(); // what was open until now does not count
  let right = 0;
  const call = async (text) => {
    const { data } = await client.predict(name, [text]);
    right += data[0] === text ? 1 : 0;
  };
  const figures = await measured(async () => {
    const calls = Array.from({ length: size }, (_, index) => call(`call ${index}`).catch(() => {}));
    await Promise.race([Promise.all(calls), pause(PATIENCE)]);
  });
  const sockets = (await stats()).most_connections ?? 0;
  return { failed: size - right, ...figures, sockets };
}

async function latency(client, size) {
  await client.predict("/echo", ["warm"]);
  const late = [];
  const reading = async () => {
    for await (const event of client.submit("/ticks", [size])) {
      if (event.type === "data") late.push(seconds() - event.data[0]);
    }
  };
  await Promise.race([reading(), pause(PATIENCE)]);
  if (late.length < size) throw new Error(`${late.length} of ${size} values came`);
  late.sort((a, b) => a - b);
  const at = (share) => late[Math.min(late.length - 1, Math.floor(late.length * share))];
  return { latency: at(0.5), p99: at(0.99) };
}

try {
  const client = await Client.connect(url, { events: ["data"] });
  const figures = await { concurrent, latency }[scenario](client, Number(size));
  console.log(JSON.stringify(figures));
  process.exit(0); // at once, whatever the client still waits for
} catch (error) {
  console.error(String(error));
  process.exit(1);
}
