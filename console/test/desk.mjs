// Browser tests of the exercise desk's pages, against a real desk: node test/desk.mjs (needs `npm run build`, and the host:
// scripts/build dev desk_page_host). BONGSU_SHOTS=DIR keeps a screenshot of every view.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { axe, launch, openPage, violations } from './browser.mjs';
import { hostIsBuilt, hostProgram, startDesk, TABLE_TOP } from './desk-host.mjs';

const shots = process.env.BONGSU_SHOTS;
if (shots) mkdirSync(shots, { recursive: true });
const only = process.argv[2];
const tests = [];
const test = (name, run, options = {}) => tests.push({ name, run, options });
const shot = async (page, name) => shots && page.screenshot({ path: join(shots, `desk-${name}.png`) });

async function logIn(page, desk, account, hash = '') {
  await page.getByLabel('Access token').fill(desk.tokens[account]);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByText('T+').waitFor();
  if (hash) await page.evaluate((h) => (location.hash = h), hash);
}
async function accessible(page) {
  await page.waitForTimeout(80);
  assert.deepEqual(await axe(page), [], 'axe violations');
}
const breaker = (page, name) => page.locator(`g.breaker[data-thing="${name}"]`);
const section = (page, name) => page.getByRole('region', { name, exact: true });
const entries = async (desk, kind) => {
  const out = [];
  for (let after = 0, more = true; more; ) {
    const { body } = await desk.api('white', `log?after=${after}&limit=1000`);
    out.push(...body.entries.filter((e) => e.kind === kind));
    ({ next: after, more } = body);
  }
  return out;
};

test('A wrong token is refused in words; a right one opens the desk that is its own, and no script reads the cookie', async ({ page, desk }) => {
  await accessible(page);
  await page.getByLabel('Access token').fill('wrong');
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByText('No account of this drill has this token').waitFor();
  await logIn(page, desk, 'team/lt-blue');
  assert.equal(await page.evaluate(() => document.cookie), '');
  const nav = page.getByRole('navigation', { name: 'Views' });
  assert.equal(await nav.getByText('Control').count(), 0);
  await page.evaluate(() => (location.hash = '#/white'));
  await section(page, 'Alarms').waitFor();
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.getByLabel('Access token').waitFor();
});

test('The label stands at head and foot of every view', async ({ page, desk }) => {
  await logIn(page, desk, 'white');
  for (const view of ['white', 'blue/lt-blue', 'score', 'replay']) {
    await page.evaluate((v) => (location.hash = `#/${v}`), view);
    const notes = page.locator('.banner');
    assert.equal(await notes.count(), 2);
    const [head, foot] = [await notes.nth(0).boundingBox(), await notes.nth(1).boundingBox()];
    assert.equal(await notes.nth(0).textContent(), 'EXERCISE · TLP:AMBER');
    assert.ok(head.y < 1 && Math.abs(foot.y + foot.height - 800) < 1, `at the edges in ${view}: ${head.y} ${foot.y + foot.height}`);
  }
});

test('Every view is free of axe violations in both themes, and nothing hangs over the edge', async ({ page, desk }) => {
  await logIn(page, desk, 'white');
  for (const theme of ['dark', 'light']) {
    for (const [name, hash] of [['white', '#/white'], ['blue', '#/blue/lt-blue'], ['score', '#/score'], ['replay', '#/replay']]) {
      await page.evaluate((h) => (location.hash = h), hash);
      await page.waitForTimeout(1200);
      await accessible(page);
      await shot(page, `${name}-${theme}`);
      const wide = await page.evaluate(() => [document.documentElement.scrollWidth, document.querySelector('header .bar').scrollWidth - document.querySelector('header .bar').clientWidth]);
      assert.deepEqual([wide[0] <= 1280, wide[1] <= 0], [true, true], `${name} is too wide: ${wide}`);
    }
    await page.getByRole('button', { name: /theme/ }).click();
  }
}, { until: 65 });

test('Exercise control starts, pauses by key, changes the speed, and goes on', async ({ page, desk }) => {
  await logIn(page, desk, 'white');
  await page.getByText('Running').waitFor();
  await page.getByRole('button', { name: /^Pause/ }).waitFor();
  await page.keyboard.press('p');
  await page.getByText('Paused').waitFor();
  await page.getByRole('button', { name: '×12' }).click();
  await page.keyboard.press('p');
  await page.getByText('Running').waitFor();
  await page.locator('header').getByText('×12').waitFor();
  const verbs = (await entries(desk, 'control')).map((e) => e.ref);
  assert.deepEqual(verbs.slice(-3), ['pause', 'speed', 'resume']);
});

test('A jump back undoes what came after it, on the screen as in the log', async ({ page, desk }) => {
  await logIn(page, desk, 'white');
  await page.locator('[data-inject=breakers] .chip.good').first().waitFor();
  await page.getByRole('button', { name: 'Jump back…' }).click();
  await page.getByLabel('Minutes back').fill('30');
  await page.getByRole('button', { name: 'Jump back', exact: true }).click();
  await page.locator('[data-inject=breakers] .chip.off').first().waitFor();
  await page.getByText('run 2').waitFor();
  assert.equal(await page.locator('[data-inject=phish] .chip.good').count(), 1);
}, { until: 50 });

test('An inject that waits is let go by hand for one team, another is refused with a reason', async ({ page, desk }) => {
  await logIn(page, desk, 'white');
  await page.getByRole('button', { name: /^Let A rumour/ }).waitFor();
  await page.getByRole('button', { name: /^Refuse A rumour/ }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Refuse' }).click();
  assert.equal(await dialog.count(), 1, 'without a reason it stays');
  await dialog.getByLabel('Reason').fill('The press is elsewhere today');
  await dialog.getByRole('button', { name: 'Refuse' }).click();
  await page.locator('[data-inject=rumour]').getByText('not fired: refused').waitFor();
  await page.locator('[data-inject=storm] .item').click();
  await page.getByRole('button', { name: 'Inject now…' }).click();
  await dialog.getByLabel('For', { exact: true }).selectOption('ua-blue');
  await dialog.getByRole('button', { name: 'Inject now' }).click();
  await page.locator('[data-inject=storm] .chip.good').waitFor();
  const fired = (await entries(desk, 'fired')).filter((e) => e.ref === 'storm');
  assert.deepEqual(fired.map((e) => e.team), ['ua-blue']);
}, { until: 50.2 });

test('The log is filtered by kind, team and words', async ({ page, desk }) => {
  await logIn(page, desk, 'white');
  const list = page.getByRole('list', { name: 'Log entries, newest first' });
  await list.locator('li').first().waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('breakers');
  const rows = await list.locator('li').allTextContents();
  assert.ok(rows.length > 0 && rows.every((r) => /breakers|Breakers/.test(r)), rows.join('\n'));
  await page.getByRole('button', { name: 'Range', exact: true }).click();
  await page.getByLabel('Filter the log').fill('lt.substation.utena');
  await page.getByLabel('Team', { exact: true }).selectOption('ua-blue');
  await list.getByText('event', { exact: true }).first().waitFor();
  for (const row of await list.locator('li').allTextContents()) assert.match(row, /ua-blue/);
}, { until: 45 });

test('Two people grade a form, the team appeals, and a ruling settles it', async ({ page, desk }) => {
  await desk.api('team/lt-blue', 'team/lt-blue/form', { form: 'sitrep', inject: 'brief', fields: { Situation: 'All quiet.' } });
  const form = (await entries(desk, 'evidence')).filter((e) => e.ref === 'form').at(-1);
  await logIn(page, desk, 'white');
  await page.getByRole('tab', { name: /Grading/ }).click();
  await page.locator('.item', { hasText: 'Situation report' }).first().click();
  await page.getByText('All quiet.').waitFor();
  const grade = async (name, part) => {
    await page.getByLabel('I grade as').fill(name);
    await page.getByLabel(/^What it reaches/).fill(part);
    await page.getByRole('button', { name: 'Grade it' }).click();
    await page.getByText(new RegExp(`^grade ${name}`)).waitFor();
  };
  await grade('ana', '0.8');
  await grade('ben', '0.9'); // at the same account: it is the same grader
  await page.getByText('1 of 2 grades').waitFor();
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.getByLabel('Access token').waitFor();
  await logIn(page, desk, 'grader/1');
  await page.getByRole('tab', { name: /Grading/ }).click();
  await page.locator('.item', { hasText: 'Situation report' }).first().click();
  assert.equal(await page.getByRole('button', { name: 'Rule', exact: true }).count(), 0, 'a grader does not rule');
  await grade('cy', '0.7');
  await page.getByText('two grades').waitFor();
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.getByLabel('Access token').waitFor();
  await logIn(page, desk, 'white');
  await page.getByRole('tab', { name: /Grading/ }).click();
  await page.locator('.item', { hasText: 'Situation report' }).first().click();
  assert.equal((await desk.api('team/lt-blue', 'appeal', { form: form.seq, why: 'It was early.' })).status, 200);
  await page.getByText('appealed: needs a ruling').waitFor();
  await page.getByLabel(/^What it reaches/).fill('1');
  await page.getByRole('button', { name: 'Rule', exact: true }).click();
  await page.getByText('ruled', { exact: true }).waitFor();
  const card = (await desk.api('white', 'scoreboard')).body;
  assert.equal(card.teams[0].forms.find((f) => f.entry === form.seq).part, 1);
}, { until: 2 });

test('A role outside teams reads the letters that came to it, answers, and sees nothing else', async ({ page, desk }) => {
  await desk.api('white', 'control', { verb: 'approve', inject: 'rumour', team: 'lt-blue' });
  await logIn(page, desk, 'role/media');
  await page.locator('.item').first().click();
  await page.getByLabel('Reply').fill('Who says so?');
  await page.getByRole('button', { name: 'Send the reply' }).click();
  await page.getByText('Replied.').waitFor();
  assert.deepEqual(await page.getByRole('navigation', { name: 'Views' }).getByRole('link').allTextContents().then((all) => all.map((t) => t.replace(/\s*\d\s*/, '').trim())), ['Letters']);
  assert.equal((await entries(desk, 'evidence')).filter((e) => e.ref === 'reply').at(-1).team, 'press');
  assert.equal((await desk.api('role/media', 'program')).status, 403);
  await accessible(page);
}, { until: 52, scripted: false });

test('A team reads its mail, which the drill is told, answers it, and hands in the report that was asked', async ({ page, desk }) => {
  await logIn(page, desk, 'team/lt-blue');
  await page.getByText('Is this tender ours?').click();
  await page.getByText('I opened it, a window flashed').waitFor();
  assert.equal(await page.locator('.letter .label').count(), 2, 'the label before and after the text');
  await page.getByLabel('Reply').fill('Do not open it again; we come.');
  await page.getByRole('button', { name: 'Send the reply' }).click();
  await page.getByText('Replied.').waitFor();
  await page.getByRole('tab', { name: /Forms/ }).click();
  await page.getByRole('button', { name: 'Fill it in' }).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Hand it in' }).click();
  await dialog.getByText('Nothing is filled in.').waitFor();
  await dialog.getByLabel('What is assumed').fill('That more got the same mail.');
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('button', { name: 'Fill it in' }).first().click();
  assert.equal(await dialog.getByLabel('What is assumed').inputValue(), 'That more got the same mail.', 'a draft stays');
  await accessible(page);
  await dialog.getByRole('button', { name: 'Hand it in' }).click();
  await page.getByText('handed in').waitFor();
  const did = (await entries(desk, 'evidence')).filter((e) => e.team === 'lt-blue').map((e) => e.ref);
  for (const what of ['acknowledged', 'reply', 'form']) assert.ok(did.includes(what), `${what} in ${did}`);
}, { until: 11, scripted: false });

test('What happens in the range raises alarms that flash until they are acknowledged, and are gone when it is over', async ({ page, desk }) => {
  await logIn(page, desk, 'team/lt-blue');
  const alarms = section(page, 'Alarms');
  const row = alarms.locator('li', { hasText: 'kaunas.breaker1' });
  await row.waitFor();
  assert.equal(await row.locator('.flash').count(), 1);
  assert.equal(await breaker(page, 'lt.substation.kaunas.breaker1').getAttribute('class').then((c) => /open/.test(c) && /flash/.test(c)), true);
  await row.getByRole('button', { name: /^Ack/ }).click();
  assert.equal(await row.locator('.flash').count(), 0);
  await alarms.getByText('Substation dark').waitFor();
  await page.getByText('Utena · DARK').waitFor();
  await page.keyboard.press('m');
  await page.locator('.tele.down').waitFor({ state: 'attached' });
  await shot(page, 'map');
  assert.equal((await desk.api('team/lt-blue', 'team/lt-blue/order', { kind: 'breaker-close', target: 'lt.substation.kaunas.breaker1' })).status, 200);
  await row.waitFor({ state: 'detached' });
}, { until: 44, scripted: false });

test('Nothing moves for those who want no motion, and what flashes is framed instead', async ({ page, desk }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await logIn(page, desk, 'team/lt-blue');
  const bar = section(page, 'Alarms').locator('.flash').first();
  await bar.waitFor();
  const style = await bar.evaluate((e) => [getComputedStyle(e).animationName, getComputedStyle(e).outlineStyle]);
  assert.deepEqual(style, ['none', 'solid']);
}, { until: 44, scripted: false });

test('An order is selected, then operated; nothing happens before, and a refusal comes with its reason', async ({ page, desk }) => {
  await logIn(page, desk, 'team/lt-blue');
  const name = 'lt.substation.kaunas.breaker2';
  await breaker(page, name).waitFor();
  await page.keyboard.press('o');
  await page.keyboard.type(name);
  await page.keyboard.press('Enter');
  const orders = section(page, 'Orders');
  await orders.getByRole('button', { name: 'Select' }).click();
  await orders.getByRole('button', { name: 'Operate' }).waitFor();
  assert.equal((await entries(desk, 'order')).length, 0, 'selected is not operated');
  await page.keyboard.press('Escape');
  await orders.getByText('Cancelled: nothing was done.').waitFor();
  await orders.getByRole('button', { name: 'Select' }).click();
  await orders.getByRole('button', { name: 'Operate' }).click();
  await page.locator(`g.breaker.open[data-thing="${name}"]`).waitFor();
  const [order] = await entries(desk, 'order');
  assert.deepEqual([order.ref, order.data.kind, order.data.accepted], [name, 'breaker-open', true]);
  await orders.getByLabel('Order', { exact: true }).selectOption('breaker-open');
  await orders.getByRole('button', { name: 'Select' }).click();
  await orders.getByRole('button', { name: 'Operate' }).click();
  await orders.locator('.answer.tone-bad', { hasText: 'Refused: ' }).waitFor();
  await shot(page, 'order-refused');
}, { until: 2, scripted: false });

async function choose(page, name) {
  await page.getByLabel('Object', { exact: true }).fill(name);
  await page.getByLabel('Object', { exact: true }).press('Enter');
}

test('Whatever kind of order a scenario may expect, the desk has an object to give it to', async ({ page, desk }) => {
  await logIn(page, desk, 'team/lt-blue');
  const orders = section(page, 'Orders');
  const plan = (await desk.api('team/lt-blue', 'team/lt-blue/range/plan')).body;
  const { order_kinds } = (await desk.api('team/lt-blue', 'team/lt-blue')).body;
  await page.getByRole('button', { name: 'Outage map' }).click();
  await orders.getByText('service:').waitFor();
  const offered = new Set();
  const things = ['portal', 'lt.heat.kaunas', 'LT', plan.substations[0].name, plan.buses[0].name, plan.branches[0].name, plan.branches[0].breakers[0], plan.generators[0].name, plan.nodes[0].name, plan.links[0].name, plan.segments[0].name];
  for (const name of things) {
    await choose(page, name);
    await orders.getByLabel('Order', { exact: true }).waitFor();
    for (const kind of await orders.getByLabel('Order', { exact: true }).locator('option').evaluateAll((all) => all.map((o) => o.value))) offered.add(kind);
  }
  // Weather is nobody's to order, and points of stations have no names in the range.
  const rest = order_kinds.map((k) => k.kind).filter((kind) => !offered.has(kind));
  assert.deepEqual(rest.sort(), ['setpoint-set', 'temperature', 'wind']);
  for (const kind of ['service-up', 'telecom-node-up', 'rail-radio-clear', 'heat-station-start', 'satellite-terminals-up']) assert.ok(offered.has(kind), kind);

  await choose(page, 'lt.heat.kaunas');
  assert.equal(await orders.getByLabel('Order', { exact: true }).inputValue(), 'heat-station-start', 'what puts right stands first');
  await orders.getByRole('button', { name: 'Select' }).click();
  await orders.getByRole('button', { name: 'Operate' }).click();
  await orders.getByText('Carried out').waitFor();
  await choose(page, 'portal');
  await orders.getByRole('button', { name: 'Select' }).click();
  await orders.getByRole('button', { name: 'Operate' }).click();
  await orders.getByText('Carried out').waitFor();
  const given = (await entries(desk, 'order')).map((e) => [e.data.kind, e.ref, e.data.accepted]);
  assert.deepEqual(given, [['heat-station-start', 'lt.heat.kaunas', true], ['service-up', 'portal', true]]);
}, { until: 2, scripted: false });

test('A team says which step of its playbook is done, in answer to what, and the point is there', async ({ page, desk }) => {
  await logIn(page, desk, 'team/lt-blue');
  await page.getByRole('tab', { name: 'Playbooks' }).click();
  const books = page.getByRole('list', { name: 'Playbooks' });
  await books.getByText('For: Is this tender ours?').waitFor();
  await accessible(page);
  await books.getByRole('button', { name: 'Isolate host: done' }).click();
  const dialog = page.getByRole('dialog');
  assert.equal(await dialog.getByLabel('In answer to').inputValue(), 'phish');
  await accessible(page);
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  assert.equal((await entries(desk, 'evidence')).filter((e) => e.ref === 'playbook').length, 0, 'asked is not done');
  await books.getByRole('button', { name: 'Isolate host: done' }).click();
  await dialog.getByRole('button', { name: 'It is done' }).click();
  await books.getByText(/^done \d\d:\d\d · Is this tender ours\?/).waitFor();
  await shot(page, 'playbook');
  const did = (await entries(desk, 'evidence')).filter((e) => e.ref === 'playbook');
  assert.deepEqual(did.map((e) => [e.team, e.data.type, e.data.inject]), [['lt-blue', 'isolate-host', 'phish']]);
  const point = (await desk.api('white', 'scoreboard')).body.teams.find((t) => t.team === 'lt-blue').points.find((p) => p.about === 'off');
  assert.ok(point.earned > 0, JSON.stringify(point));
}, { until: 12, scripted: false });

test('Control judges what only people can judge, at the inject and among the grades; a new word takes the place of the old', async ({ page, desk }) => {
  await logIn(page, desk, 'white');
  await page.locator('[data-inject=rumour] .item').click();
  const detail = page.getByRole('complementary', { name: /^Inject A rumour/ });
  await detail.getByText('It is judged once it has come to a team.').waitFor();
  await page.getByRole('button', { name: /^Let A rumour/ }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Let it go' }).click();
  await detail.getByText('not judged').waitFor();
  await accessible(page);
  await detail.getByLabel('What lt-blue reaches').fill('0.8');
  await detail.getByLabel('Why, of lt-blue').fill('Calm and true.');
  await detail.getByRole('button', { name: 'Judge', exact: true }).click();
  await detail.getByText('80 %').first().waitFor();
  await shot(page, 'judge');
  await page.getByRole('tab', { name: /Grading/ }).click();
  await page.getByLabel('I grade as').fill('ana');
  const form = page.getByRole('region', { name: /^Judge A rumour/ }).last();
  await form.getByText('Calm and true.').waitFor();
  await form.getByLabel('What lt-blue reaches').fill('1');
  await form.getByRole('button', { name: 'Judge anew' }).click();
  await form.getByText('100 % ana').waitFor();
  const whole = page.getByRole('region', { name: 'Judge Plain words' });
  await whole.getByRole('button', { name: 'Judge', exact: true }).last().click();
  await whole.getByText('50 % ana').waitFor();
  await accessible(page);
  const said = (await entries(desk, 'evidence')).filter((e) => e.ref === 'judged');
  assert.deepEqual(said.map((e) => [e.team, e.data.inject ?? '', e.data.expectation, e.data.value]), [['lt-blue', 'rumour', 'calm', 0.8], ['lt-blue', 'rumour', 'calm', 1], ['ua-blue', '', 'plain-words', 0.5]]);
  const point = (await desk.api('white', 'scoreboard')).body.teams.find((t) => t.team === 'lt-blue').points.find((p) => p.about === 'calm');
  assert.equal(point.earned, point.most);
}, { until: 50.2, scripted: false });

test('What goes to the press as well is not counted among what a team was sent', async ({ page, desk }) => {
  await desk.api('white', 'control', { verb: 'approve', inject: 'rumour', team: 'lt-blue' });
  await logIn(page, desk, 'white');
  await page.locator('[data-inject=rumour]').getByText('delivered').waitFor();
  const sent = (await entries(desk, 'delivery')).filter((e) => e.data.inject === 'rumour');
  assert.ok(sent.length > 1 && sent.filter((e) => e.data.to === 'lt-blue').length === 1, JSON.stringify(sent));
  const own = sent.find((e) => e.data.to === 'lt-blue');
  await desk.api('team/lt-blue', 'team/lt-blue/read', { delivery: own.ref });
  await page.locator('[data-inject=rumour]').getByText('read 1/1').waitFor();
}, { until: 50.2, scripted: false });

const NODES = [
  { member: 'cert-lt', entity: 'lt-blue', running: true, answers: true, restarts: 0, console: 'https://localhost:9443/', token_file: '/drill/nodes/cert-lt.token' },
  { member: 'cert-ua', entity: 'ua-blue', running: true, answers: true, restarts: 0, console: 'https://localhost:9453/', token_file: '/drill/nodes/cert-ua.token' },
];
test('The desks lead to the nodes’ consoles and say where the log-in lies', async ({ page, desk }) => {
  await logIn(page, desk, 'white');
  const links = page.getByRole('link', { name: /^Console of/ });
  assert.deepEqual(await links.evaluateAll((all) => all.map((a) => a.href)), ['https://localhost:9443/', 'https://localhost:9453/']);
  await accessible(page);
  await page.getByRole('button', { name: 'Log out' }).click();
  await logIn(page, desk, 'team/lt-blue');
  await page.getByText('/drill/nodes/cert-lt.token').waitFor();
  assert.deepEqual(await links.evaluateAll((all) => all.map((a) => [a.href, a.rel])), [['https://localhost:9443/', 'noreferrer']], 'its own alone');
  await accessible(page);
}, { until: 2, nodes: NODES });

test('A drill without a range has inbox and forms in the middle, orders to services, and a replay without empty curves', async ({ page, desk }) => {
  await logIn(page, desk, 'team/lt-blue');
  await page.getByRole('list', { name: 'Inbox, newest first' }).getByText('Is this tender ours?').waitFor();
  await page.getByRole('list', { name: 'Forms that are asked for' }).getByText('Situation report').first().waitFor();
  assert.equal(await page.getByText('No picture of the range').count(), 0);
  const inbox = await section(page, 'Inbox').boundingBox();
  assert.ok(inbox.x > 250 && inbox.width > 400, `in the middle: ${JSON.stringify(inbox)}`);
  await page.getByRole('button', { name: 'Outage map' }).click();
  await section(page, 'Orders').getByRole('button', { name: 'Select' }).click();
  await section(page, 'Orders').getByRole('button', { name: 'Operate' }).click();
  await section(page, 'Orders').getByText('Carried out').waitFor();
  await accessible(page);
  await shot(page, 'no-range');

  await page.evaluate(() => (location.hash = '#/replay'));
  await page.getByText('This drill has no range').waitFor();
  assert.equal(await page.locator('.curves, .zoom').count(), 0);
  const letters = page.getByRole('list', { name: 'Inbox, newest first' }).locator('.subject');
  assert.equal(await letters.count(), 2);
  await page.getByLabel('Moment of the drill').fill(String(5 * 60_000));
  await letters.nth(1).waitFor({ state: 'detached' });
  assert.deepEqual(await letters.allTextContents(), ['EXERCISE. Brief of 19 January']);
  assert.equal(await page.getByRole('button', { name: 'Fill it in' }).count(), 0, 'nothing is done in the past');
  await accessible(page);
  await shot(page, 'no-range-replay');
}, { until: 12, scripted: false, args: TABLE_TOP });

test('After the end a team sees its own card, though the scoreboard is hidden', async ({ page, desk }) => {
  await logIn(page, desk, 'team/lt-blue', '#/score');
  await page.getByText('The scoreboard is hidden').waitFor();
  await desk.api('white', 'control', { verb: 'end' });
  await page.getByText('this is your own card').waitFor();
  await page.getByRole('region', { name: 'Five times' }).waitFor();
  assert.equal(await page.locator('.score ol li').count(), 1, 'not what others have');
  await accessible(page);
}, { until: 45 });

test('Exercise control looks beneath what operators see; a team can not', async ({ page, desk }) => {
  await logIn(page, desk, 'white', '#/blue/lt-blue');
  await page.getByLabel('truth').check();
  await breaker(page, 'lt.substation.kaunas.breaker1').waitFor();
  assert.equal((await desk.api('team/lt-blue', 'team/lt-blue/range?truth=1')).status, 403);
  assert.equal((await desk.api('team/lt-blue', 'team/ua-blue/range')).status, 403);
  assert.equal((await desk.api('team/lt-blue', 'program')).status, 403);
  assert.equal(await page.getByRole('button', { name: 'Select' }).count(), 0, 'orders are the team’s own');
}, { until: 2 });

test('Every point opens to its rule and its evidence, and five times to their entries', async ({ page, desk }) => {
  await logIn(page, desk, 'white', '#/score');
  const points = page.getByRole('list', { name: /^Points/ });
  const earned = points.locator('li', { hasText: 'detect-in-time' }).first();
  await earned.locator('.item').click();
  await earned.locator('.rule').waitFor();
  await earned.locator('.trace .at').first().waitFor();
  assert.deepEqual(await page.getByRole('region', { name: 'Five times' }).locator('th').allTextContents(), ['Inject', 'Started', 'Detected', 'Shared', 'Contained', 'Restored']);
  await page.locator('.time').first().click();
  await page.locator('.times .trace li').waitFor();
  await accessible(page);
}, { until: 70 });

test('Control shows the scoreboard and hides it again; teams see totals, not what they have not found', async ({ page, desk }) => {
  await logIn(page, desk, 'team/ua-blue', '#/score');
  await page.getByText('The scoreboard is hidden').waitFor();
  await desk.api('white', 'scoreboard', { shown: true });
  await page.getByText('Points come after the end').waitFor();
  assert.equal(await page.getByText('Breakers open').count(), 0);
  await accessible(page);
  await desk.api('white', 'scoreboard', { shown: false });
  await page.getByText('The scoreboard is hidden').waitFor();
}, { until: 45 });

test('The slider goes back in time: what was open then, which service was down, what had happened', async ({ page, desk }) => {
  await logIn(page, desk, 'white', '#/replay');
  const slider = page.getByLabel('Moment of the drill');
  await page.getByText('Utena · DARK').waitFor();
  await slider.fill(String(39 * 60_000));
  await page.getByText('Utena · DARK').waitFor({ state: 'detached' });
  await page.getByText('T+0:39:00').waitFor();
  await page.getByRole('region', { name: 'What happened until then' }).locator('li').first().waitFor();
  await page.getByRole('tab', { name: 'Diagram' }).click();
  await breaker(page, 'lt.substation.kaunas.breaker1').waitFor();
  assert.match(await breaker(page, 'lt.substation.kaunas.breaker1').getAttribute('class'), /closed/);
  await slider.fill(String(42 * 60_000));
  await page.locator('g.breaker.open[data-thing="lt.substation.kaunas.breaker1"]').waitFor();
  await slider.evaluate((e) => e.blur());
  await page.keyboard.press('ArrowLeft');
  await page.getByText('T+0:41:00').waitFor();
}, { until: 45, scripted: false });

test('A desk that is gone is told, and found again by itself', async ({ page, desk }) => {
  await logIn(page, desk, 'white');
  await page.getByText('Live', { exact: true }).waitFor({ state: 'attached' });
  desk.cut(true);
  await page.getByText('Connection lost').waitFor();
  desk.cut(false);
  await page.getByText('Connection lost').waitFor({ state: 'detached' });
  await page.keyboard.press('p');
  await page.getByText('Paused').waitFor();
});

if (!hostIsBuilt()) {
  console.log(`skipped: ${hostProgram()} is not built (scripts/build dev desk_page_host)\n0 passed, 0 failed, 1 skipped`);
} else {
  let failed = 0, ran = 0;
  for (const { name, run, options } of tests) {
    if (only && !name.includes(only)) continue;
    ran += 1;
    const desk = await startDesk(options.args, options.until ?? 1, { scripted: options.scripted, nodes: options.nodes });
    const context = await launch({ width: 1280, height: 800 });
    try {
      const { page, complaints } = await openPage(context, desk.url);
      page.setDefaultTimeout(10_000);
      await run({ page, desk });
      assert.deepEqual(await violations(page), [], 'content security policy violations');
      assert.deepEqual(complaints, [], 'complaints of the browser');
      console.log(`ok   ${name}`);
    } catch (error) {
      failed += 1;
      console.log(`FAIL ${name}\n     ${String(error.stack ?? error).split('\n').slice(0, 14).join('\n     ')}`);
      await context.pages()[0]?.screenshot({ path: join(shots ?? process.env.TMPDIR ?? '/tmp', `desk-failed-${failed}.png`) }).catch(() => {});
    } finally {
      await context.close_();
      await desk.stop();
    }
  }
  console.log(`${ran - failed} passed, ${failed} failed`);
  process.exitCode = failed ? 1 : 0;
}
