#include "engine/store/set_aside.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/delta/delta_record.h"

namespace caveat {

namespace {

constexpr std::size_t kForgottenAtOnce = 4096;

}  // namespace

std::string set_aside_key(std::string_view log_key) {
  return kSetAside + std::string(log_key);
}

std::string SetAside::describe() const {
  const auto key = decode_delta_key(log_key);
  const std::string which =
      key ? fmt::format("generation {}, record {}", key->generation, key->first_sequence)
          : fmt::format("a record under a key of {} bytes", log_key.size());
  return fmt::format(
      "delta: {}: could not be read when the store was opened; its {} bytes are kept in meta",
      which, bytes);
}

Result<std::vector<SetAside>> read_set_aside(KvBackend& backend) {
  std::vector<SetAside> all;
  const std::string end(1, kSetAside + 1);
  CAVEAT_ASSIGN(auto it, backend.iterate_below(Family::meta, end, nullptr, false));
  for (it->seek({&kSetAside, 1}); it->valid() && it->key().starts_with(kSetAside); it->next()) {
    all.push_back({std::string(it->key().substr(1)), it->value().size()});
  }
  CAVEAT_TRY(it->status());
  return all;
}

Result<std::size_t> forget_set_aside(KvBackend& backend) {
  CAVEAT_ASSIGN(const auto all, read_set_aside(backend));
  for (std::size_t from = 0; from < all.size(); from += kForgottenAtOnce) {
    KvBatch batch;
    // Of a backend that tears a batch: what is in the log goes first, since the next call goes by
    // what is in meta.
    const std::size_t to = std::min(all.size(), from + kForgottenAtOnce);
    for (std::size_t i = from; i < to; ++i) batch.erase(Family::delta, all[i].log_key);
    for (std::size_t i = from; i < to; ++i) {
      batch.erase(Family::meta, set_aside_key(all[i].log_key));
    }
    CAVEAT_TRY(backend.write(batch, Durability::fsync));
  }
  return all.size();
}

}  // namespace caveat
