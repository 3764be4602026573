// The outside TAXII client (tests/conformance) against a real node.
import { writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { check, equal, Https, indicator, json, long, needSharedData, ok, root, run, zstdcat } from './lib/bongsu.mjs';

function outside(script, args) {
  return new Promise((done) => {
    const child = spawn(process.execPath, [join(root, 'tests/conformance', script), ...args]);
    let out = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (d) => (out += d));
    child.on('close', (code) => done({ code, out }));
  });
}
async function served(house) {
  const a = await house.node('cert-ua');
  await a.serve();
  await a.admin('POST', '/collections', { alias: 'outside', title: 'For outside tests', tlp: 'clear' });
  const ca = join(a.data, 'keys/ca.pem');
  for (const [name, flags] of [['w', ['--write', 'outside']], ['r', []]]) {
    writeFileSync(join(house.dir, `${name}.pw`), `${name}-password-of-the-tests\n`);
    await ok(['account', 'add', name, '--password-file', join(house.dir, `${name}.pw`), '--read', 'outside', ...flags, '--data', a.data]);
  }
  const url = new URL(a.urls.taxii).origin.replace('localhost', '127.0.0.1');
  return { a, ca, url, args: ['--url', url, '--ca', ca, '--user', 'w', '--password-file', join(house.dir, 'w.pw'), '--collection', 'outside'] };
}

export async function an_outside_client_finds_every_demand_met(house) {
  const { args } = await served(house);
  const { code, out } = await outside('taxii_client.mjs', ['conform', ...args, '--other-user', 'r', '--other-password-file', join(house.dir, 'r.pw')]);
  check(code === 0, out.slice(-3000));
  return out.trim().split('\n').pop();
}

export async function walks_by_next_and_by_added_after_miss_nothing_while_another_writes_and_deletes(house) {
  const { args } = await served(house);
  const history = join(house.dir, 'history.json');
  let objects = JSON.parse(zstdcat(needSharedData('stix', 'attack-history.json.zst')));
  objects = objects.objects ?? objects;
  if (!long) objects = objects.slice(0, 3000);
  writeFileSync(history, JSON.stringify(objects));
  const { code, out } = await outside('walk_while_writing.mjs', [...args, '--load', history, '--limit', long ? '500' : '100']);
  check(code === 0, out.slice(-3000));
  return out.trim().slice(out.lastIndexOf('\n{') + 1).replace(/\s+/g, ' ');
}

export async function push_and_pull_bring_each_object_once_and_go_on_where_they_stopped(house) {
  const { a, args, url } = await served(house);
  const connection = ['--collection', 'outside', '--user', 'w', '--password-file', join(house.dir, 'w.pw'), '--ca', join(a.data, 'keys/ca.pem')];
  const objects = Array.from({ length: 2500 }, (_, i) => indicator(`p${i}.example`));
  const bundle = join(house.dir, 'bundle.json'), state = join(house.dir, 'state'), out = join(house.dir, 'out.ndjson');
  writeFileSync(bundle, JSON.stringify({ type: 'bundle', id: 'bundle--00000000-0000-4000-8000-000000000001', objects: [...objects, { type: 'indicator', id: 'indicator--broken' }] }));
  const pushed = await run(['taxii', 'push', `${url}/api1/`, bundle, ...connection, '--json']);
  equal(pushed.code, 1, 'exit code of a push in which one object was refused');
  const pull = () => run(['taxii', 'pull', `${url}/api1/`, ...connection, '--state', state, '--out', out, '--limit', '700', '--json']);
  equal((await pull()).code, 0, 'first pull');
  const { readFileSync } = await import('node:fs');
  const got = () => readFileSync(out, 'utf8').trim().split('\n').map((l) => JSON.parse(l));
  equal(new Set(got().map((o) => o.id)).size, objects.length, 'distinct objects after the first pull');
  await a.admin('POST', '/import?collection=outside', JSON.stringify({ objects: [indicator('later.example')] }), 'application/taxii+json;version=2.1');
  equal((await pull()).code, 0, 'second pull');
  check(got().some((o) => o.name === 'later.example'), 'what came later');
}

export async function the_status_of_a_post_is_found_at_once_and_after_a_restart(house) {
  const a = await house.node('cert-ua');
  await a.serve();
  const { token } = await json(['account', 'add', 'poster', '--token', '--read', '*', '--write', '*', '--data', a.data]);
  const client = () => new Https(a.ca, { Authorization: `Bearer ${token}`, Accept: 'application/taxii+json;version=2.1', 'Content-Type': 'application/taxii+json;version=2.1' });
  let https = client();
  const root = async () => new URL((await https.request('GET', a.urls.taxii)).json.api_roots[0], a.urls.taxii).href;
  let api = await root();
  const shared = (await https.request('GET', new URL('collections/', api).href)).json.collections.find((c) => c.alias === 'shared').id;
  const ids = [];
  for (let i = 0; i < 20; ++i) {
    const posted = await https.request('POST', new URL(`collections/${shared}/objects/`, api).href, JSON.stringify({ objects: [indicator(`s${i}.example`)] }));
    equal(posted.status, 202, 'POST');
    ids.push(posted.json.id);
    equal((await https.request('GET', new URL(`status/${posted.json.id}/`, api).href)).json?.success_count, 1, 'status at once');
  }
  https.close();
  equal(await a.stop(), 0, 'exit code of a clean stop');
  await a.serve();
  https = client();
  api = await root();
  for (const id of ids) equal((await https.request('GET', new URL(`status/${id}/`, api).href)).json?.success_count, 1, 'status after a restart');
  https.close();
}
