// Opening, closing, names; and what belongs to no store.
#include <filesystem>

#include "adapters/c/handles.h"
#include "adapters/c/host_codec.h"
#include "adapters/c/options_in.h"
#include "adapters/c/record_in.h"
#include "adapters/c/string_out.h"
#include "adapters/memory/memory_backend.h"
#include "caveat/version.h"

using namespace caveat;
using namespace caveat::c;

namespace {

// `open`: what makes a store of options.
template <class Open>
caveat_code open_store(const caveat_options* given, caveat_store** store, caveat_error** error,
                       Open&& open) {
  if (store != nullptr) *store = nullptr;
  return guarded(error, [&]() -> Result<void> {
    CAVEAT_TRY(need(store, "store"));
    CAVEAT_ASSIGN(const auto options, options_of(given));
    CAVEAT_ASSIGN(StorageOptimizer opened, open(options));
    *store = new caveat_store(std::move(opened));
    for (const auto& [id, codec] : options.custom_codecs) take_over(*codec);
    return {};
  });
}

}  // namespace

uint32_t caveat_abi_version() {
  return CAVEAT_ABI_VERSION;
}

const char* caveat_version() {
  return CAVEAT_VERSION_STRING;
}

caveat_code caveat_open(const char* path, const caveat_options* options, caveat_store** store,
                        caveat_error** error) {
  return open_store(options, store, error, [&](const Options& o) -> Result<StorageOptimizer> {
    CAVEAT_TRY(need(path, "path"));
    return StorageOptimizer::open(std::filesystem::path(path), o);
  });
}

caveat_code caveat_open_volatile(const caveat_options* options, caveat_store** store,
                                 caveat_error** error) {
  return open_store(options, store, error, [](const Options& o) {
    return StorageOptimizer::open(make_memory_backend(), o);
  });
}

caveat_code caveat_close(caveat_store* store, caveat_error** error) {
  return guarded(error, [&]() -> Result<void> {
    CAVEAT_ASSIGN(auto* const opened, store_of(store));
    return opened->close();
  });
}

void caveat_store_release(caveat_store* store) {
  release(store);
}

caveat_code caveat_register_property(caveat_store* store, const char* name, size_t name_size,
                                     uint64_t* property, caveat_error** error) {
  return guarded(error, [&]() -> Result<void> {
    CAVEAT_ASSIGN(auto* const opened, store_of(store));
    CAVEAT_ASSIGN(const auto text, text_of(name, name_size, "name"));
    CAVEAT_ASSIGN(const auto hash, opened->register_property(text));
    if (property != nullptr) *property = hash;
    return {};
  });
}

caveat_code caveat_register_properties(caveat_store* store, const caveat_string* names,
                                       size_t count, caveat_error** error) {
  return guarded(error, [&]() -> Result<void> {
    CAVEAT_ASSIGN(auto* const opened, store_of(store));
    CAVEAT_TRY(check_array(names, count, sizeof(caveat_string), "names"));
    std::vector<std::string_view> texts;
    texts.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      CAVEAT_ASSIGN(const auto text, text_of(names[i].data, names[i].size, "names"));
      texts.push_back(text);
    }
    return opened->register_properties(texts);
  });
}

caveat_code caveat_property_name(const caveat_store* store, uint64_t property, caveat_string* name,
                                 caveat_error** error) {
  return guarded(error, [&]() -> Result<void> {
    CAVEAT_TRY(need(name, "name"));
    *name = {};
    CAVEAT_ASSIGN(const auto* const opened, store_of(store));
    CAVEAT_TRY(still_open(*opened));
    const auto known = opened->property_name(property);
    if (known) *name = copy_of(*known);
    return {};
  });
}

uint64_t caveat_hash_property(const char* name, size_t name_size) {
  return hash_property(name == nullptr ? std::string_view() : std::string_view(name, name_size));
}

const char* caveat_source_name(int32_t source) {
  if (source < CAVEAT_EXPLICIT || source > CAVEAT_IMPORTED) return nullptr;
  // Literals, so a zero is behind them.
  return to_string(static_cast<ExceptionSource>(source)).data();
}

int32_t caveat_source_from_name(const char* name, size_t name_size) {
  if (name == nullptr) return -1;
  const auto source = source_from_string({name, name_size});
  return source ? static_cast<int32_t>(*source) : -1;
}

int32_t caveat_source_priority(int32_t source) {
  if (source < CAVEAT_EXPLICIT || source > CAVEAT_IMPORTED) return -1;
  return source_priority(static_cast<ExceptionSource>(source));
}
