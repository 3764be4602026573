// A drill on real nodes: three scripted teams, traces as evidence; a host and a node that are killed in the middle, links that are cut, a
// node that is stopped; and the flagship drill with its range.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { check, equal, Https, json, needSharedData, ok, program, Relay, root, sleep, until } from './lib/bongsu.mjs';

const scenario = join(root, 'samples/exercise/three-members.yaml');

// `bongsu exercise run --nodes` as a process, with what it tells.
class Host {
  constructor(house, name, drill = scenario) {
    this.dir = join(house.dir, name);
    this.scenario = drill;
    house.proxies.push({ close: () => this.child?.kill('SIGTERM') });
  }
  start(...args) {
    return this.#run(this.scenario, '--nodes', '--out', this.dir, ...args);
  }
  // From the directory alone.
  resume(...args) {
    return this.#run('--resume', this.dir, ...args);
  }
  async #run(...args) {
    this.lines = [];
    this.err = '';
    this.child = spawn(program, ['exercise', 'run', '--json', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stderr.on('data', (d) => { this.err += d; });
    createInterface({ input: this.child.stdout }).on('line', (line) => this.lines.push(JSON.parse(line)));
    this.ended = new Promise((done) => this.child.on('close', (code, signal) => done(code ?? signal)));
    let over;
    this.ended.then((code) => { over = code; });
    await until('the desk is ready', () => {
      check(over === undefined, `the host ended with ${over}: ${this.err}`);
      return (this.ready = this.lines.find((l) => l.status === 'ready'));
    }, 120_000);
    return this;
  }
  async kill(signal = 'SIGKILL') {
    this.child.kill(signal);
    await this.ended;
  }
  // The log as it lies on disk.
  log() {
    const text = readFileSync(join(this.dir, 'drill.ndjson'), 'utf8');
    return text.slice(0, text.lastIndexOf('\n')).split('\n').filter(Boolean).map((l) => JSON.parse(l));
  }
  ask(method, path, body, account = 'white', headers = {}) {
    const data = body === undefined ? undefined : JSON.stringify(body);
    return new Promise((done, failed) => {
      const request = http.request(new URL(path, this.ready.url), { method, headers: {
        ...(account ? { Authorization: `Bearer ${this.ready.tokens[account]}` } : {}), ...headers,
        ...(data === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(data) }) } }, (response) => {
        const parts = [];
        response.on('data', (d) => parts.push(d));
        response.on('end', () => done({ status: response.statusCode, headers: response.headers, body: JSON.parse(Buffer.concat(parts).toString() || 'null') }));
      });
      request.on('error', failed);
      request.end(data);
    });
  }
  async state(account = 'white') { return (await this.ask('GET', 'state', undefined, account)).body; }
}

const evidence = (log, as, team) => log.filter((e) => e.kind === 'evidence' && e.ref === as && (!team || e.team === team));
const counts = (things) => things.reduce((m, t) => m.set(t, (m.get(t) ?? 0) + 1), new Map());
const none_twice = (things, what) => equal([...counts(things)].filter(([, n]) => n > 1), [], `${what} twice`);
const telemetry_of = (host, member) => readFileSync(join(host.dir, 'telemetry', member, 'sensor.log'), 'utf8');

// What the desk complained of last, and what the host wrote on its errors.
const said_by = (host) => `${host.lines.filter((l) => l.status === 'desk' && !l.text.includes('goes out')).slice(-8).map((l) => l.text).join(' | ')} ${host.err.slice(-1500)}`;

// What was sent came once, in the log and in the files that the sensors follow.
function check_sent_once(host, log) {
  log.forEach((e, i) => equal(e.seq, i + 1, 'numbers follow'));
  none_twice(log.filter((e) => e.kind === 'fired').map((e) => `${e.ref} ${e.team} ${e.data.occurrence}`), 'an inject fired');
  const sent = log.filter((e) => e.kind === 'delivery' || e.kind === 'telemetry').map((e) => e.ref);
  none_twice(sent, 'something was sent');
  const delivered = evidence(log, 'delivered').map((e) => e.data.object);
  none_twice(delivered, 'something was delivered');
  // What somebody acknowledged and the desk died before it had written down that it went has no entry that it did.
  const went = new Set(sent);
  const came = new Set([...delivered, ...evidence(log, 'acknowledged').map((e) => e.data.object).filter((one) => went.has(one))]);
  equal([[...went].filter((one) => !came.has(one)), [...came].filter((one) => !went.has(one))], [[], []],
    `what was sent and not delivered, and what was delivered and not sent; the desk says: ${said_by(host)}`);
  // What lies in the files that the sensors follow: as many lines as the log says, none of them twice.
  for (const [team, member] of [['lt-blue', 'cert-lt'], ['ua-blue', 'cert-ua'], ['pl-blue', 'csirt-pl']]) {
    const wanted = log.filter((e) => e.kind === 'telemetry' && e.team === team).reduce((sum, e) => sum + e.data.lines, 0);
    const lines = telemetry_of(host, member).trimEnd().split('\n');
    equal(lines.length, wanted, `lines of ${team}'s telemetry`);
    none_twice(lines, `a line of ${team}`);
  }
}

function check_nothing_lost_or_doubled(host) {
  const log = host.log();
  check_sent_once(host, log);
  // Everything of the scenario came for its teams, or says why not.
  const fired = new Set(log.filter((e) => e.kind === 'fired').map((e) => `${e.ref} ${e.team}`));
  const not_fired = new Map(log.filter((e) => e.kind === 'not_fired').map((e) => [`${e.ref} ${e.team}`, e]));
  for (const [inject, teams] of Object.entries({ brief: ['lt-blue', 'ua-blue', 'pl-blue'], 'phish-lt': ['lt-blue'], 'phish-ua': ['ua-blue'],
    'phish-pl': ['pl-blue'], 'second-visit': ['pl-blue'], never: ['pl-blue'] }))
    for (const team of teams) {
      const why = not_fired.get(`${inject} ${team}`);
      check(fired.has(`${inject} ${team}`) || (why && why.data.why && why.text), `${inject} for ${team} neither came nor says why`);
    }
  check(!fired.has('never pl-blue'), 'what waits for a decision does not come');
  return log;
}

// The card's teams by name; every point that was earned opens to entries of the log.
function scores(host) {
  const card = JSON.parse(readFileSync(join(host.dir, 'score.json')));
  const last = host.log().length;
  for (const team of card.teams)
    for (const point of team.points) {
      const what = `${team.team} ${point.rule} ${point.inject}`;
      check(point.earned === 0 || point.evidence.length > 0, `${what}: a point without evidence`);
      check(point.evidence.every((seq) => seq >= 1 && seq <= last), `${what}: evidence that is not in the log`);
    }
  return (team) => card.teams.find((t) => t.team === team);
}

export async function three_scripted_teams_on_real_nodes_are_told_apart_by_their_traces(house) {
  const host = new Host(house, 'drill');
  await host.start('--scripted', 'good,slow,leaky', '--speed', '60');
  equal((await host.ask('GET', 'state', undefined, '')).status, 401, 'who has no token');
  equal((await host.ask('GET', 'state', undefined, 'white', { Host: 'evil.example' })).status, 403, 'a name that is not this machine');
  equal((await host.ask('POST', 'control', { verb: 'pause' }, 'observer')).status, 403, 'an observer who pauses');
  equal((await host.ask('GET', 'team/ua-blue', undefined, 'team/lt-blue')).status, 403, "another team's desk");
  const brief = await until('the brief came', async () => (await host.ask('GET', 'team/lt-blue', undefined, 'team/lt-blue')).body.deliveries.find((d) => d.via === 'console'));
  equal([brief.subject, brief.banner.startsWith('EXERCISE')], ['Brief', true], 'the brief');
  equal(await host.ended, 0, `the host ended: ${host.err.slice(-2000)}`);
  const log = check_nothing_lost_or_doubled(host);

  const of = scores(host);
  check(of('lt-blue').total > of('ua-blue').total, `good ${of('lt-blue').total} is better than slow ${of('ua-blue').total}`);
  check(of('lt-blue').total > of('pl-blue').total, `good ${of('lt-blue').total} is better than leaky ${of('pl-blue').total}`);

  // Traces: alerts and objects are those of the nodes.
  const alert = evidence(log, 'alert', 'lt-blue')[0];
  check(alert && alert.data.object.startsWith('alert--') && alert.data.patterns[0].includes('tender-lt.heron.example'), 'an alert of the node, with its pattern');
  equal(alert.data.telemetry_ms % 1000 >= 0 && alert.data.telemetry_ms >= 80_000, true, 'and the time of its record');
  const shared = evidence(log, 'shared', 'lt-blue').filter((e) => e.data.patterns?.[0].includes('tender-lt'));
  equal(new Set(shared.flatMap((e) => e.data.to)), new Set(['ua-blue', 'pl-blue']), 'who got what good shared');
  check(shared.every((e) => e.data.label.startsWith('amber marked') && e.data.label.includes('exercise')), `its label: ${shared[0]?.data.label}`);
  // Poland's node saw Lithuania's indicator, and the sighting went home.
  check(evidence(log, 'sighting', 'pl-blue').some((e) => e.data.to.includes('lt-blue')), 'the sighting came home');
  // The leak is caught, with the object of the node.
  const leaks = log.filter((e) => e.kind === 'violation');
  check(leaks.length > 0 && leaks.every((e) => e.team === 'pl-blue'), `the leak is caught, and only the leak: ${JSON.stringify(leaks.map((e) => [e.team, e.data.rule]))}`);
  check(of('pl-blue').violations > 0 && of('lt-blue').violations === 0, 'and costs points');
  return `good ${of('lt-blue').total.toFixed(1)}, slow ${of('ua-blue').total.toFixed(1)}, leaky ${of('pl-blue').total.toFixed(1)}`;
}

// What an analyst publishes at the console counts as what a script puts into a node does, though the drill plays months after this
// machine's time.
export async function what_a_person_publishes_at_the_console_matches_in_the_drill(house) {
  const host = new Host(house, 'drill');
  await host.start('--scripted', 'people,silent,silent', '--speed', '60', '--exit-at-end');
  const desk = async () => (await host.ask('GET', 'team/lt-blue', undefined, 'team/lt-blue')).body;
  const { console: url, token_file, member } = (await until('the node is linked', async () => (await desk()).node)) ?? {};
  equal(member, 'cert-lt', 'whose node it is');
  const browser = new Https(readFileSync(join(host.dir, 'nodes/cert-lt/keys/ca.pem')), { 'X-Bongsu-Console': '1', 'Content-Type': 'application/json', Origin: new URL(url).origin });
  const entered = await browser.request('POST', new URL('api/v1/session', url).href, JSON.stringify({ token: readFileSync(token_file, 'utf8').trim() }));
  equal(entered.status, 200, entered.text);
  const call = (method, path, body) => browser.request(method, new URL(`api/v1/${path}`, url).href, body && JSON.stringify(body), { Cookie: entered.headers['set-cookie'][0].split(';')[0] });
  const drill = (await call('GET', 'overview')).json.collections.find((c) => c.exercise && !c.mirror_of);
  equal([drill.alias, drill.exercise, drill.publishable], ['exercise', (await host.state()).exercise, true], 'the console knows the drill and its collection');
  const draft = { values: [{ kind: 'domain-name', text: 'tender-lt.heron.example' }], collection: drill.id, tlp: 'amber', name: 'From the mail' };
  equal((await call('POST', 'indicators/preview', draft)).json.exercise, drill.exercise, 'and says so before anything is sent');
  const made = await call('POST', 'indicators', draft);
  equal(made.status, 201, made.text);
  browser.close();
  equal(await host.ended, 0, `the host ended: ${host.err.slice(-2000)}`);
  const log = host.log();
  check(evidence(log, 'alert', 'lt-blue').some((e) => e.data.patterns?.[0]?.includes('tender-lt.heron.example')), 'its own sensor found it');
  check(evidence(log, 'shared', 'lt-blue').some((e) => e.data.to?.includes('ua-blue')), 'and a partner has it');
  equal(log.filter((e) => e.kind === 'violation').map((e) => e.text), [], 'violations');
}

export async function a_host_and_a_node_that_are_killed_lose_and_double_nothing(house) {
  const host = new Host(house, 'drill');
  await host.start('--scripted', 'good,slow,leaky', '--speed', '60');
  await until('the mails came', () => host.log().some((e) => e.ref === 'phish-lt' && e.kind === 'fired'), 60_000);
  const pid = (await host.state()).nodes.find((n) => n.member === 'cert-ua').pid;
  process.kill(pid, 'SIGKILL');
  await until('the node is up again', async () => {
    const node = (await host.state()).nodes.find((n) => n.member === 'cert-ua');
    return node.running && node.pid !== pid && node.restarts === 1;
  }, 60_000);
  const nodes = (await host.state()).nodes.map((n) => n.pid);
  await host.kill();
  const before = host.log();
  await sleep(1500);  // time that does not count
  const other = await host.resume('--scripted', 'good,slow,good').catch((error) => error);
  check(/--scripted/.test(other.message) && /good,slow,leaky/.test(other.message), `other scripts are refused: ${other.message}`);
  await host.resume();
  equal(host.ready.went_on, true, 'the drill goes on');
  const lives = (old) => existsSync(`/proc/${old}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${old}/status`, 'utf8'));
  await until('the nodes of the killed host are gone', () => !nodes.some(lives));
  await host.kill();  // a second time, whatever it is doing
  await host.resume();
  equal(await host.ended, 0, `the host ended: ${host.err.slice(-2000)}`);
  const log = check_nothing_lost_or_doubled(host);
  before.forEach((e, i) => equal(log[i].whole ?? log[i], e.whole ?? e, 'what was decided stays'));
  const gap = log.filter((e) => e.kind === 'control' && e.ref === 'pause' && e.data.by.includes('desk'));
  check(gap.length >= 1, 'the time away does not count');
  check(log.some((e) => e.kind === 'violation' && e.team === 'pl-blue'), 'the leak is caught all the same');
  const totals = JSON.parse(readFileSync(join(host.dir, 'score.json'))).teams.map((t) => t.total);
  check(totals[0] > 60 && totals[0] > totals[1] && totals[0] > totals[2], `all scripts went on: ${totals}`);
}

// Nodes whose links go over relays: the desk takes nodes that are there already.
async function nodes_behind_relays(house, host) {
  const relays = [];
  for (const member of ['control', 'cert-lt', 'cert-ua', 'csirt-pl']) {
    const data = join(host.dir, 'nodes', member), relay = await new Relay(house).listen();
    mkdirSync(join(host.dir, 'nodes'), { recursive: true });
    const made = await json(['init', '--member', member, '--title', member, '--data', data, '--base-port', '0']);
    const file = join(data, 'bongsu.toml');
    const toml = readFileSync(file, 'utf8');
    check(toml.includes('[link]\n'), 'a node has a section on links');
    writeFileSync(file, `${toml.replace('[link]\n', `[link]\nurl = "https://localhost:${relay.port}"\nrediscover = "500ms"\nheartbeat = "1s"\n`)}\n[sensor]\nsighting_window = "2s"\n`);
    writeFileSync(join(host.dir, 'nodes', `${member}.token`), `${made.operator_token}\n`);
    relay.target = async () => (await admin(data, '/status')).ports.link;
    relays.push(relay);
  }
  return relays;
}
const admin = (data, path) => new Promise((done, failed) => {
  http.get({ socketPath: join(data, 'admin.sock'), path: `/admin/v1${path}` }, (response) => {
    const parts = [];
    response.on('data', (d) => parts.push(d));
    response.on('end', () => done(JSON.parse(Buffer.concat(parts).toString())));
  }).on('error', failed);
});

export async function links_that_are_cut_and_heal_lose_and_double_nothing(house) {
  const host = new Host(house, 'drill');
  const relays = await nodes_behind_relays(house, host);
  await host.start('--scripted', 'good,slow,leaky', '--speed', '60');
  await until('the mails came', () => host.log().some((e) => e.ref === 'phish-lt' && e.kind === 'fired'), 60_000);
  await until('links go over the relays', () => relays.every((relay) => relay.sockets.size > 0), 10_000);
  for (const relay of relays) relay.cut();
  const cut_at = host.log().length;
  // Twelve minutes of the drill at least, and until a busy machine has come to it too.
  await sleep(12_000);
  const since = () => host.log().slice(cut_at);
  await until('a node without links raises alerts, and its member gives it what to share', () =>
    ['alert', 'object'].every((as) => evidence(since(), as, 'lt-blue').length > 0), 10_000);
  const meanwhile = since();
  check(meanwhile.some((e) => e.kind === 'telemetry'), 'the drill goes on');
  const own = ['object', 'alert', 'form', 'acknowledged', 'playbook', 'reply', 'delivered', 'order'];
  // What was on its way when the cut came may have arrived, and the desk asks for it later: three seconds, in the drill's time.
  const crossed = meanwhile.filter((e) => e.kind === 'evidence' && !own.includes(e.ref) && e.at > meanwhile[0].at + 180_000);
  equal(crossed.map((e) => [e.ref, e.team]), [], 'nothing crosses a link that is cut');
  for (const relay of relays) relay.restore();
  const healed_at = host.log().length;
  await until('what was held back arrives', () => host.log().slice(healed_at).some((e) => e.ref === 'shared' && e.team === 'lt-blue'), 30_000);
  equal(await host.ended, 0, `the host ended: ${host.err.slice(-2000)}`);
  const log = check_nothing_lost_or_doubled(host);
  none_twice(evidence(log, 'shared').map((e) => `${e.data.object} ${e.data.fields.version} ${e.data.to}`), 'something was shared');
  equal(new Set(evidence(log, 'shared', 'lt-blue').filter((e) => e.data.patterns?.[0].includes('tender-lt')).flatMap((e) => e.data.to)),
    new Set(['ua-blue', 'pl-blue']), 'who got what good shared');
  check(log.some((e) => e.kind === 'violation' && e.team === 'pl-blue'), 'the leak is caught all the same');
}

export async function a_node_that_is_stopped_holds_nobody_up(house) {
  const host = new Host(house, 'drill');
  await host.start('--scripted', 'good,slow,leaky', '--speed', '120');
  await until('the mails came', () => host.log().some((e) => e.ref === 'phish-lt' && e.kind === 'fired'), 60_000);
  const node = async () => (await host.state()).nodes.find((n) => n.member === 'cert-ua');
  const { pid } = await node();
  process.kill(pid, 'SIGSTOP');
  try {
    await until('the desk sees that it does not answer', async () => !(await node()).answers, 30_000);
    const before = host.log();
    await sleep(5000);
    const meanwhile = host.log().slice(before.length);
    check(meanwhile.at(-1).at - before.at(-1).at >= 240_000, `the drill's clock goes on: ${meanwhile.at(-1).at - before.at(-1).at} ms in five seconds`);
    check(meanwhile.some((e) => e.kind === 'telemetry' && e.team === 'ua-blue'), 'its team gets what is due');
    check((await node()).running, 'it runs: nobody starts it a second time');
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await until('it answers again', async () => (await node()).answers, 30_000);
  equal([(await node()).pid, (await node()).restarts], [pid, 0], 'the same process');
  equal(await host.ended, 0, `the host ended: ${host.err.slice(-2000)}`);
  const log = check_nothing_lost_or_doubled(host);
  check(evidence(log, 'alert', 'ua-blue').length > 0, 'and tells what it saw');
}

export async function the_flagship_on_real_nodes_is_scored_by_evidence_and_reported(house) {
  const data = needSharedData('exercise');
  const host = new Host(house, 'drill', join(root, 'samples/exercise/scenarios/lithuania-ukraine.yaml'));
  await host.start('--scripted', 'good,slow,leaky', '--speed', '360', '--world', join(root, 'samples/exercise/world-lt-ua/with-poland.toml'), '--data', data);
  equal(await host.ended, 0, `the host ended: ${host.err.slice(-2000)}`);
  const log = host.log();
  check_sent_once(host, log);
  equal(log.filter((e) => e.kind === 'order' && e.data.by === 'inject' && !e.data.accepted).map((e) => e.text), [], "the range does what injects ask");
  // Each inject came to each of its teams, or says why not.
  const program = await (async () => JSON.parse(await ok(['exercise', 'check', host.scenario, '--json'])))();
  const seen = new Set(log.filter((e) => e.kind === 'fired' || (e.kind === 'not_fired' && e.data.why && e.text)).map((e) => e.ref));
  equal(seen.size, program.scenario.injects, 'injects that came or say why not');

  const of = scores(host), totals = ['lt-blue', 'ua-blue', 'pl-blue'].map((team) => of(team).total);
  check(totals[0] > totals[1], `good ${totals[0]} is better than slow ${totals[1]}`);
  check(totals[0] > totals[2], `good ${totals[0]} is better than leaky ${totals[2]}`);
  const leaks = log.filter((e) => e.kind === 'violation');
  equal([...new Set(leaks.map((e) => e.team))], ['pl-blue'], 'the leak is caught, and only the leak');
  check(of('pl-blue').violations > 0, 'and costs points');
  check(log.some((e) => e.kind === 'sample' && e.team === 'ua-blue' && e.data.unserved_mwh > 0), 'load was lost in Ukraine');

  // The report is there, and the same evidence gives the same bytes, also out of another process.
  const report = () => Object.fromEntries(['score.json', 'report.json', 'report.html', 'report.pdf'].map((f) => [f, readFileSync(join(host.dir, f)).toString('base64')]));
  const first = report();
  await ok(['exercise', 'score', host.dir]);
  await ok(['exercise', 'report', host.dir]);
  const again = report();
  for (const file of Object.keys(first)) check(first[file] === again[file], `${file} is the same again`);
  return `good ${totals[0].toFixed(1)}, slow ${totals[1].toFixed(1)}, leaky ${totals[2].toFixed(1)}, ${leaks.length} violations of the leaky one`;
}

export async function where_people_play_the_desk_stays_after_the_end_for_late_grades(house) {
  const host = new Host(house, 'drill');
  await host.start('--speed', '60', '--wait');
  await until('the speed it was given', async () => (await host.state()).speed === 60);
  equal((await host.ask('POST', 'control', { verb: 'start' })).status, 200, 'the start');
  equal((await host.ask('POST', 'team/lt-blue/form', { form: 'sitrep', fields: { what: 'a mail' } }, 'team/lt-blue')).status, 200, 'a form');
  const form = evidence(host.log(), 'form', 'lt-blue')[0].seq;
  equal((await host.ask('POST', 'control', { verb: 'end' })).status, 200, 'the end');
  const file = join(host.dir, 'score.json');
  const graded = () => existsSync(file) && JSON.parse(readFileSync(file)).teams.find((t) => t.team === 'lt-blue').forms.find((f) => f.entry === form)?.part;
  await until('the score is there', () => existsSync(file));
  check(graded() === undefined || graded() === null, 'and the form is not graded');
  for (const by of ['ana', 'ben']) equal((await host.ask('POST', 'grade', { form, by, part: 0.5 })).status, 200, 'a late grade');
  await sleep(3_000);  // longer than the score takes
  check(graded() === null || graded() === undefined, 'one account is one grader, whatever names it gives');
  equal((await host.ask('POST', 'grade', { form, by: 'cy', part: 0.5 }, 'grader/1')).status, 200, 'the other grader');
  await until('the score has it', () => graded() === 0.5);
  check((await host.ask('GET', 'log', undefined, 'team/lt-blue')).body.entries.some((e) => e.kind === 'grade'), 'its team sees it');
  equal((await host.ask('POST', 'appeal', { form, why: 'it was right' }, 'team/lt-blue')).status, 200, 'and appeals');
  await host.kill('SIGTERM');  // and opened again it serves the same
  await host.start();
  equal((await host.ask('POST', 'ruling', { form, by: 'control', part: 1 })).status, 200, 'a ruling');
  host.child.kill('SIGTERM');
  equal(await host.ended, 0, `the drill ended: ${host.err.slice(-2000)}`);
  equal(graded(), 1, 'the score on disk is right when it leaves');
}

// Takes mail as RFC 5321 says, without TLS; keeps what it took.
function smtp_receiver(port) {
  const letters = [];
  const server = createServer((socket) => {
    let envelope = [], data, buffer = '';
    socket.on('error', () => {});
    socket.write('220 receiver.example\r\n');
    socket.on('data', (d) => {
      buffer += d;
      for (let end; (end = buffer.indexOf('\r\n')) >= 0;) {
        const line = buffer.slice(0, end);
        buffer = buffer.slice(end + 2);
        if (data) {
          if (line !== '.') { data.push(line.replace(/^\./, '')); continue; }
          letters.push({ envelope, text: data.join('\r\n') });
          [envelope, data] = [[], undefined];
          socket.write('250 taken\r\n');
        } else if (/^DATA$/i.test(line)) { data = []; socket.write('354 go on\r\n'); }
        else if (/^QUIT$/i.test(line)) socket.end('221 bye\r\n');
        else { if (/^(MAIL|RCPT)/i.test(line)) envelope.push(line); socket.write('250 ok\r\n'); }
      }
    });
  });
  return new Promise((done) => server.listen(port, '127.0.0.1', () => done({ letters, port: server.address().port, close: () => server.close() })));
}

export async function mail_and_cap_alerts_reach_their_servers_marked_and_none_is_lost(house) {
  const drill = join(house.dir, 'mail.yaml');
  const hostile = 'Is this ours?\\r\\nBcc: everyone@victim.example\\r\\n\\r\\nžąsis', text = '.\\r\\nQUIT\\r\\n: ґанок';
  let yaml = readFileSync(scenario, 'utf8');
  const mail = '{via: mail, roles: [Blue], sender: An engineer, subject: "Is this ours?", text: "I opened a link about a tender."}';
  check(yaml.includes(mail), 'the scenario has a mail');
  yaml = yaml.replace(mail, `{via: mail, roles: [Blue], sender: "An engineer\\r\\nX-Evil: 1", subject: "${hostile}", text: "${text}"}, {via: cap, roles: [Blue], sender: Met office, subject: Storm, text: Stay in.}`);
  writeFileSync(drill, yaml);
  const free = await smtp_receiver(0);
  free.close();
  const posted = [];
  const receiver = http.createServer((request, response) => {
    const parts = [];
    request.on('data', (d) => parts.push(d));
    request.on('end', () => { posted.push({ headers: request.headers, body: Buffer.concat(parts).toString() }); response.end(); });
  });
  await new Promise((done) => receiver.listen(0, '127.0.0.1', done));
  house.proxies.push(receiver);
  const host = new Host(house, 'drill', drill);
  await host.start('--scripted', 'silent,silent,silent', '--speed', '120', '--mail', `smtp://127.0.0.1:${free.port}`, '--cap-post', `http://127.0.0.1:${receiver.address().port}/cap`);
  await until('the desk says that nobody takes mail', () => host.lines.some((l) => l.status === 'desk' && /delivery 1.phish-lt/.test(l.text)), 30_000);
  check(!evidence(host.log(), 'delivered').some((e) => e.data.object.startsWith('1/phish-lt') && e.data.object.endsWith('/0')), 'what is not taken is not said to be delivered');
  const server = await smtp_receiver(free.port);
  house.proxies.push(server);
  equal(await host.ended, 0, `the host ended: ${host.err.slice(-2000)}`);
  equal(server.letters.length, 1, 'letters that came');
  const [{ envelope, text: letter }] = server.letters;
  equal(envelope.map((l) => l.replace(/ SIZE=\d+$/, '')), ['MAIL FROM:<inject@three-members.example>', 'RCPT TO:<lt-blue@three-members.example>'], 'the envelope');
  const [head, body] = letter.split('\r\n\r\n');
  equal(head.replace(/\r\n /g, ' ').split('\r\n').map((l) => l.split(':')[0]),
    ['Date', 'From', 'To', 'Subject', 'Message-ID', 'X-Exercise', 'MIME-Version', 'Content-Type', 'Content-Transfer-Encoding'], 'its headers, and no others');
  const word = (field) => Buffer.concat([...head.match(new RegExp(`^${field}:[^]*?(?=\r\n\\S)`, 'm'))[0].matchAll(/=\?UTF-8\?B\?([^?]*)\?=/g)].map((m) => Buffer.from(m[1], 'base64'))).toString();
  check(/^Subject: EXERCISE EXERCISE EXERCISE\r\n/m.test(head), 'its subject is marked');
  equal(word('Subject'), 'Is this ours?\r\nBcc: everyone@victim.example\r\n\r\nžąsis', 'its subject whole');
  const said = Buffer.from(body, 'base64').toString();
  check(said.includes('.\r\nQUIT\r\n: ґанок') && said.startsWith('EXERCISE') && said.trimEnd().split('\r\n').at(-1).startsWith('EXERCISE'), `its text, marked: ${said}`);
  equal(posted.length, 1, 'alerts that came');
  equal([posted[0].headers['content-type'], posted[0].headers['x-exercise']], ['application/cap+xml', 'three-members'], 'its headers');
  check(posted[0].body.includes('<status>Exercise</status>') && posted[0].body.includes('EXERCISE Storm'), 'it is marked');
}
