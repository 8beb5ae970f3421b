#include "engine/store/behind_damage.h"

#include <limits>
#include <string>

#include "engine/partition/container.h"

namespace caveat {

namespace {

__extension__ using Number = unsigned __int128;
constexpr Number kLargest = ~Number{0};

Number number_of(const ExceptionKey& key) noexcept {
  return (Number{key.node_id} << 64) | key.property_hash;
}

ExceptionKey key_of(Number number) noexcept {
  return {static_cast<NodeId>(number >> 64), static_cast<PropertyHash>(number)};
}

}  // namespace

std::optional<ExceptionKey> key_after(const ExceptionKey& key) noexcept {
  const Number number = number_of(key);
  if (number == kLargest) return std::nullopt;
  return key_of(number + 1);
}

Result<std::optional<BehindDamage>> seek_behind_damage(const MakeIterator& make,
                                                       std::string_view prefix,
                                                       const ExceptionKey& from) {
  std::unique_ptr<KvIterator> it;
  const auto readable = [&](Number number) -> Result<bool> {
    CAVEAT_ASSIGN(it, make());
    it->seek(std::string(prefix) + encode_key(key_of(number)));
    return it->status().has_value();
  };
  Number damaged = number_of(from);
  Number sound = kLargest;
  for (Number step = 1;; step *= 2) {
    if (damaged == kLargest) return std::nullopt;
    const bool last = step > kLargest - damaged || step > kLargest / 2;
    const Number next = last ? kLargest : damaged + step;
    CAVEAT_ASSIGN(const bool found, readable(next));
    if (found) {
      sound = next;
      break;
    }
    if (last) return std::nullopt;
    damaged = next;
  }
  while (sound - damaged > 1) {
    const Number middle = damaged + (sound - damaged) / 2;
    CAVEAT_ASSIGN(const bool found, readable(middle));
    (found ? sound : damaged) = middle;
  }
  CAVEAT_ASSIGN(const bool still, readable(sound));
  if (!still) return std::nullopt;
  return BehindDamage{key_of(sound), std::move(it)};
}

}  // namespace caveat
