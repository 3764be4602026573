// What every answer of the C++ server carries, for servers of the tests.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
export const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml', '.woff2': 'font/woff2', '.json': 'application/json' };

// The headers are read out of the C++ source, so that the tests cannot pass under a laxer policy than the one that is shipped.
export function securityHeaders() {
  const source = readFileSync(join(root, '../src/api/console/static_files.cpp'), 'utf8');
  const body = source.slice(source.indexOf('void add_security_headers'));
  const headers = {};
  for (const [, name, parts] of body.matchAll(/headers\.set\("([^"]+)",\s*((?:"[^"]*"\s*)+)\)/g))
    headers[name] = [...parts.matchAll(/"([^"]*)"/g)].map((m) => m[1]).join('');
  if (!headers['Content-Security-Policy']?.includes('require-trusted-types-for')) throw new Error('no policy found in static_files.cpp');
  return headers;
}
