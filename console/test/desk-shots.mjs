// The documentation's pictures of the exercise desk, on the flagship with its physics:
//
//   node test/desk-shots.mjs OUT DATA [NAME…]        blue white scoreboard replay report; all of them if none is named
//
// DATA: the directory with grid-europe/ and telecom/ that samples/exercise/world-lt-ua asks for. Needs `npm run build`, the host (scripts/build
// dev desk_page_host) and, for the report, the program (BONGSU, or build/dev/bin/bongsu).
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { launch, openPage } from './browser.mjs';
import { startDesk } from './desk-host.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const [out, data, ...names] = process.argv.slice(2);
if (!data) {
  console.error('usage: node test/desk-shots.mjs OUT DATA [blue|white|scoreboard|replay|report…]');
  process.exit(2);
}
const SCENARIO = join(root, 'samples/exercise/scenarios/lithuania-ukraine.yaml');
const WORLD = ['--world', join(root, 'samples/exercise/world-lt-ua/with-poland.toml'), '--data', data];
const SIZE = { width: 1440, height: 900 };
const wanted = (name) => !names.length || names.includes(name);

const NODES = [['cert-lt', 'lt-blue'], ['cert-ua', 'ua-blue'], ['csirt-pl', 'pl-blue'], ['control', '']].map(([member, entity], i) => (
  { member, entity, running: true, answers: true, restarts: 0, console: `https://localhost:${8443 + 10 * i}/`, token_file: `winter-day/nodes/${member}.token` }));

// `minutes` of the drill were played by scripts, or by teams that do nothing; then `show` is pictured as one account sees it.
async function picture(minutes, scripted, shots) {
  const left = shots.filter(([name]) => wanted(name));
  if (!left.length) return;
  const desk = await startDesk(['--scenario', SCENARIO, ...WORLD], minutes, { scripted, nodes: NODES });
  try {
    for (const [name, account, hash, show] of left) {
      const context = await launch(SIZE);
      const { page } = await openPage(context, desk.url);
      await page.getByLabel('Access token').fill(desk.tokens[account]);
      await page.getByRole('button', { name: 'Log in' }).click();
      await page.getByText('T+').waitFor();
      await page.evaluate((h) => (location.hash = h), hash);
      await page.waitForTimeout(4_000);
      await show(page, desk);
      await page.waitForTimeout(1_500);
      await page.screenshot({ path: join(out, `exercise-${name}.png`) });
      await context.close_();
      console.log(join(out, `exercise-${name}.png`));
    }
  } finally {
    await desk.stop();
  }
}

// Substations are dark, and nobody has answered yet: an order is selected.
await picture(142, false, [
  ['blue', 'team/ua-blue', '#/blue', async (page) => {
    await page.getByRole('list', { name: 'Inbox, newest first' }).locator('.item').first().click();
    await page.getByRole('list', { name: 'Alarms, newest first' }).locator('.what', { hasText: 'Breaker open' }).first().click();
    await page.getByRole('button', { name: 'Select', exact: true }).click();
  }],
]);
await picture(200, true, [
  ['white', 'white', '#/white', async (page) => {
    await page.locator('[data-inject] .item', { hasText: /dark|Dark/ }).first().click();
  }],
  ['scoreboard', 'white', '#/score', async (page) => {
    await page.getByRole('list', { name: /^Points/ }).locator('li', { hasText: 'detect-in-time' }).first().locator('.item').click();
  }],
  ['replay', 'white', '#/replay', async (page) => {
    await page.getByLabel('Team').selectOption('ua-blue');
    await page.getByLabel('Moment of the drill').fill(String(150 * 60_000));
  }],
]);
if (wanted('report')) {
  const drill = mkdtempSync(join(tmpdir(), 'bongsu-shots-'));
  try {
    execFileSync(process.env.BONGSU ?? join(root, 'build/dev/bin/bongsu'), ['exercise', 'run', SCENARIO, '--teams', '3', ...WORLD, '--accept-gaps', '--quiet', '--out', join(drill, 'winter-day')], { stdio: ['ignore', 'ignore', 'inherit'] });
    const context = await launch(SIZE);
    const page = context.pages()[0] ?? (await context.newPage());
    await page.goto(pathToFileURL(join(drill, 'winter-day/report.html')).href);
    await page.waitForTimeout(1_000);
    await page.screenshot({ path: join(out, 'exercise-report.png') });
    await context.close_();
    console.log(join(out, 'exercise-report.png'));
  } finally {
    rmSync(drill, { recursive: true, force: true });
  }
}
