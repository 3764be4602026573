// What was given is recalled: through three real nodes, at once, for good, and confirmed.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { check, equal, indicator, json, live, ok, pair, run, sleep, tlp, until } from './lib/bongsu.mjs';

async function chain(house) {
  const [a, b, c] = [await house.reachable('cert-a'), await house.reachable('cert-b'), await house.reachable('cert-c')];
  for (const node of [a, b, c]) await node.serve();
  await pair(a, b);
  await pair(b, c);
  await a.agree(b, { collections: ['shared'] });
  await b.agree(a, { collections: ['shared'], passesOn: [c] });
  await until('the mirror at B', async () => (await b.admin('GET', '/collections')).collections.some((x) => x.alias === 'cert-a.shared'));
  await b.agree(c, { collections: ['cert-a.shared'], onward: true });
  await c.agree(b, { collections: ['shared'] });
  return { a, b, c };
}
// A mirror is listed a moment before it can be read.
const seen = async (node, collection, options) => { try { return await node.export(collection, options); } catch (e) { if (String(e).includes(': 404 ')) return []; throw e; } };
const has = async (node, collection, id) => (await seen(node, collection)).some((o) => o.id === id);
const atC = 'cert-b.cert-a.shared';
async function given(house) {
  const { a, b, c } = await chain(house);
  const object = indicator('recalled.example'), other = indicator('kept.example');
  await a.import([object, other]);
  await until('both at C', async () => (await c.admin('GET', '/collections')).collections.some((x) => x.alias === atC) && await has(c, atC, object.id) && await has(c, atC, other.id), 60_000);
  return { a, b, c, object, other };
}
const orders = async (node, id) => (await node.admin('GET', `/recalls?object=${id}`)).orders;

export async function a_recall_reaches_everybody_it_was_passed_on_to_and_receipts_come_back(house) {
  const { a, b, c, object, other } = await given(house);
  const shown = await ok(['recall', object.id, '--preview', '--data', a.data]);
  check(shown.includes('Was given to: cert-b'), `who has it is shown first: ${shown}`);
  equal(await orders(a, object.id), [], 'and nothing is done');
  const said = await ok(['recall', object.id, '--reason', 'erroneous', '--by', 'anna', '--deadline', '1h', '--data', a.data]);
  check(said.includes('cert-b'), `who is told is named: ${said}`);
  check(!said.includes('cert-c'), 'A knows nothing of C');
  await until('it is gone at C', async () => !(await has(c, atC, object.id)), 60_000);
  await until('it is gone at B', async () => !(await has(b, 'cert-a.shared', object.id)));
  const [order] = await until('the receipt at A, with nothing open beyond B', async () => { const all = await orders(a, object.id); return all.length === 1 && all[0].state === 'destroyed' ? all : null; }, 60_000);
  equal(order.member, 'cert-b', 'whose receipt');
  check(order.receipt.destroyed >= 1, 'what was destroyed is counted');
  equal((await orders(b, object.id)).map((x) => [x.member, x.state, x.reason]), [['cert-c', 'destroyed', 'upstream']], 'B recalled from C in turn, without saying why A did');
  check(await has(c, atC, other.id), 'what was not recalled stays');
  check((await ok(['recall', 'status', object.id, '--data', a.data])).includes('destroyed'), 'the command shows it');
  // Late, again, and after a restart of everybody: it does not come back.
  for (const node of [a, b, c]) { await node.stop(); await node.serve(); }
  const again = await a.import([object]);
  equal([again.admitted, again.refused], [0, 1], 'the same version is refused at its origin');
  const newer = { ...object, name: 'corrected.example', modified: new Date(Date.parse(object.modified) + 60_000).toISOString() };
  await a.import([newer]);
  await until('the corrected version at C', async () => (await c.export(atC)).some((o) => o.id === object.id && o.name === 'corrected.example'), 60_000);
  for (const [node, collection] of [[b, 'cert-a.shared'], [c, atC]])
    equal((await node.export(collection, { versions: 'all' })).filter((o) => o.id === object.id).map((o) => o.name), ['corrected.example'], `what is left at ${node.member}`);
}

export async function a_member_that_is_away_is_told_when_it_comes_back_and_is_exposed_until_then(house) {
  const { a, b, c, object } = await given(house);
  await b.stop();
  await ok(['recall', object.id, '--reason', 'compromised', '--deadline', '1s', '--data', a.data]);
  await until('the deadline passed', async () => (await orders(a, object.id))[0].exposed);
  equal((await orders(a, object.id))[0].state, 'overdue', 'the state of one that does not answer');
  check(await has(c, atC, object.id), 'C was given it by B and knows nothing yet');
  await b.serve();
  await until('gone at B and C', async () => !(await has(b, 'cert-a.shared', object.id)) && !(await has(c, atC, object.id)), 90_000);
  await until('confirmed', async () => (await orders(a, object.id))[0].state === 'destroyed', 60_000);
  equal((await a.admin('GET', '/recalls')).exposed, 0, 'nothing is exposed any more');
}

// A dies before it has written down what it handed out, and B does not open its links to it any more.
export async function who_opens_no_tail_any_more_is_told_by_where_its_links_rest(house) {
  const { a, b, c } = await given(house);
  const last = indicator('last-of-all.example');
  await a.import([last]);
  await until('it is at B', () => has(b, 'cert-a.shared', last.id));
  await a.stop('SIGKILL');
  await ok(['release', 'stop', 'cert-a', '--data', b.data]);
  await a.serve();
  await ok(['recall', last.id, '--reason', 'erroneous', '--data', a.data]);
  await until('gone at B and C', async () => !(await has(b, 'cert-a.shared', last.id)) && !(await has(c, atC, last.id)), 60_000);
  await until('confirmed', async () => (await orders(a, last.id))[0].state === 'destroyed', 60_000);
}

export async function who_was_never_given_it_is_never_told(house) {
  const { a, b, object } = await given(house);
  const quiet = await house.node('cert-d');
  await quiet.serve();
  await pair(a, quiet);
  const first = indicator('never-given.example');
  await a.import([first]);
  await ok(['recall', first.id, '--reason', 'withdrawn', '--data', a.data]);
  await ok(['recall', object.id, '--reason', 'withdrawn', '--data', a.data]);
  await a.agree(quiet, { collections: ['shared'] });
  await until('D follows A', async () => (await quiet.admin('GET', '/collections')).collections.some((x) => x.alias === 'cert-a.shared'));
  await sleep(1000);
  check((await orders(a, object.id)).every((x) => x.member === 'cert-b'), 'only B is told');
  equal((await quiet.admin('GET', '/recalls')).taken, [], 'D heard of nothing');
  check(!(await has(quiet, 'cert-a.shared', object.id)), 'and gets nothing that was recalled');
  await until('B confirmed', async () => (await orders(a, object.id))[0].state === 'destroyed', 60_000);
}

export async function a_label_is_lowered_by_somebody_with_a_reason_or_not_at_all(house) {
  const a = await house.node('cert-a');
  await a.serve();
  const high = indicator('high.example', { marking: tlp.amber });
  await a.import([high]);
  const low = { ...high, object_marking_refs: [tlp.green], modified: new Date(Date.parse(high.modified) + 60_000).toISOString() };
  const refused = await a.import([low]);
  equal(refused.refused, 1, 'lowered without a word');
  check(refused.problems[0].message.includes('authority'), refused.problems[0].message);
  const file = join(house.dir, 'low.json');
  writeFileSync(file, JSON.stringify({ objects: [low] }));
  equal((await run(['import', file, '--authority', 'head of CERT', '--data', a.data])).code, 2, 'an authority without a reason');
  await ok(['import', file, '--authority', 'head of CERT', '--reason', 'published by the vendor', '--data', a.data]);
  equal((await a.export('shared')).find((o) => o.id === high.id).object_marking_refs, [tlp.green], 'lowered');
}
