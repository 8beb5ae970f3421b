// A store beside a std::map that says what it must hold.
//
// Every operation is done to both; check_all() compares everything that the public API can see.
// The same seed gives the same list of operations, whatever the options.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "test/support/stores.h"

namespace caveat::test {

class ModelWorld {
 public:
  using Model = std::map<ExceptionKey, Exception>;

  ModelWorld(Backend backend, const Options& options, std::uint64_t seed)
      : store_(backend, options), random_(seed) {
    for (std::size_t i = 0; i < kProperties; ++i) {
      properties_.push_back(hash_property("property/" + std::to_string(i)));
    }
    // Half of the properties have names, the others are known by their hashes.
    for (std::size_t i = 0; i < kProperties; i += 2) {
      value_of(store_->register_property("property/" + std::to_string(i)));
    }
  }

  [[nodiscard]] std::uint64_t below(std::uint64_t n) { return random_() % n; }

  ExceptionKey random_key() {
    // Few nodes hold many records, many hold few.
    const NodeId node = below(3) == 0 ? below(4) : below(kNodes);
    // A few properties lie in few partitions, so that their index is what queries of them follow.
    const bool rare = below(40) == 0;
    const auto property = rare ? below(kRare) : kRare + below(kProperties - kRare);
    return {node * 1'000'003, properties_[property]};
  }

  PropertyValue random_value(int depth = 0) {
    switch (below(depth > 2 ? 6 : 7)) {
      case 0:
        return {};
      case 1:
        return below(2) == 0;
      case 2:
        return static_cast<std::int64_t>(random_());
      case 3:
        return static_cast<std::int64_t>(below(100));
      case 4:
        return static_cast<double>(below(1000)) / 8;
      case 5:
        return std::string(below(20), static_cast<char>('a' + below(26)));
      default: {
        PropertyValue::List list;
        for (std::uint64_t i = below(4); i-- > 0;) list.push_back(random_value(depth + 1));
        return list;
      }
    }
  }

  Exception random_exception() {
    Exception e;
    e.inherited_value = random_value();
    e.actual_value = random_value();
    e.reason = "reason " + std::to_string(below(50));
    if (below(200) == 0) e.reason.assign(below(40'000), 'x');  // now and then a large record
    e.source = static_cast<ExceptionSource>(below(kExceptionSourceCount));
    e.created_at =
        static_cast<std::int64_t>(below(1'000'000)) * 1'000'000'000 - 500'000'000'000'000;
    e.confidence = static_cast<float>(below(101)) / 100.0F;
    return e;
  }

  // --- One random operation, on both sides ---
  void step() {
    switch (below(40)) {
      default:
        return store_one();
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
      case 5:
        return remove_one();
      case 6:
      case 7:
        return write_batch();
      case 8:
        return bulk();
      case 9:
        return clear_node();
      case 10:
        return clear_property();
      case 11:
        return compare_and_set();
      case 12:
        return exchange();
      case 13:
        return take();
      case 14:
        return value_of(store_->flush());
      case 15:
        return hold_snapshot();
      case 16:
        return check_snapshot();
    }
  }
  // --- Dearer ones, by themselves ---
  void maintain() {
    switch (below(6)) {
      case 0: {
        value_of(store_->optimize_storage());
        return;
      }
      case 1:
        return value_of(store_->rebuild_indexes());
      case 2: {
        value_of(store_->compact_storage());
        return;
      }
      case 3: {
        snapshot_.reset();
        return store_.reopen();
      }
      case 4: {
        const auto statistics = value_of(store_->get_storage_statistics());
        REQUIRE(statistics.total_exceptions == model_.size());
        return;
      }
      default:
        return value_of(store_->flush());
    }
  }

  void check_all() {
    check_points();
    check_scans();
    const auto verified = value_of(store_->verify());
    for (const auto& error : verified.errors) UNSCOPED_INFO(error);
    REQUIRE(verified.errors.empty());
    REQUIRE(verified.missing_hints == 0);
  }

  // Some keys, present and absent, by every point read.
  void check_points() {
    std::vector<ExceptionKey> keys;
    for (int i = 0; i < 50; ++i) keys.push_back(random_key());
    const auto bulk = value_of(store_->bulk_retrieve(keys));
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const auto found = model_.find(keys[i]);
      const bool there = found != model_.end();
      REQUIRE(value_of(store_->contains(keys[i])) == there);
      const auto one = value_of(store_->retrieve_exception(keys[i]));
      const auto view = value_of(store_->retrieve_view(keys[i]));
      REQUIRE(one.has_value() == there);
      REQUIRE(view.has_value() == there);
      REQUIRE(bulk[i] == one);
      if (there) {
        REQUIRE(*one == found->second);
        REQUIRE((*view)->to_record() == ExceptionRecord{keys[i], found->second});
      }
      const NodeId node = keys[i].node_id;
      const auto first = model_.lower_bound({node, 0});
      REQUIRE(value_of(store_->has_exceptions(node)) ==
              (first != model_.end() && first->first.node_id == node));
    }
  }

  void check_scans() {
    REQUIRE(all(store_->query(Query{})) == expected([](const auto&, const auto&) { return true; }));
    const ExceptionKey key = random_key();
    REQUIRE(value_of(store_->query_by_node(key.node_id)) ==
            expected([&](const auto& k, const auto&) { return k.node_id == key.node_id; }));
    REQUIRE(
        value_of(store_->query_by_property(key.property_hash)) ==
        expected([&](const auto& k, const auto&) { return k.property_hash == key.property_hash; }));
    for (std::size_t i = 0; i < kRare; ++i) {  // each time the same
      const auto rare = properties_[i];
      REQUIRE(value_of(store_->query_by_property(rare)) ==
              expected([&](const auto& k, const auto&) { return k.property_hash == rare; }));
    }
    const auto source = static_cast<ExceptionSource>(below(kExceptionSourceCount));
    REQUIRE(value_of(store_->query_by_source(source)) ==
            expected([&](const auto&, const auto& e) { return e.source == source; }));
    const float lo = static_cast<float>(below(101)) / 100.0F;
    const float hi = lo + static_cast<float>(below(30)) / 100.0F;
    REQUIRE(value_of(store_->query_by_confidence_range(lo, hi)) ==
            expected([&](const auto&, const auto& e) {
              return e.confidence >= lo && e.confidence <= hi;
            }));
    const auto start =
        static_cast<std::int64_t>(below(1'000'000)) * 1'000'000'000 - 500'000'000'000'000;
    const std::int64_t end = start + static_cast<std::int64_t>(below(50'000)) * 1'000'000'000;
    REQUIRE(value_of(store_->query_by_time_range(start, end)) ==
            expected([&](const auto&, const auto& e) {
              return e.created_at >= start && e.created_at <= end;
            }));
    Query compound;
    compound.property = key.property_hash;
    compound.source = source;
    compound.confidence = Query::ConfidenceRange{lo, 1.0F};
    const auto matches = [&](const auto& k, const auto& e) {
      return k.property_hash == key.property_hash && e.source == source && e.confidence >= lo;
    };
    REQUIRE(all(store_->query(compound)) == expected(matches));
    REQUIRE(value_of(store_->count(compound)) == expected(matches).size());
    compound.order = below(2) == 0 ? QueryOrder::time : QueryOrder::confidence;
    compound.descending = below(2) == 0;
    REQUIRE(all(store_->query(compound)) == sorted(expected(matches), compound));
  }

  [[nodiscard]] const Model& model() const { return model_; }
  [[nodiscard]] TestStore& store() { return store_; }

 private:
  static constexpr std::size_t kNodes = 300;
  static constexpr std::size_t kRare = 3;
  static constexpr std::size_t kProperties = 24;  // the first ones are the rare ones

  static std::vector<ExceptionRecord> all(Result<Cursor> opened) {
    auto cursor = value_of(std::move(opened));
    std::vector<ExceptionRecord> records;
    while (const ExceptionView* view = value_of(cursor.next()))
      records.push_back(view->to_record());
    return records;
  }

  template <class Matches>
  std::vector<ExceptionRecord> expected(const Matches& matches) const {
    std::vector<ExceptionRecord> records;
    for (const auto& [key, exception] : model_) {
      if (matches(key, exception)) records.push_back({key, exception});
    }
    return records;
  }

  static std::vector<ExceptionRecord> sorted(std::vector<ExceptionRecord> records,
                                             const Query& query) {
    std::stable_sort(records.begin(), records.end(), [&](const auto& a, const auto& b) {
      return query.order == QueryOrder::time ? a.exception.created_at < b.exception.created_at
                                             : a.exception.confidence < b.exception.confidence;
    });
    if (query.descending) std::reverse(records.begin(), records.end());
    return records;
  }

  void store_one() {
    const auto key = random_key();
    const auto exception = random_exception();
    value_of(store_->store_exception(key, exception));
    model_[key] = exception;
  }
  void remove_one() {
    const auto key = random_key();
    value_of(store_->remove_exception(key));
    model_.erase(key);
  }
  void write_batch() {
    WriteBatch batch;
    for (std::uint64_t i = below(60); i-- > 0;) {
      const auto key = random_key();
      if (below(4) == 0) {
        value_of(batch.remove_exception(key));
        model_.erase(key);
      } else if (below(40) == 0) {
        value_of(batch.clear_node(key.node_id));
        erase_if([&](const auto& k) { return k.node_id == key.node_id; });
      } else {
        const auto exception = random_exception();
        value_of(batch.store_exception(key, exception));
        model_[key] = exception;
      }
    }
    value_of(store_->write(batch));
  }
  void bulk() {
    std::vector<ExceptionRecord> records;
    std::map<ExceptionKey, bool> distinct;
    for (std::uint64_t i = below(400); i-- > 0;) {
      records.push_back({random_key(), random_exception()});
      distinct[records.back().key] = true;
      model_[records.back().key] = records.back().exception;
    }
    REQUIRE(value_of(store_->bulk_store(records)) == distinct.size());
  }
  void clear_node() {
    const NodeId node = random_key().node_id;
    value_of(store_->clear_node(node));
    erase_if([&](const auto& k) { return k.node_id == node; });
  }
  void clear_property() {
    const PropertyHash property = random_key().property_hash;
    value_of(store_->clear_property(property));
    erase_if([&](const auto& k) { return k.property_hash == property; });
  }
  void compare_and_set() {
    const auto key = random_key();
    const auto found = model_.find(key);
    const auto there = found == model_.end() ? std::nullopt : std::optional(found->second);
    const auto expected_there = below(3) == 0 ? std::optional(random_exception()) : there;
    const auto desired = below(3) == 0 ? std::nullopt : std::optional(random_exception());
    REQUIRE(value_of(store_->compare_and_set(key, expected_there, desired)) ==
            (expected_there == there));
    if (expected_there != there) return;
    if (desired) {
      model_[key] = *desired;
    } else {
      model_.erase(key);
    }
  }
  void exchange() {
    const auto key = random_key();
    const auto exception = random_exception();
    const auto found = model_.find(key);
    const auto before = found == model_.end() ? std::nullopt : std::optional(found->second);
    REQUIRE(value_of(store_->exchange_exception(key, exception)) == before);
    model_[key] = exception;
  }
  void take() {
    const auto key = random_key();
    const auto found = model_.find(key);
    const auto before = found == model_.end() ? std::nullopt : std::optional(found->second);
    REQUIRE(value_of(store_->take_exception(key)) == before);
    model_.erase(key);
  }
  void hold_snapshot() {
    snapshot_.emplace(store_->snapshot());
    at_snapshot_ = model_;
  }
  void check_snapshot() {
    if (!snapshot_) return;
    std::vector<ExceptionRecord> then;
    for (const auto& [key, exception] : at_snapshot_) then.push_back({key, exception});
    REQUIRE(all(store_->query(Query{}, &*snapshot_)) == then);
    for (int i = 0; i < 20; ++i) {
      const auto key = random_key();
      const auto found = at_snapshot_.find(key);
      const auto one = value_of(store_->retrieve_exception(key, &*snapshot_));
      REQUIRE(one.has_value() == (found != at_snapshot_.end()));
      if (one) REQUIRE(*one == found->second);
    }
    snapshot_.reset();
  }
  template <class Which>
  void erase_if(const Which& which) {
    std::erase_if(model_, [&](const auto& entry) { return which(entry.first); });
  }

  TestStore store_;
  std::mt19937_64 random_;
  std::vector<PropertyHash> properties_;
  Model model_;
  std::optional<Snapshot> snapshot_;
  Model at_snapshot_;
};

}  // namespace caveat::test
