// CURRENT names a MANIFEST, and that tables: their names must be on the device before it is
// renamed.
#include <fmt/format.h>

#include <set>

#include "test/torture/disk_state.h"
#include "test/torture/recovered_store.h"

namespace caveat::test {

namespace {

// Tables and MANIFESTs that CURRENT came to name while a loss of power could still take their
// names.
std::vector<std::string> named_too_early(const DiskTrace& trace) {
  using Kind = DiskEvent::Kind;
  std::set<std::string> unsynced;
  std::vector<std::string> early;
  for (const DiskEvent& event : trace.events) {
    const bool counts = event.name.ends_with(".sst") || event.name.starts_with("MANIFEST-");
    if (event.kind == Kind::create && counts) unsynced.insert(event.name);
    if (event.kind == Kind::erase) unsynced.erase(event.name);
    if (event.kind == Kind::sync_directory) unsynced.clear();
    if (event.kind == Kind::rename && event.other == "CURRENT") {
      early.insert(early.end(), unsynced.begin(), unsynced.end());
    }
  }
  return early;
}

std::size_t renames_of_current(const DiskTrace& trace) {
  return static_cast<std::size_t>(
      std::count_if(trace.events.begin(), trace.events.end(), [](const DiskEvent& event) {
        return event.kind == DiskEvent::Kind::rename && event.other == "CURRENT";
      }));
}

}  // namespace

// "000092.sst is missing", after a second loss of power during recovery.
TEST_CASE("CURRENT names no table whose name a loss of power could take, on rocksdb",
          "[power][regression]") {
  const ScratchDirectory scratch;
  Workload workload = make_workload("singles", 1);
  workload.steps.resize(120);  // not closed: what is logged goes to tables at the next opening
  const DiskTrace made = run_workload(workload, scratch.path() / "origin");
  CHECK(named_too_early(made).empty());
  DiskState disk(made);
  for (const DiskEvent& event : made.events) disk.apply(event);
  const auto image = scratch.path() / "image";
  disk.write_after(PowerLoss::torn, 1, image);
  const auto files = std::make_shared<PowerLossFileSystem>(image);
  {
    auto store = value_of(open_on(files, image));
    value_of(scan(store));
    value_of(store.close());
  }
  const DiskTrace recovery = files->take_trace();
  REQUIRE(renames_of_current(recovery) > 0);
  const auto tables =
      std::count_if(recovery.events.begin(), recovery.events.end(), [](const DiskEvent& event) {
        return event.kind == DiskEvent::Kind::create && event.name.ends_with(".sst");
      });
  CHECK(tables > 0);
  for (const std::string& name : named_too_early(recovery)) {
    FAIL_CHECK(name << " was named by CURRENT, and its own name could be lost");
  }
}

TEST_CASE("planted: a name that is synced after CURRENT is caught", "[power][planted]") {
  using Kind = DiskEvent::Kind;
  DiskTrace trace;
  for (const auto& [kind, name, other] : {std::tuple{Kind::create, "000092.sst", ""},
                                          {Kind::create, "MANIFEST-000005", ""},
                                          {Kind::rename, "000005.dbtmp", "CURRENT"},
                                          {Kind::sync_directory, "", ""}}) {
    DiskEvent event;
    event.kind = kind;
    event.name = name;
    event.other = other;
    trace.events.push_back(event);
  }
  CHECK(named_too_early(trace) == std::vector<std::string>{"000092.sst", "MANIFEST-000005"});
  std::swap(trace.events[2], trace.events[3]);
  CHECK(named_too_early(trace).empty());
}

}  // namespace caveat::test
