// caveat.spare, the second copy of what no record can be read without.
#include "adapters/rocksdb/spare_copy.h"
#include "engine/model/bytes.h"
#include "engine/model/checksum.h"
#include "test/support/formats/format.h"

namespace caveat::test {

namespace {

using detail::SpareEntries;

constexpr std::size_t kChecksumAt = 16;

Result<std::string> read_spare(std::string_view bytes) {
  CAVEAT_ASSIGN(const auto entries, detail::decode_spare(bytes));
  std::string out;
  std::string_view last;
  for (const auto& [key, value] : entries) {
    must_hold(!key.empty() && detail::kSparedLetters.find(key[0]) != std::string_view::npos,
              "a key of another letter");
    must_hold(last < key, "two values of one key, or an order of their own");
    last = key;
    put_fixed(out, static_cast<std::uint64_t>(key.size()));
    put_fixed(out, static_cast<std::uint64_t>(value.size()));
    out.append(key).append(value);
  }
  return out;
}

std::string sample(std::size_t pages) {
  SpareEntries entries;
  std::string names;
  for (std::size_t i = 0; i < 20; ++i) names += "calendars/month[" + std::to_string(i) + "]/name;";
  for (std::size_t i = 0; i < pages; ++i) entries.emplace_back("C" + std::to_string(i), names);
  if (pages > 0) entries.emplace_back("Z1", "");
  return detail::encode_spare(entries);
}

}  // namespace

Format spare_format() {
  Format format;
  format.name = "spare";
  format.samples = {sample(0), sample(1), sample(3)};
  format.read = read_spare;
  format.write_again = [](std::string_view bytes) -> Result<std::string> {
    CAVEAT_ASSIGN(const auto entries, detail::decode_spare(bytes));
    return detail::encode_spare(entries);
  };
  format.seal = [](std::string& bytes) {
    constexpr std::size_t kWidth = sizeof(std::uint64_t);
    if (bytes.size() < kChecksumAt + kWidth) return;
    set_fixed(bytes, kChecksumAt, checksum_around(bytes, kChecksumAt, kWidth));
  };
  return format;
}

}  // namespace caveat::test
