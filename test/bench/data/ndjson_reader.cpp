// NDJSON into records.
#include <simdjson.h>
#include <strings.h>
#include <zstd.h>

#include <cstdio>
#include <cstring>

#include "test/bench/data/dataset.h"

namespace peers {

namespace {
namespace dom = simdjson::dom;

void encode_value(const dom::element& e, ValueWriter& w) {
  using T = dom::element_type;
  switch (e.type()) {
    case T::NULL_VALUE:
      w.null();
      return;
    case T::BOOL:
      w.boolean(bool(e));
      return;
    case T::INT64:
      w.integer(int64_t(e));
      return;
    case T::UINT64:
      w.uinteger(uint64_t(e));
      return;
    case T::DOUBLE:
      w.real(double(e));
      return;
    case T::STRING:
      w.string(std::string_view(e));
      return;
    case T::ARRAY: {
      dom::array a = e;
      uint64_t n = 0;
      for (auto x : a) (void)x, ++n;
      w.array(n);
      for (auto x : a) encode_value(x, w);
      return;
    }
    case T::OBJECT:
      w.json(simdjson::minify(e));
      return;
  }
}

uint8_t parse_source(std::string_view s) {
  for (uint8_t i = 0; i < kSourceCount; ++i)
    if (s.size() == kSourceNames[i].size() &&
        strncasecmp(s.data(), kSourceNames[i].data(), s.size()) == 0)
      return i;
  throw std::runtime_error("unknown source: " + std::string(s));
}

std::string read_all(const std::string& path) {
  FILE* f = fopen(path.c_str(), "rb");
  if (!f) throw std::runtime_error("cannot open " + path);
  std::string in;
  char buf[1 << 16];
  size_t n;
  while ((n = fread(buf, 1, sizeof buf, f)) > 0) in.append(buf, n);
  fclose(f);
  if (in.size() < 4 || memcmp(in.data(), "\x28\xb5\x2f\xfd", 4) != 0) return in;
  std::string out;
  ZSTD_DCtx* z = ZSTD_createDCtx();
  ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, 31);
  ZSTD_inBuffer ib{in.data(), in.size(), 0};
  std::vector<char> ob(1 << 20);
  while (ib.pos < ib.size) {
    ZSTD_outBuffer o{ob.data(), ob.size(), 0};
    size_t r = ZSTD_decompressStream(z, &o, &ib);
    if (ZSTD_isError(r)) throw std::runtime_error(path + ": zstd: " + ZSTD_getErrorName(r));
    out.append(ob.data(), o.pos);
    if (ib.pos == ib.size && o.pos == ob.size()) {  // drain
      for (;;) {
        ZSTD_outBuffer o2{ob.data(), ob.size(), 0};
        r = ZSTD_decompressStream(z, &o2, &ib);
        if (ZSTD_isError(r) || o2.pos == 0) break;
        out.append(ob.data(), o2.pos);
      }
    }
  }
  ZSTD_freeDCtx(z);
  return out;
}
}  // namespace

void load_ndjson(Dataset& d, const std::string& path, uint64_t max_records) {
  std::string text = read_all(path);
  const size_t len = text.size();
  text.append(simdjson::SIMDJSON_PADDING, '\0');
  PropTable props(d);
  dom::parser parser;
  std::string val;
  size_t p = 0;
  uint64_t line = 0;
  while (p < len && d.recs.size() < max_records) {
    const char* nl = static_cast<const char*>(memchr(text.data() + p, '\n', len - p));
    size_t e = nl ? size_t(nl - text.data()) : len;
    ++line;
    if (e == p || (e == p + 1 && text[p] == '\r')) {
      p = e + 1;
      continue;
    }
    try {
      // the following bytes of `text` serve as padding
      dom::element doc = parser.parse(text.data() + p, e - p, false);
      Record r;
      r.node = uint64_t(doc["node"]);
      const Prop& pr = props.intern(std::string_view(doc["property"]));
      r.prop = pr.hash;
      r.prop_name = pr.name;
      ValueWriter w{val};
      val.clear();
      encode_value(doc["inherited"].value(), w);
      r.inherited = d.arena.put(val);
      val.clear();
      encode_value(doc["actual"].value(), w);
      r.actual = d.arena.put(val);
      r.reason = d.arena.put(std::string_view(doc["reason"]));
      r.source = parse_source(std::string_view(doc["source"]));
      r.created_ns = parse_rfc3339(std::string_view(doc["created_at"]));
      r.confidence = float(double(doc["confidence"]));
      d.recs.push_back(r);
    } catch (const std::exception& ex) {
      throw std::runtime_error(path + ":" + std::to_string(line) + ": " + ex.what());
    }
    p = e + 1;
  }
  d.raw_bytes += std::min(p, len);
  d.raw_lines = d.recs.size();
}

}  // namespace peers
