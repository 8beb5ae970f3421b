#include "adapters/sqlite/table_arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include "adapters/sqlite/sqlite_api.h"

namespace caveat::sqlite {
namespace {

constexpr std::size_t kMemoryMibMax = kMemoryBudgetMax / kMiB;

std::string_view trimmed(std::string_view text) noexcept {
  constexpr std::string_view kSpace = " \t\r\n";
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// Without its quotes, and doubled ones in it made single.
std::string unquoted(std::string_view text) {
  text = trimmed(text);
  const bool quoted = text.size() >= 2 && (text[0] == '\'' || text[0] == '"');
  if (!quoted || text.back() != text[0]) return std::string(text);
  const char quote = text[0];
  std::string out;
  for (std::size_t i = 1; i + 1 < text.size(); ++i) {
    out += text[i];
    if (text[i] == quote && text[i + 1] == quote && i + 2 < text.size()) ++i;
  }
  return out;
}

std::string in_lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return lower;
}

tl::unexpected<SqlError> refused(std::string_view name, std::string_view value,
                                 std::string_view allowed) {
  return sql_fail(SQLITE_ERROR, fmt::format("caveat: {}={}: it may be {}", name, value, allowed));
}

// Words are SQL's, in any case; files are named as they are.
SqlResult<void> set(std::string_view name, std::string_view given, TableArguments& out) {
  const auto value = name == "key_file" ? std::string(given) : in_lower_case(given);
  if (name == "mode") {
    if (value != "ro" && value != "rw" && value != "rwc") {
      return refused(name, given, "ro, rw or rwc");
    }
    out.access = value == "ro" ? Access::read : value == "rw" ? Access::write : Access::create;
  } else if (name == "inserts") {
    if (value != "blind" && value != "checked") return refused(name, given, "blind or checked");
    out.checked_inserts = value == "checked";
  } else if (name == "durability") {
    if (value == "none") {
      out.durability = Durability::none;
    } else if (value == "wal") {
      out.durability = Durability::wal;
    } else if (value == "fsync") {
      out.durability = Durability::fsync;
    } else {
      return refused(name, given, "none, wal or fsync");
    }
  } else if (name == "memory") {
    std::size_t mib = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), mib);
    if (error != std::errc() || end != value.data() + value.size() ||
        mib < kMemoryBudgetMin / kMiB || mib > kMemoryMibMax) {
      return refused(name, value,
                     fmt::format("{} to {}, in MiB", kMemoryBudgetMin / kMiB, kMemoryMibMax));
    }
    out.memory_mib = mib;
  } else if (name == "key_file") {
    if (value.empty()) return refused(name, value, "the name of a file of keys");
    out.key_file = value;
  } else {
    return sql_fail(SQLITE_ERROR,
                    fmt::format("caveat: there is no option \"{}\"; there are mode, memory, "
                                "inserts, durability and key_file",
                                name));
  }
  return {};
}

}  // namespace

SqlResult<TableArguments> parse_arguments(std::span<const char* const> arguments) {
  TableArguments out;
  if (!arguments.empty()) out.store = unquoted(arguments[0]);
  if (out.store.empty()) {
    return sql_fail(SQLITE_ERROR, "caveat: name the store: USING caveat('STORE')");
  }
  std::vector<std::string> names;
  for (const std::string_view argument : arguments.subspan(1)) {
    const auto equals = argument.find('=');
    if (equals == std::string_view::npos) {
      return sql_fail(SQLITE_ERROR, fmt::format("caveat: \"{}\" is no option such as mode=ro",
                                                trimmed(argument)));
    }
    auto name = in_lower_case(trimmed(argument.substr(0, equals)));
    CAVEAT_TRY(set(name, unquoted(argument.substr(equals + 1)), out));
    if (std::find(names.begin(), names.end(), name) != names.end()) {
      return sql_fail(SQLITE_ERROR, fmt::format("caveat: {} is given twice", name));
    }
    names.push_back(std::move(name));
  }
  return out;
}

}  // namespace caveat::sqlite
