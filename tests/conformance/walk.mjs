// Walks over a collection by `next` or by `added_after` (TAXII 2.1 §3.5), checking what the specification demands of each page.
import { TAXII, TIMESTAMP } from './taxii.mjs';

export class Violation extends Error {}
const demand = (condition, section, text) => {
  if (!condition) throw new Violation(`TAXII 2.1 §${section}: ${text}`);
};

export function checkPage(response, limit, list = 'objects') {
  demand(response.status === 200, '5.4', `200 expected, got ${response.status}: ${response.text.slice(0, 300)}`);
  demand(response.headers['content-type'] === TAXII, '3.1', `Content-Type is ${response.headers['content-type']}`);
  const first = response.headers['x-taxii-date-added-first'];
  const last = response.headers['x-taxii-date-added-last'];
  demand(TIMESTAMP.test(first), '3.2', `X-TAXII-Date-Added-First is ${first}`);
  demand(TIMESTAMP.test(last), '3.2', `X-TAXII-Date-Added-Last is ${last}`);
  demand(first <= last, '3.3', `the first was added after the last: ${first}, ${last}`);
  const page = JSON.parse(response.text);
  demand(page !== null && typeof page === 'object' && !Array.isArray(page), '3.7', 'the payload is a JSON object');
  demand(page.more === undefined || typeof page.more === 'boolean', '3.7', '"more" is a boolean');
  demand(page.next === undefined || typeof page.next === 'string', '3.7', '"next" is a string');
  demand(page.next === undefined || page.more === true, '3.7', '"next" comes with "more": true only');
  const items = page[list];
  demand(items === undefined || (Array.isArray(items) && items.length > 0), '2', 'a list has at least one value');
  const objects = items ?? [];
  if (limit) demand(objects.length <= limit, '3.4', `${objects.length} objects for limit=${limit}`);
  return { page, objects, first, last };
}

// Yields {objects, last} of each page. `by`: "next" or "added_after". `from`: added_after to begin with.
export async function* walk(client, path, { by, limit, filters = 'match[version]=all', from } = {}) {
  const fixed = [filters && filters.split('&').map(encodeParameter).join('&'), limit && `limit=${limit}`]
    .filter(Boolean);
  let addedAfter = from;
  let next;
  let reached;
  for (;;) {
    const query = [...fixed];
    if (addedAfter) query.push(`added_after=${encodeURIComponent(addedAfter)}`);
    if (next) query.push(`next=${encodeURIComponent(next)}`);
    const { page, objects, first, last } = checkPage(await client.request('GET', `${path}?${query.join('&')}`), limit);
    if (objects.length > 0) {
      demand(!reached || first > reached, '3.3', `a page begins at ${first}, the one before ended at ${reached}`);
      demand(!addedAfter || first > addedAfter, '3.4', `${first} is not after added_after=${addedAfter}`);
      reached = last;
    }
    yield { objects, last: reached ?? addedAfter };
    if (page.more !== true) return;
    if (by === 'next') {
      demand(page.next, '3.5', 'this walk needs "next"; the server gives none');
      next = page.next;
    } else {
      demand(objects.length > 0, '3.5', '"more" without an object and without a way on');
      addedAfter = last;
    }
  }
}

const encodeParameter = (parameter) => {
  const at = parameter.indexOf('=');
  return `${encodeURIComponent(parameter.slice(0, at))}=${encodeURIComponent(parameter.slice(at + 1))}`;
};
