// A single-line diagram out of a range's plan: substations about where they are on the map, pushed apart until none covers another;
// in each its bus bars, highest voltage first, with transformers between them; lines with a breaker at each end.
import { countryOf } from './words.js';

const BAR_GAP = 52;    // between the bars of a substation
const SLOT = 22;       // between two connections of a bar
const STUB = 20;       // beyond the outer bars, with the breakers
const HEAD = 18;
const LINE = 12;       // of text
const FOOT = 12;
const LEAST_W = 96;
const SIDE = 80;       // beside the bars, for what is measured and hangs on them
const FILLED = 0.4;    // of the picture by substations, about
const WIDE = 1.3;      // its width by its height
const EVEN = 0.6;      // how far places are evened out: 0 as on the map, 1 by their order alone
const MARGIN = 30;
const ROUNDS = 400;

export const MOST_SHOWN = 60; // substations that can be read at once

export const voltages = (plan, country) =>
  [...new Set(plan.buses.filter((b) => !country || countryOf(plan.substations[b.substation].name) === country).map((b) => b.kv))].sort((a, b) => a - b);

// The lowest voltage from which on a country fits one picture.
export function fittingVoltage(plan, country) {
  for (const kv of voltages(plan, country)) if (chosen(plan, country, kv).size <= MOST_SHOWN) return kv;
  return voltages(plan, country).at(-1) ?? 0;
}
// Substations that these things stand in, and their neighbours: what there is to look at when a country is too much.
export function around(plan, things) {
  const named = new Map(plan.substations.map((s, i) => [s.name, i]));
  plan.buses.forEach((bus) => named.set(bus.name, bus.substation));
  plan.generators.forEach((g) => named.set(g.name, plan.buses[g.bus].substation));
  const ends = plan.branches.map((b) => [plan.buses[b.from].substation, plan.buses[b.to].substation]);
  plan.branches.forEach((b, i) => {
    named.set(b.name, ends[i][0]);
    b.breakers.forEach((name, end) => named.set(name, ends[i][end]));
  });
  const middle = new Set([...things].map((name) => named.get(name)).filter((s) => s !== undefined));
  const out = new Set(middle);
  for (const [a, b] of ends) {
    if (out.size >= MOST_SHOWN) break;
    if (middle.has(a)) out.add(b);
    if (middle.has(b)) out.add(a);
  }
  return out;
}

function chosen(plan, country, leastKv) {
  return new Set(plan.buses.filter((b) => b.kv >= leastKv && (!country || countryOf(plan.substations[b.substation].name) === country)).map((b) => b.substation));
}

// `only`: these substations with all their voltages, instead of a country's from `leastKv` on.
export function layOut(plan, country, leastKv, only = null) {
  const shown = only ?? chosen(plan, country, leastKv);
  const stations = new Map();
  for (const s of shown) stations.set(s, { index: s, name: plan.substations[s].name, at: plan.substations[s], bars: [], transformers: [] });
  const bars = new Map();
  plan.buses.forEach((bus, i) => {
    if (!shown.has(bus.substation) || (!only && bus.kv < leastKv)) return;
    const bar = { bus: i, kv: bus.kv, up: [], down: [], generators: [], transformers: [] };
    bars.set(i, bar);
    stations.get(bus.substation).bars.push(bar);
  });
  plan.generators.forEach((g, i) => bars.get(g.bus)?.generators.push(i));
  for (const s of stations.values()) s.bars.sort((a, b) => b.kv - a.kv || a.bus - b.bus);

  const middle = [...stations.values()].reduce((m, s) => [m[0] + s.at.lat / stations.size, m[1] + s.at.lon / stations.size], [0, 0]);
  const perLon = 111.32 * Math.cos((middle[0] * Math.PI) / 180);
  for (const s of stations.values()) {
    s.x = (s.at.lon - middle[1]) * perLon;
    s.y = (middle[0] - s.at.lat) * 111.32;
  }

  // Which way a line leaves its bar: the top bar's upwards, the lowest's downwards; a bar alone as the other end lies.
  const lines = [];
  plan.branches.forEach((branch, i) => {
    const from = bars.get(branch.from), to = bars.get(branch.to);
    if (!from && !to) return;
    const a = stations.get(plan.buses[branch.from].substation), b = stations.get(plan.buses[branch.to].substation);
    if (a && a === b) {
      if (from && to) a.transformers.push({ branch: i, from, to });
      return;
    }
    const line = { branch: i, ends: [] };
    for (const [bar, station, other] of [[from, a, b], [to, b, a]]) {
      if (!bar) {
        line.ends.push(null);
        continue;
      }
      const alone = station.bars.length === 1;
      const upwards = alone ? (other ? other.y < station.y : true) : bar === station.bars[0];
      const end = { line, bar, station, other, upwards };
      (upwards ? bar.up : bar.down).push(end);
      line.ends.push(end);
    }
    if (line.ends[0] && line.ends[1]) lines.push(line);
    else if (line.ends[0] || line.ends[1]) lines.push({ ...line, abroad: plan.substations[plan.buses[line.ends[0] ? branch.to : branch.from].substation].name });
  });

  for (const s of stations.values()) {
    for (const t of s.transformers) {
      t.from.transformers.push(t);
      if (t.to !== t.from) t.to.transformers.push(t);
    }
    const most = Math.max(1, ...s.bars.map((b) => Math.max(b.up.length, b.down.length)), s.transformers.length);
    s.w = Math.max(LEAST_W, most * SLOT + 16) + SIDE;
    s.barW = s.w - SIDE;
    // What hangs on a bar is written below its end.
    const room = (bar) => 24 + LINE * bar.generators.length;
    s.gap = Math.max(BAR_GAP, ...s.bars.slice(0, -1).map(room));
    s.h = HEAD + STUB + (s.bars.length - 1) * s.gap + Math.max(STUB + FOOT, room(s.bars.at(-1)));
  }
  // Kilometres become units of the picture: room for lines and not much more, and towns that lie close together drawn apart.
  const of = [...stations.values()];
  const area = of.reduce((sum, s) => sum + s.w * s.h, 0) / FILLED;
  for (const [key, size] of [['x', Math.sqrt(area * WIDE)], ['y', Math.sqrt(area / WIDE)]]) {
    const order = [...of].sort((a, b) => a[key] - b[key]);
    const low = order[0]?.[key], extent = Math.max(1e-9, order.at(-1)?.[key] - low);
    const places = order.map((s, i) => ((1 - EVEN) * (s[key] - low)) / extent + (EVEN * i) / Math.max(1, order.length - 1));
    order.forEach((s, i) => (s[key] = places[i] * size));
  }
  pushApart(of);

  for (const s of stations.values()) {
    s.left = s.x - s.w / 2;
    s.top = s.y - s.h / 2;
    s.bars.forEach((bar, i) => {
      bar.y = s.top + HEAD + STUB + i * s.gap;
      bar.x1 = s.left + 8;
      bar.x2 = bar.x1 + s.barW;
    });
    // Connections in the order in which their other ends lie, so that lines of one bar do not cross.
    for (const bar of s.bars)
      for (const side of ['up', 'down']) {
        const ends = bar[side].sort((p, q) => towards(p) - towards(q));
        ends.forEach((end, i) => (end.x = bar.x1 + ((i + 0.5) * s.barW) / ends.length));
      }
    s.transformers.forEach((t, i) => {
      t.x = s.left + 8 + ((i + 0.5) * s.barW) / s.transformers.length;
      t.y1 = Math.min(t.from.y, t.to.y);
      t.y2 = Math.max(t.from.y, t.to.y);
      t.top = t.from.y <= t.to.y ? 0 : 1; // which of its ends is the upper one
    });
  }
  for (const line of lines)
    for (const end of line.ends) {
      if (!end) continue;
      const way = end.upwards ? -1 : 1;
      end.breaker = { x: end.x, y: end.bar.y + way * 11 };
      const s = end.station;
      end.out = { x: end.x, y: end.upwards ? s.top - 8 : s.top + s.h + 8 };
      // Around its own box where the other end lies behind it.
      const other = end.other;
      const behind = other && (end.upwards ? other.top > s.top + s.h * 0.5 : other.top + other.h < s.top + s.h * 0.5);
      end.way = [[end.x, end.bar.y], [end.x, end.out.y]];
      if (behind) {
        const x = other.x >= s.x ? s.left + s.w + 8 : s.left - 8;
        end.way.push([x, end.out.y], [x, end.upwards ? s.top + s.h + 8 : s.top - 8]);
      }
    }
  for (const line of lines) {
    const [a, b] = line.ends;
    if (!a || !b) continue;
    line.path = [...a.way, ...b.way.toReversed()];
    line.middle = [a.way.at(-1), b.way.at(-1)]; // the open stretch, where its flow is written
  }
  const all = [...stations.values()];
  const box = all.length
    ? [Math.min(...all.map((s) => s.left)) - MARGIN, Math.min(...all.map((s) => s.top)) - MARGIN, Math.max(...all.map((s) => s.left + s.w)) + MARGIN, Math.max(...all.map((s) => s.top + s.h)) + MARGIN]
    : [0, 0, 100, 100];
  return { stations: all, lines, box };
}

const towards = (end) => (end.other ? Math.atan2(end.other.x - end.station.x, Math.abs(end.other.y - end.station.y) + 1) : 0);

// Rectangles that overlap move away from each other along the shorter way.
function pushApart(all) {
  const gap = 40;
  for (let round = 0; round < ROUNDS; round += 1) {
    let moved = false;
    for (let i = 0; i < all.length; i += 1)
      for (let k = i + 1; k < all.length; k += 1) {
        const a = all[i], b = all[k];
        const overX = (a.w + b.w) / 2 + gap - Math.abs(a.x - b.x), overY = (a.h + b.h) / 2 + gap - Math.abs(a.y - b.y);
        if (overX <= 0 || overY <= 0) continue;
        moved = true;
        if (overX < overY) {
          const by = (a.x <= b.x ? 1 : -1) * (overX / 2 + 0.5);
          a.x -= by;
          b.x += by;
        } else {
          const by = (a.y <= b.y ? 1 : -1) * (overY / 2 + 0.5);
          a.y -= by;
          b.y += by;
        }
      }
    if (!moved) return;
  }
}
