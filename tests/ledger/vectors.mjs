// The second implementation against published proofs: node tests/ledger/vectors.mjs [DIRECTORY]
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Bad, checkConsistency, rootByPath } from './tlog.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const directory = process.argv[2] ?? join(process.env.BONGSU_SHARED_DATA ?? join(root, '../shared/data'), 'trust/merkle');
if (!existsSync(directory)) {
  console.log('skipped: needs shared data\n0 passed, 0 failed, 1 skipped');
  process.exit(0);
}
const bytes = (text) => Buffer.from(text ?? '', 'base64');
let good = 0, bad = 0, wrong = 0;
const files = (dir) => readdirSync(dir, { withFileTypes: true }).flatMap((e) => (e.isDirectory() ? files(join(dir, e.name)) : e.name.endsWith('.json') ? [join(dir, e.name)] : []));
for (const file of files(directory)) {
  const v = JSON.parse(readFileSync(file)), proof = (v.proof ?? []).map(bytes);
  let verified = true;
  try {
    if ('size1' in v) {
      checkConsistency(v.size1, v.size2, bytes(v.root1), bytes(v.root2), proof);
    } else {
      const [leaf, expected] = [bytes(v.leafHash), bytes(v.root)];
      if (leaf.length !== 32 || v.leafIdx < 0) throw new Bad('no leaf hash');
      if (!rootByPath(v.leafIdx, v.treeSize, leaf, proof).equals(expected)) throw new Bad('another root');
    }
  } catch (error) {
    if (!(error instanceof Bad)) throw error;
    verified = false;
  }
  if (verified === v.wantErr) {
    ++wrong;
    console.log(`WRONG ${file}: ${v.desc}`);
  }
  if (verified) ++good;
  else ++bad;
}
console.log(`${good} proofs verified, ${bad} refused\n${good + bad - wrong} passed, ${wrong} failed, 0 skipped`);
process.exit(wrong ? 1 : 0);
