// Scenarios made up at random: every member of every part, by the declaration in fields.h. Their form is good, their
// sense is none.
#pragma once

#include "base/random.h"
#include "exercise/scenario/fields.h"
#include "exercise/scenario/vocabulary.h"

namespace bongsu::exercise::scenario {

class RandomScenario {
 public:
  explicit RandomScenario(std::uint64_t seed) : random_(seed) {}
  Scenario make() {
    Scenario s;
    fill(s);
    return s;
  }
  std::string text() {
    std::string out;
    fill(out);
    return out;
  }

 private:
  template <class T>
  struct Filler {
    RandomScenario& maker;
    T& object;
    template <class M>
    void field(std::string_view, M T::* member, Need need) {
      if (need == Need::kRequired || maker.random_.below(3) != 0) maker.fill(object.*member);
    }
  };
  template <class T>
  void fill(T& block) {
    Filler<T> filler{*this, block};
    fields(filler, std::type_identity<T>());
  }
  std::string id() {
    std::string out(1, static_cast<char>('a' + random_.below(26)));
    for (std::uint64_t n = 4 + random_.below(8); n > 0; --n) out += "abcxyz019-_"[random_.below(11)];
    return out;
  }
  void fill(std::string& text) {
    static constexpr const char* kPieces[] = {"a",
                                              "Breaker CB-1",
                                              ": ",
                                              "#",
                                              " ",
                                              "\n",
                                              "\n\n",
                                              "  ",
                                              "'",
                                              "\"",
                                              "\\",
                                              "-",
                                              "- x",
                                              "{",
                                              "]",
                                              ",",
                                              "&a",
                                              "*a",
                                              "!t",
                                              "|",
                                              ">",
                                              "%",
                                              "@",
                                              "`",
                                              "true",
                                              "null",
                                              "~",
                                              "0x10",
                                              "1e3",
                                              "2027-01-19T07:00:00Z",
                                              "é",
                                              "Šiauliai",
                                              "Київ",
                                              "서울",
                                              "🚆",
                                              "\t",
                                              "\r",
                                              "\x01",
                                              "\x7f",
                                              "\xc2\x85",
                                              "\xe2\x80\xa8",
                                              "\xef\xbb\xbf",
                                              "\xc2\xa0",
                                              "?",
                                              "yes",
                                              "---",
                                              "...",
                                              "=",
                                              "<<"};
    text.clear();
    for (std::uint64_t n = random_.below(6); n > 0; --n) text += kPieces[random_.below(std::size(kPieces))];
  }
  void fill(bool& value) { value = random_.below(2) == 1; }
  void fill(std::uint32_t& value) {
    value = static_cast<std::uint32_t>(random_.below(1ULL << (1 + random_.below(32))));
  }
  void fill(std::uint64_t& value) { value = random_.next() >> random_.below(64); }
  void fill(double& value) {
    value = (static_cast<double>(random_.below(2'000'001)) - 1e6) / static_cast<double>(1 + random_.below(1000));
    if (random_.below(10) == 0) value *= 1e200;
  }
  void fill(Duration& value) { value = Duration(static_cast<std::int64_t>(random_.below(1ULL << random_.below(34)))); }
  void fill(Instant& value) {
    value.seconds = static_cast<std::int64_t>(random_.below(4'000'000'000));
    value.nanos = random_.below(2) == 0 ? 0 : static_cast<std::int32_t>(random_.below(1'000'000'000));
  }
  void fill(policy::Label& label) {
    label = {.tlp = static_cast<stix::Tlp>(random_.below(5)), .marked = random_.below(2) == 0};
    if (random_.below(3) == 0) label.releasable_to = {"cert-lt", "cert-ua"};
  }
  template <class E>
    requires std::is_enum_v<E>
  void fill(E& value) {
    const auto all = words(E{});
    value = all[random_.below(all.size())].value;
  }
  template <class T>
  void fill(std::optional<T>& value) {
    fill(value.emplace());
  }
  void fill(std::map<std::string, std::string>& texts) {
    for (std::uint64_t n = random_.below(3); n > 0; --n) fill(texts[id()]);
  }
  void fill(std::vector<EventTime>& times) {
    for (std::uint64_t n = random_.below(3); n > 0; --n) fill(times.emplace_back(EventTime{id(), {}}).at);
    // The text form is a map: one time for each.
    std::set<std::string> seen;
    std::erase_if(times, [&](const EventTime& t) { return !seen.insert(t.event).second; });
  }
  void fill(MinScore& score) {
    fill(score.percentage);
    fill(score.value);
  }
  template <class T>
  void fill(std::vector<T>& things) {
    std::set<std::string> seen;
    for (std::uint64_t n = random_.below(4); n > 0; --n) {
      T thing;
      fill(thing);
      if constexpr (kNamed<T>) {
        thing.id = id();
        if constexpr (std::is_same_v<T, Entity>)  // now and then within the last one
          if (!things.empty() && random_.below(2) == 0) thing.id = things.back().id + "." + thing.id;
        if (!seen.insert(thing.id).second) continue;
      }
      things.push_back(std::move(thing));
    }
  }

  SeededRandom random_;
};

}  // namespace bongsu::exercise::scenario
