// The scripted node behind the mock server: members, alerts and objects that a test can reason about.
import { randomUUID } from 'node:crypto';

const uuid = (n) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
export const label = (tlp, releasable_to = null) => ({ tlp, unknown: false, marked: true, releasable_to });
export const START = Date.now() - 2_000;
import { SHARED_ID as SHARED } from './ids.mjs';

const link = (collection, phase, delay_ms, extra = {}) => ({
  collection, phase, cursor: 40210, applied: 40210, refused: 0, delay_ms, last_heard: new Date(START).toISOString(), last_error: '', ...extra,
});
export const members = () => [
  { id: 'cert-ua', title: 'CERT Ukraine', country: 'ua', confirmed: true, stopped: false, fingerprint: '0412 9931 7720 1184 6027 5519 0083 4410 2938 7716',
    links: [link('shared', 'live', 11.4), link('sightings', 'live', 14.2)],
    agreement: { text: 'Flows from us to cert-ua: objects of the collections shared, sightings.\nNothing above TLP:AMBER.\nAll types.\nEnds on 2027-11-21.', highest_tlp: 'TLP:AMBER', valid_until: '2027-11-21T00:00:00Z' } },
  { id: 'cert-pl', title: 'CERT Polska', country: 'pl', confirmed: true, stopped: false, fingerprint: '7711 0925 3381 6402 9917 4410 2277 8035 1162 9040', links: [link('shared', 'catching_up', 2150)],
    agreement: { text: 'Flows from us to cert-pl: objects of the collection shared.\nNothing above TLP:AMBER.\nEnds on 2027-06-30.', highest_tlp: 'TLP:AMBER', valid_until: '2027-06-30T00:00:00Z' } },
  { id: 'ncsc-fi', title: 'NCSC Finland', country: 'fi', confirmed: false, stopped: false, fingerprint: '3302 7745 1190 0028 6631 9927 5504 1183 7720 4456',
    links: [link('shared', 'backing_off', null, { last_error: 'connection refused; next attempt in 12 s', last_heard: new Date(START - 412_000).toISOString() })],
    agreement: { text: 'Flows from us to ncsc-fi: objects of the collection shared.\nNothing above TLP:GREEN.\nEnds on 2027-01-31.', highest_tlp: 'TLP:GREEN', valid_until: '2027-01-31T00:00:00Z' } },
  { id: 'cert-ee', title: 'CERT Estonia', country: 'ee', confirmed: true, stopped: false, fingerprint: '', links: [link('shared', 'live', 9.1)], agreement: null },
  { id: 'krcert-kr', title: 'KrCERT/CC', country: '', confirmed: true, stopped: true, fingerprint: '', links: [link('shared', 'stopped', null)], agreement: null },
];

const SAMPLES = [
  { kind: 'domain-name', text: 'login-update.example', field: 'query', source: 'zeek/dns.log', member: 'cert-ua', tlp: label('TLP:AMBER'), confidence: 90,
    techniques: [{ id: 'T1071.004', name: 'Application Layer Protocol: DNS', tactics: ['command-and-control'] }] },
  { kind: 'ipv4-addr', text: '203.0.113.77', field: 'id.resp_h', source: 'zeek/conn.log', member: 'cert-pl', tlp: label('TLP:GREEN'), confidence: 60 },
  { kind: 'url', text: 'http://files.example/stage2.bin', field: 'http.url', source: 'suricata/eve.json', member: 'cert-ua', tlp: label('TLP:AMBER+STRICT', ['cert-lt']), confidence: 85,
    techniques: [{ id: 'T1105', name: 'Ingress Tool Transfer', tactics: ['command-and-control'] }, { id: 'T1204.002', name: 'User Execution: Malicious File', tactics: ['execution'] }] },
  { kind: 'file:hashes.SHA-256', text: '44d88612fea8a8f36de82e1278abb02fb1a0d1c28c3a5f1de7b3a49d6d7c2f10', field: 'Event.EventData.Hashes', source: 'windows/sysmon.ndjson', member: 'cert-ee', tlp: label('TLP:CLEAR'), confidence: 20 },
  { kind: 'ipv4-addr', text: '8.8.8.8', field: 'id.resp_h', source: 'zeek/conn.log', member: 'osint-feed', tlp: label('TLP:CLEAR'), confidence: 75, lists: [{ list: 'List of known IPv4 public DNS resolvers', type: 'string' }] },
  { kind: 'domain-name', text: 'cdn.metrics.example', field: 'server_name', source: 'zeek/ssl.log', member: 'cert-pl', tlp: label('TLP:RED'), confidence: null },
];

const ENTITIES = [
  ['host', 'dc1.grid.example'], ['address', '10.20.4.17'], ['host', 'ws-0417.grid.example'], ['address', '10.20.4.121'], ['host', 'scada-hmi-2'], ['user', 'grid\\svc-backup'],
  ['address', '2001:db8:4::17'], ['host', 'mail.grid.example'], ['log', '/var/log/zeek/ssl.log'],
];
const entityOf = (n) => ({ kind: ENTITIES[n % ENTITIES.length][0], name: ENTITIES[n % ENTITIES.length][1] });

export function makeAlert(n, seq, at, extra = {}) {
  const s = SAMPLES[n % SAMPLES.length];
  const level = s.lists ? 'doubtful' : s.confidence >= 70 ? 'high' : s.confidence === null || s.confidence >= 30 ? 'medium' : 'low';
  const event = {
    ts: new Date(at - 240).toISOString(), uid: `CHhAvVGS1DHFjwGM${n}`, 'id.orig_h': `10.20.4.${n % 250}`, 'id.orig_p': 49152 + n, 'id.resp_h': '203.0.113.77',
    [s.field]: s.kind === 'domain-name' ? `www.${s.text}` : s.text, proto: 'udp', rejected: false, AA: false, answers: [s.text], TTLs: [60.0, 300.0],
  };
  const factors = { confidence: (s.confidence ?? 50) * 10, severity: s.rule ? 800 : 700, asset: n % 17 === 0 ? 1500 : 1000, age: 1000 - (n % 4) * 60, warning: s.lists ? 500 : 1000 };
  const risk = Math.min(100, Math.round(100 * Object.values(factors).reduce((product, f) => (product * f) / 1000, 1)));
  return {
    risk, factors, entity: entityOf(n), group: `group--${uuid(n % ENTITIES.length)}`, hits: 1 + ((n * 37) % 140), unkept: 0, first: new Date(at - 240).toISOString(), last: new Date(at + 400_000).toISOString(),
    suppressed_by: '', techniques: s.techniques ?? [], rule: s.rule ?? null,
    id: `alert--${uuid(n)}`, seq, level, detected: new Date(at).toISOString(), event_time: new Date(at - 240).toISOString(), added: new Date(at + 3).toISOString(),
    value: { kind: s.kind, text: s.text }, field: s.field, matched: event[s.field], indicator_id: `indicator--${uuid(n % SAMPLES.length)}`, source: s.member, label: s.tlp,
    confidence: s.confidence, warning_lists: s.lists ?? [], position: { source: `/var/log/${s.source}`, line: 18_000 + n * 7, offset: n * 911 },
    acknowledged: false, assignee: '', verdict: 'open', sighting_id: '', judgements: 0,
    _event: JSON.stringify(event), _history: [], ...extra,
  };
}

export class World {
  constructor({ alerts = 240, empty = false, role = 'operator' } = {}) {
    this.role = role;
    this.seq = 50_000;
    this.members = empty ? [] : members();
    this.alerts = [];
    this.suppressions = [];
    this.unlisted = [];
    this.objects = new Map();
    this.now = START;
    this.events = 810_000;
    this.raised = 400;
    if (!empty) {
      for (let n = 0; n < alerts; n += 1) {
        const at = START - (alerts - n) * 41_000;
        const judged = n % 5 === 1 ? { verdict: 'false', acknowledged: true, assignee: 'jonas', judgements: 1 } : n % 7 === 3 ? { verdict: 'true', acknowledged: true, assignee: 'olena', judgements: 1 } : n % 11 === 4 ? { acknowledged: true, assignee: 'olena' } : {};
        const alert = makeAlert(n, ++this.seq, at, judged);
        if (judged.judgements) alert._history.push({ by: judged.assignee, at: new Date(at + 60_000).toISOString(), acknowledged: true, assignee: null, verdict: judged.verdict, reason: 'Our own vulnerability scanner, ticket 4411.' });
        this.alerts.unshift(alert);
      }
      SAMPLES.forEach((s, i) => this.addIndicator(uuid(i), s));
    }
    this.rates = { at: [], events_per_s: [], alerts_per_min: [], admitted_per_s: [], delay_p50_ms: [], delay_p99_ms: [] };
    if (!empty) for (let i = 900; i > 0; i -= 1) this.addRate(START / 1000 - i);
  }

  addIndicator(id, s, extra = {}) {
    const created = new Date(START - 86_400_000).toISOString();
    const object = {
      type: 'indicator', spec_version: '2.1', id: `indicator--${id}`, created_by_ref: 'identity--c0ffee00-0000-4000-8000-000000000001', created, modified: created,
      name: s.name ?? `${s.text} (Sandfly)`, description: 'Command and control of the Sandfly campaign against grid operators; seen at two substations.', indicator_types: ['malicious-activity'],
      pattern: s.kind.includes(':') ? `[${s.kind} = '${s.text}']` : `[${s.kind}:value = '${s.text}']`, pattern_type: 'stix', pattern_version: '2.1', valid_from: created, confidence: s.confidence ?? undefined, ...extra,
    };
    const versions = [{ seq: ++this.seq, id: object.id, version: created, added: created, collection: SHARED, origin: s.member, label: s.tlp, erased: false, raw: JSON.stringify(object) }];
    this.objects.set(object.id, { object, versions, sample: s });
    return object;
  }

  addRate(at) {
    const wave = Math.sin(at / 37) + 0.4 * Math.sin(at / 7.3);
    this.rates.at.push(at);
    this.rates.events_per_s.push(Math.round(18_400 + 3_100 * wave + ((at * 7919) % 900)));
    this.rates.alerts_per_min.push(Math.max(0, Math.round(6 + 3 * Math.sin(at / 71) + ((at * 31) % 3))));
    this.rates.admitted_per_s.push(40);
    this.rates.delay_p50_ms.push(Math.round((11 + 2.5 * Math.sin(at / 23) + ((at * 13) % 3)) * 10) / 10);
    this.rates.delay_p99_ms.push(38);
  }

  newestRate() {
    return Object.fromEntries(Object.entries(this.rates).map(([k, v]) => [k, v.at(-1)]));
  }
  counts() {
    const count = (f) => this.alerts.filter(f).length;
    const listed = (f) => count((a) => !a.suppressed_by && f(a));
    return { total: listed(() => true), open: listed((a) => a.verdict === 'open'), confirmed: listed((a) => a.verdict === 'true'), false_positive: listed((a) => a.verdict === 'false'), suppressed: count((a) => a.suppressed_by) };
  }
  // Alerts by entity, as the node's Groups makes them.
  groups({ open = false, suppressed = false, text = '', newest = false } = {}) {
    const by = new Map();
    for (const a of this.alerts) by.set(a.group, [...(by.get(a.group) ?? []), a]);
    const out = [];
    for (const [id, all] of by) {
      const rows = all.filter((a) => Boolean(a.suppressed_by) === suppressed);
      if (rows.length === 0 || (open && !rows.some((a) => a.verdict === 'open')) || !JSON.stringify(rows).includes(text)) continue;
      out.push(this.group(id, suppressed));
    }
    return out.sort((a, b) => (newest ? 0 : b.risk - a.risk) || b.newest - a.newest);
  }
  group(id, suppressed = false) {
    const all = this.alerts.filter((a) => a.group === id), listed = all.filter((a) => !a.suppressed_by), quiet = all.filter((a) => a.suppressed_by);
    const rows = suppressed || listed.length === 0 ? quiet : listed;
    if (rows.length === 0) return null;
    const sum = (list) => list.reduce((n, a) => n + a.hits, 0);
    const first = rows.map((a) => a.first).sort()[0], last = rows.map((a) => a.last).sort().at(-1);
    const lines = new Map();
    for (const a of rows) {
      const line = lines.get(a.indicator_id) ?? { indicator_id: a.indicator_id, source: a.source, kind: a.value.kind, value: a.value.text, rule: a.rule?.name ?? '', language: a.rule?.language ?? '', level: a.rule?.level ?? '', risk: 0, hits: 0, warned: false };
      lines.set(a.indicator_id, { ...line, risk: Math.max(line.risk, a.risk), hits: line.hits + a.hits, warned: line.warned || a.warning_lists.length > 0 });
    }
    const curve = Array(24).fill(0), span = Math.max(1, new Date(last) - new Date(first));
    for (const a of rows) curve[Math.min(23, Math.floor(((new Date(a.last) - new Date(first)) / span) * 24))] += a.hits;
    return {
      id, entity: rows[0].entity, risk: Math.max(0, ...rows.filter((a) => a.verdict === 'open' || a.verdict === 'true').map((a) => a.risk)), first, last, newest: Math.max(...rows.map((a) => a.seq)),
      alerts: listed.length, open: listed.filter((a) => a.verdict === 'open').length, hits: sum(listed), unkept: 0, warned_alerts: listed.filter((a) => a.warning_lists.length).length,
      suppressed_alerts: quiet.length, suppressed_hits: sum(quiet), subjects: lines.size, lines: [...lines.values()].sort((a, b) => b.risk - a.risk),
      techniques: [...new Map(rows.flatMap((a) => a.techniques).map((t) => [t.id, t])).values()], curve,
    };
  }
  raise(extra = {}) {
    const alert = makeAlert(this.alerts.length, ++this.seq, Date.now(), extra);
    this.alerts.unshift(alert);
    return alert;
  }
  preview(draft) {
    const order = ['TLP:CLEAR', 'TLP:GREEN', 'TLP:AMBER', 'TLP:AMBER+STRICT', 'TLP:RED'];
    return this.members.map((m) => {
      const reason = (code, sentence, verdict = 'withhold') => ({ member: m.id, title: m.title, verdict, reasons: [{ code, sentence }], redact: [] });
      if (m.stopped) return reason('stopped', 'release to this member was stopped');
      if (!m.agreement) return reason('no_agreement', 'there is no agreement with this member');
      if (draft.tlp === 'TLP:RED') return reason('tlp_red', 'TLP:RED goes to named persons only');
      if (order.indexOf(draft.tlp) > order.indexOf(m.agreement.highest_tlp)) return reason('tlp_too_high', `the agreement allows at most ${m.agreement.highest_tlp}`);
      if (draft.releasable_to && !draft.releasable_to.includes(m.id)) return reason('not_releasable_to', 'the object is releasable to others by name, not to this member');
      return reason('agreed', 'every rule of the agreement is satisfied', 'release');
    });
  }
  publish(draft) {
    return draft.values.map((v) => this.addIndicator(randomUUID(), { ...v, member: 'cert-lt', tlp: label(draft.tlp, draft.releasable_to), confidence: draft.confidence, name: draft.name || v.text }));
  }
}
