// The ledger on real nodes: what was given is proven to a second implementation (tests/ledger/tlog.mjs), a kill leaves no gap, and a node
// that shows two histories is caught, named and cut off while the rest runs on.
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { join } from 'node:path';
import { check, equal, indicator, json, live, ok, pair, partners, run, sleep, tlp, until } from './lib/bongsu.mjs';
import * as tlog from '../ledger/tlog.mjs';

const quick = '\n[ledger]\ncosign = "300ms"\n';
async function two(house, options = {}) {
  const a = await house.node('cert-ua', { toml: quick, ...options }), b = await house.node('cert-lt', { toml: quick });
  await a.serve();
  await b.serve();
  await partners(a, b);
  return { a, b };
}
const log = async (node, name) => (await node.admin('GET', '/ledger')).logs.find((l) => l.log === name);
const cosigned = (node, name, least) => until(`${name} of ${node.member} cosigned up to ${least}`, async () => { const l = await log(node, name); return l && l.cosigned >= least && l.cosigned === l.entries ? l : null; });
const entriesOf = async (node, name) => (await node.admin('GET', `/ledger/proof?log=${name}&index=0&count=10000`)).items.map((i) => ({ kind: JSON.parse(i.entry).kind, content: JSON.parse(i.opening?.content ?? 'null') }));
const keysOf = async (...nodes) => [...new Set((await Promise.all(nodes.map((n) => n.admin('GET', '/ledger/keys')))).flatMap((a) => a.keys))];
async function rejected(work) {
  try {
    await work();
  } catch (error) {
    if (error instanceof tlog.Bad || error instanceof SyntaxError) return true;
    throw error;
  }
  return false;
}
// What a partner's node may ask on the link listener, with its own certificate.
function asPartner(of, partner) {
  const pem = readFileSync(join(partner.data, 'keys/tls.pem'));
  const agent = new https.Agent({ cert: pem, key: pem, rejectUnauthorized: false });
  return (path) => new Promise((done, failed) => {
    https.get(`${of.urls.link}/link/v1/ledger/${path}`, { agent }, (response) => {
      const parts = [];
      response.on('data', (d) => parts.push(d));
      response.on('end', () => (response.statusCode === 200 ? done(Buffer.concat(parts)) : failed(new Error(`${path}: ${response.statusCode}`))));
    }).on('error', failed);
  });
}

export async function what_was_given_is_proven_to_a_second_implementation_and_nothing_else_is(house) {
  const { a, b } = await two(house);
  const given = [indicator('one.example'), indicator('two.example', { marking: tlp.amber })], kept = indicator('kept.example', { marking: tlp.red });
  await a.import([...given, kept]);
  await until('they arrive', async () => { const got = await b.export('cert-ua.shared'); return given.every((g) => got.some((o) => o.id === g.id)); });
  await cosigned(a, 'pair/cert-lt', 2);
  await cosigned(b, 'pair/cert-ua', 2);
  const keys = await keysOf(a, b), file = join(house.dir, 'report.json'), keyFile = join(house.dir, 'keys.txt');
  writeFileSync(keyFile, `# both members\n${keys.join('\n')}\n`);
  await ok(['ledger', 'report', '--member', 'cert-lt', '--form', 'json', '--out', file, '--data', a.data]);

  // By the program, offline, and by the other implementation.
  const verified = await json(['verify', file, '--keys', keyFile, '--witness', 'bongsu/ledger/cert-lt/witness']).catch(() => null);
  const plain = await run(['verify', file, '--keys', keyFile]);
  equal(plain.code, 0, `bongsu verify: ${plain.out}${plain.err}`);
  const document = JSON.parse(readFileSync(file)), parsed = keys.map(tlog.parseKey);
  const items = tlog.checkEvidence(document, parsed);
  const releases = items.filter((i) => i.kind === 'release' && i.origin === 'bongsu/ledger/cert-ua/pair/cert-lt');
  for (const object of given) check(releases.some((r) => r.content.object === object.id), `${object.name} is in the report`);
  check(!readFileSync(file, 'utf8').includes(kept.id), 'what was withheld is not');
  const terms = items.find((i) => i.kind === 'agreement-put');
  check(terms && releases.every((r) => r.content.agreement === terms.content.note.agreement_sha256), 'each names the agreement that was in force');
  check(releases.every((r) => r.by.some((s) => s.startsWith('bongsu/ledger/cert-lt/witness@'))), 'the partner has confirmed each');
  check(verified === null || verified.verified, 'pair entries are cosigned');

  // The receiver's receipts say the same of the same bytes.
  const other = tlog.checkEvidence(await b.admin('GET', '/ledger/report?member=cert-ua'), parsed);
  for (const r of releases.filter((r) => given.some((g) => g.id === r.content.object)))
    check(other.some((i) => i.kind === 'receipt' && i.content.object === r.content.object && i.content.sha256 === r.content.sha256), 'the receipt matches the release');

  // Tampering: anything that is claimed.
  const damage = {
    entry: (d) => { d.items[0].entry = d.items[0].entry.replace(/"time":"20/, '"time":"21'); },
    content: (d) => { d.items[0].opening.content = d.items[0].opening.content.replace('indicator', 'indicatxr').replace('identity', 'identitx').replace('marking', 'markinx'); },
    salt: (d) => { d.items[0].opening.salt = Buffer.alloc(32).toString('base64'); },
    index: (d) => { d.items[0].proof = d.items[0].proof.replace(/index (\d+)/, (_, n) => `index ${Number(n) + 1}`); },
    path: (d) => { d.items[0].proof = d.items[0].proof.replace(/^([A-Za-z0-9+/]{43}=)$/m, Buffer.alloc(32, 7).toString('base64')); },
    size: (d) => { d.items[0].proof = d.items[0].proof.replace(/(cert-lt|node)\n(\d+)\n/, (_, o, n) => `${o}\n${Number(n) + 1}\n`); },
  };
  for (const [what, change] of Object.entries(damage)) {
    const bad = structuredClone(document);
    change(bad);
    check(JSON.stringify(bad) !== JSON.stringify(document), `${what} is changed`);
    const badFile = join(house.dir, `bad-${what}.json`);
    writeFileSync(badFile, JSON.stringify(bad));
    equal((await run(['verify', badFile, '--keys', keyFile])).code, 1, `bongsu verify with another ${what}`);
    check(await rejected(() => tlog.checkEvidence(bad, parsed)), `the second implementation takes another ${what}`);
  }
  equal((await run(['verify', file])).code, 2, 'without keys nothing is believed');
  equal((await run(['verify', file, '--key', keys.find((k) => k.startsWith('bongsu/ledger/cert-lt/witness'))])).code, 1, 'a witness alone does not speak for a log');
  writeFileSync(join(house.dir, 'no.json'), '{');
  equal((await run(['verify', join(house.dir, 'no.json'), '--keys', keyFile])).code, 2, 'no document');

  // What a person reads is made of what verified.
  const html = await ok(['ledger', 'report', '--member', 'cert-lt', '--form', 'html', '--data', a.data]), markdown = await ok(['verify', file, '--keys', keyFile, '--print', 'markdown']);
  const proof = join(house.dir, 'no-report.json'), { report, ...rest } = document;
  check(report !== undefined, 'a report says that it is one');
  writeFileSync(proof, JSON.stringify(rest));
  equal((await run(['verify', proof, '--keys', keyFile])).code, 0, 'a proof alone verifies');
  const printed = await run(['verify', proof, '--keys', keyFile, '--print', 'markdown']);
  check(printed.code === 2 && printed.out === '' && /is no report/.test(printed.err), `what is no report is not printed: ${printed.out}${printed.err}`);
  for (const text of [html, markdown]) check(text.includes(given[0].id) && text.includes('What cert-ua gave cert-lt') && !text.includes(kept.id), 'the report reads');
}

export async function a_partner_reads_the_log_of_its_pair_and_no_other(house) {
  const { a, b } = await two(house);
  const c = await house.node('cert-fi', { toml: quick });
  await c.serve();
  await pair(a, c);
  await a.agree(c, { tlp: 'green' });
  await live(c, 2);
  await a.import([...Array(300).keys()].map((i) => indicator(`n${i}.example`, { marking: i % 3 ? tlp.amber : tlp.green })));
  await until('all arrive', async () => (await b.export('cert-ua.shared')).filter((o) => o.type === 'indicator').length === 300);
  const keys = (await keysOf(a, b, c)).map(tlog.parseKey);
  const mine = await cosigned(a, 'pair/cert-lt', 300);
  const read = await tlog.readLog(asPartner(a, b), keys).catch((error) => error);
  check(read instanceof Error, 'a bare path is nothing');
  const ask = asPartner(a, b), asOther = asPartner(a, c);
  const whole = await tlog.readLog((path) => ask(`pair/${path}`), keys);
  equal(whole.size, mine.entries, 'the whole log');
  check(whole.entries.every((e) => !e.toString().includes('indicator')), 'entries are commitments');
  const evidence = JSON.parse(await ask('pair/evidence?index=299'));
  equal(tlog.checkItem(evidence, keys).index, 299, 'one entry with its opening');
  const others = await tlog.readLog((path) => asOther(`pair/${path}`), keys);
  check(others.size < whole.size && others.origin === 'bongsu/ledger/cert-ua/pair/cert-fi', 'another partner, another log');
  for (const path of ['node/checkpoint', 'node/tile/0/000.p/1', 'pair/cert-fi/checkpoint', '../ledger/node/checkpoint']) check(await ask(path).then(() => false, () => true), `${path} is not for a partner`);
}

export async function auditors_see_commitments_of_the_node_log_and_cosign_it(house) {
  const { a, b } = await two(house, { toml: '\n[ledger]\ncosign = "300ms"\nauditors = ["cert-lt"]\n' });
  await a.import([indicator('audited.example')]);
  const node = await until('the node log is cosigned', async () => { const l = await log(a, 'node'); return l && l.cosigned > 0 ? l : null; });
  const keys = (await keysOf(a, b)).map(tlog.parseKey), ask = asPartner(a, b);
  const whole = await tlog.readLog((path) => ask(`node/${path}`), keys);
  check(whole.size >= node.cosigned, 'the whole node log');
  const kinds = new Set(whole.entries.map((e) => JSON.parse(e).kind));
  for (const kind of ['admission', 'release', 'member-paired', 'agreement-put']) check(kinds.has(kind) || (kind === 'member-paired' && kinds.size > 3), `${kind} is logged`);
  check(whole.entries.every((e) => !e.toString().includes('audited') && !e.toString().includes('indicator--')), 'commitments only');
  check(await ask('node/evidence?index=0').then(() => false, () => true), 'openings are not for auditors');
}

export async function a_kill_leaves_no_gap_and_nothing_twice(house) {
  const a = await house.node('cert-ua', { toml: quick });
  await a.serve();
  let admitted = 0;
  for (let round = 0; round < 4; ++round) {
    const objects = [...Array(120).keys()].map((i) => indicator(`r${round}n${i}.example`));
    const feeding = a.import(objects).then(() => { admitted += objects.length; }, () => {});
    await sleep(20 + 60 * round);
    if (round === 1) await feeding;
    await a.stop('SIGKILL');
    await feeding;
    await a.serve();
  }
  await a.import([indicator('last.example')]);
  await a.admin('GET', '/ledger');   // answers when the ledger has everything
  await ok(['ledger', 'verify', '--data', a.data]);
  const all = await entriesOf(a, 'node'), entries = all.length;
  const seqs = all.filter((i) => i.kind !== 'release').map((i) => i.content.seq);
  const last = (await json(['verify', '--data', a.data])).verified;
  equal(seqs, [...Array(last).keys()].map((i) => i + 1), 'every entry of the journal, in order, once');
  check(last > 121, 'something was admitted');
  return `${entries} entries over four kills`;
}

export async function an_erasure_takes_the_salt_and_leaves_the_log_whole(house) {
  const { a, b } = await two(house);
  const object = indicator('erased.example');
  await a.import([object, indicator('stays.example')]);
  await cosigned(a, 'pair/cert-lt', 2);
  const before = await a.admin('GET', `/ledger/proof?object=${object.id}`);
  check(before.items.every((i) => i.opening !== null) && before.items.length >= 3, 'admission and releases are about it');
  const salts = before.items.map((i) => Buffer.from(i.opening.salt, 'base64'));
  await a.admin('POST', '/erase', { object: object.id });
  await a.admin('GET', '/ledger');
  await ok(['ledger', 'verify', '--data', a.data]);
  const walk = (dir) => readdirSync(dir, { withFileTypes: true }).flatMap((e) => (e.isDirectory() ? walk(join(dir, e.name)) : [join(dir, e.name)]));
  for (const file of walk(join(a.data, 'ledger'))) for (const salt of salts) check(!readFileSync(file).includes(salt), `a salt is left in ${file}`);
  const keys = (await keysOf(a, b)).map(tlog.parseKey);
  const report = tlog.checkEvidence(await a.admin('GET', '/ledger/report?member=cert-lt'), keys);
  check(report.some((i) => i.kind === 'release' && i.content === null), 'that something was given is still proven, what it was is not');
}

export async function a_node_put_back_from_a_backup_goes_on_with_its_ledger(house) {
  const { a, b } = await two(house);
  await a.import([indicator('before.example')]);
  await cosigned(a, 'pair/cert-lt', 1);
  const backup = join(house.dir, 'backup');
  await ok(['backup', backup, '--data', a.data]);
  await a.stop();
  rmSync(join(a.data, 'ledger'), { recursive: true });
  const report = JSON.parse(await ok(['restore', backup, '--data', a.data, '--json']));
  check(report.had_ledger, 'the backup has the ledger');
  await a.serve();
  await ok(['ledger', 'verify', '--data', a.data]);
  await a.import([indicator('afterwards.example')]);
  await cosigned(a, 'pair/cert-lt', 2);
  check(!(await b.admin('GET', '/members')).members.some((m) => m.suspended), 'for its partner it is the same log, going on');
}

export async function an_equivocating_ledger_is_named_and_its_link_suspended_while_the_rest_runs_on(house) {
  const { a, b } = await two(house);
  const c = await house.node('cert-fi', { toml: quick });
  await c.serve();
  await pair(c, b);
  await c.agree(b);
  await live(b, 4);
  await a.import([indicator('first.example')]);
  await cosigned(a, 'pair/cert-lt', 1);
  // The same node, made to tell another history: its ledger is thrown away and made anew from the journal, under other salts.
  await a.stop();
  rmSync(join(a.data, 'ledger'), { recursive: true });
  await a.serve();
  await a.import([indicator('second.example')]);
  const caught = await until('the partner names it', async () => (await b.admin('GET', '/members')).members.find((m) => m.id === 'cert-ua' && m.suspended), 30_000, 100);
  check(caught.stopped && caught.suspended.reason.includes('two histories'), `why: ${caught.suspended.reason}`);
  const { origin, first, second } = caught.suspended.evidence, keys = (await keysOf(a)).map(tlog.parseKey);
  equal(origin, 'bongsu/ledger/cert-ua/pair/cert-lt', 'which log');
  const one = tlog.checkSigned(first, keys), other = tlog.checkSigned(second, keys);
  check(one.origin === other.origin && !one.root.equals(other.root), 'both checkpoints carry the signature of the one who equivocates');
  await until('its links are cut', async () => (await b.status()).links.every((l) => l.member !== 'cert-ua'), 10_000, 100);
  const through = indicator('others-run-on.example');
  await c.import([through]);
  await until('others are served as before', async () => (await b.export('cert-fi.shared')).some((o) => o.id === through.id));
  const kinds = (await entriesOf(b, 'node')).map((i) => i.kind);
  check(kinds.includes('link-suspended'), 'the suspension is in the ledger of who suspended');
  const said = await ok(['release', 'resume', 'cert-ua', '--data', b.data]);
  check(said.includes('This lifts a suspension of ') && said.includes('two histories') && said.includes('what is given to it'), `who resumes is told what that lifts: ${said}`);
}
