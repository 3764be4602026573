// A real desk for the tests: tests/desk_pages/host.cpp as a child, and before it dist-desk as it was built last, under the headers of the
// C++ server, so that a change of a page needs no new binary.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, request as ask } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { TYPES, securityHeaders } from './headers.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
export const hostProgram = () => process.env.BONGSU_DESK_HOST ?? join(root, 'build/dev/tests/desk_pages/desk_page_host');
export const hostIsBuilt = () => existsSync(hostProgram());

export const TABLE_TOP = ['--scenario', join(root, 'samples/exercise/one-morning.yaml')];
const SAMPLE = [...TABLE_TOP, '--world', join(root, 'samples/exercise/world-sample/world.toml')];

// `until`: minutes that were played before, by scripted teams or by some that do nothing.
export async function startDesk(args = SAMPLE, until = 0, { embedded = false, scripted = true, nodes = [] } = {}) {
  const child = spawn(hostProgram(), [...args, '--nodes', JSON.stringify(nodes), '--until', String(Math.round(until * 60)), '--teams', scripted ? 'good,slow,leaky' : 'silent'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  const first = await new Promise((done, fail) => {
    lines.once('line', done);
    child.once('exit', (code) => fail(new Error(`desk_page_host ended with ${code}`)));
  });
  const { url, tokens } = JSON.parse(first);
  const front = embedded ? null : await startFront(url);
  return {
    url: front?.url ?? url,
    tokens,
    // Asks the desk as an account, past the browser.
    async api(account, path, body) {
      const response = await fetch(`${url}/desk/v1/${path}`, {
        method: body === undefined ? 'GET' : 'POST',
        headers: { Authorization: `Bearer ${tokens[account]}`, 'Content-Type': 'application/json' },
        body: body === undefined ? undefined : JSON.stringify(body),
      });
      return { status: response.status, body: await response.json() };
    },
    cut: (is) => front.cut(is),
    async stop() {
      front?.stop();
      child.stdin.end();
      await new Promise((done) => child.once('exit', done));
    },
  };
}

async function startFront(target) {
  const headers = securityHeaders();
  let dead = false;
  const server = createServer(async (request, response) => {
    if (dead) return response.destroy();
    const url = new URL(request.url, 'http://x');
    if (url.pathname.startsWith('/desk/v1/')) {
      const to = new URL(request.url, target);
      const passed = { ...request.headers, host: to.host };
      if (passed.origin) passed.origin = to.origin;
      const up = ask(to, { method: request.method, headers: passed }, (answer) => {
        response.writeHead(answer.statusCode, answer.headers);
        answer.pipe(response);
      });
      up.on('error', () => response.destroy());
      response.on('close', () => up.destroy());
      return request.pipe(up);
    }
    for (const [k, v] of Object.entries(headers)) response.setHeader(k, v);
    const path = normalize(url.pathname === '/' ? '/desk.html' : url.pathname);
    try {
      const body = await readFile(join(root, 'console/dist-desk', path));
      response.setHeader('Content-Type', TYPES[extname(path)] ?? 'application/octet-stream');
      response.end(body);
    } catch {
      response.statusCode = 404;
      response.end('not found');
    }
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    cut(is) {
      dead = is;
      if (is) server.closeAllConnections();
    },
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}
