#!/usr/bin/env node
// Switches the leak rules off one by one and demands that the test named for each fails.
//
//   node tests/mutation/run.mjs              all of tests/mutation/rules.json, in a scratch copy under build/mutation
//   node tests/mutation/run.mjs --only R5    rules whose name begins so; may be given again
//   node tests/mutation/run.mjs --check      nothing is built: each text stands exactly once, each filter names a test
//
// To add a rule: an entry with what it says, the test program, the GoogleTest filter, the file, the exact text, and
// what stands there when the rule is off. The copy has to compile with it.
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const rules = JSON.parse(readFileSync(join(root, 'tests/mutation/rules.json'), 'utf8'));
for (const [i, a] of process.argv.entries())
  if (i > 1 && !['--only', '--check'].includes(a) && process.argv[i - 1] !== '--only') {
    console.error(`mutation: what is ${a}? --only NAME, --check, or nothing`);
    process.exit(2);
  }
const only = process.argv.flatMap((a, i) => (a === '--only' ? [process.argv[i + 1]] : []));
const wanted = rules.filter((r) => only.length === 0 || only.some((o) => r.rule.startsWith(o)));

function fail(message) {
  console.error(`mutation: ${message}`);
  process.exitCode = 1;
}

// Where a program's sources are: a module, or a folder of tests that spans modules.
function folderOf(program) {
  const name = program.replace(/_test$/, '');
  return existsSync(join(root, 'src', name)) ? join('src', name) : join('tests', name);
}
// Names of tests of a program, as they stand in its sources.
function testsOf(program) {
  const folder = join(root, folderOf(program));
  const names = [];
  for (const file of readdirSync(folder, { recursive: true })) {
    if (!String(file).match(/_test(_support)?\.cpp$/)) continue;
    for (const m of readFileSync(join(folder, String(file)), 'utf8').matchAll(/\bTEST(?:_F|_P)?\(\s*(\w+)\s*,\s*(\w+)\s*\)/g)) names.push(`${m[1]}.${m[2]}`);
  }
  return names;
}
const matches = (filter, name) => new RegExp(`^${filter.replace(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*').replaceAll('?', '.')}$`).test(name);

for (const r of wanted) {
  const count = readFileSync(join(root, r.file), 'utf8').split(r.text).length - 1;
  if (count !== 1) fail(`${r.rule}: its text stands ${count} times in ${r.file}, not once`);
  if (!testsOf(r.program).some((name) => matches(r.filter, name))) fail(`${r.rule}: ${r.filter} names no test of ${r.program}`);
}
if (wanted.length === 0) fail('no such rule');
if (process.exitCode) process.exit(1);
if (process.argv.includes('--check')) {
  console.log(`${wanted.length} passed, 0 failed: each rule's text stands once and its test is there`);
  process.exit(0);
}

// The copy: what git knows, and what is new and not ignored. Files that are as they were keep their time.
const scratch = join(root, 'build/mutation');
// As far below the copy as build/release is below the original, so that ccache knows what was built there.
const build = join(scratch, 'build/release');
const env = { CCACHE_BASEDIR: root, CCACHE_NOHASHDIR: '1', ...process.env };
mkdirSync(scratch, { recursive: true });
const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: root, encoding: 'utf8' }).split('\n').filter((f) => f && existsSync(join(root, f)) && statSync(join(root, f)).isFile());
const known = new Set(files);
for (const f of files) {
  const to = join(scratch, f);
  if (existsSync(to) && readFileSync(to).equals(readFileSync(join(root, f)))) continue;
  mkdirSync(dirname(to), { recursive: true });
  cpSync(join(root, f), to);
}
for (const f of existsSync(join(scratch, 'src')) ? readdirSync(join(scratch, 'src'), { recursive: true }) : [])
  if (statSync(join(scratch, 'src', String(f)), { throwIfNoEntry: false })?.isFile() && !known.has(join('src', String(f)))) rmSync(join(scratch, 'src', String(f)));

const run = (command, args) => spawnSync(command, args, { cwd: scratch, env, encoding: 'utf8', maxBuffer: 1 << 28, timeout: 1_800_000 });
const make = (program) => run(join(scratch, 'scripts/build'), ['release', program]);
const test = (program, filter) => run(join(build, folderOf(program), program), [`--gtest_filter=${filter}`, '--gtest_brief=1']);

// Everything passes as it is; then nothing may, with one rule off.
for (const program of new Set(wanted.map((r) => r.program))) {
  const made = make(program);
  if (made.status !== 0) {
    fail(`${program} does not build as it is:\n${made.stdout.slice(-3000)}${made.stderr.slice(-2000)}`);
    process.exit(1);
  }
  const filters = wanted.filter((r) => r.program === program).map((r) => r.filter).join(':');
  const passed = test(program, filters);
  if (passed.status !== 0) {
    fail(`${program} does not pass as it is:\n${passed.stdout.slice(-3000)}`);
    process.exit(1);
  }
}
let caught = 0;
const width = Math.max(...wanted.map((r) => r.rule.length));
for (const r of wanted) {
  const path = join(scratch, r.file);
  const original = readFileSync(path, 'utf8');
  writeFileSync(path, original.replace(r.text, () => r.replacement));
  const made = make(r.program);
  let result = 'does not compile';
  if (made.status === 0) {
    const tested = test(r.program, r.filter);
    result = tested.status === 0 ? 'NOT CAUGHT' : 'caught';
  }
  writeFileSync(path, original);
  if (result === 'caught') ++caught;
  else fail(`${r.rule}: ${result}${result === 'does not compile' ? `\n${made.stdout.slice(-1500)}` : ''}`);
  console.log(`${r.rule.padEnd(width)}  ${result.padEnd(16)}  ${r.filter}`);
}
console.log(`${caught} passed, ${wanted.length - caught} failed: rules switched off, and whether their tests saw it`);
