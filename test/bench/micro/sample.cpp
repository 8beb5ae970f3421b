#include "test/bench/micro/sample.h"

#include <cstdlib>
#include <unordered_map>

#include "engine/model/row.h"
#include "test/bench/caveat_views.h"
#include "test/bench/data/dataset.h"

namespace caveat::bench {

namespace {

constexpr std::uint64_t kRecordsMax = 20000;

struct Sample {
  peers::Dataset data;
  peers::CaveatViews views;
  std::vector<BlockRow> rows;

  Sample() {
    if (const char* path = std::getenv("CAVEAT_BENCH_DATA")) {
      peers::load_ndjson(data, path, kRecordsMax);
    } else {
      peers::make_synthetic(data, kRecordsMax, 42);
    }
    std::unordered_map<std::uint64_t, std::uint32_t> ids;
    for (const auto& property : data.props) {
      ids.emplace(property.hash, static_cast<std::uint32_t>(ids.size()));
    }
    for (const auto& view : views.of(data.recs))
      rows.push_back({view, ids[view.key.property_hash]});
    const auto key = [](const BlockRow& row) {
      return std::pair(row.view.key.node_id, row.property_id);
    };
    std::stable_sort(rows.begin(), rows.end(),
                     [&](const auto& a, const auto& b) { return key(a) < key(b); });
    rows.erase(std::unique(rows.begin(), rows.end(),
                           [&](const auto& a, const auto& b) { return key(a) == key(b); }),
               rows.end());
  }
};

const Sample& sample() {
  static const Sample sample;
  return sample;
}

}  // namespace

std::span<const BlockRow> sample_rows() {
  return sample().rows;
}

std::span<const peers::Record> sample_records() {
  return sample().data.recs;
}

std::size_t plain_bytes(std::span<const BlockRow> rows) {
  std::size_t bytes = 0;
  for (const auto& row : rows) bytes += plain_row_bytes(row.view);
  return bytes;
}

}  // namespace caveat::bench
