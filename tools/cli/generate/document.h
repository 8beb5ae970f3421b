// What manual pages and docs/cli.md say beside the list of options, in pieces that either can show.
#pragma once

#include <string>
#include <vector>

namespace caveat::cli {

struct Piece {
  enum class Kind { paragraph, entry, code };
  Kind kind;
  std::string text;  // of an entry: its term
  std::string explanation;
};
using Document = std::vector<Piece>;

[[nodiscard]] const Document& filter_document();
[[nodiscard]] const Document& environment_document();
// "0", "done"
[[nodiscard]] Document exit_code_document();

}  // namespace caveat::cli
