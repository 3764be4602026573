// The command line as a user meets it.
import { existsSync, readFileSync, writeFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { check, equal, indicator, json, needSharedData, ok, root, run, until } from './lib/bongsu.mjs';

export async function every_command_has_help_with_examples_first(house) {
  const commands = ['init', 'serve', 'member invite', 'member accept', 'member list', 'member confirm', 'agreement set', 'agreement show', 'agreement end', 'release stop', 'release resume',
    'release preview', 'collection add', 'collection list', 'account add', 'account list', 'account remove', 'account clear', 'import', 'export', 'match', 'stix validate', 'stix id', 'taxii pull', 'taxii push',
    'status', 'alerts', 'alerts show', 'alerts suppress', 'alerts unsuppress', 'alerts suppressions', 'backup', 'restore', 'erase', 'recall', 'verify', 'certificate renew', 'config',
    'range rtu', 'range plc', 'range hmi'];
  for (const command of commands) {
    const out = await ok([...command.split(' '), '--help']);
    check(out.startsWith('Examples:\n  '), `bongsu ${command} --help does not begin with examples: ${out.slice(0, 200)}`);
  }
  return `${commands.length} commands`;
}

export async function trouble_is_exit_2_with_a_sentence_that_names_place_and_cause(house) {
  const data = join(house.dir, 'none');
  for (const [args, part] of [
    [['status', '--data', data], 'bongsu init'], [['serve', '--data', data], 'bongsu init'], [['nonsense'], ''], [['match'], ''], [['stix', 'validate', join(house.dir, 'no.json')], 'no.json'],
    [['match', '--indicators', join(house.dir, 'no.txt'), join(house.dir, 'no.log')], 'no.txt'], [['init', '--member', 'NOT GOOD', '--data', data], 'a-z'],
  ]) {
    const r = await run(args);
    equal(r.code, 2, `exit of ${args.join(' ')}`);
    check(r.err.includes(part), `${args.join(' ')}: ${r.err}`);
  }
  check(!existsSync(data), 'nothing was made');
}

export async function stix_validate_names_id_property_and_rule_and_spares_the_good_ones(house) {
  const good = indicator('good.example'), bad = { ...indicator('bad.example'), pattern: '[broken' }, worse = indicator('worse.example');
  delete worse.valid_from;
  const file = join(house.dir, 'mixed.json');
  writeFileSync(file, JSON.stringify({ type: 'bundle', id: 'bundle--00000000-0000-4000-8000-000000000001', objects: [good, bad, worse] }));
  const r = await run(['stix', 'validate', file]);
  equal(r.code, 1, 'exit');
  const text = r.out + r.err;
  for (const part of [bad.id, 'pattern', worse.id, 'valid_from']) check(text.includes(part), `${part} is not named in ${text}`);
  check(!text.includes(good.id), 'the good one is not accused');
  writeFileSync(file, JSON.stringify({ type: 'bundle', id: 'bundle--00000000-0000-4000-8000-000000000001', objects: [good] }));
  equal((await run(['stix', 'validate', file])).code, 0, 'exit of a good file');
  writeFileSync(file, '{"type": "bundle", "objects": [');
  equal((await run(['stix', 'validate', file])).code, 2, 'exit of a cut file');
}

export async function stix_id_gives_the_standard_ids(house) {
  const vectors = JSON.parse(readFileSync(needSharedData('stix', 'sco-uuid5-vectors.json'), 'utf8'));
  const objects = (vectors.objects ?? vectors.vectors ?? vectors).map((v) => v.object ?? v.sco ?? v).filter((v) => v.type);
  const file = join(house.dir, 'sco.json');
  writeFileSync(file, JSON.stringify(objects));
  const out = await ok(['stix', 'id', file]);
  for (const object of objects) check(out.includes(object.id), `${object.id} is not among ${out}`);
  return `${objects.length} ids`;
}

export async function match_exits_as_grep_does_and_writes_ndjson_in_a_pipe(house) {
  const list = join(house.dir, 'list.txt'), log = join(house.dir, 'a.log');
  writeFileSync(list, '# a comment\nhxxp://evil[.]example/drop\n198.51.100[.]7\nsub.bad.example\n');
  writeFileSync(log, '{"query":"x.sub.bad.example"}\n{"query":"notsub.bad.example"}\n{"src_ip":"198.51.100.7"}\n{"url":"http://EVIL.example:80/drop"}\n{"query":"good.example"}\n');
  const r = await run(['match', '--indicators', list, log]);
  equal(r.code, 0, `exit when something matched: ${r.err}`);
  const alerts = r.out.trim().split('\n').map((l) => JSON.parse(l));
  equal(alerts.length, 3, `alerts: ${r.out}`);
  writeFileSync(log, '{"query":"good.example"}\n');
  equal((await run(['match', '--indicators', list, log])).code, 1, 'exit when nothing matched');
  equal((await run(['match', '--indicators', list, '-'], { input: '{"query":"sub.bad.example"}\n' })).code, 0, 'standard input');
}

export async function collections_accounts_and_objects_on_a_stopped_and_on_a_running_node(house) {
  const a = await house.node('cert-ua');
  const file = join(house.dir, 'objects.json');
  for (const running of [false, true]) {
    if (running) await a.serve();
    const alias = running ? 'second' : 'first';
    await ok(['collection', 'add', alias, '--tlp', 'green', '--data', a.data]);
    check((await json(['collection', 'list', '--data', a.data])).collections.some((c) => c.alias === alias), 'collection');
    const account = await json(['account', 'add', `acc-${alias}`, '--basic', '--read', alias, '--data', a.data]);
    check(account.password.length > 30, 'a strong password, shown once');
    const objects = [indicator(`${alias}.example`), indicator(`${alias}-2.example`)];
    writeFileSync(file, JSON.stringify({ type: 'bundle', id: 'bundle--00000000-0000-4000-8000-000000000001', objects: [...objects, { ...objects[0], id: 'indicator--x' }] }));
    const imported = await run(['import', file, '--collection', alias, '--data', a.data, '--json']);
    equal(imported.code, 1, 'exit when one was refused');
    equal(JSON.parse(imported.out).admitted, 2, 'admitted');
    const again = await json(['import', file, '--collection', alias, '--data', a.data]).catch((e) => e);
    check(String(again).includes('exit 1'), 'the bad one is still bad');
    const exported = JSON.parse(await ok(['export', '--collection', alias, '--data', a.data]));
    equal(exported.objects.map((o) => o.id).sort(), objects.map((o) => o.id).sort(), 'exported');
    for (const out of ['-', join(house.dir, 'nobody.json')]) {
      const nobody = await run(['export', '--collection', alias, '--member', 'cert-zz', '--out', out, '--data', a.data]);
      check(nobody.code === 2 && nobody.out === '' && /that this member may read/.test(nobody.err) && !existsSync(`${out}.new`), `nothing for a member whom nobody knows: ${nobody.out}${nobody.err}`);
    }
  }
}

export async function backup_while_running_and_restore_keep_what_was_erased_erased(house) {
  const a = await house.node('cert-ua');
  await a.serve();
  const kept = indicator('kept.example'), erased = indicator('secret-name.example');
  await a.import([kept, erased]);
  const backup = join(house.dir, 'backup');
  await ok(['backup', backup, '--data', a.data]);
  await ok(['erase', erased.id, '--data', a.data]);
  await a.stop();
  for (const name of ['journal.db', 'journal.db-wal', 'search.db', 'search.db-wal'])
    if (existsSync(join(a.data, name))) check(!readFileSync(join(a.data, name)).includes('secret-name'), `${name} still holds the erased name`);
  const report = await json(['restore', backup, '--data', a.data]);
  check(report.removals >= 1, `removals repeated: ${JSON.stringify(report)}`);
  await a.serve();
  const ids = (await a.export('shared')).map((o) => o.id);
  check(ids.includes(kept.id) && !ids.includes(erased.id), 'the erased one did not come back');
  await ok(['verify', '--data', a.data]);
}

export async function keys_rotate_without_dropping_a_partner(house) {
  const { pair, live } = await import('./lib/bongsu.mjs');
  const a = await house.node('cert-ua'), b = await house.node('cert-lt');
  await a.serve();
  await b.serve();
  await pair(a, b);
  await a.agree(b);
  await live(b, 1);
  await a.admin('POST', '/renew', {});
  await b.admin('POST', '/renew', {});
  const object = indicator('after-rotation.example');
  await a.import([object]);
  await until('the object after both certificates changed', async () => (await b.export('cert-ua.shared')).some((o) => o.id === object.id), 60_000, 200);
  await b.stop();
  await b.serve();
  await live(b, 1);
}

export async function health_metrics_and_configuration(house) {
  const a = await house.node('cert-ua');
  await a.serve();
  const get = async (path) => { const r = await fetch(new URL(path, a.urls.ops.replace('localhost', '127.0.0.1'))); return { status: r.status, text: await r.text() }; };
  equal((await get('/healthz')).status, 200, 'health');
  equal((await get('/readyz')).status, 200, 'readiness');
  const metrics = (await get('/metrics')).text;
  for (const name of ['bongsu_publish_to_delivered_seconds_bucket', 'bongsu_delivered_to_matched_seconds_bucket', 'bongsu_journal_seq', 'bongsu_sensor_running'])
    check(metrics.includes(name), `${name} is not in the metrics`);
  check((await ok(['config', '--explain'])).includes('[link]'), 'the explanation');
  writeFileSync(join(a.data, 'bongsu.toml'), readFileSync(join(a.data, 'bongsu.toml'), 'utf8').replace('[link]', '[link]\nheartbeet = "1s"'));
  const r = await run(['config', '--data', a.data]);
  equal(r.code, 2, 'exit of a bad configuration');
  check(r.err.includes('link.heartbeet') && r.err.includes('link.heartbeat'), r.err);
}

export async function the_sensor_is_locked_in_and_nothing_of_the_node_is_open_to_others(house) {
  const a = await house.node('cert-ua');
  const logs = join(house.dir, 'logs');
  mkdirSync(logs);
  await a.serve('--watch', logs);
  const sensor = await until('the sensor', async () => { const s = (await a.status()).sensor; return s.running ? s : null; });
  check(sensor.sandboxed, 'Landlock and seccomp are on');
  const { execFileSync } = await import('node:child_process');
  const pid = execFileSync('pgrep', ['-P', String(a.child.pid)]).toString().trim().split('\n')[0];
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  check(/Seccomp:\s*2/.test(status), 'seccomp filter');
  check(/NoNewPrivs:\s*1/.test(status), 'no new privileges');
  if (process.getuid() === 0) check(!/^Uid:\s*0\s/m.test(status), 'another user than root');
  const { statSync } = await import('node:fs');
  for (const path of ['', 'keys', 'keys/master.key', 'keys/tls.pem', 'journal.db', 'admin.sock']) check((statSync(join(a.data, path)).mode & 0o077) === 0, `${path || 'the directory'} is open to others`);
}

export async function a_misp_feed_and_a_plain_list_come_in_on_schedule_and_are_never_widened(house) {
  const { execFileSync } = await import('node:child_process');
  const feed = join(house.dir, 'feed');
  mkdirSync(feed);
  execFileSync('tar', ['--zstd', '-xf', needSharedData('misp', 'feed.tar.zst'), '-C', feed]);
  const manifest = execFileSync('find', [feed, '-name', 'manifest.json']).toString().trim();
  const list = join(house.dir, 'list.txt');
  writeFileSync(list, 'hxxp://evil[.]example/a\n198.51.100.9\n');
  const a = await house.node('cert-ua', { toml: `\n[[feed]]\nname = "misp"\nkind = "misp"\nurl = "file://${manifest.replace('/manifest.json', '/')}"\ntlp = "green"\ninterval = "1h"\n` +
    `\n[[feed]]\nname = "plain"\nkind = "list"\nurl = "file://${list}"\ntlp = "amber"\ninterval = "1s"\n` });
  await a.serve();
  const state = async () => Object.fromEntries((await a.status()).feeds.map((f) => [f.name, f]));
  const done = await until('both feeds', async () => { const s = await state(); return s.misp.last_success && s.plain.last_success ? s : null; }, 240_000, 500);
  equal(done.misp.last.documents - done.misp.last.failed, 41, `events of the feed (its manifest names some that are not there): ${JSON.stringify(done.misp.last)}`);
  check(done.misp.last.entries >= 61070 - done.misp.last.problems, `attributes accounted for: ${JSON.stringify(done.misp.last)}`);
  check(done.plain.total_added >= 2, `entries of the list: ${JSON.stringify(done.plain)}`);
  writeFileSync(list, '198.51.100.9\n');
  await until('the entry that is gone is revoked', async () => (await a.export('feeds')).some((o) => o.type === 'indicator' && o.revoked && JSON.stringify(o).includes('evil.example')), 30_000, 300);
  return `${done.misp.last.added} objects of ${done.misp.last.entries} attributes`;
}
