// STIX objects that the desk and scripted teams put into nodes: injects that come by TAXII, findings, warnings. The
// same call gives the same bytes, so an object that is put in twice is there once.
//
//   ObjectMaker maker(scenario.exercise.start, players.exercise());
//   maker.indicator("lt-blue found 7", "[domain-name:value = 'evil.example']", label, {"cert-lt"});
//
// Each call returns the object and the marking definitions that it needs. Members named: released to them alone.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "policy/label.h"

namespace bongsu::desk {

class ObjectMaker {
 public:
  ObjectMaker(Instant start, std::string_view exercise);

  // `name`: what makes it this object and no other.
  std::string id(std::string_view type, std::string_view name) const;
  JsonArray indicator(std::string_view name, const std::string& pattern, const policy::Label& label,
                      const std::set<std::string>& members) const;
  // `type`: note, report, course-of-action, …: what has a text. `about`: ids that it refers to.
  JsonArray text(std::string_view type, std::string_view name, const std::string& title, const std::string& text,
                 const std::vector<std::string>& about, const policy::Label& label,
                 const std::set<std::string>& members, std::int64_t at_ms, const std::vector<std::string>& labels = {},
                 const std::vector<std::string>& authors = {}) const;

 private:
  JsonObject head(std::string_view type, std::string_view name, std::int64_t at_ms) const;
  JsonArray marked(JsonObject object, const policy::Label& label, const std::set<std::string>& members) const;
  Instant start_;
  std::string exercise_;
};

}  // namespace bongsu::desk
