// Mutants that are all compiled into one program and chosen when it starts ("mutant schemata"):
// what tools/mutation/changes.py writes into a copy of the sources comes here.
//
//   CAVEAT_MUTANT=17        runs as if change 17 had been made; without it, as written
//   CAVEAT_MUTANT_SEEN=F    notes in the file F, a byte each, which changes were reached (1), and
//   which
//                           would have made a difference just there (2)
//
// In constant expressions the code is always as written. An id in a class that stands beside an
// operator of its own kind keeps the precedence of the line it is put into: `a < mutant::At{17} <
// b`.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <type_traits>
#include <utility>

namespace mutant {

inline int chosen_by_environment() {
  const char* const text = std::getenv("CAVEAT_MUTANT");
  return text == nullptr ? 0 : std::atoi(text);
}
inline std::size_t seen_bytes = 0;
// Shared, so that children that die, or run another program, are heard as well.
inline unsigned char* seen_by_environment() {
  const char* const path = std::getenv("CAVEAT_MUTANT_SEEN");
  const int file = path == nullptr ? -1 : ::open(path, O_RDWR | O_CLOEXEC);
  struct stat found = {};
  if (file < 0 || ::fstat(file, &found) != 0) return nullptr;
  seen_bytes = static_cast<std::size_t>(found.st_size);
  void* const map = ::mmap(nullptr, seen_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  ::close(file);
  return map == MAP_FAILED ? nullptr : static_cast<unsigned char*>(map);
}

// Ids begin at one: what runs before these are set is as written.
inline int chosen = chosen_by_environment();
inline unsigned char* seen = seen_by_environment();

constexpr bool on(int id, bool differs = true) {
  if (std::is_constant_evaluated()) return false;
  if (seen != nullptr) seen[id] |= differs ? 3U : 1U;
  return chosen == id;
}
constexpr bool either(int id, bool written, bool changed) {
  return on(id, written != changed) ? changed : written;
}

// true and false.
constexpr bool flip(int id, bool written) {
  return on(id) != written;
}

// The 1 of "+ 1" and "- 1".
template <class T>
constexpr T one(int id, T written) {
  return on(id) ? T{0} : written;
}

// A && B becomes `(both(id, A) ? both_right(id, B) : on(id, false))`, which is A || B if it is
// chosen; A || B becomes `(any(id, A) ? any_right(id, B) : !on(id, false))`. B is still asked only
// if it matters, so where A decides it is taken for a difference.
constexpr bool both(int id, bool left) {
  return left != on(id, !left);
}
constexpr bool both_right(int id, bool right) {
  return on(id, !right), right;
}
constexpr bool any(int id, bool left) {
  return left == on(id, left);
}
constexpr bool any_right(int id, bool right) {
  return on(id, right), right;
}

struct At {
  int id;
};
template <class T>
struct Left {
  const T& value;
  int id;
};

#define CAVEAT_MUTANT_COMPARES(written, changed)                                \
  template <class T>                                                            \
  constexpr Left<T> operator written(const T& left, At at) {                    \
    return {left, at.id};                                                       \
  }                                                                             \
  template <class T, class U>                                                   \
  constexpr bool operator written(const Left<T>& left, const U& right) {        \
    return either(left.id, left.value written right, left.value changed right); \
  }
CAVEAT_MUTANT_COMPARES(<, <=)
CAVEAT_MUTANT_COMPARES(<=, <)
CAVEAT_MUTANT_COMPARES(>, >=)
CAVEAT_MUTANT_COMPARES(>=, >)
CAVEAT_MUTANT_COMPARES(==, !=)
CAVEAT_MUTANT_COMPARES(!=, ==)
#undef CAVEAT_MUTANT_COMPARES

// !x becomes `Not{17}->*x`, which binds nearly as tightly.
struct Not {
  int id;
};
template <class T>
constexpr bool operator->*(Not at, const T& value) {
  const bool is = static_cast<bool>(value);
  return on(at.id) == is;
}

// x += y becomes `x += Add{17} += y`: x -= y, or nothing where that means nothing.
struct Add {
  int id;
};
template <class T>
struct Added {
  T&& value;
  int id;
};
template <class T>
constexpr Added<T> operator+=(Add at, T&& value) {
  return {std::forward<T>(value), at.id};
}
template <class T, class U>
constexpr T& operator+=(T& sum, Added<U> added) {
  if (!on(added.id)) {
    sum += std::forward<U>(added.value);
  } else if constexpr (requires { sum -= std::forward<U>(added.value); }) {
    sum -= std::forward<U>(added.value);
  }
  return sum;
}

}  // namespace mutant
