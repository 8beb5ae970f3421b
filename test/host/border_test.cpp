// What must not cross the border: std::bad_alloc, at every allocation of every call in turn, and
// what a host's own C++ throws in a callback. Both headers are compiled as C++ here, beside the C++
// API.
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <new>
#include <stdexcept>

#include "caveat/caveat.h"
#include "caveat/plugin.h"

namespace {

// Allocations of this thread until one fails; below 0: none does.
thread_local long left = -1;
bool fell_short = false;
std::atomic<long> live{0};  // allocations not yet given back

void* allocate(std::size_t size, std::size_t alignment) {
  if (left == 0) {
    fell_short = true;
    left = -1;
    throw std::bad_alloc();
  }
  if (left > 0) --left;
  void* const memory =
      alignment == 0
          ? std::malloc(size == 0 ? 1 : size)
          : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (memory == nullptr) throw std::bad_alloc();
  live.fetch_add(1, std::memory_order_relaxed);
  return memory;
}

void give_back(void* memory) noexcept {
  if (memory != nullptr) live.fetch_sub(1, std::memory_order_relaxed);
  std::free(memory);
}

}  // namespace

// The library's calls of operator new come here too: the program's symbols go first. All forms:
// those of sanitizers would not come through the plain one.
void* operator new(std::size_t size) {
  return allocate(size, 0);
}
void* operator new[](std::size_t size) {
  return allocate(size, 0);
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  try {
    return allocate(size, 0);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
void* operator new[](std::size_t size, const std::nothrow_t& nothrow) noexcept {
  return operator new(size, nothrow);
}
void operator delete(void* memory) noexcept {
  give_back(memory);
}
void operator delete[](void* memory) noexcept {
  give_back(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  give_back(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  give_back(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  give_back(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  give_back(memory);
}

namespace {

void check(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "border_test: %s\n", what);
  std::exit(1);
}

const char kLong[] =
    "a reason that is too long to lie in the string object itself, and then some more";

caveat_record record_of(std::uint64_t node) {
  static const caveat_value numbers[2] = {{CAVEAT_INTEGER, {}}, {CAVEAT_NULL, {}}};
  caveat_record record{};
  record.key = {node, 1};
  record.inherited.kind = CAVEAT_LIST;
  record.inherited.as.list.items = numbers;
  record.inherited.as.list.count = 2;
  record.actual.kind = CAVEAT_STRING;
  record.actual.as.string = {kLong, sizeof kLong};
  record.reason = {kLong, sizeof kLong};
  record.confidence = 1.0F;
  return record;
}

caveat_code give_key(void*, std::uint32_t id, unsigned char* key, char*, std::size_t) {
  std::memset(key, static_cast<int>(id), CAVEAT_KEY_BYTES);
  return CAVEAT_OK;
}
constexpr caveat_key_provider kProvider{sizeof(caveat_key_provider), 1, 0, nullptr, give_key};

caveat_options with_keys(const caveat_key_provider* provider) {
  caveat_options options{};
  options.size = sizeof options;
  options.flags = CAVEAT_OPEN_NO_BACKGROUND;
  options.key_provider = provider;
  return options;
}

struct World {
  caveat_store* store = nullptr;
  caveat_batch* batch = nullptr;
  caveat_cursor* cursor = nullptr;
  caveat_record record = record_of(7);
  const caveat_record* read = nullptr;
  const caveat_record* many[3] = {};
  caveat_key keys[3] = {{7, 1}, {8, 1}, {9, 1}};
  caveat_query query{};
  caveat_string text{};
  caveat_snapshot* snapshot = nullptr;
  caveat_store* other = nullptr;
  std::int32_t flag = 0;
  std::uint64_t number = 0;
};

// One call; what it hands out is given back by clean().
using Call = caveat_code (*)(World&, caveat_error**);
const Call kCalls[] = {
    [](World& w, caveat_error** e) {
      const caveat_options options = with_keys(&kProvider);
      return caveat_open_volatile(&options, &w.other, e);
    },
    [](World& w, caveat_error** e) { return caveat_open_volatile(nullptr, &w.other, e); },
    [](World& w, caveat_error** e) {
      return caveat_register_property(w.store, kLong, sizeof kLong, &w.number, e);
    },
    [](World& w, caveat_error** e) {
      return caveat_property_name(w.store, caveat_hash_property(kLong, sizeof kLong), &w.text, e);
    },
    [](World& w, caveat_error** e) { return caveat_store_exception(w.store, &w.record, 0, e); },
    [](World& w, caveat_error** e) {
      return caveat_exchange_exception(w.store, &w.record, 0, &w.read, e);
    },
    [](World& w, caveat_error** e) {
      return caveat_compare_and_set(w.store, 7, 1, &w.record, &w.record, 0, &w.flag, e);
    },
    [](World& w, caveat_error** e) {
      return caveat_bulk_store(w.store, &w.record, 1, 0, &w.number, e);
    },
    [](World& w, caveat_error** e) { return caveat_batch_store_exception(w.batch, &w.record, e); },
    [](World& w, caveat_error** e) { return caveat_write(w.store, w.batch, 0, e); },
    [](World& w, caveat_error** e) { return caveat_clear_node(w.store, 12345, 0, e); },
    [](World& w, caveat_error** e) {
      return caveat_retrieve_exception(w.store, nullptr, 7, 1, &w.read, e);
    },
    [](World& w, caveat_error** e) {
      return caveat_bulk_retrieve(w.store, nullptr, w.keys, 3, w.many, e);
    },
    [](World& w, caveat_error** e) { return caveat_snapshot_create(w.store, &w.snapshot, e); },
    [](World& w, caveat_error** e) {
      return caveat_cursor_open(w.store, nullptr, &w.query, &w.cursor, e);
    },
    [](World& w, caveat_error** e) {  // one that is opened for it, in peace
      const long then = left;
      left = -1;
      check(caveat_cursor_open(w.store, nullptr, &w.query, &w.cursor, nullptr) == CAVEAT_OK,
            "open");
      left = then;
      const caveat_record* record = nullptr;
      const auto code = caveat_cursor_next(w.cursor, &record, e);
      return code == CAVEAT_OK ? caveat_cursor_resume_token(w.cursor, &w.text, e) : code;
    },
    [](World& w, caveat_error** e) {
      return caveat_count(w.store, nullptr, &w.query, &w.number, e);
    },
    [](World& w, caveat_error** e) {
      return caveat_explain_json(w.store, nullptr, &w.query, &w.text, e);
    },
    [](World& w, caveat_error** e) { return caveat_statistics_json(w.store, 0, &w.text, e); },
    [](World& w, caveat_error** e) {
      std::size_t count = 0;
      return caveat_key_usage(w.store, nullptr, 0, &count, e);
    },
};

void clean(World& w) {
  caveat_record_free(w.read);
  for (auto& one : w.many) {
    caveat_record_free(one);
    one = nullptr;
  }
  w.read = nullptr;
  caveat_cursor_release(w.cursor);
  caveat_snapshot_release(w.snapshot);
  caveat_store_release(w.other);
  w.cursor = nullptr;
  w.snapshot = nullptr;
  w.other = nullptr;
  caveat_string_free(&w.text);
}

// What is there under the world's key; the caller frees it.
const caveat_record* there(World& w) {
  const caveat_record* found = nullptr;
  check(caveat_retrieve_exception(w.store, nullptr, 7, 1, &found, nullptr) == CAVEAT_OK, "read");
  return found;
}

// A call without memory did nothing: what it would have given is still there.
void what_is_taken_is_given() {
  World w;
  check(caveat_open_volatile(nullptr, &w.store, nullptr) == CAVEAT_OK, "open");
  check(caveat_store_exception(w.store, &w.record, 0, nullptr) == CAVEAT_OK, "store");
  caveat_record another = w.record;
  another.reason = {kLong, 40};
  int refusals = 0;
  for (const bool exchanges : {true, false}) {
    for (long n = 0;; ++n) {
      check(n < 5000, "a call that allocates without end");
      left = n;
      fell_short = false;
      const auto code = exchanges
                            ? caveat_exchange_exception(w.store, &another, 0, &w.read, nullptr)
                            : caveat_take_exception(w.store, 7, 1, 0, &w.read, nullptr);
      left = -1;
      const caveat_record* const now = there(w);
      if (code == CAVEAT_OK) {
        check(w.read != nullptr, "what was there is not given");
        check(w.read->reason.size == (exchanges ? sizeof kLong : 40), "another record is given");
        check((now == nullptr) == !exchanges, "the write was not done");
        caveat_record_free(now);
        clean(w);
        break;
      }
      check(code == CAVEAT_OUT_OF_MEMORY, "the end of memory got another name");
      check(w.read == nullptr && now != nullptr &&
                now->reason.size == (exchanges ? sizeof kLong : 40),
            "a call that did nothing took a record away");
      caveat_record_free(now);
      ++refusals;
    }
  }
  check(refusals > 4, "hardly an allocation failed: is operator new ours?");
  check(caveat_close(w.store, nullptr) == CAVEAT_OK, "close");
  caveat_store_release(w.store);
}

// Fails the first allocation of a call, then the second, until the call does not come to the one
// that would fail.
void memory_ends_everywhere() {
  World w;
  caveat_options options{};
  options.size = sizeof options;
  options.flags = CAVEAT_OPEN_NO_BACKGROUND;
  w.query.size = sizeof w.query;
  check(caveat_open_volatile(&options, &w.store, nullptr) == CAVEAT_OK, "open");
  check(caveat_batch_create(&w.batch, nullptr) == CAVEAT_OK, "batch");
  for (std::uint64_t node = 0; node < 20; ++node) {
    const auto record = record_of(node);
    check(caveat_store_exception(w.store, &record, 0, nullptr) == CAVEAT_OK, "store");
  }
  int refusals = 0;
  for (std::size_t which = 0; which < std::size(kCalls); ++which) {
    for (long n = 0;; ++n) {
      check(n < 5000, "a call that allocates without end");
      caveat_error* error = nullptr;
      left = n;
      fell_short = false;
      const auto code = kCalls[which](w, &error);
      left = -1;
      if (fell_short && code != CAVEAT_OK && code != CAVEAT_OUT_OF_MEMORY) {
        std::fprintf(stderr, "call %zu, allocation %ld: %s: %s\n", which, n, caveat_code_name(code),
                     caveat_error_message(error));
        check(false, "the end of memory got another name");
      }
      check(code == caveat_error_code(error), "code and error differ");
      refusals += code == CAVEAT_OUT_OF_MEMORY ? 1 : 0;
      caveat_error_free(error);
      clean(w);
      if (!fell_short) break;
    }
  }
  check(refusals > 20, "hardly an allocation failed: is operator new ours?");
  std::printf("%d times out of memory\n", refusals);
  // And the store is as good as before.
  caveat_verification verified{};
  verified.size = sizeof verified;
  check(caveat_verify(w.store, nullptr, nullptr, &verified, nullptr, nullptr) == CAVEAT_OK &&
            verified.sound == 1 && verified.records == 20,
        "the store is not sound");
  caveat_batch_release(w.batch);
  check(caveat_close(w.store, nullptr) == CAVEAT_OK, "close");
  caveat_store_release(w.store);
}

// A record with lists that could not be shown was passed over, as were those in blocks that could
// not be loaded.
void a_cursor_without_memory_goes_on_where_it_was() {
  caveat_options options{};
  options.size = sizeof options;
  options.flags = CAVEAT_OPEN_NO_BACKGROUND;
  caveat_store* store = nullptr;
  check(caveat_open_volatile(&options, &store, nullptr) == CAVEAT_OK, "open");
  constexpr std::uint64_t kNodes = 40;
  for (std::uint64_t node = 0; node < kNodes; ++node) {
    const auto record = record_of(node);
    check(caveat_store_exception(store, &record, 0, nullptr) == CAVEAT_OK, "store");
    if (node == kNodes / 2) check(caveat_flush(store, nullptr) == CAVEAT_OK, "flush");
  }
  caveat_query query{};
  query.size = sizeof query;
  int refusals = 0;
  int not_shown = 0;
  for (long n = 0;; ++n) {
    caveat_cursor* cursor = nullptr;
    check(caveat_cursor_open(store, nullptr, &query, &cursor, nullptr) == CAVEAT_OK, "a cursor");
    left = n;
    fell_short = false;
    for (std::uint64_t node = 0;;) {
      const caveat_record* record = nullptr;
      const auto code = caveat_cursor_next(cursor, &record, nullptr);
      if (code == CAVEAT_OUT_OF_MEMORY) {
        check(fell_short, "out of memory with memory");
        ++refusals;
        caveat_string token{};
        // Of a record that has no memory for its lists there is no telling.
        if (caveat_cursor_resume_token(cursor, &token, nullptr) == CAVEAT_BUSY) {
          ++not_shown;
          continue;
        }
        caveat_query rest = query;
        rest.resume_token = token;
        std::uint64_t count = 0;
        caveat_cursor* other = nullptr;
        check(caveat_cursor_open(store, nullptr, &rest, &other, nullptr) == CAVEAT_OK, "resume");
        while (caveat_cursor_next(other, &record, nullptr) == CAVEAT_OK && record != nullptr) {
          check(record->key.node == node + count, "the token leads elsewhere");
          ++count;
        }
        check(count == kNodes - node, "the token passes a record that was not shown");
        caveat_cursor_release(other);
        caveat_string_free(&token);
        continue;
      }
      check(code == CAVEAT_OK, "next");
      if (record == nullptr) {
        check(node == kNodes, "records are missing");
        break;
      }
      check(record->key.node == node++, "a record was passed over, or came twice");
      check(record->inherited.as.list.count == 2, "a list is cut");
    }
    left = -1;
    caveat_cursor_release(cursor);
    if (!fell_short) break;
  }
  std::printf("%d times in a cursor, %d of them for lists\n", refusals, not_shown);
  check(refusals - not_shown > 2, "hardly an allocation of the cursor failed");
  check(not_shown > 0, "no record was without memory for its lists");
  caveat_store_release(store);
}

// A view that got its own memory, but none for its place among the open ones, was never given back.
void a_view_without_memory_leaves_nothing_behind() {
  caveat_options options{};
  options.size = sizeof options;
  options.flags = CAVEAT_OPEN_NO_BACKGROUND;
  caveat_store* store = nullptr;
  check(caveat_open_volatile(&options, &store, nullptr) == CAVEAT_OK, "open");
  for (long n = 0;; ++n) {
    const long before = live;
    caveat_snapshot* snapshot = nullptr;
    left = n;
    const auto code = caveat_snapshot_create(store, &snapshot, nullptr);
    left = -1;
    if (code == CAVEAT_OK) {
      check(n > 2, "a snapshot takes some allocations");
      caveat_snapshot_release(snapshot);
      break;
    }
    check(live == before, "a snapshot that failed left memory behind");
  }
  caveat_statistics statistics{};
  statistics.size = sizeof statistics;
  check(caveat_statistics_get(store, 0, &statistics, nullptr) == CAVEAT_OK &&
            statistics.open_views == 0,
        "a snapshot that failed is still open");
  caveat_store_release(store);
}

int throwing_progress(void*, const char*, std::uint64_t, std::uint64_t) {
  throw std::runtime_error("a host's mistake");
}
int throwing_compress(void*, caveat_string, caveat_string, char*, std::size_t, std::size_t*) {
  throw std::runtime_error("a host's mistake");
}
int throwing_decompress(void*, caveat_string, caveat_string, char*, std::size_t) {
  throw std::runtime_error("a host's mistake");
}
void throwing_release(void*) {
  throw std::runtime_error("a host's mistake");
}
void throwing_listener(void*, caveat_code, const char*) {
  throw std::runtime_error("a host's mistake");
}

caveat_code throwing_key(void*, std::uint32_t, unsigned char*, char*, std::size_t) {
  throw std::runtime_error("a host's mistake");
}

void what_a_callback_throws_stays_out() {
  caveat_store* none = nullptr;
  caveat_error* error = nullptr;
  const caveat_key_provider keys{sizeof keys, 1, 0, nullptr, throwing_key};
  const caveat_options encrypted = with_keys(&keys);
  check(caveat_open_volatile(&encrypted, &none, &error) != CAVEAT_OK && none == nullptr,
        "a store opened without its key");
  check(std::strstr(caveat_error_message(error), "key") != nullptr, "the key is not named");
  caveat_error_free(error);
  caveat_codec codec{};
  codec.size = sizeof codec;
  codec.id = 128;
  codec.compress = throwing_compress;
  codec.decompress = throwing_decompress;
  codec.release = throwing_release;
  caveat_options options{};
  options.size = sizeof options;
  options.flags = CAVEAT_OPEN_NO_BACKGROUND;
  options.codecs = &codec;
  options.codec_count = 1;
  options.compression = CAVEAT_COMPRESSION_CUSTOM;
  options.custom_codec_id = 128;
  options.on_background_error = throwing_listener;
  caveat_store* store = nullptr;
  check(caveat_open_volatile(&options, &store, nullptr) == CAVEAT_OK, "open with a codec");
  const auto record = record_of(1);
  check(caveat_store_exception(store, &record, 0, nullptr) == CAVEAT_OK, "store");
  check(caveat_flush(store, nullptr) != CAVEAT_OK, "a codec that throws has compressed");
  check(caveat_optimize_storage(store, throwing_progress, nullptr, nullptr, nullptr) != CAVEAT_OK,
        "progress that throws went on");
  caveat_store_release(store);
}

}  // namespace

int main() {
  check(caveat::hash_property("can_fly") == caveat_hash_property("can_fly", 7),
        "the two APIs differ");
  memory_ends_everywhere();
  what_is_taken_is_given();
  a_cursor_without_memory_goes_on_where_it_was();
  a_view_without_memory_leaves_nothing_behind();
  what_a_callback_throws_stays_out();
}
