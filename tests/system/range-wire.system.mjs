// RTU, PLC and HMI as processes: what one is told the other shows, recordings hold no malformed frame, lines break and come back.
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { check, equal, program, root, run, Skip, until } from './lib/bongsu.mjs';

const points = join(root, 'samples/exercise/substation-points.csv');

// A program that runs until it is stopped, and its NDJSON lines.
class Running {
  constructor(house, ...args) {
    this.lines = [];
    this.err = '';
    this.child = spawn(program, ['range', ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
    let rest = '';
    this.child.stdout.on('data', (d) => {
      const parts = (rest + d).split('\n');
      rest = parts.pop();
      for (const line of parts) this.lines.push(JSON.parse(line));
    });
    this.child.stderr.on('data', (d) => (this.err += d));
    this.exited = new Promise((done) => this.child.on('close', (code, signal) => done(code ?? signal)));
    house.nodes.push(this);  // stopped with the house
  }
  async line(what, wanted) {
    return until(`${what} (have ${this.lines.length} lines) ${this.err}`, () => this.lines.find((l) => Object.entries(wanted).every(([k, v]) => l[k] === v)));
  }
  say(text) { this.child.stdin.write(text + '\n'); }
  async stop(signal = 'SIGTERM') {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
    return this.exited;
  }
}

async function rtu(house, ...args) {
  const r = new Running(house, 'rtu', '--points', points, '--iec104', '127.0.0.1:0', ...args);
  r.address = (await r.line('listening', { event: 'listening' })).address;
  return r;
}
const ndjson = (text) => text.trim().split('\n').filter(Boolean).map((l) => JSON.parse(l));
const value = (lines, point) => lines.filter((l) => l.event === 'value' && l.point === point).at(-1);

export async function an_operator_sees_and_switches_an_rtu(house) {
  const record = join(house.dir, 'rtu.pcap'), log = join(house.dir, 'iec104.log');
  const station = await rtu(house, '--input', '--record', record, '--log', log);
  station.say('{"point":"bus.voltage","value":109.5,"quality":["not_topical"]}');
  const seen = await run(['range', 'hmi', '--points', points, '--iec104', station.address, '--once', '--command', 'line1.breaker=1', '--command', 'generator.setpoint=17.5']);
  equal(seen.code, 0, `exit: ${seen.out}${seen.err}`);
  const lines = ndjson(seen.out);
  for (const [command, state] of [['line1.breaker=1', 'selected'], ['line1.breaker=1', 'confirmed'], ['line1.breaker=1', 'done'], ['generator.setpoint=17.5', 'done']])
    check(lines.some((l) => l.event === 'command' && l.command === command && l.state === state), `${command} is not ${state}: ${seen.out}`);
  equal(value(lines, 'line1.breaker').value, 1, 'the breaker is open');
  equal(value(lines, 'line1.breaker').cause, 'return information, remote command', 'cause');
  check(lines.some((l) => l.point === 'line1.breaker' && l.value === 0), 'it moved');
  equal(value(lines, 'bus.voltage').quality, 'not_topical', 'quality');
  equal(value(lines, 'generator.setpoint').value, 17.5, 'the setpoint');
  const names = new Set(lines.filter((l) => l.event === 'value').map((l) => l.point));
  equal(names.size, 17, 'all points but counters');
  const request = await station.line('the request', { event: 'request', point: 'line1.breaker', select: false });
  equal([request.type, request.object, request.value, request.outcome], ['C_DC_NA_1', 1100, 1, 'confirmed'], 'who did what');

  // Changes come to whoever listens, and a refused command is exit 1.
  const watch = new Running(house, 'hmi', '--points', points, '--iec104', station.address);
  await watch.line('the interrogation', { event: 'notice', text: 'interrogation finished' });
  station.say('{"point":"protection.trip","value":1}');
  equal((await watch.line('the trip', { event: 'value', point: 'protection.trip', value: 1 })).cause, 'spontaneous', 'cause');
  watch.say('t1.tap=1');
  await watch.line('the tap', { event: 'value', point: 't1.tap', value: 4 });
  watch.say('counters');
  await watch.line('a counter', { event: 'value', point: 'line1.energy', value: 1204512 });
  watch.say('nonsense');
  await watch.line('a refusal', { event: 'refused' });
  equal(await watch.stop(), 0, 'exit of the HMI');
  equal((await run(['range', 'hmi', '--points', points, '--iec104', station.address, '--once', '--command', 'generator.setpoint=31'])).code, 1, 'exit of a refused command');
  equal((await run(['range', 'hmi', '--iec104', station.address, '--once', '--command', 'C_SC_NA_1:1112=0'])).code, 0, 'by address');
  equal(await station.stop(), 0, 'exit of the RTU');

  // A sensor in front would have seen who commanded what, and a rule finds it in its log.
  const logged = ndjson(readFileSync(log, 'utf8'));
  const switched = logged.filter((l) => l._path === 'iec104' && l.type === 'C_DC_NA_1' && l.cause === 'activation');
  equal(switched.map((l) => [l.ioa, l.value, l.select, l['id.resp_p']]), [[[1100], [1], true, Number(station.address.split(':')[1])], [[1100], [1], false, Number(station.address.split(':')[1])]], 'commands in the log');
  const found = ndjson((await run(['sigma', 'eval', join(root, 'samples/exercise/rules/iec104-command-from-elsewhere.yml'), log])).out);
  equal(found.length, logged.filter((l) => l.type.startsWith('C_') && l.cause === 'activation' && !/^C_(IC|CI|CS|TS|RD)_/.test(l.type)).length, 'what the rule finds');
  check(found.length >= 6, `${found.length} found`);

  try {
    execFileSync('tshark', ['--version'], { stdio: 'ignore' });
  } catch {
    throw new Skip('needs tshark');
  }
  const tshark = (filter, ...fields) => execFileSync('tshark', ['-n', '-r', record, '-d', `tcp.port==${station.address.split(':')[1]},iec60870_104`, '-Y', filter, '-T', 'fields', ...fields.flatMap((f) => ['-e', f])], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  equal(tshark('_ws.malformed or _ws.expert.severity == error', 'frame.number'), '', 'malformed frames');
  // A packet may carry several ASDUs: one type and one cause of each, in order.
  const asdus = tshark('iec60870_asdu', 'iec60870_asdu.typeid', 'iec60870_asdu.causetx').split('\n').flatMap((l) => {
    const [types, causes] = l.split('\t').map((list) => list.split(','));
    equal(types.length, causes.length, 'one cause for each type');
    return types.map((type, i) => [Number(type), Number(causes[i])]);
  });
  equal(asdus.filter(([type]) => type === 46).map(([, cause]) => cause).slice(0, 5).join(' '), '6 7 6 7 10', 'select, execute, termination');
  check(tshark('iec60870_asdu.typeid == 1 or iec60870_asdu.typeid == 100', 'iec60870_asdu.typeid').length > 0, 'tshark reads the interrogation');
  return `${names.size} points, ${lines.length} lines`;
}

export async function an_operator_reads_and_writes_a_plc(house) {
  const plc = new Running(house, 'plc', '--points', points, '--modbus', '127.0.0.1:0', '--input');
  const address = (await plc.line('listening', { event: 'listening' })).address;
  plc.say('{"point":"frequency","value":49.87}');
  plc.say('{"point":"no.such","value":1}');
  await until('the mistake is named', () => plc.err.includes('no.such is not a point'));
  const seen = await run(['range', 'hmi', '--points', points, '--modbus', address, '--once', '--command', 'heat.setpoint=60']);
  equal(seen.code, 0, `exit: ${seen.out}${seen.err}`);
  const lines = ndjson(seen.out);
  equal(value(lines, 'frequency').value, 49.87, 'frequency');
  equal(value(lines, 'heat.setpoint').value, 60, 'the setpoint, read after it was written');
  equal((await run(['range', 'hmi', '--points', points, '--modbus', address, '--once', '--command', 'heat.setpoint=96'])).code, 1, 'out of range');
  const report = await plc.line('the write', { event: 'request', outcome: 'done' });
  equal(report.written, { 'heat.setpoint': 60 }, 'what was written');
  await plc.line('the refusal', { event: 'request', outcome: 'illegal data value' });
  equal(await plc.stop(), 0, 'exit');
}

export async function a_broken_line_comes_back_with_what_happened_meanwhile(house) {
  const station = await rtu(house, '--input');
  const port = station.address.split(':')[1];
  const hmi = new Running(house, 'hmi', '--points', points, '--iec104', station.address, '--retry', '1');
  await hmi.line('the interrogation', { event: 'notice', text: 'interrogation finished' });
  equal(await station.stop('SIGKILL'), 'SIGKILL', 'killed');
  await hmi.line('the end', { event: 'disconnected' });
  const again = new Running(house, 'rtu', '--points', points, '--iec104', `127.0.0.1:${port}`, '--input');
  await again.line('listening', { event: 'listening' });
  again.say('{"point":"protection.trip","value":1}');
  await hmi.line('the trip', { event: 'value', point: 'protection.trip', value: 1 });
  equal(hmi.lines.filter((l) => l.event === 'connected').length, 2, 'connections');
}

export async function orders_without_a_connection_are_refused_and_quit_quits(house) {
  const station = await rtu(house);
  const hmi = new Running(house, 'hmi', '--points', points, '--iec104', station.address, '--retry', '3600');
  await hmi.line('the interrogation', { event: 'notice', text: 'interrogation finished' });
  equal(await station.stop('SIGKILL'), 'SIGKILL', 'killed');
  await hmi.line('the end', { event: 'disconnected' });
  hmi.say('line1.breaker=1');
  await hmi.line('the refusal', { event: 'refused', text: 'line1.breaker=1: not connected; orders are not kept for later' });
  hmi.say('quit');
  equal(await hmi.exited, 0, 'exit');
}

export async function strangers_do_not_stop_the_others(house) {
  const station = await rtu(house, '--max-connections', '2', '--each-connection');
  const [host, port] = station.address.split(':');
  const hmi = new Running(house, 'hmi', '--points', points, '--iec104', station.address);
  await hmi.line('the interrogation', { event: 'notice', text: 'interrogation finished' });
  const send = (bytes) => new Promise((done) => {
    const socket = connect(Number(port), host, () => socket.write(bytes));
    socket.on('close', done);
    socket.on('error', () => {});
    socket.resume();
  });
  await send(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
  await send(Buffer.from('68040700000068050000000064', 'hex'));
  await send(Buffer.from('6804430000006804ff000000', 'hex'));
  const reasons = await until('three ends', () => {
    const ends = station.lines.filter((l) => l.event === 'disconnected').map((l) => l.reason);
    return ends.length === 3 && ends;
  });
  check(reasons[0].includes('0x68'), reasons[0]);
  hmi.say('ventilation=0');
  await hmi.line('the command', { event: 'command', state: 'done' });
}

export async function mistakes_are_exit_2_with_place_and_cause(house) {
  const bad = join(house.dir, 'bad.csv');
  writeFileSync(bad, 'name,kind,ioa\na,real,1\nb,reel,2\n');
  for (const [args, part] of [
    [['rtu', '--points', bad], 'bad.csv:3'], [['rtu', '--points', join(house.dir, 'none.csv')], 'none.csv'], [['rtu', '--points', points, '--iec104', 'here'], 'ADDRESS:PORT'],
    [['rtu', '--points', points, '-w', '13'], 'w is 1 to k'], [['plc', '--points', points, '--unit', '0'], '1 to 247'], [['hmi', '--points', points], '--iec104'],
    [['hmi', '--modbus', '127.0.0.1:1'], 'list of points'], [['hmi', '--iec104', '127.0.0.1:1', '--once'], 'connecting'],
  ]) {
    const r = await run(['range', ...args]);
    equal(r.code, 2, `exit of ${args.join(' ')}`);
    check(r.err.includes(part), `${args.join(' ')}: ${r.err}`);
  }
  check(readFileSync(points, 'utf8').includes('line1.breaker'), 'the sample is there');
}
