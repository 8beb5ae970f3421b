// Lists of operations on a store, as text: one line an operation, a word and its numbers.
//
// What a list does depends on the text alone. Records, batches and queries are made from seeds that
// stand in it, so that a line can be left out without changing the others.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "caveat/query.h"
#include "caveat/types.h"

namespace caveat::test {

struct Operation {
  enum class Kind : std::uint8_t {
    store,           // node property seed
    remove,          // node property
    exchange,        // node property seed
    take,            // node property
    erase,           // node property
    set,             // node property seed: compare_and_set of what is there
    set_wrongly,     // node property seed: of what is not there
    batch,           // rows seed: stores, removals and a clear now and then
    bulk,            // rows seed
    clear_node,      // node
    clear_property,  // property
    name,            // property: register_property
    flush,
    optimize,
    rebuild,
    compact,
    reopen,
    crash,  // what was in memory is gone; on RocksDB a reopen
    get,    // node property: every point read
    query,  // conditions seed: every way to ask it
    hold,   // a snapshot, in place of the one before
    look,   // at the snapshot: all of it
    count,  // statistics
    verify,
  };
  Kind kind = Kind::flush;
  std::array<std::uint64_t, 3> numbers{};

  friend bool operator==(const Operation&, const Operation&) = default;
};

using Operations = std::vector<Operation>;

[[nodiscard]] std::string to_text(const Operation& operation);
// Nothing where the line is no operation.
[[nodiscard]] std::optional<Operation> parse_operation(std::string_view line);
[[nodiscard]] Operations random_operations(std::uint64_t seed, std::size_t count);

// --- What the numbers stand for ---
inline constexpr std::uint64_t kNodes = 300;
inline constexpr std::uint64_t kProperties = 24;  // the first three are rare in random lists

[[nodiscard]] ExceptionKey key_of(std::uint64_t node, std::uint64_t property);
[[nodiscard]] std::string property_name_of(std::uint64_t property);
[[nodiscard]] Exception exception_of(std::uint64_t seed);
// store, remove and clear_node; of a bulk only stores.
[[nodiscard]] Operations rows_of(const Operation& batch_or_bulk);

// The conditions of a query, as bits of its first number.
enum QueryBit : std::uint64_t {
  kByNode = 1,
  kByProperty = 2,
  kBySource = 4,
  kByConfidence = 8,
  kByTime = 16,
  kConditions = 31,
  kOrderByConfidence = 32,
  kOrderByTime = 64,
  kDescending = 128,
  kLimited = 256,
  kPaged = 512,  // in pages, by resume tokens
  kQueryBits = 1024,
};
[[nodiscard]] Query query_of(const Operation& operation);

}  // namespace caveat::test
