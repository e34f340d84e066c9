#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <set>
#include "sim/error.hpp"
#include "sim/random.hpp"
#include "workloads/scenario_field_reader.hpp"
#include "workloads/scenario_presets.hpp"  // found_file
#include "workloads/scenario_reader.hpp"
#include "workloads/studies/sweep.hpp"
#include "workloads/studies/sweep_table.hpp"  // result_columns

namespace workloads {
namespace {

constexpr std::string_view schema = "weftsim-sweep/1";
constexpr std::uint64_t most_points = 1'000'000;                   // that are run
constexpr std::uint64_t largest_product = std::uint64_t{1} << 62;  // that is sampled
constexpr double most_steps = 10'000;                              // of a range

// As YAML in one line.
std::string label_of(const TextNode& value) {
  switch (value.kind) {
    case TextNode::Kind::null:
      return "null";
    case TextNode::Kind::scalar:
      return value.text;
    case TextNode::Kind::sequence:
    case TextNode::Kind::map:
      break;
  }
  std::string inside;
  for (const TextNode& child : value.children)
    inside += (inside.empty() ? "" : ", ") + (child.key.empty() ? "" : child.key + ": ") + label_of(child);
  return value.is_map() ? "{" + inside + "}" : "[" + inside + "]";
}

// "200 Gb/s" is 200 and " Gb/s"; a plain number has no unit.
struct NumberAndUnit {
  double number = 0;
  std::string unit;
};
std::optional<NumberAndUnit> number_and_unit(const TextNode* node) {
  if (node == nullptr || node->kind != TextNode::Kind::scalar) return {};
  const std::size_t end = std::min(node->text.find(' '), node->text.size());
  const auto number = parse_number(std::string_view(node->text).substr(0, end));
  return number ? std::optional(NumberAndUnit{*number, node->text.substr(end)}) : std::nullopt;
}

// `count` of the numbers below `all`, each set of them as likely as any other (Floyd), ascending.
std::vector<std::uint64_t> sample(std::uint64_t count, std::uint64_t all, std::uint64_t seed) {
  const sim::Random random(seed, 0);
  std::set<std::uint64_t> chosen;
  for (std::uint64_t last = all - count; last < all; ++last) {
    const std::uint64_t draw = random.bits(last, 0) % (last + 1);
    chosen.insert(chosen.contains(draw) ? last : draw);
  }
  return {chosen.begin(), chosen.end()};
}

}  // namespace

// One reading of one sweep file.
class SweepReader {
 public:
  SweepReader(std::string_view text, std::string_view source) : folder_(std::filesystem::path(source).parent_path()) {
    sweep_.source_ = text;
    sweep_.name_ = std::filesystem::path(source).stem().string();
    sweep_.base_name_ = source;
  }

  Sweep read() {
    const std::optional<TextNode> tree = parse_text(sweep_.source_, sweep_.base_name_, problems_);
    if (tree && !tree->is_map()) problems_.add(tree->place, "", fmt::format("is no map of keys. Begin with 'schema: {}'.", schema));
    problems_.throw_if_any();
    FieldReader top(*tree, "", problems_);
    std::string declared;
    top.field("schema", declared, {.meaning = "write weftsim-sweep/1", .required = true});
    if (declared != schema && !declared.empty())
      problems_.add(tree->nearest("schema").place, "", fmt::format("unknown schema '{}' (known: {}). Is it a sweep?", declared, schema));
    top.field("name", sweep_.name_);
    const TextNode *base = top.own("base"), *axes = top.own("axes"), *where = top.own("where");
    std::uint64_t count = 0, seed = 1;
    top.group("sample", [&](FieldReader& v) {
      v.field("count", count, {.meaning = "how many points", .required = true, .least = 1, .most = double(most_points)});
      v.field("seed", seed);
    });
    top.finish();
    read_base(*tree, base);
    read_axes(*tree, axes);
    problems_.throw_if_any();
    count_points(*tree, count, seed);
    read_conditions(where);
    problems_.throw_if_any();
    return std::move(sweep_);
  }

 private:
  void read_base(const TextNode& top, const TextNode* base) {
    if (base == nullptr) return problems_.add(top.place, "", "missing key 'base' (the scenario that the axes change). Add it.");
    if (base->is_map()) {
      sweep_.base_ = *base;
      return;
    }
    if (base->kind != TextNode::Kind::scalar || base->text.empty())
      return problems_.add(base->place, "", fmt::format("base is {}, neither a path nor a scenario.", base->shown()));
    try {
      if (const auto path = found_file(base->text, folder_); !path.empty()) {
        sweep_.base_name_ = path.string();
        sweep_.base_ = parse_text(read_text_file(path.string()), path.string());
      } else if (const auto shipped = shipped_scenario_text(base->text)) {
        sweep_.base_name_ = fmt::format("scenarios/{}.yaml", base->text);
        sweep_.base_ = parse_text(*shipped, sweep_.base_name_);
      } else {
        problems_.add(
            base->place, "",
            fmt::format("base {}: no such file, nor a shipped scenario.{}", base->shown(), did_you_mean(base->text, shipped_scenarios())));
      }
    } catch (const sim::InputError& error) {
      problems_.add(base->place, "base", error.what());
    }
    if (!sweep_.base_.is_map() && problems_.empty()) problems_.add(base->place, "", fmt::format("base {} is no scenario.", base->shown()));
  }

  void read_axes(const TextNode& top, const TextNode* axes) {
    if (axes == nullptr)
      return problems_.add(top.place, "", "missing key 'axes' (what changes). Add 'axes:' and a key with its values below.");
    if (!axes->is_map() || axes->children.empty())
      return problems_.add(axes->place, "", fmt::format("axes is {}, not a map of keys and their values.", axes->shown()));
    for (const TextNode& axis : axes->children) read_axis(axis);
    std::set<std::string> keys;
    for (std::size_t a = 0; a < sweep_.axes_.size(); ++a)
      for (const std::string& key : sweep_.axes_[a].keys)
        if (!keys.insert(key).second) bad(axes->children[a], "", fmt::format("'{}' is set twice. Take it out of one place.", key));
  }

  void bad(const TextNode& axis, std::string_view below, std::string_view what) {
    problems_.add(axis.place, fmt::format("axes.{}{}{}", axis.key, below.empty() ? "" : ".", below), what);
  }

  // A list; {range: …}; {key: …, values or range}; {zip: {key: list or range, …}}; each with `labels` if wished.
  void read_axis(const TextNode& node) {
    SweepAxis axis{.name = node.key};
    sweep_.axes_.push_back(axis);  // also a wrong one, so that numbers fit
    if (std::ranges::find(result_columns, std::string_view(node.key)) != result_columns.end())
      return bad(node, "", "is the name of a column of the results. Take another.");
    if (node.key.empty() || node.key.find_first_of("/\r\n") != std::string::npos)
      return bad(node, "", "is no name of an axis. Leave slashes and line ends out.");
    if (node.kind == TextNode::Kind::scalar || node.kind == TextNode::Kind::null)
      return bad(node, "", fmt::format("is {}, not a list of values. Write [{}].", node.shown(), node.text));
    std::vector<std::vector<TextNode>> columns;
    const TextNode* labels = nullptr;
    if (node.kind == TextNode::Kind::sequence) {
      axis.keys = {node.key};
      columns = {node.children};
    } else {
      FieldReader map(node, "axes." + node.key, problems_);
      const TextNode *key = map.own("key"), *values = map.own("values"), *range = map.own("range"), *zip = map.own("zip");
      labels = map.own("labels");
      map.finish();
      if (zip && (key || values || range)) return bad(node, "", "has 'zip' and other ways to say values. Keep one.");
      if (zip && !zip->is_map()) return bad(node, "zip", fmt::format("is {}, not a map of keys and lists.", zip->shown()));
      if (!zip && !values == !range) return bad(node, "", "needs one of 'values', 'range' and 'zip'.");
      if (key && (key->kind != TextNode::Kind::scalar || key->text.empty()))
        return bad(node, "key", fmt::format("is {}, not a key of the scenario.", key->shown()));
      if (zip)
        for (const TextNode& column : zip->children) axis.keys.push_back(column.key), columns.push_back(values_of(node, column));
      else
        axis.keys = {key ? key->text : node.key}, columns = {range ? range_of(node, *range) : values_of(node, *values)};
    }
    finish_axis(node, std::move(axis), columns, labels);
  }

  std::vector<TextNode> values_of(const TextNode& axis, const TextNode& node) {
    if (node.kind == TextNode::Kind::sequence) return node.children;
    if (const TextNode* range = node.find("range"); range && node.children.size() == 1) return range_of(axis, *range);
    bad(axis, node.key,
        fmt::format("is {}, not a list of values. Write [1, 2, 4] or {{range: {{from: 1, to: 8, factor: 2}}}}.", node.shown()));
    return {};
  }

  // from, to, and `step` or `factor`; with or without a unit.
  std::vector<TextNode> range_of(const TextNode& axis, const TextNode& node) {
    const auto refuse = [&](std::string_view what) {
      bad(axis, "range",
          fmt::format("{} Write {{from: 1, to: 8, factor: 2}} or {{from: \"100 Gb/s\", to: \"400 Gb/s\", step: 100}}.", what));
      return std::vector<TextNode>{};
    };
    const TextNode *step = node.find("step"), *factor = node.find("factor");
    const auto from = number_and_unit(node.find("from")), to = number_and_unit(node.find("to"));
    const auto by = number_and_unit(step ? step : factor);
    if (!node.is_map() || node.children.size() != 3 || !from || !to || !by) return refuse("is no range.");
    if (from->unit != to->unit || !(by->unit.empty() || (step && by->unit == from->unit))) return refuse("has several units.");
    const bool grows = to->number >= from->number && (step ? by->number > 0 : by->number > 1 && from->number > 0);
    if (!grows) return refuse("does not go upwards.");
    const double steps = step ? (to->number - from->number) / by->number : std::log(to->number / from->number) / std::log(by->number);
    if (!(steps < most_steps)) return refuse("has more than 10,000 values.");
    std::vector<TextNode> values;
    for (double i = 0; i <= std::floor(steps + 1e-9); ++i) {
      const double number = step ? from->number + i * by->number : from->number * std::pow(by->number, i);
      values.push_back({.kind = TextNode::Kind::scalar, .text = to_text(number) + from->unit, .place = node.place});
    }
    return values;
  }

  void finish_axis(const TextNode& node, SweepAxis axis, const std::vector<std::vector<TextNode>>& columns, const TextNode* labels) {
    for (std::size_t k = 0; k < columns.size(); ++k) {
      if (axis.keys[k].empty() || axis.keys[k].starts_with('.') || axis.keys[k].ends_with('.') ||
          axis.keys[k].find("..") != std::string::npos)
        return bad(node, "", fmt::format("'{}' is no key. Write it as a.b.c.", axis.keys[k]));
      if (columns[k].size() != columns[0].size())
        return bad(node, "zip",
                   fmt::format("'{}' has {} values and '{}' {}. Give them equally many.", axis.keys[0], columns[0].size(), axis.keys[k],
                               columns[k].size()));
    }
    if (columns.empty() || columns[0].empty()) return bad(node, "", "has no values. Give at least one.");
    for (std::size_t i = 0; i < columns[0].size(); ++i) {
      axis.values.emplace_back();
      std::string label;
      for (const auto& column : columns) {
        label += (axis.values.back().empty() ? "" : " / ") + label_of(column[i]);
        axis.values.back().push_back(column[i]);
      }
      axis.labels.push_back(std::move(label));
    }
    if (labels) {
      const bool words = labels->kind == TextNode::Kind::sequence &&
                         std::ranges::all_of(labels->children, [](const TextNode& n) { return n.kind == TextNode::Kind::scalar; });
      if (!words || labels->children.size() != axis.labels.size())
        return bad(node, "labels", fmt::format("is {}, not a list of {} words, one a value.", labels->shown(), axis.labels.size()));
      for (std::size_t i = 0; i < axis.labels.size(); ++i) axis.labels[i] = labels->children[i].text;
    }
    sweep_.axes_.back() = std::move(axis);
  }

  void count_points(const TextNode& top, std::uint64_t count, std::uint64_t seed) {
    std::uint64_t product = 1;
    for (const SweepAxis& axis : sweep_.axes_)
      if (__builtin_mul_overflow(product, axis.values.size(), &product) || product > largest_product)
        return problems_.add(top.nearest("axes").place, "axes", "their product has more than 2^62 points. Leave some out.");
    if (count > 0 && count < product) sweep_.sample_ = sample(count, product, seed);
    sweep_.size_ = sweep_.sample_.empty() ? product : count;
    if (sweep_.size_ > most_points)
      problems_.add(top.nearest("axes").place, "axes",
                    fmt::format("their product has {} points (at most {} are run). Take a sample: {{count: 1000}}.", product, most_points));
  }

  // An unknown name shows at the first point.
  void read_conditions(const TextNode* where) {
    if (where == nullptr || !problems_.empty()) return;
    const bool list = where->kind == TextNode::Kind::sequence;
    for (const TextNode& node : list ? std::span<const TextNode>(where->children) : std::span(where, 1)) {
      if (node.kind != TextNode::Kind::scalar) {
        problems_.add(node.place, "where", fmt::format("{} is no condition. Write for example \"tp * pp <= 64\".", node.shown()));
        continue;
      }
      sweep_.conditions_.emplace_back(node.text, node.place);
    }
    if (problems_.empty()) static_cast<void>(sweep_.excluded_because(0));
  }

  std::filesystem::path folder_;
  Sweep sweep_;
  Problems problems_;
};

Sweep Sweep::from_text(std::string_view text, std::string_view source_name) { return SweepReader(text, source_name).read(); }

Sweep Sweep::from_file(const std::filesystem::path& path) { return from_text(read_text_file(path.string()), path.string()); }

}  // namespace workloads
