// Rules beside values: STIX patterns over several events, Sigma and YARA rules are shared, looked for and answered like any indicator.
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { check, equal, indicator, live, makeDirectory, partners, until } from './lib/bongsu.mjs';

const rule = (name, pattern, pattern_type) => ({ ...indicator(`${name}.example`), name, pattern, pattern_type });
const sigma = (title, id, body, level = 'high') => `title: ${title}
id: ${id}
status: experimental
logsource: { category: process_creation, product: windows }
${body}
level: ${level}
tags: [attack.t1059.001]
`;

async function two(house) {
  const a = await house.node('cert-ua'), b = await house.node('cert-lt', { toml: '\n[sensor]\nsighting_window = "1s"\n' });
  const logs = makeDirectory(join(house.dir, 'logs'));
  await a.serve();
  await b.serve('--watch', logs);
  await partners(a, b);
  return { a, b, log: join(logs, 'events.ndjson') };
}
let second = 0;
const at = () => `2026-11-25T10:00:${String(second++ % 60).padStart(2, '0')}Z`;
const line = (fields) => `${JSON.stringify({ ts: at(), ...fields })}\n`;
const process = (image, command) => `${JSON.stringify({ UtcTime: at().replace('T', ' ').replace('Z', '.000'), Channel: 'Microsoft-Windows-Sysmon/Operational', EventID: 1,
  Computer: 'ws7', Image: image, CommandLine: command })}\n`;

export async function rules_of_a_partner_raise_alerts_here_and_sightings_there(house) {
  const { a, b, log } = await two(house);
  const beacon = rule('beacon', "([domain-name:value = 'first.example'] FOLLOWEDBY [domain-name:value = 'second.example']) WITHIN 300 SECONDS", 'stix');
  const shell = rule('shell', sigma('Odd shell', '6f3cd8bd-5d4f-4d0a-9d3c-3c3ff3b7a001', `detection:
  selection: { Image|endswith: '\\powershell.exe', CommandLine|contains: '-enc ' }
  condition: selection`), 'sigma');
  const text = rule('text', 'rule marker_text { strings: $a = "bongsu-marker-4711" condition: $a }', 'yara');
  const bad = rule('bad', 'title: no detection here\nlogsource: { product: windows }\n', 'sigma');
  await a.import([beacon, shell, text, bad]);
  await until('three rules in effect and one refused', async () => {
    const { detection } = await b.status();
    return detection.rules === 3 && Object.values(detection.unsupported).reduce((x, y) => x + y, 0) === 1;
  });
  await until('built', async () => (await b.status()).sensor.applied >= 4);
  appendFileSync(log, line({ query: 'second.example', src_ip: '10.0.0.7' }) + line({ query: 'first.example', src_ip: '10.0.0.7' }) + process('C:\\Windows\\notepad.exe', 'notepad.exe -enc x'));
  appendFileSync(log, line({ query: 'second.example', src_ip: '10.0.0.7' }) + process('C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe', 'powershell.exe -ENC SQBFAFgA and more')
    + process('C:\\a.exe', 'a.exe --tag bongsu-marker-4711 and a little more text'));
  const alerts = await until('three alerts', async () => { const all = await b.alerts(); return all.length >= 3 ? all.map((x) => x.alert) : null; });
  const of = (object) => alerts.filter((x) => x.indicator === object.id);
  equal(alerts.length, 3, 'alerts');
  equal(of(beacon)[0].rule.language, 'stix', 'the pattern');
  equal(of(beacon)[0].position.line, 4, 'the event that completed it');
  equal(of(beacon)[0].rule.events.map((x) => x.line), [2], 'the event before it');
  equal([of(shell)[0].rule.name, of(shell)[0].rule.level, of(shell)[0].rule.techniques], ['Odd shell', 'high', ['T1059.001']], 'the Sigma rule');
  equal(of(text)[0].rule.name, 'marker_text', 'the YARA rule');
  check(of(text)[0].field.endsWith('CommandLine'), 'where YARA found it');
  for (const object of [beacon, shell, text])
    await until(`the sighting of ${object.name}`, async () => (await a.export('cert-lt.sightings')).some((o) => o.type === 'sighting' && o.sighting_of_ref === object.id));
}

export async function a_rule_that_was_withdrawn_stops_matching_and_rules_come_back_after_a_restart(house) {
  const a = await house.node('cert-ua');
  const logs = makeDirectory(join(house.dir, 'logs')), log = join(logs, 'events.ndjson');
  await a.serve('--watch', logs);
  const kept = rule('kept', "[process:command_line LIKE '%kept-marker%']", 'stix'), gone = rule('gone', "[process:command_line LIKE '%gone-marker%']", 'stix');
  await a.import([kept, gone]);
  await until('both in effect', async () => { const s = await a.status(); return s.detection.rules === 2 && s.sensor.applied >= 2; });
  const both = () => appendFileSync(log, process('C:\\a.exe', 'a.exe gone-marker') + process('C:\\a.exe', 'a.exe kept-marker'));
  both();
  await until('two alerts', async () => (await a.hits()).length === 2);
  await a.import([{ ...gone, modified: new Date(Date.parse(gone.modified) + 1000).toISOString(), revoked: true }]);
  await until('one left', async () => { const s = await a.status(); return s.detection.rules === 1 && s.sensor.applied >= 3; });
  both();
  await until('one alert more', async () => (await a.hits()).length === 3);
  await a.stop();
  await a.serve();
  await until('loaded', async () => (await a.status()).detection.loaded);
  both();
  await until('another', async () => (await a.hits()).length === 4);
  equal((await a.hits()).filter((x) => x.matched.includes('gone-marker')).length, 1, 'hits of the withdrawn rule');
}

export async function a_rule_that_comes_late_finds_what_was_before_it_once(house) {
  const a = await house.node('cert-ua');
  const logs = makeDirectory(join(house.dir, 'logs')), log = join(logs, 'events.ndjson');
  await a.serve('--watch', logs);
  await until('loaded', async () => (await a.status()).detection.loaded);
  appendFileSync(log, line({ query: 'before.example' }) + line({ query: 'first.example' }) + line({ query: 'second.example' }));
  await until('read', async () => (await a.status()).sensor.events >= 3);
  await a.import([rule('late', "[domain-name:value = 'first.example'] FOLLOWEDBY [domain-name:value = 'second.example']", 'stix')]);
  const [hit] = await until('a hit', async () => { const all = await a.hits(); return all.length ? all : null; }, 60_000, 100);
  check(hit.matched.includes('second.example'), 'the pattern');
  appendFileSync(log, line({ query: 'first.example' }) + line({ query: 'second.example' }));
  await until('a second one, live', async () => (await a.hits()).length === 2);
  await until('nothing waits', async () => (await a.status()).hunt.waiting === 0);
  equal((await a.hits()).length, 2, 'hits: each once');
}
