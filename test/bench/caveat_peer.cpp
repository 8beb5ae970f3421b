// caveat as one of the peers of the comparison, through its public API alone.
//
// Built into the comparison's harness against its peer.h:
//   cmake ... -DPEERS_EXTRA_SOURCES=.../test/bench/caveat_peer.cpp
//             -DPEERS_EXTRA_INCLUDE="engine/include;indexes/include;pool/include"
//             -DPEERS_EXTRA_LIBS="libcaveat.a;rocksdb;zstd;lz4;fmt;xxhash"
// Options are the library's defaults, but for the cache, which is set to match the other peers'.
#include <caveat/caveat.h>

#include "peer.h"

namespace {

using caveat::ExceptionKey;
using caveat::ExceptionView;
using caveat::ValueKind;
using caveat::ValueView;

template <class T>
T must(caveat::Result<T> result) {
  if (!result) throw std::runtime_error("caveat: " + result.error().message());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

void put_varint(std::string& out, std::uint64_t v) {
  for (; v >= 0x80; v >>= 7) out.push_back(static_cast<char>(v | 0x80));
  out.push_back(static_cast<char>(v));
}

// Walks a value of the harness and writes caveat's plain encoding of it. Numbers above INT64_MAX
// and objects have no kind of their own here: they are stored as text.
struct ValueTranslator {
  std::string out;
  struct Open {
    std::size_t start;
    std::uint64_t left;
  };
  std::vector<Open> open;

  void tag(ValueKind kind) { out.push_back(static_cast<char>(kind)); }
  void null() { tag(ValueKind::Null), done(); }
  void boolean(bool b) { tag(ValueKind::Boolean), out.push_back(b ? 1 : 0), done(); }
  void integer(std::int64_t v) {
    tag(ValueKind::Integer);
    put_varint(out, (static_cast<std::uint64_t>(v) << 1) ^ static_cast<std::uint64_t>(v >> 63));
    done();
  }
  void uinteger(std::uint64_t v) { string(std::to_string(v)); }
  void real(double d) {
    tag(ValueKind::Float);
    out.append(reinterpret_cast<const char*>(&d), sizeof d);
    done();
  }
  void string(std::string_view s) {
    tag(ValueKind::String);
    put_varint(out, s.size());
    out.append(s);
    done();
  }
  void json(std::string_view s) { string(s); }
  void array(std::uint64_t n) {
    tag(ValueKind::List);
    open.push_back({out.size(), n});
    if (n == 0) close();
  }

 private:
  void done() {
    while (!open.empty() && --open.back().left == 0) close_one();
  }
  void close() {
    close_one();
    done();
  }
  void close_one() {
    std::string length;
    put_varint(length, out.size() - open.back().start);
    out.insert(open.back().start, length);
    open.pop_back();
  }
};

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
    return must(store_->take_exception({key.node, key.prop})).has_value();
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

  void store(std::span<const peers::Record> records) {
    names_.clear();
    views_.clear();
    translator_.out.clear();
    struct Ends {
      std::size_t inherited, actual;
    };
    std::vector<Ends> ends;
    for (const auto& record : records) {
      names_.push_back(record.prop_name);
      peers::visit_value(record.inherited, translator_);
      const std::size_t middle = translator_.out.size();
      peers::visit_value(record.actual, translator_);
      ends.push_back({middle, translator_.out.size()});
    }
    must(store_->register_properties(names_));
    std::size_t begin = 0;
    const std::string_view bytes = translator_.out;
    const auto value = [&](std::size_t from, std::size_t to) {
      std::string_view one = bytes.substr(from, to - from);
      return must(caveat::decode_value(one));
    };
    for (std::size_t i = 0; i < records.size(); ++i) {
      const auto& record = records[i];
      ExceptionView view;
      view.key = {record.node, record.prop};
      view.inherited_value = value(begin, ends[i].inherited);
      view.actual_value = value(ends[i].inherited, ends[i].actual);
      view.reason = record.reason;
      view.created_at = record.created_ns;
      view.confidence = record.confidence;
      view.source = static_cast<caveat::ExceptionSource>(record.source);
      views_.push_back(view);
      begin = ends[i].actual;
    }
    must(store_->bulk_store(std::span<const ExceptionView>(views_)));
  }

  std::optional<caveat::StorageOptimizer> store_;
  std::vector<std::string_view> names_;
  std::vector<ExceptionView> views_;
  ValueTranslator translator_;
};

}  // namespace

PEER_REGISTER("caveat", CaveatPeer)
