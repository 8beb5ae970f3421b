// The part of the compaction hook that sees values: a collector for each table file.
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "adapters/rocksdb/store_events.h"

namespace caveat::detail {
namespace {

constexpr const char* kCollectorName = "caveat.rewrites";

class RewriteCollector final : public rocksdb::TablePropertiesCollector {
 public:
  RewriteCollector(Family family, std::shared_ptr<StoreEvents> events, std::size_t keys_max)
      : family_(family), events_(std::move(events)), keys_max_(keys_max) {}

  rocksdb::Status AddUserKey(const rocksdb::Slice& key, const rocksdb::Slice& value,
                             rocksdb::EntryType type, rocksdb::SequenceNumber,
                             std::uint64_t) override {
    if (type != rocksdb::kEntryPut && type != rocksdb::kEntryMerge) return rocksdb::Status::OK();
    bool wanted = false;
    events_->observer().visit([&](const KvObserver* observer) {
      wanted = observer != nullptr &&
               observer->needs_rewrite(family_, key.ToStringView(), value.ToStringView());
    });
    if (!wanted || (!keys_.empty() && keys_.back() == key.ToStringView())) {
      return rocksdb::Status::OK();
    }
    try {
      if (keys_.size() < keys_max_) {
        keys_.emplace_back(key.data(), key.size());
        return rocksdb::Status::OK();
      }
    } catch (const std::bad_alloc&) {  // a hint is not worth a failed flush
    }
    more_ = true;
    return rocksdb::Status::OK();
  }

  rocksdb::Status Finish(rocksdb::UserCollectedProperties*) override {
    if (!keys_.empty()) {
      events_->observer().notify(
          [&](KvObserver& o) { o.on_rewrite_candidates(family_, keys_, more_); });
    }
    return rocksdb::Status::OK();
  }

  rocksdb::UserCollectedProperties GetReadableProperties() const override { return {}; }
  const char* Name() const override { return kCollectorName; }

 private:
  Family family_;
  std::shared_ptr<StoreEvents> events_;
  std::size_t keys_max_;
  std::vector<std::string> keys_;
  bool more_ = false;
};

class RewriteCollectorFactory final : public rocksdb::TablePropertiesCollectorFactory {
 public:
  RewriteCollectorFactory(Family family, std::shared_ptr<StoreEvents> events, std::size_t keys_max)
      : family_(family), events_(std::move(events)), keys_max_(keys_max) {}

  rocksdb::TablePropertiesCollector* CreateTablePropertiesCollector(Context) override {
    return new RewriteCollector(family_, events_, keys_max_);
  }
  const char* Name() const override { return kCollectorName; }

 private:
  Family family_;
  std::shared_ptr<StoreEvents> events_;
  std::size_t keys_max_;
};

}  // namespace

std::shared_ptr<rocksdb::TablePropertiesCollectorFactory> make_rewrite_collector_factory(
    Family family, std::shared_ptr<StoreEvents> events, std::size_t candidates_max) {
  return std::make_shared<RewriteCollectorFactory>(family, std::move(events), candidates_max);
}

}  // namespace caveat::detail
