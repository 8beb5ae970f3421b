// Records of the comparison as caveat takes them. Used by caveat's peer, which is also built into
// other harnesses with a peer.h of their own: so this needs nothing but that header.
#pragma once

#include <caveat/caveat.h>

#include <charconv>
#include <cstring>

#include "peer.h"

namespace peers {

template <class T>
T must(caveat::Result<T> result) {
  if (!result) throw std::runtime_error("caveat: " + result.error().message());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

// Walks a list of the harness and writes caveat's plain encoding of it. Numbers above INT64_MAX
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

// Walks a value of the harness and makes a view of it: of a text where it lies, of a number in the
// scratch. A list is left to the translator.
struct ScalarViewer {
  static constexpr std::size_t kScratchBytes = 20;  // the longest number as text

  char* scratch;
  caveat::ValueView view;
  bool list = false;

  void null() { set(caveat::ValueKind::Null, {}); }
  void boolean(bool b) {
    *scratch = b ? 1 : 0;
    set(caveat::ValueKind::Boolean, {scratch, 1});
  }
  void integer(std::int64_t v) {
    auto rest = (static_cast<std::uint64_t>(v) << 1) ^ static_cast<std::uint64_t>(v >> 63);
    char* end = scratch;
    for (; rest >= 0x80; rest >>= 7) *end++ = static_cast<char>(rest | 0x80);
    *end++ = static_cast<char>(rest);
    set(caveat::ValueKind::Integer, {scratch, static_cast<std::size_t>(end - scratch)});
  }
  void uinteger(std::uint64_t v) {
    const auto end = std::to_chars(scratch, scratch + kScratchBytes, v).ptr;
    string({scratch, static_cast<std::size_t>(end - scratch)});
  }
  void real(double d) {
    std::memcpy(scratch, &d, sizeof d);
    set(caveat::ValueKind::Float, {scratch, sizeof d});
  }
  void string(std::string_view s) { set(caveat::ValueKind::String, s); }
  void json(std::string_view s) { string(s); }
  void array(std::uint64_t) { list = true; }

 private:
  void set(caveat::ValueKind kind, std::string_view payload) {
    if (!list) view = {kind, payload};
  }
};

// Views of many records at once; valid until the next call, and as long as the records are.
class CaveatViews {
 public:
  std::span<const caveat::ExceptionView> of(std::span<const Record> records) {
    views_.resize(records.size());
    scratch_.resize(records.size() * 2 * ScalarViewer::kScratchBytes);
    lists_.clear();
    translator_.out.clear();
    char* scratch = scratch_.data();
    for (std::size_t i = 0; i < records.size(); ++i) {
      const auto& record = records[i];
      auto& view = views_[i];
      view.key = {record.node, record.prop};
      view_value(record.inherited, scratch, view.inherited_value);
      view_value(record.actual, scratch, view.actual_value);
      view.reason = record.reason;
      view.created_at = record.created_ns;
      view.confidence = record.confidence;
      view.source = static_cast<caveat::ExceptionSource>(record.source);
    }
    // No list's bytes move any more.
    std::string_view bytes = translator_.out;
    for (caveat::ValueView* list : lists_) *list = must(caveat::decode_value(bytes));
    return views_;
  }

 private:
  void view_value(std::string_view value, char*& scratch, caveat::ValueView& view) {
    ScalarViewer viewer{scratch, {}, false};
    visit_value(value, viewer);
    scratch += ScalarViewer::kScratchBytes;
    view = viewer.view;
    if (!viewer.list) return;
    visit_value(value, translator_);
    lists_.push_back(&view);
  }

  std::vector<caveat::ExceptionView> views_;
  std::vector<char> scratch_;
  std::vector<caveat::ValueView*> lists_;
  ValueTranslator translator_;
};

}  // namespace peers
