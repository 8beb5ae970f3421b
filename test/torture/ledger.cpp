#include "test/torture/ledger.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "test/torture/failing_heap.h"

namespace caveat::test {

namespace {

std::vector<ExceptionRecord> records_of(const Contents& contents) {
  std::vector<ExceptionRecord> records;
  for (const auto& [key, number] : contents.records()) {
    records.push_back({key, numbered(key, number)});
  }
  return records;
}

std::string shown(const ExceptionRecord& record) {
  return fmt::format("record {} of node {} property {:016x}", number_of(record.exception),
                     record.key.node_id, record.key.property_hash);
}

// The first that one of them has and the other has not.
std::string difference(const std::vector<ExceptionRecord>& found,
                       const std::vector<ExceptionRecord>& wanted) {
  for (const ExceptionRecord& record : found) {
    if (std::find(wanted.begin(), wanted.end(), record) == wanted.end()) {
      return shown(record) + " should not be there";
    }
  }
  for (const ExceptionRecord& record : wanted) {
    if (std::find(found.begin(), found.end(), record) == found.end()) {
      return shown(record) + " is missing";
    }
  }
  return "the order is wrong";
}

}  // namespace

Ledger::Ledger(const Workload& workload)
    : settled_(contents_after(workload, workload.steps.size())) {
  for (const Step& step : workload.steps) {
    for (const Change& change : step.changes) number_ = std::max(number_, change.number);
  }
  records_ = records_of(settled_);
}

void Ledger::begin(std::vector<Change> changes) {
  const Unwatched mine;
  calls_.push_back({std::move(changes)});
}

void Ledger::done() {
  const Unwatched mine;
  calls_.back().doubtful = false;
  Contents now = settled_;
  for (const Call& call : calls_) {
    for (const Change& change : call.changes) {
      if (!call.doubtful) now.apply(change);
    }
  }
  records_ = records_of(now);
}

void Ledger::withdraw() {
  if (!calls_.empty() && calls_.back().doubtful) calls_.pop_back();
}

Violation Ledger::compare(const std::vector<ExceptionRecord>& found) const {
  if (found == records_) return std::nullopt;
  return fmt::format("the store shows {} records in place of {}: {}", found.size(), records_.size(),
                     difference(found, records_));
}

Violation Ledger::settle(const std::vector<ExceptionRecord>& found) {
  auto wrong = compare(found);
  const auto doubts =
      std::count_if(calls_.begin(), calls_.end(), [](const Call& call) { return call.doubtful; });
  // Each choice of the doubtful calls; none of them first.
  for (std::uint64_t choice = 0; choice >> doubts == 0; ++choice) {
    Contents with = settled_;
    std::uint64_t left = choice;
    for (const Call& call : calls_) {
      const bool there = !call.doubtful || (left & 1) != 0;
      if (call.doubtful) left >>= 1;
      if (!there) continue;
      for (const Change& change : call.changes) with.apply(change);
    }
    std::vector<ExceptionRecord> records = records_of(with);
    if (found != records) continue;
    settled_ = with;
    calls_.clear();
    records_ = std::move(records);
    return std::nullopt;
  }
  return wrong;
}

namespace {

// Of those that hold.
template <class Holds>
std::vector<ExceptionRecord> chosen(const std::vector<ExceptionRecord>& records,
                                    const Holds& holds) {
  std::vector<ExceptionRecord> found;
  std::copy_if(records.begin(), records.end(), std::back_inserter(found), holds);
  return found;
}

class Answers {
 public:
  Answers(const Ledger& ledger, bool may_fail) : ledger_(ledger), may_fail_(may_fail) {}

  template <class Value>
  void expect(const char* what, const Result<Value>& answer, const Value& wanted) {
    if (wrong_) return;
    if (answer) {
      if (*answer != wanted) wrong_ = std::string(what) + " gives a wrong answer";
      return;
    }
    if (!may_fail_) wrong_ = std::string(what) + " fails: " + answer.error().message();
  }
  template <class Holds>
  void expect_records(const char* what, const Result<std::vector<ExceptionRecord>>& answer,
                      const Holds& holds) {
    expect(what, answer, chosen(ledger_.records(), holds));
  }
  [[nodiscard]] Violation wrong() const { return wrong_; }

 private:
  const Ledger& ledger_;
  bool may_fail_;
  Violation wrong_;
};

}  // namespace

Violation check_answers(StorageOptimizer& store, const Ledger& ledger, bool may_fail) {
  const auto found = scan(store);
  if (!found && !may_fail) return "a scan fails: " + found.error().message();
  if (found) {
    if (auto wrong = ledger.compare(*found)) return wrong;
  }
  Answers answers(ledger, may_fail);
  for (std::size_t i = 0; i < kTortureProperties; ++i) {
    const PropertyHash property = hash_property(property_name(i));
    answers.expect_records("a query by property", store.query_by_property(property),
                           [&](const auto& r) { return r.key.property_hash == property; });
  }
  const auto low = ExceptionSource{1};
  answers.expect_records("a query by source", store.query_by_source(low),
                         [&](const auto& r) { return r.exception.source == low; });
  answers.expect_records("a query by confidence", store.query_by_confidence_range(0.2F, 0.4F),
                         [](const auto& r) {
                           return r.exception.confidence >= 0.2F && r.exception.confidence <= 0.4F;
                         });
  const auto& records = ledger.records();
  for (std::size_t i = 0; i < records.size(); i += 1 + records.size() / 16) {
    const auto& [key, exception] = records[i];
    answers.expect("retrieve_exception", store.retrieve_exception(key),
                   std::optional<Exception>(exception));
    answers.expect("contains", store.contains({key.node_id + 50'000, key.property_hash}), false);
  }
  return answers.wrong();
}

}  // namespace caveat::test
