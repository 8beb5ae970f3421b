// Names, hashes, equality.
#include <catch2/catch.hpp>
#include <limits>
#include <set>

#include "caveat/codec.h"
#include "caveat/kv_backend.h"
#include "caveat/query.h"
#include "caveat/types.h"

using namespace caveat;

TEST_CASE("property hashes are XXH3-64 with seed 0, for ever") {
  // From the reference implementation, `xxhsum -H3`.
  CHECK(hash_property("") == 0x2d06800538d394c2ULL);
  CHECK(hash_property("color") == 0x0c37b10495d47aa9ULL);
  CHECK(hash_property("numbers/symbols[@numberSystem=\"latn\"]/group") == 0x7102cede7ebda094ULL);
  CHECK(hash_property(std::string(1000, 'a')) == 0xb3e7af627147db7cULL);
}

TEST_CASE("sources have the host's priorities and names that read back") {
  const int priorities[] = {100, 40, 80, 60, 20};
  for (int i = 0; i < 5; ++i) {
    const auto source = static_cast<ExceptionSource>(i);
    CHECK(source_priority(source) == priorities[i]);
    CHECK(source_from_string(to_string(source)) == source);
  }
  CHECK_FALSE(source_from_string("explicit"));
  CHECK_FALSE(source_from_string(""));
  for (const int none : {5, 9, 255}) {
    CHECK(to_string(static_cast<ExceptionSource>(none)) == "unknown");
    CHECK(source_priority(static_cast<ExceptionSource>(none)) == 0);
  }
}

TEST_CASE("enumerators print as they are written") {
  CHECK(to_string(ErrorCode::hash_collision) == "hash_collision");
  std::set<std::string_view> codes;
  for (int code = 1; code <= static_cast<int>(ErrorCode::wrong_key); ++code) {
    codes.insert(to_string(static_cast<ErrorCode>(code)));
  }
  CHECK(codes.size() == static_cast<std::size_t>(ErrorCode::wrong_key));
  CHECK_FALSE(codes.contains("unknown"));
  CHECK(to_string(static_cast<ErrorCode>(200)) == "unknown");
  CHECK(to_string(ErrorCode::internal) == "internal");
  CHECK(to_string(CompressionAlgorithm::Zstd) == "zstd");
  CHECK(to_string(CompressionAlgorithm::None) == "none");
  CHECK(to_string(CompressionAlgorithm::Lz4) == "lz4");
  CHECK(to_string(CompressionAlgorithm::Custom) == "custom");
  CHECK(to_string(static_cast<CompressionAlgorithm>(200)) == "custom");
  CHECK(to_string(static_cast<CompressionAlgorithm>(5)) == "unknown");
  CHECK(to_string(IndexKind::temporal) == "temporal");
  CHECK(to_string(static_cast<IndexKind>(9)) == "unknown");
  CHECK(to_string(static_cast<Family>(9)) == "unknown");
}

TEST_CASE("values are equal when they are stored alike") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(PropertyValue(nan) == PropertyValue(nan));
  CHECK_FALSE(PropertyValue(0.0) == PropertyValue(-0.0));
  CHECK_FALSE(PropertyValue(1) == PropertyValue(1.0));
  CHECK_FALSE(PropertyValue(true) == PropertyValue(1));
  CHECK_FALSE(PropertyValue() == PropertyValue(""));
  CHECK(PropertyValue(PropertyValue::List{1, "a", nan}) ==
        PropertyValue(PropertyValue::List{1, "a", nan}));
  CHECK_FALSE(PropertyValue(PropertyValue::List{1}) == PropertyValue(PropertyValue::List{1, 2}));
}

TEST_CASE("keys order by node, then by hash") {
  CHECK(ExceptionKey{1, 9} < ExceptionKey{2, 0});
  CHECK(ExceptionKey{1, 1} < ExceptionKey{1, 2});
  CHECK(ExceptionKey{1, ~0ULL} < ExceptionKey{~0ULL, 0});
}
