// Keys and rows shared by the key-value peers (rocksdb, leveldb, lmdb): memcmp-ordered keys, one
// row format.
#pragma once
#include "test/bench/contract/peer.h"

namespace peers::kv {

inline char* put_u64be(char* p, uint64_t v) {
  v = __builtin_bswap64(v);
  memcpy(p, &v, 8);
  return p + 8;
}
inline uint64_t get_u64be(const char* p) {
  uint64_t v;
  memcpy(&v, p, 8);
  return __builtin_bswap64(v);
}
inline char* put_u32be(char* p, uint32_t v) {
  v = __builtin_bswap32(v);
  memcpy(p, &v, 4);
  return p + 4;
}
// order-preserving maps to unsigned
inline uint32_t ordered(float f) {
  uint32_t u = std::bit_cast<uint32_t>(f);
  return u & 0x80000000u ? ~u : u | 0x80000000u;
}
inline uint64_t ordered(int64_t t) {
  return uint64_t(t) ^ (1ull << 63);
}

// A short key built on the stack, with an optional prefix byte.
struct SKey {
  char buf[32];
  uint32_t len = 0;
  std::string_view sv() const { return {buf, len}; }
};
enum Index : int { kPrimary = 0, kProp, kSource, kConf, kTime, kIndexCount };
inline constexpr char kPrefix[kIndexCount] = {'a', 'b', 'c', 'd', 'e'};

// Key of `r` in index i; prefix 0 = none. Secondary keys end in what leads back to the primary key.
inline SKey make_key(int i, const RecordView& r, char prefix = 0) {
  SKey k;
  char* p = k.buf;
  if (prefix) *p++ = prefix;
  switch (i) {
    case kPrimary:
      p = put_u64be(p, r.node);
      p = put_u64be(p, r.prop);
      break;
    case kProp:
      p = put_u64be(p, r.prop);
      p = put_u64be(p, r.node);
      break;
    case kSource:
      *p++ = char(r.source);
      p = put_u64be(p, r.node);
      p = put_u64be(p, r.prop);
      break;
    case kConf:
      p = put_u32be(p, ordered(r.confidence));
      p = put_u64be(p, r.node);
      p = put_u64be(p, r.prop);
      break;
    case kTime:
      p = put_u64be(p, ordered(r.created_ns));
      p = put_u64be(p, r.node);
      p = put_u64be(p, r.prop);
      break;
  }
  k.len = uint32_t(p - k.buf);
  return k;
}
// The primary key (16 bytes, no prefix) out of a secondary key without its prefix.
inline void primary_of(int i, const char* k, size_t n, char out[16]) {
  if (i == kProp) {
    memcpy(out, k + 8, 8);
    memcpy(out + 8, k, 8);
  } else {
    memcpy(out, k + n - 16, 16);
  }
}

// row: source u8, confidence f32, created i64, varint |inherited|, inherited, varint |actual|,
// actual, reason
inline void encode_row(const RecordView& r, std::string& out) {
  out.clear();
  out.push_back(char(r.source));
  out.append(reinterpret_cast<const char*>(&r.confidence), 4);
  out.append(reinterpret_cast<const char*>(&r.created_ns), 8);
  put_varint(out, r.inherited.size());
  out.append(r.inherited);
  put_varint(out, r.actual.size());
  out.append(r.actual);
  out.append(r.reason);
}
inline RecordView decode_row(const char* key16, const char* p, size_t n) {
  RecordView r;
  r.node = get_u64be(key16);
  r.prop = get_u64be(key16 + 8);
  const char* end = p + n;
  if (n < 15) throw std::runtime_error("peers: short row");
  r.source = uint8_t(*p++);
  memcpy(&r.confidence, p, 4);
  p += 4;
  memcpy(&r.created_ns, p, 8);
  p += 8;
  size_t a = get_varint(p, end);
  r.inherited = {p, a};
  p += a;
  size_t b = get_varint(p, end);
  r.actual = {p, b};
  p += b;
  r.reason = {p, size_t(end - p)};
  return r;
}

// [lo, hi] of a secondary query as keys: hi is the last possible key.
inline SKey bound(int i, uint64_t v, bool upper, char prefix = 0) {
  SKey k;
  char* p = k.buf;
  if (prefix) *p++ = prefix;
  switch (i) {
    case kPrimary:
    case kProp:
    case kTime:
      p = put_u64be(p, v);
      break;
    case kSource:
      *p++ = char(v);
      break;
    case kConf:
      p = put_u32be(p, uint32_t(v));
      break;
  }
  size_t tail = (i == kPrimary || i == kProp) ? 8 : 16;
  memset(p, upper ? 0xff : 0, tail);
  p += tail;
  k.len = uint32_t(p - k.buf);
  return k;
}

}  // namespace peers::kv
