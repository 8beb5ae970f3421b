#include "test/torture/disk_trace.h"

#include <algorithm>
#include <fstream>

namespace caveat::test {

namespace {

void put(std::ostream& out, std::uint64_t number) {
  out.write(reinterpret_cast<const char*>(&number), sizeof number);
}
void put(std::ostream& out, const std::string& text) {
  put(out, text.size());
  out.write(text.data(), static_cast<std::streamsize>(text.size()));
}
void get(std::istream& in, std::uint64_t& number) {
  in.read(reinterpret_cast<char*>(&number), sizeof number);
}
void get(std::istream& in, std::string& text) {
  std::uint64_t size = 0;
  get(in, size);
  if (!in || size > (1U << 30)) return in.setstate(std::ios::failbit);
  text.resize(size);
  in.read(text.data(), static_cast<std::streamsize>(size));
}

}  // namespace

std::uint64_t DiskTrace::operations() const {
  return static_cast<std::uint64_t>(std::count_if(
      events.begin(), events.end(), [](const DiskEvent& event) { return event.is_operation(); }));
}

void DiskTrace::save(const std::filesystem::path& path) const {
  std::ofstream out(path, std::ios::binary);
  put(out, files.size());
  for (const auto& [name, bytes] : files) {
    put(out, name);
    put(out, bytes);
  }
  for (const DiskEvent& event : events) {
    put(out, static_cast<std::uint64_t>(event.kind));
    put(out, event.file);
    put(out, event.number);
    put(out, event.name);
    put(out, event.other);
    put(out, event.bytes);
  }
}

std::optional<DiskTrace> DiskTrace::load(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  DiskTrace trace;
  std::uint64_t count = 0;
  get(in, count);
  while (in && count-- > 0) {
    std::string name;
    get(in, name);
    get(in, trace.files[name]);
  }
  if (!in) return std::nullopt;
  while (in.peek() != std::istream::traits_type::eof()) {
    DiskEvent event;
    std::uint64_t kind = 0;
    get(in, kind);
    event.kind = static_cast<DiskEvent::Kind>(kind);
    get(in, event.file);
    get(in, event.number);
    get(in, event.name);
    get(in, event.other);
    get(in, event.bytes);
    if (!in) return std::nullopt;
    trace.events.push_back(std::move(event));
  }
  return trace;
}

}  // namespace caveat::test
