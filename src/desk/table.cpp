#include "desk/table.h"

#include <fmt/format.h>

#include <algorithm>

#include "desk/desk_json.h"
#include "exercise/scenario/vocabulary.h"

namespace bongsu::desk {
namespace {

using namespace exercise::drill;
namespace scenario = exercise::scenario;

constexpr std::string_view kAway = "the desk, which was away";

// Whether the clock stands because the desk was away, and for nobody's word.
bool stands_for_absence(const std::vector<Entry>& log) {
  const auto last = std::ranges::find_if(log.rbegin(), log.rend(), [](const Entry& e) {
    return e.kind == Kind::kControl &&
           (e.ref == to_string(Verb::kPause) || e.ref == to_string(Verb::kResume) || e.ref == to_string(Verb::kStart));
  });
  return last != log.rend() && last->ref == to_string(Verb::kPause) && text_in(last->data, "by") == kAway;
}

}  // namespace

Table::Table(const scenario::Scenario& scenario, const Clock& clock)
    : scenario_(scenario), label_(scenario.exercise.label.text()), clock_(clock) {
  for (const scenario::Inject& inject : scenario_.injects) injects_.emplace(inject.id, &inject);
}

Result<std::unique_ptr<Table>> Table::open(const std::filesystem::path& directory, const scenario::Scenario& scenario,
                                           const Settings& settings, RangeMaker make_range, const Clock& clock) {
  std::unique_ptr<Table> table(new Table(scenario, clock));
  const std::filesystem::path path = directory / "drill.ndjson";
  std::error_code ec;
  LogRead read;
  if (std::filesystem::exists(path, ec)) {
    BONGSU_TRY(const std::string text, read_small_file(path, kMaxLogBytes));
    read = read_log(text, path.string());
    // A crash leaves a last line without its end, and nothing else. What is damaged before that was not a crash's
    // doing, and whole entries may lie behind it.
    if (read.trouble && text.find('\n', read.whole_bytes) != std::string::npos) return std::unexpected(*read.trouble);
    if (read.trouble && read.entries.empty())
      return fail(ErrorCode::kCorrupt, "not even the first line is whole: if there was no drill yet, remove the file",
                  {.source = path.string(), .line = 1});
    if (read.trouble) table->mended_ = read.trouble->text();
  }
  BONGSU_TRY(DurableFile file, DurableFile::open(path, read.whole_bytes));
  table->file_.emplace(std::move(file));
  const std::lock_guard lock(table->mutex_);
  if (read.entries.empty()) {
    BONGSU_TRY(Begun begun, Drill::open(table->scenario_, settings, std::move(make_range), clock.now()));
    table->drill_ = std::make_unique<Drill>(std::move(begun.drill));
    BONGSU_TRY_VOID(table->keep(std::move(begun.step)));
    return table;
  }
  table->went_on_ = true;
  BONGSU_TRY(Begun begun, Drill::resume(table->scenario_, std::move(make_range), read.entries));
  table->writer_ = LogWriter(read);
  table->drill_ = std::make_unique<Drill>(std::move(begun.drill));
  table->log_ = std::move(read.entries);
  for (const Entry& entry : table->log_) table->note(entry);
  table->count_again();
  BONGSU_TRY_VOID(table->keep(std::move(begun.step)));
  if (table->drill_->state() != State::kRunning) return table;
  BONGSU_TRY(Step paused,
             table->drill_->take(Control{.verb = Verb::kPause, .by = std::string(kAway)}, table->drill_->last_wall()));
  BONGSU_TRY_VOID(table->keep(std::move(paused)));
  return table;
}

Result<void> Table::come_back() {
  const bool away =
      look([](const Tabled& t) { return t.drill.state() == State::kPaused && stands_for_absence(t.log); });
  if (!away) return {};
  BONGSU_TRY([[maybe_unused]] const auto on, take(Control{.verb = Verb::kResume, .by = std::string(kAway)}));
  return {};
}

Result<void> Table::keep(Step&& step) {
  if (broken_) return std::unexpected(*broken_);
  if (step.entries.empty()) return {};
  std::string lines;
  for (const Entry& entry : step.entries) lines += writer_.line(entry);
  if (auto done = file_->append(lines); !done) {
    broken_ = done.error();
    broken_->message = "the drill's log can't be written, so the drill stands: " + broken_->message;
    return std::unexpected(*broken_);
  }
  const bool jumped = std::ranges::any_of(
      step.entries, [](const Entry& e) { return e.kind == Kind::kControl && e.ref == to_string(Verb::kJumpBack); });
  for (Entry& entry : step.entries) {
    note(entry);
    log_.push_back(std::move(entry));
  }
  if (jumped) count_again();
  return {};
}

void Table::count_again() {
  letters_.clear();
  letter_of_.clear();
  last_complaint_.clear();
  for (const Entry* entry : counting(log_)) note(*entry);
}

void Table::note(const Entry& entry) {
  if (entry.kind == Kind::kComplaint) {
    last_complaint_[entry.team + ' ' + entry.ref] = entry.text;
    return;
  }
  if (entry.kind == Kind::kDelivery) {
    Letter letter;
    letter.seq = entry.seq;
    Delivery& d = letter.delivery;
    d.id = entry.ref;
    d.to = text_in(entry.data, "to");
    if (d.to == entry.team) letter.team = entry.team;  // else to those outside, told with the first team
    d.due_ms = entry.at_ms;
    d.label = label_;
    const std::string channel = text_in(entry.data, "channel");
    for (const auto& [value, word] : scenario::words(scenario::Channel{}))
      if (word == channel) d.via = value;
    if (const std::string service = text_in(entry.data, "complaint"); !service.empty()) {
      const scenario::Service* of = scenario::find(scenario_.services, service);
      d.sender = "users";
      d.subject = of == nullptr || of->name.empty() ? service : of->name;
      d.text = last_complaint_[entry.team + ' ' + service];
    } else if (const auto known = injects_.find(text_in(entry.data, "inject")); known != injects_.end()) {
      const scenario::Inject* inject = known->second;
      d.inject = inject->id;
      d.from = inject->from_entity;
      const Json* number = entry.data.if_contains("number");
      const auto at = number == nullptr ? std::size_t{0} : number->to_number<std::size_t>();
      if (at < inject->deliver.size()) {
        d.roles = inject->deliver[at].roles;
        d.sender = inject->deliver[at].sender;
        d.subject = inject->deliver[at].subject;
        d.text = inject->deliver[at].text;
      }
    }
    letter_of_[d.id] = letters_.size();
    letters_.push_back(std::move(letter));
    return;
  }
  if (entry.kind != Kind::kEvidence) return;
  if (entry.ref != to_string(As::kDelivered) && entry.ref != to_string(As::kAcknowledged)) return;
  const auto evidence = evidence_of(entry);
  if (!evidence) return;
  const auto at = letter_of_.find(evidence->object);
  if (at == letter_of_.end()) return;
  Letter& letter = letters_[at->second];
  if (evidence->as == As::kAcknowledged) {
    if (!letter.read_ms) letter.read_ms = entry.at_ms;
  } else if (!letter.arrived_ms) {
    letter.arrived_ms = entry.at_ms;
    letter.by_way_of = evidence->text;
  }
}

Result<std::uint64_t> Table::take(const Input& input) {
  BONGSU_TRY(auto taken, take_all({&input, 1}));
  return std::move(taken.front());
}

Result<std::vector<Result<std::uint64_t>>> Table::take_all(std::span<const Input> inputs) {
  std::vector<Result<std::uint64_t>> out;
  {
    const std::lock_guard lock(mutex_);
    if (broken_) return std::unexpected(*broken_);
    const Instant now = clock_.now();
    Step all;
    const auto add = [&](Step&& step) { std::ranges::move(step.entries, std::back_inserter(all.entries)); };
    for (const Input& input : inputs) {
      auto step = drill_->take(input, now);
      if (step) {
        out.emplace_back(step->own);
        add(std::move(*step));
      } else {
        // The clock was lived up to now all the same.
        out.emplace_back(std::unexpected(step.error()));
        add(drill_->advance(now));
      }
    }
    BONGSU_TRY_VOID(keep(std::move(all)));
  }
  if (on_change_) on_change_();
  return out;
}

std::uint64_t Table::log_bytes() const {
  const std::lock_guard lock(mutex_);
  return file_->size();
}

Result<bool> Table::advance() {
  bool changed = false, more = false;
  {
    const std::lock_guard lock(mutex_);
    if (broken_) return std::unexpected(*broken_);
    Step step = drill_->advance(clock_.now(), kPieceEntries);
    changed = !step.entries.empty();
    more = drill_->is_behind();
    BONGSU_TRY_VOID(keep(std::move(step)));
  }
  if (changed && on_change_) on_change_();
  return more;
}

std::optional<Instant> Table::next_wake() const {
  const std::lock_guard lock(mutex_);
  return drill_->next_wake();
}

}  // namespace bongsu::desk
