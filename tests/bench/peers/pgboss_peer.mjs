// pg-boss: `node pgboss_peer.mjs drain N` or `latency N`; one line of JSON.
import { PgBoss } from "pg-boss";
import { measure } from "./measure.mjs";

const boss = new PgBoss({
  connectionString: process.env.DATABASE_URL,
  max: 10,
  useListenNotify: true,
});
boss.on("error", (error) => {
  throw error;
});
await boss.start();
await boss.createQueue("work", { notify: true });

await measure({
  async fill(number) {
    for (let from = 1; from <= number; from += 1000) {
      const length = Math.min(1000, number - from + 1);
      const jobs = Array.from({ length }, (_, i) => ({ data: { n: from + i } }));
      await boss.insert("work", jobs);
    }
  },
  async add(n) {
    await boss.send("work", { n });
  },
  async start(handle) {
    const options = { batchSize: 100, burstWhenBatchFull: true, localConcurrency: 4 };
    await boss.work("work", options, async (jobs) => jobs.forEach((job) => handle(job.data.n)));
    return () => boss.offWork("work");
  },
  async left() {
    const { rows } = await boss.getDb().executeSql(
      "select count(*)::int as left from pgboss.job where name = 'work' and state < 'completed'",
    );
    return rows[0].left;
  },
});
await boss.stop();
