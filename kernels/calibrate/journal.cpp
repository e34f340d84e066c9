#include "kernels/calibrate/journal.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include "kernels/calibrate/median.hpp"
#include "sim/error.hpp"

namespace kernels::calibrate {
namespace {

constexpr std::string_view schema = "weftsim-samples/1";
constexpr std::size_t largest_file = std::size_t{256} << 20;  // some hundred bytes a sample
constexpr double longest = 1e5;                               // seconds of one operation
constexpr std::int64_t most_samples = std::int64_t{1} << 30;
constexpr double most_bytes = 0x1p60;
constexpr double same_place = 1.5;  // ratio: pairs of cores differ by 5 and more where their caches do, one pair in time by 1.2

std::string quoted(const std::string& text) { return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace); }

// Reads the key as another kind of thing than JsonObject knows.
template <class Read>
auto inside(JsonObject& from, const JsonNode& node, std::string_view key, const std::string& path, Read read) {
  const auto at = std::find(node.keys.begin(), node.keys.end(), key);
  from.object(key);  // missing or no object is a problem
  const JsonNode nothing{.kind = JsonNode::Kind::object};
  return read(at == node.keys.end() ? nothing : node.items[static_cast<std::size_t>(at - node.keys.begin())],
              path.empty() ? std::string(key) : fmt::format("{}.{}", path, key));
}

int count(JsonObject& from, std::string_view key) { return static_cast<int>(from.whole(key, 0, most_samples)); }

Sample read_sample(const JsonNode& node, JsonProblems& problems) {
  JsonObject from(node, "", problems);
  Sample sample;
  sample.operation = inside(from, node, "operation", "",
                            [&](const JsonNode& inner, const std::string& path) { return read_operation(inner, path, problems); });
  if (from.has("skipped")) {
    sample.skipped = from.text("skipped");
    if (sample.skipped.empty()) from.problem("skipped", "the reason is missing. Write why it was not measured.");
  } else {
    sample.seconds = from.positive("seconds", longest);
    sample.low = from.number("low", 0, longest);
    sample.high = from.number("high", 0, longest);
    sample.samples = count(from, "samples");
    sample.throttled = count(from, "throttled");
    sample.outliers = count(from, "outliers");
    sample.flushed = from.boolean("flushed");
    if (from.has("apart")) sample.apart = from.positive("apart", longest);
    if (sample.low > sample.seconds || sample.high < sample.seconds)
      from.problem("seconds", fmt::format("{} does not lie between low and high. Correct the line.", sample.seconds));
  }
  from.finish();
  return sample;
}

Beside read_beside(const JsonNode& node, const std::string& path, JsonProblems& problems) {
  JsonObject from(node, path, problems);
  Beside pair;
  for (const std::string_view key : {"product", "collective"}) {
    inside(from, node, key, path, [&](const JsonNode& inner, const std::string&) {
      JsonNode alone{.kind = JsonNode::Kind::object, .line = inner.line, .keys = {std::string(key)}, .items = {inner}};
      const Operation operation = read_operation(alone, path, problems);
      if (const auto* product = std::get_if<Product>(&operation)) pair.product = *product;
      if (const auto* collective = std::get_if<Collective>(&operation)) pair.collective = *collective;
      return 0;
    });
  }
  from.finish();
  return pair;
}

BesideSample read_beside_sample(const JsonNode& node, JsonProblems& problems) {
  JsonObject from(node, "", problems);
  BesideSample sample;
  sample.pair =
      inside(from, node, "beside", "", [&](const JsonNode& inner, const std::string& path) { return read_beside(inner, path, problems); });
  if (from.has("skipped")) {
    sample.skipped = from.text("skipped");
    if (sample.skipped.empty()) from.problem("skipped", "the reason is missing. Write why it was not measured.");
  } else {
    sample.product_alone = from.positive("product_alone", longest);
    sample.collective_alone = from.positive("collective_alone", longest);
    sample.product_beside = from.positive("product_beside", longest);
    sample.collective_beside = from.positive("collective_beside", longest);
    sample.product_runs = static_cast<int>(from.whole("product_runs", 1, most_samples));
    sample.collective_runs = static_cast<int>(from.whole("collective_runs", 1, most_samples));
    sample.samples = count(from, "samples");
    sample.throttled = count(from, "throttled");
  }
  from.finish();
  return sample;
}

// Calls each(line, its number) for every line that has an end; returns the bytes of all of those.
template <class Each>
std::size_t for_each_line(std::string_view text, Each each) {
  std::size_t begin = 0;
  int number = 1;
  for (std::size_t end; (end = text.find('\n', begin)) != std::string_view::npos; begin = end + 1)
    each(text.substr(begin, end - begin), number++);
  return begin;
}

}  // namespace

bool Journal::holds(const Planned& planned) const {
  if (const auto* pair = std::get_if<Beside>(&planned))
    return std::any_of(beside.begin(), beside.end(), [&](const BesideSample& sample) { return sample.pair == *pair; });
  return times_of(std::get<Operation>(planned)) > 0;
}

int Journal::times_of(const Operation& operation) const {
  for (const Sample& sample : samples)
    if (sample.operation == operation) return sample.rounds;
  return 0;
}

namespace {

// The middle one: of two places that are seen equally often it is one of them.
double usual_apart(const std::vector<Sample>& lines) {
  std::vector<double> all;
  for (const Sample& line : lines)
    if (line.apart > 0) all.push_back(line.apart);
  if (all.empty()) return 0;
  const auto middle = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2);
  std::nth_element(all.begin(), middle, all.end());
  return *middle;
}

// One sample of all lines that are of one operation.
std::vector<Sample> joined(std::vector<Sample> lines, double apart) {
  std::vector<Sample> samples;
  std::vector<std::vector<double>> medians;
  std::map<std::string, std::size_t> number_of;
  for (Sample& line : lines) {
    if (!as_far_apart(line.apart, apart))
      line.skipped = fmt::format("the ranks' cores were {:.0f} ns apart, not {:.0f} ns.", 1e9 * line.apart, 1e9 * apart);
    const auto [found, is_new] = number_of.emplace(to_json(line.operation), samples.size());
    if (is_new) {
      samples.push_back(line);
      medians.push_back({line.seconds});
      continue;
    }
    Sample& sample = samples[found->second];
    if (!line.skipped.empty()) continue;
    if (!sample.skipped.empty()) {
      sample = line;
      medians[found->second] = {line.seconds};
      continue;
    }
    medians[found->second].push_back(line.seconds);
    ++sample.rounds;
    sample.low = std::min(sample.low, line.low);
    sample.high = std::max(sample.high, line.high);
    sample.samples += line.samples;
    sample.throttled += line.throttled;
    sample.outliers += line.outliers;
  }
  for (std::size_t i = 0; i < samples.size(); ++i)
    if (samples[i].skipped.empty()) samples[i].seconds = median_interval(medians[i]).median;
  return samples;
}

}  // namespace

bool as_far_apart(double one, double other) { return one == 0 || other == 0 || std::max(one, other) <= same_place * std::min(one, other); }

Journal parse_journal(std::string_view text, const std::string& file, double apart) {
  Journal journal;
  journal.whole_bytes = for_each_line(text, [&](std::string_view line, int number) {
    const JsonNode node = parse_json(line, file, number);
    JsonProblems problems(file);
    JsonObject from(node, "", problems);
    if (number == 1) {
      if (const std::string found = from.text("schema"); found != schema)
        from.problem("schema", fmt::format("this is '{}', not '{}'. Give the journal of a calibration.", found, schema));
      problems.throw_if_any();
      journal.machine = inside(from, node, "machine", "",
                               [&](const JsonNode& inner, const std::string& path) { return read_machine(inner, path, problems); });
      from.finish();
    } else if (from.has("beside")) {
      journal.beside.push_back(read_beside_sample(node, problems));
    } else {
      journal.samples.push_back(read_sample(node, problems));
    }
    problems.throw_if_any();
  });
  journal.apart = usual_apart(journal.samples);
  journal.samples = joined(std::move(journal.samples), apart > 0 ? apart : journal.apart);
  if (journal.whole_bytes == 0)
    throw sim::InputError(fmt::format("{}:1: the journal has no first line. Remove the file, and measure again.", file));
  return journal;
}

Journal read_journal(const std::string& path, double apart) { return parse_journal(read_file(path, largest_file), path, apart); }

std::vector<Planned> parse_plan(std::string_view text, const std::string& file) {
  std::vector<Planned> plan;
  const std::size_t whole = for_each_line(text, [&](std::string_view line, int number) {
    const JsonNode node = parse_json(line, file, number);
    JsonProblems problems(file);
    if (JsonObject from(node, "", problems); from.has("beside")) {
      plan.emplace_back(inside(from, node, "beside", "",
                               [&](const JsonNode& inner, const std::string& path) { return read_beside(inner, path, problems); }));
      from.finish();
    } else {
      plan.emplace_back(read_operation(node, "", problems));
    }
    problems.throw_if_any();
  });
  if (whole != text.size())
    throw sim::InputError(fmt::format("{}:{}: the last line has no end; the plan may be cut off. Write it again.", file, plan.size() + 1));
  return plan;
}

std::vector<Planned> read_plan(const std::string& path) { return parse_plan(read_file(path, largest_file), path); }

std::string to_json(const Machine& machine) {
  std::string facts;
  for (const auto& [name, value] : machine.facts) facts += fmt::format("{}{}:{}", facts.empty() ? "" : ",", quoted(name), quoted(value));
  return fmt::format(
      R"({{"device":{},"platform":{},"facts":{{{}}},"ranks":{},"hosts":{},"multiprocessors":{},"memory_bytes":{},"memory_clock_Bps":{}}})",
      quoted(machine.device), quoted(machine.platform), facts, machine.ranks, machine.hosts, machine.multiprocessors, machine.memory_bytes,
      machine.memory_clock_Bps);
}

Machine read_machine(const JsonNode& node, const std::string& path, JsonProblems& problems) {
  JsonObject from(node, path, problems);
  Machine machine;
  machine.device = from.text("device");
  machine.platform = from.text("platform");
  inside(from, node, "facts", path, [&](const JsonNode& facts, const std::string& inner) {
    JsonObject texts(facts, inner, problems);
    for (const auto& name : facts.keys) machine.facts.emplace_back(name, texts.text(name));
    return 0;
  });
  machine.ranks = static_cast<int>(from.whole("ranks", 1, 1 << 24));
  machine.hosts = static_cast<int>(from.whole("hosts", 1, 1 << 24));
  machine.multiprocessors = static_cast<int>(from.whole("multiprocessors", 0, 1 << 24));
  machine.memory_bytes = from.number("memory_bytes", 0, most_bytes);
  machine.memory_clock_Bps = from.number("memory_clock_Bps", 0, most_bytes);
  from.finish();
  return machine;
}

std::vector<std::string> differences(const Machine& there, const Machine& here) {
  std::vector<std::string> found;
  const auto compare = [&](std::string_view what, const auto& a, const auto& b) {
    if (a != b) found.push_back(fmt::format("{}: '{}' there, '{}' here", what, a, b));
  };
  compare("device", there.device, here.device);
  compare("platform", there.platform, here.platform);
  compare("ranks", there.ranks, here.ranks);
  compare("hosts", there.hosts, here.hosts);
  compare("multiprocessors", there.multiprocessors, here.multiprocessors);
  compare("memory_bytes", there.memory_bytes, here.memory_bytes);
  compare("memory_clock_Bps", there.memory_clock_Bps, here.memory_clock_Bps);
  const auto fact = [](const Machine& machine, const std::string& name) {
    const auto at = std::find_if(machine.facts.begin(), machine.facts.end(), [&](const auto& entry) { return entry.first == name; });
    return at == machine.facts.end() ? std::string("nothing") : at->second;
  };
  for (const auto& [name, value] : there.facts) compare(name, value, fact(here, name));
  for (const auto& [name, value] : here.facts)
    if (fact(there, name) == "nothing") compare(name, std::string("nothing"), value);
  return found;
}

std::string to_line(const Machine& machine) { return fmt::format("{{\"schema\":\"{}\",\"machine\":{}}}\n", schema, to_json(machine)); }

std::string to_line(const Sample& s) {
  if (!s.skipped.empty()) return fmt::format("{{\"operation\":{},\"skipped\":{}}}\n", to_json(s.operation), quoted(s.skipped));
  return fmt::format(
      "{{\"operation\":{},\"seconds\":{},\"low\":{},\"high\":{},\"samples\":{},\"throttled\":{},\"outliers\":{},\"flushed\":{}{}}}\n",
      to_json(s.operation), s.seconds, s.low, s.high, s.samples, s.throttled, s.outliers, s.flushed,
      s.apart > 0 ? fmt::format(",\"apart\":{}", s.apart) : "");
}

std::string to_line(const Planned& planned) {
  if (const auto* operation = std::get_if<Operation>(&planned)) return to_json(*operation) + "\n";
  const auto& pair = std::get<Beside>(planned);
  const std::string product = to_json(Operation(pair.product)), collective = to_json(Operation(pair.collective));
  return fmt::format("{{\"beside\":{},{}}}\n", product.substr(0, product.size() - 1), collective.substr(1));  // one object of both
}

std::string to_line(const BesideSample& s) {
  std::string line = to_line(Planned(s.pair));
  line.resize(line.size() - 2);  // goes on inside the braces
  if (!s.skipped.empty()) return fmt::format("{},\"skipped\":{}}}\n", line, quoted(s.skipped));
  return fmt::format(
      "{},\"product_alone\":{},\"collective_alone\":{},\"product_beside\":{},\"collective_beside\":{},\"product_runs\":{},"
      "\"collective_runs\":{},\"samples\":{},\"throttled\":{}}}\n",
      line, s.product_alone, s.collective_alone, s.product_beside, s.collective_beside, s.product_runs, s.collective_runs, s.samples,
      s.throttled);
}

}  // namespace kernels::calibrate
