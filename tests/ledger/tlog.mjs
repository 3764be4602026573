// A second implementation of what the ledger writes, from the specifications alone (RFC 6962 §2.1; C2SP signed-note, tlog-checkpoint,
// tlog-cosignature, tlog-proof, tlog-tiles). It shares no code with the program and takes other ways where there are any: proofs are folded
// by the recursive definitions of RFC 6962, roots are computed from all entries. Everything throws Bad with a reason.
import { createHash, createPublicKey, verify as verifySignature } from 'node:crypto';

export class Bad extends Error {}
const need = (condition, why) => { if (!condition) throw new Bad(why); };
const sha256 = (...parts) => parts.reduce((h, p) => h.update(p), createHash('sha256')).digest();

export const leafHash = (entry) => sha256(Buffer.of(0), entry);
const nodeHash = (left, right) => sha256(Buffer.of(1), left, right);
// k of RFC 6962: the largest power of two smaller than n.
const split = (n) => { let k = 1; while (k * 2 < n) k *= 2; return k; };

export function rootOf(leaves) {
  if (leaves.length === 0) return sha256('');
  if (leaves.length === 1) return leaves[0];
  const k = split(leaves.length);
  return nodeHash(rootOf(leaves.slice(0, k)), rootOf(leaves.slice(k)));
}
// PATH, read backwards: the last hash is the root's child.
export function rootByPath(index, size, leaf, path) {
  need(index < size, 'the index is beyond the log');
  if (size === 1) { need(path.length === 0, 'the path is too long'); return leaf; }
  need(path.length > 0, 'the path is too short');
  const k = split(size), rest = path.slice(0, -1), sibling = path.at(-1);
  return index < k ? nodeHash(rootByPath(index, k, leaf, rest), sibling) : nodeHash(sibling, rootByPath(index - k, size - k, leaf, rest));
}
// SUBPROOF, read backwards: the roots of the old and of the new tree that the proof leads to.
function rootsByProof(m, n, oldRoot, proof, whole) {
  if (m === n) {
    if (whole) { need(proof.length === 0, 'the proof is too long'); return [oldRoot, oldRoot]; }
    need(proof.length === 1, 'the proof has a wrong length');
    return [proof[0], proof[0]];
  }
  need(proof.length > 0, 'the proof is too short');
  const k = split(n), rest = proof.slice(0, -1), last = proof.at(-1);
  if (m <= k) { const [a, b] = rootsByProof(m, k, oldRoot, rest, whole); return [a, nodeHash(b, last)]; }
  const [a, b] = rootsByProof(m - k, n - k, oldRoot, rest, false);
  return [nodeHash(last, a), nodeHash(last, b)];
}
export function checkConsistency(oldSize, size, oldRoot, root, proof) {
  need(oldSize > 0 && oldSize <= size, 'there is nothing to prove');
  const [a, b] = rootsByProof(oldSize, size, oldRoot, proof, true);
  need(a.equals(oldRoot), 'the proof does not lead to the old root');
  need(b.equals(root), 'the proof does not lead to the new root');
}

const decimal = (text) => { need(/^(0|[1-9][0-9]*)$/.test(text), `"${text}" is no decimal number`); return Number(text); };
const base64 = (text) => { const bytes = Buffer.from(text, 'base64'); need(bytes.toString('base64') === text, 'is no base64'); return bytes; };
const hash = (text) => { const bytes = base64(text); need(bytes.length === 32, 'a hash has 32 bytes'); return bytes; };

const keyId = (name, type, key) => sha256(name, '\n', Buffer.of(type), key).subarray(0, 4);
export function parseKey(text) {
  const [name, id, ...rest] = text.split('+');
  const material = base64(rest.join('+'));
  need(material.length === 33 && (material[0] === 1 || material[0] === 4), 'is no key of type 1 or 4');
  const key = { name, type: material[0], key: material.subarray(1) };
  need(keyId(name, key.type, key.key).toString('hex') === id, 'the id is not that of name and key');
  return key;
}
const ed25519 = (raw) => createPublicKey({ key: Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), raw]), format: 'der', type: 'spki' });

export function parseNote(whole) {
  const blank = whole.lastIndexOf('\n\n');
  need(blank >= 0 && whole.endsWith('\n'), 'is no note');
  const text = whole.slice(0, blank + 1);
  const signatures = whole.slice(blank + 2).split('\n').slice(0, -1).map((line) => {
    const m = /^— (\S+) (\S+)$/u.exec(line);
    need(m, 'is no signature line');
    const bytes = base64(m[2]);
    return { name: m[1], id: bytes.subarray(0, 4), bytes: bytes.subarray(4) };
  });
  return { text, signatures };
}
// Names of the trusted who signed, "name" or "name@time" for a cosignature.
export function signers(note, keys) {
  const by = [];
  for (const s of note.signatures) {
    const key = keys.find((k) => k.name === s.name && keyId(k.name, k.type, k.key).equals(s.id));
    if (!key) continue;
    let message = note.text, signature = s.bytes, time = '';
    if (key.type === 4) {
      need(signature.length === 72, 'a cosignature has 72 bytes');
      time = `@${signature.readBigUInt64BE(0)}`;
      message = `cosignature/v1\ntime ${time.slice(1)}\n${note.text}`;
      signature = signature.subarray(8);
    }
    need(verifySignature(null, Buffer.from(message), ed25519(key.key), signature), `the signature of ${key.name} does not verify`);
    by.push(key.name + time);
  }
  return by;
}
export function parseCheckpoint(text) {
  const [origin, size, root] = text.split('\n');
  return { origin, size: decimal(size), root: hash(root) };
}
export function checkSigned(whole, keys) {
  const note = parseNote(whole), head = parseCheckpoint(note.text), by = signers(note, keys);
  need(by.includes(head.origin), `the checkpoint is not signed by ${head.origin}`);
  return { ...head, by };
}
export function checkProof(text, entry, keys) {
  const lines = text.split('\n');
  need(lines.shift() === 'c2sp.org/tlog-proof@v1', 'is no proof');
  if (lines[0].startsWith('extra ')) lines.shift();
  const index = decimal(/^index (.*)$/.exec(lines.shift())?.[1] ?? '');
  const path = [];
  while (lines[0] !== '') path.push(hash(lines.shift()));
  lines.shift();
  const head = checkSigned(lines.join('\n'), keys);
  need(rootByPath(index, head.size, leafHash(entry), path).equals(head.root), 'the entry is not in the log');
  return { ...head, index };
}
// An item of an evidence document: the entry is in the log, and the opening is what the entry commits to.
export function checkItem(item, keys) {
  const proven = checkProof(item.proof, item.entry, keys);
  const leaf = JSON.parse(item.entry);
  if (item.opening !== null)
    need(sha256(base64(item.opening.salt), item.opening.content).toString('hex') === leaf.commitment, 'the opening is not what the entry commits to');
  return { ...proven, kind: leaf.kind, time: leaf.time, content: item.opening === null ? null : JSON.parse(item.opening.content) };
}
export function checkEvidence(document, keys) {
  need(document.format === 'bongsu-ledger-evidence/1', 'is no evidence');
  const roots = new Map();
  const items = document.items.map((item) => checkItem(item, keys));
  for (const { origin, size, root } of items) {
    const at = `${origin} ${size}`, text = root.toString('hex');
    need((roots.get(at) ?? text) === text, `${origin} has two histories of ${size} entries`);
    roots.set(at, text);
  }
  return items;
}
export function parseBundle(bytes) {
  const entries = [];
  for (let at = 0; at < bytes.length;) {
    need(bytes.length - at >= 2, 'the bundle ends within a length');
    const length = bytes.readUInt16BE(at);
    need(bytes.length - at - 2 >= length, 'the bundle ends within an entry');
    entries.push(bytes.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return entries;
}
export const tileIndex = (n) => (n < 1000 ? String(n).padStart(3, '0') : `x${tileIndexPart(Math.floor(n / 1000))}/${String(n % 1000).padStart(3, '0')}`);
const tileIndexPart = (n) => (n < 1000 ? String(n).padStart(3, '0') : `${tileIndexPart(Math.floor(n / 1000))}/x${String(n % 1000).padStart(3, '0')}`);
// A whole log read by `get(path)` as C2SP tlog-tiles serves it: its entries, checked against the signed root and the level-0 tiles.
export async function readLog(get, keys) {
  const head = checkSigned((await get('checkpoint')).toString(), keys);
  const entries = [];
  for (let n = 0; n * 256 < head.size; ++n) {
    const width = Math.min(256, head.size - n * 256), name = tileIndex(n) + (width < 256 ? `.p/${width}` : '');
    const bundle = parseBundle(await get(`tile/entries/${name}`)), tile = await get(`tile/0/${name}`);
    need(bundle.length === width && tile.length === width * 32, `tile ${name} has another width`);
    bundle.forEach((entry, i) => need(leafHash(entry).equals(tile.subarray(i * 32, i * 32 + 32)), `entry ${n * 256 + i} is not what its tile has`));
    entries.push(...bundle);
  }
  need(rootOf(entries.map(leafHash)).equals(head.root), 'the entries do not have the root that was signed');
  return { ...head, entries };
}
