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
  { kind: 'domain-name', text: 'login-update.example', field: 'query', source: 'zeek/dns.log', member: 'cert-ua', tlp: label('TLP:AMBER'), confidence: 90 },
  { kind: 'ipv4-addr', text: '203.0.113.77', field: 'id.resp_h', source: 'zeek/conn.log', member: 'cert-pl', tlp: label('TLP:GREEN'), confidence: 60 },
  { kind: 'url', text: 'http://files.example/stage2.bin', field: 'http.url', source: 'suricata/eve.json', member: 'cert-ua', tlp: label('TLP:AMBER+STRICT', ['cert-lt']), confidence: 85 },
  { kind: 'file:hashes.SHA-256', text: '44d88612fea8a8f36de82e1278abb02fb1a0d1c28c3a5f1de7b3a49d6d7c2f10', field: 'Event.EventData.Hashes', source: 'windows/sysmon.ndjson', member: 'cert-ee', tlp: label('TLP:CLEAR'), confidence: 20 },
  { kind: 'ipv4-addr', text: '8.8.8.8', field: 'id.resp_h', source: 'zeek/conn.log', member: 'osint-feed', tlp: label('TLP:CLEAR'), confidence: 75, lists: [{ list: 'List of known IPv4 public DNS resolvers', type: 'string' }] },
  { kind: 'domain-name', text: 'cdn.metrics.example', field: 'server_name', source: 'zeek/ssl.log', member: 'cert-pl', tlp: label('TLP:RED'), confidence: null },
];

export function makeAlert(n, seq, at, extra = {}) {
  const s = SAMPLES[n % SAMPLES.length];
  const level = s.lists ? 'doubtful' : s.confidence >= 70 ? 'high' : s.confidence === null || s.confidence >= 30 ? 'medium' : 'low';
  const event = {
    ts: new Date(at - 240).toISOString(), uid: `CHhAvVGS1DHFjwGM${n}`, 'id.orig_h': `10.20.4.${n % 250}`, 'id.orig_p': 49152 + n, 'id.resp_h': '203.0.113.77',
    [s.field]: s.kind === 'domain-name' ? `www.${s.text}` : s.text, proto: 'udp', rejected: false, AA: false, answers: [s.text], TTLs: [60.0, 300.0],
  };
  return {
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
    return { total: this.alerts.length, open: count((a) => a.verdict === 'open'), confirmed: count((a) => a.verdict === 'true'), false_positive: count((a) => a.verdict === 'false') };
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
