// An outside TAXII 2.1 client, written from the specification alone: it shares nothing with the server that it tests.
// Node 18 or newer, no package.
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';

export const TAXII = 'application/taxii+json;version=2.1';
// TAXII 2.1 §2: exactly six fractional digits and "Z".
export const TIMESTAMP = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$/;

// "--name value" and "--flag" after the mode; repeated names are an error, so that a typo is not a second value.
export function readArguments(list, flags = []) {
  const options = { _: [] };
  for (let i = 0; i < list.length; ++i) {
    if (!list[i].startsWith('--')) {
      options._.push(list[i]);
      continue;
    }
    const name = list[i].slice(2);
    if (name in options) throw new Error(`--${name} is given twice`);
    options[name] = flags.includes(name) ? true : list[++i];
    if (options[name] === undefined) throw new Error(`--${name} needs a value`);
  }
  return options;
}

const secret = (options, name) =>
  options[`${name}-file`] ? fs.readFileSync(options[`${name}-file`], 'utf8').trim() : options[name];

export function authorization(options, prefix = '') {
  const user = options[`${prefix}user`];
  const token = secret(options, `${prefix}token`);
  if (token) return `Bearer ${token}`;
  if (user) return `Basic ${Buffer.from(`${user}:${secret(options, `${prefix}password`)}`).toString('base64')}`;
  return undefined;
}

export class Client {
  // `url`: the server, "https://127.0.0.1:8443". `ca`: PEM text.
  constructor({ url, ca, cert, key, authorization }) {
    this.base = new URL(url);
    this.authorization = authorization;
    this.transport = this.base.protocol === 'http:' ? http : https;
    const tls = this.base.protocol === 'http:' ? {} : { ca, cert, key, minVersion: 'TLSv1.2' };
    this.agent = new this.transport.Agent({ keepAlive: true, maxSockets: 4, ...tls });
  }

  static fromOptions(options, prefix = '') {
    if (!options.url) throw new Error('--url is needed: https://host:port');
    const read = (name) => (options[name] ? fs.readFileSync(options[name], 'utf8') : undefined);
    return new Client({
      url: options.url, ca: read('ca'), cert: read('cert'), key: read('key'),
      authorization: authorization(options, prefix),
    });
  }

  close() { this.agent.destroy(); }

  // Resolves with {status, headers, text}; headers with lower-case names. `headers: {Accept: null}` leaves one out.
  request(method, path, { headers = {}, body } = {}) {
    const fields = { Accept: TAXII, 'User-Agent': 'bongsu-conformance', ...headers };
    if (this.authorization && !('Authorization' in fields)) fields.Authorization = this.authorization;
    if (body !== undefined && !('Content-Type' in fields)) fields['Content-Type'] = TAXII;
    if (body !== undefined) fields['Content-Length'] = Buffer.byteLength(body);
    for (const name of Object.keys(fields)) if (fields[name] === null) delete fields[name];
    return new Promise((resolve, reject) => {
      const request = this.transport.request(
        { host: this.base.hostname, port: this.base.port, method, path, headers: fields, agent: this.agent,
          timeout: 120000 },
        (response) => {
          const pieces = [];
          response.on('data', (piece) => pieces.push(piece));
          response.on('error', reject);
          response.on('aborted', () => reject(new Error(`${method} ${path}: the answer was cut off`)));
          response.on('end', () => resolve({
            status: response.statusCode, headers: response.headers, text: Buffer.concat(pieces).toString('utf8'),
            rawHeaders: response.rawHeaders,
          }));
        });
      request.on('timeout', () => request.destroy(new Error(`${method} ${path}: no answer in two minutes`)));
      request.on('error', reject);
      request.end(body);
    });
  }

  async json(path) {
    const response = await this.request('GET', path);
    if (response.status !== 200) throw new Error(`GET ${path}: ${response.status} ${response.text.slice(0, 300)}`);
    return JSON.parse(response.text);
  }

  // The path of the first API root that the discovery names (§4.1), on this server.
  async apiRoot() {
    const discovery = await this.json('/taxii2/');
    const root = discovery.default ?? discovery.api_roots?.[0];
    if (!root) throw new Error('the discovery names no API root');
    return new URL(root, this.base).pathname;
  }

  // By id, alias or title; without a name, the only one.
  async collection(root, name) {
    const { collections = [] } = await this.json(`${root}collections/`);
    const found = name ? collections.filter((c) => [c.id, c.alias, c.title].includes(name)) : collections;
    if (found.length !== 1) throw new Error(`${found.length} collections are named ${name ?? 'so'}`);
    return found[0];
  }

  // Adds objects (§5.5) and follows a pending status to its end (§4.3).
  async add(root, collection, objects) {
    const response = await this.request('POST', `${root}collections/${collection}/objects/`,
      { body: JSON.stringify({ objects }) });
    if (response.status !== 202) throw new Error(`POST: ${response.status} ${response.text.slice(0, 300)}`);
    let status = JSON.parse(response.text);
    for (let wait = 100; status.status === 'pending'; wait = Math.min(wait * 2, 5000)) {
      await new Promise((resolve) => setTimeout(resolve, wait));
      status = await this.json(`${root}status/${status.id}/`);
    }
    return status;
  }
}

// The version of an object (§3.4.1); objects without one are told by what they say.
export const versionOf = (object) => object.modified ?? object.created ?? JSON.stringify(object);
export const keyOf = (object) => `${object.id} ${versionOf(object)}`;
