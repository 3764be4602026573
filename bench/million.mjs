// A node that holds a million objects: how it is filled, walked, searched, stopped and started again.
//
//   node bench/million.mjs [OBJECTS=1000000]        (50000 for a quick look)
//
// Nine of ten objects are indicators, each of a value of its own (domains, addresses, hashes, URLs), the others observables. Through the real node over TLS:
//   fill     TAXII POST in batches of 1000, four connections
//   walk     GET pages of 1000 by `next`, every object seen exactly once; CPU and memory of the node
//   start    from the process's start to /readyz 200, and till the sensor has every indicator (/admin/v1/status, detection.loaded, sensor.applied)
//   look-up  the console's search for a value that one object holds, alone and with full text beside it; time in the node's handler, from /metrics
// Before the restart some indicators are revoked, deleted and erased; afterwards telemetry names them and others: what was taken back raises no alert.
import { createHash } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { Https, House, check, equal, makeDirectory, sleep, tlp, until } from '../tests/system/lib/bongsu.mjs';
import { cpuBetween, cpuOf, peakMb, postAll, progress, quantile, residentMb, round, sensorOf, taxiiClient } from './lib/measure.mjs';

const kBatch = 1000, kPage = 1000, kConnections = 4, kLookups = 2000, kTakenBack = 30, kSeen = 200;
const count = Number(process.argv[2] ?? 1_000_000);

const hex = (i) => createHash('sha256').update(`bongsu ${i}`).digest('hex');
function uuid(h) { return `${h.slice(0, 8)}-${h.slice(8, 12)}-4${h.slice(13, 16)}-a${h.slice(17, 20)}-${h.slice(20, 32)}`; }
const observable = (i) => i % 10 === 9;
function valueOf(i) {
  const h = hex(i);
  switch (i % 5) {
    case 0: return ['ipv6-addr', `2001:db8:${h.slice(0, 4)}:${h.slice(4, 8)}::${i.toString(16).padStart(8, '0').replace(/(.{4})(.{4})/, '$1:$2')}`];
    case 1: return ['file', h];
    case 2: return ['url', `https://www.${h.slice(0, 8)}-${i}.example/${h.slice(8, 20)}/login.php`];
    default: return ['domain-name', `${h.slice(0, 10)}-${i}.example`];
  }
}
const idOf = (i) => `${observable(i) ? valueOf(i)[0] : 'indicator'}--${uuid(hex(`id ${i}`))}`;
function objectOf(i, more = {}) {
  const [type, value] = valueOf(i);
  if (observable(i)) return { type, spec_version: '2.1', id: idOf(i), value, object_marking_refs: [tlp.green] };
  const modified = new Date(1_767_225_600_000 + i).toISOString();
  const pattern = type === 'file' ? `[file:hashes.'SHA-256' = '${value}']` : `[${type}:value = '${value}']`;
  return { type: 'indicator', spec_version: '2.1', id: idOf(i), created: modified, modified, name: `Malicious infrastructure ${i}`, description: 'Seen in a campaign against operators of power grids',
    indicator_types: ['malicious-activity'], pattern, pattern_type: 'stix', valid_from: '2026-01-01T00:00:00Z', confidence: i % 100, labels: ['campaign', 'c2'], object_marking_refs: [tlp.green], ...more };
}

const get = (url) => new Promise((done, failed) => http.get(url, (response) => {
  let text = '';
  response.on('data', (d) => (text += d));
  response.on('end', () => done({ status: response.statusCode, text }));
}).on('error', failed));

async function start(node, ...args) {
  const begin = performance.now();
  await node.serve(...args);
  const asked = [];
  await until('ready', async () => { const r = await get(`${node.urls.ops}readyz`); asked.push(r.text.trim()); return r.status === 200; }, 600_000, 5);
  const ready = performance.now() - begin;
  let status;
  await until('the sensor has every indicator', async () => { status = await node.status(); return status.detection.loaded && status.sensor.applied >= status.detection.indicators; }, 600_000, 50);
  const loaded = performance.now() - begin;
  return { ready_s: round(ready / 1000, 2), readyz: asked.at(-1), detection_loaded_s: round(loaded / 1000, 2), indicators: status.detection.indicators,
    keeper_cpu_s: round(cpuOf(node.child.pid).total, 2), sensor_cpu_s: round(cpuOf(sensorOf(node.child.pid)).total, 2),
    keeper_peak_mb: Math.round(peakMb(node.child.pid)), sensor_peak_mb: Math.round(peakMb(sensorOf(node.child.pid))), threads: cpuOf(node.child.pid).threads };
}

async function fill(node, { client, objects }) {
  const { pid } = node.child, before = cpuOf(pid), begin = performance.now();
  let stored = 0;
  await postAll(client, objects, (nth) => {
    if (nth * kBatch >= count) return undefined;
    const batch = [];
    for (let i = nth * kBatch; i < Math.min(count, (nth + 1) * kBatch); ++i) batch.push(objectOf(i));
    return JSON.stringify({ objects: batch });
  }, kConnections, (n) => { stored += n; if (stored % 100_000 === 0) progress(`stored ${stored} after ${Math.round((performance.now() - begin) / 1000)} s`); });
  equal(stored, count, 'everything was stored');
  const wall = (performance.now() - begin) / 1000;
  await until('search has everything', async () => { const s = await node.status(); return s.search_cursor >= s.journal.last_seq; }, 3_600_000, 500);
  const { total, threads } = cpuBetween(before, cpuOf(pid));
  const status = await node.status();
  return { objects_per_s: Math.round(count / wall), cpu_us: round(total / count * 1e6), threads, searchable_after_s: round((performance.now() - begin) / 1000), journal_mb: Math.round(status.journal.bytes / 1e6), peak_mb: Math.round(peakMb(pid)) };
}

async function walk(node, { client, objects }, expected) {
  const { pid } = node.child, before = cpuOf(pid), begin = performance.now();
  const seen = new Set(), resident = [];
  let bytes = 0;
  for (let next, more = true; more;) {
    const answer = await client.request('GET', `${objects}?limit=${kPage}${next ? `&next=${encodeURIComponent(next)}` : ''}`);
    check(answer.status === 200, `page: ${answer.status} ${answer.text.slice(0, 300)}`);
    const page = answer.json;
    for (const { id } of page.objects ?? []) { check(!seen.has(id), `${id} came twice`); seen.add(id); }
    bytes += answer.text.length;
    resident.push(residentMb(pid));
    ({ more, next } = page);
  }
  equal(seen.size, expected, 'every object was seen once');
  const { total } = cpuBetween(before, cpuOf(pid));
  const tenth = Math.max(1, Math.floor(resident.length / 10)), most = (list) => Math.round(Math.max(...list));
  return { objects: seen.size, mb: Math.round(bytes / 1e6), objects_per_cpu_s: Math.round(seen.size / total), wall_s: round((performance.now() - begin) / 1000),
    resident_mb_first_tenth: most(resident.slice(0, tenth)), resident_mb_last_tenth: most(resident.slice(-tenth)) };
}

async function handlerTime(node, listener) {
  const text = (await get(`${node.urls.ops}metrics`)).text;
  const number = (what) => Number(new RegExp(`^bongsu_http_request_seconds_${what}\\{[^}]*code="2xx"[^}]*listener="${listener}"[^}]*\\} (\\S+)`, 'm').exec(text)?.[1]
    ?? new RegExp(`^bongsu_http_request_seconds_${what}\\{[^}]*listener="${listener}"[^}]*code="2xx"[^}]*\\} (\\S+)`, 'm').exec(text)?.[1] ?? 0);
  const within = {};
  for (const line of text.matchAll(/^bongsu_http_request_seconds_bucket\{([^}]*)\} (\d+)/gm))
    if (line[1].includes(`listener="${listener}"`) && line[1].includes('code="2xx"')) within[/le="([^"]+)"/.exec(line[1])[1]] = Number(line[2]);
  return { sum: number('sum'), count: number('count'), within };
}

async function lookUp(node, only) {
  const origin = new URL(node.urls.console).origin;
  const browser = new Https(node.ca, { Origin: origin, 'X-Bongsu-Console': '1', 'Content-Type': 'application/json' });
  const login = await browser.request('POST', `${origin}/api/v1/session`, JSON.stringify({ token: node.token }));
  check(login.status < 300, `log-in: ${login.status} ${login.text}`);
  const cookie = { Cookie: [login.headers['set-cookie']].flat().map((c) => c.split(';')[0]).join('; ') };
  const times = [], before = await handlerTime(node, 'console'), cpu = cpuOf(node.child.pid);
  for (let n = 0; n < kLookups; ++n) {
    const i = Number(BigInt(`0x${hex(`dice ${n}`).slice(0, 12)}`) % BigInt(count)), value = valueOf(i)[1];
    if (i < kTakenBack) continue;
    const begin = performance.now();
    const answer = await browser.request('GET', `${origin}/api/v1/search?${only}q=${encodeURIComponent(value)}`, undefined, cookie);
    times.push(performance.now() - begin);
    check(answer.status === 200 && answer.json.exact === 1 && answer.json.hits[0].id === idOf(i), `search for ${value}: ${answer.status} ${answer.text.slice(0, 300)}`);
  }
  const after = await handlerTime(node, 'console'), asked = after.count - before.count;
  equal(asked, times.length, 'every search was counted');
  const within = Object.fromEntries(Object.entries(after.within).map(([le, n]) => [le, n - (before.within[le] ?? 0)]));
  times.sort((a, b) => a - b);
  browser.close();
  return { lookups: asked, handler_mean_ms: round((after.sum - before.sum) / asked * 1000, 3), handler_within_1_ms: round(within['0.001'] / asked, 4), handler_within_5_ms: round(within['0.005'] / asked, 4),
    cpu_ms: round(cpuBetween(cpu, cpuOf(node.child.pid)).total / asked * 1000, 3), client_p50_ms: round(quantile(times, 0.5), 2), client_p99_ms: round(quantile(times, 0.99), 2) };
}

// Of the first kTakenBack objects: indicators that are revoked, deleted, erased in turn.
async function takeBack(node, { client, objects }) {
  const taken = [];
  for (let i = 0; i < kTakenBack; ++i) {
    if (observable(i)) continue;
    taken.push(i);
    if (i % 3 === 0) await node.import([objectOf(i, { revoked: true, modified: new Date().toISOString() })]);
    if (i % 3 === 1) equal((await client.request('DELETE', `${objects}${idOf(i)}/`)).status, 200, 'deleted');
    if (i % 3 === 2) await node.admin('POST', '/erase', { object: idOf(i) });
  }
  return taken;
}

async function detects(node, logs, taken) {
  const wanted = new Map();
  let text = '';
  const line = (i) => {
    const [type, value] = valueOf(i);
    const field = { 'domain-name': 'query', 'ipv6-addr': 'id.resp_h', url: 'url', file: 'sha256' }[type];
    text += `${JSON.stringify({ ts: new Date().toISOString(), 'id.orig_h': '10.0.0.9', [field]: value })}\n`;
  };
  for (const i of taken) line(i);
  for (let n = 0; wanted.size < kSeen; ++n) {
    const i = kTakenBack + Number(BigInt(`0x${hex(`seen ${n}`).slice(0, 12)}`) % BigInt(count - kTakenBack));
    if (observable(i) || wanted.has(idOf(i))) continue;
    wanted.set(idOf(i), i);
    line(i);
  }
  appendFileSync(join(logs, 'seen.ndjson'), text);
  await until('all were detected', async () => (await node.status()).alerts.total >= wanted.size, 60_000, 50);
  await sleep(500);
  const found = new Set((await node.alerts(1000)).map((a) => a.alert.indicator));
  equal([...found].sort(), [...wanted.keys()].sort(), 'exactly what stands was detected');
  return found.size;
}

const house = new House();
try {
  const logs = makeDirectory(join(house.dir, 'logs'));
  const node = await house.node('cert-xx');
  const out = { objects: count };
  await node.serve('--watch', logs);
  const taxii = await taxiiClient(node);
  out.fill = await fill(node, taxii);
  progress(JSON.stringify(out.fill));
  const taken = await takeBack(node, taxii);
  taxii.client.close();
  const stopping = performance.now();
  equal(await node.stop(), 0, 'a clean stop');
  out.stop_s = round((performance.now() - stopping) / 1000, 2);
  out.starts = [];
  for (let n = 0; n < 3; ++n) {
    if (n > 0) await node.stop();
    out.starts.push(await start(node, '--watch', logs));
    progress(JSON.stringify(out.starts.at(-1)));
  }
  out.look_up = await lookUp(node, 'only=value&');
  out.look_up_with_full_text = await lookUp(node, '');
  progress(JSON.stringify([out.look_up, out.look_up_with_full_text]));
  out.detected = await detects(node, logs, taken);
  const again = await taxiiClient(node, 'walker');
  // Deleted and erased objects are gone from pages; a revoked one stands there in its newest version, beside the node's own identity.
  const gone = taken.filter((i) => i % 3 !== 0).length;
  out.walk = await walk(node, again, count - gone + 1);
  again.client.close();
  console.log(JSON.stringify(out, null, 1));
} finally {
  await house.close();
}
