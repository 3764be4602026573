// What nobody should send, through the command line: each costs a sentence and little memory, and the rest is processed. Memory is the process's peak (VmHWM), looked at while it runs.
import { spawn } from 'node:child_process';
import { appendFileSync, closeSync, mkdtempSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { check, equal, long, program } from './lib/bongsu.mjs';

const kMb = 1 << 20;
// What the program may take for any input here, over what it takes for none; sanitizers multiply it.
const kMost = Number(process.env.BONGSU_HOSTILE_MB ?? 160);
const kBig = (long ? 100 : 20) * kMb;
const good = '{"query":"evil.example","ts":1}\n';

function run(...args) {
  return new Promise((done) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '', err = '', peak = 0;
    const look = () => {
      try { peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? 0) / 1024); } catch { /* it ended */ }
    };
    const timer = setInterval(look, 2);
    child.stdout.on('data', (d) => { if (out.length < kMb) out += d; });
    child.stderr.on('data', (d) => { look(); if (err.length < kMb) err += d; });
    child.on('close', (status, signal) => { clearInterval(timer); done({ status, signal, out, err, peak }); });
  });
}

// A file of `size` bytes of the text, over and over.
function fill(path, text, size, head = '', tail = '') {
  const file = openSync(path, 'w'), piece = Buffer.from(text.repeat(Math.ceil(kMb / text.length)));
  writeSync(file, head);
  for (let at = 0; at < size; at += piece.length) writeSync(file, piece);
  writeSync(file, tail);
  closeSync(file);
  return path;
}

// A Zstandard frame (RFC 8878) that says of `size` bytes that each is `byte`, four bytes for 128 KiB, with a window of 2^log.
function zstdBomb(size, byte, log = 17) {
  const blocks = Math.ceil(size / 131072), out = Buffer.alloc(6 + blocks * 4);
  out.writeUInt32LE(0xfd2fb528, 0);
  out[4] = 0;
  out[5] = (log - 10) << 3;
  for (let i = 0; i < blocks; ++i) {
    out.writeUIntLE((131072 << 3) | 2 | (i + 1 === blocks ? 1 : 0), 6 + i * 4, 3);
    out[9 + i * 4] = byte;
  }
  return out;
}
const nested = (depth, open = '{"a":', close = '}', inner = '1') => open.repeat(depth) + inner + close.repeat(depth);

async function bounded(what, ...args) {
  const ran = await run(...args);
  check(ran.signal === null, `${what}: ended by ${ran.signal}: ${ran.err.slice(-500)}`);
  check(ran.peak < kMost, `${what}: ${ran.peak.toFixed(0)} MB of memory, ${kMost} allowed`);
  return ran;
}

export async function logs_that_nobody_should_write_cost_a_line_and_the_rest_is_matched(house) {
  const dir = mkdtempSync(join(house.dir, 'logs-')), list = join(dir, 'list.txt');
  writeFileSync(list, 'evil.example\n');
  const binary = Buffer.alloc(8 * kMb);
  for (let i = 0, x = 1; i < binary.length; ++i) { x = (Math.imul(x, 1103515245) + 12345) >>> 0; binary[i] = x >>> 16; }
  const files = {
    'long-line.ndjson': () => fill(join(dir, 'long-line.ndjson'), 'a', kBig, good, `\n${good}`),
    'long-json.ndjson': () => fill(join(dir, 'long-json.ndjson'), 'x', kBig, `${good}{"query":"`, `"}\n${good}`),
    'deep.ndjson': () => writeFileSync(join(dir, 'deep.ndjson'), good + [nested(10_000), nested(10_000, '[', ']'), '['.repeat(500_000), nested(100_000)].join('\n') + `\n${good}`),
    'keys.ndjson': () => writeFileSync(join(dir, 'keys.ndjson'), `${good}{${Array.from({ length: 90_000 }, (_, i) => `"k${i}":1`).join(',')}}\n${good}`),
    'cut-off.ndjson': () => writeFileSync(join(dir, 'cut-off.ndjson'), `${good}{"query":"evil.exam\n${good}{"query":"evil`),
    'utf8.ndjson': () => writeFileSync(join(dir, 'utf8.ndjson'), Buffer.concat([Buffer.from(`${good}{"query":"`), Buffer.from([0xff, 0xfe, 0xc0, 0x80, 0xed, 0xa0, 0x80, 0]), Buffer.from(`"}\n${good}`)])),
    'binary.log': () => writeFileSync(join(dir, 'binary.log'), Buffer.concat([Buffer.from(good), binary, Buffer.from(`\n${good}`)])),
    'bomb.ndjson.zst': () => writeFileSync(join(dir, 'bomb.ndjson.zst'), zstdBomb((long ? 4096 : 256) * kMb, 0x61)),
    'blank.ndjson.zst': () => writeFileSync(join(dir, 'blank.ndjson.zst'), zstdBomb(64 * kMb, 0x0a)),
    'window.ndjson.zst': () => writeFileSync(join(dir, 'window.ndjson.zst'), zstdBomb(kMb, 0x61, 31)),
    'bomb.ndjson.gz': () => writeFileSync(join(dir, 'bomb.ndjson.gz'), gzipSync(Buffer.alloc(64 * kMb, 0x20))),
    'cut-off.ndjson.gz': () => writeFileSync(join(dir, 'cut-off.ndjson.gz'), gzipSync(Buffer.from(good.repeat(1000))).subarray(0, 60)),
    'fields.log': () => writeFileSync(join(dir, 'fields.log'), `#separator \\x09\n#fields\t${Array.from({ length: 20_000 }, (_, i) => `f${i}`).join('\t')}\nx\n#close\n${good}`),
    'record.csv': () => fill(join(dir, 'record.csv'), 'a\n', 4 * kMb, 'time,src_ip,url\n1,2,"', `\n${good}`),
    'head.evtx': () => writeFileSync(join(dir, 'head.evtx'), Buffer.concat([Buffer.from('ElfFile\0'), binary.subarray(0, kMb)])),
  };
  for (const make of Object.values(files)) make();
  const said = [];
  // Alerts of the good lines around the bad ones, and exit status: 2 where a file could not be read to its end.
  const expected = { 'long-line.ndjson': [2, 0, /longer than/], 'long-json.ndjson': [2, 0, /longer than/], 'deep.ndjson': [2, 0, /deep/], 'keys.ndjson': [2, 0], 'cut-off.ndjson': [2, 0, /bad lines/],
    'utf8.ndjson': [2, 0], 'binary.log': [2, 0], 'bomb.ndjson.zst': [0, 1, /longer than/], 'blank.ndjson.zst': [0, 1], 'window.ndjson.zst': [0, 2, /window/i], 'bomb.ndjson.gz': [0, 1, /longer than/],
    'cut-off.ndjson.gz': [undefined, 2], 'fields.log': [1, 0], 'record.csv': [1, 0], 'head.evtx': [0, 1, /damaged/] };
  for (const [name, [alerts, status, message]] of Object.entries(expected)) {
    const ran = await bounded(name, 'match', '--jobs', '1', '--indicators', list, join(dir, name));
    if (alerts !== undefined) equal(ran.out.split('\n').filter(Boolean).length, alerts, `${name}: alerts (${ran.err.slice(0, 400)})`);
    equal(ran.status, status, `${name}: status (${ran.err.slice(0, 400)})`);
    if (message) check(message.test(ran.err), `${name}: the message says why: ${ran.err.slice(0, 600)}`);
    said.push(ran.peak);
  }
  // All of them at once, and through an index: what is good of each is found.
  const all = await bounded('hunt', 'hunt', '--indicators', list, dir);
  check(all.status === 2 || all.status === 0, `hunt: ${all.status} ${all.err.slice(0, 400)}`);
  check(all.out.split('\n').filter(Boolean).length >= 16, `hunt: ${all.out.split('\n').length} alerts`);
  return `${Math.max(...said).toFixed(0)} MB at most, ${all.peak.toFixed(0)} MB in a hunt`;
}

export async function rules_and_lists_that_nobody_should_write_are_refused_in_bounded_memory(house) {
  const dir = mkdtempSync(join(house.dir, 'rules-')), file = (name) => join(dir, name);
  const log = file('log.ndjson');
  writeFileSync(log, good + `{"query":"${'a'.repeat(60_000)}!"}\n`);
  const list = file('list.txt');
  writeFileSync(list, 'evil.example\n');
  const said = [];
  const case_ = async (what, status, message, ...args) => {
    const ran = await bounded(what, ...args);
    equal(ran.status, status, `${what}: status (${ran.err.slice(0, 400)}${ran.out.slice(0, 200)})`);
    check(message.test(ran.err + ran.out), `${what}: the message says why: ${(ran.err + ran.out).slice(0, 600)}`);
    said.push(ran.peak);
    return ran;
  };
  const sigma = (detection) => `title: t\nlogsource: { category: dns }\ndetection:\n${detection}\n  condition: sel\n`;
  fill(file('big.yml'), '  - aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n', kBig, 'title: big\nlogsource: { product: windows }\ndetection:\n  sel:\n', '  condition: sel\n');
  await case_('a Sigma file of 100 MB', 1, /large|long|bytes|MiB/i, 'sigma', 'check', file('big.yml'));
  writeFileSync(file('deep.yml'), `a: ${'['.repeat(10_000)}${']'.repeat(10_000)}\n`);
  await case_('a deep Sigma file', 1, /deep/i, 'sigma', 'check', file('deep.yml'));
  writeFileSync(file('explode.yml'), sigma("  sel: { query|re: '(a+)+$' }"));
  await case_('a regular expression made to explode', 0, /./, 'match', '--sigma', file('explode.yml'), '--indicators', list, log);
  writeFileSync(file('repeat.yml'), sigma("  sel: { query|re: '((a{1,1000}){1,1000}){1,1000}' }"));
  await case_('a regular expression that is too large', 1, /repeat|large|regular/i, 'sigma', 'check', file('repeat.yml'));
  await case_('a STIX pattern with one', 2, /repeat|large|regular|MATCHES/i, 'pattern', 'check', "[file:name MATCHES '((a{1,1000}){1,1000}){1,1000}']");
  fill(file('pattern.txt'), "[domain-name:value = 'a.example'] OR ", kBig, '', "[domain-name:value = 'b.example']\n");
  await case_('a pattern of 100 MB', 0, /longer|large/i, 'match', '--indicators', list, '--patterns', file('pattern.txt'), log);
  fill(file('line.txt'), 'a', kBig, 'evil.example\n', '\nother.example\n');
  await case_('a list with a line of 100 MB', 0, /longer/i, 'match', '--indicators', file('line.txt'), log);
  fill(file('string.json'), 'a', kBig, '{"type":"bundle","id":"bundle--1","objects":[{"type":"indicator","name":"', '"}]}');
  await case_('a bundle with a string of 100 MB', 0, /large|longer|refused/i, 'match', '--indicators', list, '--indicators', file('string.json'), log);
  writeFileSync(file('deep.json'), `{"type":"bundle","objects":[${nested(10_000)}]}`);
  await case_('a deep bundle', 0, /deep|refused/i, 'match', '--indicators', list, '--patterns', file('deep.json'), log);
  writeFileSync(file('bomb.json.zst'), zstdBomb((long ? 4096 : 128) * kMb, 0x20));
  await bounded('a bomb as a list', 'match', '--indicators', list, '--patterns', file('bomb.json.zst'), log);
  fill(file('big.yar'), '  $a = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"\n', kBig, 'rule big { strings:\n', ' condition: any of them }\n');
  await case_('a YARA file of 100 MB', 0, /large|long|bytes|MiB/i, 'match', '--yara', file('big.yar'), '--indicators', list, log);
  return `${Math.max(...said).toFixed(0)} MB at most`;
}
