#include "test/torture/recovered_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>

namespace caveat::test {

namespace {

std::string shown(const ExceptionKey& key) {
  return fmt::format("node {} property {:016x}", key.node_id, key.property_hash);
}

// The first key whose record is not what the prefix of that many steps left.
std::string difference(const std::vector<ExceptionRecord>& records, const Workload& workload,
                       std::size_t steps) {
  auto wanted = contents_after(workload, steps).records();
  std::size_t wrong = 0;
  std::string first;
  const auto note = [&](const ExceptionKey& key, std::uint64_t is, std::uint64_t should) {
    if (++wrong == 1) {
      first = fmt::format("first {}: record {} in place of {}", shown(key), is, should);
    }
  };
  for (const ExceptionRecord& record : records) {
    if (is_loose(record.key)) continue;
    const auto found = wanted.find(record.key);
    const std::uint64_t should = found == wanted.end() ? 0 : found->second;
    const std::uint64_t is = number_of(record.exception);
    if (is != should) note(record.key, is, should);
    if (found != wanted.end()) wanted.erase(found);
  }
  for (const auto& [key, number] : wanted) note(key, 0, number);
  return fmt::format("{} records differ from the first {} steps ({}; 0: none)", wrong, steps,
                     first);
}

template <class Matches>
Violation same(const char* query, const Result<std::vector<ExceptionRecord>>& found,
               const std::vector<ExceptionRecord>& records, const Matches& matches) {
  if (!found) return fmt::format("query by {}: {}", query, found.error().message());
  std::vector<ExceptionRecord> wanted;
  std::copy_if(records.begin(), records.end(), std::back_inserter(wanted), matches);
  if (*found == wanted) return std::nullopt;
  return fmt::format("query by {} finds {} records, the scan has {}", query, found->size(),
                     wanted.size());
}

Violation check_points(StorageOptimizer& store, const std::vector<ExceptionRecord>& records,
                       std::mt19937_64& random) {
  for (int i = 0; i < 20; ++i) {
    ExceptionKey key{random() % 2000, hash_property(property_name(random() % kTortureProperties))};
    if (i % 2 == 0 && !records.empty()) key = records[random() % records.size()].key;
    const auto at = std::lower_bound(
        records.begin(), records.end(), key,
        [](const ExceptionRecord& record, const ExceptionKey& k) { return record.key < k; });
    const bool there = at != records.end() && at->key == key;
    const auto found = store.retrieve_exception(key);
    const auto contained = store.contains(key);
    if (!found) return found.error().message();
    if (!contained) return contained.error().message();
    if (found->has_value() != there || *contained != there) {
      return shown(key) + (there ? " is in the scan, and not found by its key"
                                 : " is found by its key, and not in the scan");
    }
    if (there && **found != at->exception) return shown(key) + " differs from the scan";
  }
  return std::nullopt;
}

}  // namespace

Result<std::vector<ExceptionRecord>> scan(StorageOptimizer& store) {
  CAVEAT_ASSIGN(auto cursor, store.query({}));
  std::vector<ExceptionRecord> records;
  for (;;) {
    CAVEAT_ASSIGN(const ExceptionView* view, cursor.next());
    if (view == nullptr) return records;
    records.push_back(view->to_record());
  }
}

Violation check_queries(StorageOptimizer& store, const std::vector<ExceptionRecord>& records,
                        std::uint64_t seed) {
  for (const ExceptionRecord& record : records) {
    if (record.exception != numbered(record.key, number_of(record.exception))) {
      return shown(record.key) + " is a record that was never written";
    }
  }
  const auto verified = store.verify();
  if (!verified) return "verify: " + verified.error().message();
  if (!verified->errors.empty()) return "verify: " + verified->errors.front();
  if (verified->missing_hints > 0) {
    return fmt::format("{} hints are missing", verified->missing_hints);
  }
  std::mt19937_64 random(seed);
  for (std::size_t i = 0; i < kTortureProperties; ++i) {
    const PropertyHash property = hash_property(property_name(i));
    const auto has = [&](const ExceptionRecord& record) {
      return record.key.property_hash == property;
    };
    if (auto wrong = same("property", store.query_by_property(property), records, has)) {
      return wrong;
    }
    if (std::any_of(records.begin(), records.end(), has) && !store.property_name(property)) {
      return "the name of a property is gone that has records";
    }
  }
  const auto source = static_cast<ExceptionSource>(random() % 5);
  if (auto wrong =
          same("source", store.query_by_source(source), records,
               [&](const ExceptionRecord& record) { return record.exception.source == source; })) {
    return wrong;
  }
  const float low = static_cast<float>(random() % 100) / 100.0F;
  if (auto wrong = same("confidence", store.query_by_confidence_range(low, low + 0.1F), records,
                        [&](const ExceptionRecord& record) {
                          return record.exception.confidence >= low &&
                                 record.exception.confidence <= low + 0.1F;
                        })) {
    return wrong;
  }
  const auto begin = static_cast<std::int64_t>(random() % 6000) * 1'000'000'000;
  const auto end = begin + 500'000'000'000;
  if (auto wrong = same("time", store.query_by_time_range(begin, end), records,
                        [&](const ExceptionRecord& record) {
                          const std::int64_t at = record.exception.created_at;
                          return at >= begin && at <= end;
                        })) {
    return wrong;
  }
  return check_points(store, records, random);
}

Violation check_prefix(const std::vector<ExceptionRecord>& records, const Workload& workload,
                       const std::vector<std::uint64_t>& fingerprints, const Progress& progress) {
  Contents found;
  for (const ExceptionRecord& record : records) {
    found.apply({Change::Kind::store, record.key, number_of(record.exception)});
  }
  for (std::size_t steps = progress.durable; steps <= progress.begun; ++steps) {
    if (fingerprints[steps] == found.fingerprint()) return std::nullopt;
  }
  const auto older = std::find(fingerprints.begin(), fingerprints.end(), found.fingerprint());
  if (older != fingerprints.end()) {
    return fmt::format("it holds the first {} steps, but {} were on the device ({} begun)",
                       older - fingerprints.begin(), progress.durable, progress.begun);
  }
  return fmt::format("it holds no prefix of the {} steps begun ({} on the device): {}; {}",
                     progress.begun, progress.durable,
                     difference(records, workload, progress.durable),
                     difference(records, workload, progress.begun));
}

}  // namespace caveat::test
