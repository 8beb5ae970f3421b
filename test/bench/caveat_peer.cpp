// caveat as one of the peers of the comparison, through its public API alone.
//
// Built into the comparison's harness against its peer.h:
//   cmake ... -DPEERS_EXTRA_SOURCES=.../test/bench/caveat_peer.cpp
//             -DPEERS_EXTRA_INCLUDE="engine/include;indexes/include;pool/include"
//             -DPEERS_EXTRA_LIBS="libcaveat.a;rocksdb;zstd;lz4;fmt;xxhash"
// Options are the library's defaults, but for the cache, which is set to match the other peers'.
#include <caveat/caveat.h>

#include <algorithm>
#include <unordered_set>

#include "caveat_views.h"
#include "peer.h"

namespace {

using caveat::ExceptionKey;
using caveat::ExceptionView;
using caveat::ValueKind;
using caveat::ValueView;

using peers::must;

void hash_value(const ValueView& value, peers::RecordHasher& hasher) {
  switch (value.kind()) {
    case ValueKind::Null:
      return hasher.null();
    case ValueKind::Boolean:
      return hasher.boolean(value.as_boolean());
    case ValueKind::Integer:
      return hasher.integer(value.as_integer());
    case ValueKind::Float:
      return hasher.real(value.as_float());
    case ValueKind::String:
      return hasher.string(value.as_string());
    case ValueKind::List:
      break;
  }
  std::uint64_t count = 0;
  for (auto rest = value.payload(); ValueView::next_element(rest);) ++count;
  hasher.array(count);
  auto rest = value.payload();
  while (const auto element = ValueView::next_element(rest)) hash_value(*element, hasher);
}

class CaveatPeer : public peers::Peer {
 public:
  std::string version() const override { return "caveat " CAVEAT_VERSION_STRING; }

  void open(const std::string& dir, const peers::Options& opt) override {
    caveat::Options options;
    options.cache_bytes = static_cast<std::size_t>(opt.num("caveat.cache_mb", 64)) << 20;
    store_.emplace(must(caveat::open(dir + "/store", options)));
  }
  void close() override {
    if (!store_) return;
    must(store_->close());
    store_.reset();
  }
  void bulk_load(std::span<const peers::Record> records) override {
    store(records);
    must(store_->flush());
  }
  void compact() override {
    must(store_->optimize_storage());
    must(store_->compact_storage());
  }

  bool get(const peers::Key& key, peers::Sink& out) override {
    const auto found = must(store_->retrieve_view({key.node, key.prop}));
    if (found) emit(**found, out);
    return found.has_value();
  }
  void scan_node(std::uint64_t node, peers::Sink& out) override {
    caveat::Query query;
    query.node = node;
    run(query, peers::kNoLimit, out);
  }
  void by_property(const peers::Prop& prop, std::size_t limit, peers::Sink& out) override {
    caveat::Query query;
    query.property = prop.hash;
    run(query, limit, out);
  }
  void by_source(std::uint8_t source, std::size_t limit, peers::Sink& out) override {
    caveat::Query query;
    query.source = static_cast<caveat::ExceptionSource>(source);
    run(query, limit, out);
  }
  void by_confidence(float lo, float hi, std::size_t limit, peers::Sink& out) override {
    caveat::Query query;
    query.confidence = caveat::Query::ConfidenceRange{lo, hi};
    run(query, limit, out);
  }
  void by_time(std::int64_t lo, std::int64_t hi, std::size_t limit, peers::Sink& out) override {
    caveat::Query query;
    query.time = caveat::Query::TimeRange{lo, hi};
    run(query, limit, out);
  }
  void scan_all(peers::Sink& out) override { run({}, peers::kNoLimit, out); }

  void upsert_batch(std::span<const peers::Record> records) override { store(records); }
  bool erase(const peers::Key& key) override {
    return must(store_->erase_exception({key.node, key.prop}));
  }

 private:
  static void emit(const ExceptionView& view, peers::Sink& out) {
    peers::RecordHasher hasher;
    hasher.key(view.key.node_id, view.key.property_hash);
    hash_value(view.inherited_value, hasher);
    hash_value(view.actual_value, hasher);
    hasher.rest(view.reason, static_cast<std::uint8_t>(view.source), view.created_at,
                view.confidence);
    out.add(hasher, view.key.node_id, view.key.property_hash,
            static_cast<std::uint8_t>(view.source), view.created_at, view.confidence);
  }

  void run(caveat::Query query, std::size_t limit, peers::Sink& out) {
    query.limit = limit;
    auto cursor = must(store_->query(query));
    while (const ExceptionView* view = must(cursor.next())) emit(*view, out);
  }

  // A host has its records as they come, not as one array of views: they are turned into views a
  // batch at a time. A property is made known when it is met first.
  void store(std::span<const peers::Record> records) {
    constexpr std::size_t kBatch = 10'000;
    for (; !records.empty(); records = records.subspan(std::min(kBatch, records.size()))) {
      const auto batch = records.first(std::min(kBatch, records.size()));
      names_.clear();
      for (const auto& record : batch) {
        if (known_.insert(record.prop).second) names_.push_back(record.prop_name);
      }
      if (!names_.empty()) must(store_->register_properties(names_));
      must(store_->bulk_store(views_.of(batch)));
    }
  }

  std::optional<caveat::StorageOptimizer> store_;
  std::unordered_set<caveat::PropertyHash> known_;
  std::vector<std::string_view> names_;
  peers::CaveatViews views_;
};

}  // namespace

PEER_REGISTER("caveat", CaveatPeer)
