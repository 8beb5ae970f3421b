#include "test/query/query_world.h"

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "engine/partition/container.h"

namespace caveat::test {
namespace {

constexpr std::size_t kFewValues = 5;

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message());
  return std::move(*result);
}
void must(Result<void> result) {
  if (!result) throw std::runtime_error(result.error().message());
}

// A row's bytes and its view.
struct Row {
  Row(RowKind kind, const ExceptionKey& key, const Exception* exception) {
    if (kind == RowKind::store) {
      encode_store_row(key, *exception, bytes);
    } else {
      RowView plain;
      plain.kind = kind;
      plain.record.key = key;
      if (kind == RowKind::clear_node) plain.record.key.property_hash = 0;
      if (kind == RowKind::clear_property) plain.record.key.node_id = 0;
      encode_row(plain, bytes);
    }
  }
  [[nodiscard]] RowView view() const { return decode_trusted_row(bytes); }
  std::string bytes;
};

}  // namespace

Result<std::shared_ptr<const PartitionImage>> WorldReader::load(const Version& version,
                                                                Directory::Position position,
                                                                CacheUse, BlockForm form) const {
  const auto& entry = version.directory->at(position);
  ++loads;
  if (damaged == entry.id) return fail(alone, "primary: planted damage");
  if (keep_images) {
    const auto found = images_.find(entry.id);
    const bool serves =
        found != images_.end() && (form == BlockForm::keys || !found->second->keys_alone());
    if (serves) return found->second;
  }
  auto image = PartitionImage::open(containers.at(entry.id), entry.lower,
                                    version.directory->upper_bound(position), resolver_, catalogue_,
                                    Reasons::halves, form);
  if (keep_images && image) images_[entry.id] = *image;
  return image;
}

Result<std::vector<std::shared_ptr<const PartitionImage>>> WorldReader::load_many(
    const Version& version, std::span<const Directory::Position> positions, CacheUse use,
    BlockForm form) const {
  std::vector<std::shared_ptr<const PartitionImage>> images;
  for (std::size_t i = 0; i < positions.size(); ++i) {
    const auto lower = [&](std::size_t j) { return version.directory->at(positions[j]).lower; };
    if (i > 0 && !(lower(i - 1) < lower(i))) throw std::logic_error("positions out of order");
    if (damaged == version.directory->at(positions[i]).id) {
      return fail(ErrorCode::corruption, "primary: planted damage");
    }
    CAVEAT_ASSIGN(auto image, load(version, positions[i], use, form));
    images.push_back(std::move(image));
  }
  return images;
}

Result<std::shared_ptr<const PartitionImage>> WorldReader::with_columns(
    const Version&, Directory::Position, std::shared_ptr<const PartitionImage> image,
    CacheUse) const {
  if (!image->keys_alone()) return image;
  ++widened;
  return image->with_columns(resolver_);
}

std::optional<Directory::Position> WorldReader::find_partition(const Version& version,
                                                               PartitionId id) const {
  const auto& directory = *version.directory;
  if (places_.empty() && !directory.empty()) {
    for (auto at = directory.begin(); at != directory.end(); at = directory.next(at)) {
      places_[directory.at(at).id] = at;
    }
  }
  const auto found = places_.find(id);
  return found == places_.end() ? std::nullopt : std::optional(found->second);
}

QueryWorld::QueryWorld(std::uint64_t seed, const WorldOptions& options)
    : options_(options), random_(seed) {
  TermRules rules;
  rules.temporal_shift = 4;
  indexes_ = std::make_unique<IndexManager>(*backend_, rules, &index_cache_);
  must(catalogue_.load(*backend_));
  for (std::size_t i = 0; i < options.properties; ++i) {
    properties_.push_back(hash_property("property " + std::to_string(i)));
  }
  // Ids in another order than the hashes, as in a real store.
  must(catalogue_.assign(properties_, *backend_));
  make_base();
  make_runs();
  store_parts();
  store_hints();
  // A property that only the delta has.
  properties_.push_back(hash_property("only recent"));
  make_delta();
}

ExceptionKey QueryWorld::random_key() {
  return {random_.below(options_.nodes) * 3, properties_[random_.below(properties_.size())]};
}

Exception QueryWorld::random_exception() {
  Exception e;
  e.inherited_value = static_cast<std::int64_t>(random_.below(1000));
  e.actual_value = "value " + std::to_string(random_.below(50));
  e.reason = "because " + std::to_string(random_.number());
  e.source = static_cast<ExceptionSource>(random_.below(kExceptionSourceCount));
  const bool few = random_.below(options_.few_values) == 0;
  e.confidence = few ? static_cast<float>(random_.below(kFewValues)) / (kFewValues - 1)
                     : static_cast<float>(random_.below(1000)) / 1000.0F;
  e.created_at = few ? static_cast<std::int64_t>(random_.below(kFewValues)) - 2
                     : static_cast<std::int64_t>(random_.below(2000)) - 1000;
  if (random_.chance(50)) e.created_at = std::numeric_limits<std::int64_t>::min();
  if (random_.chance(50)) e.created_at = std::numeric_limits<std::int64_t>::max();
  return e;
}

void QueryWorld::make_base() {
  for (std::size_t i = 0; i < options_.base_records; ++i) {
    truth_[random_key()] = random_exception();
  }
  sequence_ = options_.base_records;
  base_as_of_ = sequence_;
  for (const auto& [key, exception] : truth_) {
    const bool full = !parts_.empty() && parts_.back().base.size() >= options_.partition_rows;
    if (parts_.empty() || full ||
        (options_.uneven && parts_.back().base.size() > 2 && random_.chance(20))) {
      Part part;
      part.lower = parts_.empty() ? ExceptionKey{} : key;
      part.id = 1 + parts_.size() * 7 % 1000003;  // places and ids in different orders, nearly
      part.id = part.id ^ 5;
      parts_.push_back(std::move(part));
    }
    parts_.back().base[key] = exception;
  }
}

QueryWorld::Part& QueryWorld::part_of(const ExceptionKey& key) {
  const auto at =
      std::upper_bound(parts_.begin(), parts_.end(), key,
                       [](const ExceptionKey& k, const Part& p) { return k < p.lower; });
  return *std::prev(at);
}

void QueryWorld::clear_truth(RowKind kind, const ExceptionKey& key) {
  std::erase_if(truth_, [&](const auto& item) {
    return kind == RowKind::clear_node ? item.first.node_id == key.node_id
                                       : item.first.property_hash == key.property_hash;
  });
}

// Two rounds of runs with clears between and after them.
void QueryWorld::make_runs() {
  if (parts_.empty()) return;
  for (int round = 0; round < 2; ++round) {
    std::map<PartitionId, std::map<ExceptionKey, std::optional<Exception>>> runs;
    for (std::size_t i = 0; i < options_.run_writes / 2; ++i) {
      const auto key = random_key();
      ++sequence_;
      auto& run = runs[part_of(key).id];
      if (random_.chance(4)) {
        run[key] = std::nullopt;
        truth_.erase(key);
      } else {
        run[key] = truth_[key] = random_exception();
      }
    }
    for (auto& part : parts_) {
      if (const auto found = runs.find(part.id); found != runs.end()) {
        part.runs.push_back(found->second);
        part.run_as_of.push_back(sequence_);
      }
    }
    for (std::size_t i = 0; i < options_.clears; ++i) {
      const auto key = random_key();
      ++sequence_;
      if (random_.chance(3)) {
        clears_.add_property(key.property_hash, sequence_);
        clear_truth(RowKind::clear_property, key);
      } else {
        clears_.add_node(key.node_id, sequence_);
        clear_truth(RowKind::clear_node, key);
      }
    }
  }
}

void QueryWorld::store_parts() {
  for (const auto& part : parts_) {
    std::string container;
    append_container_header(part.id, container);
    if (!part.base.empty()) {
      std::map<std::pair<NodeId, PropertyId>, std::string> ordered;
      for (const auto& [key, exception] : part.base) {
        encode_store_row(key, exception,
                         ordered[{key.node_id, *catalogue_.find(key.property_hash)}]);
      }
      std::vector<BlockRow> rows;
      for (const auto& [place, bytes] : ordered) {
        rows.push_back({decode_trusted_row(bytes).record, place.second});
      }
      BlockContext block;
      block.as_of = base_as_of_;
      must(encode_block(rows, block, container));
    }
    for (std::size_t i = 0; i < part.runs.size(); ++i) {
      std::vector<std::string> bytes;
      for (const auto& [key, exception] : part.runs[i]) {
        bytes.push_back(Row(exception ? RowKind::store : RowKind::remove, key,
                            exception ? &*exception : nullptr)
                            .bytes);
      }
      const std::vector<std::string_view> views(bytes.begin(), bytes.end());
      append_run(views, part.run_as_of[i], container);
    }
    reader_.containers[part.id] = std::move(container);
  }
}

void QueryWorld::store_hints() {
  HintChanges changes;
  HintBuilder builder(indexes_->rules());
  const auto add = [&](const ExceptionKey& key, const Exception& e) {
    builder.add(*catalogue_.find(key.property_hash), e.source, e.confidence, e.created_at);
  };
  HintSet hints;
  for (const auto& part : parts_) {
    for (const auto& [key, exception] : part.base) add(key, exception);
    for (const auto& run : part.runs) {
      for (const auto& [key, exception] : run) {
        if (exception) add(key, *exception);
      }
    }
    if (random_.below(100) < options_.stale_percent) {
      add({0, properties_[random_.below(options_.properties)]}, random_exception());
    }
    builder.finish(hints);
    changes.add_all(hints, part.id);
  }
  if (options_.stale_percent > 0) {
    for (std::size_t i = 0; i < parts_.size() / 4; ++i) {  // of partitions that are gone
      add({0, properties_[random_.below(options_.properties)]}, random_exception());
      builder.finish(hints);
      changes.add_all(hints, PartitionId{5000000} + i);
    }
  }
  KvBatch batch;
  must(indexes_->apply(changes, batch));
  must(backend_->write(batch, Durability::none));
  indexes_->committed();
}

void QueryWorld::make_delta() {
  std::shared_ptr<Generation> generation;
  for (std::size_t g = 0; g < options_.generations; ++g) {
    generation = std::make_shared<Generation>(g + 1, pool_);
    for (std::size_t i = 0; i < options_.delta_writes / options_.generations; ++i) {
      const auto key = random_key();
      const auto exception = random_exception();
      RowKind kind = random_.chance(4) ? RowKind::remove : RowKind::store;
      if (random_.below(options_.delta_writes) < options_.clears) {
        kind = random_.chance(3) ? RowKind::clear_property : RowKind::clear_node;
      }
      const Row row(kind, key, &exception);
      generation->insert(++sequence_, row.view(), row.bytes);
      if (kind == RowKind::store) {
        truth_[key] = exception;
      } else if (kind == RowKind::remove) {
        truth_.erase(key);
      } else {
        clear_truth(kind, key);
      }
    }
    generations_.insert(generations_.begin(), generation);
  }
  auto version = std::make_shared<Version>();
  version->generations = generations_;
  std::vector<PartitionEntry> entries;
  for (const auto& part : parts_) {
    PartitionEntry entry;
    entry.lower = part.lower;
    entry.id = part.id;
    entry.rows = static_cast<std::uint32_t>(part.base.size());
    for (const auto& run : part.runs) entry.run_rows += static_cast<std::uint32_t>(run.size());
    entry.as_of_min = base_as_of_;
    entries.push_back(entry);
  }
  const Directory none;
  DirectoryEditor editor(none);
  if (!entries.empty()) editor.replace({}, std::nullopt, std::move(entries));
  version->directory = editor.finish();
  version->clears = std::make_shared<ClearList>(clears_);
  version->backend_snapshot = must(backend_->snapshot());
  version->index_complete.fill(true);
  auto view = std::make_shared<ReadView>();
  view->version = version;
  view->ceiling = sequence_;
  view_ = view;
  // What comes later must not show.
  if (generation != nullptr) {
    for (int i = 0; i < 10; ++i) {
      const auto key = random_key();
      const auto exception = random_exception();
      const Row row(random_.chance(2) ? RowKind::remove : RowKind::store, key, &exception);
      generation->insert(++sequence_, row.view(), row.bytes);
    }
  }
}

std::shared_ptr<ReadView> QueryWorld::changed_view() const {
  auto view = std::make_shared<ReadView>(*view_);
  auto version = std::make_shared<Version>(*view_->version);
  version->places = ++changed_;
  view->version = std::move(version);
  return view;
}

std::shared_ptr<const ReadView> QueryWorld::view_now() const {
  auto view = changed_view();
  auto version = std::make_shared<Version>(*view->version);
  version->backend_snapshot = must(backend_->snapshot());
  view->version = std::move(version);
  return view;
}

// Of two nodes that there are or that are beside one; sometimes open, empty, or of one node.
Query::NodeRange QueryWorld::random_nodes() {
  const NodeId a = random_key().node_id + random_.below(3) - 1;
  const NodeId b = random_key().node_id + random_.below(3) - 1;
  Query::NodeRange nodes{std::min(a, b), std::max(a, b)};
  if (random_.chance(10)) nodes.last = nodes.first;
  if (random_.chance(10)) nodes.first = 0;
  if (random_.chance(10)) nodes.last = std::numeric_limits<NodeId>::max();
  if (random_.chance(20)) std::swap(nodes.first, nodes.last);
  return nodes;
}

Query QueryWorld::random_query() {
  Query query;
  if (random_.chance(5)) query.node = random_key().node_id + (random_.chance(10) ? 1 : 0);
  if (random_.chance(3)) {
    query.property = random_.chance(20) ? hash_property("nobody's") : random_key().property_hash;
  }
  if (random_.chance(3)) {
    query.source = static_cast<ExceptionSource>(random_.below(kExceptionSourceCount));
  }
  if (random_.chance(2)) {
    const float a = random_exception().confidence;
    const float b = random_exception().confidence;
    query.confidence = {std::min(a, b), random_.chance(4) ? std::min(a, b) : std::max(a, b)};
    if (random_.chance(20)) query.confidence = {b, a};
    if (random_.chance(20)) query.confidence = {-1.0F, std::numeric_limits<float>::infinity()};
    if (random_.chance(20)) query.confidence = {-0.0F, 0.0F};
  }
  if (random_.chance(2)) {
    const auto a = random_exception().created_at;
    const auto b = random_exception().created_at;
    query.time = {std::min(a, b), random_.chance(4) ? std::min(a, b) : std::max(a, b)};
    if (random_.chance(20)) query.time = {b, a};
  }
  if (random_.chance(3)) query.nodes = random_nodes();
  query.order = static_cast<QueryOrder>(random_.below(3));
  query.descending = random_.chance(2);
  if (random_.chance(3)) query.limit = random_.below(40);
  return query;
}

std::vector<ExceptionRecord> QueryWorld::expected(const Query& query) const {
  std::vector<ExceptionRecord> found;
  for (const auto& [key, e] : truth_) {
    if (query.node && key.node_id != *query.node) continue;
    if (query.nodes && (key.node_id < query.nodes->first || key.node_id > query.nodes->last)) {
      continue;
    }
    if (query.property && key.property_hash != *query.property) continue;
    if (query.source && e.source != *query.source) continue;
    if (query.confidence &&
        !(query.confidence->min <= e.confidence && e.confidence <= query.confidence->max)) {
      continue;
    }
    if (query.time &&
        !(query.time->start_ns <= e.created_at && e.created_at <= query.time->end_ns)) {
      continue;
    }
    found.push_back({key, e});
  }
  std::stable_sort(found.begin(), found.end(), [&](const auto& a, const auto& b) {
    if (query.order == QueryOrder::confidence)
      return a.exception.confidence < b.exception.confidence;
    if (query.order == QueryOrder::time) return a.exception.created_at < b.exception.created_at;
    return false;
  });
  if (query.descending) std::reverse(found.begin(), found.end());
  if (found.size() > query.limit) found.resize(query.limit);
  return found;
}

}  // namespace caveat::test
