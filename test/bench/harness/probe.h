// Reads in a fresh process: what a store costs in memory after opening, and with cold caches.
#pragma once

#include <string>
#include <vector>

#include "test/bench/harness/config.h"
#include "test/bench/harness/machine.h"

namespace peers {

void write_keys(const std::string& path, const std::vector<Key>& ks);
// In the fresh process: prints its figures as JSON.
int probe_main(const Command& command);
// Starts one, and reads its figures.
json spawn_probe(const std::string& peer, const std::string& dir, const std::string& keys,
                 const Config& c);

}  // namespace peers
