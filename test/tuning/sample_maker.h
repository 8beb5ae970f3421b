// Records of six kinds, and samples of them. Everything follows from the seed.
#pragma once

#include <algorithm>
#include <deque>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "engine/tuning/choose.h"
#include "test/support/seed.h"

namespace caveat::test {

enum class Kind { phrases, random_bytes, random_text, long_text, tiny, mixed };
inline constexpr Kind kKinds[] = {Kind::phrases,   Kind::random_bytes, Kind::random_text,
                                  Kind::long_text, Kind::tiny,         Kind::mixed};

[[nodiscard]] inline const char* name_of(Kind kind) {
  switch (kind) {
    case Kind::phrases:
      return "phrases";
    case Kind::random_bytes:
      return "random bytes";
    case Kind::random_text:
      return "random text";
    case Kind::long_text:
      return "long text";
    case Kind::tiny:
      return "tiny";
    case Kind::mixed:
      break;
  }
  return "mixed";
}

class SampleMaker {
 public:
  explicit SampleMaker(Kind kind, std::uint64_t seed = chosen_seed())
      : kind_(kind), random_(seed) {}

  // The next record in key order.
  ExceptionRecord next() {
    const Kind kind = kind_ == Kind::mixed ? kKinds[random_() % 5] : kind_;
    ExceptionRecord record;
    Exception& e = record.exception;
    node_ += random_() % 3;
    ++turn_;
    record.key = {node_, turn_};  // ascending, whatever the node
    e.source = static_cast<ExceptionSource>(random_() % 5);
    e.created_at = 1'650'000'000'000'000'000;
    switch (kind) {
      case Kind::random_bytes:
      case Kind::random_text:
        record.key.node_id = node_ = node_ + (random_() >> 30);
        e.created_at = static_cast<std::int64_t>(random_() >> 4);
        e.confidence = static_cast<float>(random_() >> 40) / static_cast<float>(1 << 24);
        e.inherited_value = noise(kind, 8, 50);
        e.actual_value = noise(kind, 8, 50);
        e.reason = noise(kind, 8, 70);
        break;
      case Kind::long_text:
        e.inherited_value = words(20);
        e.actual_value = words(250);
        e.reason = words(80);
        break;
      case Kind::tiny:
        e.actual_value = random_() % 2 == 0;
        break;
      default:
        e.inherited_value = words(2);
        e.actual_value = words(3);
        e.reason = "overrides " + words(1);
        break;
    }
    return record;
  }

  // A block's rows, which live as long as this.
  std::vector<BlockRow> rows(std::size_t count) {
    std::vector<BlockRow> rows;
    for (std::size_t i = 0; i < count; ++i) {
      const ExceptionRecord& record = records_.emplace_back(next());
      BlockRow row;
      row.view.key = record.key;
      row.view.source = record.exception.source;
      row.view.confidence = record.exception.confidence;
      row.view.created_at = record.exception.created_at;
      row.view.inherited_value = view_of(record.exception.inherited_value);
      row.view.actual_value = view_of(record.exception.actual_value);
      row.view.reason = record.exception.reason;
      row.property_id = static_cast<std::uint32_t>(turn_);
      rows.push_back(row);
    }
    return rows;
  }

  // As the engine takes it: runs to measure, and others to learn from.
  TuningSample sample(std::uint64_t records = 400'000) {
    TuningSample sample;
    sample.records = records;
    for (std::size_t k = 0; k < kStretches; ++k) {
      std::vector<BlockRow> stretch;
      std::size_t bytes = 0;
      for (const BlockRow& row : rows(kStretchRows)) {
        bytes += row.view.reason.size() + row.view.actual_value.payload().size();
        if (bytes < kStretchBytes / 4) stretch.push_back(row);
      }
      sample.stretches.push_back(std::move(stretch));
      for (int block = 0; block < 6; ++block) {
        collect_dictionary_samples(rows(kind_ == Kind::long_text ? 16 : 128), sample.frames);
      }
    }
    return sample;
  }

 private:
  ValueView view_of(const PropertyValue& value) {
    std::string& payload = payloads_.emplace_back();
    encode_payload(value, payload);
    return {value.kind(), payload};
  }
  std::string noise(Kind kind, std::size_t least, std::size_t most) {
    std::string bytes;
    for (std::size_t left = least + random_() % (most - least); left > 0; --left) {
      bytes += static_cast<char>(kind == Kind::random_text ? ' ' + random_() % 95 : random_());
    }
    return bytes;
  }
  std::string words(std::size_t count) {
    static const char* const kWords[] = {"Arabic",  "script", "locale",   "currency", "display",
                                         "penguin", "swims",  "northern", "root",     "alias"};
    std::string text;
    for (std::size_t i = 0; i < count; ++i) {
      text += kWords[random_() % 10];
      text += random_() % 4 == 0 ? std::to_string(random_() % 1000) + " " : " ";
    }
    return text;
  }

  const Kind kind_;
  std::mt19937_64 random_;
  std::deque<ExceptionRecord> records_;
  std::deque<std::string> payloads_;
  NodeId node_ = 1;
  PropertyHash turn_ = 0;
};

}  // namespace caveat::test
