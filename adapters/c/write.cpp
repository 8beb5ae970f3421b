// Writing, one by one, in batches and in bulk.
#include <memory>
#include <vector>

#include "adapters/c/handles.h"
#include "adapters/c/options_in.h"
#include "adapters/c/record_in.h"
#include "engine/store/engine.h"
#include "engine/store/pooled_batch.h"

using namespace caveat;
using namespace caveat::c;

namespace {

// Checks store and durability, and runs `write` with both.
template <class Write>
caveat_code with_store(caveat_store* store, std::int32_t durability, caveat_error** error,
                       Write&& write) {
  return guarded(error, [&]() -> Result<void> {
    CAVEAT_ASSIGN(auto* const opened, store_of(store));
    CAVEAT_ASSIGN(const auto options, write_options(durability));
    return write(*opened, options);
  });
}

template <class Use>
caveat_code with_batch(caveat_batch* batch, caveat_error** error, Use&& use) {
  return guarded(error, [&]() -> Result<void> {
    CAVEAT_TRY(check(batch, "batch"));
    const OneThread::Turn turn(batch->one_thread);
    if (!turn.mine()) return taken("batch");
    return use(batch->batch);
  });
}

struct FreeRecord {
  void operator()(const caveat_record* record) const noexcept { caveat_record_free(record); }
};

// A checked write, and what was there for the caller. That is made before anything is written:
// where memory ended afterwards, the store would not have the record any more, and nobody else.
Result<void> write_and_give(StorageOptimizer& store, const ExceptionKey& key,
                            const Engine::Decide& decide, const WriteOptions& options,
                            const caveat_record** was) {
  std::unique_ptr<const caveat_record, FreeRecord> given;
  CAVEAT_TRY(store.engine().commit_checked(
      key,
      [&](const std::optional<Exception>& there, WriteBatch& batch) -> Result<bool> {
        given.reset(there ? own(key, *there) : nullptr);
        return decide(there, batch);
      },
      options));
  *was = given.release();
  return {};
}

// Nothing for null.
Result<std::optional<Exception>> exception_of(const caveat_record* record) {
  if (record == nullptr) return std::nullopt;
  RecordIn in;
  CAVEAT_ASSIGN(const auto view, in.view(*record));
  return view.to_exception();
}

}  // namespace

caveat_code caveat_store_exception(caveat_store* store, const caveat_record* record,
                                   int32_t durability, caveat_error** error) {
  return with_store(store, durability, error, [&](auto& opened, const auto& options) {
    RecordIn in;
    return in.view(record).and_then([&](const ExceptionView& view) -> Result<void> {
      PooledBatch batch(opened.engine().core().pool);
      CAVEAT_TRY(batch->store_exception(view));
      return opened.write(*batch, options);
    });
  });
}

caveat_code caveat_remove_exception(caveat_store* store, uint64_t node, uint64_t property,
                                    int32_t durability, caveat_error** error) {
  return with_store(store, durability, error, [&](auto& opened, const auto& options) {
    return opened.remove_exception({node, property}, options);
  });
}

caveat_code caveat_exchange_exception(caveat_store* store, const caveat_record* record,
                                      int32_t durability, const caveat_record** was,
                                      caveat_error** error) {
  if (was != nullptr) *was = nullptr;
  return with_store(store, durability, error,
                    [&](auto& opened, const auto& options) -> Result<void> {
                      CAVEAT_TRY(need(was, "was"));
                      CAVEAT_TRY(need(record, "record"));
                      CAVEAT_ASSIGN(const auto exception, exception_of(record));
                      CAVEAT_TRY(validate(*exception));
                      const ExceptionKey key{record->key.node, record->key.property};
                      return write_and_give(
                          opened, key,
                          [&](const auto&, WriteBatch& batch) -> Result<bool> {
                            CAVEAT_TRY(batch.store_exception(key, *exception));
                            return true;
                          },
                          options, was);
                    });
}

caveat_code caveat_take_exception(caveat_store* store, uint64_t node, uint64_t property,
                                  int32_t durability, const caveat_record** was,
                                  caveat_error** error) {
  if (was != nullptr) *was = nullptr;
  return with_store(
      store, durability, error, [&](auto& opened, const auto& options) -> Result<void> {
        CAVEAT_TRY(need(was, "was"));
        const ExceptionKey key{node, property};
        return write_and_give(
            opened, key,
            [&](const std::optional<Exception>& there, WriteBatch& batch) -> Result<bool> {
              if (there) CAVEAT_TRY(batch.remove_exception(key));
              return there.has_value();
            },
            options, was);
      });
}

caveat_code caveat_erase_exception(caveat_store* store, uint64_t node, uint64_t property,
                                   int32_t durability, int32_t* erased, caveat_error** error) {
  return with_store(
      store, durability, error, [&](auto& opened, const auto& options) -> Result<void> {
        CAVEAT_TRY(need(erased, "erased"));
        CAVEAT_ASSIGN(const bool did, opened.erase_exception({node, property}, options));
        *erased = did ? 1 : 0;
        return {};
      });
}

caveat_code caveat_compare_and_set(caveat_store* store, uint64_t node, uint64_t property,
                                   const caveat_record* expected, const caveat_record* desired,
                                   int32_t durability, int32_t* swapped, caveat_error** error) {
  return with_store(
      store, durability, error, [&](auto& opened, const auto& options) -> Result<void> {
        CAVEAT_TRY(need(swapped, "swapped"));
        CAVEAT_ASSIGN(const auto expects, exception_of(expected));
        CAVEAT_ASSIGN(const auto wants, exception_of(desired));
        CAVEAT_ASSIGN(const bool did,
                      opened.compare_and_set({node, property}, expects, wants, options));
        *swapped = did ? 1 : 0;
        return {};
      });
}

caveat_code caveat_bulk_store(caveat_store* store, const caveat_record* records, size_t count,
                              int32_t durability, uint64_t* distinct, caveat_error** error) {
  return with_store(
      store, durability, error, [&](auto& opened, const auto& options) -> Result<void> {
        CAVEAT_TRY(check_array(records, count, sizeof(caveat_record), "records"));
        RecordIn in;
        std::vector<ExceptionView> views;
        views.reserve(count);
        for (std::size_t i = 0; i < count; ++i) {
          auto view = in.view(records[i]);
          if (!view) return fail(view.error().within(fmt::format("record {}", i)));
          views.push_back(*view);
        }
        CAVEAT_ASSIGN(const auto keys,
                      opened.bulk_store(std::span<const ExceptionView>(views), options));
        if (distinct != nullptr) *distinct = keys;
        return {};
      });
}

caveat_code caveat_clear_node(caveat_store* store, uint64_t node, int32_t durability,
                              caveat_error** error) {
  return with_store(store, durability, error, [&](auto& opened, const auto& options) {
    return opened.clear_node(node, options);
  });
}

caveat_code caveat_clear_property(caveat_store* store, uint64_t property, int32_t durability,
                                  caveat_error** error) {
  return with_store(store, durability, error, [&](auto& opened, const auto& options) {
    return opened.clear_property(property, options);
  });
}

caveat_code caveat_flush(caveat_store* store, caveat_error** error) {
  return with_store(store, CAVEAT_DURABILITY_DEFAULT, error,
                    [&](auto& opened, const auto&) { return opened.flush(); });
}

// --- Batches -------------------------------------------------------------------------------------

caveat_code caveat_batch_create(caveat_batch** batch, caveat_error** error) {
  return guarded(error, [&]() -> Result<void> {
    CAVEAT_TRY(need(batch, "batch"));
    *batch = nullptr;
    *batch = new caveat_batch;
    return {};
  });
}

caveat_code caveat_batch_store_exception(caveat_batch* batch, const caveat_record* record,
                                         caveat_error** error) {
  return with_batch(batch, error, [&](WriteBatch& writes) -> Result<void> {
    RecordIn in;
    CAVEAT_ASSIGN(const auto view, in.view(record));
    return writes.store_exception(view);
  });
}

caveat_code caveat_batch_remove_exception(caveat_batch* batch, uint64_t node, uint64_t property,
                                          caveat_error** error) {
  return with_batch(batch, error, [&](WriteBatch& writes) {
    return writes.remove_exception({node, property});
  });
}

caveat_code caveat_batch_clear_node(caveat_batch* batch, uint64_t node, caveat_error** error) {
  return with_batch(batch, error, [&](WriteBatch& writes) { return writes.clear_node(node); });
}

caveat_code caveat_batch_clear_property(caveat_batch* batch, uint64_t property,
                                        caveat_error** error) {
  return with_batch(batch, error,
                    [&](WriteBatch& writes) { return writes.clear_property(property); });
}

caveat_code caveat_batch_clear(caveat_batch* batch, caveat_error** error) {
  return with_batch(batch, error, [&](WriteBatch& writes) -> Result<void> {
    writes.clear();
    return {};
  });
}

caveat_code caveat_batch_size(caveat_batch* batch, size_t* writes, size_t* bytes,
                              caveat_error** error) {
  return with_batch(batch, error, [&](const WriteBatch& held) -> Result<void> {
    if (writes != nullptr) *writes = held.count();
    if (bytes != nullptr) *bytes = held.bytes();
    return {};
  });
}

caveat_code caveat_write(caveat_store* store, caveat_batch* batch, int32_t durability,
                         caveat_error** error) {
  return with_batch(batch, error, [&](const WriteBatch& writes) -> Result<void> {
    CAVEAT_ASSIGN(auto* const opened, store_of(store));
    CAVEAT_ASSIGN(const auto options, write_options(durability));
    return opened->write(writes, options);
  });
}

void caveat_batch_release(caveat_batch* batch) {
  release(batch);
}
