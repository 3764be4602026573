// Browser tests of the console.
//
//   node test/run.mjs                 against the mock node (needs `npm run build` first)
//   node test/run.mjs WORDS           only those with these words in their names
//   node test/run.mjs URL TOKEN       the read-only ones against a real node
//
// BONGSU_SHOTS=DIR keeps a screenshot of every view.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { axe, launch, openPage, violations } from './browser.mjs';
import { DRILL_ID, SHARED_ID } from './ids.mjs';
import { MockNode } from './mock.mjs';
import { World } from './world.mjs';

const [first = '', realToken] = process.argv.slice(2);
const realUrl = first.includes('://') ? first : '';
const shots = process.env.BONGSU_SHOTS;
if (shots) mkdirSync(shots, { recursive: true });

const tests = [];
const test = (name, run, options = {}) => tests.push({ name, run, options });
const shot = async (page, name) => shots && page.screenshot({ path: join(shots, `${name}.png`) });

// Waits until `holds(argument)`, asked in the page, is true. The browser's own waiting (waitForFunction) evaluates text in
// the page when the first answer is no, which the console's content security policy rightly forbids.
async function until(page, holds, argument) {
  const end = Date.now() + 15_000;
  while (!(await page.evaluate(holds, argument))) {
    assert.ok(Date.now() < end, `waited 15 s for ${holds}`);
    await page.waitForTimeout(20);
  }
}

// Most tests are about alerts one by one; the page begins with them by entity.
async function logIn(page, token, view = 'alerts') {
  await page.getByLabel('Access token').fill(token);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('heading', { name: 'Alerts', level: 1 }).waitFor({ state: 'attached' });
  await page.getByText('Live', { exact: true }).waitFor();
  if (view) await page.evaluate((v) => (location.hash = `#/${v}`), view);
}
const rows = (page) => page.locator('.rows [role=option]');
async function clean(page, complaints) {
  assert.deepEqual(await violations(page), [], 'content security policy violations');
  assert.deepEqual(complaints, [], 'complaints of the browser');
}
async function accessible(page) {
  await page.waitForTimeout(50);
  assert.deepEqual(await axe(page), [], 'axe violations');
}

test('A wrong token is refused in words, a right one opens the page, and the cookie is out of reach of scripts', async ({ page, mock }) => {
  await accessible(page);
  await shot(page, 'login');
  await page.getByLabel('Access token').fill('bst_wrong');
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByText('No account of this node has this token').waitFor();
  await logIn(page, mock.token);
  assert.equal(await page.evaluate(() => document.cookie), '');
  const [cookie] = await page.context().cookies();
  assert.equal(cookie.httpOnly && cookie.secure && cookie.sameSite, 'Strict');
});

test('A passkey is added, logs in with the finger and not without, and is gone when it is removed', async ({ page, mock }) => {
  const debug = await page.context().newCDPSession(page);
  await debug.send('WebAuthn.enable');
  const { authenticatorId } = await debug.send('WebAuthn.addVirtualAuthenticator', { options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true } });
  await logIn(page, mock.token, 'account');
  await page.getByText('You have none yet').waitFor();
  await accessible(page);
  await page.getByLabel('Name of the new passkey').fill('test device');
  await page.getByRole('button', { name: 'Add a passkey' }).click();
  await page.getByRole('button', { name: 'Remove test device' }).waitFor();
  await shot(page, 'account');
  const { credentials } = await debug.send('WebAuthn.getCredentials', { authenticatorId });
  assert.equal(credentials.length, 1);
  assert.equal(credentials[0].rpId, 'localhost');
  assert.equal(Buffer.from(credentials[0].userHandle, 'base64').toString('base64url'), mock.userHandle);

  await page.getByRole('button', { name: 'Log out' }).click();
  await debug.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: false });
  await page.getByRole('button', { name: 'Use a passkey' }).click();
  await page.getByText('It was cancelled, took too long').waitFor();
  await debug.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: true });
  await page.getByRole('button', { name: 'Use a passkey' }).click();
  await page.getByText('Live', { exact: true }).waitFor();
  assert.equal(mock.seen.length, 2);
  if (process.env.BONGSU_PASSKEYS) writeFileSync(process.env.BONGSU_PASSKEYS, JSON.stringify(mock.seen, null, 1));

  await page.evaluate(() => (location.hash = '#/account'));
  await page.getByRole('button', { name: 'Remove test device' }).click();
  await page.getByText('You have none yet').waitFor();
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.getByRole('button', { name: 'Use a passkey' }).click();
  await page.getByText('no such passkey').waitFor();
  await debug.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId });
}, { host: 'localhost' });  // passkeys belong to a name, and 127.0.0.1 is none

test('The identity provider sends the browser back, which logs in and forgets the code', async ({ page, mock }) => {
  mock.oidc = true;
  await page.reload();
  await page.getByRole('button', { name: 'Log in at the identity provider' }).click();
  await page.getByText('Live', { exact: true }).waitFor();
  assert.equal(await page.evaluate(() => location.search), '');
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.goto(`${await page.evaluate(() => location.origin)}/?code=stolen&state=other`);
  await page.getByText('vouches for nobody').waitFor();
  assert.equal(await page.evaluate(() => location.search), '');
  await accessible(page);
});

test('Every view is free of axe violations in both themes', async ({ page, mock }) => {
  await logIn(page, mock.token);
  for (const theme of ['dark', 'light']) {
    for (const [name, hash] of [['groups', '#/groups'], ['group', `#/groups/${mock.world.groups()[0].id}`], ['alerts', '#/alerts'], ['alert', `#/alerts/${mock.world.alerts[0].id}`], ['search', '#/search?q=example'], ['object', `#/objects/indicator--00000000-0000-4000-8000-000000000000`], ['publish', '#/publish?text=hxxp://evil[.]example/a 8.8.8.8 nonsense!'], ['members', '#/members/cert-ua'], ['approvals', '#/approvals'], ['nothing-found', '#/search?q=hxxp://unheard[.]example/']]) {
      await page.evaluate((h) => (location.hash = h), hash);
      await page.waitForTimeout(900);
      await accessible(page);
      await shot(page, `${name}-${theme}`);
    }
    await page.getByRole('button', { name: /theme/ }).click();
  }
});

test('A live alert appears at the top, counts, and is announced in the title', async ({ page, mock }) => {
  await logIn(page, mock.token);
  await rows(page).first().waitFor();
  const before = await rows(page).first().getAttribute('id');
  const alert = mock.raise();
  mock.tick();
  await page.locator(`[id="row-${alert.id}"]`).waitFor();
  assert.notEqual(await rows(page).first().getAttribute('id'), before);
  assert.equal(await rows(page).first().getAttribute('id'), `row-${alert.id}`);
  await until(page, (n) => document.title.startsWith(`(${n})`), mock.world.counts().open);
});

test('An alert is chosen with j, acknowledged with a, judged with t and a reason, and the answer shows in its history', async ({ page, mock }) => {
  await logIn(page, mock.token);
  await page.keyboard.press('j');
  const id = (await page.locator('[role=option][aria-selected=true]').getAttribute('id')).slice(4);
  await page.getByRole('region', { name: 'The event as it was recorded' }).waitFor();
  await page.keyboard.press('a');
  await page.getByRole('button', { name: /^Acknowledged/ }).waitFor();
  await page.keyboard.press('t');
  await shot(page, 'judging');
  await page.keyboard.type('Beacon every 60 s, host isolated.');
  await page.keyboard.press('Enter');
  await until(page, (i) => document.querySelector('[role=option][aria-selected=true]')?.id !== `row-${i}`, id);
  const judged = mock.world.alerts.find((a) => a.id === id);
  assert.equal(judged.verdict, 'true');
  assert.equal(judged.acknowledged, true);
  await page.evaluate((i) => (location.hash = `#/alerts/${i}`), id);
  await page.getByText('judged true positive: “Beacon every 60 s, host isolated.”').waitFor();
});

test('The way out of an alert stays in the corner, however long the line above it is', async ({ page, mock }) => {
  const alert = mock.world.alerts[0];
  Object.assign(alert, { verdict: 'true', acknowledged: true, judgements: 1 }); // so that there is the most to show
  await logIn(page, mock.token);
  for (const width of [1920, 1440, 1280, 1100, 900]) {
    await page.setViewportSize({ width, height: 900 });
    await page.evaluate((i) => (location.hash = `#/alerts/${i}`), alert.id);
    const close = page.getByRole('button', { name: 'Close the alert' });
    await close.waitFor();
    await shot(page, `alert-head-${width}`);
    const [button, panel] = [await close.boundingBox(), await page.locator('.detail').boundingBox()];
    assert.ok(button.y - panel.y < 12, `at the top at ${width}: ${button.y - panel.y}`);
    assert.ok(panel.x + panel.width - button.x - button.width < 16, `at the right at ${width}`);
  }
});

test('Another analyst’s judgement shows without asking', async ({ page, mock }) => {
  await logIn(page, mock.token);
  const alert = mock.world.alerts.find((a) => a.verdict === 'open');
  Object.assign(alert, { verdict: 'benign', acknowledged: true, assignee: 'jonas', judgements: 1 });
  await page.evaluate((i) => (location.hash = `#/alerts/${i}`), alert.id);
  mock.send('alert', mock.strip(alert), ++mock.world.seq);
  await page.locator(`[id="row-${alert.id}"]`).getByText('benign').waitFor();
});

test('A thousand alerts in a second keep the page alive and the rows few', async ({ page, mock }) => {
  await logIn(page, mock.token);
  const first = mock.world.alerts[0].id;
  await page.locator(`[id="row-${first}"]`).waitFor();
  await page.locator('.rows').evaluate((e) => (e.scrollTop = 36 * 40));
  await page.waitForTimeout(100);
  const anchor = await page.evaluate(() => {
    const box = document.querySelector('.rows').getBoundingClientRect();
    return [...document.querySelectorAll('[role=option]')].find((r) => r.getBoundingClientRect().top >= box.top).id;
  });
  for (let i = 0; i < 1000; i += 1) mock.raise();
  await page.getByRole('button', { name: /newer/ }).waitFor();
  await page.waitForTimeout(500);
  const still = await page.evaluate((i) => {
    const box = document.querySelector('.rows').getBoundingClientRect();
    const row = document.getElementById(i)?.getBoundingClientRect();
    return row && row.top >= box.top - 36 && row.top < box.bottom;
  }, anchor);
  assert.ok(still, 'the row that was read stays in sight');
  assert.ok((await rows(page).count()) < 80, 'rows are virtual');
  await page.getByRole('button', { name: /newer/ }).click();
  await page.locator(`[id="row-${mock.world.alerts[0].id}"]`).waitFor();
});

test('Pasted, defanged text is found as the value that it is', async ({ page, mock }) => {
  await logIn(page, mock.token);
  await page.keyboard.press('/');
  await page.keyboard.type('hxxp://files[.]example/stage2.bin');
  await page.keyboard.press('Enter');
  await page.getByText('Holds this value').waitFor();
  await page.getByRole('link', { name: /files\.example/ }).first().click();
  await page.getByRole('heading', { name: 'Who may see it' }).waitFor();
  await page.getByText('the agreement allows at most TLP:AMBER').first().waitFor();
  await clean(page, []);
});

test('Indicators are made from pasted text, previewed, published and withdrawn', async ({ page, mock }) => {
  await logIn(page, mock.token);
  await page.keyboard.press('n');
  await page.getByLabel('Paste values').fill('hxxp://evil[.]example/a\n198.51.100[.]9, 8.8.8.8\nwhat is this');
  await page.getByText('3 values ready').waitFor();
  await page.getByText('in a warning list').first().waitFor();
  const row = page.getByRole('row', { name: /8\[\.\]8\[\.\]8\[\.\]8/ });
  await row.getByRole('button', { name: 'leave out' }).click();
  await page.getByText('every rule of the agreement is satisfied').first().waitFor();
  await page.getByRole('button', { name: /Publish 2 indicators to 2 members/ }).waitFor();
  await page.getByRole('radio', { name: 'TLP:AMBER+STRICT' }).check({ force: true });
  await page.getByRole('button', { name: /Publish 2 indicators to 0 members/ }).waitFor();
  await page.getByRole('radio', { name: 'TLP:GREEN' }).check({ force: true });
  await page.getByLabel('Only these, by name').check();
  await page.getByRole('checkbox', { name: 'CERT Polska' }).check();
  await page.getByRole('button', { name: /Publish 2 indicators to 1 member$/ }).waitFor();
  await page.getByLabel('Name', { exact: true }).fill('Sandfly staging');
  await shot(page, 'publishing');
  await page.getByRole('button', { name: /Publish 2/ }).click();
  await page.getByText('2 indicators published').waitFor();
  const made = [...mock.world.objects.values()].filter((o) => o.sample.member === 'cert-lt');
  assert.deepEqual(made.map((o) => o.sample.text).sort(), ['198.51.100.9', 'http://evil.example/a']);
  assert.deepEqual(made[0].sample.tlp, { tlp: 'TLP:GREEN', unknown: false, marked: true, releasable_to: ['cert-pl'] });
  await page.getByRole('link', { name: made[0].object.id }).click();
  await page.getByRole('button', { name: 'Withdraw…' }).click();
  await page.getByLabel(/Withdraw it everywhere/).fill('Shared hosting.');
  await page.getByRole('button', { name: 'Withdraw', exact: true }).click();
  await page.getByText('A revoked version goes to everyone').waitFor();
  assert.equal(made[0].object.revoked, true);
});

test('What the sensor does not look for stands on every page: a rule that was set aside, and a sensor that does not run', async ({ page, mock }) => {
  const digest = 'ab'.repeat(32);
  const rule = { digest, language: 'yara', indicator: 'indicator--0c0ffee0-0000-4000-8000-00000000000a', name: 'Loader of the winter wave', giver: 'cert-ua', reason: 'the sensor ended by signal 11 with it', since: '2026-11-26T02:58:11.000Z' };
  mock.detection = { running: false, aside: [rule] };
  mock.world.role = 'operator';
  await logIn(page, mock.token);
  await page.getByText('The sensor does not run.').waitFor();
  await page.getByText('One rule is not looked for').click();
  await page.getByRole('link', { name: rule.name }).waitFor();
  await page.getByText('yara, from cert-ua, since 2026-11-26 02:58 UTC').waitFor();
  await page.getByText(rule.reason).waitFor();
  await page.getByText(`bongsu rule retry ${digest.slice(0, 12)}`).waitFor();
  await accessible(page);
  await shot(page, 'rule-aside');
});

test('A crisis that was declared stands on every page, with its reason and its end', async ({ page, mock }) => {
  mock.crisis = { since: '2026-11-26T01:00:00.000Z', until: '2026-11-29T01:00:00.000Z', reason: 'Attacks on the grid <b>of two members</b>', by: 'olena' };
  await logIn(page, mock.token);
  const strip = page.getByRole('region', { name: 'Crisis', exact: true });
  await strip.getByText(mock.crisis.reason).waitFor();
  await strip.getByText('declared by olena; agreements for crises hold until 2026-11-29 01:00 UTC').waitFor();
  await accessible(page);
  await shot(page, 'crisis');
});

test('In a drill the console says EXERCISE, publishes in its collection for all of its time, and asks before anything goes elsewhere', async ({ page, mock }) => {
  mock.drill = true;
  await logIn(page, mock.token, 'publish');
  const strip = page.getByRole('region', { name: 'Exercise', exact: true });
  await strip.getByText('EXERCISE', { exact: true }).waitFor();
  await strip.getByText('Exercise Winter Morning').waitFor();
  await page.getByLabel('Paste values').fill('evil[.]example');
  const chosen = page.getByLabel('Collection');
  assert.equal(await chosen.inputValue(), DRILL_ID);
  assert.equal(await page.getByLabel('Valid for').inputValue(), 'all of the drill');
  await page.getByText('It goes into exercise, marked as the exercise’s').waitFor();
  await accessible(page);
  await shot(page, 'publish-exercise');

  const dialog = page.getByRole('dialog');
  await chosen.selectOption(SHARED_ID);
  await dialog.getByText('This is a live collection; in a drill, sharing outside of the exercise is a violation.').waitFor();
  await accessible(page);
  await shot(page, 'publish-live-asked');
  await page.keyboard.press('Enter');
  await dialog.waitFor({ state: 'detached' });
  assert.equal(await chosen.inputValue(), DRILL_ID, 'who only presses Enter stays in the exercise');

  await page.getByRole('button', { name: /^Publish 1 EXERCISE indicator to/ }).click();
  await page.getByText('published at CERT Lithuania in the EXERCISE').waitFor();
  assert.deepEqual([mock.drafts[0].collection, mock.drafts[0].valid_until], [DRILL_ID, null]);

  await page.getByRole('button', { name: 'Make another' }).click();
  await page.getByLabel('Paste values').fill('real[.]example');
  await chosen.selectOption(SHARED_ID);
  await dialog.getByRole('button', { name: 'It is live: use shared' }).click();
  await page.getByText('LIVE, not the exercise.').waitFor();
  await page.getByRole('button', { name: /^Publish 1 LIVE indicator to/ }).click();
  await page.getByText('1 indicator published at CERT Lithuania.').waitFor();
  assert.equal(mock.drafts[1].collection, SHARED_ID);
  assert.ok(Date.parse(mock.drafts[1].valid_until) > Date.now(), 'what is live ends as before');
});

test('A lost connection is seen, retried with back-off, and resumed where it was', async ({ page, mock, complaints }) => {
  await logIn(page, mock.token);
  const seen = mock.raise();
  await page.locator(`[id="row-${seen.id}"]`).waitFor();
  mock.cut();
  await page.getByRole('alert').getByText('Connection lost.').waitFor();
  await page.waitForTimeout(1500);
  await shot(page, 'lost');
  await accessible(page);
  const missed = mock.world.raise();
  mock.log.push([missed.seq, `id: ${missed.seq}\nevent: alert\ndata: ${JSON.stringify(mock.strip(missed))}\n\n`]);
  mock.refuse = false;
  await page.locator(`[id="row-${missed.id}"]`).waitFor({ timeout: 20_000 });
  await page.getByText('Live', { exact: true }).waitFor();
  assert.equal(String(mock.resumedFrom.at(-1)), String(seen.seq));
  complaints.length = 0; // the browser says that it could not connect: it could not
});

test('Alerts stand by entity, the highest risk first; one is opened with j, and its hits with a click', async ({ page, mock }) => {
  await logIn(page, mock.token, '');
  await rows(page).first().waitFor();
  const expected = mock.world.groups({ open: true });
  assert.equal(await rows(page).count(), expected.length);
  assert.deepEqual(await rows(page).evaluateAll((all) => all.map((r) => r.id)), expected.map((g) => `row-${g.id}`));
  assert.ok((await rows(page).first().innerText()).includes(expected[0].hits.toLocaleString('en')));
  await page.keyboard.press('j');
  await page.getByRole('region', { name: 'What is inside' }).waitFor();
  const alerts = mock.world.alerts.filter((a) => a.group === expected[0].id).sort((a, b) => b.risk - a.risk || b.seq - a.seq);
  assert.equal(await page.locator('.detail tbody tr').count(), Math.min(50, alerts.length));
  const button = page.getByRole('button', { name: /hits? of/ }).first();
  await button.click();
  await page.locator('.inside li').first().waitFor();
  assert.equal(await page.locator('.inside li').count(), Math.min(100, alerts[0].hits));
  await accessible(page);
  await shot(page, 'group-hits');
  // A warning-listed one is there and says so.
  await page.keyboard.press('Escape');
  assert.ok((await page.locator('.rows .chip.warn').count()) > 0);
  // The list is usable by the arrow keys alone, and the chosen row is announced.
  await page.locator('.rows').focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  assert.equal(await page.locator('.rows').getAttribute('aria-activedescendant'), `row-${expected[1].id}`);
});

test('A group grows while one looks at it, and a filter finds it', async ({ page, mock }) => {
  await logIn(page, mock.token, '');
  await rows(page).first().waitFor();
  const alert = mock.raise({ group: 'group--fresh', entity: { kind: 'host', name: 'fresh-host' }, risk: 99 });
  mock.tick();
  await page.locator('[id="row-group--fresh"]').waitFor();
  assert.equal(await rows(page).first().getAttribute('id'), 'row-group--fresh');
  alert.hits = 4321;
  await page.locator('[id="row-group--fresh"]').getByText('4,321').waitFor();
  await page.getByLabel('Filter groups by text').fill('fresh-host');
  for (let i = 0; i < 100 && (await rows(page).count()) !== 1; i += 1) await page.waitForTimeout(50);
  assert.equal(await rows(page).count(), 1);
  mock.world.unlisted = [{ indicator_id: 'indicator--x', source: 'cert-ua', rule: '', hits: 1234, first: '', last: '' }];
  await page.getByText('1,234 hits').waitFor();
  await accessible(page);
});

test('Hits are suppressed with a reason and an end, under the own name, and that is ended again', async ({ page, mock }) => {
  await logIn(page, mock.token, '');
  await rows(page).first().click();
  await page.getByRole('button', { name: /^Suppress hits of/ }).first().click();
  const dialog = page.getByRole('dialog', { name: 'Suppress hits' });
  await dialog.waitFor();
  const submit = dialog.getByRole('button', { name: 'Suppress', exact: true });
  assert.ok(await submit.isDisabled(), 'not without a reason');
  await dialog.getByText('Said by olena').waitFor();
  await dialog.getByLabel('Why').fill('Our own scanner, ticket 4411.');
  await dialog.getByLabel('Until').selectOption({ label: '30 days from now' });
  await accessible(page);
  await shot(page, 'suppress');
  await submit.click();
  await dialog.waitFor({ state: 'detached' });
  const [rule] = mock.world.suppressions;
  assert.equal(rule.reason, 'Our own scanner, ticket 4411.');
  assert.deepEqual(Object.keys(rule.match).sort(), ['entity', 'indicator', 'source']);
  const days = (new Date(rule.until) - Date.now()) / 86_400_000;
  assert.ok(days > 29.9 && days <= 30, `${days} days`);
  mock.world.alerts[0].suppressed_by = rule.id;
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: /^Suppressed/ }).click();
  await page.locator(`[id="row-${mock.world.alerts[0].group}"]`).waitFor();
  await page.getByText('Our own scanner, ticket 4411.').waitFor();
  await accessible(page);
  await shot(page, 'suppressions');
  await page.getByRole('button', { name: /^End the suppression/ }).click();
  await page.getByText('No suppression is in force').waitFor();
  assert.equal(mock.world.suppressions.length, 0);
});

test('A session that ended elsewhere leads back to the log-in', async ({ page, mock }) => {
  await logIn(page, mock.token);
  mock.secret = 'changed';
  mock.send('signed_out', {});
  await page.getByLabel('Access token').waitFor();
});

test('A reader sees everything and is offered nothing that he may not do', async ({ page, mock }) => {
  await logIn(page, mock.token);
  await page.keyboard.press('j');
  await page.getByRole('region', { name: 'The event as it was recorded' }).waitFor();
  assert.equal(await page.getByRole('button', { name: /Acknowledge/ }).count(), 0);
  await page.keyboard.press('t');
  assert.equal(await page.getByLabel(/because/).count(), 0);
  await page.keyboard.press('n');
  await page.getByText('Publishing takes the role of an analyst').waitFor();
  await accessible(page);
}, { role: 'reader' });

test('A fresh node says what to do next', async ({ page, mock }) => {
  await logIn(page, mock.token);
  await page.getByText('No alert yet').waitFor();
  await page.getByText('No member is paired').first().waitFor();
  await page.waitForTimeout(400);
  await accessible(page);
  await shot(page, 'fresh');
}, { empty: true });

test('An operator stops a member with a reason', async ({ page, mock }) => {
  await logIn(page, mock.token);
  await page.evaluate(() => (location.hash = '#/members/cert-ua'));
  await page.getByRole('button', { name: 'Stop release…' }).first().click();
  await page.getByLabel(/Nothing more flows to CERT Ukraine/).fill('Key compromise reported.');
  await page.getByRole('button', { name: 'Stop', exact: true }).click();
  await page.locator('article.chosen').getByText('stopped', { exact: true }).first().waitFor();
  assert.ok(mock.world.members.find((m) => m.id === 'cert-ua').stopped);
});

const proposal = (id, more = {}) => ({
  id, kind: 'label.lower', subject: 'indicator--00000000-0000-4000-8000-000000000000', summary: 'lowers the label of it in shared', sha256: 'ab'.repeat(32), by: 'otto', why: 'the ministry agreed',
  changes: [{ what: 'TLP', before: 'TLP:RED', after: 'TLP:GREEN' }], since: new Date().toISOString(), expires: new Date(Date.now() + 86_400_000).toISOString(), state: 'open', text: '{"type":"indicator"}', ...more,
});

test('What waits for a second person shows what it changes and is approved with a reason; one’s own is only taken back', async ({ page, mock }) => {
  mock.approvals = [proposal('one'), proposal('mine', { by: 'olena', subject: 'cert-ua', kind: 'agreement.end', changes: [] })];
  await logIn(page, mock.token, 'approvals');
  await page.getByRole('heading', { name: 'Waiting for a second person' }).waitFor();
  await page.getByRole('link', { name: mock.approvals[0].subject }).click();
  await page.getByRole('cell', { name: 'TLP:RED' }).waitFor();
  await page.getByRole('cell', { name: 'TLP:GREEN' }).waitFor();
  await accessible(page);
  await shot(page, 'approvals');
  const approve = page.getByRole('button', { name: 'Approve' });
  assert.equal(await approve.isDisabled(), true, 'not without a reason');
  await page.getByLabel('Because').fill('Agreed by telephone.');
  await approve.click();
  await page.getByText('executed by olena').waitFor();
  assert.equal(mock.approvals[0].decided_why, 'Agreed by telephone.');
  await page.getByRole('link', { name: 'cert-ua', exact: true }).click();
  await page.getByText('a second person decides; who proposed it does not').waitFor();
  await page.getByLabel('Because').fill('A mistake.');
  assert.equal(await page.getByRole('button', { name: 'Approve' }).isDisabled(), true);
  await page.getByRole('button', { name: 'Take it back' }).click();
  await page.getByText('refused by olena').waitFor();
});

test('A node where one person decides alone says so', async ({ page, mock }) => {
  mock.fourEyes = false;
  await logIn(page, mock.token, 'approvals');
  await page.getByText('Four eyes are off on this node').waitFor();
  await accessible(page);
});

test('What an event holds never becomes markup', async ({ page, mock }) => {
  await logIn(page, mock.token);
  const evil = '<img src=x onerror=alert(1)><script>alert(2)</script>';
  const alert = mock.raise({ matched: evil, field: evil, source: evil, value: { kind: 'domain-name', text: evil }, _event: JSON.stringify({ query: evil }) });
  await page.locator(`[id="row-${alert.id}"]`).click();
  await page.getByRole('region', { name: 'The event as it was recorded' }).waitFor();
  assert.equal(await page.locator('main img, main script').count(), 0);
});

test('Single letters do nothing once they are switched off', async ({ page, mock }) => {
  await logIn(page, mock.token);
  await page.keyboard.press('?');
  await page.getByRole('dialog').waitFor();
  await accessible(page);
  await shot(page, 'help');
  await page.getByLabel('Single-letter shortcuts').uncheck();
  await page.getByRole('button', { name: 'Close' }).click();
  await page.keyboard.press('n');
  assert.equal(await page.getByLabel('Paste values').count(), 0);
});

async function againstReal() {
  const context = await launch({ insecure: true });
  const { page, complaints } = await openPage(context, realUrl);
  await logIn(page, realToken);
  for (const view of ['groups', 'alerts', 'search?q=example', 'publish', 'members']) {
    await page.evaluate((v) => (location.hash = `#/${v}`), view);
    await page.waitForTimeout(900);
    await accessible(page);
    await clean(page, complaints);
    await shot(page, `real-${view.split('?')[0]}`);
    console.log(`ok   ${view} of ${realUrl}`);
  }
  await context.close_();
}

async function againstMock() {
  let failed = 0;
  let ran = 0;
  for (const { name, run, options } of tests) {
    if (!name.includes(first)) continue;
    ran += 1;
    const world = new World(options);
    const mock = new MockNode(world);
    const url = await mock.start();
    const context = await launch(options.window);
    try {
      const { page, complaints } = await openPage(context, url.replace('127.0.0.1', options.host ?? '127.0.0.1'));
      page.setDefaultTimeout(8_000);
      await run({ page, mock, complaints });
      await clean(page, complaints);
      console.log(`ok   ${name}`);
    } catch (error) {
      failed += 1;
      console.log(`FAIL ${name}\n     ${String(error.stack ?? error).split('\n').slice(0, 14).join('\n     ')}`);
      const dir = shots ?? process.env.TMPDIR ?? '/tmp';
      await context.pages()[0]?.screenshot({ path: join(dir, `console-failed-${failed}.png`) }).catch(() => {});
    } finally {
      await context.close_();
      await mock.stop();
    }
  }
  console.log(`${ran - failed} passed, ${failed} failed`);
  process.exitCode = failed ? 1 : 0;
}

await (realUrl ? againstReal() : againstMock());
