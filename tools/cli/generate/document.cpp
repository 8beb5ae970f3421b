#include "tools/cli/generate/document.h"

#include <fmt/format.h>

#include "tools/cli/exit_code.h"
#include "tools/cli/filter/filter.h"

namespace caveat::cli {
namespace {

Piece paragraph(std::string text) {
  return {Piece::Kind::paragraph, std::move(text), ""};
}
Piece entry(std::string term, std::string explanation) {
  return {Piece::Kind::entry, std::move(term), std::move(explanation)};
}
Piece code(std::string text) {
  return {Piece::Kind::code, std::move(text), ""};
}

}  // namespace

const Document& filter_document() {
  static const Document document = {
      paragraph(
          "A filter says which records, in which order and how many: conditions, then "
          "\"order by\", then \"limit\", each of which may be left out. Keywords are written in "
          "any case."),
      code("property = \"can_fly\" and confidence >= 0.8 order by created_at desc limit 10\n"
           "node in (62, 63, 0x40) and not source = Imported\n"
           "(reason contains \"parent\" or actual = null) and created_at between 2022-01-01 and "
           "2022-01-31"),
      entry("node, property_hash", "Unsigned integers, decimal or hexadecimal after 0x."),
      entry("property",
            "The name, a string in quotes. By =, != and in it is the name's hash that is "
            "compared, as everywhere; with the others the name itself, which a property "
            "known by its hash alone does not have."),
      entry("source", "Explicit, Detected, Promoted, Conflict or Imported; by =, != and in."),
      entry("confidence",
            "A number from 0 to 1. It is taken as the nearest 32-bit float, as in a record: 0.7 "
            "finds "
            "what was stored as 0.7, and 1e-50 is 0."),
      entry("created_at (or time)",
            "A date, which is the whole day in UTC, or an RFC 3339 time. "
            "Quotes are not needed. Records have times from 1677-09-21 to 2262-04-11; a bound "
            "beyond them leaves out nothing, or everything."),
      entry("inherited, actual",
            "A value: null, true, false, a number, a string in quotes, or a list "
            "[1, \"a\"]. Integers and floats compare by what they are worth; only "
            "numbers and strings have an order, and a comparison by order with "
            "another kind does not hold."),
      entry("reason", "A string in quotes."),
      paragraph("Conditions are joined by \"and\" and \"or\" (which binds less), turned round by "
                "\"not\", and grouped by parentheses."),
      entry("= != < <= > >=", "Also == and <>. Strings compare byte by byte."),
      entry("in (A, B)", "One of these; not in."),
      entry("between A and B", "From A to B, both included; not between."),
      entry("contains A",
            "Of property and reason: the text has this part. Of inherited and actual: a "
            "string has it, or a list has such an entry."),
      entry("order by FIELD",
            "key (by node and property hash, if nothing is said), confidence or "
            "created_at; then desc for the reverse."),
      entry("limit N", "At most so many records."),
      paragraph("Strings stand in single or double quotes and have JSON's escapes, and \\xNN for a "
                "byte."),
      paragraph(fmt::format(
          "A filter is at most {} bytes long, nested at most {} deep, and has at most {} "
          "conditions, "
          "where each entry of a list is one. What is wrong with it is shown in its place.",
          kFilterBytesMax, kFilterDepthMax, kFilterConditionsMax)),
      paragraph(
          "What indexes can serve is left to them: equality of node, property and source, "
          "ranges of nodes, confidence and time. "
          "Alternatives are several queries read side by side where that reads less than one "
          "around them all, and each record comes once. Everything else is asked of each record "
          "that comes. \"caveat query --explain\" shows what is done."),
  };
  return document;
}

const Document& environment_document() {
  static const Document document = {
      entry("CAVEAT_KEY_FILE",
            "A file of keys, for stores whose values are encrypted: a line for each, ID:HEX."),
      entry("NO_COLOR", "Set and not empty: no colour on terminals."),
      entry("TZ", "The zone of times in tables on a terminal. All other output is in UTC."),
      entry("TMPDIR", "Where a store is copied to that cannot be copied beside itself."),
  };
  return document;
}

Document exit_code_document() {
  Document document;
  for (const auto& [code, meaning] : exit_codes()) document.push_back(entry(code, meaning));
  return document;
}

}  // namespace caveat::cli
