// What a query is made of on the command line: a line feed between the options' texts. What is
// taken makes a query whose token is its own.
#include <string>

#include "engine/query/resume_token.h"
#include "test/fuzz/fuzz.h"
#include "tools/cli/query_arguments.h"

using namespace caveat;
using namespace caveat::test;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto rest = as_text(data, size);
  const auto take = [&rest] {
    const auto end = rest.find('\n');
    std::string line(rest.substr(0, end));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    return line;
  };
  cli::QueryArguments arguments;
  for (auto* option : {&arguments.node, &arguments.property, &arguments.property_hash,
                       &arguments.source, &arguments.confidence, &arguments.time, &arguments.order,
                       &arguments.limit, &arguments.resume})
    *option = take();
  arguments.descending = !rest.empty();
  if (arguments.order.empty()) arguments.order = "key";
  const auto query = arguments.query();
  if (!query) {
    must_hold(query.error().code() == ErrorCode::invalid_argument, "refused as something else");
    must_hold(query.error().message().find("--") != std::string::npos,
              "refused without the option's name");
    return 0;
  }
  must_hold(query->node.has_value() == !arguments.node.empty() &&
                query->source.has_value() == !arguments.source.empty() &&
                query->time.has_value() == !arguments.time.empty(),
            "an option is lost");
  const auto fingerprint = detail::query_fingerprint(*query);
  must_hold(fingerprint == detail::query_fingerprint(arguments.query().value()),
            "one query has two fingerprints");
  static_cast<void>(detail::decode_resume_token(query->resume_token, fingerprint));
  return 0;
}
