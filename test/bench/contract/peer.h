// The one header that a store has to know to be measured.
//
// To add a peer
//   1. Write my_peer.cpp: `#include "peer.h"`, derive from peers::Peer, end with
//      PEER_REGISTER("my_store", MyPeer). It may be registered under several names.
//   2. Build it in: cmake ... -DCAVEAT_BENCH=ON -DPEERS_EXTRA_SOURCES=/path/my_peer.cpp
//      -DPEERS_EXTRA_INCLUDE=/path/include -DPEERS_EXTRA_LIBS="/path/libmy.a;zstd"
//   3. Run it: peerbench --peers rocksdb_naive,my_store ...
//
// The contract
//   - One Peer object is one store in one directory. All calls come from one thread; a store may
//     use threads of its own. Errors are thrown; the harness reports them per peer.
//   - Read calls hand every result to Sink::add as a fully read record, all eight fields. Sink sums
//     up a checksum over all of them, values decoded element by element, so laziness is not
//     rewarded. The harness knows count and checksum of each query and marks what deviates.
//   - The order of results is free. A query with a limit may return any `limit` matching records,
//     but no record twice.
//   - The views given to Sink::add need to be valid only during that call.
//   - Every Peer runs in a forked process of its own. The probes of cold caches and memory run in a
//     fresh one that knows only directory and options: open() must open what an earlier process
//     closed.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "test/bench/contract/record.h"
#include "test/bench/contract/sink.h"

namespace peers {

// --- Options -------------------------------------------------------------------------------------

// "name=value" pairs from --opt, e.g. --opt sqlite.page_size=16384. Peers read what is theirs.
struct Options {
  std::map<std::string, std::string> kv;
  int64_t num(const std::string& k, int64_t dflt) const {
    auto it = kv.find(k);
    return it == kv.end() ? dflt : std::stoll(it->second);
  }
  std::string str(const std::string& k, const std::string& dflt) const {
    auto it = kv.find(k);
    return it == kv.end() ? dflt : it->second;
  }
};

// --- The peer ------------------------------------------------------------------------------------

struct Caps {
  bool persistent = true;  // false: in memory; disk, open and cold operations are skipped
  bool by_property = true, by_confidence = true, by_time = true, by_source = true;
  bool mutations = true;
  bool load_only =
      false;  // measure only load, compaction and size (a variant that differs in nothing else)
};

class Peer {
 public:
  virtual ~Peer() = default;
  virtual Caps caps() const { return {}; }
  virtual std::string version() const { return ""; }  // "rocksdb 7.8.3"

  // Opens the store in `dir` (which exists), creating it if it is empty. Timed as "open".
  virtual void open(const std::string& dir, const Options& opt) = 0;
  // Closes it cleanly. Everything written is still there at the next open().
  virtual void close() = 0;

  // First load into an empty store. Keys are unique; records come in arrival order (shuffled).
  // On return all is durable on disk (fsync), but need not be compacted.
  virtual void bulk_load(std::span<const Record> records) = 0;
  // Brings the store into its best long-term shape (full compaction / VACUUM / checkpoint); durable
  // on return. May close and reopen internally.
  virtual void compact() = 0;

  // Point read. true and one Sink::add when present.
  virtual bool get(const Key& key, Sink& out) = 0;
  // All records of a node.
  virtual void scan_node(uint64_t node, Sink& out) = 0;
  // All records of a property / with source s / lo <= confidence <= hi / lo <= created_ns <= hi.
  virtual void by_property(const Prop& prop, size_t limit, Sink& out) = 0;
  virtual void by_source(uint8_t source, size_t limit, Sink& out) = 0;
  virtual void by_confidence(float lo, float hi, size_t limit, Sink& out) = 0;
  virtual void by_time(int64_t lo_ns, int64_t hi_ns, size_t limit, Sink& out) = 0;
  // Every record, in any order.
  virtual void scan_all(Sink& out) = 0;

  // Insert or replace, one atomic commit per call, visible to every access path on return. Must
  // survive a crash of the process (handed to the OS), no fsync asked for. Keys in a batch are
  // unique. No call may assume whether the key is already there.
  virtual void upsert(const Record& rec) { upsert_batch({&rec, 1}); }
  virtual void upsert_batch(std::span<const Record> recs) = 0;
  // Delete, same durability; returns whether the record was there.
  virtual bool erase(const Key& key) = 0;

  // In-memory footprint in bytes if the peer can account for it better than the harness, otherwise
  // 0.
  virtual uint64_t memory_bytes() const { return 0; }
};

// --- The registry --------------------------------------------------------------------------------

using PeerFactory = std::function<std::unique_ptr<Peer>()>;
struct PeerEntry {
  std::string name;
  PeerFactory make;
};
inline std::vector<PeerEntry>& registry() {
  static std::vector<PeerEntry> r;
  return r;
}
struct PeerRegistrar {
  PeerRegistrar(std::string name, PeerFactory f) {
    registry().push_back({std::move(name), std::move(f)});
  }
};
#define PEER_CAT2(a, b) a##b
#define PEER_CAT(a, b) PEER_CAT2(a, b)
// PEER_REGISTER("name", Class, constructor arguments...)
#define PEER_REGISTER(name, cls, ...)                                   \
  static ::peers::PeerRegistrar PEER_CAT(peer_registrar_, __COUNTER__)( \
      name,                                                             \
      []() -> std::unique_ptr<::peers::Peer> { return std::make_unique<cls>(__VA_ARGS__); });

}  // namespace peers
