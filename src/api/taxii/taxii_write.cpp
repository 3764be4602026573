// Writing: adding objects and deleting them (TAXII 2.1 §5.5, §5.7).
#include <fmt/format.h>

#include <span>
#include <utility>
#include <vector>

#include "api/taxii/negotiation.h"
#include "api/taxii/taxii_parts.h"
#include "base/json.h"
#include "base/uuid.h"
#include "stix/envelope.h"

namespace bongsu::api {
namespace {

// An envelope is admitted in parts of this size, each one commit, so that the largest POST needs bounded memory.
constexpr std::size_t kPartObjects = 5000;
constexpr std::size_t kPartBytes = 32 * 1024 * 1024;
constexpr std::uint32_t kDeletePage = 1000;
constexpr std::size_t kMaxMessageBytes = 500;

std::string one_line(const std::vector<stix::Finding>& findings) {
  std::string out;
  for (const auto& finding : findings) {
    if (finding.severity != stix::Severity::kError) continue;
    if (!out.empty()) out.append("; ");
    out.append(finding.property).append(finding.property.empty() ? "" : ": ").append(finding.rule);
    if (!finding.section.empty()) out.append(" (").append(finding.section).append(")");
    if (out.size() > kMaxMessageBytes) {
      out.append("; …");
      break;
    }
  }
  return out;
}

// Whether a stored version and one that came again under its id and version say the same, only written differently.
// "Exact duplicate of an Object" (§5.5) is a matter of the object, not of its white space.
bool same_object(journal::Snapshot& snapshot, journal::Seq seq, std::string_view bytes) {
  const auto stored = snapshot.payload(seq);
  if (!stored) return false;
  const auto a = parse_json(*stored), b = parse_json(bytes);
  if (!a || !b) return false;
  const auto left = to_canonical_text(*a), right = to_canonical_text(*b);
  return left && right && *left == *right;
}

// Takes elements of an envelope, admits them part by part, and remembers what became of each.
class Intake {
 public:
  Intake(TaxiiParts& parts, flow::AdmitContext context, Instant requested)
      : parts_(parts), context_(std::move(context)), requested_(requested) {
    status_.id = Uuid::random(parts.deps.random).text();
    status_.requested = requested;
  }

  void take(std::string_view element) {
    objects_.push_back(stix::Object::parse(element));
    if (!objects_.back())
      raw_.emplace_back(element);
    else
      raw_.emplace_back();
    bytes_ += element.size();
    if (objects_.size() >= kPartObjects || bytes_ >= kPartBytes) admit_part();
  }

  void admit_part() {
    if (objects_.empty()) return;
    auto report = parts_.deps.admission.admit(objects_, context_);
    if (!report) {
      if (!failure_) failure_ = report.error();
      for (std::size_t i = 0; i < objects_.size(); ++i)
        refuse(i, "was not stored: the node could not write; send it again later");
    } else {
      any_stored_ = true;
      for (std::size_t i = 0; i < objects_.size() && i < report->items.size(); ++i) record(i, report->items[i]);
    }
    objects_.clear();
    raw_.clear();
    bytes_ = 0;
    snapshot_.reset();  // the next part may meet what this one stored
    reading_.reset();
  }

  // Set when nothing at all could be written: then the request as a whole failed.
  const Error* whole_failure() const { return failure_ && !any_stored_ ? &*failure_ : nullptr; }
  const Status& status() const { return status_; }

 private:
  void record(std::size_t i, const flow::AdmitItem& item) {
    using Outcome = flow::AdmitItem::Outcome;
    // What is held in quarantine looks as the sender may be told.
    switch (item.told) {
      case Outcome::kNew:
      case Outcome::kReplaced:
        status_.successes.push_back({.id = item.id, .version = version_shown(i, item), .message = {}});
        return;
      case Outcome::kDuplicate:
        status_.successes.push_back({.id = item.id, .version = version_shown(i, item), .message = "was here already"});
        return;
      case Outcome::kOtherBytes:
        if (!snapshot_) snapshot_ = parts_.deps.journal.snapshot();
        if (objects_[i] && !item.unseen && same_object(*snapshot_, item.seq, objects_[i]->bytes()))
          status_.successes.push_back(
              {.id = item.id, .version = item.version, .message = "was here already, written differently"});
        else
          status_.failures.push_back({.id = item.id,
                                      .version = item.version.empty() ? version_of(i) : version_shown(i, item),
                                      .message = "this version is here with other content, which stays; a change "
                                                 "needs a new modified timestamp (STIX 2.1 §3.6)"});
        return;
      case Outcome::kQuarantined:
      case Outcome::kRefused: {
        std::string message = one_line(item.findings);
        if (message.empty()) message = item.message;
        refuse(i, message.empty() ? "was refused" : std::move(message), item.id);
        return;
      }
    }
  }

  void refuse(std::size_t i, std::string message, std::string id = {}) {
    if (objects_[i])
      id = objects_[i]->id_text();
    else if (id.empty())
      id = raw_id(i);
    status_.failures.push_back({.id = std::move(id), .version = version_of(i), .message = std::move(message)});
  }

  // The id as far as it can be read; a place in the request where there is none.
  std::string raw_id(std::size_t i) const {
    const auto json = parse_json(raw_[i]);
    const auto id = json ? string_at(*json, "id") : std::nullopt;
    if (id && !id->empty() && id->size() <= kMaxMessageBytes) return std::string(*id);
    return fmt::format("objects[{}]", status_.successes.size() + status_.failures.size());
  }

  // An object without a version has the date at which it came into the asker's view. The node's own date would tell what
  // else came in that microsecond; what the asker does not see has the time of the request (§4.3.1).
  std::string version_shown(std::size_t i, const flow::AdmitItem& item) {
    if (!objects_[i] || objects_[i]->version() != nullptr) return item.version;
    if (!reading_) reading_ = parts_.deps.release.open(context_.origin, context_.collection);
    if (const auto& reading = *reading_)
      if (const auto page =
              reading->snapshot->page({.view = reading->view, .ids = {item.id}, .last = false, .all = true}))
        for (const auto& row : page->rows)
          if (row.seq == item.seq) return row.version;
    return requested_.text(6);
  }

  // §4.3.1: modified, else created, else what is consistent to the server: the time of the request.
  std::string version_of(std::size_t i) const {
    if (objects_[i])
      if (const auto* version = objects_[i]->version()) return version->text();
    return requested_.text(6);
  }

  TaxiiParts& parts_;
  flow::AdmitContext context_;
  Instant requested_;
  Status status_;
  std::vector<Result<stix::Object>> objects_;
  std::vector<std::string> raw_;  // of those that could not be parsed
  std::size_t bytes_ = 0;
  std::unique_ptr<journal::Snapshot> snapshot_;
  std::optional<Result<flow::Reading>> reading_;  // what the asker sees of this part
  std::optional<Error> failure_;
  bool any_stored_ = false;
};

// TLP:RED without names that a person of this node brings in is that person's; another member's is nobody's here.
std::set<std::string> own_person(const TaxiiParts& parts, const identity::Principal& asker) {
  const auto state = parts.deps.release.state();
  if (asker.person.empty() || state == nullptr || asker.member != state->self) return {};
  return {asker.member + '/' + asker.person};
}

net::Response unprocessable(const Error& error) {  // §5.5: "when sending a malformed body"
  return taxii_error(422, "Unprocessable Entity", "The body is not a TAXII envelope: " + error.text());
}

// The body is checked as a whole before anything of it is stored. Gives the objects as slices of it.
Result<std::vector<std::string_view>> elements_of(std::string_view body) {
  std::vector<std::string_view> elements;
  const auto frame = stix::read_envelope(body, [&](std::string_view element) {
    if (elements.size() == kMaxObjectsInEnvelope) return false;
    elements.push_back(element);
    return true;
  });
  if (!frame && frame.error().code == ErrorCode::kCancelled)
    return fail(ErrorCode::kTooLarge, fmt::format("at most {} objects in one envelope", kMaxObjectsInEnvelope));
  if (!frame) return std::unexpected(frame.error());
  if (elements.empty())
    return fail(ErrorCode::kInvalid, "an envelope to add has at least one object (TAXII 2.1 §2: no empty lists)",
                {.field = "objects"});
  return elements;
}

}  // namespace

net::Response post_objects(TaxiiParts& parts, const identity::Principal& asker, const Route& route,
                           const net::Request& request) {
  const auto access = access_to(parts, asker, route.collection);
  if (!access) return taxii_not_found("collection");
  if (!access->can_write) return taxii_error(403, "Forbidden", "This account may not add objects to this collection.");
  if (!has_taxii_content(request.headers)) {
    auto response =
        taxii_error(415, "Unsupported Media Type", fmt::format("Send objects as {}, not compressed.", kTaxiiMediaType));
    response.headers.add("Accept-Post", std::string(kTaxiiMediaType));
    return response;
  }
  if (request.body.size() > parts.options.max_content_length)
    return taxii_error(413, "Content Too Large",
                       fmt::format("A request has at most {} octets.", parts.options.max_content_length));
  const auto elements = elements_of(request.body);
  if (!elements) return unprocessable(elements.error());

  Intake intake(parts,
                {.collection = access->collection.id,
                 .origin = asker.member,
                 .fallback = access->collection.fallback,
                 .states = {},
                 .persons = own_person(parts, asker),
                 .by = asker.account,
                 .why = "sent over TAXII"},
                parts.deps.clock.now());
  for (const std::string_view element : *elements) intake.take(element);
  intake.admit_part();
  if (const Error* error = intake.whole_failure()) return taxii_failure(parts, *error, "adding objects");

  const Status& status = intake.status();
  std::string body = status.json();
  // The objects are durable whatever becomes of the status: a client that cannot find it later has the answer in hand.
  parts.statuses->add(owner_name(asker), status.id, body, status.requested);
  parts.deps.log.info("taxii.post", {{"account", asker.account},
                                     {"collection", access->collection.id},
                                     {"status", status.id},
                                     {"accepted", std::to_string(status.successes.size())},
                                     {"refused", std::to_string(status.failures.size())}});
  return taxii_ok(202, std::move(body));
}

namespace {

// The versions of the object in the asker's view that a deletion means, all if no version is named.
Result<std::vector<journal::OutboxRow>> rows_to_delete(flow::Reading& reading, const std::string& object_id,
                                                       const Filters& filters,
                                                       std::function<bool(const std::string&)> sees) {
  journal::OutboxQuery query;
  query.view = reading.view;
  query.ids = {object_id};
  query.spec_versions = filters.spec_versions;
  query.all = filters.all || !filters.version_given;
  query.first = filters.first;
  query.last = filters.last;
  query.version_keys = filters.version_keys;
  query.limit = kDeletePage;
  query.sees = std::move(sees);
  std::vector<journal::OutboxRow> rows;
  for (bool more = true; more;) {
    BONGSU_TRY(auto page, reading.snapshot->page(query));
    more = page.more && !page.rows.empty();
    if (more) query.after = page.rows.back().pos;
    std::ranges::move(page.rows, std::back_inserter(rows));
  }
  return rows;
}

// Whether every version of the object is meant, and `seen`, those that the asker sees, is all of them: what the account
// may not see stays.
Result<bool> is_whole(flow::Reading& reading, const std::string& object_id, const Filters& filters,
                      const std::vector<journal::OutboxRow>& seen, bool sees_all) {
  if (!filters.spec_versions.empty() || (!filters.all && filters.version_given)) return false;
  if (sees_all) return true;
  BONGSU_TRY(const auto all, rows_to_delete(reading, object_id, filters, {}));
  return all.size() == seen.size();
}

Result<void> remove_rows(TaxiiParts& parts, journal::Snapshot& snapshot, const Access& access,
                         const std::string& object_id, const std::vector<journal::OutboxRow>& rows, bool whole,
                         const std::string& origin) {
  auto& admission = parts.deps.admission;
  if (whole) return admission.remove(access.collection.id, object_id, "", origin);  // one commit
  for (const auto& row : rows) {
    BONGSU_TRY(const auto entry, snapshot.entry(row.seq));
    std::string key = entry.version_key;
    if (key.empty()) {  // an object without versions: its date_added is one
      const auto version = stix::Timestamp::parse(Instant::from_micros(entry.added_us).text(6));
      if (version) key = version->key();
    }
    const auto removed = admission.remove(access.collection.id, object_id, key, origin);
    if (!removed && removed.error().code != ErrorCode::kNotFound) return removed;  // somebody else was faster
  }
  return {};
}

}  // namespace

net::Response delete_object(TaxiiParts& parts, const identity::Principal& asker, const Route& route,
                            const net::Request& request) {
  const auto access = access_to(parts, asker, route.collection);
  if (!access) return taxii_not_found("collection");
  if (!access->can_read || !access->can_write)
    return taxii_error(403, "Forbidden", "Deleting needs the right to read and to write this collection.");
  const auto filters = parse_filters(request.query, route.endpoint, true);
  if (!filters) return taxii_failure(parts, filters.error(), "reading filters");

  auto reading = parts.deps.release.open(asker.member, access->collection.id);
  if (!reading) return taxii_failure(parts, reading.error(), "opening a view");
  const auto sees = sees_of(parts, asker);
  const auto rows = rows_to_delete(*reading, route.object_id, *filters, sees);
  if (!rows) return taxii_failure(parts, rows.error(), "looking for an object");
  if (rows->empty()) return taxii_not_found("object");
  const auto whole = is_whole(*reading, route.object_id, *filters, *rows, sees == nullptr);
  if (!whole) return taxii_failure(parts, whole.error(), "looking for an object");
  const auto removed = remove_rows(parts, *reading->snapshot, *access, route.object_id, *rows, *whole, asker.member);
  if (!removed && removed.error().code != ErrorCode::kNotFound)
    return taxii_failure(parts, removed.error(), "deleting an object");
  parts.deps.log.info("taxii.delete", {{"account", asker.account},
                                       {"collection", access->collection.id},
                                       {"object", route.object_id},
                                       {"versions", std::to_string(rows->size())}});
  return taxii_ok(200, "");
}

}  // namespace bongsu::api
