// Where a peer's results go: every field of every record is hashed, so that laziness is not
// rewarded and a wrong answer is seen.
#pragma once

// Inlined: the hash is part of every measured read, for all peers alike.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <bit>
#include <cstdint>
#include <vector>

#include "test/bench/contract/record.h"

namespace peers {

// Hash of one record. An engine with typed values of its own need not re-encode them: it can feed a
// RecordHasher field by field, in this order:
//   key(node, prop); <inherited>; <actual>; rest(reason, source, created_ns, confidence);
// where <value> is one call (for an array: array(n) and then its n elements), then
// Sink::add(hasher,...).
class RecordHasher {
 public:
  void key(uint64_t node, uint64_t prop) { mix(node), mix(prop); }
  void null() { mix(1); }
  void boolean(bool b) { mix(2 + b); }
  void integer(int64_t v) { mix(4), mix(uint64_t(v)); }
  void uinteger(uint64_t v) {
    if (v <= uint64_t(INT64_MAX)) return integer(int64_t(v));
    mix(5), mix(v);
  }
  void real(double d) { mix(6), mix(std::bit_cast<uint64_t>(d)); }
  void string(std::string_view s) { mix(7), bytes(s); }
  void array(uint64_t n) { mix(8), mix(n); }
  void json(std::string_view s) { mix(9), bytes(s); }
  void rest(std::string_view reason, uint8_t source, int64_t created_ns, float confidence) {
    bytes(reason);
    mix(uint64_t(source) << 32 | std::bit_cast<uint32_t>(confidence));
    mix(uint64_t(created_ns));
  }
  uint64_t finish() const {
    uint64_t x = h_;
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93ull;
    return x ^ (x >> 29);
  }

 private:
  void mix(uint64_t x) {
    h_ = (h_ ^ x) * 0x9e3779b97f4a7c15ull;
    h_ ^= h_ >> 31;
  }
  void bytes(std::string_view s) { mix(XXH3_64bits(s.data(), s.size())); }
  uint64_t h_ = 0x243f6a8885a308d3ull;
};

inline uint64_t record_hash(const RecordView& r) {
  RecordHasher h;
  h.key(r.node, r.prop);
  visit_value(r.inherited, h);
  visit_value(r.actual, h);
  h.rest(r.reason, r.source, r.created_ns, r.confidence);
  return h.finish();
}

// Where results go. Counts them and sums up their hashes (so that order does not matter).
class Sink {
 public:
  uint64_t count = 0;
  uint64_t sum = 0;

  void add(const RecordView& r) {
    note(record_hash(r), r.node, r.prop, r.source, r.created_ns, r.confidence);
  }
  // For engines that fed a RecordHasher by themselves.
  void add(const RecordHasher& h, uint64_t node, uint64_t prop, uint8_t source, int64_t created_ns,
           float confidence) {
    note(h.finish(), node, prop, source, created_ns, confidence);
  }

  // used by the harness for checks only
  struct Seen {
    uint64_t hash, node, prop;
    int64_t created_ns;
    float confidence;
    uint8_t source;
  };
  std::vector<Seen>* capture = nullptr;

 private:
  void note(uint64_t hash, uint64_t node, uint64_t prop, uint8_t source, int64_t t, float c) {
    ++count;
    sum += hash;
    if (capture) [[unlikely]]
      capture->push_back({hash, node, prop, t, c, source});
  }
};

}  // namespace peers
