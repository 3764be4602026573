// Alarms out of what is measured: each begins when something is no longer as it should be, and stays until it is so again and was
// acknowledged. They are the page's own: what an operator at this screen has not seen yet.
import { countryOf } from './words.js';

// {key, thing, text, level: 'bad' | 'busy'} of everything that is wrong at this moment.
export function troubles(plan, range, country) {
  const out = [];
  const add = (thing, what, text, level = 'bad') => out.push({ key: `${thing} ${what}`, thing, text, level });
  const here = (name) => !country || countryOf(name) === country;
  const stations = plan.substations.map(() => ({ live: false, known: true, any: false, low: null }));
  plan.buses.forEach((bus, i) => {
    const [, hz, served, demand, live, topical] = range.buses[i];
    const s = stations[bus.substation];
    s.any = true;
    s.live ||= live !== 0;
    s.known &&= topical !== 0;
    const name = plan.substations[bus.substation].name;
    if (!here(name) || live === 0) return;
    const pu = range.buses[i][0] / bus.kv;
    if (bus.kv && (pu < 0.9 || pu > 1.1)) add(bus.name, 'voltage', `Voltage ${Math.round(pu * 100)} %`, 'busy');
    if (hz !== null && Math.abs(hz - 50) > 0.2) s.low = hz;
    if (demand > 0 && served < demand * 0.995 - 0.05) add(bus.name, 'shed', `Load shed: ${(demand - served).toFixed(0)} of ${demand.toFixed(0)} MW`);
  });
  plan.substations.forEach((station, i) => {
    if (!here(station.name) || !stations[i].any) return;
    if (!stations[i].live) add(station.name, 'dark', 'Substation dark');
    if (!stations[i].known) add(station.name, 'lost', 'No data: circuit down or station silent', 'busy');
    if (stations[i].low !== null) add(station.name, 'hz', `Frequency ${stations[i].low.toFixed(2)} Hz`);
  });
  plan.branches.forEach((branch, i) => {
    const [, loading, on] = range.branches[i];
    if (here(branch.name) && branch.rating_mva > 0 && on !== 0 && loading > 1) add(branch.name, 'over', `Overload ${Math.round(loading * 100)} %`);
    branch.breakers.forEach((name, end) => {
      if (here(name) && range.breakers[i][end] === 0) add(name, 'open', 'Breaker open');
    });
  });
  plan.generators.forEach((g, i) => {
    if (!here(g.name)) return;
    if (range.generators[i][2] === 0) add(g.name, 'off', 'Generator off');
    else if (range.generators[i][3] === 0) add(g.name, 'control', 'Generator out of control', 'busy');
  });
  plan.nodes.forEach((n, i) => {
    if (!here(n.name) || n.cell) return;
    if (range.nodes[i][0] === 0) add(n.name, 'down', 'Telecom node down');
    else if (n.battery_h > 0 && range.nodes[i][1] < n.battery_h - 0.05) add(n.name, 'battery', 'Telecom node on battery', 'busy');
  });
  plan.links.forEach((l, i) => here(l.name) && range.links[i] === 0 && add(l.name, 'cut', 'Telecom link down'));
  plan.circuits.forEach((c, i) => here(c.name) && range.circuits[i] === 0 && add(c.name, 'down', 'Telecontrol circuit down', 'busy'));
  plan.segments.forEach((s, i) => here(s.name) && range.segments[i] === 0 && add(s.name, 'closed', 'Track closed to trains'));
  return out;
}

export class Alarms {
  list = $state.raw([]); // newest first; {…trouble, at_ms, before: it was so already when the page began, gone, seen}
  #began = false;

  update(now, at_ms) {
    const current = new Map(now.map((t) => [t.key, t]));
    const known = new Set(this.list.map((a) => a.key));
    const kept = this.list
      .map((a) => (current.has(a.key) ? { ...a, text: current.get(a.key).text, gone: false, seen: a.gone ? false : a.seen, at_ms: a.gone ? at_ms : a.at_ms, before: a.before && !a.gone } : { ...a, gone: true }))
      .filter((a) => !a.gone || !a.seen);
    const fresh = now.filter((t) => !known.has(t.key)).map((t) => ({ ...t, at_ms, before: !this.#began, gone: false, seen: false }));
    this.#began = true;
    this.list = [...fresh, ...kept].sort((a, b) => b.at_ms - a.at_ms || (a.key < b.key ? -1 : 1));
  }
  acknowledge(keys) {
    this.list = this.list.map((a) => (keys.has(a.key) ? { ...a, seen: true } : a)).filter((a) => !a.gone || !a.seen);
  }
  get unseen() {
    return this.list.filter((a) => !a.seen);
  }
}
