// Sealed envelopes and prekey bundles a second time, written from the description in src/crypto/envelope.h and prekey.h, not from the code:
// HPKE is @hpke/core's, hashes, signatures and AES-GCM are Node's.
import { createHash, createPrivateKey, createPublicKey, createCipheriv, createDecipheriv, createHmac, randomBytes, sign, verify } from 'node:crypto';
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core';

const suite = new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });
const sha256 = (bytes) => createHash('sha256').update(bytes).digest();
const bytes = (view) => view.buffer.slice(view.byteOffset, view.byteOffset + view.length);
const ed25519Prefix = Buffer.from('302a300506032b6570032100', 'hex');
export const publicKey = (raw) => createPublicKey({ key: Buffer.concat([ed25519Prefix, raw]), format: 'der', type: 'spki' });

class Reader {
  constructor(buffer) { this.rest = buffer; }
  take(n) {
    if (n > this.rest.length) throw new Error('cut off');
    const out = this.rest.subarray(0, n);
    this.rest = this.rest.subarray(n);
    return out;
  }
  number(n) { return Number(BigInt(`0x${this.take(n).toString('hex')}`)); }
  text(n) { return this.take(this.number(n)).toString(); }
}
const number = (value, n) => { const out = Buffer.alloc(8); out.writeBigUInt64BE(BigInt(value)); return out.subarray(8 - n); };
const text = (value, n) => Buffer.concat([number(Buffer.byteLength(value), n), Buffer.from(value)]);

function readHeader(raw) {
  const part = raw.subarray(0, raw.length - 64 - 32 - 48);
  const r = new Reader(part);
  const h = { part, version: r.number(1), mode: r.number(1), aead: r.number(2), sealedAt: r.number(8), sender: r.text(1), recipient: r.text(1),
    prekey: r.text(1), secretId: r.text(1), label: r.text(2), contentType: r.text(1), commitment: r.take(32), contentHash: r.take(32) };
  const tail = new Reader(raw.subarray(part.length));
  return { ...h, signature: tail.take(64), encapsulated: tail.take(32), wrapped: tail.take(48) };
}

export function readEnvelope(file) {
  const r = new Reader(file);
  if (r.take(4).toString() !== 'BSE1') throw new Error('not an envelope');
  const headers = Array.from({ length: r.number(2) }, () => readHeader(r.take(r.number(2))));
  const content = r.take(r.number(8));
  if (r.rest.length) throw new Error('something behind the content');
  return { headers, content };
}

// HKDF-Expand alone: node's hkdf extracts first.
function expand(prk, info, length) {
  return createHmac('sha256', prk).update(info).update(Buffer.from([1])).digest().subarray(0, length);
}
function derive(contentKey) {
  const prk = createHmac('sha256', 'bongsu/envelope/v1').update(contentKey).digest();
  return { key: expand(prk, 'content', 32), commitment: expand(prk, 'commitment', 32) };
}
const contentAad = (h) => Buffer.concat([Buffer.from('bongsu/envelope/v1 content\n'), text(h.sender, 1), text(h.label, 2), text(h.contentType, 1), number(h.sealedAt, 8)]);
const hpkeInfo = (h) => Buffer.concat([Buffer.from('bongsu/envelope/v1 key\n'), h.part, h.signature]);
const psk = (secret) => (secret ? { psk: { id: bytes(Buffer.from(secret.id)), key: bytes(secret.secret) } } : {});

export async function openEnvelope({ file, self, signingKey, prekey, secret }) {
  const { headers, content } = readEnvelope(file);
  const h = headers.find((one) => one.recipient === self);
  if (!h) throw new Error(`not for ${self}`);
  if (!verify(null, Buffer.concat([Buffer.from('bongsu/envelope/v1\n'), h.part]), publicKey(signingKey), h.signature)) throw new Error('not signed by the sender');
  if (!sha256(content).equals(h.contentHash)) throw new Error('another content');
  if (h.aead !== 2 || h.mode !== (secret ? 1 : 0)) throw new Error('another suite or mode');
  const recipient = await suite.createRecipientContext({ recipientKey: prekey, enc: bytes(h.encapsulated), info: bytes(hpkeInfo(h)), ...psk(secret) });
  const contentKey = Buffer.from(await recipient.open(bytes(h.wrapped)));
  const { key, commitment } = derive(contentKey);
  if (!commitment.equals(h.commitment)) throw new Error('another key than was committed to');
  const cipher = createDecipheriv('aes-256-gcm', key, Buffer.alloc(12));
  cipher.setAAD(contentAad(h));
  cipher.setAuthTag(content.subarray(content.length - 16));
  const plain = Buffer.concat([cipher.update(content.subarray(0, content.length - 16)), cipher.final()]);
  const length = Number(plain.readBigUInt64BE(0));
  if (plain.length !== padme(length + 8)) throw new Error('padded otherwise');
  return { header: h, content: plain.subarray(8, 8 + length) };
}

function padme(length) {
  if (length < 2) return length;
  const e = Math.floor(Math.log2(length)), s = Math.floor(Math.log2(e)) + 1, unit = 2 ** Math.max(e - s, 0);
  return Math.ceil(length / unit) * unit;
}

export async function sealEnvelope({ sender, recipient, label, contentType, content, signingPem, prekey, secret, at = Date.now() * 1000 }) {
  const contentKey = randomBytes(32);
  const { key, commitment } = derive(contentKey);
  const h = { sender, label, contentType, sealedAt: at };
  const padded = Buffer.alloc(padme(content.length + 8));
  padded.writeBigUInt64BE(BigInt(content.length), 0);
  content.copy(padded, 8);
  const cipher = createCipheriv('aes-256-gcm', key, Buffer.alloc(12));
  cipher.setAAD(contentAad(h));
  const sealed = Buffer.concat([cipher.update(padded), cipher.final(), cipher.getAuthTag()]);
  h.part = Buffer.concat([number(1, 1), number(secret ? 1 : 0, 1), number(2, 2), number(at, 8), text(sender, 1), text(recipient, 1), text(prekey.id, 1),
    text(secret?.id ?? '', 1), text(label, 2), text(contentType, 1), commitment, sha256(sealed)]);
  h.signature = sign(null, Buffer.concat([Buffer.from('bongsu/envelope/v1\n'), h.part]), createPrivateKey(signingPem));
  const recipientPublicKey = await suite.kem.deserializePublicKey(bytes(prekey.key));
  const context = await suite.createSenderContext({ recipientPublicKey, info: bytes(hpkeInfo(h)), ...psk(secret) });
  const wrapped = Buffer.from(await context.seal(bytes(contentKey)));
  const header = Buffer.concat([h.part, h.signature, Buffer.from(context.enc), wrapped]);
  return Buffer.concat([Buffer.from('BSE1'), number(1, 2), number(header.length, 2), header, number(sealed.length, 8), sealed]);
}

// RFC 8785 for what a bundle holds: objects, arrays and texts without control characters.
const canonical = (value) =>
  Array.isArray(value) ? `[${value.map(canonical).join(',')}]`
    : value && typeof value === 'object' ? `{${Object.keys(value).sort().map((k) => `${JSON.stringify(k)}:${canonical(value[k])}`).join(',')}}`
      : JSON.stringify(value);
const prekeyId = (raw) => sha256(raw).toString('hex').slice(0, 16);
const time = (ms) => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');

// A bundle of fresh keys; `keys` has the private ones by id.
export async function makeBundle({ member, reader, signingPem, oneTime = 3 }) {
  const keys = new Map();
  const make = async () => {
    const pair = await suite.kem.generateKeyPair();
    const raw = Buffer.from(await suite.kem.serializePublicKey(pair.publicKey)), id = prekeyId(raw);
    keys.set(id, pair);
    return { id, key: raw.toString('base64url'), expires: time(Date.now() + 864e5) };
  };
  const signed = { member, reader, issued: time(Date.now()), last_resort: await make(), one_time: [] };
  for (let i = 0; i < oneTime; ++i) signed.one_time.push(await make());
  const signature = sign(null, Buffer.from(`bongsu/prekeys/v1\n${canonical(signed)}`), createPrivateKey(signingPem)).toString('base64url');
  return { document: JSON.stringify({ signed, signature }), keys };
}
export function readBundle(document, signingKey) {
  const { signed, signature } = JSON.parse(document);
  if (!verify(null, Buffer.from(`bongsu/prekeys/v1\n${canonical(signed)}`), publicKey(signingKey), Buffer.from(signature, 'base64url'))) throw new Error('a bundle that is not signed');
  const key = (one) => ({ id: one.id, key: Buffer.from(one.key, 'base64url') });
  return { member: signed.member, reader: signed.reader, lastResort: key(signed.last_resort), oneTime: signed.one_time.map(key) };
}
