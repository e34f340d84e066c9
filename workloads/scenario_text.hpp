#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include "sim/words.hpp"  // nearest_word, did_you_mean

// The one door to YAML (and to JSON, which YAML contains): text becomes a checked tree that knows its lines.
namespace workloads {

// Where a value was written.
struct Place {
  std::shared_ptr<const std::string> source = {};  // "llama70b.yaml", or "--set cluster.gpus"
  int line = 0;                                    // 0: not a file
  std::string text() const;                        // "llama70b.yaml:17"
};

struct TextNode {
  enum class Kind : std::uint8_t { null, scalar, sequence, map };
  Kind kind = Kind::null;
  bool quoted = false;                  // "40" is text, 40 is a number
  std::string text = {};                // of a scalar
  std::vector<TextNode> children = {};  // of a sequence or a map
  std::string key = {};                 // of a child of a map
  Place place = {}, key_place = {};

  const TextNode* find(std::string_view wanted) const;  // a child of a map; null when there is none
  TextNode* find(std::string_view wanted);
  const TextNode& nearest(std::string_view path) const;  // "a.b.c", or the deepest part of it that is there
  bool is_map() const { return kind == Kind::map; }
  std::string shown() const;  // for messages: "[1, 2]", "'fat-tree'"
};

// All problems of an input, reported at once in the order of the lines.
class Problems {
 public:
  void add(const Place& place, std::string_view where, std::string_view what);  // "PLACE: where: what"
  // As above, for the value of `key` in `where`, which is not used in further checks.
  void add_value(const Place& place, const std::string& where, std::string_view key, std::string_view what);
  // What hangs on a value that was already refused, so that its absence is not reported too.
  void distrust(std::string path) { unsound_.push_back(std::move(path)); }
  // Nothing wrong with the value at "a.b.c", nor around it, nor in it.
  bool sound(std::string_view path) const;
  bool empty() const { return found_.empty(); }
  void throw_if_any() const;  // sim::InputError

 private:
  struct Problem {
    Place place;
    std::string text;
  };
  std::vector<Problem> found_;
  std::vector<std::string> unsound_;  // paths
};

inline constexpr std::size_t largest_text = 4 << 20;  // bytes
inline constexpr int deepest_text = 64;               // nested lists and maps
inline constexpr std::size_t widest_map = 10'000;     // keys of one map

// Refuses, with the line: duplicate keys, anchors and aliases, tags, keys that are not words, several documents,
// tabs in the indentation, NUL bytes, an empty text, and what is beyond the three limits above.
// Throws sim::InputError.
TextNode parse_text(std::string_view text, std::string_view source);
// The same; nothing when the text cannot be read at all.
std::optional<TextNode> parse_text(std::string_view text, std::string_view source, Problems& problems);
// Reads the file first; refuses a directory, a missing file, a file above `largest_text`.
std::string read_text_file(const std::string& path);

// `assignment` is "a.b.c=value", the value in YAML. Makes missing maps on the way; numbers name list entries.
void apply_override(TextNode& root, std::string_view assignment, Problems& problems);
// The same with a value that is a tree, written where it says; problems are told of at `place`.
void put_value(TextNode& root, std::string_view path, TextNode value, const Place& place, Problems& problems);
// Keys of `upper` replace those of `lower`, map by map.
TextNode merged(TextNode lower, const TextNode& upper);
// Equal in content; numbers by value (0 is 0.0).
bool same_content(const TextNode& a, const TextNode& b);

using sim::did_you_mean;
using sim::nearest_word;
std::string joined(const std::vector<std::string>& words, std::string_view separator = ", ");
// A double-quoted YAML scalar that reads back to the same text.
std::string in_quotes(std::string_view text);

}  // namespace workloads
