// Faults on purpose: a sanitizer build that does not see them would prove nothing.
//   planted race | overflow | undefined | bounds
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <thread>
#include <vector>

namespace {

int race() {
  int shared = 0;
  std::thread other([&] { ++shared; });
  ++shared;
  other.join();
  return shared == 2 ? 0 : 1;
}

int overflow(int index) {
  const std::unique_ptr<int[]> items(new int[4]{});
  return items[static_cast<unsigned>(index) + 3U];
}

int undefined(int one) {
  return std::numeric_limits<int>::max() + one;
}

// Behind the end, and yet in memory that the vector has: nothing for AddressSanitizer.
int bounds(int index) {
  std::signal(SIGABRT, [](int) { std::_Exit(1); });  // the test goes by what is said
  std::vector<int> items;
  items.reserve(4);
  return items[static_cast<unsigned>(index)];
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const int one = argc - 1;
  if (std::strcmp(argv[1], "race") == 0) return race();
  if (std::strcmp(argv[1], "overflow") == 0) return overflow(one);
  if (std::strcmp(argv[1], "undefined") == 0) return undefined(one) > 0 ? 0 : 1;
  if (std::strcmp(argv[1], "bounds") == 0) return bounds(one);
  return 2;
}
