// The calls that only read; see public_calls.h.
#include <algorithm>
#include <new>
#include <optional>
#include <vector>

#include "caveat/compressed_exception_store.h"
#include "test/torture/failing_heap.h"
#include "test/torture/public_calls.h"

namespace caveat::test {

namespace {

using Records = std::vector<ExceptionRecord>;

// Calls `visit` with some records of the ledger, and then with keys that have none.
template <class Visit>
Result<void> visit_some(const Ledger& ledger, const Visit& visit) {
  const Records& all = ledger.records();
  for (std::size_t i = 0; i < all.size(); i += 1 + all.size() / 10) {
    CAVEAT_TRY(visit(all[i].key, &all[i].exception));
    CAVEAT_TRY(visit(ExceptionKey{all[i].key.node_id, 1}, nullptr));
  }
  return {};
}

Result<void> contains(StorageOptimizer& store, Ledger& ledger, Violation& wrong) {
  return visit_some(ledger, [&](const ExceptionKey& key, const Exception* it) -> Result<void> {
    CAVEAT_ASSIGN(const bool found, store.contains(key));
    if (found != (it != nullptr)) wrong = "contains gives a wrong answer";
    return {};
  });
}

Result<void> has_exceptions(StorageOptimizer& store, Ledger& ledger, Violation& wrong) {
  for (NodeId node = 0; node < 200; node += 9) {
    CAVEAT_ASSIGN(const bool found, store.has_exceptions(node));
    const Records& all = ledger.records();
    const bool is = std::any_of(all.begin(), all.end(),
                                [&](const auto& record) { return record.key.node_id == node; });
    if (found != is) wrong = "has_exceptions gives a wrong answer";
  }
  return {};
}

Result<void> retrieve(StorageOptimizer& store, Ledger& ledger, Violation& wrong) {
  return visit_some(ledger, [&](const ExceptionKey& key, const Exception* it) -> Result<void> {
    CAVEAT_ASSIGN(const auto found, store.retrieve_exception(key));
    if (found.has_value() != (it != nullptr) || (found && *found != *it)) {
      wrong = "retrieve_exception gives a wrong answer";
    }
    return {};
  });
}

Result<void> retrieve_view(StorageOptimizer& store, Ledger& ledger, Violation& wrong) {
  return visit_some(ledger, [&](const ExceptionKey& key, const Exception* it) -> Result<void> {
    CAVEAT_ASSIGN(const auto found, store.retrieve_view(key));
    if (found.has_value() != (it != nullptr) || (found && (*found)->to_record().exception != *it)) {
      wrong = "retrieve_view gives a wrong answer";
    }
    return {};
  });
}

Result<void> retrieve_in_snapshot(StorageOptimizer& store, Ledger& ledger, Violation& wrong) {
  const Snapshot snapshot = store.snapshot();
  return visit_some(ledger, [&](const ExceptionKey& key, const Exception* it) -> Result<void> {
    CAVEAT_ASSIGN(const auto found, store.retrieve_exception(key, &snapshot));
    if (found.has_value() != (it != nullptr) || (found && *found != *it)) {
      wrong = "retrieve_exception in a snapshot gives a wrong answer";
    }
    return {};
  });
}

Result<void> bulk_retrieve(StorageOptimizer& store, Ledger& ledger, Violation& wrong) {
  std::vector<ExceptionKey> keys;
  std::vector<std::optional<Exception>> wanted;
  CAVEAT_TRY(visit_some(ledger, [&](const ExceptionKey& key, const Exception* it) -> Result<void> {
    keys.push_back(key);
    wanted.push_back(it == nullptr ? std::nullopt : std::optional<Exception>(*it));
    return {};
  }));
  CAVEAT_ASSIGN(const auto found, store.bulk_retrieve(keys));
  if (found != wanted) wrong = "bulk_retrieve gives a wrong answer";
  return {};
}

// What is left of a cursor's results. Where it has no memory for one it gets some, and must go on.
Result<Records> rest_of(Cursor& cursor) {
  Records found;
  std::optional<Unwatched> with_memory;
  for (;;) {
    try {
      CAVEAT_ASSIGN(const ExceptionView* view, cursor.next());
      if (view == nullptr) return found;
      const Unwatched mine;
      found.push_back(view->to_record());
    } catch (const std::bad_alloc&) {
      if (with_memory) throw;
      with_memory.emplace();
    }
  }
}

Result<Records> walk(StorageOptimizer& store, const Query& query) {
  CAVEAT_ASSIGN(auto cursor, store.query(query));
  return rest_of(cursor);
}

Result<void> scan_all(StorageOptimizer& store, Ledger& ledger, Violation& wrong) {
  CAVEAT_ASSIGN(const Records found, walk(store, {}));
  if (found != ledger.records()) wrong = "a scan gives a wrong answer";
  return {};
}

bool matches(const ExceptionRecord& record, const Query& query) {
  const Exception& it = record.exception;
  return (!query.node || *query.node == record.key.node_id) &&
         (!query.property || *query.property == record.key.property_hash) &&
         (!query.source || *query.source == it.source) &&
         (!query.confidence ||
          (it.confidence >= query.confidence->min && it.confidence <= query.confidence->max)) &&
         (!query.time ||
          (it.created_at >= query.time->start_ns && it.created_at <= query.time->end_ns));
}

Records matching(const Ledger& ledger, const Query& query) {
  const Unwatched mine;
  Records found;
  for (const ExceptionRecord& record : ledger.records()) {
    if (matches(record, query)) found.push_back(record);
  }
  return found;
}

Query combined() {
  Query query;
  query.property = hash_property(property_name(1));
  query.confidence = Query::ConfidenceRange{0.1F, 0.9F};
  query.time = Query::TimeRange{0, 400'000'000'000};
  return query;
}

Result<void> query_combined(StorageOptimizer& store, Ledger& ledger, Violation& wrong) {
  const Query query = combined();
  CAVEAT_ASSIGN(const Records found, walk(store, query));
  if (found != matching(ledger, query)) wrong = "a query gives a wrong answer";
  return {};
}

// Two pages, in the order of time: the second by the token of the first.
Result<void> query_in_order(StorageOptimizer& store, Ledger& ledger, Violation& wrong) {
  Query query;
  query.order = QueryOrder::time;
  query.descending = true;
  query.limit = 40;
  CAVEAT_ASSIGN(auto cursor, store.query(query));
  CAVEAT_ASSIGN(Records found, rest_of(cursor));
  query.resume_token = cursor.resume_token();
  CAVEAT_ASSIGN(const Records more, walk(store, query));
  const Unwatched mine;
  found.insert(found.end(), more.begin(), more.end());
  Records wanted = ledger.records();
  std::sort(wanted.begin(), wanted.end(), [](const auto& a, const auto& b) {
    return a.exception.created_at > b.exception.created_at;
  });
  wanted.resize(std::min<std::size_t>(wanted.size(), 80));
  if (found != wanted) wrong = "a query in the order of time gives a wrong answer";
  return {};
}

Result<void> count(StorageOptimizer& store, Ledger& ledger, Violation& wrong) {
  CAVEAT_ASSIGN(const auto found, store.count(combined()));
  if (found != matching(ledger, combined()).size()) wrong = "count gives a wrong answer";
  Query all;
  CAVEAT_ASSIGN(const auto every, store.count(all));
  if (every != ledger.records().size()) wrong = "count gives a wrong answer";
  return {};
}

Result<void> explain(StorageOptimizer& store, Ledger&, Violation& wrong) {
  CAVEAT_ASSIGN(const auto plan, store.explain(combined()));
  if (plan.to_string().empty()) wrong = "explain says nothing";
  return {};
}

Result<void> query_by(StorageOptimizer& store, Ledger& ledger, Violation& wrong) {
  const auto look = [&](Query query, Result<Records> found) -> Result<void> {
    if (!found) return fail(found.error());
    if (*found != matching(ledger, query)) wrong = "a shorthand query gives a wrong answer";
    return {};
  };
  Query query;
  query.node = 12;
  CAVEAT_TRY(look(query, store.query_by_node(12)));
  query = {};
  query.property = hash_property(property_name(2));
  CAVEAT_TRY(look(query, store.query_by_property(*query.property)));
  query = {};
  query.source = ExceptionSource{2};
  CAVEAT_TRY(look(query, store.query_by_source(*query.source)));
  query = {};
  query.confidence = Query::ConfidenceRange{0.3F, 0.5F};
  CAVEAT_TRY(look(query, store.query_by_confidence_range(0.3F, 0.5F)));
  query = {};
  query.time = Query::TimeRange{100'000'000'000, 300'000'000'000};
  return look(query, store.query_by_time_range(query.time->start_ns, query.time->end_ns));
}

Result<void> verify(StorageOptimizer& store, Ledger& ledger, Violation& wrong) {
  CAVEAT_ASSIGN(const auto found, store.verify());
  // Damage that is not there is a wrong answer; a file that cannot be read may well be listed.
  if (found.error_count == 0 && found.records != ledger.records().size()) {
    wrong = "verify counts wrongly";
  }
  if (found.error_count > 0) return fail(ErrorCode::io_error, found.errors.front());
  return {};
}

Result<void> column_statistics(StorageOptimizer& store, Ledger&, Violation&) {
  CAVEAT_TRY(store.column_statistics());
  return {};
}

Result<void> estimate(StorageOptimizer& store, Ledger&, Violation& wrong) {
  if (store.estimate_storage_statistics().partitions == 0) wrong = "no partitions are counted";
  return {};
}

// The partitions, and records by their places in them.
Result<void> look_at_blocks(StorageOptimizer& store, Ledger& ledger, Violation& wrong) {
  const CompressedExceptionStore blocks(store);
  CAVEAT_ASSIGN(const auto partitions, blocks.partitions());
  for (const PartitionInfo& partition : partitions) {
    const auto described = blocks.describe(partition.id);
    if (!described && described.error().code() != ErrorCode::not_found) {
      return fail(described.error());  // (one may have no block)
    }
  }
  return visit_some(ledger, [&](const ExceptionKey& key, const Exception*) -> Result<void> {
    CAVEAT_ASSIGN(const auto place, blocks.locate(key));
    if (!place) return {};  // or it is in the delta
    CAVEAT_ASSIGN(const auto record, blocks.read(*place));
    if (record.key != key) wrong = "another record is where this one should be";
    return {};
  });
}

Result<void> metrics(StorageOptimizer& store, Ledger&, Violation& wrong) {
  if (store.metrics().find("\ncaveat_") == std::string::npos) wrong = "metrics say nothing";
  return {};
}

// Of a store that is not encrypted.
Result<void> key_usage(StorageOptimizer& store, Ledger&, Violation& wrong) {
  CAVEAT_ASSIGN(const auto usage, store.key_usage());
  if (!usage.empty()) wrong = "keys are used, and there are none";
  return {};
}

Result<void> explain_tuning(StorageOptimizer& store, Ledger&, Violation& wrong) {
  CAVEAT_ASSIGN(const auto found, store.explain_tuning());
  // Partitions that cannot be read are left out.
  if (found.options.empty() || found.partitions > store.estimate_storage_statistics().partitions) {
    wrong = "the tuning is explained wrongly";
  }
  return {};
}

// Each record's bytes as they are stored.
Result<void> containers(StorageOptimizer& store, Ledger&, Violation& wrong) {
  const CompressedExceptionStore blocks(store);
  CAVEAT_ASSIGN(const auto partitions, blocks.partitions());
  for (const PartitionInfo& partition : partitions) {
    CAVEAT_ASSIGN(const std::string bytes, blocks.container(partition.id));
    if (bytes.empty()) wrong = "a container has no bytes";
  }
  return {};
}

constexpr auto kOpened = PublicCall::Begin::opened;
constexpr PublicCall kReads[] = {
    {"contains", kOpened, contains, nullptr, "StorageOptimizer::contains"},
    {"has-exceptions", kOpened, has_exceptions, nullptr, "StorageOptimizer::has_exceptions"},
    {"retrieve", kOpened, retrieve, nullptr, "StorageOptimizer::retrieve_exception"},
    {"retrieve-view", kOpened, retrieve_view, nullptr, "StorageOptimizer::retrieve_view"},
    {"snapshot", kOpened, retrieve_in_snapshot, nullptr, "StorageOptimizer::snapshot"},
    {"bulk-retrieve", kOpened, bulk_retrieve, nullptr, "StorageOptimizer::bulk_retrieve"},
    {"scan", kOpened, scan_all},
    {"query", kOpened, query_combined},
    {"query-in-order", kOpened, query_in_order, nullptr,
     "StorageOptimizer::query Cursor::next Cursor::resume_token"},
    {"query-by", kOpened, query_by, nullptr,
     "StorageOptimizer::query_by_node StorageOptimizer::query_by_property "
     "StorageOptimizer::query_by_source StorageOptimizer::query_by_confidence_range "
     "StorageOptimizer::query_by_time_range"},
    {"count", kOpened, count, nullptr, "StorageOptimizer::count"},
    {"explain", kOpened, explain, nullptr, "StorageOptimizer::explain"},
    {"verify", kOpened, verify, nullptr, "StorageOptimizer::verify"},
    {"column-statistics", kOpened, column_statistics, nullptr,
     "StorageOptimizer::column_statistics"},
    {"estimate", kOpened, estimate, nullptr, "StorageOptimizer::estimate_storage_statistics"},
    {"blocks", kOpened, look_at_blocks, nullptr,
     "CompressedExceptionStore::partitions CompressedExceptionStore::describe "
     "CompressedExceptionStore::locate CompressedExceptionStore::read"},
    {"containers", kOpened, containers, nullptr, "CompressedExceptionStore::container"},
    {"metrics", kOpened, metrics, nullptr, "StorageOptimizer::metrics"},
    {"key-usage", kOpened, key_usage, nullptr, "StorageOptimizer::key_usage"},
    {"explain-tuning", kOpened, explain_tuning, nullptr, "StorageOptimizer::explain_tuning"},
};

}  // namespace

std::span<const PublicCall> reading_calls() {
  return kReads;
}

}  // namespace caveat::test
