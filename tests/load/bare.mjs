// Runs the bare alarms of tests/support on the runtime for the load tester, until the tester is gone. When they are ready it
// prints one line of JSON.

import childProcess from "node:child_process";
import { startBare } from "../support/bare-alarm.mjs";

// Which process the runtime is, is only told to whoever starts it.
let runtime;
const spawn = childProcess.spawn;
childProcess.spawn = (command, args, options) => {
  const child = spawn(command, args, options);
  if (args?.includes("serve")) runtime = child;
  return child;
};

const parent = process.ppid;
const { address, stop } = await startBare();
const end = async () => {
  await stop();
  process.exit(0);
};
for (const signal of ["SIGTERM", "SIGINT"]) {
  process.removeAllListeners(signal);
  process.once(signal, end);
}
setInterval(() => process.ppid === parent || end(), 500).unref();
process.stdout.write(`${JSON.stringify({ address, runtime_pid: runtime.pid })}\n`);
setInterval(() => {}, 60_000); // it lives until it is told to end
