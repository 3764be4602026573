// What follows from a drill's log: pure functions, so that any moment of it can be shown (src/exercise/drill/log.h says what each kind
// of entry holds).

const SAMPLE_MS = 60_000; // how often the drill looks (drill.h, Settings::sample)

// Without what jumps back undid.
export function counting(entries) {
  const out = [];
  let until = Infinity;
  for (let i = entries.length - 1; i >= 0; i -= 1) {
    const entry = entries[i];
    if (entry.at_ms > until) continue;
    out.push(entry);
    if (entry.kind === 'control' && entry.ref === 'jump_back') until = Math.min(until, entry.data.to_ms);
  }
  return out.reverse();
}

// By inject and team ("" outside teams): what became of it, at last. {state: 'fired' | 'not_fired', at_ms, why, seq, sent, delivered, read}
export function injectStates(entries) {
  const states = new Map();
  const letters = new Map(); // delivery id → its inject's state
  const of = (inject, team) => `${inject} ${team}`;
  for (const e of entries) {
    if (e.kind === 'fired') states.set(of(e.ref, e.team), { state: 'fired', at_ms: e.at_ms, seq: e.seq, by: e.data.by, sent: 0, delivered: 0, read: 0 });
    else if (e.kind === 'not_fired') states.set(of(e.ref, e.team), { state: 'not_fired', at_ms: e.at_ms, seq: e.seq, why: e.data.why, text: e.text });
    else if (e.kind === 'delivery' && e.data.inject) {
      if (e.team && e.data.to !== e.team) continue; // what goes to the press as well is nobody's to read here
      const state = states.get(of(e.data.inject, e.team));
      if (state?.state !== 'fired') continue;
      state.sent += 1;
      letters.set(e.ref, state);
    } else if (e.kind === 'evidence' && (e.ref === 'delivered' || e.ref === 'acknowledged')) {
      const state = letters.get(e.data.object);
      if (state) state[e.ref === 'delivered' ? 'delivered' : 'read'] += 1;
    }
  }
  return { get: (inject, team) => states.get(of(inject, team)) };
}

// Each service's ups and downs until a moment: {team, service, spans: [{from, to, up, why}]}.
export function serviceSpans(entries, until) {
  const rows = new Map();
  for (const e of entries) {
    if (e.kind !== 'probe' || e.at_ms > until) continue;
    const key = `${e.team} ${e.ref}`;
    const row = rows.get(key) ?? { key, team: e.team, service: e.ref, spans: [] };
    const last = row.spans.at(-1);
    if (last) last.to = e.at_ms;
    row.spans.push({ from: e.at_ms, to: until, up: e.data.up, why: e.data.up ? '' : e.text });
    rows.set(key, row);
  }
  return [...rows.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
}

// A team's consequences by time until a moment, as columns: {at_ms: […], unserved_mwh: […], …}. What a sample does not name is 0. The log
// has a sample where something changed since the one before: until shortly before it, nothing did.
export function samples(entries, team, until) {
  const rows = [{ at_ms: 0, data: {} }];
  const hold = (at_ms) => at_ms > rows.at(-1).at_ms && rows.push({ at_ms, data: rows.at(-1).data });
  for (const e of entries) {
    if (e.kind !== 'sample' || e.team !== team) continue;
    hold(e.at_ms - SAMPLE_MS);
    rows.push(e);
  }
  hold(until);
  const columns = { at_ms: rows.map((e) => e.at_ms) };
  for (const name of new Set(rows.flatMap((e) => Object.keys(e.data)))) columns[name] = rows.map((e) => (typeof e.data[name] === 'number' ? e.data[name] : 0));
  return columns;
}

// Power that was not served, in MW, out of energy by time.
export function unservedMw(columns) {
  const mwh = columns.unserved_mwh ?? columns.at_ms.map(() => 0);
  return columns.at_ms.map((at, i) => {
    const hours = i ? (at - columns.at_ms[i - 1]) / 3.6e6 : 0;
    return hours > 0 ? Math.max(0, mwh[i] - mwh[i - 1]) / hours : 0;
  });
}

const SWITCHES = {
  'link-down': ['links', 0], 'link-up': ['links', 1], 'circuit-down': ['circuits', 0], 'circuit-up': ['circuits', 1],
  'terminal-down': ['terminals', 0], 'terminal-up': ['terminals', 1], 'node-down': ['nodes', 0], 'node-up': ['nodes', 1],
  'segment-closed': ['segments', 0], 'segment-open': ['segments', 1],
};

// The range of a team at a moment, as far as the log tells: what is up, dark, open; nothing that is measured. In the form of the API's
// `range`, with null where it has numbers.
export function rangeAt(plan, entries, team, at_ms) {
  const index = {};
  for (const kind of ['links', 'circuits', 'terminals', 'nodes', 'segments', 'branches', 'generators', 'substations', 'buses'])
    index[kind] = new Map(plan[kind].map((thing, i) => [thing.name, i]));
  const breaker = new Map(plan.branches.flatMap((b, i) => b.breakers.map((name, end) => [name, [i, end]])));
  const range = {
    at_ms,
    buses: plan.buses.map(() => [null, null, null, null, 1, 1]),
    branches: plan.branches.map(() => [null, null, 1, 1]),
    breakers: plan.branches.map(() => [1, 1, 1, 1]),
    generators: plan.generators.map(() => [null, null, 1, 1]),
    nodes: plan.nodes.map(() => [1, null]),
    links: plan.links.map(() => 1), circuits: plan.circuits.map(() => 1), terminals: plan.terminals.map(() => 1),
    segments: plan.segments.map(() => 1), trains: [],
  };
  const live = (name, is) => {
    if (!name) return; // sums up what the next entries name one by one
    const station = index.substations.get(name);
    const one = index.buses.get(name);
    plan.buses.forEach((bus, i) => {
      if (bus.substation === station || i === one) range.buses[i][4] = is;
    });
  };
  const switched = (name, closed) => {
    const at = breaker.get(name);
    if (at) range.breakers[at[0]][at[1]] = closed;
    const branch = at ? at[0] : index.branches.get(name);
    if (branch === undefined) return;
    if (!at) range.breakers[branch][0] = range.breakers[branch][1] = closed;
    range.branches[branch][2] = range.breakers[branch][0] && range.breakers[branch][1];
  };
  for (const e of entries) {
    if (e.at_ms > at_ms) break;
    if (e.team !== team) continue;
    if (e.kind === 'order' && e.data.accepted) {
      if (e.data.kind === 'breaker-open') switched(e.ref, 0);
      else if (e.data.kind === 'breaker-close') switched(e.ref, 1);
      else if (e.data.kind === 'substation-dark') for (const name of breaker.keys()) if (name.startsWith(`${e.ref}.`)) switched(name, 0);
    }
    if (e.kind !== 'event') continue;
    const kind = e.data.kind;
    const [list, is] = SWITCHES[kind] ?? [];
    if (list) {
      const i = index[list].get(e.ref);
      if (i === undefined) continue;
      if (list === 'nodes') range.nodes[i][0] = is;
      else range[list][i] = is;
    } else if (kind === 'dark' || kind === 'live') live(e.ref, kind === 'live' ? 1 : 0);
    else if (kind === 'tripped' || kind === 'broken') {
      const generator = index.generators.get(e.ref);
      if (generator !== undefined) range.generators[generator][2] = 0;
      else switched(e.ref, 0);
    }
  }
  return range;
}

// A team's desk as it was at a moment: what had come and was read, what was asked and handed in.
export function deskAt(team, entries, at_ms) {
  const when = new Map(entries.filter((e) => e.kind === 'evidence' && e.ref === 'form').map((e) => [e.seq, e.at_ms]));
  const later = (time) => time === undefined || time > at_ms;
  return {
    deliveries: (team?.deliveries ?? []).filter((l) => l.at_ms <= at_ms).map((l) => ({ ...l, read_ms: later(l.read_ms) ? undefined : l.read_ms })),
    forms: (team?.forms ?? []).filter((f) => f.asked_ms <= at_ms).map((f) => (f.handed_in !== null && later(when.get(f.handed_in)) ? { ...f, handed_in: null } : f)),
  };
}

// A form with its grades, as they were given: [{entry, grades, appeals, rulings}], newest first.
export function forms(entries) {
  const by = new Map();
  for (const e of entries) {
    if (e.kind === 'evidence' && e.ref === 'form') by.set(e.seq, { entry: e, grades: [], appeals: [], rulings: [] });
    else if (e.kind === 'grade' || e.kind === 'appeal' || e.kind === 'ruling') by.get(Number(e.ref))?.[`${e.kind}s`].push(e);
  }
  return [...by.values()].reverse();
}

// Exercise control's last word on what a team reached; undefined: none yet. `inject` "": on the drill as a whole.
export const judged = (entries, team, inject, expectation) =>
  entries.findLast((e) => e.kind === 'evidence' && e.ref === 'judged' && e.team === team && (e.data.inject ?? '') === inject && e.data.expectation === expectation);

// What only people can judge, of injects that have come to a team, and of the drill as a whole: Judge.svelte's properties.
export function toJudge(program, injects, teams) {
  const out = [];
  for (const i of program?.injects ?? [])
    for (const e of i.expectations.filter((one) => one.seen === 'manual')) {
      const its = askedOf(e, i, injects);
      if (its.length) out.push({ key: `${i.id} ${e.id}`, inject: i.id, expectation: e.id, title: `${i.name || i.id}: ${e.description}`, of: e.of, score: e.score, teams: its });
    }
  for (const m of program?.metrics ?? []) out.push({ key: m.id, expectation: m.id, title: m.name || m.id, of: m.description, score: m.score, teams });
  return out;
}
// Teams that an expectation is of and that the inject has come to.
export const askedOf = (expectation, inject, injects) =>
  inject.teams.filter((t) => (!expectation.teams.length || expectation.teams.includes(t)) && injects.get(inject.id, t)?.state === 'fired');
