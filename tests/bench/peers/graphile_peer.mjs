// graphile-worker with batches: `node graphile_peer.mjs drain N` or `latency N`; one line of JSON.
import { run, runMigrations, makeWorkerUtils } from "graphile-worker";
import { measure } from "./measure.mjs";

const settings = {
  connectionString: process.env.DATABASE_URL,
  maxPoolSize: 25,
  noHandleSignals: true,
};
// The settings of its own performance page, which measure best.
const worker = {
  concurrentJobs: 24,
  localQueue: { size: 500 },
  completeJobBatchDelay: 0,
  failJobBatchDelay: 0,
};

await runMigrations(settings);
const utils = await makeWorkerUtils(settings);

await measure({
  async fill(number) {
    // As many at once take it ever longer.
    for (let first = 1; first <= number; first += 1000) {
      await utils.addJobs(
        Array.from({ length: Math.min(1000, number - first + 1) }, (_, n) => ({
          identifier: "work",
          payload: { n: first + n },
        })),
      );
    }
  },
  async add(n) {
    await utils.addJob("work", { n });
  },
  async start(handle) {
    const runner = await run({
      ...settings,
      preset: { worker },
      taskList: { work: async (payload) => handle(payload.n) },
    });
    return () => runner.stop();
  },
  async left() {
    return utils.withPgClient(async (client) => {
      const { rows } = await client.query(
        "select count(*)::int as left from graphile_worker._private_jobs",
      );
      return rows[0].left;
    });
  },
});
await utils.release();
