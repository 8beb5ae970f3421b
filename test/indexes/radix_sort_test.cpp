// The sort of posting lists: as std::stable_sort, for any count and any spread of keys.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdint>
#include <random>
#include <vector>

#include "indexes/radix_sort.h"

namespace caveat::test {

namespace {

struct Item {
  std::uint64_t key = 0;
  std::size_t place = 0;  // before sorting: tells whether equal keys stayed in their order
  bool operator==(const Item&) const = default;
};

std::uint64_t key_of(const Item& item) {
  return item.key;
}

}  // namespace

TEST_CASE("lists of every length and spread are sorted, and equal keys stay in their order") {
  std::mt19937_64 random(5);
  std::vector<Item> scratch;
  for (const std::size_t count : {0, 1, 2, 3, 31, 32, 33, 300}) {
    for (unsigned bits = 0; bits <= 64; ++bits) {
      CAPTURE(count, bits);
      const std::uint64_t mask = bits == 0 ? 0 : ~std::uint64_t{0} >> (64 - bits);
      const std::uint64_t low = random() & ~mask;
      std::vector<Item> items(count + 1);
      for (std::size_t i = 0; i < count; ++i) items[i] = {low + (random() & mask), i};
      if (count > 1) {  // not in order, and as far apart as may be
        items[0].key = low + mask;
        items[1].key = low;
      }
      const Item behind{1, 1};  // nobody's
      items[count] = behind;
      std::vector<Item> expected = items;
      std::stable_sort(expected.begin(), expected.end() - 1,
                       [](const Item& a, const Item& b) { return a.key < b.key; });
      posting::radix_sort(std::span(items).first(count), scratch, key_of);
      REQUIRE(items == expected);
    }
  }
}

}  // namespace caveat::test
