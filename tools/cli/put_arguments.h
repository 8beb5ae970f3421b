// One record on the command line.
#pragma once

#include <optional>
#include <string>

#include "caveat/types.h"

namespace caveat::cli {

class Command;

struct PutArguments {
  std::string json;  // a whole record; "-": standard input
  std::string node;
  std::string property;
  std::string property_hash;
  std::string inherited = "null";
  std::string actual;
  std::string reason;
  std::string source = "Explicit";
  std::string confidence = "1.0";
  std::string created_at;  // empty: now

  struct Named {
    ExceptionRecord record;
    std::optional<std::string> name;
  };
  [[nodiscard]] Result<Named> record() const;
};

void add_put_options(Command& command, PutArguments& arguments);

}  // namespace caveat::cli
