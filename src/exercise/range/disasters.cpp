// Storms, floods and sabotage as outage processes: every minute, each thing within reach fails with the probability that its rate gives.
//
// Rates are ESTIMATES. Storm: overhead lines fail with their length within the radius, kStormRate a kilometre and hour at kStormAt m/s of
// gusts, twice that for each kDoubling m/s more (fragility curves of overhead lines rise about so: Panteli et al. 2017); cables of telecom,
// mostly below the ground, at a tenth of it, tracks (trees) at half; nodes lose their feeder. Flood: sites within the radius, lines not.
// Sabotage: links, tracks and lines within the radius.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "exercise/range/world_impl.h"

namespace bongsu::exercise {
namespace {

constexpr double kStrikes_s = 60;
constexpr double kStormAt = 35, kStormRate = 1e-3, kDoubling = 3, kCables = 0.1, kTracks = 0.5, kFeeder_km = 20;
constexpr double kUsualRadius_km = 60, kUsualGust = 35, kUsualPart = 0.1, kUsual_s = 2 * 3600;
constexpr int kSamples = 16;

Position centre(const Disaster& d, double after_s) {
  for (std::size_t k = 1; k < d.track.size(); ++k) {
    const TrackPoint &a = d.track[k - 1], &b = d.track[k];
    if (after_s < b.after_s) return between(a.at, b.at, b.after_s > a.after_s ? std::max(0.0, after_s - a.after_s) / (b.after_s - a.after_s) : 1);
  }
  return d.track.back().at;
}

// The part of the straight way that lies within the circle, by samples.
double part_within(const Position& a, const Position& b, const Position& middle, double radius_km) {
  int inside = 0;
  for (int k = 0; k < kSamples; ++k) inside += distance_km(between(a, b, (k + 0.5) / kSamples), middle) <= radius_km ? 1 : 0;
  return static_cast<double>(inside) / kSamples;
}

}  // namespace

void World::Impl::let_loose(const WorldOrder& o, const Thing& thing, std::uint64_t cause) {
  Disaster d;
  if (thing.kind == ThingKind::kDisaster) {
    d = setup->config.disasters[thing.index];
  } else {
    d = {.name = thing.name, .track = {{0, thing.at}}, .radius_km = kUsualRadius_km, .lasts_s = kUsual_s};
    d.kind = o.verb == Verb::kStorm ? Disaster::Kind::kStorm : o.verb == Verb::kFlood ? Disaster::Kind::kFlood : Disaster::Kind::kSabotage;
    d.strength = o.verb == Verb::kStorm ? kUsualGust : kUsualPart;
  }
  if (o.value > 0) d.strength = o.value;
  const std::uint64_t id = log.add(now_s, WorldEventKind::kDisaster, thing.name, d.strength, fmt::format("{} at {}", to_string(o.verb), thing.name), cause);
  SeededRandom random(seed);
  const std::uint64_t own = random.next() + ++disasters_begun;  // each has its own sequence
  disasters.push_back({std::move(d), now_s, now_s + kStrikes_s, SeededRandom(own), id});
}

void World::Impl::strike(DisasterUnderWay& one, double at_s) {
  one.next_s = at_s + kStrikes_s;
  const Disaster& d = one.disaster;
  const Position middle = centre(d, at_s - one.began_s);
  const double hours = kStrikes_s / 3600;
  // A draw for each thing with a rate, whatever its state: what one order changes leaves the draws of others alone.
  const auto fails = [&](double per_hour) {
    if (!(per_hour > 0)) return false;
    return static_cast<double>(one.random.next() >> 11) * 0x1p-53 < 1 - std::exp(-per_hour * hours);
  };
  const auto near = [&](const Position& at) { return distance_km(at, middle) <= d.radius_km; };
  const double per_km = kStormRate * std::exp2((d.strength - kStormAt) / kDoubling);
  const bool storm = d.kind == Disaster::Kind::kStorm, flood = d.kind == Disaster::Kind::kFlood;
  const auto way = [&](const Position& a, const Position& b, double km, double storms_part) {
    const double part = part_within(a, b, middle, d.radius_km);
    return storm ? per_km * storms_part * km * part : flood || part == 0 ? 0 : d.strength;
  };
  const power::Network& n = setup->config.power;
  const std::vector<Substation>& substations = setup->config.substations;
  bool changed = false;
  for (std::uint32_t k = 0; k < n.branches.size(); ++k) {
    const std::uint32_t from = substation(n.branches[k].from), to = substation(n.branches[k].to);
    // What begins and ends in one substation is no line; a flood takes it with the substation.
    double rate = 0;
    if (from != to) rate = way(substations[from].at, substations[to].at, distance_km(substations[from].at, substations[to].at), 1);
    if (flood && (near(substations[from].at) || near(substations[to].at))) rate = d.strength;
    if (!fails(rate) || broken[k] != 0) continue;
    const std::string& called = name(ThingKind::kBranch, k);
    break_branch(k, log.add(at_s, WorldEventKind::kBroken, called, 0, fmt::format("{} is broken by {}", called, d.name), one.cause));
    changed = true;
  }
  const telecom::Network& t = setup->config.telecom;
  for (std::uint32_t k = 0; k < t.links.size(); ++k)
    if (fails(way(t.nodes[t.links[k].a].at, t.nodes[t.links[k].b].at, t.links[k].km, kCables)) && telecom.whole(k)) telecom.set_cut(k, true, one.cause);
  for (std::uint32_t i = 0; i < t.nodes.size(); ++i)
    if (!t.nodes[i].own_supply && fails(!near(t.nodes[i].at) ? 0 : storm ? per_km * kFeeder_km : flood ? d.strength : 0) && telecom.switched(i)) telecom.set_switched(i, false, one.cause);
  const rail::Network& r = setup->config.rail;
  for (std::uint32_t k = 0; k < r.segments.size(); ++k) {
    const Position &a = r.stations[r.segments[k].a].at, &b = r.stations[r.segments[k].b].at;
    if (fails(way(a, b, distance_km(a, b), kTracks)) && !rail.cut(k)) rail.set_cut(k, true, one.cause);
  }
  for (std::uint32_t i = 0; i < r.stations.size(); ++i)
    if (fails(flood && near(r.stations[i].at) ? d.strength : 0) && rail.signals(i)) rail.set_switched(i, false, one.cause);
  conclude(changed);
}

}  // namespace bongsu::exercise
