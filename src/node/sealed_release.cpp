#include "node/sealed_release.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "flow/facts.h"
#include "stix/bundle_reader.h"
#include "stix/marking.h"

namespace bongsu::node {
namespace {

// What is said by hand, as markings: of the file itself where it is no STIX.
Result<stix::Object> artifact(Core& core, std::string_view said, const std::string& sha256) {
  JsonArray markings;
  while (!said.empty()) {
    const std::size_t end = std::min(said.find(','), said.size());
    const std::string_view one = said.substr(0, end);
    said.remove_prefix(std::min(end + 1, said.size()));
    if (one.starts_with("marking-definition--")) {
      markings.emplace_back(one);
    } else if (const auto tlp = stix::parse_tlp(one)) {
      markings.emplace_back(stix::tlp_marking_id(*tlp).text());
    } else {
      return fail(ErrorCode::kInvalid,
                  fmt::format("\"{}\" is not understood: a TLP (TLP:AMBER), or the id of a marking definition",
                              one.substr(0, 160)),
                  {.field = "label"});
    }
  }
  JsonObject out{{"type", "artifact"},
                 {"spec_version", "2.1"},
                 {"id", "artifact--" + Uuid::random(core.random).text()},
                 {"hashes", JsonObject{{"SHA-256", sha256}}}};
  if (!markings.empty()) out["object_marking_refs"] = std::move(markings);
  return stix::Object::parse(to_text(out));
}

// The objects in it, if it is STIX.
Result<std::vector<stix::Object>> objects_in(std::string_view content) {
  std::vector<stix::Object> out;
  std::optional<Error> wrong;
  stix::BundleReader reader("the file");
  const auto take = [&](stix::BundleItem&& item) {
    if (item.object)
      out.push_back(std::move(*item.object));
    else if (!wrong)
      wrong = item.object.error();
    return true;
  };
  const auto fed = reader.feed(content, take);
  const auto done = fed ? reader.finish(take) : fed;
  if (out.empty()) return out;  // no STIX
  if (!done) return std::unexpected(done.error());
  if (wrong) return std::unexpected(std::move(*wrong));
  return out;
}

std::unexpected<Error> refused(const policy::ObjectFacts& facts, bool is_stix, const std::string& member,
                               const std::string& why) {
  return fail(ErrorCode::kDenied,
              fmt::format("{} is not sealed to {}: {}", is_stix ? facts.object_id : "the file", member, why),
              {.field = "to"});
}

Result<void> released(Core& core, const policy::ObjectFacts& facts, bool is_stix, const std::string& member) {
  BONGSU_TRY(const auto decision, core.release->decide(facts, member));
  if (decision.verdict == policy::Verdict::kRelease) return {};
  if (decision.verdict == policy::Verdict::kRedact)
    return refused(facts, is_stix, member,
                   "parts of it may not go, and a file goes as it is (`bongsu export --to` leaves them out)");
  std::vector<std::string_view> why;
  for (const policy::Reason reason : decision.reasons) why.push_back(policy::sentence(reason));
  return refused(facts, is_stix, member, fmt::format("{}", fmt::join(why, "; ")));
}

}  // namespace

Result<FileToSeal> file_to_seal(Core& core, std::string_view content, std::string_view said,
                                std::string_view collection) {
  const auto place = core.collections->find(collection);
  if (!place)
    return fail(ErrorCode::kNotFound, fmt::format("there is no collection \"{}\"", collection),
                {.field = "collection"});
  FileToSeal out{.facts = {},
                 .version_keys = {},
                 .label = policy::bottom(),
                 .collection = place->alias,
                 .sha256 = to_hex(sha256(content)),
                 .bytes = content.size()};
  const flow::AdmitContext context{.collection = place->id, .origin = core.config.member, .fallback = place->fallback};
  BONGSU_TRY(const std::vector<stix::Object> objects, objects_in(content));
  BONGSU_TRY(const stix::Object file, artifact(core, said, out.sha256));
  out.is_stix = !objects.empty();
  if (!out.is_stix && said.empty())
    return fail(ErrorCode::kInvalid, "the file bears no markings that can be read: say its label (--label TLP:AMBER)",
                {.field = "label"});
  BONGSU_TRY(policy::ObjectFacts of_file, core.admission->facts_of(file, context));
  for (const stix::Object& object : objects) {
    BONGSU_TRY(policy::ObjectFacts facts, core.admission->facts_of(object, context));
    if (!said.empty()) facts.label = policy::join(facts.label, of_file.label);
    BONGSU_TRY(const auto here, core.lowering->label_here(facts.object_id));
    if (here) {
      if (core.lowering->takes_two(*here, facts.label))
        return fail(ErrorCode::kDenied,
                    fmt::format("{} is not sealed: the file's markings lower the label that it has here, which takes "
                                "two persons; bring that version in first",
                                facts.object_id),
                    {.field = "file"});
      facts.label = policy::join(facts.label, *here);
    }
    out.facts.push_back(std::move(facts));
    out.version_keys.push_back(flow::version_key_of(object));
  }
  if (!out.is_stix) {
    out.facts.push_back(std::move(of_file));
    out.version_keys.emplace_back();
  }
  for (const auto& facts : out.facts) out.label = policy::join(out.label, policy::whole(facts.label));
  return out;
}

Result<void> may_seal(Core& core, const FileToSeal& file, const std::string& member) {
  const auto snapshot = core.journal->snapshot();
  for (std::size_t i = 0; i < file.facts.size(); ++i) {
    const policy::ObjectFacts& facts = file.facts[i];
    BONGSU_TRY_VOID(released(core, facts, file.is_stix, member));
    if (!file.is_stix) continue;
    if (core.recall->barred(facts.object_id, file.version_keys[i]))
      return refused(facts, true, member, "it was recalled or removed by this node: publish a new version");
    BONGSU_TRY(const auto recalled, core.admission->recalled_by(facts.object_id, file.version_keys[i]));
    if (recalled) return refused(facts, true, member, fmt::format("{}, who gave it, recalled it", *recalled));
    BONGSU_TRY(const auto copies, snapshot->versions("", facts.object_id));
    for (const auto& copy : copies) {
      if (copy.erased || copy.origin == core.config.member || copy.origin == member) continue;
      BONGSU_TRY(const auto given, flow::facts_of(copy));
      BONGSU_TRY_VOID(released(core, given, true, member));
    }
  }
  return {};
}

Result<void> may_open(Core& core, std::string_view sender, std::string_view content) {
  const auto objects = objects_in(content);
  if (!objects) return {};
  for (const stix::Object& object : *objects) {
    const std::string id = object.id().text();
    if (core.recall->refuses(sender, id, flow::version_key_of(object), 0))
      return fail(ErrorCode::kDenied,
                  fmt::format("{} recalled {} after it had sealed it: the file is not opened, and its key is destroyed. "
                              "What may be had again comes by the link or with `bongsu import`",
                              sender, id));
  }
  return {};
}

void note_sealed(Core& core, const FileToSeal& file, const std::string& member, journal::Batch& batch) {
  for (std::size_t i = 0; file.is_stix && i < file.facts.size(); ++i)
    core.recall->sealed_by_hand(member, file.facts[i].object_id, file.version_keys[i], batch.states);
  JsonObject note{{"event", "seal.file"},
                  {"member", member},
                  {"at", core.clock.now().text(6)},
                  {"sha256", file.sha256},
                  {"bytes", file.bytes},
                  {"label", file.label.text()},
                  {"handling", link::handling_text(file.label)},
                  {"collection", file.collection},
                  {"decided_by", "policy"}};
  if (file.is_stix) note["objects"] = file.facts.size();
  note["object"] = file.is_stix && file.facts.size() == 1 ? file.facts.front().object_id
                   : file.is_stix                         ? fmt::format("a file of {} objects", file.facts.size())
                                                          : "a file";
  batch.entries.push_back({.kind = journal::EntryKind::kNote,
                           .object_id = "note--" + Uuid::random(core.random).text(),
                           .origin = core.config.member,
                           .payload = to_text(note)});
}

}  // namespace bongsu::node
