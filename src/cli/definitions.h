// The marking definitions of one file, for what bears them.
#pragma once

#include <fmt/format.h>

#include <map>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "stix/object.h"

namespace bongsu::cli {

class Definitions {
 public:
  // kInvalid: another content under an id that is here. Which of two would hold is not for their order to say (R1).
  Result<void> add(const stix::Object& definition, const std::string& file) {
    const auto [known, fresh] = known_.try_emplace(definition.id(), Known{definition.hash(), Json()});
    if (fresh) known->second.json = definition.json();
    if (known->second.hash == definition.hash()) return {};
    return fail(ErrorCode::kInvalid, fmt::format("a second definition of {} with other content", definition.id_text()),
                {.source = file, .field = definition.id_text()});
  }
  // As policy::label_of asks.
  const Json* operator()(const stix::Id& id) const {
    const auto found = known_.find(id);
    return found == known_.end() ? nullptr : &found->second.json;
  }

 private:
  struct Known {
    Sha256 hash;
    Json json;
  };
  std::map<stix::Id, Known> known_;
};

}  // namespace bongsu::cli
