// What the specification demands of a server, one check each: [section, what, async (t) => …]. `t` has the client, the API
// root's path, a writable collection, and `expect`. Checks run in order; each makes the objects that it needs.
import { randomUUID } from 'node:crypto';
import { TAXII, TIMESTAMP, versionOf } from './taxii.mjs';
import { checkPage, walk } from './walk.mjs';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const CLEAR = 'marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487';

export function indicator(changes = {}) {
  return {
    type: 'indicator', spec_version: '2.1', id: `indicator--${randomUUID()}`, created: '2024-01-01T00:00:00.000Z',
    modified: '2024-01-01T00:00:00.000Z', pattern: `[domain-name:value = '${randomUUID()}.example']`,
    pattern_type: 'stix', valid_from: '2024-01-01T00:00:00Z', indicator_types: ['unknown'],
    object_marking_refs: [CLEAR], ...changes,
  };
}
const malware = () => ({
  type: 'malware', spec_version: '2.1', id: `malware--${randomUUID()}`, created: '2024-01-01T00:00:00.000Z',
  modified: '2024-01-01T00:00:00.000Z', name: 'conformance', is_family: false, object_marking_refs: [CLEAR],
});
const address = (id, value, extra = {}) => ({
  type: 'ipv4-addr', spec_version: '2.1', id, value, object_marking_refs: [CLEAR], ...extra,
});

export class Trial {
  constructor({ client, root, collection, other }) {
    Object.assign(this, { client, root, collection, other });
    this.path = `${root}collections/${collection.id}/`;
    this.objects = `${this.path}objects/`;
  }
  expect(condition, text) {
    if (!condition) throw new Error(text);
  }
  equal(got, wanted, what) {
    this.expect(JSON.stringify(got) === JSON.stringify(wanted),
      `${what}: got ${JSON.stringify(got)}, expected ${JSON.stringify(wanted)}`);
  }
  get(path, options) { return this.client.request('GET', path, options); }
  // An error answer: the status, the media type, and an error resource (§3.6.1).
  error(response, ...statuses) {
    this.expect(statuses.includes(response.status),
      `status ${response.status}, expected ${statuses.join(' or ')}: ${response.text.slice(0, 200)}`);
    this.equal(response.headers['content-type'], TAXII, 'Content-Type');
    const body = JSON.parse(response.text);
    this.expect(typeof body.title === 'string' && body.title, 'the error has no title');
    if (body.http_status !== undefined) this.equal(body.http_status, String(response.status), 'http_status');
    return response;
  }
  ok(response, status = 200) {
    this.expect(response.status === status, `status ${response.status}: ${response.text.slice(0, 300)}`);
    this.equal(response.headers['content-type'], TAXII, 'Content-Type');
    return response;
  }
  async add(objects) {
    const status = await this.client.add(this.root, this.collection.id, objects);
    this.equal(status.failure_count, 0, `failures ${JSON.stringify(status.failures)}`);
    return status;
  }
  async page(query, list = 'objects', end = 'objects/') {
    return checkPage(await this.get(`${this.path}${end}?${query}`), 0, list);
  }
  async ids(query) { return (await this.page(query)).objects.map((o) => o.id); }
  post(body, headers = {}) { return this.client.request('POST', this.objects, { body, headers }); }
}

export const checks = [
  // ── 1.6.9, 8.2: authentication ──
  ['1.6.9', 'without credentials: 401 with WWW-Authenticate', async (t) => {
    for (const path of ['/taxii2/', t.root, `${t.root}collections/`, t.path, t.objects, `${t.path}manifest/`]) {
      const response = t.error(await t.get(path, { headers: { Authorization: null } }), 401);
      t.expect(response.headers['www-authenticate'], `${path}: no WWW-Authenticate`);
    }
  }],
  ['1.6.9', 'with wrong credentials: 401', async (t) => {
    const wrong = `Basic ${Buffer.from(`nobody:${randomUUID()}`).toString('base64')}`;
    t.error(await t.get(t.objects, { headers: { Authorization: wrong } }), 401);
  }],
  ['8.2.2', 'HTTP Basic is among the challenges', async (t) => {
    const response = await t.get('/taxii2/', { headers: { Authorization: null } });
    t.expect(/(^|,\s*)Basic /i.test(response.headers['www-authenticate']), 'no Basic challenge');
  }],

  // ── 4: server information ──
  ['4.1', 'discovery: title, default among api_roots, absolute https or rooted URLs without a query', async (t) => {
    const body = JSON.parse(t.ok(await t.get('/taxii2/')).text);
    t.expect(typeof body.title === 'string', 'title');
    t.expect(body.api_roots === undefined || body.api_roots.length > 0, 'an empty list');
    if (body.default) t.expect(body.api_roots.includes(body.default), 'default is not among api_roots');
    for (const url of body.api_roots ?? [])
      t.expect((/^https:\/\//.test(url) || /^\/(?!\/)/.test(url)) && !url.includes('?'), `API root ${url}`);
  }],
  ['4.2', 'API root: title, versions with version=2.1, positive max_content_length', async (t) => {
    const body = JSON.parse(t.ok(await t.get(t.root)).text);
    t.expect(typeof body.title === 'string', 'title');
    t.expect(body.versions.includes(TAXII), `versions ${body.versions}`);
    t.expect(Number.isSafeInteger(body.max_content_length) && body.max_content_length > 0, 'max_content_length');
  }],
  ['4.3', 'an unknown status: 404', async (t) => t.error(await t.get(`${t.root}status/${randomUUID()}/`), 404)],

  // ── 3.1: paths, methods, media types ──
  ['3.1', 'unknown paths: 404 with an error resource', async (t) => {
    for (const path of [`${t.root}nothing/`, `${t.path}nothing/`, `${t.objects}x/y/`])
      t.error(await t.get(path), 404);
  }],
  ['5.2', 'an unknown collection: 404 at every endpoint', async (t) => {
    for (const end of ['', 'objects/', 'manifest/', `objects/indicator--${randomUUID()}/`])
      t.error(await t.get(`${t.root}collections/${randomUUID()}/${end}`), 404);
  }],
  ['3.1', 'a method that the endpoint has not: 405 with Allow', async (t) => {
    for (const [method, path] of [['PUT', t.objects], ['DELETE', t.objects], ['POST', t.path], ['PATCH', '/taxii2/']]) {
      const response = t.error(await t.client.request(method, path), 405);
      t.expect(response.headers.allow?.includes('GET'), `${method} ${path}: Allow is ${response.headers.allow}`);
    }
  }],
  ['3.1', 'HEAD has the fields of GET and no body', async (t) => {
    const response = await t.client.request('HEAD', t.objects);
    t.equal([response.status, response.text], [200, ''], 'HEAD');
    t.expect(TIMESTAMP.test(response.headers['x-taxii-date-added-last']), 'X-TAXII-Date-Added-Last');
  }],
  ['1.6.8', 'Accept: what must be taken', async (t) => {
    for (const accept of [TAXII, 'application/taxii+json', 'application/taxii+json; version=2.1',
      'application/taxii+json ;version="2.1"', 'APPLICATION/TAXII+JSON;VERSION=2.1',
      'application/xml, application/taxii+json;version=2.1;q=0.1', 'application/taxii+json;version=2.0, */*;q=0.1',
      '*/*', 'application/*'])
      t.ok(await t.get(t.root, { headers: { Accept: accept } }));
  }],
  ['1.6.8', 'Accept: what cannot be satisfied is 406', async (t) => {
    for (const accept of ['application/xml', 'application/taxii+json;version=2.0', 'application/taxii+json;version=3.0',
      'application/taxii+json;version=2.1;q=0', 'text/*', 'nonsense'])
      t.error(await t.get(t.root, { headers: { Accept: accept } }), 406);
  }],
  ['5.3', 'manifest: the media types of its table must not give 406', async (t) => {
    for (const accept of [`${TAXII},application/stix+json;version=2.1`, 'application/stix+json;version=2.1'])
      t.ok(await t.get(`${t.path}manifest/`, { headers: { Accept: accept } }));
  }],

  // ── 5.1, 5.2: collections ──
  ['5.1', 'collections: required properties, the same order twice', async (t) => {
    const first = JSON.parse(t.ok(await t.get(`${t.root}collections/`)).text);
    const second = JSON.parse((await t.get(`${t.root}collections/`)).text);
    t.equal(first, second, 'order');
    for (const c of first.collections)
      t.expect(UUID.test(c.id) && typeof c.title === 'string' && typeof c.can_read === 'boolean' &&
        typeof c.can_write === 'boolean', JSON.stringify(c));
  }],
  ['5.2', 'a collection by id, and by alias if it has one, is the one in the list', async (t) => {
    const byId = JSON.parse(t.ok(await t.get(t.path)).text);
    t.equal(byId.id, t.collection.id, 'id');
    if (byId.alias)
      t.equal(JSON.parse(t.ok(await t.get(`${t.root}collections/${byId.alias}/`)).text), byId, 'by alias');
  }],

  // ── 5.5, 4.3: adding ──
  ['5.5', '202 with a complete status: counts, ids and versions of each object', async (t) => {
    const objects = [indicator(), malware()];
    const response = t.ok(await t.post(JSON.stringify({ objects })), 202);
    const status = JSON.parse(response.text);
    t.expect(UUID.test(status.id), 'id');
    t.expect(['complete', 'pending'].includes(status.status), 'status');
    t.equal(status.total_count, 2, 'total_count');
    t.equal(status.success_count + status.failure_count + status.pending_count, 2, 'sum of counts');
    if (status.request_timestamp) t.expect(TIMESTAMP.test(status.request_timestamp), 'request_timestamp');
    const details = [...(status.successes ?? []), ...(status.pendings ?? [])];
    for (const object of objects)
      t.expect(details.some((d) => d.id === object.id && d.version === object.modified), `no word about ${object.id}`);
    const again = JSON.parse(t.ok(await t.get(`${t.root}status/${status.id}/`)).text);
    t.equal(again.id, status.id, 'GET status');
    if (status.status === 'complete') t.equal(again, status, 'a complete status changed');
  }],
  ['5.5', 'an exact duplicate is not an error and does not come twice', async (t) => {
    const object = indicator();
    await t.add([object]);
    await t.add([object]);
    const reordered = Object.fromEntries(Object.entries(object).reverse());
    await t.add([reordered]);
    t.equal((await t.ids(`match[id]=${object.id}&match[version]=all`)).length, 1, 'versions');
  }],
  ['5.5', 'a bad object does not cost the good ones, and the status names it', async (t) => {
    const good = indicator();
    const bad = indicator({ pattern: undefined });
    const status = await t.client.add(t.root, t.collection.id, [good, bad]);
    t.equal([status.success_count, status.failure_count], [1, 1], 'counts');
    t.equal(status.failures[0].id, bad.id, 'failed id');
    t.expect(typeof status.failures[0].version === 'string', 'version is required');
    t.equal(await t.ids(`match[id]=${good.id},${bad.id}`), [good.id], 'stored');
  }],
  ['5.5', 'objects come back byte for byte', async (t) => {
    const id = `indicator--${randomUUID()}`;
    const text = `{"id":"${id}",  "type":"indicator","spec_version":"2.1","created":"2024-01-01T00:00:00.1230Z",` +
      `"modified":"2024-01-01T00:00:00.1230Z","pattern":"[ipv4-addr:value = '198.51.100.1']","pattern_type":"stix",` +
      `"valid_from":"2024-01-01T00:00:00Z","indicator_types":["unknown"],"x_note":"\\u00e9 é","x_n":1.10,` +
      `"object_marking_refs":["${CLEAR}"]}`;
    t.ok(await t.post(`{"objects":[${text}]}`), 202);
    t.expect((await t.get(`${t.objects}${id}/`)).text.includes(text), 'the bytes changed');
  }],
  ['5.5', 'content types: 415 for others, none of those defined', async (t) => {
    const body = JSON.stringify({ objects: [indicator()] });
    for (const type of ['application/json', 'application/stix+json;version=2.1', 'application/taxii+json;version=2.0',
      'text/plain', null])
      t.error(await t.post(body, { 'Content-Type': type }), 415);
    for (const type of ['application/taxii+json', 'application/taxii+json; version=2.1', `${TAXII}; charset=utf-8`])
      t.ok(await t.post(body, { 'Content-Type': type }), 202);
  }],
  ['5.5', 'a malformed body: 422', async (t) => {
    for (const body of ['', '{', '[]', 'null', '{}', '{"objects":[]}', '{"objects":{}}', '{"objects":[{]}'])
      t.error(await t.post(body), 400, 422);
  }],
  ['5.5', 'a body beyond max_content_length: 413', async (t) => {
    const { max_content_length: most } = JSON.parse((await t.get(t.root)).text);
    if (most > 256 * 1024 * 1024) return;
    const response = await t.post(' '.repeat(most + 1)).catch((error) => ({ cut: error }));
    // A server may close the connection while the body is still coming (RFC 9110 §15.5.14).
    t.expect(response.cut || response.status === 413, `status ${response.status}`);
  }],
  ['7.1', 'custom properties of an envelope are ignored or 422', async (t) => {
    const response = await t.post(JSON.stringify({ x_example_com_note: { a: 1 }, objects: [indicator()] }));
    t.expect([202, 422].includes(response.status), `status ${response.status}`);
  }],

  // ── 3.4: filters ──
  ['3.4', 'malformed parameters: 400', async (t) => {
    for (const query of ['added_after=yesterday', 'added_after=2024-01-01', 'added_after=2024-13-01T00:00:00.000000Z',
      'added_after=2024-01-01T00:00:00.000000%2B01:00', 'added_after=', 'limit=0', 'limit=-1', 'limit=x', 'limit=1.5',
      'limit=', 'next=nonsense', 'next=', 'limit=1&limit=2', 'match[type]=a&match[type]=b', 'match[type]=',
      'match[type]=a,,b', 'match[version]=newest', 'match[version]=all,last', 'match[version]=last,last',
      'match[spec_version]=two', 'match[id]=nonsense', '%zz=1',
      'added_after=2024-01-01T00:00:00.000000Z&added_after=2024-01-01T00:00:00.000000Z']) {
      for (const end of ['objects/', 'manifest/']) {
        const response = await t.get(`${t.path}${end}?${query}`);
        t.expect(response.status === 400, `${query}: ${response.status}`);
        t.error(response, 400);
      }
    }
  }],
  ['3.4', 'unknown parameters and match fields do no harm', async (t) => {
    t.ok(await t.get(`${t.objects}?limit=1&foo=bar&match[x_custom]=1`));
  }],
  ['3.4.1', 'match[type]: values by OR, fields by AND', async (t) => {
    const a = indicator();
    const b = malware();
    await t.add([a, b]);
    const both = `match[id]=${a.id},${b.id}`;
    t.equal(await t.ids(`${both}&match[type]=indicator`), [a.id], 'one type');
    t.equal((await t.ids(`${both}&match[type]=indicator,malware`)).sort(), [a.id, b.id].sort(), 'two types');
    t.equal(await t.ids(`${both}&match[type]=campaign`), [], 'no such object');
    t.equal(await t.ids(`${both}&match[type]=x-never-heard-of`), [], 'a custom type is no error');
    t.equal(await t.ids(`match%5Bid%5D=${a.id}`), [a.id], 'encoded brackets');
  }],
  ['3.4.1', 'match[version]: last by default, first, all, exact values', async (t) => {
    const v1 = indicator();
    const v2 = { ...v1, modified: '2024-02-01T00:00:00.000Z', name: 'second' };
    const v3 = { ...v1, modified: '2024-03-01T00:00:00.123Z', name: 'third' };
    await t.add([v2]);  // not in the order of their versions
    await t.add([v1, v3]);
    const versions = async (query) =>
      (await t.page(`match[id]=${v1.id}${query}`)).objects.map(versionOf).sort();
    t.equal(await versions(''), [v3.modified], 'default');
    t.equal(await versions('&match[version]=last'), [v3.modified], 'last');
    t.equal(await versions('&match[version]=first'), [v1.modified], 'first');
    t.equal(await versions('&match[version]=all'), [v1.modified, v2.modified, v3.modified], 'all');
    t.equal(await versions('&match[version]=first,last'), [v1.modified, v3.modified], 'first,last');
    t.equal(await versions(`&match[version]=${v2.modified}`), [v2.modified], 'exact');
    t.equal(await versions(`&match[version]=first,${v2.modified},last`), [v1.modified, v2.modified, v3.modified], 'mixed');
    t.equal(await versions('&match[version]=2001-01-01T00:00:00.000Z'), [], 'another');
    const single = await t.page('match[version]=all', 'objects', `objects/${v1.id}/`);
    t.equal(single.objects.length, 3, '§5.6 with all');
    const list = await t.page('', 'versions', `objects/${v1.id}/versions/`);
    t.equal([...list.objects].sort(), [v1.modified, v2.modified, v3.modified], '§5.8');
    const manifest = await t.page(`match[id]=${v1.id}&match[version]=all`, 'objects', 'manifest/');
    t.equal(manifest.objects.map((r) => r.version).sort(), [v1.modified, v2.modified, v3.modified], '§5.3');
  }],
  ['3.4.1', 'match[spec_version]', async (t) => {
    const object = indicator();
    await t.add([object]);
    t.equal(await t.ids(`match[id]=${object.id}&match[spec_version]=2.1`), [object.id], '2.1');
    t.equal(await t.ids(`match[id]=${object.id}&match[spec_version]=2.0`), [], '2.0');
    t.equal(await t.ids(`match[id]=${object.id}&match[spec_version]=2.0,2.1`), [object.id], '2.0,2.1');
  }],
  ['5.4', 'nothing matches: an empty envelope, with both headers', async (t) => {
    const { page } = await t.page(`match[id]=indicator--${randomUUID()}`);
    t.equal(page, {}, 'envelope');
    t.equal((await t.page('added_after=2999-01-01T00:00:00.000000Z')).page, {}, 'the future');
    t.equal((await t.page(`match[id]=indicator--${randomUUID()}`, 'objects', 'manifest/')).page, {}, 'manifest');
  }],

  // ── 3.3, 3.5: order and paging ──
  ['5.3', 'manifest: six-digit date_added, ascending and unique, media types of the collection', async (t) => {
    await t.add([indicator(), indicator(), malware()]);
    let before = '';
    for (let after = '1970-01-01T00:00:00.000000Z', more = true; more;) {
      const { page, objects, first, last } =
        await t.page(`match[version]=all&limit=500&added_after=${after}`, 'objects', 'manifest/');
      t.equal(first, objects[0]?.date_added ?? first, 'X-TAXII-Date-Added-First');
      t.equal(last, objects.at(-1)?.date_added ?? last, 'X-TAXII-Date-Added-Last');
      for (const record of objects) {
        t.expect(TIMESTAMP.test(record.date_added), `date_added ${record.date_added}`);
        t.expect(record.date_added > before, `${record.date_added} after ${before}`);
        t.expect(typeof record.version === 'string', 'version');
        if (t.collection.media_types && record.media_type)
          t.expect(t.collection.media_types.includes(record.media_type), `media_type ${record.media_type}`);
        before = record.date_added;
      }
      after = last;
      more = page.more === true;
    }
  }],
  ['3.4', 'added_after is exclusive', async (t) => {
    const object = indicator();
    await t.add([object]);
    const { last } = await t.page(`match[id]=${object.id}`);
    t.equal(await t.ids(`match[id]=${object.id}&added_after=${last}`), [], 'at its own date');
    const before = last.replace(/(\d{6})Z$/, (_, digits) => `${String(Math.max(0, digits - 1)).padStart(6, '0')}Z`);
    if (before !== last) t.equal(await t.ids(`match[id]=${object.id}&added_after=${before}`), [object.id], 'just before');
  }],
  ['3.5', 'limit, more and next: every page full, nothing twice, nothing missing', async (t) => {
    const objects = Array.from({ length: 7 }, () => indicator());
    await t.add(objects);
    const filters = `match[id]=${objects.map((o) => o.id).join(',')}`;
    for (const by of ['next', 'added_after']) {
      const got = [];
      const sizes = [];
      for await (const page of walk(t.client, t.objects, { by, limit: 3, filters })) {
        sizes.push(page.objects.length);
        got.push(...page.objects.map((o) => o.id));
      }
      t.equal(sizes, [3, 3, 1], `pages by ${by}`);
      t.equal(got, objects.map((o) => o.id), `objects by ${by}, in the order they were added`);
    }
  }],
  ['3.5', 'a limit that just fits gives no "more"', async (t) => {
    const objects = [indicator(), indicator()];
    await t.add(objects);
    const { page } = await t.page(`limit=2&match[id]=${objects.map((o) => o.id).join(',')}`);
    t.expect(!page.more && page.next === undefined && page.objects.length === 2, 'more');
  }],
  ['3.5', 'paging goes on over an object that was deleted between pages', async (t) => {
    const objects = Array.from({ length: 6 }, () => indicator());
    await t.add(objects);
    const filters = `match[id]=${objects.map((o) => o.id).join(',')}`;
    const first = await t.page(`limit=2&${filters}`);
    for (const i of [1, 2])
      t.ok(await t.client.request('DELETE', `${t.objects}${objects[i].id}/`));
    const second = await t.page(`limit=2&${filters}&next=${encodeURIComponent(first.page.next)}`);
    t.equal(second.objects.map((o) => o.id), [objects[3].id, objects[4].id], 'second page');
  }],
  ['App. B', 'a tampered next is refused or harmless', async (t) => {
    await t.add([indicator(), indicator()]);
    const { page } = await t.page('limit=1');
    const next = page.next.slice(0, -1) + (page.next.endsWith('A') ? 'B' : 'A');
    const response = await t.get(`${t.objects}?limit=1&next=${encodeURIComponent(next)}`);
    t.expect([200, 400].includes(response.status), `status ${response.status}`);
  }],

  // ── 5.6 to 5.8: one object ──
  ['5.6', 'an unknown object: 404, also its versions and its deletion', async (t) => {
    const id = `indicator--${randomUUID()}`;
    t.error(await t.get(`${t.objects}${id}/`), 404);
    t.error(await t.get(`${t.objects}${id}/versions/`), 404);
    t.error(await t.client.request('DELETE', `${t.objects}${id}/`), 404);
  }],
  ['5.7', 'DELETE of one version leaves the others', async (t) => {
    const v1 = indicator();
    const v2 = { ...v1, modified: '2024-02-01T00:00:00.000Z' };
    await t.add([v1, v2]);
    t.ok(await t.client.request('DELETE', `${t.objects}${v1.id}/?match[version]=${v1.modified}`));
    t.equal((await t.page('', 'versions', `objects/${v1.id}/versions/`)).objects, [v2.modified], 'versions');
    t.error(await t.get(`${t.objects}${v1.id}/?match[version]=${v1.modified}`), 404);
    t.error(await t.client.request('DELETE', `${t.objects}${v1.id}/?match[version]=${v1.modified}`), 404);
  }],
  ['5.7', 'DELETE without a version: the object is gone everywhere', async (t) => {
    const v1 = indicator();
    await t.add([v1, { ...v1, modified: '2024-02-01T00:00:00.000Z' }]);
    t.equal(t.ok(await t.client.request('DELETE', `${t.objects}${v1.id}/`)).text, '', 'no payload');
    t.error(await t.get(`${t.objects}${v1.id}/`), 404);
    t.error(await t.get(`${t.objects}${v1.id}/?match[version]=all`), 404);
    t.equal(await t.ids(`match[id]=${v1.id}&match[version]=all`), [], 'objects');
    t.equal((await t.page(`match[id]=${v1.id}&match[version]=all`, 'objects', 'manifest/')).page, {}, 'manifest');
  }],
  ['5.7', 'DELETE takes match[version] and match[spec_version] only', async (t) => {
    const object = indicator();
    await t.add([object]);
    for (const query of ['match[type]=malware', 'match[version]=nonsense', 'added_after=2024-01-01T00:00:00.000000Z'])
      t.error(await t.client.request('DELETE', `${t.objects}${object.id}/?${query}`), 400);
    t.equal(await t.ids(`match[id]=${object.id}`), [object.id], 'it must still be there');
  }],
  ['3.4.1', 'an object without versions: its date_added is one; other bytes are a new version', async (t) => {
    const id = `ipv4-addr--${randomUUID()}`;
    await t.add([address(id, '198.51.100.7')]);
    await t.add([address(id, '198.51.100.7')]);
    const once = (await t.page('', 'versions', `objects/${id}/versions/`)).objects;
    t.equal(once.length, 1, 'the same bytes are the same version');
    t.expect(TIMESTAMP.test(once[0]), `version ${once[0]}`);
    await t.add([address(id, '198.51.100.7', { x_note: 'more is known' })]);
    const twice = (await t.page('', 'versions', `objects/${id}/versions/`)).objects;
    t.equal(twice.length, 2, 'versions');
    const { objects } = await t.page('', 'objects', `objects/${id}/`);
    t.equal(objects.map((o) => o.x_note), ['more is known'], 'the newest is what was added last');
    const old = await t.page(`match[version]=${twice[0]}`, 'objects', `objects/${id}/`);
    t.equal(old.objects.map((o) => o.x_note), [undefined], 'the first by its version');
    t.ok(await t.client.request('DELETE', `${t.objects}${id}/?match[version]=${twice[0]}`));
    t.equal((await t.page('', 'versions', `objects/${id}/versions/`)).objects, [twice[1]], 'after deleting the first');
  }],

  // ── rights: only with a second account (--other-user …) that may not write ──
  ['5.5', 'an account that may read only: 403 for POST and DELETE, can_write false', async (t) => {
    if (!t.other) return 'skipped: needs --other-user';
    const object = indicator();
    await t.add([object]);
    const collection = JSON.parse((await t.other.request('GET', t.path)).text);
    t.equal([collection.can_read, collection.can_write], [true, false], 'rights shown');
    t.error(await t.other.request('POST', t.objects, { body: JSON.stringify({ objects: [indicator()] }) }), 403, 404);
    t.error(await t.other.request('DELETE', `${t.objects}${object.id}/`), 403);
  }],
  ['4.3', 'the status of another account\'s request: 404', async (t) => {
    if (!t.other) return 'skipped: needs --other-user';
    const status = await t.add([indicator()]);
    t.error(await t.other.request('GET', `${t.root}status/${status.id}/`), 404);
  }],
];
