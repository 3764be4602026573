// Walks a collection by `next` and by `added_after` while another client writes and deletes in it, and demands that each version
// that was there throughout is got exactly once by either walk, nothing twice, and that what was written meanwhile is got by
// going on from where the walk ended.
//
//   node walk_while_writing.mjs --url https://127.0.0.1:8443 --ca ca.pem --user w --password-file pw --collection shared \
//        --load attack-history.json --limit 100 --seed 1
//
// --load FILE: a JSON array of STIX objects that is posted first. Without it the collection's content of now is the truth.
// Exit: 0 everything held, 1 something did not, 2 trouble.
import fs from 'node:fs';
import { randomUUID } from 'node:crypto';
import { Client, keyOf, readArguments } from './taxii.mjs';
import { walk } from './walk.mjs';

const options = readArguments(process.argv.slice(2));
const limit = Number(options.limit ?? 100);
let seed = Number(options.seed ?? 1) >>> 0;
const random = () => {  // mulberry32: the same victims for the same seed
  seed = (seed + 0x6d2b79f5) >>> 0;
  let t = seed;
  t = Math.imul(t ^ (t >>> 15), t | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
};

const failures = [];
const expect = (condition, text) => {
  if (!condition) failures.push(text);
};

function indicator() {
  const now = new Date().toISOString();
  return {
    type: 'indicator', spec_version: '2.1', id: `indicator--${randomUUID()}`, created: now, modified: now,
    pattern: `[domain-name:value = '${randomUUID()}.example']`, pattern_type: 'stix', valid_from: now,
    indicator_types: ['unknown'],
    object_marking_refs: ['marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487'],  // TLP:CLEAR
  };
}

// Writes and deletes until told to stop; remembers what must be there in the end.
class Writer {
  constructor(client, root, collection, victims) {
    Object.assign(this, { client, root, collection, victims, alive: new Map(), gone: new Set(), written: 0, deleted: 0, stopped: false });
  }

  async run() {
    while (!this.stopped) {
      const objects = Array.from({ length: 1 + Math.floor(random() * 20) }, indicator);
      const status = await this.client.add(this.root, this.collection, objects);
      expect(status.failure_count === 0, `the writer's objects were refused: ${JSON.stringify(status.failures?.[0])}`);
      for (const object of objects) this.alive.set(keyOf(object), object);
      this.written += objects.length;
      const own = [...this.alive.values()];
      if (own.length > 5 && random() < 0.7) {
        const gone = own[Math.floor(random() * own.length)];
        await this.remove(gone.id);
        this.alive.delete(keyOf(gone));
        this.gone.add(keyOf(gone));
      }
      const victim = this.victims.pop();
      if (victim) await this.remove(victim);
    }
  }

  async remove(id) {
    const response = await this.client.request('DELETE', `${this.root}collections/${this.collection}/objects/${id}/`);
    expect(response.status === 200, `DELETE ${id}: ${response.status} ${response.text.slice(0, 200)}`);
    ++this.deleted;
  }
}

async function collect(client, path, by, from, into = new Map()) {
  let last = from;
  let pages = 0;
  for await (const page of walk(client, path, { by, limit, from })) {
    ++pages;
    for (const object of page.objects) into.set(keyOf(object), (into.get(keyOf(object)) ?? 0) + 1);
    last = page.last ?? last;
    if (pages % 50 === 0) console.error(`  ${by}: ${pages} pages, ${into.size} versions`);
  }
  return { got: into, last, pages };
}

function judge(by, got, stable) {
  let missing = 0;
  for (const key of stable) if (!got.has(key) && ++missing <= 5) failures.push(`${by}: never got ${key}`);
  expect(missing === 0, `${by}: ${missing} of ${stable.size} versions that were there throughout are missing`);
  const twice = [...got].filter(([, times]) => times > 1);
  expect(twice.length === 0, `${by}: ${twice.length} versions came more than once, first ${twice[0]?.[0]}`);
}

async function main() {
  const client = Client.fromOptions(options);
  const root = await client.apiRoot();
  const { id: collection } = await client.collection(root, options.collection);
  const path = `${root}collections/${collection}/objects/`;

  const baseline = new Map();  // key → id
  if (options.load) {
    const objects = JSON.parse(fs.readFileSync(options.load, 'utf8'));
    const began = Date.now();
    for (let i = 0; i < objects.length; i += 1000) {
      const status = await client.add(root, collection, objects.slice(i, i + 1000));
      expect(status.failure_count === 0, `refused while loading: ${JSON.stringify(status.failures?.[0])}`);
    }
    console.error(`loaded ${objects.length} versions in ${((Date.now() - began) / 1000).toFixed(1)} s`);
  }
  for await (const page of walk(client, path, { by: 'next', limit: 1000 }))
    for (const object of page.objects) baseline.set(keyOf(object), object.id);
  console.error(`${baseline.size} versions are there`);

  // One object in fifty is a victim: all its versions go while the walks run.
  const ids = [...new Set(baseline.values())];
  const victims = ids.filter(() => random() < 0.02);
  const doomed = new Set(victims);
  const stable = new Set([...baseline].filter(([, id]) => !doomed.has(id)).map(([key]) => key));

  const writer = new Writer(Client.fromOptions(options), root, collection, victims);
  const writing = writer.run().catch((error) => failures.push(`the writer stopped: ${error.message}`));
  const [byNext, byDate] = await Promise.all(
    ['next', 'added_after'].map((by) => collect(Client.fromOptions(options), path, by)));
  writer.stopped = true;
  await writing;

  judge('next', byNext.got, stable);
  judge('added_after', byDate.got, stable);
  // Going on from where each walk ended gets what was written since, once.
  for (const [name, walked] of [['next', byNext], ['added_after', byDate]]) {
    const { got } = await collect(client, path, 'added_after', walked.last, walked.got);
    judge(`${name}, going on`, got, new Set([...stable, ...writer.alive.keys()]));
  }
  const after = await collect(client, path, 'next');
  for (const key of writer.gone) expect(!after.got.has(key), `§5.7: ${key} was deleted and is still there`);
  for (const id of doomed) {
    if (writer.victims.includes(id)) continue;  // its turn did not come
    const response = await client.request('GET', `${path}${id}/`);
    expect(response.status === 404, `§5.7: ${id} was deleted, GET answers ${response.status}`);
  }

  console.log(JSON.stringify({
    versions: baseline.size, stable: stable.size, written_meanwhile: writer.written, deleted_meanwhile: writer.deleted,
    pages_next: byNext.pages, pages_added_after: byDate.pages, failures: failures.slice(0, 20),
    failure_count: failures.length,
  }, null, 1));
  process.exit(failures.length === 0 ? 0 : 1);
}

main().catch((error) => {
  console.error(error.stack ?? String(error));
  process.exit(2);
});
