// Bytes as annotated lines: offset, hex, and a note above what begins there.
#pragma once

#include <fmt/format.h>

#include <map>
#include <string>
#include <string_view>

namespace caveat::test {

class HexDump {
 public:
  void note(std::size_t offset, std::string text) { notes_[offset] = std::move(text); }

  [[nodiscard]] std::string text(std::string_view bytes) const {
    std::string out;
    std::size_t column = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      if (const auto found = notes_.find(i); found != notes_.end()) {
        if (column != 0) out += '\n';
        out += fmt::format("# {}\n", found->second);
        column = 0;
      }
      if (column == 0) out += fmt::format("{:04x} ", i);
      out += fmt::format(" {:02x}", static_cast<unsigned char>(bytes[i]));
      column = (column + 1) % 16;
      if (column == 0) out += '\n';
    }
    if (column != 0) out += '\n';
    return out;
  }

 private:
  std::map<std::size_t, std::string> notes_;
};

}  // namespace caveat::test
