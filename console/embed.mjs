// Turns a built page into a C++ source: node embed.mjs DIST OUT_DIR ENTRY FUNCTION
//
// Writes assets.bin (all bodies and their gzip forms, one behind the other) and assets.cpp (the table, which #embeds it). The table
// names every file's SHA-256, so that compiler caches that do not look into embedded files still see a change. ENTRY ("index.html") is
// what "/" answers; FUNCTION is the one of embedded_files.h that the source defines.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

const [dist, out, entry, name] = process.argv.slice(2);
const TYPES = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml', '.woff2': 'font/woff2', '.json': 'application/json',
};

const paths = readdirSync(dist, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(dist.length).replaceAll('\\', '/').replace(/^\/*/, '/'))
  .sort();
const chunks = [];
let offset = 0;
const keep = (buffer) => {
  chunks.push(buffer);
  offset += buffer.length;
  return [offset - buffer.length, buffer.length];
};
const rows = paths.map((path) => {
  const body = readFileSync(join(dist, path));
  const type = TYPES[extname(path)];
  if (!type) throw new Error(`no content type is known for ${path}`);
  const zipped = gzipSync(body, { level: 9 });
  const [at, size] = keep(body);
  const [zipAt, zipSize] = zipped.length < body.length * 0.9 ? keep(zipped) : [0, 0];
  const hash = createHash('sha256').update(body).digest('hex');
  const immutable = path.startsWith('/assets/');
  return `    {"${path === `/${entry}` ? '/' : path}", "${type}", "${hash}", ${immutable},\n     view(${at}, ${size}), view(${zipAt}, ${zipSize})},`;
});
mkdirSync(out, { recursive: true });
writeFileSync(join(out, 'assets.bin'), Buffer.concat(chunks));
writeFileSync(
  join(out, 'assets.cpp'),
  `// Made by console/embed.mjs from the built page; do not edit.
#include <cstddef>

#include "api/console/embedded_files.h"

namespace bongsu::api::console {
namespace {

constexpr unsigned char kBytes[] = {
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wc23-extensions"
#embed "assets.bin"
#pragma clang diagnostic pop
};

std::string_view view(std::size_t at, std::size_t size) { return {reinterpret_cast<const char*>(kBytes) + at, size}; }

}  // namespace

std::span<const StaticFile> ${name}() {
  static const StaticFile kFiles[] = {
${rows.join('\n')}
  };
  return kFiles;
}

}  // namespace bongsu::api::console
`,
);
const total = paths.length;
console.log(`${total} files, ${offset} bytes`);
