// A PostgreSQL of this machine's own binaries, in a directory, reached by a socket in it only. For machines without Docker.

import { execFileSync, spawn, spawnSync } from "node:child_process";
import { chownSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const DEBIAN = "/usr/lib/postgresql";

/** The directory of `initdb` and `postgres`; undefined where there are none. */
export function findPostgres() {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a)) : [];
  const directories = [...versions.map((version) => join(DEBIAN, version, "bin")), ...process.env.PATH.split(delimiter)];
  return directories.find((directory) => ["initdb", "postgres"].every((name) => existsSync(join(directory, name))));
}

/** Installs it where that is possible without asking; says whether it is there now. */
export function installPostgres(say) {
  if (findPostgres()) return true;
  if (process.getuid?.() !== 0 || spawnSync("apt-get", ["--version"]).status !== 0) return false;
  say("installing PostgreSQL (apt-get) …");
  const options = { stdio: "ignore", env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" }, timeout: 300_000 };
  spawnSync("apt-get", ["update", "-qq"], options);
  spawnSync("apt-get", ["install", "-y", "-qq", "--no-install-recommends", "postgresql"], options);
  return findPostgres() !== undefined;
}

/** Starts it, with its data in `directory`, which is made; `stop` waits until it has ended. */
export async function startPostgres(directory, settings = {}) {
  const binaries = findPostgres();
  if (!binaries) throw new Error("PostgreSQL is missing: install it (Debian: apt-get install postgresql), or set DATABASE_URL");
  const owner = ownerOf(directory);
  const data = join(directory, "data");
  if (!existsSync(join(data, "PG_VERSION"))) {
    // Only who may enter the directory reaches the socket.
    const options = { ...owner, cwd: "/", stdio: ["ignore", "ignore", "pipe"] };
    execFileSync(join(binaries, "initdb"), ["-D", data, "-U", "footfall", "-A", "trust", "-E", "UTF8", "--no-locale"], options);
  }
  const all = { listen_addresses: "", unix_socket_directories: directory, ...settings };
  const flags = Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const server = spawn(join(binaries, "postgres"), ["-D", data, ...flags], { ...owner, cwd: "/", stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  server.stderr.on("data", (text) => {
    log = `${log}${text}`.slice(-4_000);
  });
  const ended = new Promise((done) => server.once("exit", done));
  const url = `postgresql://footfall@localhost/postgres?host=${encodeURIComponent(directory)}`;
  for (let tries = 0; !/ready to accept connections/.test(log); tries += 1) {
    if (server.exitCode !== null || tries > 600) throw new Error(`PostgreSQL did not start:\n${log}`);
    await sleep(50);
  }
  return {
    url,
    stop() {
      server.kill("SIGINT"); // its own word for a quick and clean end
      return ended;
    },
  };
}

/** PostgreSQL refuses to run as root, who therefore gives it a directory of its own user's. */
function ownerOf(directory) {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (process.getuid?.() !== 0) return {};
  const id = (flag) => Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }));
  const owner = { uid: id("-u"), gid: id("-g") };
  chownSync(directory, owner.uid, owner.gid);
  return owner;
}
