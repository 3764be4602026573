// Debian's Chromium, without a network of its own, watched for everything that a clean page does not do.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const require = createRequire(import.meta.url);
const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

export function chromiumPath() {
  const found = [process.env.BONGSU_CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((p) => p && existsSync(p));
  if (!found) throw new Error('no Chromium found: apt-get install chromium, or set BONGSU_CHROMIUM');
  return found;
}

export async function launch({ width = 1440, height = 900, scheme = 'dark', insecure = false } = {}) {
  const profile = mkdtempSync(join(tmpdir(), 'bongsu-console-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: chromiumPath(),
    headless: true,
    viewport: { width, height },
    colorScheme: scheme,
    ignoreHTTPSErrors: insecure, // a node's certificate is signed by its own authority
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  context.close_ = async () => {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  };
  return context;
}

// A page with its complaints: policy violations, script errors, requests to anybody else.
export async function openPage(context, url) {
  const page = context.pages()[0] ?? (await context.newPage());
  const complaints = [];
  page.removeAllListeners();
  page.on('pageerror', (error) => complaints.push(`script error: ${error.message}`));
  page.on('console', (message) => {
    const text = message.text();
    if (message.type() === 'error' && !/Failed to load resource|ERR_|net::/.test(text)) complaints.push(`console: ${text}`);
    if (/Content Security Policy|TrustedHTML|TrustedScript/i.test(text)) complaints.push(`policy: ${text}`);
  });
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== new URL(url).origin) complaints.push(`foreign request: ${request.url()}`);
  });
  await page.addInitScript(() => {
    globalThis.__violations = [];
    document.addEventListener('securitypolicyviolation', (e) => globalThis.__violations.push(`${e.violatedDirective} ${e.blockedURI} ${e.sample}`));
  });
  await page.goto(url);
  return { page, complaints };
}

export const violations = (page) => page.evaluate(() => globalThis.__violations);

// axe runs over the debugger's channel, which the page's policy does not touch.
export async function axe(page) {
  await page.evaluate(AXE);
  const result = await page.evaluate(() =>
    globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }),
  );
  return result.violations.map((v) => `${v.id}: ${v.help}\n    ${v.nodes.slice(0, 4).map((n) => `${n.target.join(' ')} — ${n.any.map((c) => c.message).join('; ')}`).join('\n    ')}`);
}
