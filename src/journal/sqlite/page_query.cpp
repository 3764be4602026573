#include "journal/sqlite/page_query.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "journal/sqlite/outbox_writer.h"
#include "journal/version_code.h"

namespace bongsu::journal::sqlite {
namespace {

enum Column { kRid, kSeq, kAdded, kType, kObject, kVersion, kForm, kClass, kPayload };
constexpr int kEntryLabel = 10;  // of the statements over entries: see read_connection.cpp

// More ranges than this in one merge, and the types are checked row by row instead.
constexpr std::size_t kMaxCursors = 128;

std::string object_id(ReadConnection& connection, const Statement& row) {
  const std::string& type = connection.dict.text(row.integer(kType));
  const std::string_view object = row.bytes(kObject);
  Uuid uuid;
  if (!row.is_blob(kObject) || object.size() != uuid.bytes.size()) return join_object_id(type, std::nullopt, object);
  std::copy(object.begin(), object.end(), uuid.bytes.begin());
  return join_object_id(type, uuid, {});
}

void add_row(ReadConnection& connection, const Statement& row, PageResult& out) {
  OutboxRow& made = out.page.rows.emplace_back();
  made.pos = pos_of(row.integer(kRid));
  made.seq = static_cast<Seq>(row.integer(kSeq));
  made.added_us = row.integer(kAdded);
  made.object_id = object_id(connection, row);
  const std::string_view code = row.bytes(kVersion);
  const bool unversioned = row.is_null(kForm);
  if (unversioned) {
    made.version = version_text(decode_version_key(code), 6);
  } else if (row.is_integer(kForm)) {
    made.version =
        version_text(decode_version_key(code), static_cast<int>(std::clamp<std::int64_t>(row.integer(kForm), 0, 100)));
  } else {
    made.version = row.bytes(kForm);
  }
  made.spec_version = connection.dict.text(spec_of(row.integer(kClass)));
  made.withdrawn = pick_of(row.integer(kClass)) == kPickWithdrawn;
  RowSource& source = out.sources.emplace_back();
  source.rid = row.integer(kRid);
  if (!row.is_null(kPayload)) source.payload = row.integer(kPayload);
  if (!unversioned) source.version = code;
  source.object_id = made.object_id;
}

// Walks several ordered ranges as one, each row once.
class Merge {
 public:
  void add(Statement& range) {
    ranges_.push_back({&range, 0});
    advance(ranges_.back());
    if (ranges_.back().statement == nullptr) ranges_.pop_back();
  }
  ~Merge() {
    for (const Range& range : ranges_)
      if (range.statement != nullptr) range.statement->reset();
  }
  Merge() = default;
  Merge(const Merge&) = delete;
  Merge& operator=(const Merge&) = delete;

  // The row with the smallest rid after the one returned before; nullptr at the end.
  const Statement* next() {
    if (current_ != 0)
      for (Range& range : ranges_)
        if (range.rid == current_) advance(range);
    std::erase_if(ranges_, [](const Range& range) { return range.statement == nullptr; });
    const auto least = std::ranges::min_element(ranges_, {}, &Range::rid);
    if (least == ranges_.end()) return nullptr;
    current_ = least->rid;
    return least->statement;
  }

 private:
  struct Range {
    Statement* statement;
    std::int64_t rid;
  };
  static void advance(Range& range) {
    if (range.statement->step()) {
      range.rid = range.statement->integer(kRid);
    } else {
      range.statement = nullptr;
    }
  }
  std::vector<Range> ranges_;
  std::int64_t current_ = 0;
};

struct Visible {
  std::int64_t rid = 0, spec = 0;
  std::string version;
};

class Query {
 public:
  Query(ReadConnection& connection, const OutboxQuery& query);
  PageResult run();

 private:
  PageResult by_ids();
  PageResult by_ranges();
  // Which rows of one object the query's versions and spec_versions choose, among all that are visible.
  std::set<std::int64_t> choose(const ObjectKey& object);
  std::vector<std::int64_t> wanted_classes();
  // Whether the reader may see the entry.
  bool sees(std::int64_t seq);
  bool sees_label(std::int64_t label);
  bool wanted_spec(std::int64_t spec) const { return specs_.empty() || specs_.contains(spec); }

  ReadConnection& connection_;
  const OutboxQuery& query_;
  std::size_t limit_;
  std::int64_t after_ = 0;        // rid
  std::set<std::int64_t> types_;  // ids; unknown names are dropped
  std::set<std::int64_t> specs_;
  std::set<std::string> versions_;
  // The reader may not see every label that this journal has: what the rows' classes say of first and last versions is
  // about all of them and does not hold for it.
  bool filtered_ = false;
  std::map<std::int64_t, bool> labels_;  // asked already
};

Query::Query(ReadConnection& connection, const OutboxQuery& query)
    : connection_(connection), query_(query), limit_(std::min(query.limit, kMaxPageRows)) {
  for (const std::string& type : query.types)
    if (const auto id = connection.dict.find(kTypeText, type)) types_.insert(*id);
  for (const std::string& spec : query.spec_versions)
    if (const auto id = connection.dict.find(kSpecText, spec)) specs_.insert(*id);
  if (!query.all)
    for (const std::string& key : query.version_keys) versions_.insert(encode_version_key(key));
  if (query.sees)
    filtered_ = !std::ranges::all_of(connection.dict.all(kLabelText), [&](std::int64_t id) { return sees_label(id); });
}

bool Query::sees_label(std::int64_t label) {
  const auto [at, fresh] = labels_.try_emplace(label);
  if (fresh) at->second = query_.sees(connection_.dict.text(label));
  return at->second;
}

bool Query::sees(std::int64_t seq) {
  if (!filtered_) return true;
  Statement& entry = connection_.entry;
  entry.bind(1, seq);
  const Rows rows(entry);
  return entry.step() && sees_label(entry.integer(kEntryLabel));
}

Pos last_of(ReadConnection& connection, ViewId view) {
  connection.view.bind(1, view);
  const Rows rows(connection.view);
  if (!connection.view.step())
    throw StoreFailure(Error{ErrorCode::kNotFound, fmt::format("there is no view {}", view), {}});
  return static_cast<Pos>(connection.view.integer(0));
}

// date_added grows with the position: a binary search over positions needs no index.
Pos last_added_until(ReadConnection& connection, ViewId view, Pos last, std::int64_t added_us) {
  Pos low = 0, high = last;  // everything up to low was added until then; nothing beyond high was
  while (low < high) {
    const Pos middle = low + (high - low + 1) / 2;
    connection.outbox_row.bind(1, row_id(view, middle));
    const Rows rows(connection.outbox_row);
    if (!connection.outbox_row.step())
      throw StoreFailure(Error{ErrorCode::kCorrupt,
                               fmt::format("position {} of view {} is missing", middle, view),
                               {.source = connection.db.name(), .field = "outbox"}});
    if (connection.outbox_row.integer(kAdded) <= added_us) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

PageResult Query::run() {
  const Pos last = last_of(connection_, query_.view);
  Pos after = std::min(query_.after, last);
  if (query_.added_after_us)
    after = std::max(after, last_added_until(connection_, query_.view, last, *query_.added_after_us));
  after_ = row_id(query_.view, after);
  if (types_.empty() && !query_.types.empty()) return {};
  if (specs_.empty() && !query_.spec_versions.empty()) return {};
  return query_.ids.empty() ? by_ranges() : by_ids();
}

std::set<std::int64_t> Query::choose(const ObjectKey& object) {
  std::vector<Visible> rows;
  {
    Statement& statement = connection_.object_rows;
    statement.bind(1, query_.view);
    bind_object(statement, 2, object);
    Rows read(statement);
    while (read.next())
      if (statement.integer(kType) == object.type && pick_of(statement.integer(kClass)) != kPickWithdrawn &&
          sees(statement.integer(kSeq)))
        rows.push_back(
            {statement.integer(kRid), spec_of(statement.integer(kClass)), std::string(statement.bytes(kVersion))});
  }
  std::set<std::int64_t> chosen;
  // A version that is named exactly is chosen whatever its spec_version, unless that is named too.
  for (const Visible& row : rows)
    if (versions_.contains(row.version) && wanted_spec(row.spec)) chosen.insert(row.rid);
  std::int64_t newest_spec = 0;
  if (specs_.empty() && !rows.empty())
    newest_spec =
        std::ranges::max_element(rows, {}, [&](const Visible& row) { return connection_.dict.text(row.spec); })->spec;
  std::erase_if(
      rows, [&](const Visible& row) { return specs_.empty() ? row.spec != newest_spec : !specs_.contains(row.spec); });
  if (rows.empty()) return chosen;
  if (query_.all)
    for (const Visible& row : rows) chosen.insert(row.rid);
  if (query_.last) chosen.insert(rows.back().rid);
  if (query_.first) chosen.insert(rows.front().rid);
  return chosen;
}

PageResult Query::by_ids() {
  // Rows are gathered object by object; only the smallest that a page can hold are kept.
  std::vector<std::int64_t> found;
  const auto cut = [&] {
    std::ranges::sort(found);
    const auto [first, last] = std::ranges::unique(found);
    found.erase(first, last);
    if (found.size() > limit_ + 1) found.resize(limit_ + 1);
  };
  for (const std::string& id : query_.ids) {
    const ObjectCode code = split_object_id(id);
    const auto type = connection_.dict.find(kTypeText, code.type);
    if (!type || (!types_.empty() && !types_.contains(*type))) continue;
    ObjectKey object{*type, std::string(code.rest), code.uuid.has_value()};
    if (code.uuid) object.object.assign(code.uuid->bytes.begin(), code.uuid->bytes.end());
    for (const std::int64_t rid : choose(object))
      if (rid > after_) found.push_back(rid);
    if (found.size() > 4 * (limit_ + 1)) cut();
  }
  cut();
  PageResult out;
  out.page.more = found.size() > limit_;
  if (out.page.more) found.resize(limit_);
  for (const std::int64_t rid : found) {
    connection_.outbox_row.bind(1, rid);
    const Rows rows(connection_.outbox_row);
    if (connection_.outbox_row.step()) add_row(connection_, connection_.outbox_row, out);
  }
  return out;
}

std::vector<std::int64_t> Query::wanted_classes() {
  std::set<Pick> picks;
  if (query_.all || filtered_) picks = {kMiddle, kPickLast, kPickFirst, kPickOnly, kPickMixed};
  if (query_.last) picks.insert({kPickLast, kPickOnly, kPickMixed});
  if (query_.first) picks.insert({kPickFirst, kPickOnly, kPickMixed});
  std::vector<std::int64_t> classes;
  for (const std::int64_t spec :
       specs_.empty() ? connection_.dict.all(kSpecText) : std::vector(specs_.begin(), specs_.end()))
    for (const Pick pick : picks) classes.push_back(row_class(spec, pick));
  return classes;
}

PageResult Query::by_ranges() {
  const auto classes = wanted_classes();
  const bool types_by_index = !types_.empty() && classes.size() * types_.size() <= kMaxCursors;
  PageResult out;
  std::map<ObjectKey, std::set<std::int64_t>> chosen;  // for objects whose versions are of several spec_versions
  Merge merge;
  std::size_t used = 0;
  for (const std::int64_t wanted : classes) {
    if (!types_by_index) {
      merge.add(connection_.class_cursor(used++).bind(1, query_.view).bind(2, wanted).bind(3, after_));
      continue;
    }
    for (const std::int64_t type : types_)
      merge.add(connection_.type_cursor(used++).bind(1, query_.view).bind(2, wanted).bind(3, after_).bind(4, type));
  }
  used = 0;
  for (const std::string& version : versions_)
    merge.add(connection_.version_cursor(used++).bind(1, query_.view).bind_blob(2, version).bind(3, after_));

  while (const Statement* row = merge.next()) {
    if (!types_.empty() && !types_.contains(row->integer(kType))) continue;
    const Pick pick = pick_of(row->integer(kClass));
    if (pick == kPickWithdrawn || !wanted_spec(spec_of(row->integer(kClass)))) continue;
    if (pick == kPickMixed || filtered_) {
      const ObjectKey object = read_object(*row, kType, kObject);
      auto it = chosen.find(object);
      if (it == chosen.end()) it = chosen.emplace(object, choose(object)).first;
      if (!it->second.contains(row->integer(kRid))) continue;
    }
    if (out.page.rows.size() == limit_) {
      out.page.more = true;
      break;
    }
    add_row(connection_, *row, out);
  }
  return out;
}

}  // namespace

PageResult query_page(ReadConnection& connection, const OutboxQuery& query) { return Query(connection, query).run(); }

PageResult query_tail(ReadConnection& connection, ViewId view, Pos after, std::uint32_t limit) {
  const Pos last = last_of(connection, view);
  const std::size_t most = std::min(limit, kMaxPageRows);
  PageResult out;
  connection.tail.bind(1, row_id(view, std::min(after, last)))
      .bind(2, row_id(view, last))
      .bind(3, static_cast<std::int64_t>(most) + 1);
  Rows rows(connection.tail);
  while (rows.next()) {
    if (out.page.rows.size() == most) {
      out.page.more = true;
      break;
    }
    add_row(connection, connection.tail, out);
  }
  return out;
}

PageResult query_withdrawn(ReadConnection& connection, ViewId view, Pos after, std::uint32_t limit) {
  const Pos last = last_of(connection, view);
  const std::size_t most = std::min(limit, kMaxPageRows);
  PageResult out;
  Merge merge;
  std::size_t used = 0;
  for (const std::int64_t spec : connection.dict.all(kSpecText))
    merge.add(connection.class_cursor(used++)
                  .bind(1, view)
                  .bind(2, row_class(spec, kPickWithdrawn))
                  .bind(3, row_id(view, std::min(after, last))));
  while (const Statement* row = merge.next()) {
    if (out.page.rows.size() == most) {
      out.page.more = true;
      break;
    }
    add_row(connection, *row, out);
  }
  return out;
}

PageResult query_object(ReadConnection& connection, ViewId view, const ObjectKey& object) {
  PageResult out;
  connection.object_rows.bind(1, view);
  bind_object(connection.object_rows, 2, object);
  Rows rows(connection.object_rows);
  while (rows.next())
    if (connection.object_rows.integer(kType) == object.type) add_row(connection, connection.object_rows, out);
  out.sources.clear();
  std::ranges::sort(out.page.rows, {}, &OutboxRow::pos);
  return out;
}

std::uint64_t count_withdrawn(ReadConnection& connection, ViewId view) {
  std::uint64_t out = 0;
  for (const std::int64_t spec : connection.dict.all(kSpecText)) {
    connection.class_count.bind(1, view).bind(2, row_class(spec, kPickWithdrawn));
    const Rows rows(connection.class_count);
    if (connection.class_count.step()) out += static_cast<std::uint64_t>(connection.class_count.integer(0));
  }
  return out;
}

std::optional<RowSource> find_row(ReadConnection& connection, ViewId view, Pos pos) {
  if (view > kMaxView || pos > kMaxPos) return std::nullopt;
  connection.outbox_row.bind(1, row_id(view, pos));
  const Rows rows(connection.outbox_row);
  if (!connection.outbox_row.step()) return std::nullopt;
  PageResult out;
  add_row(connection, connection.outbox_row, out);
  if (out.page.rows.front().withdrawn) return std::nullopt;
  return std::move(out.sources.front());
}

}  // namespace bongsu::journal::sqlite
