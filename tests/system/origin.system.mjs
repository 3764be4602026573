// Who made it: proofs travel from node to node, a partner whose proofs are wrong is cut off, and what speaks for others waits for a person.
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { check, equal, Https, indicator, json, ok, pair, partners, until } from './lib/bongsu.mjs';

async function two(house) {
  const a = await house.reachable('cert-ua'), b = await house.node('cert-lt');
  await a.serve();
  await b.serve();
  await partners(a, b);
  return { a, b };
}

export async function a_partner_whose_proofs_are_wrong_is_suspended_and_the_rest_runs_on(house) {
  const { a, b } = await two(house);
  const good = indicator('good.example'), bad = indicator('bad.example'), after = indicator('after.example');
  await a.import([good]);
  await until('the good one', async () => (await b.export('cert-ua.shared')).some((o) => o.id === good.id));
  equal((await b.status()).quarantine.held, 0, 'nothing is held of what is signed');

  // Another key signs in cert-ua's name, and nobody told cert-lt.
  const other = await house.node('other');
  await a.stop();
  for (const file of ['signing.key', 'signing.pub']) copyFileSync(join(other.data, 'keys', file), join(a.data, 'keys', file));
  await a.serve();
  await a.import([bad]);
  const suspended = await until('the suspension', async () => { const s = (await b.status()).suspended; return s.length ? s[0] : null; });
  equal(suspended.member, 'cert-ua', 'who');
  check(suspended.reason.includes(bad.id) && suspended.reason.includes('another key'), `why: ${suspended.reason}`);
  await until('the phase', async () => (await b.status()).links.every((l) => l.member !== 'cert-ua' || l.phase === 'suspended'));
  check(!(await b.export('cert-ua.shared')).some((o) => o.id === bad.id), 'it was not admitted');
  const [held] = (await json(['quarantine', 'list', '--data', b.data])).items;
  equal([held.reason, held.object_id, held.member], ['bad_proof', bad.id, 'cert-ua'], 'what is held');
  // The other direction runs on.
  const ours = indicator('ours.example');
  await b.import([ours]);
  await until('ours at the partner', async () => (await a.export('cert-lt.shared')).some((o) => o.id === ours.id));
  // A person resumes the link and discards what was held; with the wrong key the next one suspends it again.
  await ok(['quarantine', 'discard', held.id, '--reason', 'the key changed', '--data', b.data]);
  await ok(['link', 'resume', 'cert-ua', '--data', b.data]);
  await a.import([after]);
  const again = await until('suspended again', async () => (await b.status()).suspended.find((s) => s.reason.includes(after.id)));
  check(again, 'by the next object');
}

export async function what_speaks_for_this_node_waits_for_a_person(house) {
  const a = await house.node('cert-ua'), b = await house.node('cert-lt');
  await a.serve();
  await b.serve();
  await pair(a, b);
  await a.agree(b);  // whose accounts write nothing without
  const { token } = await json(['account', 'add', 'poster', '--member', 'cert-lt', '--token', '--read', '*', '--write', '*', '--data', a.data]);
  const client = new Https(a.ca, { Authorization: `Bearer ${token}`, Accept: 'application/taxii+json;version=2.1', 'Content-Type': 'application/taxii+json;version=2.1' });
  const api = new URL((await client.request('GET', a.urls.taxii)).json.api_roots[0], a.urls.taxii).href;
  const shared = (await json(['collection', 'list', '--data', a.data])).collections.find((c) => c.alias === 'shared').id;
  const claimed = indicator('claimed.example', { created_by_ref: (await a.status()).identity });
  const answer = await client.request('POST', new URL(`collections/${shared}/objects/`, api).href, JSON.stringify({ objects: [claimed] }));
  equal(answer.json.failure_count, 1, 'the sender is told what everyone may know');
  const [held] = (await json(['quarantine', 'list', '--data', a.data])).items;
  equal([held.reason, held.object_id], ['our_identity', claimed.id], 'what is held');
  const shown = await json(['quarantine', 'show', held.id, '--data', a.data]);
  equal(shown.object.name, claimed.name, 'its content');
  await ok(['quarantine', 'admit', held.id, '--reason', 'we gave it to them', '--data', a.data]);
  check((await a.export('shared')).some((o) => o.id === claimed.id), 'admitted');
  equal((await json(['quarantine', 'list', '--data', a.data])).items[0].state, 'admitted', 'the record stays');
}
