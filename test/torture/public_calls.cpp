#include "test/torture/public_calls.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <vector>

#include "test/torture/workload_run.h"

namespace caveat::test {

namespace {

using Kind = Change::Kind;
constexpr NodeId kNodes = 120;

ExceptionKey key(NodeId node, std::size_t property) {
  return {node, hash_property(property_name(property % kTortureProperties))};
}

// A step that writes, with what it does kept in the ledger.
Result<void> take_step(StorageOptimizer& store, Ledger& ledger, const Step& step) {
  ledger.begin(step.changes);
  auto done = carry_out(store, step);
  if (done) ledger.done();
  return done;
}

Result<void> single(StorageOptimizer& store, Ledger& ledger, Kind kind,
                    Durability durability = Durability::wal) {
  const ExceptionKey old = key(17, 2);
  return take_step(store, ledger,
                   {Step::Kind::single, durability, {{kind, old, ledger.next_number()}}});
}

Result<void> store_one(StorageOptimizer& store, Ledger& ledger, Violation&) {
  return single(store, ledger, Kind::store);
}
Result<void> store_synced(StorageOptimizer& store, Ledger& ledger, Violation&) {
  return single(store, ledger, Kind::store, Durability::fsync);
}
Result<void> remove_one(StorageOptimizer& store, Ledger& ledger, Violation&) {
  return single(store, ledger, Kind::remove);
}
Result<void> clear_node(StorageOptimizer& store, Ledger& ledger, Violation&) {
  return single(store, ledger, Kind::clear_node);
}
Result<void> clear_property(StorageOptimizer& store, Ledger& ledger, Violation&) {
  return single(store, ledger, Kind::clear_property);
}

std::vector<Change> many_changes(Ledger& ledger, std::size_t count) {
  std::vector<Change> changes;
  for (std::size_t i = 0; i < count; ++i) {
    changes.push_back({i % 10 == 3 ? Kind::remove : Kind::store, key(i * 7 % (2 * kNodes), i / 3),
                       ledger.next_number()});
  }
  return changes;
}

Result<void> write_batch(StorageOptimizer& store, Ledger& ledger, Violation&) {
  Step step{Step::Kind::batch, Durability::wal, many_changes(ledger, 20)};
  step.changes.push_back({Kind::clear_node, key(31, 0), ledger.next_number()});
  step.changes.push_back({Kind::store, key(31, 1), ledger.next_number()});
  return take_step(store, ledger, step);
}

Result<void> store_bulk(StorageOptimizer& store, Ledger& ledger, Violation&) {
  Step step{Step::Kind::bulk, Durability::wal, many_changes(ledger, 60)};
  for (Change& change : step.changes) change.kind = Kind::store;
  return take_step(store, ledger, step);
}

// Views of bytes that are the host's.
Result<void> store_views(StorageOptimizer& store, Ledger& ledger, Violation& wrong) {
  std::vector<Change> changes = many_changes(ledger, 60);
  for (Change& change : changes) change.kind = Kind::store;
  std::vector<ExceptionRecord> records;
  std::vector<std::string> values;
  std::vector<ExceptionView> views;
  for (const Change& change : changes) {
    records.push_back({change.key, numbered(change.key, change.number)});
    for (const auto* value :
         {&records.back().exception.inherited_value, &records.back().exception.actual_value}) {
      encode_payload(*value, values.emplace_back());
    }
  }
  for (std::size_t i = 0; i < records.size(); ++i) {
    const Exception& it = records[i].exception;
    views.push_back({records[i].key, ValueView(it.inherited_value.kind(), values[2 * i]),
                     ValueView(it.actual_value.kind(), values[2 * i + 1]), it.reason, it.created_at,
                     it.confidence, it.source});
  }
  ledger.begin(changes);
  CAVEAT_ASSIGN(const std::size_t stored, store.bulk_store(views));
  ledger.done();
  std::sort(changes.begin(), changes.end(),
            [](const Change& a, const Change& b) { return a.key < b.key; });
  const auto same = [](const Change& a, const Change& b) { return a.key == b.key; };
  changes.erase(std::unique(changes.begin(), changes.end(), same), changes.end());
  if (stored != changes.size()) wrong = "bulk_store counts wrongly";
  return {};
}

// Enough for the delta to be folded, by its writer or in the background.
Result<void> fill_delta(StorageOptimizer& store, Ledger& ledger, Violation&) {
  for (int i = 0; i < 8; ++i) {
    CAVEAT_TRY(
        take_step(store, ledger, {Step::Kind::batch, Durability::wal, many_changes(ledger, 60)}));
  }
  return {};
}
Result<void> fill_in_background(StorageOptimizer& store, Ledger& ledger, Violation& wrong) {
  CAVEAT_TRY(fill_delta(store, ledger, wrong));
  for (int i = 0; i < 50 && store.estimate_storage_statistics().folds == 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return {};
}

// The checked ways to write say what was there.
std::optional<Exception> there(const Ledger& ledger, const ExceptionKey& wanted) {
  for (const ExceptionRecord& record : ledger.records()) {
    if (record.key == wanted) return record.exception;
  }
  return std::nullopt;
}

template <class Write>
Result<void> checked(Ledger& ledger, Violation& wrong, Change change, const Write& write) {
  const std::optional<Exception> before = there(ledger, change.key);
  ledger.begin({change});
  const auto answer = write(before);
  if (!answer) return fail(answer.error());
  ledger.done();
  if (!*answer) wrong = "a checked write gives a wrong answer";
  return {};
}
Result<void> exchange(StorageOptimizer& store, Ledger& ledger, Violation& wrong) {
  const Change change{Kind::store, key(23, 1), ledger.next_number()};
  return checked(ledger, wrong, change, [&](const auto& before) -> Result<bool> {
    CAVEAT_ASSIGN(const auto was,
                  store.exchange_exception(change.key, numbered(change.key, change.number)));
    return was == before;
  });
}
Result<void> take(StorageOptimizer& store, Ledger& ledger, Violation& wrong) {
  const Change change{Kind::remove, key(24, 1), ledger.next_number()};
  return checked(ledger, wrong, change, [&](const auto& before) -> Result<bool> {
    CAVEAT_ASSIGN(const auto was, store.take_exception(change.key));
    return was == before;
  });
}
Result<void> erase(StorageOptimizer& store, Ledger& ledger, Violation& wrong) {
  const Change change{Kind::remove, key(26, 1), ledger.next_number()};
  return checked(ledger, wrong, change, [&](const auto& before) -> Result<bool> {
    CAVEAT_ASSIGN(const bool erased, store.erase_exception(change.key));
    return erased == before.has_value();
  });
}
Result<void> compare_and_set(StorageOptimizer& store, Ledger& ledger, Violation& wrong) {
  const Change change{Kind::store, key(25, 1), ledger.next_number()};
  return checked(ledger, wrong, change, [&](const auto& before) {
    return store.compare_and_set(change.key, before, numbered(change.key, change.number));
  });
}

Result<void> register_name(StorageOptimizer& store, Ledger&, Violation& wrong) {
  const std::string name = "torture/a name that nobody has used before";
  CAVEAT_ASSIGN(const PropertyHash hash, store.register_property(name));
  if (store.property_name(hash) != name) wrong = "a registered name is not known";
  return {};
}

Result<void> register_names(StorageOptimizer& store, Ledger&, Violation& wrong) {
  const std::string_view names[] = {"torture/one of two names", "torture/the other one"};
  CAVEAT_TRY(store.register_properties(names));
  for (const std::string_view name : names) {
    if (store.property_name(hash_property(name)) != name) wrong = "a registered name is not known";
  }
  return {};
}

template <class Call>
Result<void> without_value(const Call& call) {
  CAVEAT_TRY(call());
  return {};
}
Result<void> flush(StorageOptimizer& store, Ledger&, Violation&) {
  return store.flush();
}
Result<void> optimize(StorageOptimizer& store, Ledger&, Violation&) {
  return without_value([&] { return store.optimize_storage(); });
}
Result<void> compact(StorageOptimizer& store, Ledger&, Violation&) {
  return without_value([&] { return store.compact_storage(); });
}
Result<void> rebuild(StorageOptimizer& store, Ledger&, Violation&) {
  return store.rebuild_indexes();
}
Result<void> close(StorageOptimizer& store, Ledger&, Violation&) {
  return store.close();
}
Result<void> statistics(StorageOptimizer& store, Ledger& ledger, Violation& wrong) {
  CAVEAT_ASSIGN(const auto found, store.get_storage_statistics());
  const std::uint64_t stored = ledger.records().size();
  // What could not be read is told, and the count is between bounds.
  const bool told = found.background_errors != 0 && found.total_exceptions_min <= stored &&
                    stored <= found.total_exceptions_max;
  if (found.total_exceptions != stored && !told) wrong = "statistics count wrongly";
  return {};
}

constexpr PublicCall kWrites[] = {
    {"store", PublicCall::Begin::opened, store_one, nullptr, "StorageOptimizer::store_exception"},
    {"store-fsync", PublicCall::Begin::opened, store_synced, nullptr,
     "StorageOptimizer::store_exception"},
    {"remove", PublicCall::Begin::opened, remove_one, nullptr,
     "StorageOptimizer::remove_exception"},
    {"exchange", PublicCall::Begin::opened, exchange, nullptr,
     "StorageOptimizer::exchange_exception"},
    {"take", PublicCall::Begin::opened, take, nullptr, "StorageOptimizer::take_exception"},
    {"erase", PublicCall::Begin::opened, erase, nullptr, "StorageOptimizer::erase_exception"},
    {"compare-and-set", PublicCall::Begin::opened, compare_and_set, nullptr,
     "StorageOptimizer::compare_and_set"},
    {"write", PublicCall::Begin::opened, write_batch, nullptr, "StorageOptimizer::write"},
    {"bulk-store", PublicCall::Begin::opened, store_bulk, nullptr, "StorageOptimizer::bulk_store"},
    {"bulk-store-views", PublicCall::Begin::opened, store_views, nullptr,
     "StorageOptimizer::bulk_store"},
    {"clear-node", PublicCall::Begin::opened, clear_node, nullptr, "StorageOptimizer::clear_node"},
    {"clear-property", PublicCall::Begin::opened, clear_property, nullptr,
     "StorageOptimizer::clear_property"},
    {"register-property", PublicCall::Begin::opened, register_name, nullptr,
     "StorageOptimizer::register_property StorageOptimizer::property_name"},
    {"register-names", PublicCall::Begin::opened, register_names, nullptr,
     "StorageOptimizer::register_properties"},
    {"fill-delta", PublicCall::Begin::opened, fill_delta},
    {"background", PublicCall::Begin::opened_busy, fill_in_background},
    {"flush", PublicCall::Begin::opened, flush, nullptr, "StorageOptimizer::flush"},
    {"optimize", PublicCall::Begin::opened, optimize, nullptr,
     "StorageOptimizer::optimize_storage"},
    {"compact", PublicCall::Begin::opened, compact, nullptr, "StorageOptimizer::compact_storage"},
    {"rebuild-indexes", PublicCall::Begin::opened, rebuild, nullptr,
     "StorageOptimizer::rebuild_indexes"},
    {"statistics", PublicCall::Begin::opened, statistics, nullptr,
     "StorageOptimizer::get_storage_statistics"},
    {"close", PublicCall::Begin::opened, close, nullptr, "StorageOptimizer::close"},
    {"destroy", PublicCall::Begin::opened, nullptr},
    {"open", PublicCall::Begin::closed, nullptr, nullptr, "StorageOptimizer::open open"},
    {"recover", PublicCall::Begin::crashed, nullptr},
    {"create", PublicCall::Begin::absent, nullptr, nullptr, "StorageOptimizer::open"},
};

const std::vector<PublicCall>& all_calls() {
  static const std::vector<PublicCall> all = [] {
    std::vector<PublicCall> calls(std::begin(kWrites), std::end(kWrites));
    const auto reads = reading_calls();
    calls.insert(calls.end(), reads.begin(), reads.end());
    const auto files = file_calls();
    calls.insert(calls.end(), files.begin(), files.end());
    return calls;
  }();
  return all;
}

}  // namespace

std::span<const PublicCall> public_calls() {
  return all_calls();
}

const PublicCall* find_call(std::string_view name) {
  const auto& all = all_calls();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const PublicCall& c) { return c.name == name; });
  return found == all.end() ? nullptr : &*found;
}

Workload base_workload() {
  Workload made;
  made.name = "base";
  std::uint64_t number = 0;
  const auto add = [&](Step::Kind kind, std::vector<Change> changes = {}) {
    made.steps.push_back({kind, Durability::wal, std::move(changes)});
  };
  const auto stores = [&](std::size_t count, NodeId step) {
    std::vector<Change> changes;
    for (std::size_t i = 0; i < count; ++i) {
      changes.push_back({Kind::store, key(i * step % kNodes, i / kNodes + i), ++number});
    }
    return changes;
  };
  add(Step::Kind::names);
  add(Step::Kind::bulk, stores(480, 1));
  add(Step::Kind::flush);
  add(Step::Kind::batch, stores(30, 11));  // runs behind partitions
  add(Step::Kind::flush);
  add(Step::Kind::batch, stores(20, 13));
  add(Step::Kind::single, {{Kind::remove, key(40, 0), ++number}});
  add(Step::Kind::single, {{Kind::clear_node, key(41, 0), ++number}});
  return made;
}

void run_steps(StorageOptimizer& store, const Workload& workload) {
  for (const Step& step : workload.steps) value_of(carry_out(store, step));
}

Result<void> write_one(StorageOptimizer& store, Ledger& ledger) {
  CAVEAT_TRY(store.register_property(property_name(2)));  // a store that was just made has no names
  return single(store, ledger, Kind::store);
}

}  // namespace caveat::test
