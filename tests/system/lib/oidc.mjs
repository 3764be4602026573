// A small OpenID provider for tests (OpenID Connect Core 1.0, code flow with PKCE), on loopback: strict about what the node
// sends it, and a liar where a test wants one. No dependencies.
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { createServer } from 'node:http';

const coded = (x) => Buffer.from(typeof x === 'string' ? x : JSON.stringify(x)).toString('base64url');

export class Provider {
  constructor(house, { clientId = 'bongsu', secret = 'a secret: +& of %', alg = 'RS256' } = {}) {
    Object.assign(this, { clientId, secret, alg, codes: new Map(), lie: {}, header: {}, asked: [], user: { sub: 'u-1', preferred_username: 'olena' } });
    this.newKey();
    house.proxies.push(this);
  }
  newKey() {
    const kinds = { RS256: ['rsa', { modulusLength: 2048 }], ES256: ['ec', { namedCurve: 'P-256' }], EdDSA: ['ed25519', {}] };
    this.keys = generateKeyPairSync(...kinds[this.alg]);
    this.kid = randomBytes(4).toString('hex');
  }
  async listen() {
    this.server = createServer((request, response) => this.handle(request, response).catch((error) => {
      response.statusCode = 500;
      response.end(String(error));
    }));
    await new Promise((done) => this.server.listen(0, '127.0.0.1', done));
    this.issuer = `http://127.0.0.1:${this.server.address().port}`;
    return this;
  }
  close() { this.server.closeAllConnections(); this.server.close(); }

  token(nonce) {
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: this.issuer, aud: this.clientId, iat: now, exp: now + 300, nonce, ...this.user, ...this.lie };
    const text = `${coded({ alg: this.alg, kid: this.kid, ...this.header })}.${coded(claims)}`;
    if (this.header.alg === 'none') return `${text}.`;
    return `${text}.${sign(this.alg === 'EdDSA' ? null : 'sha256', Buffer.from(text), { key: this.keys.privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
  }
  // The person at the browser agrees: where the provider would send it back to.
  agree(url) {
    const q = new URL(url).searchParams;
    for (const [key, want] of Object.entries({ response_type: 'code', client_id: this.clientId, code_challenge_method: 'S256' }))
      if (q.get(key) !== want) throw new Error(`${key} is ${q.get(key)}`);
    if (!q.get('scope').split(' ').includes('openid') || !q.get('state') || !q.get('nonce')) throw new Error(url);
    const code = randomBytes(12).toString('hex');
    this.codes.set(code, { challenge: q.get('code_challenge'), nonce: q.get('nonce'), redirect: q.get('redirect_uri') });
    return { code, state: q.get('state'), redirect: q.get('redirect_uri') };
  }
  async handle(request, response) {
    const json = (body, status = 200) => {
      response.statusCode = status;
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify(body));
    };
    const path = new URL(request.url, this.issuer).pathname;
    this.asked.push(path);
    if (path === '/.well-known/openid-configuration')
      return json({ issuer: this.issuer, authorization_endpoint: `${this.issuer}/auth`, token_endpoint: `${this.issuer}/token`, jwks_uri: `${this.issuer}/jwks`,
        response_types_supported: ['code'], subject_types_supported: ['public'], id_token_signing_alg_values_supported: [this.alg], code_challenge_methods_supported: ['S256'] });
    if (path === '/jwks') return json({ keys: [{ ...this.keys.publicKey.export({ format: 'jwk' }), kid: this.kid, alg: this.alg, use: 'sig' }] });
    if (path !== '/token' || request.method !== 'POST') return json({ error: 'not_found' }, 404);
    let body = '';
    for await (const chunk of request) body += chunk;
    const form = new URLSearchParams(body);
    const basic = Buffer.from((request.headers.authorization ?? '').replace(/^Basic /, ''), 'base64').toString().split(':').map(decodeURIComponent);
    if (basic[0] !== this.clientId || basic[1] !== this.secret) return json({ error: 'invalid_client' }, 401);
    const open = this.codes.get(form.get('code'));
    this.codes.delete(form.get('code'));
    const proven = open && createHash('sha256').update(form.get('code_verifier') ?? '').digest('base64url') === open.challenge;
    if (!proven || form.get('redirect_uri') !== open.redirect || form.get('grant_type') !== 'authorization_code') return json({ error: 'invalid_grant' }, 400);
    return json({ token_type: 'Bearer', access_token: 'unused', expires_in: 300, id_token: this.token(open.nonce) });
  }
}
