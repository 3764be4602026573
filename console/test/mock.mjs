// A node for the browser tests: serves console/dist with the very headers of the C++ server, and answers the API from a World.
import { readFile } from 'node:fs/promises';
import { createHash, createPublicKey, randomBytes, verify } from 'node:crypto';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TYPES, securityHeaders } from './headers.mjs';
import { DRILL_ID, EXERCISE, SHARED_ID } from './ids.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const refang = (text) => text.replaceAll('[.]', '.').replace(/^hxxp/i, 'http');
function guess(raw, kind) {
  const text = refang(raw);
  const found =
    kind ?? (/^\d+\.\d+\.\d+\.\d+(\/\d+)?$/.test(text) ? 'ipv4-addr' : /^https?:/.test(text) ? 'url' : /^[0-9a-f]{32}$/i.test(text) ? 'file:hashes.MD5' : /^[\w-]+(\.[\w-]+)+$/.test(text) ? 'domain-name' : null);
  if (!found) return { raw, kind: null, text: null, pattern: '', error: 'is no address, domain, URL, hash or e-mail address', repeated: false, warning_lists: [], known: 0 };
  const warning_lists = text === '8.8.8.8' ? [{ list: 'List of known IPv4 public DNS resolvers', type: 'string' }] : [];
  return { raw, kind: found, text, pattern: `[${found}:value = '${text}']`, error: '', repeated: false, warning_lists, known: 0 };
}

export class MockNode {
  constructor(world, { token = 'bst_right' } = {}) {
    this.world = world;
    this.token = token;
    this.secret = 'c2VjcmV0';
    this.streams = new Set();
    this.log = [];           // events of the feed with their ids, for resuming
    this.requests = [];
    this.resumedFrom = [];   // Last-Event-ID or ?after= of each stream
    this.refuse = false;     // as a node that is down
    this.fourEyes = true;
    this.detection = { running: true, aside: [] };
    this.crisis = null;      // that was declared and lasts
    this.drill = false;      // whether this node has a collection of an exercise
    this.drafts = [];        // what was published, as it was asked
    this.oidc = false;       // whether an OpenID provider is offered; it is this server itself
    this.approvals = [];
    this.passkeys = [];
    this.userHandle = randomBytes(32).toString('base64url');
    this.challenge = '';
    this.seen = [];          // answers of authenticators, as they came
    this.headers = securityHeaders();
  }

  // A second, small implementation of both ceremonies, by node's own crypto: ES256 as Chromium's virtual authenticator makes it.
  checkClientData(text, type, host) {
    const data = JSON.parse(Buffer.from(text, 'base64url'));
    if (data.type !== type || data.challenge !== this.challenge || data.origin !== `http://${host}` || data.crossOrigin) throw new Error(`client data: ${JSON.stringify(data)}`);
    this.challenge = '';
  }
  checkAuthenticator(data) {
    if (!data.subarray(0, 32).equals(createHash('sha256').update('localhost').digest())) throw new Error('rpIdHash');
    if ((data[32] & 5) !== 5) throw new Error('user present and verified');
  }
  registerPasskey(body, host) {
    this.checkClientData(body.client_data, 'webauthn.create', host);
    const object = Buffer.from(body.attestation_object, 'base64url');
    if (!object.includes(Buffer.from('63666d74646e6f6e65', 'hex'))) throw new Error('attestation is not none');
    const data = object.subarray(object.indexOf(createHash('sha256').update('localhost').digest()));
    this.checkAuthenticator(data);
    const size = data.readUInt16BE(53);
    const id = data.subarray(55, 55 + size), cose = data.subarray(55 + size);
    // {1: 2, 3: -7, -1: 1, -2: x, -3: y}
    if (!cose.subarray(0, 10).equals(Buffer.from('a5010203262001215820', 'hex'))) throw new Error(`no ES256 key: ${cose.toString('hex')}`);
    const key = createPublicKey({ format: 'jwk', key: { kty: 'EC', crv: 'P-256', x: cose.subarray(10, 42).toString('base64url'), y: cose.subarray(45, 77).toString('base64url') } });
    this.passkeys.push({ id: id.toString('base64url'), name: body.name, key });
    this.seen.push({ ...body, host });
  }
  assertPasskey(body, host) {
    this.checkClientData(body.client_data, 'webauthn.get', host);
    const passkey = this.passkeys.find((p) => p.id === body.id);
    if (!passkey || body.user_handle !== this.userHandle) throw new Error('no such passkey');
    const data = Buffer.from(body.authenticator_data, 'base64url');
    this.checkAuthenticator(data);
    const signed = Buffer.concat([data, createHash('sha256').update(Buffer.from(body.client_data, 'base64url')).digest()]);
    if (!verify('sha256', signed, passkey.key, Buffer.from(body.signature, 'base64url'))) throw new Error('signature');
    this.seen.push({ ...body, host });
  }

  async start(port = 0) {
    this.server = createServer((request, response) => this.handle(request, response).catch((e) => { console.error(e); response.destroy(); }));
    await new Promise((done) => this.server.listen(port, '127.0.0.1', done));
    this.ticker = setInterval(() => this.tick(), 1000);
    return (this.url = `http://127.0.0.1:${this.server.address().port}`);
  }
  async stop() {
    clearInterval(this.ticker);
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }

  send(name, data, id) {
    const text = `${id ? `id: ${id}\n` : ''}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
    if (id) this.log.push([id, text]);
    for (const s of this.streams) s.write(text);
  }
  strip({ _event, _history, factors, ...row }) {
    return row;
  }
  raise(extra) {
    const alert = this.world.raise(extra);
    this.send('alert', this.strip(alert), alert.seq);
    return alert;
  }
  tick() {
    this.world.addRate(Math.floor(Date.now() / 1000));
    this.send('tick', { rates: this.world.newestRate(), counts: this.world.counts(), server_time: new Date().toISOString() });
  }
  cut() {
    this.refuse = true;
    for (const s of this.streams) s.destroy();
    this.streams.clear();
  }

  async handle(request, response) {
    const url = new URL(request.url, 'http://x');
    this.requests.push(`${request.method} ${url.pathname}`);
    if (this.refuse) return response.destroy();
    for (const [k, v] of Object.entries(this.headers)) response.setHeader(k, v);
    if (url.pathname.startsWith('/api/v1/')) return this.api(request, response, url);
    const path = normalize(url.pathname === '/' ? '/index.html' : url.pathname);
    try {
      const body = await readFile(join(root, 'dist', path));
      response.setHeader('Content-Type', TYPES[extname(path)] ?? 'application/octet-stream');
      response.end(body);
    } catch {
      response.statusCode = 404;
      response.end('not found');
    }
  }

  async api(request, response, url) {
    const w = this.world;
    const json = (status, body) => {
      response.statusCode = status;
      response.setHeader('Content-Type', 'application/json');
      response.setHeader('Cache-Control', 'no-store');
      response.end(status === 204 ? undefined : JSON.stringify(body));
    };
    const fail = (status, code, message, field = '') => json(status, { error: { code, message, field } });
    let body = '';
    for await (const chunk of request) body += chunk;
    body = body ? JSON.parse(body) : {};
    const path = url.pathname.slice('/api/v1/'.length).split('/').map(decodeURIComponent);
    const session = { account: 'olena', role: w.role, member: 'cert-lt' };

    if (request.method !== 'GET') {
      if (!request.headers['x-bongsu-console']) return fail(403, 'denied', 'no X-Bongsu-Console');
      if (request.headers.origin !== `http://${request.headers.host}`) return fail(403, 'denied', 'made by another site');
    }
    if (path[0] === 'session' && path[1] === 'ways') return json(200, { token: true, passkey: url.hostname === 'localhost' || request.headers.host.startsWith('localhost:'), oidc: this.oidc, certificate: false });
    if (path[0] === 'session' && path[1] === 'oidc') {
      if (path[2] === 'options') return json(200, { url: `http://${request.headers.host}/?code=c0de&state=st4te` });
      if (body.code !== 'c0de' || body.state !== 'st4te') return fail(401, 'unauthenticated', 'the provider vouches for nobody who has an account at this node');
      response.setHeader('Set-Cookie', `__Host-bongsu=${this.secret}; Path=/; Max-Age=43200; Secure; HttpOnly; SameSite=Strict`);
      return json(200, session);
    }
    if (path[0] === 'session' && path[1] === 'passkey') {
      if (path[2] === 'options') return json(200, { challenge: (this.challenge = randomBytes(32).toString('base64url')), rp_id: 'localhost', timeout_ms: 60000 });
      try {
        this.assertPasskey(body, request.headers.host);
      } catch (error) {
        return fail(401, 'unauthenticated', error.message);
      }
      response.setHeader('Set-Cookie', `__Host-bongsu=${this.secret}; Path=/; Max-Age=43200; Secure; HttpOnly; SameSite=Strict`);
      return json(200, session);
    }
    if (path[0] === 'session' && request.method === 'POST') {
      if (body.token !== this.token) return fail(401, 'unauthenticated', 'no account has this token');
      response.setHeader('Set-Cookie', `__Host-bongsu=${this.secret}; Path=/; Max-Age=43200; Secure; HttpOnly; SameSite=Strict`);
      return json(200, session);
    }
    if (!(request.headers.cookie ?? '').includes(`__Host-bongsu=${this.secret}`)) return fail(401, 'unauthenticated', 'log in with an account’s token first');
    if (path[0] === 'session') {
      if (request.method === 'GET') return json(200, session);
      response.setHeader('Set-Cookie', '__Host-bongsu=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict');
      return json(204);
    }
    if (path[0] === 'passkeys') {
      const list = () => ({ passkeys: this.passkeys.map(({ id, name }) => ({ id, name, host: 'localhost', added: new Date().toISOString(), backed_up: false })), host: 'localhost', most: 10 });
      if (path[1] === 'options')
        return json(200, { challenge: (this.challenge = randomBytes(32).toString('base64url')), rp_id: 'localhost', rp_name: 'CERT Lithuania', user_id: this.userHandle, user_name: 'olena', algorithms: [-7, -8, -257], exclude: this.passkeys.map((p) => p.id), timeout_ms: 60000 });
      if (request.method === 'DELETE') this.passkeys = this.passkeys.filter((p) => p.id !== path[1]);
      if (request.method === 'POST') {
        try {
          this.registerPasskey(body, request.headers.host);
        } catch (error) {
          return fail(403, 'denied', error.message);
        }
      }
      return json(200, list());
    }
    if (path[0] === 'events') {
      const after = request.headers['last-event-id'] ?? url.searchParams.get('after');
      this.resumedFrom.push(after);
      response.setHeader('Content-Type', 'text/event-stream');
      response.setHeader('Cache-Control', 'no-store');
      response.write(`retry: 2000\nevent: hello\ndata: ${JSON.stringify({ seq: w.seq, version: '0.1.0', server_time: new Date().toISOString() })}\n\n`);
      for (const [id, text] of this.log) if (after !== null && id > Number(after)) response.write(text);
      response.write(`event: members\ndata: ${JSON.stringify(w.members)}\n\n`);
      this.streams.add(response);
      response.on('close', () => this.streams.delete(response));
      return;
    }
    const collections = [{ id: SHARED_ID, alias: 'shared', title: 'Shared with partners', mirror_of: '', exercise: '', publishable: w.role !== 'reader' }];
    if (this.drill) collections.push({ id: DRILL_ID, alias: 'exercise', title: 'Exercise Winter Morning', mirror_of: '', exercise: EXERCISE, publishable: w.role !== 'reader' });
    if (path[0] === 'detection') return json(200, this.detection);
    if (path[0] === 'crisis') return json(200, { crisis: this.crisis });
    if (path[0] === 'overview')
      return json(200, {
        seq: w.seq, node: { id: 'cert-lt', title: 'CERT Lithuania', version: '0.1.0', country: 'lt', identity_id: 'identity--c0ffee00-0000-4000-8000-000000000001' }, session,
        server_time: new Date().toISOString(), members: w.members, counts: w.counts(), rates: w.rates, collections, people: ['jonas', 'olena'],
        kinds: ['ipv4-addr', 'ipv6-addr', 'domain-name', 'url', 'email-addr', 'file:hashes.MD5', 'file:hashes.SHA-256'], may_stop: w.role === 'operator',
      });
    if (path[0] === 'groups' && path.length === 1) {
      const p = url.searchParams;
      const all = w.groups({ open: p.get('open') === '1', suppressed: p.get('suppressed') === '1', text: p.get('text') ?? '', newest: p.get('order') === 'newest' });
      const limit = Number(p.get('limit') ?? 100), everything = w.groups();
      return json(200, {
        groups: all.slice(0, limit), next: all.length > limit ? `0-${all[limit - 1].newest}` : '', total: all.length, unlisted: w.unlisted,
        totals: { groups: everything.length, hits: everything.reduce((n, g) => n + g.hits, 0), suppressed_alerts: w.counts().suppressed, suppressed_hits: 0, unlisted: w.unlisted.reduce((n, u) => n + u.hits, 0) },
      });
    }
    if (path[0] === 'groups') {
      const suppressed = url.searchParams.get('suppressed') === '1', group = w.group(path[1], suppressed);
      if (!group) return fail(404, 'not_found', 'there is no such group');
      const all = w.alerts.filter((a) => a.group === path[1] && Boolean(a.suppressed_by) === suppressed).sort((a, b) => b.risk - a.risk || b.seq - a.seq);
      return json(200, { group, alerts: all.slice(0, Number(url.searchParams.get('limit') ?? 50)).map(this.strip), total: all.length });
    }
    if (path[0] === 'approvals') {
      const shown = ({ text, ...a }) => ({ ...a, may_approve: a.state === 'open' && a.by !== 'olena', may_refuse: a.state === 'open', why_not: a.by === 'olena' ? 'a second person decides; who proposed it does not' : '' });
      if (path.length === 1) return json(200, { four_eyes: this.fourEyes, items: this.approvals.map(shown), open: this.approvals.filter((a) => a.state === 'open').length });
      const one = this.approvals.find((a) => a.id === path[1]);
      if (!one) return fail(404, 'not_found', 'nothing waits under this id');
      if (path[2]) {
        if (!body.reason) return fail(400, 'invalid', 'a reason has 1 to 2000 bytes', 'reason');
        if (path[2] === 'approve' && body.sha256 !== one.sha256) return fail(409, 'conflict', 'what you looked at is not what was proposed; look again', 'sha256');
        Object.assign(one, { state: path[2] === 'approve' ? 'executed' : 'refused', decided: new Date().toISOString(), decided_by: 'olena', decided_why: body.reason });
      }
      return json(200, { ...shown(one), text: one.state === 'open' ? one.text : null });
    }
    if (path[0] === 'suppressions') {
      if (request.method === 'GET') return json(200, { suppressions: w.suppressions, longest_days: 90 });
      if (w.role === 'reader') return fail(403, 'denied', 'this takes the role analyst; olena is reader');
      if (path[2] === 'end') {
        w.suppressions = w.suppressions.filter((s) => s.id !== path[1]);
        return json(204);
      }
      if (!body.reason) return fail(400, 'invalid', 'a suppression needs a reason, for those who ask later', 'reason');
      if (!(new Date(body.until) > new Date()) || new Date(body.until) - Date.now() > 90 * 86_400_000) return fail(400, 'invalid', 'a suppression ends after at most 90 days; somebody has to look again', 'until');
      const rule = { id: `suppression--${w.suppressions.length}`, author: 'olena', reason: body.reason, created: new Date().toISOString(), until: body.until, match: body.match, hits: 0, in_force: true };
      w.suppressions.push(rule);
      return json(201, rule);
    }
    if (path[0] === 'alerts' && path[2] === 'hits') {
      const alert = w.alerts.find((a) => a.id === path[1]);
      if (!alert) return fail(404, 'not_found', 'there is no such alert');
      const kept = Math.min(alert.hits, 101);
      const hits = Array.from({ length: kept }, (_, i) => ({ at: new Date(new Date(alert.first).getTime() + i * 3000).toISOString(), source: alert.position.source, line: alert.position.line + i, offset: i * 200, field: alert.field, matched: alert.matched }));
      return json(200, { hits: hits.slice(0, Number(url.searchParams.get('limit') ?? 100)), total: alert.hits, kept });
    }
    if (path[0] === 'alerts' && path.length === 1) {
      const before = Number(url.searchParams.get('before') ?? Infinity), limit = Number(url.searchParams.get('limit') ?? 200), text = url.searchParams.get('text') ?? '';
      const all = w.alerts.filter((a) => a.seq < before && JSON.stringify(a).includes(text));
      return json(200, { alerts: all.slice(0, limit).map(this.strip), more: all.length > limit, next: all[Math.min(limit, all.length) - 1]?.seq ?? 0, counts: w.counts() });
    }
    if (path[0] === 'alerts') {
      const alert = w.alerts.find((a) => a.id === path[1]);
      if (!alert) return fail(404, 'not_found', 'there is no such alert');
      if (path[2] === 'judgement') {
        if (w.role === 'reader') return fail(403, 'denied', 'this takes the role analyst; olena is reader');
        for (const key of ['acknowledged', 'assignee', 'verdict']) if (body[key] !== undefined && body[key] !== null) alert[key] = body[key];
        alert._history.push({ by: 'olena', at: new Date().toISOString(), acknowledged: body.acknowledged ?? null, assignee: body.assignee ?? null, verdict: body.verdict ?? null, reason: body.reason ?? '' });
        alert.judgements += 1;
        this.send('alert', this.strip(alert), ++w.seq);
      }
      const known = w.objects.get(alert.indicator_id);
      return json(200, { ...this.strip(alert), factors: alert.factors, event: alert._event, event_cut: false, history: alert._history, indicator: known ? { id: alert.indicator_id, versions: 1, name: known.object.name, description: known.object.description, pattern: known.object.pattern, revoked: Boolean(known.object.revoked) } : null });
    }
    if (path[0] === 'search') {
      const q = url.searchParams.get('q') ?? '';
      const understood = guess(q.trim());
      const hit = ({ object, versions, sample }) => ({ seq: versions[0].seq, id: object.id, type: object.type, collection: SHARED_ID, name: object.name, version: versions[0].version, origin: sample.member, label: sample.tlp, snippet: object.pattern });
      const all = [...w.objects.values()];
      const exact = understood.kind ? all.filter((o) => o.sample.text === understood.text) : [];
      const loose = all.filter((o) => !exact.includes(o) && JSON.stringify(o.object).toLowerCase().includes(q.toLowerCase()));
      return json(200, { query: q, understood: understood.kind ? { kind: understood.kind, text: understood.text } : null, exact: exact.length, hits: [...exact, ...loose].map(hit), truncated: false, behind: 0 });
    }
    if (path[0] === 'objects') {
      const known = w.objects.get(path[1]);
      if (!known) return fail(404, 'not_found', 'there is no such object');
      if (path[2] === 'versions') return json(200, known.versions.find((v) => String(v.seq) === path[3]));
      if (path[2] === 'withdrawal') {
        known.object.revoked = true;
        known.object.modified = new Date().toISOString();
        known.versions.unshift({ ...known.versions[0], seq: ++w.seq, version: known.object.modified, added: known.object.modified, raw: JSON.stringify(known.object) });
        return json(201, { items: [{ id: path[1], version: known.object.modified, ok: true, message: '' }], admitted: 1 });
      }
      const tlp = known.sample.tlp;
      return json(200, {
        id: path[1], type: 'indicator', name: known.object.name, raw: known.versions[0].raw, revoked: Boolean(known.object.revoked), may_withdraw: known.sample.member === 'cert-lt' && !known.object.revoked && w.role !== 'reader',
        versions: known.versions.map(({ raw, ...v }) => v), audiences: [{ collection: SHARED_ID, label: tlp, lines: w.preview({ tlp: tlp.tlp, releasable_to: tlp.releasable_to }) }],
        relations: [
          { kind: 'indicates', outward: true, other: 'malware--7cf4b46b-0000-4000-8000-000000000001', other_name: 'Sandfly loader', through: 'relationship--7cf4b46b-0000-4000-8000-000000000002' },
          { kind: 'created_by_ref', outward: true, other: 'identity--c0ffee00-0000-4000-8000-000000000001', other_name: null, through: '' },
        ], relations_truncated: false,
      });
    }
    if (path[0] === 'indicators') {
      if (path[1] === 'values') return json(200, { values: body.text.split(/[\s,;]+/).filter(Boolean).map((v) => guess(v, body.kind)) });
      if (w.role === 'reader') return fail(403, 'denied', 'this takes the role analyst; olena is reader');
      if (path[1] === 'preview') return json(200, { label: { tlp: body.tlp }, lines: w.preview(body), objects: [], count: body.values.length });
      this.drafts.push(body);
      const made = w.publish(body);
      return json(201, { items: made.map((o) => ({ id: o.id, version: o.modified, ok: true, message: '' })), admitted: made.length });
    }
    if (path[0] === 'members' && path[2] === 'stop') {
      w.members = w.members.map((m) => (m.id === path[1] ? { ...m, stopped: true } : m));
      return json(200, { members: w.members });
    }
    return fail(404, 'not_found', 'the console has no such address');
  }
}
