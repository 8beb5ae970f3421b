// Random writes into a few generations, and beside them a plain model of what they mean.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "engine/delta/delta_view.h"
#include "pool/arena.h"

namespace caveat::test {

using Generations = std::vector<std::shared_ptr<const Generation>>;

// What a reader of some ceiling must see, by looking through every write there was.
class DeltaModel {
 public:
  void write(Sequence sequence, const RowView& row, std::string encoded) {
    writes_.push_back({sequence, row.kind, row.record.key, std::move(encoded)});
  }

  // none, removed, or the encoded row.
  struct State {
    DeltaHit::Kind kind = DeltaHit::Kind::none;
    std::string encoded;
    friend bool operator==(const State&, const State&) = default;
  };
  // All keys that any visible record write names.
  [[nodiscard]] std::map<ExceptionKey, State> at(Sequence ceiling) const {
    std::map<ExceptionKey, State> keys;
    for (const Write& write : writes_) {
      if (write.sequence > ceiling) break;
      if (write.kind == RowKind::store) {
        keys[write.key] = {DeltaHit::Kind::row, write.encoded};
      } else if (write.kind == RowKind::remove) {
        keys[write.key] = {DeltaHit::Kind::removed, {}};
      } else {
        for (auto& [key, state] : keys) {
          if (covers(write, key)) state = {DeltaHit::Kind::removed, {}};
        }
      }
    }
    return keys;
  }
  [[nodiscard]] bool cleared(const ExceptionKey& key, Sequence ceiling) const {
    for (const Write& write : writes_) {
      if (write.sequence <= ceiling && covers(write, key)) return true;
    }
    return false;
  }

 private:
  struct Write {
    Sequence sequence;
    RowKind kind;
    ExceptionKey key;
    std::string encoded;
  };
  static bool covers(const Write& write, const ExceptionKey& key) {
    return (write.kind == RowKind::clear_node && write.key.node_id == key.node_id) ||
           (write.kind == RowKind::clear_property && write.key.property_hash == key.property_hash);
  }
  std::vector<Write> writes_;
};

struct WorldOptions {
  std::size_t generations = 3;
  std::size_t writes_per_generation = 200;
  std::uint64_t nodes = 12;
  std::uint64_t properties = 6;
  std::uint64_t clear_one_in = 40;
  GenerationOptions generation;
};

class DeltaWorld {
 public:
  DeltaWorld(std::uint64_t seed, const WorldOptions& options) : random_(seed), options_(options) {}

  // Adds one write; a fresh generation when the youngest is full.
  void step() {
    if (generations_.empty() || generations_.front()->rows() >= options_.writes_per_generation) {
      if (!generations_.empty()) writable_->seal();
      writable_ = std::make_shared<Generation>(generations_.size() + 1, pool_, options_.generation);
      generations_.insert(generations_.begin(), writable_);
    }
    const RowView row = random_row();
    std::string encoded;
    encode_row(row, encoded);
    sequence_ += 1 + below(3);
    model_.write(sequence_, row, encoded);
    writable_->insert(sequence_, row, encoded);
  }

  RowView random_row() {
    RowView row;
    row.record.key = random_key();
    const bool clear = options_.clear_one_in != 0 && below(options_.clear_one_in) == 0;
    if (clear && below(2) == 0) {
      row.kind = RowKind::clear_node;
      row.record.key.property_hash = 0;
    } else if (clear) {
      row.kind = RowKind::clear_property;
      row.record.key.node_id = 0;
    } else if (below(4) == 0) {
      row.kind = RowKind::remove;
    } else {
      row.record.source = static_cast<ExceptionSource>(below(kExceptionSourceCount));
      row.record.confidence = static_cast<float>(below(11)) / 10.0F;
      row.record.created_at = static_cast<std::int64_t>(below(41)) - 20;
      static constexpr std::string_view kReasons[] = {"", "molts", "swims, and does not fly"};
      row.record.reason = kReasons[below(3)];
    }
    return row;
  }
  ExceptionKey random_key() {
    // The ends of both ranges are among them, and node 0 and property 0 that clears use as blanks.
    const auto spread = [](std::uint64_t i) { return i == 1 ? ~std::uint64_t{0} : i; };
    return {spread(below(options_.nodes)), spread(below(options_.properties))};
  }
  DeltaFilter random_filter() {
    DeltaFilter filter;
    if (below(3) == 0) filter.node = random_key().node_id;
    if (below(3) == 0) filter.property = random_key().property_hash;
    if (below(3) == 0) filter.source = static_cast<ExceptionSource>(below(kExceptionSourceCount));
    if (below(3) == 0) {
      filter.confidence = {static_cast<float>(below(14)) / 10.0F - 0.2F,
                           static_cast<float>(below(14)) / 10.0F - 0.2F};
    }
    if (below(3) == 0) {
      const auto from = static_cast<std::int64_t>(below(50)) - 25;
      filter.time = {from, from + static_cast<std::int64_t>(below(30)) - 3};
    }
    if (below(4) == 0) filter.lower = random_key();
    if (below(4) == 0) filter.upper = random_key();
    return filter;
  }

  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  [[nodiscard]] Sequence last_sequence() const { return sequence_; }
  [[nodiscard]] const Generations& generations() const { return generations_; }
  [[nodiscard]] Generation& writable() { return *writable_; }
  [[nodiscard]] const DeltaModel& model() const { return model_; }
  [[nodiscard]] const WorldOptions& options() const { return options_; }

 private:
  std::mt19937_64 random_;
  WorldOptions options_;
  MemoryPool pool_;
  std::shared_ptr<Generation> writable_;
  Generations generations_;
  DeltaModel model_;
  Sequence sequence_ = 0;
};

}  // namespace caveat::test
