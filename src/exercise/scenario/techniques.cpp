#include <fmt/format.h>

#include <algorithm>

#include "base/config.h"
#include "base/json.h"
#include "base/text.h"
#include "exercise/scenario/check.h"

namespace bongsu::exercise::scenario {

bool is_technique(std::string_view id) {
  const auto digits = [](std::string_view t) { return std::ranges::all_of(t, is_digit); };
  if (id.size() != 5 && id.size() != 9) return false;
  return id[0] == 'T' && digits(id.substr(1, 4)) && (id.size() == 5 || (id[5] == '.' && digits(id.substr(6))));
}

bool Techniques::covers(std::string_view id) const {
  const auto at = known.lower_bound(id.substr(0, 2));
  return at != known.end() && at->starts_with(id.substr(0, 2));
}

void Techniques::join(Techniques&& other) {
  known.merge(other.known);
  withdrawn.merge(other.withdrawn);
}

Result<Techniques> Techniques::read(std::string_view json, std::string_view source) {
  if (json.size() > kMaxTableBytes)
    return fail(ErrorCode::kTooLarge, fmt::format("a table of techniques has at most {}", size_text(kMaxTableBytes)),
                {.source = std::string(source)});
  BONGSU_TRY(const Json bundle, parse_json(json));
  const Json* objects = bongsu::find(bundle, "objects");
  Techniques out;
  if (objects != nullptr && objects->is_array())
    for (const Json& object : objects->as_array()) {
      if (string_at(object, "type") != "attack-pattern") continue;
      const Json* references = bongsu::find(object, "external_references");
      if (references == nullptr || !references->is_array()) continue;
      const bool gone =
          bool_at(object, "revoked").value_or(false) || bool_at(object, "x_mitre_deprecated").value_or(false);
      for (const Json& reference : references->as_array())
        if (const auto id = string_at(reference, "external_id");
            id && is_technique(*id) && string_at(reference, "source_name") == "mitre-attack")
          (gone ? out.withdrawn : out.known).emplace(*id);
    }
  if (out.known.empty())
    return fail(ErrorCode::kInvalid, "no STIX bundle with ATT&CK's techniques", {.source = std::string(source)});
  return out;
}

}  // namespace bongsu::exercise::scenario
