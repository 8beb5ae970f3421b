#include "test/torture/tree_disk.h"

#include <atomic>
#include <fstream>
#include <utility>

namespace caveat::test {

namespace fs = std::filesystem;

namespace {

std::atomic<TreeWatch*> watch{nullptr};

}  // namespace

TreeWatch::TreeWatch(fs::path directory) : directory_(fs::canonical(directory)) {
  watch = this;
}

TreeWatch::~TreeWatch() {
  watch = nullptr;
}

bool TreeWatch::watching() noexcept {
  return watch.load(std::memory_order_acquire) != nullptr;
}

std::optional<std::string> TreeWatch::below(const fs::path& path) const {
  const std::string text = path.lexically_normal().string();
  const std::string top = directory_.string();
  if (text == top) return "";
  if (!text.starts_with(top + "/")) return std::nullopt;
  return text.substr(top.size() + 1);
}

void TreeWatch::add(TreeEvent event) {
  const std::lock_guard lock(mutex_);
  if (event.kind == TreeEvent::Kind::sync && lies_) return;
  events_.push_back(std::move(event));
}

void TreeWatch::note(TreeEvent::Kind kind, const char* path, const char* other,
                     std::uint64_t number) {
  TreeWatch* const here = watch.load(std::memory_order_acquire);
  if (here == nullptr) return;
  const auto name = here->below(fs::absolute(path));
  if (!name) return;
  TreeEvent event;
  event.kind = kind;
  event.path = *name;
  event.number = number;
  if (other != nullptr) event.other = here->below(fs::absolute(other)).value_or("");
  here->add(std::move(event));
}

void TreeWatch::note(TreeEvent::Kind kind, int descriptor, std::string_view bytes) {
  TreeWatch* const here = watch.load(std::memory_order_acquire);
  if (here == nullptr) return;
  std::error_code error;
  const fs::path path = fs::read_symlink("/proc/self/fd/" + std::to_string(descriptor), error);
  const auto name = error ? std::nullopt : here->below(path);
  if (!name) return;
  TreeEvent event;
  event.kind = kind;
  event.path = *name;
  event.bytes = bytes;
  here->add(std::move(event));
}

void TreeWatch::mark(std::uint64_t number) {
  TreeEvent event;
  event.kind = TreeEvent::Kind::mark;
  event.number = number;
  add(std::move(event));
}

std::vector<TreeEvent> TreeWatch::take_events() {
  const std::lock_guard lock(mutex_);
  return std::exchange(events_, {});
}

TreeDisk::NodePtr TreeDisk::made(bool directory) {
  auto node = std::make_shared<Node>();
  node->directory = directory;
  return node;
}

TreeDisk::NodePtr TreeDisk::find(const std::string& path) const {
  NodePtr node = root_;
  for (const auto& part : fs::path(path)) {
    const auto there = node->names.find(part.string());
    if (there == node->names.end()) return nullptr;
    node = there->second;
  }
  return node;
}

void TreeDisk::apply(const Change& change, Names& names) {
  for (const auto& [name, node] : change.names) {
    if (node) {
      names[name] = node;
    } else {
      names.erase(name);
    }
  }
}

void TreeDisk::change(const fs::path& path, std::vector<std::pair<std::string, NodePtr>> names) {
  const NodePtr parent = find(path.parent_path().string());
  if (!parent) return;
  parent->changes.push_back({std::move(names)});
  apply(parent->changes.back(), parent->names);
}

void TreeDisk::apply(const TreeEvent& event) {
  using Kind = TreeEvent::Kind;
  const fs::path path = event.path;
  const std::string name = path.filename().string();
  const NodePtr node = find(event.path);
  switch (event.kind) {
    case Kind::open:
      if (!node) return change(path, {{name, made(false)}});
      if (event.number != 0) node->bytes.clear(), node->synced = 0;
      break;
    case Kind::write:
      if (node) node->bytes += event.bytes;
      break;
    case Kind::sync:
      if (!node) break;
      node->synced = node->bytes.size();
      node->durable = node->names;
      node->changes.clear();
      break;
    case Kind::make_directory:
      if (!node) change(path, {{name, made(true)}});
      break;
    case Kind::rename:
      if (node) change(path, {{name, nullptr}, {fs::path(event.other).filename().string(), node}});
      break;
    case Kind::exchange:
      if (node)
        change(path,
               {{name, find(event.other)}, {fs::path(event.other).filename().string(), node}});
      break;
    case Kind::erase:
      change(path, {{name, nullptr}});
      break;
    case Kind::mark:
      break;
  }
}

void TreeDisk::write(const Node& node, PowerLoss way, std::mt19937_64& random, const fs::path& to) {
  if (!node.directory) {
    std::ofstream(to, std::ios::binary) << remains_of(node.bytes, node.synced, way, random);
    return;
  }
  fs::create_directory(to);
  fs::permissions(to, fs::perms::owner_all);
  Names names = node.durable;
  for (const Change& change : node.changes) {
    if (random() % 2 == 0 && way != PowerLoss::lost) apply(change, names);
  }
  for (const auto& [name, child] : names) write(*child, way, random, to / name);
}

void TreeDisk::write_after(PowerLoss way, std::uint64_t seed, const fs::path& directory) const {
  std::mt19937_64 random(seed);
  fs::remove_all(directory);
  write(*root_, way, random, directory);
}

}  // namespace caveat::test
