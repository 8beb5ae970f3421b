// Blocks of made-up rows for tests. Everything follows from the seed.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <random>
#include <string>
#include <vector>

#include "caveat/compressed_block.h"

namespace caveat::test {

// Rows that own their bytes.
struct RowSet {
  std::vector<BlockRow> rows;
  std::deque<std::string> bytes;

  std::string_view keep(std::string text) { return bytes.emplace_back(std::move(text)); }
  ValueView value(const PropertyValue& value) {
    std::string payload;
    encode_payload(value, payload);
    return {value.kind(), keep(std::move(payload))};
  }
  void sort() {
    const auto key = [](const BlockRow& r) { return std::pair(r.view.key.node_id, r.property_id); };
    std::sort(rows.begin(), rows.end(),
              [&](const BlockRow& a, const BlockRow& b) { return key(a) < key(b); });
    rows.erase(std::unique(rows.begin(), rows.end(),
                           [&](const BlockRow& a, const BlockRow& b) { return key(a) == key(b); }),
               rows.end());
  }
};

class BlockMaker {
 public:
  explicit BlockMaker(std::uint64_t seed) : random_(seed) {}

  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  bool one_in(std::uint64_t n) { return below(n) == 0; }

  std::string text(std::size_t most, bool any_byte) {
    std::string s(below(most + 1), ' ');
    for (char& c : s)
      c = any_byte ? static_cast<char>(random_()) : static_cast<char>('a' + below(6));
    return s;
  }

  PropertyValue value(unsigned depth, bool any_byte) {
    switch (below(depth < 4 ? 7 : 6)) {
      case 0:
        return {};
      case 1:
        return PropertyValue(one_in(2));
      case 2:
        return PropertyValue(static_cast<std::int64_t>(random_() >> below(64)));
      case 3: {
        const std::uint64_t bits = one_in(3) ? 0x7FF8000000000001ULL : random_();
        double d = 0;
        std::memcpy(&d, &bits, sizeof d);
        return PropertyValue(d);
      }
      case 6: {
        PropertyValue::List list;
        for (std::uint64_t i = below(4); i > 0; --i) list.push_back(value(depth + 1, any_byte));
        return PropertyValue(std::move(list));
      }
      default:
        return PropertyValue(text(20, any_byte));
    }
  }

  // Each block draws how its columns behave, so that every encoding gets its turn.
  RowSet rows(std::size_t count) {
    RowSet set;
    const auto node_kind = below(4), property_kind = below(3), time_kind = below(5),
               confidence_kind = below(5), value_kind = below(5), reason_kind = below(5);
    const bool any_byte = one_in(4);
    NodeId node = one_in(3) ? 0 : random_();
    std::vector<float> few = {0.0F, 1.0F, 0.25F, 0.7031F, 1e-20F};
    std::vector<PropertyValue> pool;
    for (int i = 0; i < 6; ++i) pool.push_back(value(0, any_byte));
    for (std::size_t i = 0; i < count; ++i) {
      BlockRow row;
      if (node_kind == 0) node = random_();
      if (node_kind == 1) node = one_in(3) ? node + 1 : node;
      if (node_kind == 2) node = one_in(5) ? node + below(1000) : node;  // 3: one node
      row.view.key.node_id = node;
      row.property_id = static_cast<std::uint32_t>(property_kind == 0   ? random_()
                                                   : property_kind == 1 ? below(12)
                                                                        : below(5000));
      if (node_kind == 3) row.property_id = static_cast<std::uint32_t>(i * (property_kind + 1));
      row.view.source = static_cast<ExceptionSource>(property_kind == 1 ? row.property_id % 5
                                                     : one_in(50)       ? below(5)
                                                                        : 1);
      row.view.confidence = confidence_kind == 0   ? 1.0F
                            : confidence_kind == 1 ? few[below(few.size())]
                            : confidence_kind == 2 ? static_cast<float>(below(1001)) / 1000.0F
                            : confidence_kind == 3
                                ? few[row.property_id % few.size()]
                                : static_cast<float>(random_() >> 40) / static_cast<float>(1 << 24);
      row.view.created_at =
          time_kind == 0   ? static_cast<std::int64_t>(random_())
          : time_kind == 1 ? -1'000'000'000LL * static_cast<std::int64_t>(below(1000))
          : time_kind == 2 ? static_cast<std::int64_t>(node % 1000) * 86400'000'000'000LL
          : time_kind == 3 ? (one_in(2) ? INT64_MIN : INT64_MAX)
                           : 1'650'000'000'000'000'000LL + static_cast<std::int64_t>(i) * 7;
      const auto pick = [&] {
        return value_kind == 0   ? value(0, any_byte)
               : value_kind == 1 ? pool[below(pool.size())]
               : value_kind == 2 ? pool[row.property_id % pool.size()]
               : value_kind == 3 ? PropertyValue(text(40, any_byte))
                                 : pool[0];
      };
      row.view.inherited_value = set.value(pick());
      row.view.actual_value = set.value(pick());
      const std::string id = std::to_string(row.property_id % 12);
      row.view.reason = set.keep(
          reason_kind == 0   ? std::string("same for all")
          : reason_kind == 1 ? text(60, any_byte)
          : reason_kind == 2 ? "node number " + std::to_string(node) +
                                   " differs from its block, where " + id + " of 128 have it"
          : reason_kind == 3
              ? (one_in(9) ? std::string() : std::to_string(node) + " overrides " + id)
              : "node " + std::to_string(node));
      set.rows.push_back(row);
    }
    set.sort();
    return set;
  }

 private:
  std::mt19937_64 random_;
};

// A host's codec: run-length of bytes. Shows that nothing assumes zstd.
class RunCodec final : public CustomCompressor {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "runs"; }
  [[nodiscard]] Result<void> compress(std::string_view raw, const CompressionDictionary*,
                                      std::string& out) const override {
    for (std::size_t i = 0; i < raw.size();) {
      std::size_t n = 1;
      while (n < 255 && i + n < raw.size() && raw[i + n] == raw[i]) ++n;
      out.push_back(static_cast<char>(n));
      out.push_back(raw[i]);
      i += n;
    }
    return {};
  }
  [[nodiscard]] Result<void> decompress(std::string_view stored, const CompressionDictionary*,
                                        std::span<char> out) const override {
    std::size_t at = 0;
    for (std::size_t i = 0; i + 1 < stored.size(); i += 2) {
      const auto n = static_cast<unsigned char>(stored[i]);
      if (n > out.size() - at) return fail(ErrorCode::corruption, "runs: too long");
      std::fill_n(out.begin() + static_cast<std::ptrdiff_t>(at), n, stored[i + 1]);
      at += n;
    }
    if (at != out.size()) return fail(ErrorCode::corruption, "runs: too short");
    return {};
  }
};

inline constexpr CodecId kRunCodec = 200;

inline CodecRegistry all_codecs(int level = 3) {
  auto registry = CodecRegistry::built_in(level);
  if (!registry.add(kRunCodec, std::make_shared<RunCodec>())) std::abort();
  return registry;
}

inline BlockContext context_for(const CodecRegistry& codecs, CodecId id,
                                const CompressionDictionary* dictionary = nullptr) {
  BlockContext context;
  context.codec_id = id;
  context.codec = codecs.find(id).value();
  context.dictionary = dictionary;
  context.as_of = 0x0123456789ABCDEF;
  return context;
}

inline bool same_record(const ExceptionView& a, const ExceptionView& b) {
  return a.key.node_id == b.key.node_id && a.inherited_value == b.inherited_value &&
         a.actual_value == b.actual_value && a.reason == b.reason && a.created_at == b.created_at &&
         a.confidence == b.confidence && a.source == b.source;
}

}  // namespace caveat::test
