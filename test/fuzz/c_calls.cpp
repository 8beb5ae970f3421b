// The C interface: the bytes are a program of calls with their arguments, good ones and bad ones.
// Every code is known and agrees with its error; a set of keys says which records there have to be;
// and at the end the store is sound.
#include <cstdint>
#include <cstring>
#include <deque>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "caveat/c.h"
#include "test/fuzz/fuzz.h"

using namespace caveat::test;

namespace {

constexpr int kCallsMax = 200;

// The bytes as arguments: all of them lead somewhere, and where they end everything is 0.
class Program {
 public:
  Program(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  [[nodiscard]] bool ended() const { return at_ == size_; }

  std::uint8_t byte() { return ended() ? 0 : data_[at_++]; }
  template <class T>
  T raw() {
    T value{};
    const auto bytes = std::min(sizeof value, size_ - at_);
    std::memcpy(&value, data_ + at_, bytes);
    at_ += bytes;
    return value;
  }
  std::uint64_t node() { return byte() % 6; }
  std::uint64_t property() { return byte() % 3; }

  // The bytes themselves, with no zero behind them; or a pair that no string is.
  caveat_string string() {
    const auto length = byte();
    if (length >= 0xFE) return {length == 0xFF ? nullptr : "x", SIZE_MAX};
    const std::size_t bytes = std::min<std::size_t>(length, size_ - at_);
    const caveat_string made{reinterpret_cast<const char*>(data_ + at_), bytes};
    at_ += bytes;
    return made;
  }

  caveat_value value(int depth = 0) {
    caveat_value made{};
    made.kind = static_cast<std::int8_t>(byte());
    if (made.kind == CAVEAT_STRING) {
      made.as.string = string();
    } else if (made.kind == CAVEAT_LIST) {
      auto& items = lists_.emplace_back();
      const std::size_t count = depth > 20 ? 0 : byte() % 4;
      for (std::size_t i = 0; i < count; ++i) items.push_back(value(depth + 1));
      made.as.list.items = items.data();
      made.as.list.count = count;
    } else {
      made.as.integer = raw<std::int64_t>();
    }
    return made;
  }

  caveat_record record() {
    caveat_record made{};
    made.key = {node(), property()};
    const auto fields = byte();
    made.confidence = 0.5F;
    if ((fields & 1) != 0) made.inherited = value();
    if ((fields & 2) != 0) made.actual = value();
    if ((fields & 4) != 0) made.reason = string();
    if ((fields & 8) != 0) made.created_at_ns = raw<std::int64_t>();
    if ((fields & 16) != 0) made.confidence = raw<float>();
    if ((fields & 32) != 0) made.source = static_cast<std::int8_t>(byte());
    return made;
  }

  // As a caller with a newer header has it: what he claims beyond our struct is there, and zero.
  struct Asked {
    caveat_query query;
    char beyond[256];
  };
  Asked query() {
    Asked asked{};
    caveat_query& made = asked.query;
    const auto size = byte();
    made.size = size == 0 ? sizeof made : size;
    made.fields = byte();
    made.source = static_cast<std::int8_t>(byte());
    made.node = node();
    made.property = property();
    if ((made.fields & CAVEAT_QUERY_CONFIDENCE) != 0) {
      made.confidence_min = raw<float>();
      made.confidence_max = raw<float>();
    }
    if ((made.fields & CAVEAT_QUERY_TIME) != 0) {
      made.time_start_ns = raw<std::int64_t>();
      made.time_end_ns = raw<std::int64_t>();
    }
    made.order = static_cast<std::int8_t>(byte());
    made.descending = byte();
    if ((made.fields & CAVEAT_QUERY_NODES) != 0) {
      made.node_first = node();
      made.node_last = node();
    }
    if ((made.fields & CAVEAT_QUERY_LIMIT) != 0) made.limit = byte();
    if (byte() == 1) made.resume_token = string();
    return asked;
  }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
  std::size_t at_ = 0;
  std::deque<std::vector<caveat_value>> lists_;
};

class World {
 public:
  explicit World(Program& program) : program_(program) {
    caveat_options options{};
    options.size = sizeof options;
    options.flags = CAVEAT_OPEN_NO_BACKGROUND;
    options.memory_budget_bytes = 8 << 20;
    must_hold(caveat_open_volatile(&options, &store_, nullptr) == CAVEAT_OK, "no store");
    must_hold(caveat_batch_create(&batch_, nullptr) == CAVEAT_OK, "no batch");
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World() {
    caveat_cursor_release(cursor_);
    caveat_snapshot_release(snapshot_);
    caveat_batch_release(batch_);
    caveat_store_release(store_);
  }

  void call();
  void check();

 private:
  using Key = std::pair<std::uint64_t, std::uint64_t>;

  // What every call promises of its code and its error.
  bool done(caveat_code code) {
    must_hold(code == caveat_error_code(error_), "code and error differ");
    must_hold(code >= CAVEAT_OK && code < CAVEAT_INTERNAL, "a code that must not be");
    must_hold((code == CAVEAT_OK) == (*caveat_error_message(error_) == '\0'), "no sentence");
    caveat_error_free(error_);
    error_ = nullptr;
    return code == CAVEAT_OK;
  }
  void take(const caveat_record* record, const Key& key) {
    must_hold((record != nullptr) == (keys_.count(key) == 1), "a record is there, or is not");
    must_hold(record == nullptr || Key(record->key.node, record->key.property) == key, "its key");
    caveat_record_free(record);
  }
  void text(caveat_string string) {
    must_hold(string.data == nullptr || string.data[string.size] == '\0', "no zero behind a text");
    caveat_string_free(&string);
  }
  void write_one(int which);
  void write_batch();
  void ask(int which);
  void run_query();
  void open_another();

  Program& program_;
  caveat_store* store_ = nullptr;
  caveat_batch* batch_ = nullptr;
  caveat_snapshot* snapshot_ = nullptr;
  caveat_cursor* cursor_ = nullptr;
  caveat_error* error_ = nullptr;
  std::set<Key> keys_;
};

void World::write_one(int which) {
  const auto record = program_.record();
  const Key key(record.key.node, record.key.property);
  const auto durability = static_cast<std::int8_t>(program_.byte() % 5);
  const caveat_record* was = nullptr;
  std::int32_t swapped = 0;
  switch (which) {
    case 0:
      if (done(caveat_store_exception(store_, &record, durability, &error_))) keys_.insert(key);
      return;
    case 1:
      if (done(caveat_remove_exception(store_, key.first, key.second, durability, &error_))) {
        keys_.erase(key);
      }
      return;
    case 2:
      if (!done(caveat_exchange_exception(store_, &record, durability, &was, &error_))) return;
      take(was, key);
      keys_.insert(key);
      return;
    case 3:
      if (!done(caveat_take_exception(store_, key.first, key.second, durability, &was, &error_))) {
        return;
      }
      take(was, key);
      keys_.erase(key);
      return;
    case 4: {
      const bool removes = program_.byte() % 2 == 1;
      if (!done(caveat_compare_and_set(store_, key.first, key.second, nullptr,
                                       removes ? nullptr : &record, durability, &swapped,
                                       &error_))) {
        return;
      }
      must_hold((swapped == 1) == (keys_.count(key) == 0), "compared with what is not there");
      if (swapped == 1 && !removes) keys_.insert(key);
      return;
    }
    case 7: {
      std::int32_t erased = -1;
      if (!done(caveat_erase_exception(store_, key.first, key.second, durability, &erased,
                                       &error_))) {
        return;
      }
      must_hold((erased == 1) == (keys_.erase(key) == 1), "erased what is not there");
      return;
    }
    default:
      if (which == 5 ? done(caveat_clear_node(store_, key.first, durability, &error_))
                     : done(caveat_clear_property(store_, key.second, durability, &error_))) {
        std::erase_if(keys_, [&](const Key& k) {
          return which == 5 ? k.first == key.first : k.second == key.second;
        });
      }
  }
}

void World::write_batch() {
  auto expected = keys_;
  static_cast<void>(caveat_batch_clear(batch_, nullptr));
  for (int left = program_.byte() % 4; left > 0; --left) {
    const auto record = program_.record();
    const Key key(record.key.node, record.key.property);
    if (program_.byte() % 3 == 0) {
      if (done(caveat_batch_remove_exception(batch_, key.first, key.second, &error_))) {
        expected.erase(key);
      }
    } else if (done(caveat_batch_store_exception(batch_, &record, &error_))) {
      expected.insert(key);
    }
  }
  if (done(caveat_write(store_, batch_, program_.byte() % 5, &error_))) keys_ = expected;
}

void World::run_query() {
  const auto asked = program_.query();
  const caveat_query& query = asked.query;
  std::uint64_t count = 0, seen = 0;
  const bool counted = done(caveat_count(store_, nullptr, &query, &count, &error_));
  caveat_cursor_release(std::exchange(cursor_, nullptr));
  if (!done(caveat_cursor_open(store_, nullptr, &query, &cursor_, &error_))) {
    must_hold(!counted, "counted, and not found");
    return;
  }
  const caveat_record* record = nullptr;
  caveat_string token{};
  while (done(caveat_cursor_next(cursor_, &record, &error_)) && record != nullptr) {
    must_hold(keys_.count({record->key.node, record->key.property}) == 1,
              "found what is not there");
    ++seen;
  }
  must_hold(!counted || seen == count, "counted other than found");
  if (done(caveat_cursor_resume_token(cursor_, &token, &error_))) text(token);
}

void World::open_another() {
  caveat_options options{};
  const auto size = program_.byte();
  options.size = size == 0 ? sizeof options : size % (sizeof options + 1);
  options.flags = program_.byte() | CAVEAT_OPEN_NO_BACKGROUND;
  options.durability = static_cast<std::int8_t>(program_.byte());
  options.memory_budget_bytes = program_.byte() % 2 == 0 ? 8 << 20 : program_.raw<std::uint64_t>();
  options.compression = static_cast<std::int8_t>(program_.byte());
  options.compression_level = static_cast<std::int8_t>(program_.byte());
  options.partition_records = program_.raw<std::uint16_t>();
  options.dictionary_bytes = program_.raw<std::int32_t>();
  const auto keys = program_.string();
  const std::string text(keys.size > 200 ? "" : std::string(keys.data, keys.size));
  if (!text.empty()) options.keys = text.c_str();
  if (options.memory_budget_bytes > std::uint64_t{64} << 20)
    options.memory_budget_bytes |= 1ULL << 63;
  caveat_store* other = nullptr;
  must_hold(done(caveat_open_volatile(&options, &other, &error_)) == (other != nullptr),
            "a store of an open that failed");
  caveat_store_release(other);
}

void World::ask(int which) {
  const auto node = program_.node(), property = program_.property();
  std::int32_t found = 0;
  const caveat_record* record = nullptr;
  caveat_string string{};
  switch (which) {
    case 0:
      if (done(caveat_contains(store_, nullptr, node, property, &found, &error_))) {
        must_hold((found == 1) == (keys_.count({node, property}) == 1), "contains");
      }
      return;
    case 1:
      if (done(caveat_retrieve_exception(store_, nullptr, node, property, &record, &error_))) {
        take(record, {node, property});
      }
      return;
    case 2: {
      const auto name = program_.string();
      std::uint64_t hash = 0;
      if (!done(caveat_register_property(store_, name.data, name.size, &hash, &error_))) return;
      must_hold(hash == caveat_hash_property(name.data, name.size), "another hash");
      if (!done(caveat_property_name(store_, hash, &string, &error_))) return;
      must_hold(string.size == name.size && std::memcmp(string.data, name.data, name.size) == 0,
                "another name");
      text(string);
      return;
    }
    case 3:
      if (done(caveat_statistics_json(store_, 0, &string, &error_))) text(string);
      return;
    case 4: {
      const auto query = program_.query();
      if (done(caveat_explain_json(store_, nullptr, &query.query, &string, &error_))) text(string);
      return;
    }
    case 5:
      caveat_snapshot_release(std::exchange(snapshot_, nullptr));
      static_cast<void>(done(caveat_snapshot_create(store_, &snapshot_, &error_)));
      return;
    case 6:
      static_cast<void>(caveat_code_name(program_.raw<std::int32_t>()));
      static_cast<void>(caveat_source_name(program_.raw<std::int32_t>()));
      return;
    default:
      must_hold(!done(caveat_flush(nullptr, &error_)), "a store that is none");
  }
}

void World::call() {
  const int which = program_.byte() % 24;
  if (which < 7) return write_one(which);
  if (which < 9) return write_batch();
  if (which < 12) return run_query();
  if (which < 13) return open_another();
  if (which < 14) return static_cast<void>(done(caveat_flush(store_, &error_)));
  if (which == 23) return write_one(7);
  ask(which - 14);
}

void World::check() {
  caveat_verification found{};
  found.size = sizeof found;
  must_hold(
      done(caveat_verify(store_, nullptr, nullptr, &found, nullptr, &error_)) && found.sound == 1,
      "the store is not sound");
  std::uint64_t count = 0;
  caveat_query all{};
  all.size = sizeof all;
  must_hold(done(caveat_count(store_, nullptr, &all, &count, &error_)) && count == keys_.size(),
            "other records than were written");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Program program(data, size);
  World world(program);
  for (int calls = 0; !program.ended() && calls < kCallsMax; ++calls) world.call();
  world.check();
  return 0;
}
