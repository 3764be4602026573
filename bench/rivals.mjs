// `bongsu match` and its rivals, in one table: the same values, the same logs, one core, seconds of CPU.
//
//   node bench/rivals.mjs [COUNT=10000000] [--lists 1k,10k,real,1m,COUNT] [--logs zeek,windows] [--data DIR] [--no-check]
//
// Needs the preset `bench` (BONGSU_BUILD, usually build/bench), `npm ci` in bench/, and the shared data. Lists: 1,000 and 10,000 values of the real list among them those that hit,
// the real list, and the real list filled up to a million and to COUNT with generated values (make_indicators). A table on a terminal, JSON in a pipe.
//
// First the results. The alerts of `bongsu match` must be the slow matcher's (slow_match), hit by hit, with the real list and with COUNT. Then, while they are measured, the rivals':
//   rg, grep, Vectorscan, yara   find a value's bytes anywhere in a line. Their lines must be the same, and hold every line of ours in which the value stands as it is written in the list
//   DuckDB                       finds whole columns that are equal to a value; its lines must be among ours
// A rival that needs more than kMaxCpu seconds or kMaxMemory is stopped, and the table says so. `load` is what the same command takes with an empty log (Vectorscan says itself what compiling and scanning took).
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createReadStream, createWriteStream, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { once } from 'node:events';
import { root, sharedData } from '../tests/system/lib/bongsu.mjs';

const kMaxCpu = 180, kMaxMemory = 16 * 2 ** 30, kAgainBelow = 12;  // seconds; bytes; seconds below which a run is made three times
const kYaraAtMost = 10_000, kYaraStringsARule = 5_000;
const kColumns = {
  zeek: ['id.orig_h', 'id.resp_h', 'host', 'query', 'server_name', 'md5', 'sha1'],
  windows: ['SourceIp', 'DestinationIp', 'SourceAddress', 'DestAddress', 'IpAddress', 'DestinationHostname', 'QueryName'],
};

const args = process.argv.slice(2);
const flag = (name, usual) => {
  const at = args.indexOf(`--${name}`);
  return at < 0 ? usual : args.splice(at, 2)[1];
};
const noCheck = args.includes('--no-check') && Boolean(args.splice(args.indexOf('--no-check'), 1));
const wantedLists = flag('lists')?.split(','), logNames = flag('logs', 'zeek,windows').split(','), data = flag('data');
const count = Number(args[0] ?? 10_000_000);
const build = resolve(process.env.BONGSU_BUILD ?? join(root, 'build/bench'));
const bongsu = join(build, 'bin/bongsu'), tool = (name) => join(build, 'bench', name);
const dir = mkdtempSync(join(process.env.TMPDIR ?? '/var/tmp', 'rivals-'));
const say = (text) => process.stderr.write(`${text}\n`);
const fail = (text) => { throw new Error(text); };
const short = (n) => n >= 1e6 ? `${n / 1e6} million` : n.toLocaleString('en');

// A file of the shared data, as it is or unpacked.
function unpacked(name) {
  const plain = data && join(data, name.split('/').at(-1));
  if (plain && existsSync(plain)) return plain;
  const packed = join(sharedData, `${name}.zst`);
  if (!existsSync(packed)) fail(`skipped: needs shared data (${packed})`);
  const out = join(dir, name.split('/').at(-1));
  execFileSync('zstd', ['-q', '-d', '-f', packed, '-o', out]);
  return out;
}

async function* lines(path) {
  yield* createInterface({ input: createReadStream(path), crlfDelay: Infinity });
}

// Runs a command under the limits; `out` gets its output, or the numbers before the first colon of each line. Seconds of CPU, peak memory in MB, status.
function run(command, out, { memory = true, numbers = false } = {}) {
  const facts = join(dir, 'facts');
  const limits = `prlimit --cpu=${kMaxCpu} --core=0 ${memory ? `--as=${kMaxMemory}` : ''}`;
  const ran = spawnSync('bash', ['-c', `set -o pipefail; ${limits} /usr/bin/time -o "$FACTS" -f '%U %S %M' "$@" ${numbers ? '| cut -d: -f1' : ''} > "$OUT"`, 'run', ...command], {
    stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, LC_ALL: 'C', FACTS: facts, OUT: out }, maxBuffer: 1 << 26,
  });
  const [user, system, kb] = readFileSync(facts, 'utf8').trim().split('\n').at(-1).split(' ').map(Number);
  const cpu = user + system;
  const why = cpu >= kMaxCpu - 1 ? `more than ${kMaxCpu} s of CPU` : kb * 1024 > kMaxMemory * 0.6 || /memory|alloc/i.test(ran.stderr) ? `more than ${kMaxMemory / 2 ** 30} GB of address space` : `status ${ran.status}: ${ran.stderr.toString().trim().slice(0, 200)}`;
  const said = /compiled in ([0-9.]+) s; .* scanned in ([0-9.]+) s/.exec(ran.stderr);
  return { cpu, mb: kb / 1024, status: ran.status, why, load: said && Number(said[1]), scan: said && Number(said[2]) };
}

// Numbers of the lines that are blank: DuckDB counts rows, and leaves these out.
async function blankLines(path) {
  const out = [];
  let number = 0;
  for await (const line of lines(path)) if (++number && line.trim() === '') out.push(number);
  return out;
}

// What it takes with an empty log and with the log, the better of up to three runs.
function measure(command, out, options) {
  let best;
  for (let n = 0; n < 3; ++n) {
    const ran = run(command, out, options);
    if (ran.status !== 0 && ran.status !== 1) return ran;
    if (!best || ran.cpu < best.cpu) best = ran;
    if (ran.cpu > kAgainBelow) break;
  }
  return best;
}

const lineSet = (path) => new Set(readFileSync(path, 'utf8').split('\n').filter(Boolean).map(Number));

// Of alerts: their keys, the lines that have any, and those on which the value stands as the list has it.
async function readAlerts(path) {
  const keys = [], found = new Set(), literal = new Set();
  for await (const text of lines(path)) {
    const alert = JSON.parse(text);
    keys.push(`${alert.position.offset}\t${alert.indicator}\t${alert.field}`);
    found.add(alert.position.line);
    if (alert.event.includes(alert.value)) literal.add(alert.position.line);
  }
  return { keys, lines: found, literal };
}

function yaraRules(values, path) {
  const text = [];
  values.forEach((value, i) => {
    if (i % kYaraStringsARule === 0) text.push(`${i > 0 ? ' condition: any of them }\n' : ''}rule r${i} { strings:`);
    text.push(` $s${i} = "${value.replace(/[\\"]/g, (c) => `\\${c}`).replace(/[^ -~]/g, (c) => [...Buffer.from(c)].map((b) => `\\x${b.toString(16).padStart(2, '0')}`).join(''))}"`);
  });
  writeFileSync(path, `${text.join('\n')}\n condition: any of them }\n`);
}

// The numbers of the lines in which offsets (as `yara -s` prints them) lie.
async function linesOfOffsets(printed, log, out) {
  const offsets = [...new Set(readFileSync(printed, 'utf8').split('\n').filter((l) => l.startsWith('0x')).map((l) => Number(l.slice(0, l.indexOf(':')))))].sort((a, b) => a - b);
  const found = new Set();
  let begin = 0, number = 1, at = 0;
  for await (const chunk of createReadStream(log, { highWaterMark: 1 << 22 })) {
    for (let from = 0; at < offsets.length;) {
      const newline = chunk.indexOf(10, from);
      const end = newline < 0 ? begin + chunk.length : begin + newline + 1;
      while (at < offsets.length && offsets[at] < end) { found.add(number); ++at; }
      if (newline < 0) break;
      from = newline + 1;
      ++number;
    }
    begin += chunk.length;
  }
  writeFileSync(out, [...found].map((n) => `${n}\n`).join(''));
}

async function makeLists(real) {
  const lists = new Map(), values = (list) => {
    const out = `${list}.values`;
    writeFileSync(out, execFileSync(tool('slow_match'), ['--values', list], { maxBuffer: 2 ** 32 }));
    return out;
  };
  const add = (name, path, size) => lists.set(name, { name, path, size, values: undefined });
  const filled = async (name, size) => {
    const path = join(dir, `${name}.tsv`);
    const made = createWriteStream(path), all = readFileSync(real, 'utf8');
    made.write(all.endsWith('\n') ? all : `${all}\n`);
    const generator = spawn(tool('make_indicators'), [String(size - lists.get('real').size)], { stdio: ['ignore', 'pipe', 'inherit'] });
    generator.stdout.pipe(made);
    await once(made, 'close');
    add(name, path, size);
  };
  const realValues = values(real), all = readFileSync(realValues, 'utf8').split('\n').filter(Boolean);
  lists.set('real', { name: 'real', path: real, size: all.length, values: realValues });
  // What hits, first, then evenly from the whole list.
  const hits = new Set();
  for (const log of logNames) {
    const out = join(dir, 'hits');
    run([bongsu, 'match', '--jobs', '1', '--quiet', '--indicators', real, logs[log].path], out);
    for await (const text of lines(out)) hits.add(JSON.parse(text).value);
  }
  for (const [name, size] of [['1k', 1000], ['10k', kYaraAtMost]]) {
    const some = new Set(hits);
    for (let i = 0; some.size < size; i += Math.floor(all.length / size)) some.add(all[(i + i % 7) % all.length]);
    const path = join(dir, `${name}.txt`);
    writeFileSync(path, [...some].map((v) => `${v}\n`).join(''));
    add(name, path, size);
  }
  await filled('1m', 1_000_000);
  if (count > 1_000_000) await filled('COUNT', count);
  const chosen = wantedLists ?? [...lists.keys()];
  for (const name of chosen) {
    const list = lists.get(name) ?? fail(`there is no list ${name}`);
    list.values ??= values(list.path);
  }
  return chosen.map((name) => lists.get(name));
}

const logs = {};
const rows = [], checks = [];
async function compare(list, log, alerts) {
  const out = join(dir, 'slow');
  const ran = spawnSync('bash', ['-c', '"$@" > "$OUT"', 'run', tool('slow_match'), list.path, log.path], { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, OUT: out } });
  if (ran.status !== 0) fail('slow_match failed');
  const slow = [];
  for await (const text of lines(out)) slow.push(text.slice(text.indexOf('\t') + 1));
  const ours = [...alerts.keys].sort();
  slow.sort();
  if (ours.length !== slow.length || ours.some((key, i) => key !== slow[i])) {
    const a = new Set(ours), b = new Set(slow);
    fail(`${list.name} on ${log.name}: ${ours.length} alerts, the slow matcher has ${slow.length}; only ours: ${ours.filter((k) => !b.has(k)).slice(0, 3)}; only its: ${slow.filter((k) => !a.has(k)).slice(0, 3)}`);
  }
  checks.push({ list: list.size, log: log.name, alerts: ours.length });
  say(`${short(list.size)} values on ${log.name}: ${ours.length} alerts, hit by hit those of the slow matcher`);
}

async function compete(list, log) {
  const empty = join(dir, 'empty');
  writeFileSync(empty, '');
  const out = join(dir, 'out');
  const row = (rival, ran, load, found, agreed) => {
    const begin = ran.load ?? load.cpu, scan = ran.scan ?? ran.cpu - load.cpu;
    rows.push({ list: list.size, log: log.name, rival, load_s: begin, scan_s: scan, gb_s: log.bytes / scan / 1e9, mb: ran.mb, found, agreed });
    say(`  ${rival}: ${begin.toFixed(2)} + ${scan.toFixed(2)} s`);
  };
  const stopped = (rival, why, mb) => { rows.push({ list: list.size, log: log.name, rival, stopped: why, mb }); say(`  ${rival}: ${why}`); };
  say(`${short(list.size)} values on ${log.name}`);
  const match = (path) => [bongsu, 'match', '--jobs', '1', '--quiet', '--indicators', list.path, path];
  const load = measure(match(empty), out), ran = measure(match(log.path), out);
  if (ran.status > 1) fail(`bongsu match: ${ran.why}`);
  const alerts = await readAlerts(out);
  row('bongsu match', ran, load, `${alerts.keys.length} alerts on ${alerts.lines.size} lines`);
  if (!noCheck && (list.name === 'real' || list.size === count)) await compare(list, log, alerts);

  let same;   // the lines of the first rival that looks for bytes
  const substrings = async (rival, command, options = {}, finish) => {
    const begun = measure(command(empty), out, options);
    if (begun.status !== 0 && begun.status !== 1) return stopped(rival, begun.why, begun.mb);
    const done = measure(command(log.path), out, options);
    if (done.status !== 0 && done.status !== 1) return stopped(rival, done.why, done.mb);
    if (finish) await finish();
    const found = lineSet(out);
    const missing = [...alerts.literal].filter((n) => !found.has(n));
    if (missing.length > 0) fail(`${rival} does not find line ${missing[0]} of ${log.name}`);
    same ??= { rival, found };
    const others = found.size !== same.found.size || [...found].some((n) => !same.found.has(n));
    if (others) fail(`${rival} finds ${found.size} lines of ${log.name}, ${same.rival} ${same.found.size}`);
    row(rival, done, begun, `${found.size} lines`, `all ${alerts.literal.size} of ours where the value stands as it is`);
  };
  await substrings('rg -F -f', (path) => ['rg', '-j1', '-a', '-F', '--no-unicode', '-n', '-f', list.values, path], { numbers: true });
  await substrings('grep -F -f', (path) => ['grep', '-a', '-F', '-n', '-f', list.values, path], { numbers: true });
  await substrings('Vectorscan', (path) => [tool('vectorscan_bench'), list.values, path]);
  if (list.size <= kYaraAtMost) {
    const rules = join(dir, 'rules.yar'), printed = join(dir, 'printed');
    yaraRules(readFileSync(list.values, 'utf8').split('\n').filter(Boolean), rules);
    await substrings('yara -s', (path) => ['yara', '-w', '-s', rules, path], {}, async () => {
      execFileSync('mv', [out, printed]);
      await linesOfOffsets(printed, log.path, out);
    });
  } else {
    stopped('yara -s', `not asked for more than ${short(kYaraAtMost)} strings`);
  }
  const duck = (path) => [process.execPath, join(root, 'bench/lib/duckdb.mjs'), list.values, path, ...kColumns[log.name]];
  const begun = measure(duck(empty), out, { memory: false }), done = begun.status === 0 ? measure(duck(log.path), out, { memory: false }) : begun;
  if (done.status !== 0) return stopped('DuckDB', done.why, done.mb);
  log.blank ??= await blankLines(log.path);
  const found = new Set([...lineSet(out)].sort((a, b) => a - b).map((row) => log.blank.reduce((line, blank) => line + (blank <= line), row)));
  const foreign = [...found].filter((n) => !alerts.lines.has(n));
  if (foreign.length > 0) fail(`DuckDB finds line ${foreign[0]} of ${log.name}, and bongsu match does not`);
  row('DuckDB', done, begun, `${found.size} lines`, 'all among ours');
}

function table() {
  const out = [];
  for (const [list, log] of [...new Set(rows.map((r) => `${r.list} ${r.log}`))].map((k) => k.split(' '))) {
    out.push('', `${short(Number(list))} values, ${log}, ${(logs[log].bytes / 1e6).toFixed(0)} MB`);
    for (const r of rows.filter((x) => String(x.list) === list && x.log === log)) {
      out.push(r.stopped ? `  ${r.rival.padEnd(14)} ${r.stopped}`
        : `  ${r.rival.padEnd(14)} load ${r.load_s.toFixed(2).padStart(7)} s   scan ${r.scan_s.toFixed(3).padStart(8)} s   ${r.gb_s.toFixed(3).padStart(6)} GB/s   ${r.mb.toFixed(0).padStart(5)} MB   ${r.found}${r.agreed ? `; ${r.agreed}` : ''}`);
    }
  }
  return out.join('\n');
}

try {
  for (const name of logNames) {
    const path = unpacked({ zeek: 'telemetry/zeek.ndjson', windows: 'telemetry/windows-attacks.ndjson' }[name] ?? fail(`there is no log ${name}`));
    logs[name] = { name, path, bytes: statSync(path).size };
  }
  for (const list of await makeLists(unpacked('indicators/real-indicators.tsv')))
    for (const name of logNames) await compete(list, logs[name]);
  const machine = { cpu: os.cpus()[0].model, cores: os.cpus().length, date: new Date().toISOString().slice(0, 10) };
  if (process.stdout.isTTY) console.log(`${machine.date}, ${machine.cpu}, one core\n${table()}`);
  else console.log(JSON.stringify({ machine, checks, rows }, null, 1));
} finally {
  rmSync(dir, { recursive: true, force: true });
}
