// What the benchmarks that drive a real node share: CPU time and memory of its processes, a TAXII client on few connections, numbers as they are printed.
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { Https, json } from '../../tests/system/lib/bongsu.mjs';

const kTick = Number(execFileSync('getconf', ['CLK_TCK']).toString());

// Seconds of CPU of each of a process's threads by name, and the sum. Threads that ended are in the sum only.
export function cpuOf(pid) {
  const fields = (path) => {
    const text = readFileSync(path, 'utf8');
    const name = text.slice(text.indexOf('(') + 1, text.lastIndexOf(')'));
    const rest = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { name, seconds: (Number(rest[11]) + Number(rest[12])) / kTick };
  };
  const threads = {};
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    try {
      const { name, seconds } = fields(`/proc/${pid}/task/${task}/stat`);
      threads[name] = (threads[name] ?? 0) + seconds;
    } catch { /* it ended meanwhile */ }
  }
  return { total: fields(`/proc/${pid}/stat`).seconds, threads };
}
export function cpuBetween(before, after) {
  const threads = {};
  for (const [name, seconds] of Object.entries(after.threads)) threads[name] = round(seconds - (before.threads[name] ?? 0), 2);
  return { total: after.total - before.total, threads };
}
const memory = (pid, key) => Number(new RegExp(`${key}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
export const residentMb = (pid) => memory(pid, 'VmRSS');
export const peakMb = (pid) => memory(pid, 'VmHWM');
export function sensorOf(pid) {
  for (const task of readdirSync(`/proc/${pid}/task`))
    for (const child of readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean))
      if (readFileSync(`/proc/${child}/comm`, 'utf8').trim() === 'bongsu-sensor') return Number(child);
  return undefined;
}

// A client of the collection "shared" with a token of its own; the address of its objects.
export async function taxiiClient(node, name = 'bench') {
  const { token } = await json(['account', 'add', name, '--token', '--read', '*', '--write', '*', '--data', node.data]);
  const type = 'application/taxii+json;version=2.1';
  const client = new Https(node.ca, { Authorization: `Bearer ${token}`, Accept: type, 'Content-Type': type });
  const api = new URL((await client.request('GET', node.urls.taxii)).json.api_roots[0], node.urls.taxii).href;
  const shared = (await client.request('GET', new URL('collections/', api).href)).json.collections.find((c) => c.alias === 'shared').id;
  return { client, token, objects: new URL(`collections/${shared}/objects/`, api).href };
}

// Bodies go out over `connections` at once; each answer says that everything was accepted.
export async function postAll(client, url, bodies, connections, accepted = () => {}) {
  let next = 0;
  const one = async () => {
    for (;;) {
      const i = next++;
      const body = typeof bodies === 'function' ? bodies(i) : bodies[i];
      if (body === undefined) return;
      const answer = await client.request('POST', url, body);
      if (answer.status !== 202) throw new Error(`POST: ${answer.status} ${answer.text.slice(0, 500)}`);
      const status = answer.json;
      if (status.failure_count !== 0) throw new Error(`POST: ${JSON.stringify(status.failures).slice(0, 500)}`);
      accepted(status.success_count);
    }
  };
  await Promise.all(Array.from({ length: connections }, one));
}

export const round = (value, digits = 1) => Number(value.toFixed(digits));
export const quantile = (sorted, p) => sorted[Math.min(sorted.length - 1, Math.floor(p * sorted.length))];
export const progress = (text) => process.stderr.write(`${text}\n`);
