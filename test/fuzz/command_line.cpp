// The words of a command line, a line feed between two: understood, or refused in a sentence about
// the words; and understood alike each time. Nothing is performed.
#include <string>
#include <vector>

#include "test/fuzz/fuzz.h"
#include "tools/cli/command.h"
#include "tools/cli/parse.h"

using namespace caveat;
using namespace caveat::test;

namespace {

constexpr std::size_t kWordsMax = 64;

struct Understood {
  std::string command;
  bool help = false;
  bool acts = false;
  std::string refusal;
  bool operator==(const Understood&) const = default;
};

Understood understand(const std::vector<std::string>& words) {
  cli::Action action;
  const auto line = cli::all_commands(action);
  std::vector<const char*> arguments{"caveat"};
  for (const auto& word : words) arguments.push_back(word.c_str());
  auto split = cli::command_line(static_cast<int>(arguments.size()), arguments.data());
  if (split.empty() || line->find(split[0]) == nullptr) return {};
  const auto parsed = cli::parse(*line, std::move(split));
  if (!parsed) {
    must_hold(parsed.error().code() == ErrorCode::invalid_argument, "refused as something else");
    must_hold(parsed.error().message().size() > 5, "refused without a sentence");
    return {"", false, bool(action), parsed.error().message()};
  }
  must_hold(parsed->command != nullptr, "understood as nothing");
  must_hold(parsed->help || action, "understood, and nothing to do");
  return {parsed->command->name(), parsed->help, bool(action), ""};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto rest = as_text(data, size);
  std::vector<std::string> words;
  while (!rest.empty() && words.size() < kWordsMax) {
    const auto end = std::min(rest.find('\n'), rest.size());
    words.emplace_back(rest.substr(0, end).substr(0, rest.find('\0')));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  must_hold(understand(words) == understand(words), "one command line has two meanings");
  return 0;
}
