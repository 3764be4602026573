// Courses as a learner meets them: a whole day of one, solved from the files alone, and one that is passed.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { check, equal, json, ok, root, run } from './lib/bongsu.mjs';

const courses = join(root, 'samples/exercise/courses');
const lines = (text) => text.trim().split('\n').map((l) => JSON.parse(l));

class Learner {
  constructor(house, name) { this.house = house; this.dir = join(house.dir, name); }
  async start(course, name, seed) { return json(['course', 'start', course, '--dir', this.dir, '--learner', name, '--seed', String(seed)]); }
  do(...args) { return run(['course', ...args, '--dir', this.dir, '--json']); }
  async show(...args) { return JSON.parse((await this.do('show', ...args)).out); }
  async progress() { return JSON.parse((await this.do('progress')).out); }
  async solve(answer, asFile) {
    let r;
    if (asFile) {
      const file = join(this.house.dir, 'answer.txt');
      writeFileSync(file, answer);
      r = await this.do('answer', '--file', file);
    } else r = await this.do('answer', answer);
    equal(r.code, 0, `right answer ${answer}: ${r.out}${r.err}`);
    return JSON.parse(r.out);
  }
  file(task, name) { return readFileSync(task.files.find((f) => f.endsWith(name)), 'utf8'); }
}

// What a person does with pencil and paper: APDUs of one direction, taken apart.
function asdu(hex) {
  const b = Buffer.from(hex, 'hex');
  if (b[0] !== 0x68 || (b[2] & 1) !== 0) return null;
  return { send: b.readUInt16LE(2) >> 1, type: b[6], sq: b[7] >> 7, count: b[7] & 0x7f, cause: b[8] & 0x3f, ca: b.readUInt16LE(10), body: b.subarray(12) };
}
function values(a) {
  const size = { 3: 1, 13: 5 }[a.type];
  const out = [];
  for (let i = 0, at = 0; size && i < a.count; ++i) {
    const address = a.sq ? a.body.readUIntLE(0, 3) + i : a.body.readUIntLE(at, 3);
    if (!a.sq || i === 0) at += 3;
    out.push([address, a.type === 3 ? a.body[at] & 3 : a.body.readFloatLE(at)]);
    at += size;
  }
  return out;
}

// What TCP carries in a packet capture (pcap, microseconds, Ethernet): who sent it, and when.
function packets(pcap) {
  const out = [];
  for (let at = 24; at < pcap.length;) {
    const size = pcap.readUInt32LE(at + 8), ip = pcap.subarray(at + 16 + 14, at + 16 + size);
    const data = ip.subarray((ip[0] & 15) * 4 + (ip[(ip[0] & 15) * 4 + 12] >> 4) * 4, ip.readUInt16BE(2));
    if (data.length) out.push({ from: [...ip.subarray(12, 16)].join('.'), at: new Date(pcap.readUInt32LE(at) * 1000).toISOString(), data });
    at += 16 + size;
  }
  return out;
}

export async function a_day_of_the_protocols_is_solved_from_its_files(house) {
  const ana = new Learner(house, 'ana');
  equal((await ana.start('protocols', 'ana', 13)).task, 'telecontrol.frame-by-hand', 'first task');
  let task = await ana.show();
  equal(task.fields, ['type', 'send', 'ca', 'object', 'state'], 'fields');
  const a = asdu(ana.file(task, 'frame.txt').trim());
  const wrong = await ana.do('answer', `type=${a.type}; send=${a.send * 2}; ca=${a.ca}; object=1; state=1`);
  equal(wrong.code, 1, 'exit of a wrong answer');
  check(JSON.parse(wrong.out).said.includes('send'), wrong.out);
  equal(JSON.parse((await ana.do('hint')).out).cost, 15, 'the hint costs');
  const solved = await ana.solve(`type=${a.type}; send=${a.send}; ca=${a.ca}; object=${a.body.readUIntLE(0, 3)}; state=${a.body[3] & 3}`);
  equal(solved.points, 8, '10 points less 15 % and 5 %');
  check(solved.explanation.includes('C_DC_NA_1'), 'the explanation comes after');

  task = await ana.show();
  const frames = ana.file(task, 'session.hex').trim().split('\n').map((l) => asdu(l.split(' ').at(-1))).filter(Boolean);
  const points = new Map(frames.filter((f) => f.cause === 20).flatMap(values));
  await ana.solve('object,value\n' + [...points].map((p) => p.join(',')).join('\n') + '\n', true);

  task = await ana.show();
  const centre = task.text.match(/is (192\.0\.2\.\d+)/)[1];
  const stranger = lines(ana.file(task, 'iec104.log')).filter((l) => l.type === 'C_DC_NA_1' && l.cause === 'activation' && l['id.orig_h'] !== centre);
  const executed = stranger.find((l) => l.select === false || l.select?.[0] === false) ?? stranger.at(-1);
  await ana.solve(`address=${executed['id.orig_h']}; object=${[executed.ioa].flat()[0]}; time=${executed.ts}`);

  task = await ana.show();
  const desk = task.text.match(/is (192\.0\.2\.\d+)/)[1];
  const reads = packets(readFileSync(task.files[0])).map((p) => ({ ...p, ...asdu(p.data.toString('hex')) })).filter((p) => p.type === 102 && p.from !== desk);
  await ana.solve(`address=${reads[0].from}; objects=${reads.map((p) => p.body.readUIntLE(0, 3))}; time=${reads[0].at}`);

  task = await ana.show();
  const [name, , , , command] = ana.file(task, 'points.csv').split('\n')[1].split(',');
  check(task.text.includes(name), 'the point is named');
  const address = Buffer.alloc(3);
  address.writeUIntLE(Number(command), 0, 3);
  await ana.solve(`680407000000\n680e00000000 2e0106000100 ${address.toString('hex')} 81\n680e02000000 2e0106000100 ${address.toString('hex')} 01\n`, true);

  task = await ana.show();
  const list = `title: a\nlogsource: {product: zeek, service: iec104}\ndetection:\n  a:\n    type|startswith: C_\n    cause: activation\n    id.orig_h: [${
    [...new Set(lines(ana.file(task, 'iec104.log')).filter((l) => l.type?.startsWith?.('C_') && !l['id.orig_h'].startsWith('192.0.2.') && !l['id.orig_h'].startsWith('10.')).map((l) => l['id.orig_h']))]}]\n  condition: a\n`;
  const file = join(house.dir, 'list.yml');
  writeFileSync(file, list);
  equal((await ana.do('answer', '--file', file)).code, 1, 'a list of today\'s addresses');
  await ana.solve('title: a\nlogsource: {product: zeek, service: iec104}\ndetection:\n  a:\n    type|startswith: [C_SC_, C_DC_, C_RC_, C_SE_, C_BO_]\n    cause: activation\n  b:\n    id.orig_h|cidr: 192.0.2.0/24\n  condition: a and not b\n', true);

  let progress = await ana.progress();
  equal(progress.days.map((d) => `${d.solved}/${d.of}`), ['6/6', '0/7'], 'days');
  const certificate = await ana.do('certificate');
  equal(certificate.code, 1, 'no certificate for a part');
  check(!existsSync(join(ana.dir, 'certificate.json')), 'none is written');

  const before = ana.file(await ana.show('frame-by-hand'), 'frame.txt');
  equal((await ana.do('reset', 'telecontrol')).code, 0, 'reset');
  progress = await ana.progress();
  equal(progress.days.map((d) => d.solved), [0, 0], 'the day is open again');
  check(ana.file(await ana.show('frame-by-hand'), 'frame.txt') !== before, 'with another frame');

  const ben = new Learner(house, 'ben');
  await ben.start('protocols', 'ben', 13);
  check(ben.file(await ben.show(), 'frame.txt') !== before, 'two learners of one seed have different material');
}

export async function a_passed_course_gives_a_certificate_that_can_be_verified_and_not_changed(house) {
  const course = join(house.dir, 'small.yaml');
  writeFileSync(course, `id: small
title: Small
description: d
audience: a
days:
  one:
    title: One
    hours: 1
    tasks:
      t:
        title: T
        minutes: 10
        points: 10
        text: "what is in file.txt?"
        teaches: ["nice:PD-WRL-003"]
        variables: {x: {hex: 8}}
        files: [{name: file.txt, text: "\${x}\\n"}]
        check: {answer: [{name: a, is: "\${x}", as: hex}]}
        hints: [{text: cat, cost: 10}]
        explanation: that is it
        solution: "\${x}"
        wrong: ["no"]
`);
  await ok(['course', 'check', course]);
  const ana = new Learner(house, 'small');
  await ana.start(course, 'Ąžuolas 안나', 3);
  await ana.solve(ana.file(await ana.show(), 'file.txt').trim());
  const key = join(house.dir, 'issuer');
  await ok(['charter', 'key', key]);
  equal((await ana.do('certificate', '--key', key)).code, 0, 'certificate');
  const pdf = readFileSync(join(ana.dir, 'certificate.pdf'));
  equal(pdf.subarray(0, 4).toString(), '%PDF', 'a PDF');
  const file = join(ana.dir, 'certificate.json');
  const verified = await json(['course', 'verify', file, '--key', `${key}.pub`, '--dir', ana.dir]);
  equal(verified, { holds: true, reason: '', signature_checked_with: `${key}.pub`, log_judged_again: true }, 'verified');
  const forged = JSON.parse(readFileSync(file, 'utf8'));
  forged.points = 9;
  writeFileSync(join(house.dir, 'forged.json'), JSON.stringify(forged));
  equal((await run(['course', 'verify', join(house.dir, 'forged.json')])).code, 1, 'a changed one');
  const log = join(ana.dir, 'course.ndjson');
  writeFileSync(log, readFileSync(log, 'utf8').replace('"right":true', '"right":false'));
  equal((await run(['course', 'progress', '--dir', ana.dir])).code, 2, 'a changed log');
}

export async function courses_are_listed_checked_and_explain_themselves(house) {
  const listed = lines(await ok(['course', 'list', courses]));
  equal(listed.map((c) => `${c.id} ${c.days}`), ['critical-systems 5', 'cross-border 3', 'protocols 2'], 'courses');
  for (const command of ['list', 'check', 'start', 'show', 'hint', 'answer', 'progress', 'reset', 'certificate', 'verify'])
    check((await ok(['course', command, '--help'])).startsWith('Examples:\n  '), `${command} --help`);
  const broken = join(house.dir, 'broken.yaml');
  writeFileSync(broken, readFileSync(join(courses, 'protocols.yaml'), 'utf8').replace('        minutes: 60', '        minuets: 60'));
  const r = await run(['course', 'check', broken]);
  equal(r.code, 1, 'exit');
  check(/broken\.yaml:\d+.*minuets.*the nearest is `minutes`/.test(r.out), r.out);
}
