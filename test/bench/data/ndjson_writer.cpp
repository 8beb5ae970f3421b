// One record as a line of NDJSON: for size references, and to hand a set on.
#include <charconv>
#include <cstdio>

#include "test/bench/data/dataset.h"

namespace peers {

namespace {
void json_string(std::string& out, std::string_view s) {
  out.push_back('"');
  for (char ch : s) {
    unsigned char c = (unsigned char)ch;
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(ch);
    } else if (c < 0x20) {
      char b[8];
      const char* e = c == '\n' ? "\\n" : c == '\t' ? "\\t" : c == '\r' ? "\\r" : nullptr;
      if (!e) {
        snprintf(b, sizeof b, "\\u%04x", c);
        e = b;
      }
      out += e;
    } else {
      out.push_back(ch);
    }
  }
  out.push_back('"');
}
template <class T>
void json_num(std::string& out, T v) {
  char b[64];
  auto r = std::to_chars(b, b + sizeof b, v);
  out.append(b, size_t(r.ptr - b));
}
struct JsonOut {
  std::string& out;
  struct Level {
    uint64_t left;
    bool first;
  };
  std::vector<Level> st;
  void before() {
    if (!st.empty()) {
      if (!st.back().first) out.push_back(',');
      st.back().first = false;
    }
  }
  void after() {
    while (!st.empty() && --st.back().left == 0) {
      out.push_back(']');
      st.pop_back();
    }
  }
  void null() { before(), out += "null", after(); }
  void boolean(bool b) { before(), out += b ? "true" : "false", after(); }
  void integer(int64_t v) { before(), json_num(out, v), after(); }
  void uinteger(uint64_t v) { before(), json_num(out, v), after(); }
  void real(double d) {
    before();
    size_t at = out.size();
    json_num(out, d);
    if (out.find_first_of(".eE", at) == std::string::npos) out += ".0";
    after();
  }
  void string(std::string_view s) { before(), json_string(out, s), after(); }
  void json(std::string_view s) { before(), out.append(s), after(); }
  void array(uint64_t n) {
    before();
    out.push_back('[');
    if (n == 0) {
      out.push_back(']');
      after();
    } else {
      st.push_back({n, true});
    }
  }
};
}  // namespace

void append_ndjson(std::string& out, const Record& r) {
  out += "{\"node\":";
  json_num(out, r.node);
  out += ",\"property\":";
  json_string(out, r.prop_name);
  out += ",\"inherited\":";
  JsonOut a{out, {}};
  visit_value(r.inherited, a);
  out += ",\"actual\":";
  JsonOut b{out, {}};
  visit_value(r.actual, b);
  out += ",\"reason\":";
  json_string(out, r.reason);
  out += ",\"source\":\"";
  out += kSourceNames[r.source];
  out += "\",\"created_at\":\"";
  out += format_rfc3339(r.created_ns);
  out += "\",\"confidence\":";
  json_num(out, r.confidence);
  out += "}\n";
}

}  // namespace peers
