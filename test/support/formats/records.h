// Records like those of Unicode CLDR, a few of them: what real encodings are made from.
#pragma once

#include <string>
#include <vector>

#include "caveat/types.h"

namespace caveat::test {

inline std::string cldr_property(std::size_t i) {
  static const char* const kScripts[] = {"Arab", "Armn", "Beng", "Bopo", "Brai",
                                         "Cyrl", "Deva", "Ethi", "Geor", "Grek"};
  return std::string("localeDisplayNames/scripts/script[@type=\"") + kScripts[i % 10] + "\"]" +
         (i < 10 ? "" : "[@alt=\"" + std::to_string(i / 10) + "\"]");
}

inline std::vector<ExceptionRecord> cldr_records(std::size_t count) {
  std::vector<ExceptionRecord> records;
  for (std::size_t i = 0; i < count; ++i) {
    Exception e;
    e.inherited_value = std::string("Arab").substr(0, i % 5);
    e.actual_value = i % 7 == 3   ? PropertyValue(PropertyValue::List{std::string("a"), true, 1.5})
                     : i % 5 == 4 ? PropertyValue(static_cast<std::int64_t>(i) * -77)
                                  : PropertyValue("Arabies " + std::to_string(i * i));
    e.reason = i % 3 == 0 ? "af overrides code-fallback" : "af overrides root; alt variant";
    e.source = static_cast<ExceptionSource>(i % 5);
    e.created_at = 1'641'401'338'000'000'000 + static_cast<std::int64_t>(i) * 31'000'000'000;
    e.confidence = i % 4 == 0 ? 1.0F : 0.882F;
    records.push_back({{62 + i / 6 * 23, hash_property(cldr_property(i % 6))}, std::move(e)});
  }
  return records;
}

}  // namespace caveat::test
