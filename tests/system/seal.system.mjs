// Sealing between real nodes: on the live link, as files, by courier, and against a second implementation (tests/seal).
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { check, equal, indicator, live, ok, pair, root, run, Skip, sleep, tlp, until } from './lib/bongsu.mjs';

async function two(house, options = {}) {
  const a = await house.node('cert-ua', options), b = await house.node('cert-lt', options);
  await a.serve();
  await b.serve();
  await pair(a, b);
  await a.agree(b, { tlp: 'amber+strict' });
  await b.agree(a, { tlp: 'amber+strict' });
  await live(b, 2);
  pinPorts(a);
  pinPorts(b);
  return { a, b };
}
// Its ports stay what they are now, so that partners find it after a restart.
function pinPorts(node) {
  const file = join(node.data, 'bongsu.toml');
  let text = readFileSync(file, 'utf8');
  for (const name of ['taxii', 'link', 'console', 'ops'])
    text = text.replace(new RegExp(`(\\[${name}\\]\\n(?:[^\\[]*\\n)?)listen = "127.0.0.1:0"`), `$1listen = "127.0.0.1:${new URL(node.urls[name]).port}"`);
  writeFileSync(file, text);
}
const strict = (value, rest = {}) => indicator(value, { marking: tlp.amberStrict, ...rest });
const has = async (node, collection, id) => (await node.export(collection)).some((o) => o.id === id);
const bytesOf = (path) => readFileSync(path);
const signingKeyOf = (node) => Buffer.from(readFileSync(join(node.data, 'keys/signing.pub'), 'utf8').trim(), 'hex');
const signingPemOf = (node) => readFileSync(join(node.data, 'keys/signing.key'), 'utf8');

export async function an_object_at_the_level_for_sealing_travels_sealed_and_arrives(house) {
  const { a, b } = await two(house);
  const object = strict('sealed.example'), open = indicator('open.example');
  await a.import([object, open]);
  await until('the sealed object at the partner', () => has(b, 'cert-ua.shared', object.id));
  await until('the open one', () => has(b, 'cert-ua.shared', open.id));
  const [got] = (await b.export('cert-ua.shared')).filter((o) => o.id === object.id);
  equal(got, object, 'the object as it was published');
  equal((await a.status()).withheld, [], 'nothing is withheld');
  check((await b.status()).links.every((l) => !l.sealing), 'nothing is wrong with sealing');
  // A withdrawal of what was sealed arrives as any other.
  await ok(['erase', object.id, '--data', a.data]);
  await until('the withdrawal', async () => !(await has(b, 'cert-ua.shared', object.id)));
}

export async function a_member_that_gave_no_prekeys_gets_nothing_in_clear(house) {
  const { a, b } = await two(house);
  // As if the partner's node knew nothing of sealing: its keys expire for us when they are taken from its shelf.
  await b.stop();
  await a.stop();
  const { execFileSync } = await import('node:child_process');
  execFileSync('sqlite3', [join(a.data, 'journal.db'), "delete from state where space = 'prekeys.theirs'"]);
  await a.serve();
  const object = strict('kept-back.example');
  await a.import([object]);
  // A tail by hand, with the partner's certificate, as an older node would open it.
  const pem = readFileSync(join(b.data, 'keys/tls.pem'), 'utf8'), at = pem.indexOf('-----BEGIN PRIVATE KEY-----');
  const https = await import('node:https');
  const text = await new Promise((done, failed) => {
    let got = '';
    const collections = new URL('/link/v1/collections', a.urls.link);
    const options = { ca: readFileSync(join(a.data, 'keys/ca.pem')), cert: pem.slice(0, at), key: pem.slice(at), servername: 'localhost' };
    https.get(collections, options, (response) => {
      let body = '';
      response.on('data', (d) => (body += d)).on('end', () => {
        const shared = JSON.parse(body).collections.find((c) => c.alias === 'shared');
        const request = https.get(new URL(`/link/v1/tail/${shared.id}`, a.urls.link), options, (tail) => tail.on('data', (d) => {
          got += d;
          if (got.includes('event: live')) { request.destroy(); done(got); }
        }));
        request.on('error', (e) => (got.includes('event: live') ? 0 : failed(e)));
      });
    }).on('error', failed);
  });
  check(!text.includes('kept-back.example') && !text.includes(object.id), 'nothing of it on the wire');
  check(/withheld/.test(text), 'the row says that something is withheld');
  const [line] = (await a.status()).withheld;
  equal([line.member, line.objects], ['cert-lt', 1], 'the status names whom it is withheld from');
  check(/prekeys/.test(line.why), `and why: ${line.why}`);
  await b.serve();
  await until('it comes when the partner gives prekeys', () => has(b, 'cert-ua.shared', object.id));
}

export async function a_plain_poll_by_a_paired_member_shows_no_sealed_objects(house) {
  const { a, b } = await two(house);
  const object = strict('poll-sealed.example'), open = indicator('poll-open.example');
  await a.import([object, open]);
  writeFileSync(join(house.dir, 'lt.pw'), 'password of the tests for lt\n');
  await ok(['account', 'add', 'lt-poll', '--member', 'cert-lt', '--password-file', join(house.dir, 'lt.pw'), '--read', 'shared', '--data', a.data]);
  const state = join(house.dir, 'state'), out = join(house.dir, 'out.ndjson'), ca = join(a.data, 'keys/ca.pem');
  await ok(['taxii', 'pull', `${new URL(a.urls.taxii).origin}/api1/`, '--collection', 'shared', '--user', 'lt-poll', '--password-file', join(house.dir, 'lt.pw'), '--ca', ca, '--state', state, '--out', out]);
  const ids = readFileSync(out, 'utf8').trim().split('\n').map((l) => JSON.parse(l).id);
  check(ids.includes(open.id), 'the open object is polled');
  check(!ids.includes(object.id), 'the sealed one is not');
  await until('it came by the link', () => has(b, 'cert-ua.shared', object.id));
}

export async function files_are_sealed_opened_once_and_to_nobody_else(house) {
  const { a, b } = await two(house);
  const c = await house.node('cert-ee');
  await c.serve();
  await pair(a, c);
  await a.agree(c, { tlp: 'amber+strict' });
  await until('prekeys of both', async () => (await run(['seal', '--to', 'cert-ee', '--label', 'TLP:GREEN', join(a.data, 'bongsu.toml'), '-o', '-', '--data', a.data])).code === 0);
  const file = join(house.dir, 'report.bin'), content = randomBytes(70_000);
  writeFileSync(file, content);
  await ok(['seal', '--to', 'cert-lt', '--to', 'cert-ee', '--label', 'TLP:AMBER+STRICT', file, '--data', a.data]);
  const forB = `${file}.cert-lt.sealed`, forC = `${file}.cert-ee.sealed`;
  check(!bytesOf(forB).includes('cert-ee'), 'recipients do not learn of each other');
  const opened = join(house.dir, 'opened');
  const said = JSON.parse(await ok(['open', forB, '-o', opened, '--json', '--data', b.data]));
  equal([said.sender, said.label], ['cert-ua', 'TLP:AMBER+STRICT'], 'who sealed it, and how to handle it');
  check(bytesOf(opened).equals(content), 'the content is the same');
  const again = await run(['open', forB, '-o', opened, '--data', b.data]);
  check(again.code === 2 && /destroyed/.test(again.err), `a one-time key opens once: ${again.err}`);
  // What cannot be written is not opened, so that it can be once more.
  const nowhere = await run(['open', forC, '-o', join(house.dir, 'no', 'opened'), '--data', c.data]);
  check(nowhere.code === 2 && /cannot be written/.test(nowhere.err), `no place to write: ${nowhere.err}`);
  const directory = await run(['seal', '--to', 'cert-lt', '--label', 'TLP:CLEAR', house.dir, '-o', join(house.dir, 'empty'), '--data', a.data]);
  check(directory.code === 2 && directory.err.includes(`${house.dir}: `) && /directory/.test(directory.err) && !existsSync(join(house.dir, 'empty')), `a directory is not sealed: ${directory.err}`);
  const other = await run(['open', forC, '-o', opened, '--data', b.data]);
  check(other.code === 2 && /not sealed to cert-lt/.test(other.err), `not for others: ${other.err}`);
  const bad = bytesOf(forC);
  bad[bad.length - 5] ^= 1;
  writeFileSync(`${file}.bad`, bad);
  check((await run(['open', `${file}.bad`, '-o', opened, '--data', c.data])).code === 2, 'a changed file does not open');
  await ok(['open', forC, '-o', opened, '--data', c.data]);
  const unknown = await run(['seal', '--to', 'cert-xx', '--label', 'TLP:GREEN', file, '--data', a.data]);
  check(unknown.code === 2 && /not paired/.test(unknown.err), `an unknown member is named: ${unknown.err}`);
  const once = join(house.dir, 'together');
  await ok(['seal', '--together', '--to', 'cert-lt', '--to', 'cert-ee', '--label', 'TLP:AMBER', file, '-o', once, '--data', a.data]);
  for (const node of [b, c]) await ok(['open', once, '-o', opened, '--data', node.data]);
}

export async function a_file_is_sealed_only_to_whom_the_decision_releases_it_and_leaves_a_leaf(house) {
  const { a, b } = await two(house);
  await a.agree(b, { tlp: 'green', types: ['indicator', 'artifact'] });
  const file = join(house.dir, 'words.txt');
  writeFileSync(file, 'words about a campaign');
  await until('prekeys', async () => (await run(['seal', '--to', 'cert-lt', '--label', 'TLP:GREEN', join(a.data, 'bongsu.toml'), '-o', '-', '--data', a.data])).code === 0);
  const refused = async (what, why, more = []) => {
    const out = join(house.dir, 'refused');
    const said = await run(['seal', '--to', 'cert-lt', what, '-o', out, ...more, '--data', a.data]);
    check(said.code === 2 && why.test(said.err) && !existsSync(out), `${what}: ${said.err}`);
  };
  await refused(file, /say its label/);
  await refused(file, /is not understood/, ['--label', 'secret, sort of']);
  await refused(file, /not understood here/, ['--label', 'TLP:CLEAR,marking-definition--6f0e1b3c-520d-4a7d-9a3e-8e415bd27710']);
  await refused(file, /TLP is above what the agreement allows/, ['--label', 'TLP:AMBER']);
  await refused(file, /named persons only/, ['--label', 'TLP:RED']);
  await a.admin('POST', '/collections', { alias: 'internal' });
  await refused(file, /does not name this collection/, ['--label', 'TLP:GREEN', '--collection', 'internal']);
  const stix = (name, ...objects) => {
    const path = join(house.dir, name);
    writeFileSync(path, JSON.stringify({ type: 'bundle', id: `bundle--${crypto.randomUUID()}`, objects }));
    return path;
  };
  const green = indicator('sealed-green.example', { marking: tlp.green }), strictly = strict('sealed-strict.example');
  await refused(stix('mixed.json', green, strictly), new RegExp(`${strictly.id} is not sealed to cert-lt: withheld: the object's TLP`));
  await refused(stix('malware.json', { ...green, type: 'malware', id: `malware--${crypto.randomUUID()}`, is_family: false }), /does not cover this type/);
  await refused(stix('raised.json', green), /TLP is above/, ['--label', 'TLP:AMBER']);
  // What another member gave is laundered by no file.
  const c = await house.node('cert-ee');
  await c.serve();
  await pair(a, c);
  await c.agree(a);
  await until('its mirror', async () => (await a.admin('GET', '/collections')).collections.some((x) => x.alias === 'cert-ee.shared'));
  const theirs = indicator('given-by-ee.example', { marking: tlp.green });
  await c.import([theirs]);
  // A mirror is listed a moment before it can be read.
  await until('it is here', () => has(a, 'cert-ee.shared', theirs.id).catch(() => false));
  await refused(stix('theirs.json', theirs), new RegExp(`${theirs.id} is not sealed to cert-lt: .*third member gave`));
  // What may go, goes, and the ledger of the pair says so.
  const bundle = stix('good.json', green);
  await ok(['seal', '--to', 'cert-lt', bundle, '-o', join(house.dir, 'good.sealed'), '--data', a.data]);
  await ok(['seal', '--to', 'cert-lt', '--label', 'TLP:GREEN', file, '-o', join(house.dir, 'words.sealed'), '--data', a.data]);
  const opened = JSON.parse(await ok(['open', join(house.dir, 'good.sealed'), '-o', join(house.dir, 'good.opened'), '--json', '--data', b.data]));
  equal([opened.sender, opened.label], ['cert-ua', 'TLP:GREEN'], 'labelled by what is in it');
  const { createHash } = await import('node:crypto');
  await until('the leaves', async () => {
    const report = await ok(['ledger', 'report', '--member', 'cert-lt', '--form', 'html', '--data', a.data]);
    return [bundle, file].every((path) => report.includes(createHash('sha256').update(bytesOf(path)).digest('hex').slice(0, 16)));
  });
}

export async function a_sealed_file_that_nobody_has_opened_is_recalled_with_what_is_in_it(house) {
  const { a, b } = await two(house);
  await until('prekeys', async () => (await run(['seal', '--to', 'cert-lt', '--label', 'TLP:GREEN', join(a.data, 'bongsu.toml'), '-o', '-', '--data', a.data])).code === 0);
  await b.stop();  // no tail tells it anything
  const [wrong, right] = ['recalled.example', 'kept.example'].map((value) => indicator(value, { marking: tlp.green }));
  await a.import([wrong, right]);
  const files = [wrong, right].map((object, i) => {
    const path = join(house.dir, `file${i}.json`);
    writeFileSync(path, JSON.stringify(object));
    return path;
  });
  for (const file of files) await ok(['seal', '--to', 'cert-lt', file, '-o', `${file}.sealed`, '--data', a.data]);
  await ok(['recall', wrong.id, '--reason', 'erroneous', '--by', 'anna', '--data', a.data]);
  await b.serve();
  await until('the recall is obeyed', async () => (await ok(['recall', 'status', wrong.id, '--data', a.data])).includes('destroyed'), 30_000);
  const open = (file) => run(['open', `${file}.sealed`, '-o', `${file}.opened`, '--data', b.data]);
  const refused = await open(files[0]);
  check(refused.code === 2 && /cert-ua recalled indicator--/.test(refused.err) && !existsSync(`${files[0]}.opened`), refused.err);
  const again = await run(['open', `${files[0]}.sealed`, '-o', `${files[0]}.opened`, '--data', b.data]);
  check(again.code === 2 && /key/.test(again.err), `its key is gone: ${again.err}`);
  equal((await open(files[1])).code, 0, 'the other opens');
}

export async function a_courier_carries_what_a_member_may_have(house) {
  const { a, b } = await two(house);
  await b.stop();
  const given = [strict('courier-1.example'), indicator('courier-2.example')], red = indicator('courier-red.example', { marking: tlp.red });
  await a.import([...given, red]);
  const file = join(house.dir, 'for-lt.bse');
  await ok(['export', '--to', 'cert-lt', '-o', file, '--data', a.data]);
  check(!bytesOf(file).includes('courier-'), 'nothing in it can be read on the way');
  // On a node that is not running, as an air-gapped one would be fed.
  const report = JSON.parse(await ok(['import', file, '--json', '--data', b.data]));
  equal(report.sender, 'cert-ua', 'who it is from');
  check(report.admitted >= 2 && report.refused === 0, `what was admitted: ${JSON.stringify(report)}`);
  const again = await run(['import', file, '--data', b.data]);
  check(again.code === 2, 'the file opens once');
  await b.serve();
  for (const object of given) check(await has(b, 'cert-ua.shared', object.id), `${object.name} is there`);
  check(!(await has(b, 'cert-ua.shared', red.id)), 'the red one is not');
  await a.agree(b, { tlp: 'green' });
  await ok(['export', '--to', 'cert-lt', '-o', file, '--data', a.data]);
  const less = JSON.parse(await ok(['import', file, '--json', '--data', b.data]));
  equal(less.admitted, 0, 'a narrower agreement gives nothing new');
}

export async function a_second_implementation_opens_what_we_seal_and_seals_what_we_open(house) {
  if (!existsSync(join(root, 'tests/seal/node_modules/@hpke/core'))) throw new Skip('needs npm ci in tests/seal');
  const { makeBundle, openEnvelope, readBundle, sealEnvelope } = await import('../seal/envelope.mjs');
  const { a, b } = await two(house);
  await b.stop();  // from here on the other implementation is cert-lt, with its keys
  for (const secret of [undefined, { secret: randomBytes(32) }]) {
    if (secret) {
      await a.stop();
      const { createHash } = await import('node:crypto');
      secret.id = createHash('sha256').update(secret.secret).digest('hex').slice(0, 32);
      mkdirSync(join(a.data, 'keys/agreed'), { mode: 0o700 });
      writeFileSync(join(a.data, 'keys/agreed/cert-lt'), `${secret.secret.toString('hex')}\n`, { mode: 0o600 });
      await a.serve();
    }
    const mode = secret ? 'PSK' : 'Base';
    const { document, keys } = await makeBundle({ member: 'cert-lt', reader: 'cert-ua', signingPem: signingPemOf(b) });
    writeFileSync(join(house.dir, 'bundle.json'), document);
    await sleep(1100);  // a later bundle replaces the node's own; times are to the second
    const later = await makeBundle({ member: 'cert-lt', reader: 'cert-ua', signingPem: signingPemOf(b) });
    writeFileSync(join(house.dir, 'bundle.json'), later.document);
    await ok(['prekeys', 'take', 'cert-lt', join(house.dir, 'bundle.json'), '--data', a.data]);
    const file = join(house.dir, `words-${mode}.txt`), content = randomBytes(5000);
    writeFileSync(file, content);
    await ok(['seal', '--to', 'cert-lt', '--label', 'TLP:AMBER', file, '-o', `${file}.sealed`, '--data', a.data]);
    const envelope = bytesOf(`${file}.sealed`);
    const { readEnvelope } = await import('../seal/envelope.mjs');
    const prekey = later.keys.get(readEnvelope(envelope).headers[0].prekey) ?? keys.get(readEnvelope(envelope).headers[0].prekey);
    check(prekey, `${mode}: sealed to one of the keys that were given`);
    const opened = await openEnvelope({ file: envelope, self: 'cert-lt', signingKey: signingKeyOf(a), prekey, secret });
    check(opened.content.equals(content), `${mode}: what the other implementation opens`);
    equal([opened.header.sender, opened.header.label], ['cert-ua', 'TLP:AMBER'], `${mode}: the header`);

    const ours = readBundle(await ok(['prekeys', 'show', 'cert-lt', '--data', a.data]), signingKeyOf(a));
    equal([ours.member, ours.reader], ['cert-ua', 'cert-lt'], 'whose bundle it is');
    const back = await sealEnvelope({ sender: 'cert-lt', recipient: 'cert-ua', label: 'TLP:AMBER', contentType: 'application/octet-stream', content,
      signingPem: signingPemOf(b), prekey: ours.oneTime[0], secret });
    writeFileSync(`${file}.back`, back);
    await ok(['open', `${file}.back`, '-o', `${file}.opened`, '--data', a.data]);
    check(bytesOf(`${file}.opened`).equals(content), `${mode}: what we open of the other implementation's`);
    if (secret) {
      const downgraded = await sealEnvelope({ sender: 'cert-lt', recipient: 'cert-ua', label: 'TLP:AMBER', contentType: 'application/octet-stream', content,
        signingPem: signingPemOf(b), prekey: ours.oneTime[1] });
      writeFileSync(`${file}.down`, downgraded);
      const refused = await run(['open', `${file}.down`, '-o', `${file}.opened`, '--data', a.data]);
      check(refused.code === 2 && /without the secret/.test(refused.err), `a downgrade is refused: ${refused.err}`);
    }
  }
}

export async function a_node_whose_keys_are_under_a_passphrase_serves_and_one_without_it_does_not(house) {
  const { a, b } = await two(house);
  await a.stop();
  const file = join(house.dir, 'passphrase');
  writeFileSync(file, 'a long passphrase of the tests\n', { mode: 0o600 });
  const config = join(a.data, 'bongsu.toml'), before = readFileSync(config, 'utf8');
  writeFileSync(config, `[keys]\npassphrase_file = "${file}"\n${before}`);
  await ok(['keys', 'protect', '--data', a.data]);
  for (const name of ['ca.key', 'tls.pem', 'signing.key', 'master.key']) check(!/PRIVATE KEY/.test(readFileSync(join(a.data, 'keys', name), 'utf8')), `${name} is encrypted`);
  await a.serve();
  await live(b, 2);
  const object = strict('locked.example');
  await a.import([object]);
  await until('a sealed object from the locked node', () => has(b, 'cert-ua.shared', object.id));
  await a.stop();
  writeFileSync(file, 'another passphrase of the tests\n', { mode: 0o600 });
  const refused = await run(['serve', '--data', a.data], { timeout: 20_000 });
  check(refused.code !== 0 && /passphrase/.test(refused.err), `a wrong passphrase is named: ${refused.err}`);
  check(!readFileSync(a.log, 'utf8').includes('a long passphrase'), 'the passphrase is in no log');
}
