#pragma once
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>
#include "sim/words.hpp"  // did_you_mean

// JSON files of ours, read without trust: duplicate, unknown and missing keys, wrong types and numbers out
// of range are problems with FILE:LINE, all reported at once. nlohmann alone would keep the last of two
// equal keys and forget the lines.
namespace kernels {

struct JsonNode {
  enum class Kind : std::uint8_t { null, boolean, number, text, list, object };
  Kind kind = Kind::null;
  bool boolean = false;
  int line = 0;
  double number = 0;
  std::string text{};
  std::vector<std::string> keys{};  // of an object, beside `items`
  std::vector<JsonNode> items{};
};

inline constexpr std::size_t largest_json = 1 << 20;  // bytes
inline constexpr std::size_t deepest_json = 16;       // nested lists and objects; ours need six

// Throws sim::InputError. The text may be a line of a file: then `first_line` is its number.
JsonNode parse_json(std::string_view text, const std::string& file, int first_line = 1);
// A regular file of at most `limit` bytes; throws sim::InputError that says why not.
std::string read_file(const std::string& path, std::size_t limit);

class JsonProblems {
 public:
  explicit JsonProblems(std::string file) : file_(std::move(file)) {}
  void add(int line, std::string_view path, std::string_view what);  // keeps the first twenty
  void throw_if_any() const;                                         // sim::InputError

 private:
  std::string file_;
  std::vector<std::string> found_;
  std::size_t count_ = 0;
};

// Reads the keys of one object. What is wrong goes to `problems` and yields a default value, so that reading goes on.
class JsonObject {
 public:
  JsonObject(const JsonNode& node, std::string path, JsonProblems& problems);
  double number(std::string_view key, double least = 0, double most = std::numeric_limits<double>::max());
  double positive(std::string_view key, double most = std::numeric_limits<double>::max());
  std::int64_t whole(std::string_view key, std::int64_t least = 0, std::int64_t most = std::int64_t{1} << 53);
  std::string text(std::string_view key);
  bool boolean(std::string_view key);
  JsonObject object(std::string_view key);
  // Calls each(node, path) for the entries of a list.
  template <class Each>
  void list(std::string_view key, Each each) {
    const JsonNode* found = value(key, JsonNode::Kind::list);
    for (std::size_t i = 0; found && i < found->items.size(); ++i) each(found->items[i], path_of(key) + "[" + std::to_string(i) + "]");
  }
  // A list of rows of numbers of `columns` columns, each number above zero.
  std::vector<std::vector<double>> rows(std::string_view key, std::size_t columns);
  bool has(std::string_view key) const;
  void finish();  // the keys that nobody asked for are unknown
  int line() const { return node_->line; }
  void problem(std::string_view key, std::string_view what);

 private:
  const JsonNode* value(std::string_view key, JsonNode::Kind kind);
  std::string path_of(std::string_view key) const;
  const JsonNode* node_;
  std::string path_;
  JsonProblems* problems_;
  std::vector<std::string> asked_;
};

using sim::did_you_mean;

// The one of `all` with this name; else a problem of the key that lists them, and the first.
template <class Enum, std::size_t count>
Enum named(JsonObject& object, std::string_view key, const std::string& name, const Enum (&all)[count]) {
  std::vector<std::string> known;
  for (const Enum e : all) {
    if (name_of(e) == name) return e;
    known.emplace_back(name_of(e));
  }
  object.problem(
      key, fmt::format("'{}' is not known (known: {}).{} Write one of them.", name, fmt::join(known, ", "), did_you_mean(name, known)));
  return all[0];
}

}  // namespace kernels
