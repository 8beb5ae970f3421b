#include <algorithm>
#include <chrono>

#include "test/history/history.h"

namespace caveat::test {

namespace {

using Clock = std::chrono::steady_clock;

// Without [begin, end).
Operations without(const Operations& operations, std::size_t begin, std::size_t end) {
  Operations rest(operations.begin(), operations.begin() + static_cast<std::ptrdiff_t>(begin));
  rest.insert(rest.end(), operations.begin() + static_cast<std::ptrdiff_t>(end), operations.end());
  return rest;
}

// Smaller numbers that may do: nothing, or half.
std::vector<std::uint64_t> smaller(std::uint64_t number) {
  if (number == 0) return {};
  if (number < 3) return {number - 1};
  return {0, number / 2, number - 1};
}

}  // namespace

Operations reduce(Operations operations, const std::function<bool(const Operations&)>& fails,
                  double seconds) {
  const auto until = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                        std::chrono::duration<double>(seconds));
  const auto time_left = [&] { return Clock::now() < until; };
  const auto take_out = [&] {
    for (std::size_t piece = std::max<std::size_t>(operations.size() / 2, 1); piece > 0;
         piece /= 2) {
      // From the end: what comes late is needed least.
      for (std::size_t end = operations.size(); end > 0 && time_left();) {
        const std::size_t begin = end > piece ? end - piece : 0;
        auto rest = without(operations, begin, end);
        if (fails(rest)) operations = std::move(rest);
        end = begin;
      }
    }
  };
  const auto make_smaller = [&] {
    bool any = false;
    for (std::size_t i = 0; i < operations.size(); ++i) {
      for (std::size_t k = 0; k < operations[i].numbers.size(); ++k) {
        bool again = true;
        while (again && time_left()) {
          again = false;
          for (const std::uint64_t number : smaller(operations[i].numbers[k])) {
            auto changed = operations;
            changed[i].numbers[k] = number;
            if (!fails(changed)) continue;
            operations = std::move(changed);
            any = again = true;
            break;
          }
        }
      }
    }
    return any;
  };
  take_out();
  while (time_left() && make_smaller()) take_out();
  return operations;
}

std::string to_text(const Recorded& recorded) {
  std::string text = "# options: " + recorded.set + "\n";
  for (const Operation& operation : recorded.operations) text += to_text(operation) + "\n";
  return text;
}

std::optional<Recorded> parse_recorded(std::string_view text) {
  constexpr std::string_view kOptions = "# options: ";
  Recorded recorded;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.substr(0, kOptions.size()) == kOptions) recorded.set = line.substr(kOptions.size());
    if (line.empty() || line.front() == '#') continue;
    const auto operation = parse_operation(line);
    if (!operation) return std::nullopt;
    recorded.operations.push_back(*operation);
  }
  return recorded;
}

}  // namespace caveat::test
