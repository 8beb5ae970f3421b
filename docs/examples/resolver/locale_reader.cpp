#include "locale_reader.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace resolver {
namespace {

namespace fs = std::filesystem;

pugi::xml_document parse(const fs::path& file) {
  pugi::xml_document document;
  // White space is a value: many locales group digits by one no-break space.
  const auto result = document.load_file(file.c_str(), pugi::parse_default | pugi::parse_ws_pcdata);
  if (!result) throw std::runtime_error(file.string() + ": " + result.description());
  return document;
}

bool has_elements(pugi::xml_node node) {
  return std::ranges::any_of(node, [](auto n) { return n.type() == pugi::node_element; });
}

std::string_view trimmed(std::string_view text, std::string_view blanks) {
  const auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::vector<std::string> words(std::istream&& text) {
  return {std::istream_iterator<std::string>(text), {}};
}

// The value a leaf's text stands for: a number, a list of keywords, or the text.
caveat::PropertyValue value_of(pugi::xml_node leaf, std::string_view text) {
  const std::string_view element = leaf.name();
  if (element == "minimumGroupingDigits") return std::int64_t{std::stoi(std::string(text))};
  if (element != "annotation" || leaf.attribute("type")) return text;
  caveat::PropertyValue::List keywords;
  std::istringstream list{std::string(text)};
  for (std::string word; std::getline(list, word, '|');)
    keywords.emplace_back(trimmed(word, " \t"));
  return keywords;
}

}  // namespace

LocaleReader::LocaleReader(const fs::path& common, Locales& into) : common_(common), into_(into) {
  read_attribute_kinds();
}

// The DTD says in a comment behind each attribute's declaration what it is; plain ones tell an
// element from its siblings and belong to the path.
void LocaleReader::read_attribute_kinds() {
  const fs::path file = common_ / "dtd/ldml.dtd";
  std::ifstream lines(file);
  if (!lines) throw std::runtime_error(file.string() + ": cannot be read");
  ElementAttribute declared;
  for (std::string line; std::getline(lines, line);) {
    const auto word = words(std::istringstream(line));
    if (word.size() > 2 && word[0] == "<!ATTLIST") declared = {word[1], word[2]};
    if (line.starts_with("<!ELEMENT")) declared = {};
    if (line.find("<!--@VALUE") != std::string::npos) values_.insert(declared);
    if (line.find("<!--@METADATA") != std::string::npos) metadata_.insert(declared);
  }
}

void LocaleReader::read_locales() {
  for (const char* folder : {"main", "annotations"}) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(common_ / folder))
      if (entry.path().extension() == ".xml") files.push_back(entry.path());
    std::ranges::sort(files);
    for (const auto& file : files) {
      const std::string name = file.stem().string();
      const auto [at, added] = into_.locale_ids_.try_emplace(name, into_.locales_.size());
      if (added) into_.locales_.push_back({name, {}, {}});
      const auto document = parse(file);
      read(document.document_element(), "", into_.locales_[at->second]);
    }
  }
}

std::map<std::string, std::string, std::less<>> LocaleReader::exceptional_parents() const {
  std::map<std::string, std::string, std::less<>> parents;
  const auto document = parse(common_ / "supplemental/supplementalData.xml");
  for (const auto entry : document.document_element().child("parentLocales"))
    for (const auto& locale : words(std::istringstream(entry.attribute("locales").value())))
      parents[locale] = entry.attribute("parent").value();
  return parents;
}

void LocaleReader::read(pugi::xml_node element, const std::string& path, Locale& locale) {
  for (const auto child : element) {
    const std::string_view name = child.name();
    if (child.type() != pugi::node_element || (path.empty() && name == "identity")) continue;
    if (name == "alias") {  // path="../../month[@type='wide']"
      std::string target = path;
      std::istringstream steps(child.attribute("path").value());
      for (std::string step; std::getline(steps, step, '/');) {
        std::ranges::replace(step, '\'', '"');
        if (step == "..")
          target.erase(target.rfind('/'));
        else
          target += '/' + step;
      }
      into_.aliases_[path] = target;
      continue;
    }
    const std::string below = path + (path.empty() ? "" : "/") + step(child);
    if (has_elements(child))
      read(child, below, locale);
    else
      read_leaf(child, below, locale);
  }
}

void LocaleReader::read_leaf(pugi::xml_node leaf, const std::string& path, Locale& locale) {
  const auto state = [&](const std::string& where, caveat::PropertyValue value) {
    const PathId id = into_.path(where);
    into_.paths_[id].stated = true;
    locale.stated.try_emplace(id, std::move(value));  // said twice: the first counts
  };
  std::string text;
  for (const auto part : leaf) text += part.value();
  // A line feed means that there is only layout around the value.
  if (text.find('\n') != std::string::npos) text = trimmed(text, " \t\r\n");
  if (!text.empty()) state(path, value_of(leaf, text));
  for (const auto attribute : leaf.attributes()) {
    const std::string name = attribute.name();
    const bool is_text = name != "validSubLocales" && name != "standard" && name != "draft" &&
                         name != "references" && !metadata_.contains({leaf.name(), name});
    if (is_text && values_.contains({leaf.name(), name}))
      state(path + "/@" + name, std::string_view(attribute.value()));
  }
}

std::string LocaleReader::step(pugi::xml_node element) const {
  std::string step = element.name();
  for (const auto attribute : element.attributes()) {
    const ElementAttribute key{element.name(), attribute.name()};
    if (key.second == "draft" || key.second == "references" || metadata_.contains(key) ||
        values_.contains(key))
      continue;
    step += "[@" + key.second + "=\"" + attribute.value() + "\"]";
  }
  return step;
}

}  // namespace resolver
