// What one person does not do alone, with a real node: over TAXII, by the local administrator, in the console and on the command line.
import { check, equal, Https, indicator, json, ok, partners, run, sleep, tlp, until } from './lib/bongsu.mjs';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FOUR_EYES = '\n[people]\nfour_eyes = true\nfour_eyes_agreements = true\n';

async function account(node, name, role = 'operator', more = []) {
  const { token } = await json(['account', 'add', name, '--role', role, '--token', '--read', '*', '--write', '*', '--class', 'top-secret', ...more, '--data', node.data]);
  const file = join(node.data, `${name}.token`);
  writeFileSync(file, `${token}\n`, { mode: 0o600 });
  return { token, file };
}
const at = async (node, id) => (await node.export('cert-lt.shared').catch(() => [])).find((o) => o.id === id);
const filesOf = (dir) => readdirSync(dir, { withFileTypes: true }).flatMap((e) => (e.isDirectory() ? filesOf(join(dir, e.name)) : [join(dir, e.name)]));

export async function a_label_is_lowered_by_two_persons_and_an_agreement_ended_by_two(house) {
  const lt = await house.node('cert-lt', { toml: FOUR_EYES }), ua = await house.node('cert-ua');
  await lt.serve();
  await ua.serve();
  await partners(lt, ua);   // one operator as yet: nobody else could approve the agreement
  const olena = await account(lt, 'olena'), otto = await account(lt, 'otto');

  const red = indicator('four-eyes.example', { marking: tlp.amber, x_keep: 1 });
  const secret = { ...red, id: red.id };
  // TLP:RED goes to nobody; lowered to GREEN it would.
  await lt.import([{ ...secret, object_marking_refs: [tlp.red] }]);
  const green = { ...secret, object_marking_refs: [tlp.green], modified: new Date(Date.now() + 1000).toISOString() };
  const file = join(lt.data, 'green.json');
  writeFileSync(file, JSON.stringify({ type: 'bundle', id: `bundle--${red.id.slice(11)}`, objects: [green] }));
  const alone = await run(['import', file, '--data', lt.data]);
  check(alone.code === 1 && alone.err.includes('a reason has'), `without a reason: ${alone.code} ${alone.err}`);
  const tried = await run(['import', file, '--reason', 'the ministry agreed', '--data', lt.data]);
  check(tried.code === 1 && tried.err.includes('waits for a second person'), `the local administrator waits: ${tried.code} ${tried.err}`);

  const { items, four_eyes } = await json(['approvals', 'list', '--data', lt.data]);
  equal([four_eyes, items.length, items[0].by, items[0].state], [true, 1, '@admin', 'open'], 'what waits');
  check(items[0].changes.some((c) => c.what === 'TLP' && c.before === 'TLP:RED' && c.after === 'TLP:GREEN'), JSON.stringify(items[0].changes));
  const shown = await ok(['approvals', 'show', items[0].id, '--data', lt.data]);
  check(shown.includes('four-eyes.example'), `its content: ${shown}`);
  const nobody = await run(['approvals', 'approve', items[0].id, '--token-file', file, '--reason', 'x', '--data', lt.data]);
  check(nobody.code === 2, 'no token of an account');
  equal(await at(ua, red.id), undefined, 'not yet');
  // Waits through a restart.
  await lt.stop();
  await lt.serve();
  // RED names nobody: neither of the two may see it, so neither decides, and the administrator does not for that.
  const blind = await run(['approvals', 'approve', items[0].id, '--token-file', otto.file, '--reason', 'x', '--data', lt.data]);
  check(blind.code === 2, `who may not see it does not decide: ${blind.out}`);

  // Ending the agreement: the local administrator proposes, olena approves in the console.
  const ended = await run(['agreement', 'end', 'cert-ua', '--reason', 'it was replaced', '--data', lt.data]);
  check(ended.code === 1 && ended.out.includes('waits for a second person'), `${ended.code} ${ended.out} ${ended.err}`);
  equal((await lt.admin('GET', '/agreements')).agreements.length, 1, 'it stands');
  const browser = new Https(lt.ca, { 'X-Bongsu-Console': '1', 'Content-Type': 'application/json', Origin: new URL(lt.urls.console).origin });
  const entered = await browser.request('POST', new URL('api/v1/session', lt.urls.console).href, JSON.stringify({ token: olena.token }));
  const cookie = entered.headers['set-cookie'][0].split(';')[0];
  const call = (method, path, body) => browser.request(method, new URL(`api/v1/${path}`, lt.urls.console).href, body && JSON.stringify(body), { Cookie: cookie });
  const waiting = (await call('GET', 'approvals')).json.items.find((i) => i.kind === 'agreement.end');
  equal([waiting.may_approve, waiting.subject], [true, 'cert-ua'], 'the console shows it');
  equal((await call('POST', `approvals/${waiting.id}/approve`, { reason: 'yes', sha256: '0'.repeat(64) })).status, 409, 'another hash');
  equal((await call('POST', `approvals/${waiting.id}/approve`, { reason: 'yes', sha256: waiting.sha256 })).status, 200, 'approved');
  equal((await lt.admin('GET', '/agreements')).agreements.length, 0, 'ended');
  equal((await call('POST', `approvals/${waiting.id}/approve`, { reason: 'yes', sha256: waiting.sha256 })).status, 409, 'once');
  browser.close();

  // The refusal, by the command line.
  const again = await run(['agreement', 'set', await (async () => {
    const path = join(lt.data, 'ua.toml');
    writeFileSync(path, 'partner = "cert-ua"\ncollections = ["shared"]\nhighest_tlp = "green"\ntypes = ["*"]\nvalid_until = 2099-01-01T00:00:00Z\n');
    return path;
  })(), '--reason', 'again', '--data', lt.data]);
  equal(again.code, 1, `${again.out} ${again.err}`);
  const put = (await json(['approvals', 'list', '--data', lt.data])).items.find((i) => i.kind === 'agreement.put' && i.state === 'open');
  await ok(['approvals', 'refuse', put.id, '--token-file', otto.file, '--reason', 'not so wide', '--data', lt.data]);
  equal((await lt.admin('GET', '/agreements')).agreements.length, 0, 'refused');
}

export async function what_is_classified_goes_out_after_a_second_person_said_so_and_the_ledger_tells_both_names(house) {
  const lt = await house.node('cert-lt', { toml: '\n[people]\nfour_eyes = true\nfour_eyes_from = "amber"\n' }), ua = await house.node('cert-ua');
  await lt.serve();
  await ua.serve();
  await partners(lt, ua);
  await lt.agree(ua, { tlp: 'green' });
  const olena = await account(lt, 'olena', 'analyst'), otto = await account(lt, 'otto', 'analyst');
  const shared = (await json(['collection', 'list', '--data', lt.data])).collections.find((c) => c.alias === 'shared').id;
  const client = new Https(lt.ca, { Authorization: `Bearer ${olena.token}`, Accept: 'application/taxii+json;version=2.1', 'Content-Type': 'application/taxii+json;version=2.1' });
  const api = new URL((await client.request('GET', lt.urls.taxii)).json.api_roots[0], lt.urls.taxii).href;
  const post = async (object) => (await client.request('POST', new URL(`collections/${shared}/objects/`, api).href, JSON.stringify({ objects: [object] }))).json;
  const amber = indicator('two-persons.example', { marking: tlp.amber });
  equal((await post(amber)).success_count, 1, 'put in as AMBER');
  const green = { ...amber, object_marking_refs: [tlp.green], modified: new Date(Date.now() + 1000).toISOString() };
  const status = await post(green);
  check(status.failure_count === 1 && status.failures[0].message.includes('waits for a second person'), JSON.stringify(status));
  client.close();
  const [item] = (await json(['approvals', 'list', '--data', lt.data])).items;
  const own = await run(['approvals', 'approve', item.id, '--token-file', olena.file, '--reason', 'mine', '--data', lt.data]);
  check(own.code === 2 && own.err.includes('second person decides'), `her own: ${own.err}`);
  await ok(['approvals', 'approve', item.id, '--token-file', otto.file, '--reason', 'agreed with the source', '--data', lt.data]);
  await until('it is at cert-ua', () => at(ua, amber.id));
  equal((await at(ua, amber.id)).modified, green.modified, 'exactly as proposed');
  await ok(['ledger', 'verify', '--data', lt.data]);   // followed and whole
  await lt.stop();
  const log = filesOf(join(lt.data, 'ledger')).map((f) => readFileSync(f, 'latin1')).join('');
  for (const words of ['approval.proposed', 'approval.executed', 'agreed with the source', '"proposed_by":"olena"', '"by":"otto"', 'people.four_eyes'])
    check(log.includes(words), `the ledger says ${words}`);
}

export async function what_a_partner_recalled_is_brought_in_again_by_two_persons_only(house) {
  const lt = await house.node('cert-lt'), ua = await house.node('cert-ua', { toml: '\n[people]\nfour_eyes = true\n' });
  await lt.serve();
  await ua.serve();
  await partners(lt, ua);
  const olena = await account(ua, 'olena'), otto = await account(ua, 'otto');
  const object = indicator('recalled-here.example');
  await lt.import([object]);
  await until('it is at cert-ua', () => at(ua, object.id));
  await ok(['recall', object.id, '--reason', 'erroneous', '--data', lt.data]);
  await until('it is gone, and confirmed', async () => !(await at(ua, object.id)) && (await lt.admin('GET', '/recalls')).orders.every((order) => order.state === 'destroyed'), 60_000);
  const file = join(ua.data, 'kept-copy.json');
  writeFileSync(file, JSON.stringify({ type: 'bundle', id: `bundle--${object.id.slice(11)}`, objects: [object] }));
  const tried = await run(['import', file, '--reason', 'we saw it ourselves', '--data', ua.data]);
  check(tried.code === 1 && /was recalled by cert-lt, who gave it: waits for a second person/.test(tried.err), `${tried.code} ${tried.err}`);
  const sealed = await run(['seal', '--to', 'cert-lt', file, '-o', join(house.dir, 'x.sealed'), '--data', ua.data]);
  check(sealed.code === 2 && /cert-lt, who gave it, recalled it/.test(sealed.err), `nor does it leave as a file: ${sealed.err}`);
  const own = async () => (await ua.export('shared')).some((o) => o.id === object.id);
  equal(await own(), false, 'not yet');
  const [item] = (await json(['approvals', 'list', '--data', ua.data])).items;
  equal([item.kind, item.changes[0].before], ['recall.override', 'cert-lt'], 'what waits, and against whose recall');
  await ok(['approvals', 'approve', item.id, '--token-file', otto.file, '--reason', 'seen in our own logs', '--data', ua.data]);
  equal(await own(), true, 'as its own');
  check(olena.token !== otto.token, 'two persons');
}

export async function an_agreement_for_crises_holds_while_an_operator_has_declared_one(house) {
  const lt = await house.reachable('cert-lt'), ua = await house.node('cert-ua');
  await lt.serve();
  await ua.serve();
  await partners(lt, ua);
  await lt.agree(ua, { purposes: ['crisis'] });
  const [before, during, after] = ['before', 'during', 'after'].map((when) => indicator(`${when}-the-crisis.example`));
  const kept = indicator('kept.example');
  await lt.import([before]);
  const declare = (who, lasting) => run(['crisis', 'declare', '--for', lasting, '--token-file', who.file, '--reason', 'attacks on the grid', '--data', lt.data]);
  const olena = await account(lt, 'olena', 'analyst'), otto = await account(lt, 'otto');
  const refused = await declare(olena, '1h');
  check(refused.code === 2 && /no operator/.test(refused.err), `an analyst does not: ${refused.err}`);
  const endless = await declare(otto, '721h');
  check(endless.code === 2 && /at most 720 hours/.test(endless.err), `it ends: ${endless.err}`);
  check(!(await at(ua, before.id)) && !(await lt.status()).crisis, 'nothing flows yet');
  equal((await declare(otto, '1h')).code, 0, 'declared');
  equal((await lt.status()).crisis.by, 'otto', 'shown');
  check((await ok(['status', '--data', lt.data])).includes('CRISIS'), 'in words, too');
  await until('what stood here already', () => at(ua, before.id), 60_000);
  await lt.import([during]);
  await until('what comes in meanwhile', () => at(ua, during.id));
  // A restart does not end it; the person does.
  await lt.stop();
  await lt.serve();
  check((await ok(['crisis', 'show', '--data', lt.data])).includes('A crisis lasts'), 'after a restart');
  await lt.import([kept]);
  await until('it goes on', () => at(ua, kept.id), 60_000);
  await ok(['crisis', 'end', '--token-file', otto.file, '--reason', 'the grid is stable', '--data', lt.data]);
  await lt.import([after]);
  const why = await ok(['why', after.id, 'cert-ua', '--data', lt.data]);
  check(/does not flow/.test(why) && /has ended/.test(why), why);
  await sleep(2000);
  check(!(await at(ua, after.id)), 'nothing new after the end');
  check(await at(ua, before.id) && await at(ua, during.id), 'what was given stays');
  const recalled = (await lt.admin('GET', '/recalls')).orders.flatMap((order) => order.objects);
  check(![before.id, during.id, kept.id].some((id) => recalled.includes(id)), 'and is not recalled');
  await ok(['ledger', 'verify', '--data', lt.data]);
  await lt.stop();
  const log = filesOf(join(lt.data, 'ledger')).map((f) => readFileSync(f, 'latin1')).join('');
  for (const words of ['crisis.declared', 'attacks on the grid', 'crisis.ended', 'the grid is stable']) check(log.includes(words), `the ledger says ${words}`);
}

// Personal data that a partner gave: gone from payloads, search and a restored backup once its days are over.
export async function personal_data_goes_when_its_days_are_over_and_does_not_come_back_from_a_backup(house) {
  const lt = await house.node('cert-lt'), ua = await house.node('cert-ua');
  await lt.serve();
  await ua.serve();
  await partners(lt, ua);
  const at_ = new Date().toISOString(), name = 'Jonas Pavyzdys';
  const person = { type: 'identity', spec_version: '2.1', id: 'identity--7c9d1c3e-0a53-4d39-9d5f-1f3d2f5a0001', created: at_, modified: at_, name, identity_class: 'individual', object_marking_refs: [tlp.green] };
  const firm = { ...person, id: 'identity--7c9d1c3e-0a53-4d39-9d5f-1f3d2f5a0002', name: 'Pavyzdys Ltd', identity_class: 'organization' };
  await lt.import([person, firm]);
  await until('both are at cert-ua', async () => await at(ua, person.id) && await at(ua, firm.id));

  const { token } = await account(ua, 'vera', 'analyst');
  const enter = async () => {
    const browser = new Https(ua.ca, { 'X-Bongsu-Console': '1', 'Content-Type': 'application/json', Origin: new URL(ua.urls.console).origin });
    const entered = await browser.request('POST', new URL('api/v1/session', ua.urls.console).href, JSON.stringify({ token }));
    const cookie = entered.headers['set-cookie'][0].split(';')[0];
    return { found: async () => (await browser.request('GET', new URL(`api/v1/search?q=${encodeURIComponent('Pavyzdys')}`, ua.urls.console).href, undefined, { Cookie: cookie })).json.hits.map((h) => h.id).sort(), close: () => browser.close() };
  };
  let console_ = await enter();
  await until('search has both', async () => (await console_.found()).length === 2);
  const backup = join(house.dir, 'backup');
  await ok(['backup', backup, '--data', ua.data]);
  const line = await until('it is counted', async () => (await json(['retention', '--data', ua.data])).lines.find((l) => l.from === 'cert-lt'));
  equal(line, { from: 'cert-lt', days: null, objects: 1, due: 0, next: null }, 'nothing is agreed');

  await ua.admin('PUT', '/agreements', 'partner = "cert-lt"\ncollections = ["shared"]\nhighest_tlp = "green"\ntypes = ["*"]\nvalid_until = 2099-01-01T00:00:00Z\npersonal_data_days = 0\n', 'application/toml');
  await until('it is gone', async () => !(await at(ua, person.id)), 60_000);
  await until('search has one', async () => JSON.stringify(await console_.found()) === JSON.stringify([firm.id]));
  await until('it is counted as erased', async () => (await ok(['retention', '--data', ua.data])).includes('1 objects were erased'));
  console_.close();
  await ua.stop();
  for (const file of filesOf(ua.data).filter((f) => !f.includes('/telemetry/') && !f.endsWith('.toml')))
    check(!readFileSync(file, 'latin1').includes(name), `${file} has the name`);

  await ok(['restore', backup, '--data', ua.data]);
  await ua.serve();
  equal(await at(ua, person.id), undefined, 'the restored backup has it not');
  check(await at(ua, firm.id), 'what is no personal data is there');
  console_ = await enter();
  await until('search has one again', async () => JSON.stringify(await console_.found()) === JSON.stringify([firm.id]));
  console_.close();
}
