// JSON that a call hands out.
#pragma once

#include "adapters/c/string_out.h"
#include "adapters/json/reports.h"

namespace caveat::c {

// One object with what adapters/json/reports.h says of it.
template <class Report>
[[nodiscard]] caveat_string object_of(const Report& report) {
  json::JsonWriter json;
  json.begin_object();
  json::write(report, json);
  json.end_object();
  return copy_of(json.written());
}

}  // namespace caveat::c
