#include "cli/policy_commands.h"

#include <fmt/format.h>

#include <functional>

#include "cli/ask.h"
#include "cli/definitions.h"
#include "cli/signed_files.h"
#include "flow/facts.h"
#include "net/http.h"
#include "node/data_dir.h"
#include "policy/charter_state.h"
#include "policy/state_file.h"
#include "policy/trace.h"
#include "stix/bundle_reader.h"

namespace bongsu::cli {
namespace {

int told(const JsonObject& trace, bool explain, bool json, std::FILE* out) {
  const Json value = trace;
  const std::string verdict = text_of(value, "verdict");
  std::string text;
  if (json)
    text = to_pretty_text(value) + "\n";
  else if (explain)
    text = policy::trace_text(trace);
  else
    text = fmt::format("{}: {}\n", verdict, text_of(value.at("reasons").at(0), "sentence"));
  const std::string shown = json ? text : for_terminal(text);
  std::fwrite(shown.data(), 1, shown.size(), out);
  return verdict == "withhold" ? kExitNo : kExitOk;
}

struct Input {
  std::optional<stix::Object> object;       // the first that is no marking definition, or the only one
  Definitions definitions;
};

Result<Input> read_input(const std::string& file) {
  BONGSU_TRY(const std::string text, node::read_small_file(file, stix::kMaxObjectBytes));
  Input out;
  std::optional<stix::Object> first;
  std::optional<Error> error;
  stix::BundleReader reader(file);
  const auto take = [&](stix::BundleItem&& item) {
    if (!item.object) {
      error = item.object.error();
      return false;
    }
    const stix::Object& object = *item.object;
    if (object.type() == "marking-definition") {
      if (auto added = out.definitions.add(object, file); !added) error = std::move(added).error();
    } else if (out.object) {
      error = {ErrorCode::kInvalid,
               fmt::format("a question is about one object, with the marking definitions that it names beside it: {} "
                           "is the first",
                           out.object->id_text()),
               {.source = file, .field = object.id_text()}};
    } else {
      out.object = object;
    }
    if (!first) first = object;
    return !error;
  };
  const auto fed = reader.feed(text, take);
  const auto finished = fed ? reader.finish(take) : fed;
  if (error) return std::unexpected(*error);
  BONGSU_TRY_VOID(finished);
  if (!out.object) out.object = first;
  if (!out.object) return fail(ErrorCode::kInvalid, "holds no STIX object", {.source = file});
  return out;
}

}  // namespace

int decide_on_state_file(const DecideCommand& c, std::FILE* out, std::FILE* err) {
  const auto purpose = policy::parse_purpose(c.purpose);
  if (!purpose)
    return trouble(
        {.code = ErrorCode::kInvalid, .message = "is operations, exercise or crisis", .where = {.field = "--purpose"}},
        c.json, err);
  const auto text = node::read_small_file(c.state, policy::kMaxStateBytes);
  if (!text) return trouble(text.error(), c.json, err);
  auto state = policy::parse_state(*text, c.state);
  if (!state) return trouble(state.error(), c.json, err);
  const auto input = read_input(c.object);
  if (!input) return trouble(input.error(), c.json, err);
  std::optional<Instant> now = SystemClock().now();
  if (!c.at.empty()) now = Instant::parse(c.at);
  if (!now)
    return trouble({.code = ErrorCode::kInvalid,
                    .message = "is a date and time: 2027-01-01T00:00:00Z",
                    .where = {.field = "--at"}},
                   c.json, err);
  policy::end_consents(*state, *now, *purpose == policy::Purpose::kCrisis);
  policy::ObjectFacts facts{
      .object_id = input->object->id_text(),
      .type = input->object->type(),
      .collection = c.collection,
      .origin = c.origin.empty() ? state->self : c.origin,
      .label = policy::label_of(*input->object, std::cref(input->definitions), stix::Tlp::kAmberStrict),
      .sectors = {},
      .sighting_of = {}};
  flow::read_facts(facts, *input->object);
  facts.can_redact = facts.can_redact && c.redact;
  // To who gave what was sighted: nobody, as far as is known here.
  if (flow::flows_back(facts)) facts.sighting_of.emplace();
  return told(policy::trace_json(facts, c.member, policy::decide(facts, c.member, *purpose, *state, *now)), c.explain, c.json, out);
}

int run_policy_decide(const Common& common, const DecideCommand& command) {
  if (!command.state.empty()) {
    DecideCommand c = command;
    c.json = common.json;
    return decide_on_state_file(c, stdout, stderr);
  }
  if (!command.origin.empty() || !command.at.empty() || command.redact)
    return report({.code = ErrorCode::kInvalid,
                   .message = "goes with --state: a node is asked about its own object, as things are now",
                   .where = {.field = !command.origin.empty() ? "--origin"
                                      : !command.at.empty()   ? "--at"
                                                              : "--redact"}},
                  common.json);
  auto object = node::read_small_file(command.object, stix::kMaxObjectBytes);
  if (!object) return report(object.error(), common.json);
  auto client = AdminClient::open(common.data);
  if (!client) return report(client.error(), common.json);
  auto text = client->exchange("POST",
                               fmt::format("/decide?collection={}&member={}&purpose={}", net::percent_encode(command.collection),
                                           net::percent_encode(command.member), net::percent_encode(command.purpose)),
                               std::move(*object), "application/stix+json");
  auto answer = text ? parse_json(*text) : Result<Json>(std::unexpected(text.error()));
  if (!answer) return report(answer.error(), common.json);
  return told(answer->as_object(), command.explain, common.json, stdout);
}

int run_why(const Common& common, const std::string& object, const std::string& member) {
  return ask(common, "GET", fmt::format("/why?object={}&member={}", net::percent_encode(object), net::percent_encode(member)), nullptr, [](const Json& answer) {
    for (const Json& version : answer.at("versions").as_array()) {
      std::string text = policy::trace_text(version.as_object());
      if (const std::string written = text_of(version, "version"); !written.empty()) text += fmt::format("  version                {}\n", written);
      text += fmt::format("  in its outbox now      {}", bool_at(version, "visible_now").value_or(false) ? "yes" : "no");
      say(text + "\n");
    }
  });
}

}  // namespace bongsu::cli
