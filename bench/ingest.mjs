// TAXII POST through a real node, beside SQLite itself with the same rows, indices and commits.
//
//   node bench/ingest.mjs [OBJECTS=64604] [BATCH,BATCH…=1000,100]
//
// Real ATT&CK history; beyond its 16,151 versions it comes again under other ids, relations and all. Rate: from the first byte of the first POST to the last answer,
// TLS, HTTP, parsing, checking, deciding and the durable commit included, one connection and four. CPU is the node's own, its search projection (which follows in the
// background) told apart. The rival is `journal_bench --rows`: the same rows with nothing but prepared statements, one transaction and one fsync for each batch.
import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { House, needSharedData, root, until, zstdcat } from '../tests/system/lib/bongsu.mjs';
import { cpuBetween, cpuOf, postAll, progress, round, taxiiClient } from './lib/measure.mjs';

const kConnections = [1, 4];
const count = Number(process.argv[2] ?? 64604);
const batches = (process.argv[3] ?? '1000,100').split(',').map(Number);
const rival = process.env.JOURNAL_BENCH ?? join(root, 'build/bench/bench/journal_bench');
if (!existsSync(rival)) throw new Error(`build the rival first (preset bench, target journal_bench): ${rival}`);

const history = JSON.parse(zstdcat(needSharedData('stix', 'attack-history.json.zst')).toString());
// The same history under other ids: the UUIDs' last four digits changed, marking definitions left as they are.
function again(line, nth) {
  if (nth === 0) return line;
  return line.replace(/([a-z0-9-]+--[0-9a-f-]{32})([0-9a-f]{4})/g, (whole, head, tail) =>
    head.startsWith('marking-definition--') ? whole : head + (parseInt(tail, 16) ^ nth).toString(16).padStart(4, '0'));
}
const lines = [];
for (let nth = 0; lines.length < count; ++nth) {
  for (const object of history) {
    if (lines.length >= count) break;
    if (nth > 0 && object.type === 'marking-definition') continue;
    lines.push(again(JSON.stringify(object), nth));
  }
}
const key = (version) => (version.includes('.') ? version.replace(/0*Z$/, '') : version.replace('Z', '')).replace(/\.$/, '');
const rows = lines.map((line) => {
  const { id, modified, created } = JSON.parse(line);
  return `${id}\t${key(modified ?? created)}\t${Buffer.byteLength(line)}`;
});

const results = [];
const house = new House();
try {
  const file = join(house.dir, 'rows.tsv');
  writeFileSync(file, rows.join('\n') + '\n');
  for (const batch of batches) {
    const bodies = [];
    for (let i = 0; i < lines.length; i += batch) bodies.push(Buffer.from(`{"objects":[${lines.slice(i, i + batch).join(',')}]}`));
    const raw = JSON.parse(execFileSync(rival, ['--rows', file, '--batch', String(batch), join(house.dir, 'raw')]).toString());
    for (const connections of kConnections) {
      progress(`batches of ${batch}, ${connections} connections`);
      const node = await house.node(`b${batch}c${connections}`);
      await node.serve();
      const { client, objects } = await taxiiClient(node);
      const { pid } = node.child;
      let stored = 0;
      const before = cpuOf(pid), begin = performance.now();
      await postAll(client, objects, bodies, connections, (n) => (stored += n));
      const wall = (performance.now() - begin) / 1000, at_last_answer = cpuBetween(before, cpuOf(pid));
      if (stored !== lines.length) throw new Error(`${stored} of ${lines.length} were stored`);
      await until('search has everything', async () => { const s = await node.status(); return s.search_cursor >= s.journal.last_seq; }, 600_000, 200);
      const all = cpuBetween(before, cpuOf(pid));
      const projections = (all.threads['bongsu-search'] ?? 0) + (all.threads['bongsu-detect'] ?? 0);
      const own = all.total - projections;
      results.push({ batch, connections, objects: lines.length,
        node: { objects_per_s: Math.round(lines.length / wall), cpu_us: round(own / lines.length * 1e6), cpu_us_with_projections: round(all.total / lines.length * 1e6),
                cpu_us_till_last_answer: round(at_last_answer.total / lines.length * 1e6), objects_per_cpu_s: Math.round(lines.length / own), threads: all.threads },
        raw_sqlite: { objects_per_s: Math.round(lines.length / raw.wall_s), cpu_us: round(raw.cpu_s / lines.length * 1e6) },
        ratio_of_rate: round(raw.wall_s / wall, 2), ratio_of_cpu: round(raw.cpu_s / own, 2) });
      client.close();
      await node.stop();
    }
  }
  console.log(JSON.stringify(results, null, 1));
} finally {
  await house.close();
}
