// zstd says no more than null where it has no memory for a dictionary, and where one is damaged.
#include <dlfcn.h>
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <new>

#include "test/block/block_maker.h"

using namespace caveat;
using namespace caveat::test;

namespace {

std::atomic<bool> no_memory{false};

template <class Function>
Function* next_of(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

// In place of zstd's own: the program's symbols go first.
extern "C" ZSTD_DDict* ZSTD_createDDict_byReference(const void* bytes, std::size_t size) {
  static auto* const real = next_of<ZSTD_DDict*(const void*, std::size_t)>(__func__);
  return no_memory ? nullptr : real(bytes, size);
}
extern "C" ZSTD_CDict* ZSTD_createCDict_byReference(const void* bytes, std::size_t size,
                                                    int level) {
  static auto* const real = next_of<ZSTD_CDict*(const void*, std::size_t, int)>(__func__);
  return no_memory ? nullptr : real(bytes, size, level);
}

// Every block of the dictionary was "damaged" until the store was opened again.
TEST_CASE("want of memory for a dictionary is no damage", "[regression]") {
  const std::string words = "what blocks of one store have in common, over and over again ";
  no_memory = true;
  CHECK_THROWS_AS(static_cast<void>(make_dictionary(7, words)), std::bad_alloc);
  no_memory = false;
  const auto dictionary = make_dictionary(7, words);
  const auto codecs = all_codecs();
  const Codec& codec = *codecs.find(2).value();
  std::string stored;
  REQUIRE(codec.compress(words, dictionary.get(), stored));
  std::string back(words.size(), ' ');
  REQUIRE(codec.decompress(stored, dictionary.get(), back));
  CHECK(back == words);
}

// It compressed without the dictionary, under a header that names one.
TEST_CASE("without memory for a dictionary nothing is compressed without it", "[regression]") {
  const std::string words = "what blocks of one store have in common, over and over again ";
  const auto dictionary = make_dictionary(7, words);
  const auto codecs = all_codecs();
  const Codec& codec = *codecs.find(2).value();
  std::string stored = "before";
  no_memory = true;
  CHECK_THROWS_AS(static_cast<void>(codec.compress(words, dictionary.get(), stored)),
                  std::bad_alloc);
  no_memory = false;
  CHECK(stored == "before");
  REQUIRE(codec.compress(words, dictionary.get(), stored));
}

TEST_CASE("a damaged dictionary is damage, and no want of memory") {
  std::string bytes = {'\x37', '\xA4', '\x30', '\xEC'};  // begins as a trained one
  bytes += std::string(200, '\xFF');
  const auto dictionary = make_dictionary(7, bytes);
  const auto codecs = all_codecs();
  const Codec& codec = *codecs.find(2).value();
  std::string stored;
  CHECK(codec.compress(bytes, dictionary.get(), stored).error().code() == ErrorCode::corruption);
  CHECK(stored.empty());
  REQUIRE(codec.compress(bytes, nullptr, stored));
  std::string back(bytes.size(), ' ');
  CHECK(codec.decompress(stored, dictionary.get(), back).error().code() == ErrorCode::corruption);
}
