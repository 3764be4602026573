// Real nodes for tests and benchmarks: makes them in a temporary directory, starts and stops their processes, and asks them over the
// admin socket. No dependencies.
import { spawn, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import http from 'node:http';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { randomUUID } from 'node:crypto';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');
export const program = process.env.BONGSU ?? join(root, 'build/release/bin/bongsu');
export const long = process.env.BONGSU_LONG === '1';
export const sharedData = process.env.BONGSU_SHARED_DATA ?? join(root, '../shared/data');

export class Skip extends Error {}
export function needSharedData(...parts) {
  const path = join(sharedData, ...parts);
  if (!existsSync(path)) throw new Skip('needs shared data');
  return path;
}
export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

export async function until(what, condition, ms = 20_000, every = 20) {
  const end = Date.now() + ms;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > end) throw new Error(`waited ${ms} ms in vain: ${what}`);
    await sleep(every);
  }
}
export function check(condition, message) {
  if (!condition) throw new Error(message);
}
export function equal(actual, expected, message) {
  const a = JSON.stringify(actual), e = JSON.stringify(expected);
  if (a !== e) throw new Error(`${message}: got ${a?.slice(0, 1500)}, expected ${e?.slice(0, 500)}`);
}

// Runs the program; { code, out, err }.
export function run(args, { input, env, timeout = 120_000 } = {}) {
  return new Promise((done) => {
    const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
    const out = [], err = [];
    child.stdout.on('data', (d) => out.push(d));
    child.stderr.on('data', (d) => err.push(d));
    child.stdin.on('error', () => {});
    child.stdin.end(input ?? '');
    const timer = setTimeout(() => child.kill('SIGKILL'), timeout);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      done({ code: code ?? signal, out: Buffer.concat(out).toString(), err: Buffer.concat(err).toString() });
    });
  });
}
export async function ok(args, options) {
  const r = await run(args, options);
  check(r.code === 0, `bongsu ${args.join(' ')}: exit ${r.code}: ${r.err}`);
  return r.out;
}
export const json = async (args, options) => JSON.parse(await ok([...args, '--json'], options));

export class House {
  constructor() {
    this.dir = mkdtempSync(join(tmpdir(), 'bongsu-test-'));
    this.nodes = [];
    this.proxies = [];
  }
  async node(member, { title = member, toml = '', linkUrl } = {}) {
    const node = new Node(this, member);
    const made = await json(['init', '--member', member, '--title', title, '--data', node.data, '--base-port', '0']);
    node.token = made.operator_token;
    let text = readFileSync(join(node.data, 'bongsu.toml'), 'utf8');
    text = text.replace('[link]\n', `[link]\n${linkUrl ? `url = "${linkUrl}"\n` : ''}rediscover = "300ms"\nheartbeat = "500ms"\n`);
    writeFileSync(join(node.data, 'bongsu.toml'), text + toml);
    this.nodes.push(node);
    return node;
  }
  // A node whose link keeps its address through restarts.
  async reachable(member, options = {}) {
    const relay = await new Relay(this).listen();
    const node = await this.node(member, { ...options, linkUrl: `https://localhost:${relay.port}` });
    node.relay = relay;
    return node;
  }
  async close() {
    for (const node of this.nodes) await node.stop().catch(() => {});
    for (const proxy of this.proxies) proxy.close();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

export class Node {
  constructor(house, member) {
    this.house = house;
    this.member = member;
    this.data = join(house.dir, member);
    this.log = join(house.dir, `${member}.log`);
    this.args = [];
  }
  async serve(...args) {
    if (args.length) this.args = args;
    this.child = spawn(program, ['serve', '--data', this.data, '--json', ...this.args], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.exited = new Promise((done) => this.child.on('close', (code, signal) => done(code ?? signal)));
    this.child.stderr.on('data', (d) => appendFileSync(this.log, d));
    const line = await new Promise((done, failed) => {
      let text = '';
      this.child.stdout.on('data', (d) => {
        text += d;
        if (text.includes('\n')) done(text.split('\n')[0]);
      });
      this.exited.then((code) => failed(new Error(`${this.member} ended with ${code}: ${existsSync(this.log) ? readFileSync(this.log, 'utf8').slice(-2000) : ''}`)));
    });
    this.urls = JSON.parse(line).listeners;
    if (this.relay) this.relay.target = (await this.status()).ports.link;
    return this;
  }
  async stop(signal = 'SIGTERM') {
    if (!this.child) return undefined;
    this.child.kill(signal);
    const code = await this.exited;
    this.child = undefined;
    return code;
  }
  admin(method, path, body, type = 'application/json') {
    return new Promise((done, failed) => {
      const data = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
      const request = http.request({ socketPath: join(this.data, 'admin.sock'), method, path: `/admin/v1${path}`,
        headers: data === undefined ? {} : { 'Content-Type': type, 'Content-Length': Buffer.byteLength(data) } }, (response) => {
        const parts = [];
        response.on('data', (d) => parts.push(d));
        response.on('end', () => {
          const text = Buffer.concat(parts).toString();
          if (response.statusCode >= 300) failed(new Error(`${this.member} ${method} ${path}: ${response.statusCode} ${text}`));
          else done(text ? JSON.parse(text) : null);
        });
      });
      request.on('error', failed);
      request.end(data);
    });
  }
  status() { return this.admin('GET', '/status'); }
  import(objects, collection = 'shared') {
    return this.admin('POST', `/import?collection=${encodeURIComponent(collection)}`, JSON.stringify({ objects }), 'application/taxii+json;version=2.1');
  }
  async export(collection = 'shared', { member = '', versions = 'last' } = {}) {
    const objects = [];
    for (let after = '0', more = true; more;) {
      const page = await this.admin('GET', `/export?collection=${collection}&member=${member}&after=${after}&versions=${versions}`);
      objects.push(...page.objects);
      ({ more, next: after } = page);
    }
    return objects;
  }
  alerts(limit = 1000) { return this.admin('GET', `/alerts?limit=${limit}`).then((a) => a.alerts); }
  // Every match whose position is kept, the newest line first: further hits of an alert are inside it.
  hits(limit = 10_000) { return this.admin('GET', `/hits?limit=${limit}`).then((a) => a.hits.sort((x, y) => y.offset - x.offset)); }
  get ca() { return readFileSync(join(this.data, 'keys/ca.pem')); }
  async agree(partner, { tlp = 'amber', collections = ['shared', 'sightings'], types = ['*'], onward = false, passesOn = [], purposes = ['operations'], until = '2099-01-01T00:00:00Z' } = {}) {
    await this.admin('PUT', '/agreements', `partner = "${partner.member}"\ncollections = ${JSON.stringify(collections)}\nhighest_tlp = "${tlp}"\n` +
      `types = ${JSON.stringify(types)}\nvalid_until = ${until}\nonward = ${onward}\npasses_on = ${JSON.stringify(passesOn.map((p) => p.member ?? p))}\npurposes = ${JSON.stringify(purposes)}\n`, 'application/toml');
  }
}

// Both run; each pins the other.
export async function pair(inviter, acceptor) {
  const { invitation } = await inviter.admin('POST', '/invite', {});
  await acceptor.admin('POST', '/accept', { invitation });
}
export async function live(node, count) {
  await until(`${node.member} has ${count} live links`, async () => (await node.status()).links.filter((l) => l.phase === 'live').length >= count);
}
// Two running nodes become partners: paired, agreed both ways, all links live.
export async function partners(a, b) {
  await pair(a, b);
  await a.agree(b);
  await b.agree(a);
  await live(b, 2);
  await live(a, 2);
}

// A TCP relay that can be cut: every connection dies at once, and new ones are refused until restore(). `target`: a port,
// or what is asked for it at each connection, where it changes with the process behind it.
export class Relay {
  constructor(house) { this.sockets = new Set(); this.open = true; house.proxies.push(this); }
  async listen() {
    this.server = createServer(async (client) => {
      client.on('error', () => {});
      const port = this.open && (typeof this.target === 'function' ? await this.target().catch(() => undefined) : this.target);
      if (!this.open || !port || client.destroyed) return client.destroy();
      const upstream = connect(port, '127.0.0.1');
      for (const [a, b] of [[client, upstream], [upstream, client]]) {
        this.sockets.add(a);
        a.on('error', () => {});
        a.on('close', () => { this.sockets.delete(a); b.destroy(); });
        a.pipe(b);
      }
    });
    await new Promise((done) => this.server.listen(0, '127.0.0.1', done));
    this.port = this.server.address().port;
    return this;
  }
  cut() { this.open = false; for (const s of this.sockets) s.destroy(); }
  restore() { this.open = true; }
  close() { this.cut(); this.server?.close(); }
}

export const tlp = {
  clear: 'marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487', green: 'marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb',
  amber: 'marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421', amberStrict: 'marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003',
  red: 'marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1',
};
export function indicator(value, { marking = tlp.green, type = 'domain-name', id = `indicator--${randomUUID()}`, modified, created, ...rest } = {}) {
  const now = new Date().toISOString();
  return { type: 'indicator', spec_version: '2.1', id, created: created ?? modified ?? now, modified: modified ?? now, name: value, indicator_types: ['malicious-activity'],
    pattern: `[${type}:value = '${value}']`, pattern_type: 'stix', valid_from: '2026-01-01T00:00:00Z', object_marking_refs: [marking], ...rest };
}

// HTTPS with keep-alive: { status, headers, text, json }.
export class Https {
  constructor(ca, headers = {}) {
    this.agent = new https.Agent({ ca, keepAlive: true, maxSockets: 16 });
    this.headers = headers;
  }
  request(method, url, body, headers = {}) {
    return new Promise((done, failed) => {
      const request = https.request(url, { method, agent: this.agent, headers: { ...this.headers, ...headers, ...(body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) }) } }, (response) => {
        const parts = [];
        response.on('data', (d) => parts.push(d));
        response.on('error', failed);
        response.on('end', () => {
          const text = Buffer.concat(parts).toString();
          done({ status: response.statusCode, headers: response.headers, text, get json() { return JSON.parse(text); } });
        });
      });
      request.on('error', failed);
      request.end(body);
    });
  }
  close() { this.agent.destroy(); }
}

export function makeDirectory(path) { mkdirSync(path, { recursive: true }); return path; }
export function zstdcat(path) { return execFileSync('zstdcat', [path], { maxBuffer: 4 * 1024 ** 3 }); }
