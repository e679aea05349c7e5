// Puts queue-broker.js, which keeps messages on disk, in the place of Miniflare's broker, which forgets them.

import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const SOURCE = readFileSync(new URL("./queue-broker.js", import.meta.url), "utf8");
const DISK = "footfall:queues";

/**
 * `plugin` is Miniflare's QUEUES_PLUGIN, whose services for workerd are rewritten on their way. With `seed`, for tests, the
 * queue does what the service is allowed to do: it changes the order, and brings acknowledged messages again. `refuses` and
 * `hangs`, for tests as well, are the names of a queue that takes nothing, and of one that does not answer.
 */
export function keepQueuesOnDisk(plugin, persistence, { seed, refuses, hangs } = {}) {
  const directory = join(persistence, "queues");
  mkdirSync(directory, { recursive: true });
  const getServices = plugin.getServices;
  plugin.getServices = async (options) => {
    const services = await getServices(options);
    const broker = services.find((service) => service.worker?.durableObjectNamespaces);
    if (!broker) return services;
    const [namespace] = broker.worker.durableObjectNamespaces;
    Object.assign(broker.worker, {
      compatibilityDate: "2026-11-17",
      compatibilityFlags: ["experimental", "service_binding_extra_handlers"],
      modules: [
        { name: "queue-broker.js", esModule: SOURCE },
        {
          name: "queue-seed.js",
          esModule: `export default ${JSON.stringify(seed ?? null)}; export const { refuses, hangs } = ${JSON.stringify({ refuses, hangs })};`,
        },
      ],
      durableObjectNamespaces: [{ ...namespace, enableSql: true }],
      durableObjectStorage: { localDisk: DISK },
    });
    return [...services, { name: DISK, disk: { path: directory, writable: true } }];
  };
}
