#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>
#include "workloads/scenario.hpp"
#include "workloads/scenario_text.hpp"
#include "workloads/studies/sweep_condition.hpp"

namespace workloads {

// Keys of the scenario that take one value after the other; several keys of an axis move together.
struct SweepAxis {
  std::string name;
  std::vector<std::string> keys;              // "workload.parallel.tp"
  std::vector<std::vector<TextNode>> values;  // values[i][k] goes to keys[k]
  std::vector<std::string> labels;            // of the values, for people and tables
};

// Many scenarios: a base and the product of its axes, the last axis fastest, or a sample of that product.
// Files and their keys: docs/sweeps.md.
class Sweep {
 public:
  // Throws sim::InputError with every problem of the file at once. Paths in the base are relative to it, `base` to the sweep.
  static Sweep from_file(const std::filesystem::path& path);
  static Sweep from_text(std::string_view text, std::string_view source_name);

  const std::string& name() const { return name_; }
  const std::string& source() const { return source_; }  // the text of the file
  const std::vector<SweepAxis>& axes() const { return axes_; }
  std::size_t size() const { return size_; }                  // points
  std::vector<std::size_t> choices(std::size_t point) const;  // index of the value on each axis
  std::vector<std::string> labels(std::size_t point) const;   // one per axis
  std::string excluded_because(std::size_t point) const;      // the condition that does not hold; empty: it runs
  Scenario scenario(std::size_t point) const;                 // throws sim::InputError

 private:
  friend class SweepReader;
  Sweep() = default;
  TextNode tree(std::size_t point) const;
  std::string value_of(const std::string& name, std::size_t point, const TextNode& tree, const Place& place) const;

  std::string name_, source_, base_name_;
  TextNode base_;
  std::vector<SweepAxis> axes_;
  std::vector<Condition> conditions_;
  std::size_t size_ = 0;
  std::vector<std::uint64_t> sample_;  // places in the product, ascending; empty: all
};

}  // namespace workloads
