#include "comparison.h"

#include <ctime>
#include <iomanip>
#include <locale>
#include <ostream>
#include <stdexcept>

namespace resolver {
namespace {

using caveat::PropertyValue;
using Answer = std::optional<PropertyValue>;

constexpr std::size_t kWrongShown = 10;

struct Grouped : std::numpunct<char> {
  char do_thousands_sep() const override { return ','; }
  std::string do_grouping() const override { return "\3"; }
};

double cpu_seconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

std::string text(const PropertyValue& value) {
  if (const auto* string = value.as_string()) return '"' + *string + '"';
  if (const auto* number = value.as_integer()) return std::to_string(*number);
  std::string joined;
  if (const auto* list = value.as_list())
    for (const auto& item : *list) joined += (joined.empty() ? "" : ", ") + text(item);
  return '[' + joined + ']';
}

std::string text(const Answer& answer) {
  return answer ? text(*answer) : "nothing";
}

class Comparison {
 public:
  Comparison(std::ostream& out, const Locales& locales, caveat::StorageOptimizer& store, Host& host)
      : out_(out), locales_(locales), store_(store), host_(host) {}

  // First all answers of the locale, timed; then the locale files', compared.
  void ask_everything_of(LocaleId locale) {
    const auto& paths = locales_.paths();
    std::vector<Answer> answers(paths.size());
    const double begun = cpu_seconds();
    for (PathId path = 0; path < paths.size(); ++path)
      if (paths[path].stated) answers[path] = host_.effective(locale, path);
    seconds_ += cpu_seconds() - begun;

    for (PathId path = 0; path < paths.size(); ++path) {
      if (!paths[path].stated) continue;
      ++questions_;
      const Answer truth = inherited(locale, path, 0);
      values_ += truth.has_value();
      if (answers[path] != truth) wrong(locale, path, "answer", answers[path], truth);
    }
  }

  // Each statement that contradicts what is inherited has a record, and that says so.
  void check_records_of(LocaleId locale) {
    for (const auto& [path, value] : locales_.all()[locale].stated) {
      const Answer truth = inherited(locale, path, 1);
      if (host_.has_fact(locale, path) || truth == value) continue;
      ++exceptions_;
      const auto record = store_.retrieve_exception(host_.key(locale, path));
      if (!record) throw std::runtime_error(record.error().message());
      const Answer none;
      if (!*record || (*record)->inherited_value != *truth)
        wrong(locale, path, "inherited value", *record ? (*record)->inherited_value : none, truth);
    }
  }

  bool report(std::size_t asked) {
    const auto old = out_.imbue(std::locale(std::locale::classic(), new Grouped));
    const auto line = [&](const char* what) -> std::ostream& {
      return out_ << "  " << std::left << std::setw(34) << what << std::right << std::setw(12);
    };
    std::size_t statements = 0;
    for (const auto& locale : locales_.all()) statements += locale.stated.size();
    const auto all = store_.count({});
    if (!all) throw std::runtime_error(all.error().message());
    const std::uint64_t lookups = host_.lookups(), misses = host_.misses();
    const auto per_second = [&](std::uint64_t n) {
      return static_cast<std::uint64_t>(static_cast<double>(n) / std::max(seconds_, 1e-9));
    };

    out_ << "The locale files\n";
    line("locales") << locales_.all().size() << '\n';
    line("values that they state") << statements << '\n';
    line("of these facts, in the graph") << host_.facts() << '\n';
    line("exceptions in caveat") << *all << '\n';
    out_ << "Resolving\n";
    line("locales asked") << asked << '\n';
    line("questions") << questions_ << '\n';
    line("that have a value") << values_ << '\n';
    line("lookups in caveat") << lookups << '\n';
    line("misses among them") << misses << std::fixed << std::setprecision(2) << "   "
                              << 100.0 * static_cast<double>(misses) /
                                     static_cast<double>(std::max<std::uint64_t>(lookups, 1))
                              << " %\n";
    line("CPU seconds, graph and all") << seconds_ << '\n';
    line("lookups a CPU second") << per_second(lookups) << '\n';
    line("resolved values a CPU second") << per_second(questions_) << '\n';
    out_ << "Compared with the locale files\n";
    line("answers") << questions_ << '\n';
    line("exceptions looked at") << exceptions_ << '\n';
    line("wrong") << wrong_ << '\n';
    out_.imbue(old);
    return wrong_ == 0;
  }

 private:
  Answer inherited(LocaleId locale, PathId path, std::size_t steps_up) const {
    const auto look = [this](auto l, auto p) { return stated(locales_, l, p); };
    return resolve(locales_, locale, path, look, steps_up);
  }

  void wrong(LocaleId locale, PathId path, const char* what, const Answer& is,
             const Answer& truth) {
    if (++wrong_ > kWrongShown) return;
    out_ << "wrong " << what << ": " << locales_.all()[locale].name << ' '
         << locales_.paths()[path].text << " is " << text(is) << ", the files say " << text(truth)
         << '\n';
  }

  std::ostream& out_;
  const Locales& locales_;
  caveat::StorageOptimizer& store_;
  Host& host_;
  double seconds_ = 0;
  std::uint64_t questions_ = 0, values_ = 0, exceptions_ = 0, wrong_ = 0;
};

}  // namespace

bool compare(std::ostream& out, const Locales& locales, caveat::StorageOptimizer& store, Host& host,
             std::size_t every) {
  Comparison comparison(out, locales, store, host);
  std::size_t asked = 0;
  for (LocaleId locale = 0; locale < locales.all().size(); locale += every, ++asked) {
    comparison.ask_everything_of(locale);
    comparison.check_records_of(locale);
  }
  return comparison.report(asked);
}

void show_the_way(std::ostream& out, const Locales& locales, const caveat::StorageOptimizer& store,
                  Host& host, LocaleId locale, PathId path) {
  PathId shown = path;
  const auto answer = resolve(locales, locale, path, [&](LocaleId at, PathId where) -> Answer {
    if (where != shown) out << "  instead of it: " << locales.paths()[shown = where].text << '\n';
    out << "  " << std::left << std::setw(12) << locales.all()[at].name;
    const auto exception = store.retrieve_exception(host.key(at, where));
    if (!exception) throw std::runtime_error(exception.error().message());
    const auto own = host.own(at, where);
    if (*exception)
      out << "exception: " << text((*exception)->actual_value) << " instead of "
          << text((*exception)->inherited_value) << " (" << (*exception)->reason << ")\n";
    else
      out << (own ? "fact: " + text(*own) : "inherits") << '\n';
    return own;
  });
  out << locales.all()[locale].name << " says " << text(answer) << '\n';
}

}  // namespace resolver
