// Log-in to a real node's console at an OpenID provider: by each algorithm, and by a provider that lies.
import { check, equal, Https, json } from './lib/bongsu.mjs';
import { Provider } from './lib/oidc.mjs';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

async function node_with(house, provider, more = '') {
  const node = await house.node('cert-lt', { toml: `\n[oidc]\nissuer = "${provider.issuer}"\nclient_id = "${provider.clientId}"\nclient_secret_file = "${join(house.dir, 'secret')}"\n${more}` });
  writeFileSync(join(house.dir, 'secret'), `${provider.secret}\n`, { mode: 0o600 });
  await node.serve();
  await json(['account', 'add', 'olena', '--role', 'reader', '--token', '--read', '*', '--data', node.data]);
  return node;
}

// A browser: what it was given as cookies, and the log-in's steps.
class Browser {
  constructor(node) {
    this.base = node.urls.console.replace('127.0.0.1', 'localhost');
    this.https = new Https(node.ca, { 'X-Bongsu-Console': '1', 'Content-Type': 'application/json', Origin: new URL(this.base).origin });
    this.cookies = {};
  }
  async call(method, path, body) {
    const answer = await this.https.request(method, new URL(`api/v1/${path}`, this.base).href, body && JSON.stringify(body),
      { Cookie: Object.entries(this.cookies).map(([k, v]) => `${k}=${v}`).join('; ') });
    for (const line of answer.headers['set-cookie'] ?? []) {
      const [pair] = line.split(';'), at = pair.indexOf('=');
      this.cookies[pair.slice(0, at)] = pair.slice(at + 1);
    }
    return answer;
  }
  async begin() { return (await this.call('POST', 'session/oidc/options', {})).json.url; }
  close() { this.https.close(); }
}
async function log_in(node, provider, change = (said) => said) {
  const browser = new Browser(node);
  const said = provider.agree(await browser.begin());
  const answer = await browser.call('POST', 'session/oidc', change({ code: said.code, state: said.state }));
  const who = answer.status === 200 ? (await browser.call('GET', 'session')).json.account : null;
  browser.close();
  return { status: answer.status, who, said, text: answer.text };
}

export async function a_person_logs_in_at_the_provider_by_each_algorithm_and_has_the_rights_of_the_account(house) {
  const provider = await new Provider(house).listen();
  const node = await node_with(house, provider);
  const browser = new Browser(node);
  equal((await browser.call('GET', 'session/ways')).json.oidc, true, 'it is offered');
  const url = await browser.begin();
  check(new URL(url).searchParams.get('redirect_uri') === `${new URL(browser.base).origin}/`, url);
  browser.close();
  provider.user.role = 'operator';   // a token gives no rights
  const entered = await log_in(node, provider);
  equal([entered.status, entered.who], [200, 'olena'], entered.text);
  for (const alg of ['ES256', 'EdDSA']) {
    const other = await new Provider(house, { alg }).listen();
    await node.stop();
    const file = join(node.data, 'bongsu.toml');
    writeFileSync(file, readFileSync(file, 'utf8').replace(/issuer = "[^"]*"/, `issuer = "${other.issuer}"`));
    await node.serve();
    const again = await log_in(node, other);
    equal([again.status, again.who], [200, 'olena'], `${alg}: ${again.text}`);
  }
}

export async function a_provider_that_lies_and_a_browser_that_is_another_open_nothing(house) {
  const provider = await new Provider(house).listen();
  const node = await node_with(house, provider);
  const now = Math.floor(Date.now() / 1000);
  const lies = [{ iss: 'https://evil.example' }, { aud: 'other' }, { aud: ['bongsu', 'other'] }, { azp: 'other' }, { exp: now - 1000 }, { iat: now - 10_000 }, { iat: now + 1000 },
    { nonce: 'other' }, { nbf: now + 1000 }, { preferred_username: 'nobody' }, { preferred_username: undefined }, { sub: '' }];
  for (const lie of lies) {
    provider.lie = lie;
    const tried = await log_in(node, provider);
    equal(tried.status, 401, `${JSON.stringify(lie)}: ${tried.text}`);
    check(!/nobody|olena|nonce|aud|iss/.test(tried.text.replace('vouches for nobody', '')), `one answer for all: ${tried.text}`);
  }
  provider.lie = {};
  provider.header = { alg: 'none' };
  equal((await log_in(node, provider)).status, 401, 'unsigned');
  provider.header = { alg: 'HS256' };
  equal((await log_in(node, provider)).status, 401, 'by the secret');
  provider.header = {};
  equal((await log_in(node, provider, (said) => ({ ...said, code: 'other' }))).status, 401, 'another code');
  equal((await log_in(node, provider, (said) => ({ ...said, state: 'other' }))).status, 401, 'another state');
  equal((await log_in(node, provider, (said) => ({ ...said, iss: 'https://evil.example' }))).status, 401, 'another issuer');
  // Somebody sends the victim's browser an answer of his own.
  const mine = new Browser(node), victim = new Browser(node);
  const said = provider.agree(await mine.begin());
  await victim.begin();
  equal((await victim.call('POST', 'session/oidc', { code: said.code, state: said.state })).status, 401, 'begun in another browser');
  for (const b of [mine, victim]) b.close();
  await node.stop();
  const log = readFileSync(node.log, 'utf8');
  for (const secret of [provider.secret, encodeURIComponent(provider.secret), said.code, said.state]) check(!log.includes(secret), 'the log holds a secret');
  check(log.includes('console.log_in_refused'), 'and says that log-ins were refused');
}
