// Resolves what every locale of Unicode CLDR says at every path, with the exceptions in caveat, and
// compares each answer with the locale files. See README.md.
#include <iostream>
#include <span>
#include <stdexcept>
#include <string>

#include "comparison.h"
#include "host.h"
#include "locales.h"

namespace {

using namespace resolver;

constexpr auto kUsage =
    "usage: resolver STORE NODES [--cldr FOLDER] [--every N] [--ask LOCALE PATH]\n"
    "  STORE     what `caveat import` made of the records of tools/data/cldr.py\n"
    "  NODES     the table that the same program wrote (--nodes)\n"
    "  --cldr    the data; default: where Debian's unicode-cldr-core puts it\n"
    "  --every   asks only every Nth locale\n"
    "  --ask     shows the way to one value instead\n";

struct Arguments {
  std::string store, nodes, cldr = "/usr/share/unicode/cldr/common";
  std::string locale, path;  // of --ask
  std::size_t every = 1;
};

Arguments parse(std::span<char*> words) {
  if (words.size() < 3) throw std::invalid_argument(kUsage);
  Arguments arguments;
  arguments.store = words[1];
  arguments.nodes = words[2];
  for (std::size_t i = 3; i < words.size(); ++i) {
    const std::string word = words[i];
    const std::size_t left = words.size() - i - 1;
    if (word == "--cldr" && left >= 1) {
      arguments.cldr = words[++i];
    } else if (word == "--every" && left >= 1) {
      arguments.every = std::stoul(words[++i]);
      if (arguments.every == 0) throw std::invalid_argument(kUsage);
    } else if (word == "--ask" && left >= 2) {
      arguments.locale = words[++i];
      arguments.path = words[++i];
    } else {
      throw std::invalid_argument(kUsage);
    }
  }
  return arguments;
}

int run(const Arguments& arguments) {
  const Locales locales(arguments.cldr);
  caveat::Options options;
  options.create_if_missing = false;
  auto store = caveat::open(arguments.store, options);
  if (!store) throw std::runtime_error(store.error().message());
  Host host(locales, *store, arguments.nodes);
  if (!arguments.locale.empty()) {
    const auto locale = locales.find_locale(arguments.locale);
    const auto path = locales.find_path(arguments.path);
    if (!locale) throw std::runtime_error("there is no locale " + arguments.locale);
    if (!path) throw std::runtime_error("no locale states the path " + arguments.path);
    show_the_way(std::cout, locales, *store, host, *locale, *path);
    return 0;
  }
  return compare(std::cout, locales, *store, host, arguments.every) ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(parse({argv, static_cast<std::size_t>(argc)}));
  } catch (const std::exception& error) {
    std::cerr << "resolver: " << error.what() << '\n';
    return 2;
  }
}
