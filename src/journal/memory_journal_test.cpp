#include "journal/contract_test_support.h"

namespace bongsu::journal {
namespace {

class MemoryFixture final : public JournalFixture {
 public:
  MemoryFixture() : random_(1), journal_(make_memory_journal(clock, random_)) {}
  Journal& journal() override { return *journal_; }
  bool durable() const override { return false; }
  void reopen() override { FAIL() << "a journal in memory cannot be opened again"; }

 private:
  SeededRandom random_;
  std::unique_ptr<Journal> journal_;
};

INSTANTIATE_TEST_SUITE_P(Memory, JournalContract,
                         testing::Values(ContractBackend{"memory", [] { return std::make_unique<MemoryFixture>(); }}),
                         backend_name);

}  // namespace
}  // namespace bongsu::journal
