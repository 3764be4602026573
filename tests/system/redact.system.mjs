// An object that one member may see in part only: what reaches it by every way out, what the node says about it, and what becomes of its copy
// when the agreement widens and narrows.
import { check, equal, Https, indicator, json, ok, pair, run, until } from './lib/bongsu.mjs';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const GREEN = 'marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb', AMBER = 'marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421';
const SECRET = 'seen at the ministry of works';

export async function what_may_not_flow_is_left_out_everywhere_and_its_copy_follows_the_agreement(house) {
  const ua = await house.node('cert-ua'), lt = await house.node('cert-lt'), kr = await house.node('cert-kr');
  for (const node of [ua, lt, kr]) await node.serve();
  for (const other of [lt, kr]) await pair(ua, other);
  await ua.agree(lt, { tlp: 'green' });
  await ua.agree(kr, { tlp: 'amber' });

  const object = indicator('c2.example', {
    object_marking_refs: [GREEN],
    description: SECRET, x_note: `as it was ${SECRET}`, x_kept: 'stays where it is',
    granular_markings: [{ marking_ref: AMBER, selectors: ['description'] }],
  });
  const file = join(ua.data, 'object.json');
  writeFileSync(file, JSON.stringify(object));

  // Before it is sent: the preview, and the decision with its reasons.
  const preview = await json(['release', 'preview', file, '--data', ua.data]);
  const line = Object.fromEntries(preview.members.map((m) => [m.member, m]));
  equal([line['cert-lt'].verdict, line['cert-kr'].verdict], ['redact', 'release'], 'the preview');
  equal(line['cert-lt'].left_out.map((p) => [p.selectors, p.reasons.map((r) => r.reason)]), [[['description'], ['tlp_too_high']]], 'what, and why');
  const told = await run(['policy', 'decide', '--object', file, '--member', 'cert-lt', '--explain', '--data', ua.data]);
  for (const words of ['flows in part', 'left out               description', 'left out: the object\'s TLP is above']) check(told.out.includes(words), `decide says "${words}": ${told.out}${told.err}`);

  await ua.import([object]);
  // The mirror is there once the link has said what it carries.
  const at = async (node) => (await node.export('cert-ua.shared').catch(() => [])).find((o) => o.id === object.id);
  const whole = await until('the whole one', () => at(kr));
  equal(whole.description, SECRET, 'the one with AMBER');
  const part = await until('the one in part', () => at(lt));
  check(!JSON.stringify(part).includes(SECRET), `nothing of it: ${JSON.stringify(part)}`);
  equal([part.description, part.x_note, part.granular_markings, part.x_kept], [undefined, undefined, undefined, 'stays where it is'], 'the value, its echo and what names it are gone');
  equal((await lt.status()).quarantine.held, 0, 'its proof is good');
  equal((await lt.status()).suspended, [], 'nobody lies');

  // Every other way by which cert-lt can read it from us.
  const { token } = await json(['account', 'add', 'reader', '--member', 'cert-lt', '--token', '--read', '*', '--write', '*', '--data', ua.data]);
  const client = new Https(ua.ca, { Authorization: `Bearer ${token}`, Accept: 'application/taxii+json;version=2.1', 'Content-Type': 'application/taxii+json;version=2.1' });
  const api = new URL((await client.request('GET', ua.urls.taxii)).json.api_roots[0], ua.urls.taxii).href;
  const shared = (await json(['collection', 'list', '--data', ua.data])).collections.find((c) => c.alias === 'shared').id;
  for (const path of ['objects/', `objects/${object.id}/`, 'manifest/', `objects/${object.id}/versions/`, 'objects/?match[version]=all', '']) {
    const answer = await client.request('GET', new URL(`collections/${shared}/${path}`, api).href);
    equal(answer.status, 200, path);
    check(!JSON.stringify(answer.json).includes(SECRET), `TAXII ${path} gives it out`);
  }
  const exported = await ua.export('shared', { member: 'cert-lt', versions: 'all' });
  check(exported.some((o) => o.id === object.id) && !JSON.stringify(exported).includes(SECRET), 'the export for the member');
  // Trying what was left out: the right guess and a wrong one have one answer.
  const guess = async (description) => {
    const tried = { ...object, description };
    const answer = await client.request('POST', new URL(`collections/${shared}/objects/`, api).href, JSON.stringify({ objects: [tried] }));
    return JSON.stringify([answer.json.success_count, answer.json.failure_count, answer.json.failures?.[0]?.message, answer.json.successes?.[0]?.message]);
  };
  equal(await guess(SECRET), await guess('seen at the ministry of roads'), 'no answer tells a right guess');

  const why = await run(['why', object.id, 'cert-lt', '--data', ua.data]);
  for (const words of ['flows in part', 'left out               description', 'in its outbox now      yes']) check(why.out.includes(words), `why says "${words}": ${why.out}${why.err}`);

  // Wider: the whole one takes its place. Narrower: the part comes back; and then nothing.
  await ua.agree(lt, { tlp: 'amber' });
  await until('the whole one at cert-lt', async () => (await at(lt))?.description === SECRET);
  await ua.agree(lt, { tlp: 'green' });
  await until('the part again', async () => { const o = await at(lt); return o && o.description === undefined; });
  await ua.agree(lt, { tlp: 'clear' });
  await until('nothing', async () => !(await at(lt)));
  equal((await at(kr)).description, SECRET, 'who else has it keeps it');
}
