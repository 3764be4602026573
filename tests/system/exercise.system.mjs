// A drill on real nodes: three scripted teams, traces as evidence, a host and a node that are killed in the middle.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { check, equal, program, root, sleep, until } from './lib/bongsu.mjs';

const scenario = join(root, 'samples/exercise/three-members.yaml');

// `bongsu exercise run --nodes` as a process, with what it tells.
class Host {
  constructor(house, name) {
    this.dir = join(house.dir, name);
    house.proxies.push({ close: () => this.child?.kill('SIGTERM') });
  }
  async start(...args) {
    this.lines = [];
    this.err = '';
    this.child = spawn(program, ['exercise', 'run', scenario, '--nodes', '--out', this.dir, '--json', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
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

function check_nothing_lost_or_doubled(host) {
  const log = host.log();
  log.forEach((e, i) => equal(e.seq, i + 1, 'numbers follow'));
  none_twice(log.filter((e) => e.kind === 'fired').map((e) => `${e.ref} ${e.team} ${e.data.occurrence}`), 'an inject fired');
  const sent = log.filter((e) => e.kind === 'delivery' || e.kind === 'telemetry').map((e) => e.ref);
  none_twice(sent, 'something was sent');
  const delivered = evidence(log, 'delivered').map((e) => e.data.object);
  none_twice(delivered, 'something was delivered');
  equal([...delivered].sort(), [...sent].sort(), 'what was sent was delivered');
  // What lies in the files that the sensors follow: as many lines as the log says, none of them twice.
  for (const [team, member] of [['lt-blue', 'cert-lt'], ['ua-blue', 'cert-ua'], ['pl-blue', 'csirt-pl']]) {
    const wanted = log.filter((e) => e.kind === 'telemetry' && e.team === team).reduce((sum, e) => sum + e.data.lines, 0);
    const lines = telemetry_of(host, member).trimEnd().split('\n');
    equal(lines.length, wanted, `lines of ${team}'s telemetry`);
    none_twice(lines, `a line of ${team}`);
  }
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

  const card = JSON.parse(readFileSync(join(host.dir, 'score.json')));
  const of = (team) => card.teams.find((t) => t.team === team);
  check(of('lt-blue').total > of('ua-blue').total, `good ${of('lt-blue').total} is better than slow ${of('ua-blue').total}`);
  check(of('lt-blue').total > of('pl-blue').total, `good ${of('lt-blue').total} is better than leaky ${of('pl-blue').total}`);
  for (const team of card.teams)
    for (const point of team.points) check(point.earned === 0 || point.evidence.length > 0, `${team.team} ${point.rule} ${point.inject}: a point without evidence`);

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
  await host.start('--scripted', 'good,slow,leaky');
  equal(host.ready.went_on, true, 'the drill goes on');
  const lives = (old) => existsSync(`/proc/${old}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${old}/status`, 'utf8'));
  await until('the nodes of the killed host are gone', () => !nodes.some(lives));
  await host.kill();  // a second time, whatever it is doing
  await host.start('--scripted', 'good,slow,leaky');
  equal(await host.ended, 0, `the host ended: ${host.err.slice(-2000)}`);
  const log = check_nothing_lost_or_doubled(host);
  before.forEach((e, i) => equal(log[i].whole ?? log[i], e.whole ?? e, 'what was decided stays'));
  const gap = log.filter((e) => e.kind === 'control' && e.ref === 'pause' && e.data.by.includes('desk'));
  check(gap.length >= 1, 'the time away does not count');
  check(log.some((e) => e.kind === 'violation' && e.team === 'pl-blue'), 'the leak is caught all the same');
}

export async function where_people_play_the_desk_stays_after_the_end_for_late_grades(house) {
  const host = new Host(house, 'drill');
  await host.start('--speed', '60');
  equal((await host.ask('POST', 'team/lt-blue/form', { form: 'sitrep', fields: { what: 'a mail' } }, 'team/lt-blue')).status, 200, 'a form');
  const form = evidence(host.log(), 'form', 'lt-blue')[0].seq;
  equal((await host.ask('POST', 'control', { verb: 'end' })).status, 200, 'the end');
  const file = join(host.dir, 'score.json');
  const graded = () => existsSync(file) && JSON.parse(readFileSync(file)).teams.find((t) => t.team === 'lt-blue').forms.find((f) => f.entry === form)?.part;
  await until('the score is there', () => existsSync(file));
  check(graded() === undefined || graded() === null, 'and the form is not graded');
  for (const by of ['ana', 'ben']) equal((await host.ask('POST', 'grade', { form, by, part: 0.5 })).status, 200, 'a late grade');
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

export async function a_node_that_hangs_holds_up_neither_the_clock_nor_the_others(house) {
  const host = new Host(house, 'drill');
  await host.start('--speed', '60');
  const node = async () => (await host.state()).nodes.find((n) => n.member === 'cert-ua');
  const pid = await until('its node is there', async () => (await node())?.pid);
  process.kill(pid, 'SIGSTOP');
  await until('it is known to hang', async () => (await node()).answers === false, 30_000);
  const telemetry = () => evidence(host.log(), 'delivered').length;
  const before = [await host.state(), telemetry()];
  await sleep(6000);
  const passed = (await host.state()).now_ms - before[0].now_ms;
  check(passed > 180_000, `${passed} ms of the drill in 6 s at speed 60`);
  check(telemetry() > before[1], 'and what is due goes out');
  process.kill(pid, 'SIGCONT');
  await until('it answers again', async () => (await node()).answers, 90_000);
  equal((await node()).restarts, 0, 'and was never started anew');
  await host.ask('POST', 'control', { verb: 'end' });
  await host.kill('SIGTERM');
}
