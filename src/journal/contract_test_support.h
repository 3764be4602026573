// The contract of journal.h as tests. A backend gives a factory; the same suite then runs against it:
//
//   INSTANTIATE_TEST_SUITE_P(Sqlite, JournalContract, testing::Values(ContractBackend{"sqlite", make_fixture}),
//   backend_name);
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "journal/journal.h"

namespace bongsu::journal {

class JournalFixture {
 public:
  virtual ~JournalFixture() = default;
  virtual Journal& journal() = 0;
  virtual bool durable() const = 0;
  virtual void reopen() = 0;  // closes and opens again; only when durable
  FakeClock clock;
};

struct ContractBackend {
  std::string name;
  std::function<std::unique_ptr<JournalFixture>()> make;
};
inline std::string backend_name(const testing::TestParamInfo<ContractBackend>& info) { return info.param.name; }

class JournalContract : public testing::TestWithParam<ContractBackend> {
 protected:
  JournalContract() : fixture_(GetParam().make()) {}
  Journal& journal() { return fixture_->journal(); }

  // A view of the collection, made under the current epoch.
  ViewId view(const std::string& collection, const std::string& key = "k");
  Receipt append(Batch batch);  // fills the epoch in; fails the test when refused
  AppendedEntry admit(const NewEntry& entry);
  std::vector<OutboxRow> rows(const OutboxQuery& query);
  std::vector<Pos> positions(const OutboxQuery& query);

  std::unique_ptr<JournalFixture> fixture_;
};

// Test objects: object n of a type, version v (seconds), or without version when v < 0.
std::string test_id(const std::string& type, unsigned n);
NewEntry test_object(const std::string& id, int version, std::vector<ViewId> views = {},
                     const std::string& collection = "c1");

// Two journals, the same operations at random; every answer must be the same. `operations` of them.
void run_differential(Journal& a, Journal& b, std::uint64_t seed, unsigned operations);

std::string describe(const Entry& entry);
std::string describe(const OutboxPage& page);

}  // namespace bongsu::journal
