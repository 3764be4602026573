#!/usr/bin/env node
// Plays many seeds of the simulator on all processors, some hundred in each process, and says how far it is.
//
//   node tests/simulation/long.mjs                        10,000 seeds of each test that has seeds, and all other tests
//   node tests/simulation/long.mjs --seeds 1-500 --only 'Simulation.NoRecalled*'
//
// --seeds FROM-TO; --only FILTER of GoogleTest, may be given again; --jobs N processes; --program PATH of simulation_test.
// On a terminal one line that grows, else a line a minute. What fails is printed at once, with how to repeat it, and the
// rest goes on. Exit 0: all passed.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const kSeedsOfAProcess = 200;
const kMostFailures = 40;  // then something is wrong in general
const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const tests = ['NonInterference.WatchedMembers*', 'NonInterference.APerson*', 'Convergence.Followers*', 'Simulation.NoRecalledObject*', 'Exercises.NothingOfADrill*'];

const given = { seeds: '1-10000', only: [], jobs: availableParallelism(), program: join(root, 'build/release/tests/simulation/simulation_test') };
for (let i = 2; i < process.argv.length; i += 2) {
  const name = process.argv[i].replace(/^--/, ''), value = process.argv[i + 1];
  if (!(name in given) || value === undefined) fail(`what is ${process.argv[i]}? --seeds FROM-TO, --only FILTER, --jobs N, --program PATH`);
  if (name === 'only') given.only.push(value);
  else given[name] = name === 'jobs' ? Number(value) : value;
}
const [, from, to] = (given.seeds.match(/^(\d+)-(\d+)$/) ?? []).map(Number);
if (!(from >= 1 && to >= from)) fail(`--seeds ${given.seeds}: FROM-TO, from 1`);
if (!(given.jobs >= 1)) fail('--jobs: a number from 1');
if (!existsSync(given.program)) fail(`${given.program} is not there: scripts/build release simulation_test`);

function fail(message) {
  console.error(`long: ${message}`);
  process.exit(2);
}

const pieces = [];
// All that have no seeds, in one process: with 70 nodes it takes longest, so it goes first.
if (!given.only.length) pieces.push({ filter: `-${tests.join(':')}`, long: true });
for (const filter of given.only.length ? given.only : tests)
  for (let first = from; first <= to; first += kSeedsOfAProcess) pieces.push({ filter, first, last: Math.min(to, first + kSeedsOfAProcess - 1) });
const began = Date.now(), seeds = (p) => (p.long ? 0 : p.last - p.first + 1), all = pieces.reduce((sum, p) => sum + seeds(p), 0);
let played = 0, failed = 0, next = 0;

function tell() {
  const seconds = (Date.now() - began) / 1000, left = played ? (seconds / played) * (all - played) : NaN;
  const text = `${played} of ${all} seeds played, ${failed} runs failed, ${Math.round(seconds)} s${played ? `, ${Math.round(left)} s left` : ''}`;
  if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${'█'.repeat(Math.floor((30 * played) / all)).padEnd(30, '░')} ${text}`);
  else console.log(text);
}
const clock = setInterval(tell, process.stdout.isTTY ? 1000 : 60_000);

function play(piece) {
  return new Promise((done) => {
    const child = spawn(given.program, [`--gtest_filter=${piece.filter}`, '--gtest_brief=1'],
      { env: { ...process.env, ...(piece.long ? { BONGSU_LONG: '1' } : { BONGSU_SEEDS: `${piece.first}-${piece.last}` }) }, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (d) => { said += d; });
    child.on('error', (error) => fail(error.message));
    child.on('close', (code, signal) => {
      played += seeds(piece);
      const ran = /\[  (?:PASSED  \] [1-9]|FAILED  \])/.test(said);
      if (code !== 0 || !ran) {
        ++failed;
        if (process.stdout.isTTY) process.stdout.write('\r\x1b[K');
        console.log(`FAILED ${piece.filter}${piece.long ? '' : `, seeds ${piece.first}-${piece.last}`}: ${signal ?? (ran ? `exit ${code}` : 'no test ran')}\n${said.slice(-8000)}`);
      }
      done();
    });
  });
}
async function worker() {
  while (next < pieces.length && failed < kMostFailures) await play(pieces[next++]);
}
await Promise.all(Array.from({ length: given.jobs }, worker));
clearInterval(clock);
tell();
if (process.stdout.isTTY) process.stdout.write('\n');
console.log(`${pieces.length - failed - (pieces.length - next)} passed, ${failed} failed: runs of up to ${kSeedsOfAProcess} seeds${given.only.length ? '' : ', and one of all tests without'}${next < pieces.length ? `, ${pieces.length - next} not begun` : ''}`);
process.exit(failed || next < pieces.length ? 1 : 0);
