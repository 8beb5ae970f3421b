// What the machine says about this process, and about itself.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace peers {

using json = nlohmann::ordered_json;

double now();  // seconds, monotonic
// CPU seconds of this process, all its threads: what is left of a timing on a busy machine
double cpu();
struct Rss {
  double anon = 0, file = 0;  // MiB
};
Rss rss();
double io_read_bytes();
// du: allocated bytes of all files
uint64_t disk_bytes(const std::string& dir);
// Empties the page cache; false where this process may not.
bool drop_caches();
json host_info();

}  // namespace peers
