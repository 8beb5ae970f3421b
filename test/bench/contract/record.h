// The records of the comparison, and their values as every peer gets them.
#pragma once

#include <cstdint>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>

namespace peers {

// --- Records -------------------------------------------------------------------------------------

enum class Source : uint8_t { Explicit = 0, Detected, Promoted, Conflict, Imported };
inline constexpr int kSourceCount = 5;

// A record as a user reads it. `inherited` and `actual` are in the compact value encoding below.
struct RecordView {
  uint64_t node = 0;
  uint64_t prop = 0;  // XXH3_64bits(property name)
  std::string_view inherited;
  std::string_view actual;
  std::string_view reason;
  int64_t created_ns = 0;  // ns since the epoch, UTC
  float confidence = 0;    // 0..1
  uint8_t source = 0;      // Source
};

// A record as it is written: the same and the property's name, for engines whose API takes names.
// (Engines that store names must be able to find them again by themselves after open().)
struct Record : RecordView {
  std::string_view prop_name;
};

struct Key {
  uint64_t node = 0;
  uint64_t prop = 0;
  std::string_view prop_name;
};

struct Prop {
  uint64_t hash = 0;
  std::string_view name;
};

inline constexpr size_t kNoLimit = std::numeric_limits<size_t>::max();

// --- Values: a tagged union, serialised
// -----------------------------------------------------------
//   tag u8, then: Int zigzag varint | UInt varint (only above INT64_MAX) | Double 8 bytes LE |
//   String, Json: varint length, bytes | Array: varint count, elements.   Null, False, True:
//   nothing.

enum class Tag : uint8_t { Null = 0, False, True, Int, UInt, Double, String, Array, Json };

inline void put_varint(std::string& out, uint64_t v) {
  while (v >= 0x80) {
    out.push_back(char(v | 0x80));
    v >>= 7;
  }
  out.push_back(char(v));
}
inline uint64_t get_varint(const char*& p, const char* end) {
  uint64_t v = 0;
  for (int s = 0; s < 64 && p < end; s += 7) {
    uint8_t b = uint8_t(*p++);
    v |= uint64_t(b & 0x7f) << s;
    if (!(b & 0x80)) return v;
  }
  throw std::runtime_error("peers: bad varint");
}

// Appends values in the encoding above to a std::string.
struct ValueWriter {
  std::string& out;
  void tag(Tag t) { out.push_back(char(t)); }
  void null() { tag(Tag::Null); }
  void boolean(bool b) { tag(b ? Tag::True : Tag::False); }
  void integer(int64_t v) {
    tag(Tag::Int);
    put_varint(out, (uint64_t(v) << 1) ^ uint64_t(v >> 63));
  }
  void uinteger(uint64_t v) {
    if (v <= uint64_t(INT64_MAX)) return integer(int64_t(v));
    tag(Tag::UInt);
    put_varint(out, v);
  }
  void real(double d) {
    tag(Tag::Double);
    out.append(reinterpret_cast<const char*>(&d), 8);
  }
  void string(std::string_view s) {
    tag(Tag::String);
    put_varint(out, s.size());
    out.append(s);
  }
  void array(uint64_t n) {  // then n values
    tag(Tag::Array);
    put_varint(out, n);
  }
  void json(std::string_view s) {  // anything else (an object), as JSON text
    tag(Tag::Json);
    put_varint(out, s.size());
    out.append(s);
  }
};

// Walks one encoded value and calls v.null(), .boolean(b), .integer(i), .uinteger(u), .real(d),
// .string(s), .array(n) (its n elements follow), .json(s).
template <class Visitor>
void visit_value(const char*& p, const char* end, Visitor& v) {
  if (p >= end) throw std::runtime_error("peers: truncated value");
  switch (Tag(uint8_t(*p++))) {
    case Tag::Null:
      v.null();
      return;
    case Tag::False:
      v.boolean(false);
      return;
    case Tag::True:
      v.boolean(true);
      return;
    case Tag::Int: {
      uint64_t z = get_varint(p, end);
      v.integer(int64_t(z >> 1) ^ -int64_t(z & 1));
      return;
    }
    case Tag::UInt:
      v.uinteger(get_varint(p, end));
      return;
    case Tag::Double: {
      if (end - p < 8) throw std::runtime_error("peers: truncated value");
      double d;
      memcpy(&d, p, 8);
      p += 8;
      v.real(d);
      return;
    }
    case Tag::String:
    case Tag::Json: {
      bool is_json = Tag(uint8_t(p[-1])) == Tag::Json;
      uint64_t n = get_varint(p, end);
      if (uint64_t(end - p) < n) throw std::runtime_error("peers: truncated value");
      std::string_view s(p, n);
      p += n;
      if (is_json)
        v.json(s);
      else
        v.string(s);
      return;
    }
    case Tag::Array: {
      uint64_t n = get_varint(p, end);
      v.array(n);
      for (uint64_t i = 0; i < n; ++i) visit_value(p, end, v);
      return;
    }
  }
  throw std::runtime_error("peers: bad value tag");
}
template <class Visitor>
void visit_value(std::string_view s, Visitor& v) {
  const char* p = s.data();
  visit_value(p, s.data() + s.size(), v);
}

}  // namespace peers
