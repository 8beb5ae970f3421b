// Texts of filters. What is refused names a place in the text; what is taken has one spelling,
// which means the same, and boxes that hold what it means.
#include <string>

#include "test/fuzz/fuzz.h"
#include "tools/cli/filter/box.h"
#include "tools/cli/filter/filter.h"
#include "tools/cli/filter/matcher.h"

using namespace caveat;
using namespace caveat::cli;
using caveat::test::must_hold;

namespace {

bool holds(const Box& box, const ExceptionView& record) {
  return box.nodes.holds(record.key.node_id) && box.properties.holds(record.key.property_hash) &&
         (box.sources >> static_cast<unsigned>(record.source) & 1U) != 0 &&
         box.confidences.holds(record.confidence) && box.times.holds(record.created_at);
}

// A few records, those at the ends of all ranges among them.
void check_boxes(const Condition& condition) {
  static const std::optional<std::string> name = "property";
  const auto boxes = boxes_of(condition, 16);
  for (unsigned i = 0; i < 64; ++i) {
    ExceptionView record;
    record.key.node_id = i % 4 == 0 ? i : i % 4 == 1 ? ~std::uint64_t{0} : i / 4;
    record.key.property_hash = i % 3 == 0 ? hash_property("property") : i;
    record.source = static_cast<ExceptionSource>(i % kExceptionSourceCount);
    record.confidence = static_cast<float>(i % 5) / 4;
    record.created_at = i % 7 == 0 ? kAllTimes.low : i % 7 == 1 ? kAllTimes.high : i;
    record.reason = "reason";
    const auto name_of = [](PropertyHash) -> const std::optional<std::string>& { return name; };
    const bool meets = matches(condition, record, name_of);
    bool in_some = false;
    for (const auto& box : boxes) {
      const bool inside = holds(box, record);
      in_some = in_some || inside;
      must_hold(!inside || !box.exact || meets, "an exact box holds what is not meant");
    }
    must_hold(in_some || !meets, "what is meant is in no box");
    must_hold(matches(negate(condition), record, name_of) != meets, "not is not the opposite");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = caveat::test::as_text(data, size);
  const auto filter = parse_filter(text);
  if (!filter) {
    const auto& error = filter.error();
    must_hold(!error.message.empty(), "refused without a reason");
    must_hold(error.offset <= text.size(), "the error is behind the text");
    must_hold(excerpt(error, text).find('^') != std::string::npos, "the error is not shown");
    return 0;
  }
  const auto spelled = to_text(*filter);
  const auto again = parse_filter(spelled);
  // An entry of "in (...)" is spelled as an alternative, which may be too much or too deep.
  const bool too_much = !again && (again.error().message.find("longer") != std::string::npos ||
                                   again.error().message.find("deeper") != std::string::npos);
  must_hold(again || too_much, "its own spelling is refused");
  must_hold(!again || *again == *filter, "its own spelling means something else");
  check_boxes(filter->condition);
  return 0;
}
