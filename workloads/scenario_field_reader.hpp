#pragma once
#include <fmt/format.h>
#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>
#include "workloads/quantity.hpp"
#include "workloads/scenario_fields.hpp"
#include "workloads/scenario_text.hpp"

// Visitor of scenario_fields.hpp that fills specs from a checked tree and says what is wrong with it.
namespace workloads {

class FieldReader {
 public:
  static constexpr bool writing = false;
  // `where` is the path of `map` in the scenario: "cluster.host".
  FieldReader(const TextNode& map, std::string where, Problems& problems) : map_(map), where_(std::move(where)), problems_(problems) {}

  template <class T>
  void field(std::string_view key, T&& value, const Field& info = {}) {
    known_.emplace_back(key);
    const TextNode* node = map_.find(key);
    if (node == nullptr) {
      if (info.required && problems_.sound(path(key))) missing(key, info);
    } else if (node->kind == TextNode::Kind::null) {
      if (problems_.sound(path(key))) bad(*node, key, fmt::format("{} has no value. Give it one, or leave the key out.", key));
    } else if (problems_.sound(path(key)) || node->is_map()) {
      read(*node, key, value, info);
    }
  }

  template <class Describe>
  void group(std::string_view key, Describe&& describe_group) {
    known_.emplace_back(key);
    const TextNode* node = map_.find(key);
    if (node == nullptr || !is_map(*node, key)) return;
    FieldReader nested(*node, path(key), problems_);
    describe_group(nested);
    nested.finish();
  }

  void later(std::string_view key, std::string_view neutral, std::string_view meaning) {
    known_.emplace_back(key);
    const TextNode* node = map_.find(key);
    if (node == nullptr || (!neutral.empty() && changes_nothing(*node, parse_text(neutral, "neutral")))) return;
    const std::string only = neutral.empty() ? "" : fmt::format(", only {}", neutral);
    bad(*node, key, fmt::format("'{}' is not supported yet ({}{}). Leave it out.", key, meaning, only));
  }

  // A key that the caller reads itself.
  const TextNode* own(std::string_view key) {
    known_.emplace_back(key);
    return map_.find(key);
  }

  // After all fields: what is left over is unknown.
  void finish() {
    for (const TextNode& child : map_.children) {
      if (std::find(known_.begin(), known_.end(), child.key) != known_.end()) continue;
      problems_.add(child.key_place, where_,
                    fmt::format("unknown key '{}' (known: {}).{}", child.key, joined(known_), did_you_mean(child.key, known_)));
    }
  }

  bool is_map(const TextNode& node, std::string_view key) {
    if (node.is_map()) return true;
    bad(node, key, fmt::format("{} is {}, not a map of keys. Write 'key: value' lines below it.", key, node.shown()));
    return false;
  }

 private:
  std::string path(std::string_view key) const { return where_.empty() ? std::string(key) : fmt::format("{}.{}", where_, key); }
  void bad(const TextNode& node, std::string_view key, std::string_view what) { problems_.add_value(node.place, where_, key, what); }
  void missing(std::string_view key, const Field& info) {
    const Place& place = map_.key_place.source ? map_.key_place : map_.place;
    problems_.add_value(place, where_, key, fmt::format("missing key '{}' ({}). Add it.", key, info.meaning));
  }

  // Keys left out of a neutral map change nothing either.
  static bool changes_nothing(const TextNode& node, const TextNode& neutral) {
    if (!node.is_map() || !neutral.is_map()) return same_content(node, neutral);
    return std::all_of(node.children.begin(), node.children.end(), [&](const TextNode& child) {
      const TextNode* same = neutral.find(child.key);
      return same != nullptr && same_content(child, *same);
    });
  }

  bool plain_scalar(const TextNode& node, std::string_view key, std::string_view wanted) {
    if (node.kind == TextNode::Kind::scalar && !node.quoted) return true;
    if (node.kind == TextNode::Kind::scalar) {
      bad(node, key, fmt::format("{} {} is text in quotes, not {}. Leave the quotes out.", key, node.shown(), wanted));
    } else {
      bad(node, key, fmt::format("{} is {}, not {}.", key, node.shown(), wanted));
    }
    return false;
  }

  template <class T>
  bool in_range(const TextNode& node, std::string_view key, T value, const Field& info) {
    const double number = static_cast<double>(value);
    if (number >= info.least && number <= info.most) return true;
    const bool has_most = info.most < 1e300;
    bad(node, key,
        fmt::format("{} {} is out of range ({}{}{}).", key, node.shown(), info.least > -1e300 ? "at least " + to_text(info.least) : "",
                    has_most ? ", at most " : "", has_most ? to_text(info.most) : ""));
    return false;
  }

  template <class Integer>
  std::optional<Integer> integer(const TextNode& node, std::string_view key, const Field& info) {
    if (!plain_scalar(node, key, "a whole number")) return {};
    const auto value = parse_integer(node.text);
    if (!value) {
      const bool octal = node.text.size() > 1 && node.text[0] == '0' && node.text.find_first_not_of("0123456789") == std::string::npos;
      bad(node, key,
          octal ? fmt::format("{} {} begins with a zero, which some readers take for octal. Leave the zero out.", key, node.shown())
                : fmt::format("{} {} is not a whole number.", key, node.shown()));
      return {};
    }
    Field limits = info;
    if constexpr (std::is_same_v<Integer, int>) {
      limits.least = std::max(limits.least, -2147483648.0);
      limits.most = std::min(limits.most, 2147483647.0);
    }
    if (!in_range(node, key, *value, limits)) return {};
    return static_cast<Integer>(*value);
  }

  void read(const TextNode& node, std::string_view key, int& value, const Field& info) {
    value = integer<int>(node, key, info).value_or(value);
  }
  void read(const TextNode& node, std::string_view key, std::uint64_t& value, const Field& info) {
    value = integer<std::uint64_t>(node, key, info).value_or(value);
  }
  void read(const TextNode& node, std::string_view key, double& value, const Field& info) {
    if (!plain_scalar(node, key, "a number")) return;
    const auto number = parse_number(node.text);
    if (!number) return bad(node, key, fmt::format("{} {} is not a number.", key, node.shown()));
    if (in_range(node, key, *number, info)) value = *number;
  }
  void read(const TextNode& node, std::string_view key, bool& value, const Field&) {
    if (!plain_scalar(node, key, "true or false")) return;
    if (node.text != "true" && node.text != "false") {
      return bad(node, key, fmt::format("{} {} is neither true nor false. Write true or false.", key, node.shown()));
    }
    value = node.text == "true";
  }
  void read(const TextNode& node, std::string_view key, std::string& value, const Field&) {
    if (node.kind != TextNode::Kind::scalar) return bad(node, key, fmt::format("{} is {}, not a name.", key, node.shown()));
    value = node.text;
  }
  template <class T>
  void read(const TextNode& node, std::string_view key, std::optional<T>& value, const Field& info) {
    T inner{};
    read(node, key, inner, info);
    if (problems_.sound(path(key))) value = inner;
  }

  void read(const TextNode& node, std::string_view key, sim::BytesPerSecond& value, const Field& info) {
    quantity(node, key, value, parse_bandwidth, info);
  }
  void read(const TextNode& node, std::string_view key, LineRate value, const Field& info) {
    quantity(node, key, value.value, parse_bandwidth, info);
  }
  void read(const TextNode& node, std::string_view key, sim::Time& value, const Field& info) {
    quantity(node, key, value, parse_time, info);
  }
  void read(const TextNode& node, std::string_view key, sim::Bytes& value, const Field& info) {
    quantity(node, key, value, parse_bytes, info);
  }
  template <class T>
  void quantity(const TextNode& node, std::string_view key, T& value, Parsed<T> (*parse)(std::string_view), const Field& info) {
    if (node.kind == TextNode::Kind::sequence) {
      return bad(node, key, fmt::format("{}: a list, one value per tier, is not supported yet. Write one value.", key));
    }
    if (node.kind != TextNode::Kind::scalar) return bad(node, key, fmt::format("{} is {}, not a number with a unit.", key, node.shown()));
    const Parsed<T> parsed = parse(node.text);
    if (!parsed.value) return bad(node, key, fmt::format("{} {}", key, parsed.problem));
    if (info.zero_is_absent && *parsed.value == T{}) {
      return bad(node, key, fmt::format("{} {} is zero. Give what the hardware has.", key, node.shown()));
    }
    value = *parsed.value;
  }

  template <class T>
  requires std::is_enum_v<T>
  void read(const TextNode& node, std::string_view key, T& value, const Field&) {
    std::vector<std::string> names;
    for (const auto& [name, known] : Names<T>::known) {
      if (node.kind == TextNode::Kind::scalar && node.text == name) {
        value = known;
        return;
      }
      names.emplace_back(name);
    }
    if (node.kind != TextNode::Kind::scalar)
      return bad(node, key, fmt::format("{} is {}, not a name (known: {}).", key, node.shown(), joined(names)));
    for (const std::string_view later_name : Names<T>::later) {
      if (node.text == later_name)
        return bad(node, key, fmt::format("{} {} is not supported yet (supported: {}).", key, node.shown(), joined(names)));
    }
    bad(node, key, fmt::format("unknown {} {} (known: {}).{}", key, node.shown(), joined(names), did_you_mean(node.text, names)));
  }

  // One value, or a list of them.
  template <class T>
  void read(const TextNode& node, std::string_view key, std::vector<T>& values, const Field& info) {
    if (node.kind == TextNode::Kind::map) return bad(node, key, fmt::format("{} is a map, not a value or a list.", key));
    if (node.kind == TextNode::Kind::sequence && node.children.empty() && !info.may_be_empty)
      return bad(node, key, fmt::format("{} is an empty list.", key));
    std::vector<T> read_values;
    for (const TextNode& entry : node.kind == TextNode::Kind::sequence ? std::span<const TextNode>(node.children) : std::span(&node, 1)) {
      T value{};
      read(entry, key, value, info);
      read_values.push_back(value);
    }
    if (problems_.sound(path(key))) values = std::move(read_values);
  }
  void read(const TextNode& node, std::string_view key, LinkPerTier value, const Field& info) {
    if (node.kind != TextNode::Kind::sequence) return read(node, key, value.lowest, info);
    std::vector<topology::FabricLinkSpec> tiers;
    read(node, key, tiers, info);
    if (tiers.empty()) return;
    value.lowest = tiers.front();
    value.upper.assign(tiers.begin() + 1, tiers.end());
  }
  void read(const TextNode& node, std::string_view key, FailureList value, const Field&) {
    for (const TextNode& entry : node.kind == TextNode::Kind::sequence ? std::span<const TextNode>(node.children) : std::span(&node, 1)) {
      if (!entry.is_map()) {
        read(entry, key, value.always.emplace_back(), {});
        continue;
      }
      if (std::count_if(failing_parts.begin(), failing_parts.end(), [&](auto part) { return entry.find(part) != nullptr; }) != 1)
        bad(entry, key,
            fmt::format(
                "{}: what fails for a time has one of the keys {}. Write {{link: \"spine-3:leaf-1\", at: \"1 s\", for: \"200 ms\"}}.", key,
                fmt::join(failing_parts, ", ")));
      read(entry, key, value.timed.emplace_back(), {});
    }
  }
  void read(const TextNode& node, std::string_view key, LayersPerStage value, const Field& info) {
    if (node.kind == TextNode::Kind::sequence) return read(node, key, value.layers_of_chunk, info);
    if (node.text == "even" || node.text == "balanced") return;  // resolved by the checks of a job
    const std::vector<std::string> names = {"even", "balanced"};
    bad(node, key, fmt::format("unknown {} {} (known: even, balanced, or a list).{}", key, node.shown(), did_you_mean(node.text, names)));
  }
  void read(const TextNode& node, std::string_view key, LinksOrPath value, const Field& info) {
    if (node.kind != TextNode::Kind::sequence) return read(node, key, value.path, info);
    read(node, key, value.rows, info);
  }
  void read(const TextNode& node, std::string_view key, ScheduleOrRows value, const Field& info) {
    const bool path = node.kind == TextNode::Kind::scalar && node.text.find_first_of("./") != std::string::npos;
    if (!path && node.kind != TextNode::Kind::sequence) return read(node, key, value.kind, info);
    read(node, key, value.rows, info);
    value.kind = ScheduleKind::own;
  }
  void read(const TextNode& node, std::string_view key, PlacementOrHosts value, const Field& info) {
    if (node.kind != TextNode::Kind::sequence) return read(node, key, value.placement, info);
    read(node, key, value.hosts, info);
    value.placement = Placement::list;
  }

  template <class Struct>
  requires std::is_class_v<Struct> && requires(FieldReader& v, Struct& s) { describe(v, s); }
  void read(const TextNode& node, std::string_view key, Struct& value, const Field&) {
    if (!is_map(node, key)) return;
    FieldReader nested(node, path(key), problems_);
    describe(nested, value);
    nested.finish();
  }

  const TextNode& map_;
  std::string where_;
  Problems& problems_;
  std::vector<std::string> known_;
};

}  // namespace workloads
