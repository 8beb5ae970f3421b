#include "engine/maintenance/clear_store.h"

#include "engine/model/bytes.h"

namespace caveat {

namespace {

constexpr std::size_t kClearKeyBytes = 1 + 1 + 8;

std::string clear_key(RowKind kind, std::uint64_t term) {
  std::string key = "T";
  key.push_back(static_cast<char>(kind));
  put_big_endian(key, term);
  return key;
}

template <class Map>
void persist_map(RowKind kind, const Map& before, const Map& after, KvBatch& batch) {
  for (const auto& [term, sequence] : after) {
    const auto old = before.find(term);
    if (old != before.end() && old->second == sequence) continue;
    std::string value;
    put_fixed(value, sequence);
    batch.put(Family::meta, clear_key(kind, term), value);
  }
  for (const auto& [term, sequence] : before) {
    if (!after.contains(term)) batch.erase(Family::meta, clear_key(kind, term));
  }
}

}  // namespace

Result<ClearList> load_clears(KvBackend& backend) {
  ClearList clears;
  CAVEAT_ASSIGN(auto it, backend.iterate_below(Family::meta, "U", nullptr, false));
  for (it->seek("T"); it->valid() && it->key().starts_with('T'); it->next()) {
    const std::string_view key = it->key();
    if (key.size() != kClearKeyBytes || it->value().size() != sizeof(Sequence)) {
      return fail(ErrorCode::corruption, "meta: a clear of a wrong length");
    }
    const std::uint64_t term = get_big_endian(key, 2);
    const auto sequence = get_fixed<Sequence>(it->value(), 0);
    switch (static_cast<RowKind>(key[1])) {
      case RowKind::clear_node:
        clears.add_node(term, sequence);
        break;
      case RowKind::clear_property:
        clears.add_property(term, sequence);
        break;
      default:
        return fail(ErrorCode::corruption, "meta: a clear of an unknown kind");
    }
  }
  CAVEAT_TRY(it->status());
  return clears;
}

void persist_clears(const ClearList& before, const ClearList& after, KvBatch& batch) {
  persist_map(RowKind::clear_node, before.nodes(), after.nodes(), batch);
  persist_map(RowKind::clear_property, before.properties(), after.properties(), batch);
}

}  // namespace caveat
