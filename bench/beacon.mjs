// From publish to alert: two nodes on loopback, TLS and release on, telemetry flowing.
//
//   node bench/beacon.mjs [OBJECTS=3000] [RATE=100] [SEAL_FROM]      SEAL_FROM: link.seal_from; "clear" seals every object, "classified" none of these
//
// For each object: the time from the first byte of a TAXII POST at A to the moment its alert is durable at B (B's own clock, same machine). Values have never been
// seen before; telemetry at B is a steady stream in which a published value begins to appear as soon as it is posted: every 5 ms, ten times, then ever more rarely for
// three seconds, so that a late alert is late and not lost. An object without an alert counts as infinitely late.
import { openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { Https, House, indicator, json, live, makeDirectory, pair, sleep } from '../tests/system/lib/bongsu.mjs';

const kAppears = new Set([...Array(10).keys()].map((i) => i * 5).concat([75, 100, 150, 200, 300, 400, 600, 800, 1200, 1600, 2400, 3000]));  // ms after the POST began
const kLast = 3000;
const objects = Number(process.argv[2] ?? 3000), rate = Number(process.argv[3] ?? 100), sealFrom = process.argv[4];
const house = new House();
try {
  const a = await house.node('a'), b = await house.node('b');
  for (const node of sealFrom ? [a, b] : []) {
    const file = join(node.data, 'bongsu.toml');
    writeFileSync(file, readFileSync(file, 'utf8').replace('[link]\n', `[link]\nseal_from = "${sealFrom}"\n`));
  }
  const logs = makeDirectory(join(house.dir, 'logs'));
  await a.serve();
  await b.serve('--watch', logs);
  await pair(a, b);
  await a.agree(b);
  await b.agree(a);
  await live(b, 2);
  const { token } = await json(['account', 'add', 'bench', '--token', '--read', '*', '--write', '*', '--data', a.data]);
  const client = new Https(a.ca, { Authorization: `Bearer ${token}`, Accept: 'application/taxii+json;version=2.1', 'Content-Type': 'application/taxii+json;version=2.1' });
  const api = new URL((await client.request('GET', a.urls.taxii)).json.api_roots[0], a.urls.taxii).href;
  const shared = (await client.request('GET', new URL('collections/', api).href)).json.collections.find((c) => c.alias === 'shared').id;
  const url = new URL(`collections/${shared}/objects/`, api).href;

  const log = openSync(join(logs, 'dns.ndjson'), 'a');
  const pending = new Map();   // value → how often it was written
  let background = 0;
  const telemetry = setInterval(() => {
    let text = '';
    for (let i = 0; i < 5; ++i) text += `{"ts":"${new Date().toISOString()}","query":"host${background++ % 5000}.benign.example","src_ip":"10.0.0.9"}\n`;
    const time = performance.now();
    for (const [value, state] of pending) {
      while (state.next.length && time - state.began >= state.next[0]) {
        text += `{"ts":"${new Date().toISOString()}","query":"${value}","src_ip":"10.0.0.7"}\n`;
        do state.next.shift(); while (state.next.length && time - state.began >= state.next[0]);
      }
      if (!state.next.length) pending.delete(value);
    }
    writeSync(log, text);
  }, 1);
  const first = new Map();     // indicator → when its first alert became durable at B
  const collect = async () => {
    for (const line of await b.alerts(2000)) {
      const at = Date.parse(line.added.slice(0, 23) + 'Z') + Number(line.added.slice(23, 26)) / 1000;
      const id = line.alert.indicator;
      if (!first.has(id) || first.get(id) > at) first.set(id, at);
    }
  };
  let collecting = Promise.resolve();
  const collector = setInterval(() => (collecting = collecting.then(collect)), 500);

  // CPU seconds of a keeper since it began (proc_pid_stat(5): utime and stime in ticks of 10 ms).
  const cpu = (node) => { const f = readFileSync(`/proc/${node.child.pid}/stat`, 'utf8').split(') ')[1].split(' '); return (Number(f[11]) + Number(f[12])) / 100; };
  const cpuBefore = [cpu(a), cpu(b)];
  const started = new Map(), ids = new Map();
  const now = () => performance.timeOrigin + performance.now();
  const begin = now();
  const running = [];
  for (let i = 0; i < objects; ++i) {
    const wait = begin + i * 1000 / rate - now();
    if (wait > 0) await sleep(wait);
    const value = `v${i}-${Math.random().toString(36).slice(2)}.example`;
    const object = indicator(value);
    started.set(object.id, now());
    ids.set(object.id, value);
    pending.set(value, { began: performance.now(), next: [...kAppears] });
    running.push(client.request('POST', url, JSON.stringify({ objects: [object] })).then((r) => { if (r.status !== 202) throw new Error(`POST: ${r.status} ${r.text}`); }));
  }
  await Promise.all(running);
  await sleep(kLast + 1000);
  clearInterval(telemetry);
  clearInterval(collector);
  await collecting;
  await collect();
  const total = (await b.status()).alerts.total;
  const delays = [...started].map(([id, at]) => (first.has(id) ? first.get(id) - at : Infinity)).sort((x, y) => x - y);
  const at = (p) => delays[Math.min(delays.length - 1, Math.floor(p * delays.length))]?.toFixed(1);
  const status = await b.status();
  console.log(JSON.stringify({ objects, rate_per_s: rate, seal_from: sealFrom, alerted: delays.filter(Number.isFinite).length, alerts: total, p50_ms: Number(at(0.5)), p90_ms: Number(at(0.9)), p99_ms: Number(at(0.99)), max_ms: Number(at(1)),
    cpu_us_per_object: { producer: Math.round(1e6 * (cpu(a) - cpuBefore[0]) / objects), consumer: Math.round(1e6 * (cpu(b) - cpuBefore[1]) / objects) }, delivered: status.delays.delivered, matched: status.delays.matched, telemetry_lines_per_s: Math.round(status.sensor.events / ((now() - begin) / 1000)) }, null, 1));
  client.close();
} finally {
  await house.close();
}
