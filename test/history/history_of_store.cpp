#include <stdlib.h>

#include <filesystem>
#include <set>

#include "caveat/storage_optimizer.h"
#include "test/history/answers.h"
#include "test/history/history.h"
#include "test/support/backend_double.h"

namespace caveat::test {

namespace {

using Kind = Operation::Kind;

class StoreSubject {
 public:
  StoreSubject(const OptionSet& set, const Around& around) : set_(set), around_(around) {
    if (set_.on_disk) {
      std::string pattern = (std::filesystem::temp_directory_path() / "caveat-XXXXXX").string();
      if (::mkdtemp(pattern.data()) != nullptr) directory_ = pattern;
    } else {
      memory_ = shared_memory_backend();
    }
    error_ = open();
  }
  ~StoreSubject() {
    held_.reset();
    store_.reset();
    std::error_code ignored;
    if (!directory_.empty()) std::filesystem::remove_all(directory_, ignored);
  }
  StoreSubject(const StoreSubject&) = delete;
  StoreSubject& operator=(const StoreSubject&) = delete;

  std::string answer(const Operation& operation) {
    if (!error_.empty()) return error_;
    auto answered = ask(operation);
    return answered ? *answered : "error: " + answered.error().message();
  }

 private:
  std::string open() {
    auto opened = set_.on_disk ? StorageOptimizer::open(directory_ / "store", set_.options)
                               : StorageOptimizer::open(backend(), set_.options);
    if (!opened) return "error: open: " + opened.error().message();
    store_ = std::make_unique<StorageOptimizer>(std::move(*opened));
    return {};
  }
  std::unique_ptr<KvBackend> backend() {
    if (around_) return around_(memory_);
    return std::make_unique<BackendDouble>(memory_);
  }
  Result<std::string> reopen(bool crash) {
    held_.reset();
    if (crash && memory_) {
      memory_ = image_of(*memory_);
    } else {
      CAVEAT_TRY(store_->close());
    }
    store_.reset();
    error_ = open();
    return error_.empty() ? "done" : error_;
  }

  Result<std::string> ask(const Operation& operation) {
    const auto& n = operation.numbers;
    const ExceptionKey key = key_of(n[0], n[1]);
    switch (operation.kind) {
      case Kind::store:
        CAVEAT_TRY(store_->store_exception(key, exception_of(n[2])));
        return "done";
      case Kind::remove:
        CAVEAT_TRY(store_->remove_exception(key));
        return "done";
      case Kind::exchange: {
        CAVEAT_ASSIGN(const auto before, store_->exchange_exception(key, exception_of(n[2])));
        return answer_of(before);
      }
      case Kind::take: {
        CAVEAT_ASSIGN(const auto before, store_->take_exception(key));
        return answer_of(before);
      }
      case Kind::erase: {
        CAVEAT_ASSIGN(const bool erased, store_->erase_exception(key));
        return erased ? "erased" : "nothing there";
      }
      case Kind::set: {
        CAVEAT_ASSIGN(const auto there, store_->retrieve_exception(key));
        CAVEAT_ASSIGN(const bool set, store_->compare_and_set(key, there, exception_of(n[2])));
        return set ? "set" : "not set";
      }
      case Kind::set_wrongly: {
        CAVEAT_ASSIGN(const auto there, store_->retrieve_exception(key));
        auto other = there ? there : std::optional<Exception>(Exception{});
        other->reason += "not it";
        CAVEAT_ASSIGN(const bool set, store_->compare_and_set(key, other, exception_of(n[2])));
        return set ? "set" : "not set";
      }
      case Kind::batch:
        return write_batch(operation);
      case Kind::bulk: {
        std::vector<ExceptionRecord> records;
        for (const Operation& row : rows_of(operation)) {
          records.push_back({key_of(row.numbers[0], row.numbers[1]), exception_of(row.numbers[2])});
        }
        CAVEAT_ASSIGN(const std::size_t distinct, store_->bulk_store(records));
        return std::to_string(distinct);
      }
      case Kind::clear_node:
        CAVEAT_TRY(store_->clear_node(key.node_id));
        return "done";
      case Kind::clear_property:
        CAVEAT_TRY(store_->clear_property(key_of(0, n[0]).property_hash));
        return "done";
      case Kind::name:
        CAVEAT_TRY(store_->register_property(property_name_of(n[0])));
        return "done";
      case Kind::flush:
        CAVEAT_TRY(store_->flush());
        return "done";
      case Kind::optimize:
        CAVEAT_TRY(store_->optimize_storage());
        return "done";
      case Kind::rebuild:
        CAVEAT_TRY(store_->rebuild_indexes());
        return "done";
      case Kind::compact:
        CAVEAT_TRY(store_->compact_storage());
        return "done";
      case Kind::reopen:
      case Kind::crash:
        return reopen(operation.kind == Kind::crash);
      case Kind::get:
        return get(key);
      case Kind::query:
        return query(operation);
      case Kind::hold:
        held_.emplace(store_->snapshot());
        return "held";
      case Kind::look: {
        if (!held_) return "nothing held";
        CAVEAT_ASSIGN(const auto records, all(Query{}, &*held_));
        return answer_of(records);
      }
      case Kind::count: {
        CAVEAT_ASSIGN(const auto statistics, store_->get_storage_statistics());
        return std::to_string(statistics.total_exceptions);
      }
      case Kind::verify: {
        CAVEAT_ASSIGN(const auto verified, store_->verify());
        if (!verified.errors.empty()) return "error: " + verified.errors.front();
        return verified.sound() ? "sound" : "hints are missing";
      }
    }
    return "no such operation";
  }

  Result<std::string> write_batch(const Operation& operation) {
    WriteBatch batch;
    for (const Operation& row : rows_of(operation)) {
      const ExceptionKey key = key_of(row.numbers[0], row.numbers[1]);
      if (row.kind == Kind::remove) {
        CAVEAT_TRY(batch.remove_exception(key));
      } else if (row.kind == Kind::clear_node) {
        CAVEAT_TRY(batch.clear_node(key.node_id));
      } else {
        CAVEAT_TRY(batch.store_exception(key, exception_of(row.numbers[2])));
      }
    }
    CAVEAT_TRY(store_->write(batch));
    return "done";
  }
  Result<std::string> get(const ExceptionKey& key) {
    CAVEAT_ASSIGN(const auto one, store_->retrieve_exception(key));
    CAVEAT_ASSIGN(const auto view, store_->retrieve_view(key));
    CAVEAT_ASSIGN(const bool there, store_->contains(key));
    CAVEAT_ASSIGN(const bool any, store_->has_exceptions(key.node_id));
    const ExceptionKey keys[] = {key, {key.node_id + 1, 7}, key};
    CAVEAT_ASSIGN(const auto bulk, store_->bulk_retrieve(keys));
    const auto viewed = view ? std::optional((*view)->to_record().exception) : std::nullopt;
    if (viewed != one || there != one.has_value() || bulk[0] != one || bulk[2] != one || bulk[1]) {
      return "point reads differ from each other";
    }
    return answer_of(one) + (any ? ", has exceptions" : ", has none");
  }
  Result<std::vector<ExceptionRecord>> all(const Query& query, const Snapshot* snapshot = nullptr) {
    std::vector<ExceptionRecord> records;
    CAVEAT_ASSIGN(auto cursor, store_->query(query, snapshot));
    for (;;) {
      CAVEAT_ASSIGN(const ExceptionView* view, cursor.next());
      if (view == nullptr) return records;
      records.push_back(view->to_record());
    }
  }
  Result<std::vector<ExceptionRecord>> in_pages(Query query) {
    std::vector<ExceptionRecord> records;
    std::size_t left = query.limit;
    while (left > 0) {
      query.limit = std::min<std::size_t>(left, 7);
      CAVEAT_ASSIGN(auto cursor, store_->query(query));
      std::size_t page = 0;
      for (;; ++page) {
        CAVEAT_ASSIGN(const ExceptionView* view, cursor.next());
        if (view == nullptr) break;
        records.push_back(view->to_record());
      }
      if (page == 0) break;
      left -= page;
      query.resume_token = cursor.resume_token();
    }
    return records;
  }
  Result<std::string> query(const Operation& operation) {
    const std::uint64_t bits = operation.numbers[0];
    const Query query = query_of(operation);
    CAVEAT_ASSIGN(const auto records, (bits & kPaged) != 0 ? in_pages(query) : all(query));
    CAVEAT_ASSIGN(const auto counted, store_->count(query));
    if (counted != records.size()) return "a count differs from its query";
    if ((bits & ~std::uint64_t{kConditions | kPaged}) == 0) {
      CAVEAT_ASSIGN(const auto same, shorthand(bits & kConditions, query, records));
      if (same != records) return "a shorthand differs from its query";
    }
    return answer_of(records);
  }
  Result<std::vector<ExceptionRecord>> shorthand(std::uint64_t bits, const Query& query,
                                                 const std::vector<ExceptionRecord>& otherwise) {
    switch (bits) {
      case kByNode:
        return store_->query_by_node(*query.node);
      case kByProperty:
        return store_->query_by_property(*query.property);
      case kBySource:
        return store_->query_by_source(*query.source);
      case kByConfidence:
        return store_->query_by_confidence_range(query.confidence->min, query.confidence->max);
      case kByTime:
        return store_->query_by_time_range(query.time->start_ns, query.time->end_ns);
      default:
        return otherwise;
    }
  }

  const OptionSet& set_;
  const Around& around_;
  std::filesystem::path directory_;
  std::shared_ptr<KvBackend> memory_;
  std::unique_ptr<StorageOptimizer> store_;
  std::optional<Snapshot> held_;
  std::string error_;
};

// What is forced must not end what the list holds.
bool harmless(Kind kind, bool holds) {
  return !holds || (kind != Kind::reopen && kind != Kind::crash);
}

}  // namespace

std::optional<Difference> first_difference(const Operations& operations, const History& expected,
                                           const OptionSet& set, const Around& around) {
  StoreSubject subject(set, around);
  bool holds = false;
  for (std::size_t i = 0; i < operations.size(); ++i) {
    const Kind kind = operations[i].kind;
    auto found = subject.answer(operations[i]);
    if (found != expected[i]) return Difference{i, expected[i], std::move(found)};
    if (kind == Kind::hold) holds = true;
    if (kind == Kind::reopen || kind == Kind::crash) holds = false;
    if (set.forced_every == 0 || (i + 1) % set.forced_every != 0) continue;
    if (!harmless(set.forced, holds)) continue;
    Operation forced;
    forced.kind = set.forced;
    found = subject.answer(forced);
    if (found != "done") return Difference{i, "done (forced)", std::move(found)};
  }
  return std::nullopt;
}

}  // namespace caveat::test
