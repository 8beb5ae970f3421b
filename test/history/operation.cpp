#include "test/history/operation.h"

#include <charconv>
#include <iterator>
#include <random>

namespace caveat::test {

namespace {

using Kind = Operation::Kind;

struct Word {
  Kind kind;
  std::string_view text;
  std::size_t numbers;
  int weight;  // of random lists
};

constexpr Word kWords[] = {
    {Kind::store, "store", 3, 260},
    {Kind::remove, "remove", 2, 60},
    {Kind::exchange, "exchange", 3, 12},
    {Kind::take, "take", 2, 12},
    {Kind::erase, "erase", 2, 12},
    {Kind::set, "set", 3, 12},
    {Kind::set_wrongly, "set_wrongly", 3, 6},
    {Kind::batch, "batch", 2, 20},
    {Kind::bulk, "bulk", 2, 8},
    {Kind::clear_node, "clear_node", 1, 6},
    {Kind::clear_property, "clear_property", 1, 5},
    {Kind::name, "name", 1, 4},
    {Kind::flush, "flush", 0, 10},
    {Kind::optimize, "optimize", 0, 2},
    {Kind::rebuild, "rebuild", 0, 2},
    {Kind::compact, "compact", 0, 2},
    {Kind::reopen, "reopen", 0, 2},
    {Kind::crash, "crash", 0, 3},
    {Kind::get, "get", 2, 90},
    {Kind::query, "query", 2, 60},
    {Kind::hold, "hold", 0, 6},
    {Kind::look, "look", 0, 8},
    {Kind::count, "count", 0, 3},
    {Kind::verify, "verify", 0, 4},
};

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  std::uint64_t below(std::uint64_t n) { return engine_() % n; }
  std::uint64_t seed() { return below(1'000'000); }
  // Few nodes hold many records, many hold few.
  std::uint64_t node() { return below(3) == 0 ? below(4) : below(kNodes); }
  // A few properties lie in few partitions, so that their index is what queries of them follow.
  std::uint64_t property() { return below(40) == 0 ? below(3) : 3 + below(kProperties - 3); }

  PropertyValue value(int depth = 0) {
    switch (below(depth > 2 ? 6 : 7)) {
      case 0:
        return {};
      case 1:
        return below(2) == 0;
      case 2:
        return static_cast<std::int64_t>(engine_());
      case 3:
        return static_cast<std::int64_t>(below(100));
      case 4:
        return static_cast<double>(below(1000)) / 8;
      case 5:
        return std::string(below(20), static_cast<char>('a' + below(26)));
      default: {
        PropertyValue::List list;
        for (std::uint64_t i = below(4); i-- > 0;) list.push_back(value(depth + 1));
        return list;
      }
    }
  }

 private:
  std::mt19937_64 engine_;
};

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kFirstTime = -500'000 * kSecond;

std::int64_t time_of(std::uint64_t seconds) {
  return kFirstTime + static_cast<std::int64_t>(seconds) * kSecond;
}

const Word& word_of(Kind kind) {
  return kWords[static_cast<std::size_t>(kind)];
}

}  // namespace

std::string to_text(const Operation& operation) {
  const Word& word = word_of(operation.kind);
  std::string text(word.text);
  for (std::size_t i = 0; i < word.numbers; ++i) text += ' ' + std::to_string(operation.numbers[i]);
  return text;
}

std::optional<Operation> parse_operation(std::string_view line) {
  for (const Word& word : kWords) {
    if (line.substr(0, line.find(' ')) != word.text) continue;
    Operation operation;
    operation.kind = word.kind;
    const char* at = line.data() + word.text.size();
    const char* const end = line.data() + line.size();
    for (std::size_t i = 0; i < word.numbers; ++i) {
      if (at == end || *at++ != ' ') return std::nullopt;
      const auto [next, error] = std::from_chars(at, end, operation.numbers[i]);
      if (error != std::errc()) return std::nullopt;
      at = next;
    }
    return at == end ? std::optional(operation) : std::nullopt;
  }
  return std::nullopt;
}

Operations random_operations(std::uint64_t seed, std::size_t count) {
  Random random(seed);
  std::uint64_t weights = 0;
  for (const Word& word : kWords) weights += static_cast<std::uint64_t>(word.weight);
  Operations operations;
  while (operations.size() < count) {
    auto chosen = static_cast<int>(random.below(weights));
    const Word* word = std::begin(kWords);
    for (; chosen >= word->weight; ++word) chosen -= word->weight;
    Operation operation;
    operation.kind = word->kind;
    auto& numbers = operation.numbers;
    switch (word->kind) {
      case Kind::batch:
        numbers = {random.below(60), random.seed()};
        break;
      case Kind::bulk:
        numbers = {random.below(400), random.seed()};
        break;
      case Kind::query: {
        // Most have a condition or two.
        const std::uint64_t all = random.below(kQueryBits);
        numbers = {random.below(3) == 0 ? all : all & random.below(kQueryBits), random.seed()};
        break;
      }
      case Kind::clear_property:
      case Kind::name:
        numbers = {random.property()};
        break;
      default:
        numbers = {random.node(), random.property(), random.seed()};
        break;
    }
    for (std::size_t i = word->numbers; i < numbers.size(); ++i) numbers[i] = 0;
    operations.push_back(operation);
  }
  return operations;
}

std::string property_name_of(std::uint64_t property) {
  return "property/" + std::to_string(property);
}

ExceptionKey key_of(std::uint64_t node, std::uint64_t property) {
  return {node * 1'000'003, hash_property(property_name_of(property))};
}

Exception exception_of(std::uint64_t seed) {
  Random random(seed);
  Exception e;
  e.inherited_value = random.value();
  e.actual_value = random.value();
  e.reason = "reason " + std::to_string(random.below(50));
  if (random.below(200) == 0) e.reason.assign(random.below(40'000), 'x');  // a large record
  e.source = static_cast<ExceptionSource>(random.below(kExceptionSourceCount));
  e.created_at = time_of(random.below(1'000'000));
  e.confidence = static_cast<float>(random.below(101)) / 100.0F;
  return e;
}

Operations rows_of(const Operation& operation) {
  Operations rows;
  for (std::uint64_t i = 0; i < operation.numbers[0]; ++i) {
    // Each from its own seed: a shorter batch is the beginning of a longer one.
    Random random(operation.numbers[1] * 1000 + i);
    Operation row;
    row.kind = Kind::store;
    if (operation.kind == Kind::batch && random.below(4) == 0) row.kind = Kind::remove;
    if (operation.kind == Kind::batch && random.below(50) == 0) row.kind = Kind::clear_node;
    row.numbers = {random.node(), random.property(), random.seed()};
    rows.push_back(row);
  }
  return rows;
}

Query query_of(const Operation& operation) {
  const std::uint64_t bits = operation.numbers[0];
  Random random(operation.numbers[1]);
  Query query;
  const ExceptionKey key = key_of(random.node(), random.property());
  if ((bits & kByNode) != 0) query.node = key.node_id;
  if ((bits & kByProperty) != 0) query.property = key.property_hash;
  const auto source = static_cast<ExceptionSource>(random.below(kExceptionSourceCount));
  if ((bits & kBySource) != 0) query.source = source;
  const float min = static_cast<float>(random.below(101)) / 100.0F;
  const float max = min + static_cast<float>(random.below(30)) / 100.0F;
  if ((bits & kByConfidence) != 0) query.confidence = Query::ConfidenceRange{min, max};
  const std::int64_t start = time_of(random.below(1'000'000));
  const std::int64_t end = start + static_cast<std::int64_t>(random.below(100'000)) * kSecond;
  if ((bits & kByTime) != 0) query.time = Query::TimeRange{start, end};
  if ((bits & kOrderByTime) != 0) {
    query.order = QueryOrder::time;
  } else if ((bits & kOrderByConfidence) != 0) {
    query.order = QueryOrder::confidence;
  }
  query.descending = (bits & kDescending) != 0;
  if ((bits & kLimited) != 0) query.limit = random.below(50);
  return query;
}

}  // namespace caveat::test
