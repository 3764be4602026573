// One picture of a real node's console, for the documentation: node test/screenshot.mjs URL TOKEN OUT.png [HASH]
import { launch, openPage } from './browser.mjs';

const [url, token, out, hash] = process.argv.slice(2);
if (!out) {
  console.error('usage: node test/screenshot.mjs URL TOKEN OUT.png [#/alerts]');
  process.exit(2);
}
const context = await launch({ insecure: true });
const { page } = await openPage(context, url);
await page.getByLabel('Access token').fill(token);
await page.getByRole('button', { name: 'Log in' }).click();
await page.getByText('Live', { exact: true }).waitFor();
if (hash) await page.evaluate((h) => (location.hash = h), hash);
else {
  // The newest alert, opened, when there is one.
  const first = page.locator('.rows [role=option]').first();
  if (await first.waitFor({ timeout: 5_000 }).then(() => true, () => false)) await first.click();
}
await page.waitForTimeout(2_500);
await page.screenshot({ path: out });
await context.close_();
console.log(out);
