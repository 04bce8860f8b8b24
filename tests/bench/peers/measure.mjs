// The two measurements, alike for all peers that run on Node; measure.py has the same in Python.
const now = () => performance.timeOrigin + performance.now();
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function drain(peer, number) {
  await peer.fill(number);
  let handled = 0;
  let began = 0;
  const stop = await peer.start(() => {
    began ||= now();
    handled += 1;
  });
  while (handled < number || (await peer.left()) > 0) await sleep(5);
  const seconds = (now() - began) / 1000;
  await stop();
  return { seconds };
}

async function latency(peer, number) {
  const begun = new Map();
  const milliseconds = [];
  const stop = await peer.start((n) => milliseconds.push(now() - begun.get(n)));
  await sleep(1000);
  for (let n = 1; n <= number; n += 1) {
    begun.set(n, now());
    await peer.add(n);
    await sleep(100 + 200 * Math.random());
  }
  while (milliseconds.length < number) await sleep(50);
  await stop();
  return { milliseconds };
}

export async function measure(peer) {
  const [what, number] = process.argv.slice(2);
  const found = await { drain, latency }[what](peer, Number(number));
  console.log(JSON.stringify(found));
}
