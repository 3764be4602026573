// Telemetry that others send: syslog over UDP, TCP and TLS, lines over HTTP; alerts come of each, and nothing that was acknowledged is lost.
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import http from 'node:http';
import { gzipSync } from 'node:zlib';
import { check, equal, indicator, sleep, until } from './lib/bongsu.mjs';

const listen = (extra = '') => `\n[input]\nsyslog_udp = "127.0.0.1:0"\nsyslog_tcp = "127.0.0.1:0"\nsyslog_tls = "127.0.0.1:0"\nhttp = "127.0.0.1:0"\n${extra}`;
const port = (url) => Number(new URL(url.replace(/^(udp|tcp|tls):/, 'http:')).port);

function post(node, body, headers = {}, path = '/events', method = 'POST') {
  return new Promise((done, failed) => {
    const request = http.request({ host: '127.0.0.1', port: port(node.urls.input_http), path, method, headers: { 'Content-Length': Buffer.byteLength(body), ...headers } }, (response) => {
      const parts = [];
      response.on('data', (d) => parts.push(d));
      response.on('end', () => done({ status: response.statusCode, headers: response.headers, text: Buffer.concat(parts).toString() }));
    });
    request.on('error', failed);
    request.end(body);
  });
}

async function watching(house, toml, ...names) {
  const node = await house.node('cert-lt', { toml });
  await node.serve();
  await node.import(names.map((name) => indicator(name)));
  await until('the indicators in effect', async () => { const s = await node.status(); return s.detection.loaded && s.detection.indicators >= names.length && s.sensor.running; });
  await sleep(300);
  return node;
}

export async function every_way_in_leads_to_an_alert(house) {
  const names = ['udp.example', 'tcp-lines.example', 'tcp-counted.example', 'tls.example', 'cef.example', 'http.example', 'gzip.example'];
  const node = await watching(house, listen('http_token = "secret"\n'), ...names);
  const udp = createSocket('udp4');
  await new Promise((done) => udp.send('<34>1 2026-05-10T00:00:00Z h app - - - query for udp.example', port(node.urls.input_syslog_udp), '127.0.0.1', done));
  udp.close();
  await new Promise((done) => {
    const tcp = connect(port(node.urls.input_syslog_tcp), '127.0.0.1', () => {
      const counted = '<13>two lines\nwith tcp-counted.example';
      tcp.end(`<13>Oct 11 22:14:15 h app: saw tcp-lines.example\n${counted.length} ${counted}<13>the last without its end: cef CEF:0|a|b|c|d|e|5|dhost=cef.example`);
    });
    tcp.on('close', done);
    tcp.resume();
  });
  await new Promise((done, failed) => {
    const tls = connectTls({ port: port(node.urls.input_syslog_tls), host: '127.0.0.1', ca: node.ca, servername: 'localhost' }, () => {
      check(tls.authorized, 'the node shows its own certificate');
      const message = '<13>1 2026-05-10T00:00:00Z h app - - - {"query":"tls.example"}';
      tls.end(`${message.length} ${message}`);
    });
    tls.on('error', failed);
    tls.on('close', done);
    tls.resume();
  });
  const bearer = { Authorization: 'Bearer secret' };
  equal((await post(node, '{"query":"http.example"}\n')).status, 401, 'a post without the token');
  equal((await post(node, '{"query":"http.example"}', bearer)).status, 200, 'a post');
  equal((await post(node, gzipSync('{"query":"gzip.example"}\n'), { ...bearer, 'Content-Encoding': 'gzip' })).status, 200, 'a compressed post');
  equal((await post(node, gzipSync(Buffer.alloc(100 * 1024 * 1024, 'x')), { ...bearer, 'Content-Encoding': 'gzip' })).status, 413, 'a bomb');
  equal((await post(node, 'x', { ...bearer, 'Content-Encoding': 'br' })).status, 415, 'an encoding that is not spoken');
  equal((await post(node, '', bearer)).status, 400, 'nothing');
  equal((await post(node, 'x', bearer, '/other')).status, 404, 'another path');
  equal((await post(node, 'x', bearer, '/events', 'PUT')).status, 405, 'another method');
  const matched = await until('an alert for each way in', async () => { const all = (await node.alerts()).map((a) => a.alert.matched); return names.every((n) => all.includes(n)) ? all : null; });
  equal(matched.length, names.length, 'each once');
  const { inputs } = await node.status();
  equal([inputs.posts, inputs.messages, inputs.dropped], [2, 5, 0], 'what the status counts');
  await until('nothing waits', async () => (await node.status()).inputs.waiting === 0);
}

export async function what_was_acknowledged_survives_a_kill_and_a_full_spool_is_said(house) {
  const node = await watching(house, listen('spool = "1MiB"\n'), 'evil.example');
  let sent = 0;
  for (let round = 0; round < 3; ++round) {
    for (let i = 0; i < 20; ++i) {
      const answer = await post(node, `{"query":"evil.example","n":"${round}-${i}"}\n`);
      equal(answer.status, 200, 'a small post');
      ++sent;
    }
    await node.stop('SIGKILL');
    await node.serve();
  }
  await until('every acknowledged line, once', async () => (await node.hits()).length >= sent);
  await sleep(500);
  equal((await node.hits()).length, sent, 'alerts');
  // Faster than anything can read: the sensor is stopped by giving it more than the spool holds at once.
  const big = `{"query":"good.example","pad":"${'x'.repeat(700_000)}"}\n`;
  const answers = await Promise.all(Array.from({ length: 8 }, () => post(node, big)));
  check(answers.every((a) => a.status === 200 || (a.status === 503 && a.headers['retry-after'] === '1')), `answers: ${answers.map((a) => a.status)}`);
  await until('room again', async () => (await post(node, '{"query":"evil.example","n":"last"}\n')).status === 200);
  await until('the last', async () => (await node.hits()).length === sent + 1);
}
