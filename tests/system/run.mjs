// Runs the system tests: every *.system.mjs beside this file (or those whose name contains an argument), each exports one async function a test.
//   node tests/system/run.mjs [--part K/N] [NAME…]    BONGSU=path of the program, BONGSU_LONG=1 for full counts
// --part 1/2: every second test from the first on; parts can run beside each other.
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { House, Skip } from './lib/bongsu.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const wanted = process.argv.slice(2);
let part = 0, parts = 1;
if (wanted[0] === '--part') [part, parts] = wanted.splice(0, 2)[1].split('/').map((n, i) => Number(n) - (i === 0 ? 1 : 0));
if (!(part >= 0 && part < parts)) throw new Error('--part: K/N, K from 1 to N');
let number = 0;
let passed = 0, failed = 0, skipped = 0;
const faults = [];  // told again at the end, where whoever sees only the end looks
for (const file of readdirSync(here).filter((f) => f.endsWith('.system.mjs')).sort()) {
  if (wanted.length && !wanted.some((w) => file.includes(w))) continue;
  const tests = await import(join(here, file));
  for (const [name, test] of Object.entries(tests)) {
    if (number++ % parts !== part) continue;
    const label = `${file.replace('.system.mjs', '')}: ${name.replaceAll('_', ' ')}`;
    const house = new House();
    const began = Date.now();
    let keep = false;
    try {
      const said = await test(house);
      ++passed;
      console.log(`ok       ${label} (${((Date.now() - began) / 1000).toFixed(1)} s)${said ? `: ${said}` : ''}`);
    } catch (error) {
      if (error instanceof Skip) {
        ++skipped;
        console.log(`skipped  ${label}: ${error.message}`);
      } else {
        ++failed;
        keep = process.env.BONGSU_KEEP === '1';
        faults.push(`FAILED   ${label}\n${error.stack}${keep ? `\nkept: ${house.dir}` : ''}`);
        console.log(faults.at(-1));
      }
    }
    if (!keep) await house.close();
    else for (const node of house.nodes) await node.stop().catch(() => {});
  }
}
for (const fault of faults) console.log(fault);
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exit(failed ? 1 : 0);
