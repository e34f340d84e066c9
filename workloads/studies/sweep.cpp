#include "workloads/studies/sweep.hpp"
#include <fmt/format.h>
#include <algorithm>
#include "sim/error.hpp"
#include "workloads/quantity.hpp"
#include "workloads/scenario_reader.hpp"

namespace workloads {
namespace {

// "a.b.2.c"; null: not there.
const TextNode* at_path(const TextNode& root, std::string_view path) {
  const TextNode* at = &root;
  while (at != nullptr && !path.empty()) {
    const std::string_view key = path.substr(0, path.find('.'));
    if (at->kind == TextNode::Kind::sequence) {
      const auto index = parse_integer(key);
      const bool there = index && *index >= 0 && static_cast<std::size_t>(*index) < at->children.size();
      at = there ? &at->children[static_cast<std::size_t>(*index)] : nullptr;
    } else {
      at = at->find(key);
    }
    path.remove_prefix(std::min(key.size() + 1, path.size()));
  }
  return at;
}

std::string_view last_part(std::string_view key) { return key.substr(key.rfind('.') + 1); }

// Paths of all single values whose last part is `name`.
void find_leaves(const TextNode& node, std::string_view name, const std::string& path, std::vector<std::string>& found) {
  for (const TextNode& child : node.children) {
    if (child.key.empty()) continue;
    const std::string below = path.empty() ? child.key : path + "." + child.key;
    if (child.key == name && child.kind == TextNode::Kind::scalar) found.push_back(below);
    find_leaves(child, name, below, found);
  }
}

}  // namespace

std::vector<std::size_t> Sweep::choices(std::size_t point) const {
  std::vector<std::size_t> chosen(axes_.size());
  std::uint64_t rest = sample_.empty() ? point : sample_[point];
  for (std::size_t a = axes_.size(); a-- > 0;) {
    chosen[a] = rest % axes_[a].values.size();
    rest /= axes_[a].values.size();
  }
  return chosen;
}

std::vector<std::string> Sweep::labels(std::size_t point) const {
  const auto chosen = choices(point);
  std::vector<std::string> labels;
  for (std::size_t a = 0; a < axes_.size(); ++a) labels.push_back(axes_[a].labels[chosen[a]]);
  return labels;
}

TextNode Sweep::tree(std::size_t point) const {
  const auto chosen = choices(point);
  TextNode tree = base_;
  Problems problems;
  for (std::size_t a = 0; a < axes_.size(); ++a)
    for (std::size_t k = 0; k < axes_[a].keys.size(); ++k) {
      const TextNode& value = axes_[a].values[chosen[a]][k];
      put_value(tree, axes_[a].keys[k], value, value.place, problems);
    }
  problems.throw_if_any();
  return tree;
}

Scenario Sweep::scenario(std::size_t point) const { return read_scenario_tree(tree(point), base_name_); }

// A name in a condition: an axis, a whole key, or the last part of a key, those of axes first.
std::string Sweep::value_of(const std::string& name, std::size_t point, const TextNode& tree, const Place& place) const {
  std::vector<std::string> keys, known;
  for (std::size_t a = 0; a < axes_.size(); ++a) {
    known.push_back(axes_[a].name);
    if (axes_[a].name == name && axes_[a].keys.size() > 1) return labels(point)[a];
    for (const std::string& key : axes_[a].keys) {
      known.emplace_back(last_part(key));
      if (axes_[a].name == name || key == name || last_part(key) == name) keys.push_back(key);
    }
  }
  if (keys.empty() && at_path(tree, name)) keys.push_back(name);
  if (keys.empty()) find_leaves(tree, name, "", keys);
  if (keys.size() > 1)
    throw sim::InputError(
        fmt::format("{}: where: '{}' is the last part of several keys ({}). Write the whole key.", place.text(), name, joined(keys)));
  const TextNode* value = keys.empty() ? nullptr : at_path(tree, keys.front());
  if (value == nullptr)
    throw sim::InputError(fmt::format("{}: where: unknown name '{}' (known: {}, and the keys of the base).{}", place.text(), name,
                                      joined(known), did_you_mean(name, known)));
  if (value->kind != TextNode::Kind::scalar)
    throw sim::InputError(fmt::format("{}: where: '{}' is {}, not one value. Compare a key below it.", place.text(), name, value->shown()));
  return value->text;
}

std::string Sweep::excluded_because(std::size_t point) const {
  if (conditions_.empty()) return "";
  const TextNode values = tree(point);
  for (const Condition& condition : conditions_) {
    std::vector<std::string> of_names;
    for (const std::string& name : condition.names()) of_names.push_back(value_of(name, point, values, condition.place()));
    if (!condition.holds(of_names)) return fmt::format("where: {}", condition.expression());
  }
  return "";
}

}  // namespace workloads
