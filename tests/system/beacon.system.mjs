// The main job on real nodes: publish at one member → alert at another → sighting back; what may not flow does not.
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { check, equal, Https, indicator, json, live, long, makeDirectory, ok, pair, partners, Relay, run, sleep, tlp, until } from './lib/bongsu.mjs';

async function two(house, options = {}) {
  const a = await house.node('cert-ua'), b = await house.node('cert-lt', options);
  const logs = makeDirectory(join(house.dir, 'logs'));
  await a.serve();
  await b.serve('--watch', logs);
  await partners(a, b);
  return { a, b, log: join(logs, 'dns.log') };
}
const line = (name) => `${JSON.stringify({ time: new Date().toISOString(), query: name, src_ip: '10.0.0.7' })}\n`;

export async function an_indicator_published_at_one_becomes_an_alert_at_the_other_and_a_sighting_comes_back(house) {
  const { a, b, log } = await two(house, { toml: '\n[sensor]\nsighting_window = "1s"\n' });
  const object = indicator('login.kurier-post.example');
  await a.import([object]);
  await until('the indicator at the partner', async () => (await b.export('cert-ua.shared')).some((o) => o.id === object.id));
  const ticker = setInterval(() => appendFileSync(log, line('login.kurier-post.example') + line('good.example')), 50);
  try {
    const [first] = await until('an alert', async () => { const all = await b.alerts(); return all.length ? all : null; });
    equal(first.alert.indicator, object.id, 'the alert names the indicator');
    equal(first.alert.source, 'cert-ua', 'the alert names whom the indicator came from');
    const sighting = await until('the sighting', async () => (await a.export('cert-lt.sightings')).find((o) => o.type === 'sighting'));
    equal(sighting.sighting_of_ref, object.id, 'the sighting is of the indicator');
    check(!('where_sighted_refs' in sighting), 'the sighting is anonymised');
    await until('a later version with a larger count', async () => (await a.export('cert-lt.sightings')).some((o) => o.type === 'sighting' && o.count > 1));
  } finally {
    clearInterval(ticker);
  }
}

export async function subdomains_match_and_look_alikes_do_not(house) {
  const { a, b, log } = await two(house);
  await a.import([indicator('kurier-post.example')]);
  await until('the indicator in effect', async () => (await b.status()).detection.indicators >= 1);
  await sleep(300);
  writeFileSync(log, ['kurier-post.example', 'a.b.kurier-post.example', 'notkurier-post.example', 'kurier-post.example.org'].map(line).join(''));
  await until('two alerts', async () => (await b.hits()).length >= 2);
  await sleep(500);
  equal((await b.hits()).map((x) => x.matched).sort(), ['a.b.kurier-post.example', 'kurier-post.example'], 'what matched');
}

export async function labels_and_agreements_withhold(house) {
  const { a, b } = await two(house);
  const green = indicator('green.example'), amber = indicator('amber.example', { marking: tlp.amber }), strict = indicator('strict.example', { marking: tlp.amberStrict }),
    red = indicator('red.example', { marking: tlp.red }), unknown = indicator('unknown.example', { marking: 'marking-definition--11111111-1111-4111-8111-111111111111' });
  await a.import([red, unknown, strict, amber, green]);
  await until('the green one', async () => (await b.export('cert-ua.shared')).some((o) => o.id === green.id));
  const got = (await b.export('cert-ua.shared')).filter((o) => o.type === 'indicator').map((o) => o.name).sort();
  equal(got, ['amber.example', 'green.example'], 'what an agreement up to AMBER gives');
  await a.agree(b, { tlp: 'green' });
  const later = indicator('later-amber.example', { marking: tlp.amber }), last = indicator('last-green.example');
  await a.import([later, last]);
  await until('the last green one', async () => (await b.export('cert-ua.shared')).some((o) => o.id === last.id));
  check(!(await b.export('cert-ua.shared')).some((o) => o.id === later.id), 'a narrowed agreement holds for what comes next');
}

export async function release_stop_cuts_a_partner_off_at_once(house) {
  const { a, b } = await two(house);
  await a.admin('POST', '/members/cert-lt/stop', {});
  const object = indicator('after-stop.example');
  await a.import([object]);
  await sleep(1500);
  check(!(await b.export('cert-ua.shared')).some((o) => o.id === object.id), 'nothing flows after the stop');
  check((await b.status()).links.filter((l) => l.member === 'cert-ua' && l.phase === 'live').length === 0, 'its links are cut');
  await a.admin('POST', '/members/cert-lt/resume', {});
  await until('it flows again', async () => (await b.export('cert-ua.shared')).some((o) => o.id === object.id), 90_000, 200);
}

export async function a_withdrawn_indicator_stops_matching(house) {
  const { a, b, log } = await two(house);
  const object = indicator('withdrawn.example');
  await a.import([object]);
  await until('in effect', async () => (await b.status()).detection.indicators >= 1);
  await sleep(300);
  appendFileSync(log, line('withdrawn.example'));
  await until('an alert', async () => (await b.hits()).length === 1);
  const later = new Date(Date.parse(object.modified) + 1000).toISOString();
  await a.import([{ ...object, modified: later, revoked: true }]);
  await until('gone', async () => (await b.status()).detection.indicators === 0);
  await sleep(300);
  appendFileSync(log, line('withdrawn.example'));
  await sleep(1000);
  equal((await b.hits()).length, 1, 'alerts after the withdrawal');
}

// Intelligence that arrives late is looked for in what was read before, by itself; also across a kill, and each hit is told once.
export async function an_indicator_that_comes_late_finds_what_was_read_before(house) {
  const b = await house.node('cert-lt');
  const logs = makeDirectory(join(house.dir, 'logs')), log = join(logs, 'dns.log');
  await b.serve('--watch', logs);
  appendFileSync(log, line('late.example') + line('good.example') + line('x.late.example'));
  await until('the lines are read', async () => (await b.status()).sensor.events >= 3);
  const late = indicator('late.example');
  await b.import([late]);
  await until('two alerts', async () => (await b.hits()).length === 2);
  await until('the hunt is told', async () => (await b.status()).hunt.hunts >= 1);
  equal((await b.status()).hunt.alerts, 2, 'alerts by looking back');
  await b.stop('SIGKILL');
  await b.serve('--watch', logs);
  await b.import([indicator('good.example')]);
  await until('a third alert', async () => (await b.hits()).length >= 3);
  await sleep(1500);
  equal((await b.hits()).length, 3, 'alerts: each once');
  const file = join(house.dir, 'late.json');
  writeFileSync(file, JSON.stringify(late));
  const byHand = await run(['hunt', '--indicators', file, '--store', join(b.data, 'telemetry')]);
  equal(byHand.code, 0, `bongsu hunt: ${byHand.err}`);
  equal(byHand.out.trim().split('\n').map((l) => JSON.parse(l).matched).sort(), ['late.example', 'x.late.example'], 'found by hand');
}

// The sensor's indicators are read anew at each start: from the journal as it stands, not from its history.
export async function what_was_taken_back_stays_away_after_a_restart(house) {
  const a = await house.node('cert-ua');
  const logs = makeDirectory(join(house.dir, 'logs')), log = join(logs, 'dns.log');
  await a.serve('--watch', logs);
  const stands = indicator('stands.example'), revoked = indicator('revoked.example'), deleted = indicator('deleted.example'), erased = indicator('erased.example'),
    replaced = indicator('old.example'), expired = indicator('expired.example', { valid_until: '2026-01-02T00:00:00Z' }), restored = indicator('first.example');
  await a.import([stands, revoked, deleted, erased, replaced, expired, restored]);
  const later = new Date(Date.now() + 1000).toISOString(), second = { ...restored, modified: later, pattern: "[domain-name:value = 'second.example']" };
  await a.import([{ ...revoked, modified: later, revoked: true }, { ...replaced, modified: later, pattern: "[domain-name:value = 'new.example']" }, second]);
  await a.admin('POST', '/erase', { object: erased.id });
  const { token } = await json(['account', 'add', 'writer', '--token', '--read', '*', '--write', '*', '--data', a.data]);
  const client = new Https(a.ca, { Authorization: `Bearer ${token}`, Accept: 'application/taxii+json;version=2.1' });
  const api = new URL((await client.request('GET', a.urls.taxii)).json.api_roots[0], a.urls.taxii).href;
  const shared = (await client.request('GET', new URL('collections/', api).href)).json.collections.find((c) => c.alias === 'shared').id;
  const remove = async (path) => equal((await client.request('DELETE', new URL(`collections/${shared}/objects/${path}`, api).href)).status, 200, `deleting ${path}`);
  await remove(`${deleted.id}/`);
  await remove(`${restored.id}/?match[version]=${later}`);   // its first version stands again
  client.close();
  const expected = ['first.example', 'new.example', 'stands.example', 'stands.example'];
  const names = ['first.example', 'new.example', 'stands.example', 'revoked.example', 'deleted.example', 'erased.example', 'old.example', 'expired.example', 'second.example'];
  const seen = async (what, count) => {
    // Lines are looked at in order: with the last one's alert all have been.
    appendFileSync(log, [...names, 'stands.example'].map(line).join(''));
    await until(`alerts ${what}`, async () => (await a.hits()).length >= count);
    equal((await a.hits()).slice(0, expected.length).map((x) => x.matched).sort(), expected, `what matched ${what}`);
    equal((await a.hits()).length, count, `alerts ${what}`);
  };
  await until('everything is followed', async () => { const s = await a.status(); return s.detection.loaded && s.detection.cursor >= s.journal.last_seq; });
  await sleep(300);
  await seen('in the running node', 4);
  await a.stop();
  await a.serve();
  await until('loaded', async () => (await a.status()).detection.loaded);
  await seen('after a restart', 8);
}

export async function links_cut_at_random_deliver_each_object_once_in_order_and_none_that_is_forbidden(house) {
  const objects = long ? 10_000 : 1_500, cuts = long ? 100 : 15;
  const relay = await new Relay(house).listen();
  const a = await house.node('cert-ua', { linkUrl: `https://127.0.0.1:${relay.port}` }), b = await house.node('cert-lt');
  await a.serve();
  relay.target = (await a.status()).ports.link;
  await b.serve();
  await pair(a, b);
  await a.agree(b);
  await live(b, 1);
  const published = [], forbidden = [];
  let done = false;
  const cutter = (async () => {
    for (let i = 0; i < cuts && !done; ++i) {
      await sleep(20 + Math.random() * (long ? 400 : 200));
      relay.cut();
      if (i % 5 === 4) { await b.stop(i % 10 === 9 ? 'SIGKILL' : 'SIGTERM'); await b.serve(); }
      await sleep(Math.random() * 50);
      relay.restore();
    }
  })();
  for (let i = 0; i < objects;) {
    const batch = [];
    for (let k = 0; k < 25 && i < objects; ++k, ++i) {
      const secret = i % 10 === 3;
      const object = indicator(`n${i}.example`, { marking: secret ? tlp.red : tlp.green });
      (secret ? forbidden : published).push(object.id);
      batch.push(object);
    }
    await a.import(batch);
    await sleep(long ? 30 : 20);
  }
  done = true;
  await cutter;
  relay.restore();
  const theirs = await until('everything', async () => {
    const got = (await b.export('cert-ua.shared', { versions: 'all' })).filter((o) => o.type === 'indicator').map((o) => o.id);
    return got.length >= published.length ? got : null;
  }, 120_000, 300);
  equal(theirs.length, published.length, 'how many were delivered');
  check(theirs.every((id, i) => id === published[i]), 'each once, in the order of publishing');
  check(!theirs.some((id) => forbidden.includes(id)), 'none that is forbidden');
  return `${published.length} delivered, ${forbidden.length} withheld, ${cuts} cuts`;
}

export async function a_sensor_that_is_killed_goes_on_where_it_was(house) {
  const { a, b, log } = await two(house, { toml: '\n[triage]\nkept_hits = 5000\n' });
  await a.import([indicator('counted.example')]);
  await until('in effect', async () => (await b.status()).detection.indicators >= 1);
  const total = long ? 2000 : 300, everyNth = long ? 50 : 100;   // each death makes the wait for the next sensor longer
  const { execFileSync } = await import('node:child_process');
  for (let i = 0; i < total; ++i) {
    appendFileSync(log, line(`x${i}.counted.example`));
    if (i % everyNth === everyNth / 2) {
      await until('a running sensor', async () => (await b.status()).sensor.running);
      const pid = execFileSync('pgrep', ['-P', String(b.child.pid)]).toString().trim().split('\n')[0];
      process.kill(Number(pid), 'SIGKILL');
    }
    await sleep(5);
  }
  await until('an alert for every line', async () => (await b.hits(5000)).length >= total, 120_000, 300);
  const names = (await b.hits(5000)).map((x) => x.matched);
  equal(new Set(names).size, total, 'distinct lines alerted');
  equal(names.length, total, 'hits');
  const { hits } = (await b.status()).alerts;
  equal(hits, total, 'hits that are counted');
}

export async function a_noisy_machine_is_one_line_and_what_is_suppressed_is_counted_and_told_to_nobody(house) {
  const { a, b, log } = await two(house, { toml: '\n[sensor]\nsighting_window = "1s"\n' });
  const noisy = indicator('noisy.example'), quiet = indicator('quiet.example');
  await a.import([noisy, quiet]);
  await until('in effect', async () => (await b.status()).detection.indicators >= 2);
  const at = ['--data', b.data];
  const rule = await json(['alerts', 'suppress', '--value', 'quiet.example', '--by', 'olena', '--reason', 'ours', '--until', '7d', ...at]);
  const refused = await run(['alerts', 'suppress', '--value', 'x.example', '--by', 'olena', '--reason', 'ours', '--until', '91d', ...at]);
  equal(refused.code, 2, 'exit of a suppression without a near end');
  check(refused.err.includes('90 days'), refused.err);
  for (let i = 0; i < 100; ++i) appendFileSync(log, [...Array(10).keys()].map((n) => line(`${i * 10 + n}.noisy.example`)).join('') + line(`${i}.quiet.example`));
  const counted = async () => (({ hits, suppressed_hits, unlisted_hits, total }) => [hits, suppressed_hits, unlisted_hits, total])((await b.status()).alerts);
  await until('every line', async () => { const [hits, suppressed] = await counted(); return hits >= 1000 && suppressed >= 100; });
  equal(await counted(), [1000, 100, 0, 1], 'hits, suppressed hits, unlisted hits, alerts');
  const { groups } = await json(['alerts', ...at]);
  equal(groups.map((g) => [g.entity.name, g.hits, g.alerts]), [['10.0.0.7', 1000, 1]], 'groups');
  equal((await json(['alerts', 'show', groups[0].id, ...at])).alerts.map((x) => x.value.text), ['noisy.example'], 'what is inside');
  equal((await json(['alerts', '--suppressed', ...at])).groups.map((g) => g.suppressed_hits), [100], 'what is suppressed');
  const told = async () => (await a.export('cert-lt.sightings')).filter((o) => o.type === 'sighting').map((o) => [o.sighting_of_ref, o.count]);
  await until('hits are told home', async () => (await told()).some(([, count]) => count >= 2));
  check((await told()).every(([ref]) => ref === noisy.id), 'no sighting of what is suppressed');
  check((await told()).every(([, count]) => count === 2 || /^10*$/.test(count)), 'hits are told in steps');
  check((await told()).reduce((sum, [, count]) => sum + count, 0) <= 1000, 'and never more than there were');
  await ok(['alerts', 'unsuppress', rule.id, '--by', 'olena', ...at]);
  await b.stop();
  equal((await json(['alerts', ...at])).groups, groups, 'groups as a stopped node reads them');
  await b.serve();
  equal(await counted(), [1000, 100, 0, 1], 'after a restart');
}

export async function a_clean_stop_and_a_restart_lose_nothing(house) {
  const { a, b, log } = await two(house);
  await a.import([indicator('again.example')]);
  await until('in effect', async () => (await b.status()).detection.indicators >= 1);
  appendFileSync(log, line('1.again.example'));
  await until('one alert', async () => (await b.hits()).length === 1);
  equal(await b.stop(), 0, 'exit code of a clean stop');
  appendFileSync(log, line('2.again.example'));
  await a.import([indicator('while-away.example')]);
  await b.serve();
  await until('the line written meanwhile', async () => (await b.hits()).length === 2);
  await until('the object published meanwhile', async () => (await b.export('cert-ua.shared')).some((o) => o.name === 'while-away.example'));
}

export async function taxii_clients_see_what_their_account_may_read(house) {
  const a = await house.node('cert-ua');
  await a.serve();
  const { token } = await json(['account', 'add', 'siem', '--token', '--read', 'shared', '--data', a.data]);
  await a.import([indicator('taxii.example')]);
  const client = new Https(a.ca, { Authorization: `Bearer ${token}`, Accept: 'application/taxii+json;version=2.1' });
  const discovery = await client.request('GET', a.urls.taxii);
  equal(discovery.status, 200, 'discovery');
  const api = new URL(discovery.json.default ?? discovery.json.api_roots[0], a.urls.taxii).href;
  const collections = (await client.request('GET', new URL('collections/', api).href)).json.collections;
  equal(collections.map((c) => c.alias), ['shared'], 'collections it may read');
  const page = (await client.request('GET', new URL(`collections/${collections[0].id}/objects/?match[type]=indicator`, api).href)).json;
  equal(page.objects.map((o) => o.name), ['taxii.example'], 'objects');
  const nobody = new Https(a.ca, { Accept: 'application/taxii+json;version=2.1' });
  equal((await nobody.request('GET', a.urls.taxii)).status, 401, 'without credentials');
  client.close();
  nobody.close();
}
