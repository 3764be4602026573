#!/usr/bin/env node
// An outside TAXII 2.1 client for testing servers. See README.md.
//
//   node taxii_client.mjs conform          --url https://127.0.0.1:8443 --ca ca.pem --user w --password-file pw --collection shared
//   node taxii_client.mjs walk-next        … [--limit 100] [--match 'match[version]=all']     prints "id version" of each object
//   node taxii_client.mjs walk-added-after … [--from 2026-11-21T00:00:00.000000Z]
//   node taxii_client.mjs post             … FILE.json     a JSON array, a bundle or an envelope
//   node taxii_client.mjs delete           … ID [VERSION]
//
// Exit: 0 all is well, 1 a demand of the specification was broken or an object refused, 2 trouble.
import fs from 'node:fs';
import { checks, Trial } from './checks.mjs';
import { Client, readArguments, versionOf } from './taxii.mjs';
import { Violation, walk } from './walk.mjs';

const options = readArguments(process.argv.slice(2), ['verbose']);
const [mode, ...rest] = options._;

async function conform(client, root, collection) {
  const other = options['other-user'] || options['other-token'] ? Client.fromOptions(options, 'other-') : undefined;
  const trial = new Trial({ client, root, collection, other });
  let passed = 0;
  let failed = 0;
  for (const [section, what, check] of checks) {
    try {
      const note = await check(trial);
      ++passed;
      const skipped = typeof note === 'string';
      if (skipped || options.verbose) console.log(`ok    §${section} ${what}${skipped ? ` (${note})` : ''}`);
    } catch (error) {
      ++failed;
      console.log(`FAIL  §${section} ${what}\n      ${error.message}`);
    }
  }
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

async function walkAll(client, root, collection, by) {
  const path = `${root}collections/${collection.id}/objects/`;
  let count = 0;
  let last;
  for await (const page of walk(client, path, {
    by, limit: options.limit && Number(options.limit), filters: options.match ?? 'match[version]=all', from: options.from,
  })) {
    for (const object of page.objects) console.log(`${object.id} ${versionOf(object)}`);
    count += page.objects.length;
    last = page.last;
  }
  console.error(`${count} objects, reached ${last ?? 'nothing'}`);
  return 0;
}

async function post(client, root, collection, file) {
  const read = JSON.parse(fs.readFileSync(file, 'utf8'));
  const objects = Array.isArray(read) ? read : read.objects;
  const total = { accepted: 0, refused: 0 };
  for (let i = 0; i < objects.length; i += 1000) {
    const status = await client.add(root, collection.id, objects.slice(i, i + 1000));
    total.accepted += status.success_count;
    total.refused += status.failure_count;
    for (const failure of status.failures ?? []) console.log(`${failure.id} ${failure.version} ${failure.message}`);
  }
  console.error(`${total.accepted} accepted, ${total.refused} refused`);
  return total.refused === 0 ? 0 : 1;
}

async function remove(client, root, collection, id, version) {
  const query = version ? `?match%5Bversion%5D=${encodeURIComponent(version)}` : '';
  const response = await client.request('DELETE', `${root}collections/${collection.id}/objects/${id}/${query}`);
  console.error(`${response.status} ${response.text}`);
  return response.status === 200 ? 0 : 1;
}

async function main() {
  const client = Client.fromOptions(options);
  const root = await client.apiRoot();
  const collection = await client.collection(root, options.collection);
  try {
    if (mode === 'conform') return await conform(client, root, collection);
    if (mode === 'walk-next') return await walkAll(client, root, collection, 'next');
    if (mode === 'walk-added-after') return await walkAll(client, root, collection, 'added_after');
    if (mode === 'post') return await post(client, root, collection, rest[0]);
    if (mode === 'delete') return await remove(client, root, collection, ...rest);
    throw new Error('modes: conform, walk-next, walk-added-after, post, delete');
  } finally {
    client.close();
  }
}

main().then((code) => { process.exitCode = code; }, (error) => {
  console.error(error instanceof Violation ? `BROKEN  ${error.message}` : error.message);
  process.exitCode = error instanceof Violation ? 1 : 2;
});
