// Records of the comparison as caveat takes them. Used by caveat's peer, which is also built into
// other harnesses with a peer.h of their own: so this needs nothing but that header.
#pragma once

#include <caveat/caveat.h>

#include "peer.h"

namespace peers {

template <class T>
T must(caveat::Result<T> result) {
  if (!result) throw std::runtime_error("caveat: " + result.error().message());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
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

  void tag(caveat::ValueKind kind) { out.push_back(static_cast<char>(kind)); }
  void null() { tag(caveat::ValueKind::Null), done(); }
  void boolean(bool b) { tag(caveat::ValueKind::Boolean), out.push_back(b ? 1 : 0), done(); }
  void integer(std::int64_t v) {
    tag(caveat::ValueKind::Integer);
    put_varint(out, (static_cast<std::uint64_t>(v) << 1) ^ static_cast<std::uint64_t>(v >> 63));
    done();
  }
  void uinteger(std::uint64_t v) { string(std::to_string(v)); }
  void real(double d) {
    tag(caveat::ValueKind::Float);
    out.append(reinterpret_cast<const char*>(&d), sizeof d);
    done();
  }
  void string(std::string_view s) {
    tag(caveat::ValueKind::String);
    put_varint(out, s.size());
    out.append(s);
    done();
  }
  void json(std::string_view s) { string(s); }
  void array(std::uint64_t n) {
    tag(caveat::ValueKind::List);
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

// Views of many records at once; valid until the next call.
class CaveatViews {
 public:
  std::span<const caveat::ExceptionView> of(std::span<const Record> records) {
    views_.clear();
    ends_.clear();
    translator_.out.clear();
    for (const auto& record : records) {
      visit_value(record.inherited, translator_);
      const std::size_t middle = translator_.out.size();
      visit_value(record.actual, translator_);
      ends_.push_back({middle, translator_.out.size()});
    }
    std::size_t begin = 0;
    const std::string_view bytes = translator_.out;
    const auto value = [&](std::size_t from, std::size_t to) {
      std::string_view one = bytes.substr(from, to - from);
      return must(caveat::decode_value(one));
    };
    for (std::size_t i = 0; i < records.size(); ++i) {
      const auto& record = records[i];
      caveat::ExceptionView view;
      view.key = {record.node, record.prop};
      view.inherited_value = value(begin, ends_[i].inherited);
      view.actual_value = value(ends_[i].inherited, ends_[i].actual);
      view.reason = record.reason;
      view.created_at = record.created_ns;
      view.confidence = record.confidence;
      view.source = static_cast<caveat::ExceptionSource>(record.source);
      views_.push_back(view);
      begin = ends_[i].actual;
    }
    return views_;
  }

 private:
  struct Ends {
    std::size_t inherited, actual;
  };
  std::vector<Ends> ends_;
  std::vector<caveat::ExceptionView> views_;
  ValueTranslator translator_;
};

}  // namespace peers
