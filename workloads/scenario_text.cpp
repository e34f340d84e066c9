#include "workloads/scenario_text.hpp"
#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <optional>
#include <sstream>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>
#include "sim/error.hpp"
#include "workloads/quantity.hpp"

namespace workloads {
namespace {

// Ends the reading at once: what follows would be noise.
struct Fatal {
  Place place;
  std::string problem;
};

// Builds the tree from the events of the parser, so that no alias is ever expanded and nesting is
// stopped before the parser goes deeper.
class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(std::shared_ptr<const std::string> source, Problems& problems) : source_(std::move(source)), problems_(problems) {}
  TextNode take() { return std::move(root_); }
  bool started() const { return documents_ > 0; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) throw Fatal{at(mark), "a second document begins here. Keep one scenario in a file."};
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_anchor(mark, anchor);
    if (expects_key()) throw Fatal{at(mark), "an empty key. Write 'key: value'."};
    add(TextNode{.place = key_ ? key_place_ : at(mark)});  // the parser's mark is where it noticed, lines below
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw Fatal{at(mark), "aliases (*name) are not accepted. Write the value out."};
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, const std::string& value) override {
    refuse_anchor(mark, anchor);
    if (tag != "?" && tag != "!" && !tag.empty()) refuse_tag(mark, tag);
    if (expects_key()) return take_key(mark, value);
    add(TextNode{.kind = TextNode::Kind::scalar, .quoted = tag == "!", .text = value, .place = at(mark)});
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    open(TextNode::Kind::sequence, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    open(TextNode::Kind::map, mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  Place at(const YAML::Mark& mark) const { return {source_, std::max(mark.line, 0) + 1}; }
  bool expects_key() const { return !open_.empty() && open_.back().is_map() && !key_; }

  void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) const {
    if (anchor != YAML::NullAnchor) throw Fatal{at(mark), "anchors (&name) are not accepted. Write the value out where it is needed."};
  }
  void refuse_tag(const YAML::Mark& mark, const std::string& tag) const {
    throw Fatal{at(mark), fmt::format("tags ('{}') are not accepted. Leave it out.", tag)};
  }
  void open(TextNode::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    refuse_anchor(mark, anchor);
    if (tag != "?" && tag != "!" && !tag.empty()) refuse_tag(mark, tag);
    if (expects_key()) throw Fatal{at(mark), "a key must be a word, not a list or a map. Is a bracket before it not closed?"};
    if (open_.size() >= deepest_text)
      throw Fatal{at(mark), fmt::format("nested more than {} levels deep. Is it a scenario?", deepest_text)};
    TextNode node{.kind = kind, .place = at(mark)};
    name_by_key(node);
    open_.push_back(std::move(node));
  }
  void close() {
    TextNode done = std::move(open_.back());
    open_.pop_back();
    place(std::move(done));
  }
  void take_key(const YAML::Mark& mark, const std::string& value) {
    if (open_.back().children.size() >= widest_map)
      throw Fatal{at(mark), fmt::format("more than {} keys in one map. Is it a scenario?", widest_map)};
    if (const TextNode* first = open_.back().find(value)) {
      problems_.add(at(mark), "", fmt::format("duplicate key '{}' (first in line {}). Keep one of them.", value, first->key_place.line));
    }
    key_ = value;
    key_place_ = at(mark);
  }
  void name_by_key(TextNode& node) {
    if (!key_) return;
    node.key = std::move(*key_);
    node.key_place = key_place_;
    key_.reset();
  }
  void add(TextNode node) {
    name_by_key(node);
    place(std::move(node));
  }
  void place(TextNode node) {
    if (open_.empty()) {
      root_ = std::move(node);
    } else {
      open_.back().children.push_back(std::move(node));
    }
  }

  std::shared_ptr<const std::string> source_;
  Problems& problems_;
  TextNode root_;
  std::vector<TextNode> open_;      // from the root to the innermost
  std::optional<std::string> key_;  // read, its value not yet
  Place key_place_;
  int documents_ = 0;
};

// What must be known before the parser sees the text: its scanner keeps every open bracket of a line.
void check_characters(std::string_view text, const std::shared_ptr<const std::string>& source) {
  if (text.size() > largest_text) {
    throw Fatal{{source, 1}, fmt::format("{} bytes long (at most {} MiB are read). Is it a scenario?", text.size(), largest_text >> 20)};
  }
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  const bool json = first != std::string_view::npos && (text[first] == '{' || text[first] == '[');
  int line = 1, depth = 0;
  bool indentation = true;
  for (const char c : text) {
    if (c == '\n') ++line;
    if (c == '\0') throw Fatal{{source, line}, "a NUL byte: this is no text in UTF-8."};
    if (c == '\t' && indentation && !json) throw Fatal{{source, line}, "a tab in the indentation. Use spaces."};
    if (c == '[' || c == '{') ++depth;
    if ((c == ']' || c == '}') && depth > 0) --depth;
    if (depth > deepest_text) throw Fatal{{source, line}, fmt::format("nested more than {} levels deep. Is it a scenario?", deepest_text)};
    indentation = c == '\n' || (indentation && c == ' ');
  }
  if (first == std::string_view::npos) throw Fatal{{source, 1}, "the text is empty. Begin with 'schema: weftsim/1'."};
}

TextNode parse_or_throw(std::string_view text, const std::shared_ptr<const std::string>& source, Problems& problems) {
  check_characters(text, source);
  TreeBuilder builder(source, problems);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {}
  } catch (const YAML::Exception& error) {
    const int lines = static_cast<int>(std::count(text.begin(), text.end(), '\n')) + (text.ends_with('\n') ? 0 : 1);
    throw Fatal{{source, std::clamp(error.mark.line + 1, 1, std::max(lines, 1))},
                fmt::format("not valid YAML here or just before: {}. Check indentation, brackets and quotes.", error.msg)};
  }
  if (!builder.started()) throw Fatal{{source, 1}, "the text is empty. Begin with 'schema: weftsim/1'."};
  return builder.take();
}

// Everything of `node` was written at `place`.
void move_to(TextNode& node, const Place& place) {
  node.place = place;
  node.key_place = place;
  for (TextNode& child : node.children) move_to(child, place);
}

TextNode* list_entry(TextNode& list, std::string_view index) {
  const auto i = parse_integer(index);
  return i && *i >= 0 && *i < static_cast<std::int64_t>(list.children.size()) ? &list.children[static_cast<std::size_t>(*i)] : nullptr;
}

}  // namespace

std::string Place::text() const {
  const std::string name = source ? *source : std::string("scenario");
  return line > 0 ? fmt::format("{}:{}", name, line) : name;
}

const TextNode* TextNode::find(std::string_view wanted) const {
  if (kind != Kind::map) return nullptr;
  const auto found = std::find_if(children.begin(), children.end(), [&](const TextNode& child) { return child.key == wanted; });
  return found == children.end() ? nullptr : &*found;
}

TextNode* TextNode::find(std::string_view wanted) { return const_cast<TextNode*>(std::as_const(*this).find(wanted)); }

const TextNode& TextNode::nearest(std::string_view path) const {
  const TextNode* at = this;
  while (!path.empty()) {
    const std::size_t dot = std::min(path.find('.'), path.size());
    const TextNode* next = at->find(path.substr(0, dot));
    if (next == nullptr) break;
    at = next;
    path.remove_prefix(std::min(dot + 1, path.size()));
  }
  return *at;
}

std::string TextNode::shown() const {
  if (kind == Kind::null) return "nothing";
  if (kind == Kind::scalar) return "'" + (text.size() > 80 ? text.substr(0, 77) + "…" : text) + "'";
  if (kind == Kind::map) return "a map";
  std::string list;
  for (std::size_t i = 0; i < children.size() && i < 8; ++i) list += (i ? ", " : "") + children[i].text;
  return "[" + list + (children.size() > 8 ? ", …]" : "]");
}

void Problems::add(const Place& place, std::string_view where, std::string_view what) {
  found_.push_back({place, fmt::format("{}: {}{}{}", place.text(), where, where.empty() ? "" : ": ", what)});
}

void Problems::add_value(const Place& place, const std::string& where, std::string_view key, std::string_view what) {
  add(place, where, what);
  unsound_.push_back((where.empty() ? "" : where + ".") + std::string(key));
}

bool Problems::sound(std::string_view path) const {
  const auto inside = [](std::string_view inner, std::string_view outer) {
    return inner.starts_with(outer) && (inner.size() == outer.size() || inner[outer.size()] == '.');
  };
  return std::none_of(unsound_.begin(), unsound_.end(), [&](const std::string& bad) { return inside(bad, path) || inside(path, bad); });
}

void Problems::throw_if_any() const {
  if (found_.empty()) return;
  std::vector<Problem> sorted = found_;
  std::stable_sort(sorted.begin(), sorted.end(), [](const Problem& a, const Problem& b) { return a.place.line < b.place.line; });
  std::vector<std::string> texts;
  for (Problem& problem : sorted) texts.push_back(std::move(problem.text));
  throw sim::InputError(std::move(texts));
}

std::optional<TextNode> parse_text(std::string_view text, std::string_view source, Problems& problems) {
  try {
    return parse_or_throw(text, std::make_shared<const std::string>(source), problems);
  } catch (const Fatal& fatal) {
    problems.add(fatal.place, "", fatal.problem);
    return {};
  }
}

TextNode parse_text(std::string_view text, std::string_view source) {
  Problems problems;
  std::optional<TextNode> root = parse_text(text, source, problems);
  problems.throw_if_any();
  return std::move(*root);
}

std::string read_text_file(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) throw sim::InputError(fmt::format("{}: no such file.", path));
  if (fs::is_directory(status)) throw sim::InputError(fmt::format("{}: is a directory. Name a file in it.", path));
  std::ifstream file(path, std::ios::binary);
  if (!file) throw sim::InputError(fmt::format("{}: cannot be opened. Check its permissions.", path));
  // One byte more than is read tells a file that is too long, whatever its size claims to be (pipes, /dev/zero).
  std::string text(largest_text + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (file.bad()) throw sim::InputError(fmt::format("{}: cannot be read to its end.", path));
  if (text.size() > largest_text) {
    throw sim::InputError(fmt::format("{}:1: longer than {} MiB. Is it the right file?", path, largest_text >> 20));
  }
  return text;
}

void apply_override(TextNode& root, std::string_view assignment, Problems& problems) {
  const std::size_t equals = assignment.find('=');
  std::string_view path = assignment.substr(0, equals);
  const auto source = std::make_shared<const std::string>(fmt::format("--set {}", path));
  const Place place{source, 0};
  if (equals == std::string_view::npos || path.empty()) {
    problems.add(place, "", "is not an assignment. Write --set key.key=value, for example --set cluster.gpus=512.");
    return;
  }
  TextNode value;
  try {
    const std::string_view text = assignment.substr(equals + 1);
    if (!text.empty()) value = parse_or_throw(text, source, problems);
  } catch (const Fatal& fatal) {
    problems.add(place, "", fatal.problem);
    return;
  }
  move_to(value, place);
  put_value(root, path, std::move(value), place, problems);
}

void put_value(TextNode& root, std::string_view path, TextNode value, const Place& place, Problems& problems) {
  TextNode* at = &root;
  while (true) {
    const std::size_t dot = std::min(path.find('.'), path.size());
    const std::string key(path.substr(0, dot));
    // A preset by name becomes a map, so that one key of it can be set.
    if (at->kind == TextNode::Kind::scalar) {
      TextNode name = *at;
      name.key = "preset";
      at->kind = TextNode::Kind::map;
      at->text.clear();
      at->children = {std::move(name)};
    }
    if (at->kind == TextNode::Kind::null) at->kind = TextNode::Kind::map;
    TextNode* next = at->kind == TextNode::Kind::sequence ? list_entry(*at, key) : at->find(key);
    if (next == nullptr && at->kind == TextNode::Kind::sequence) {
      problems.add(place, "",
                   fmt::format("'{}' is no entry of the list (known: 0 to {}).", key, static_cast<int>(at->children.size()) - 1));
      return;
    }
    if (next == nullptr) {
      at->children.push_back(TextNode{.key = key, .place = place, .key_place = place});
      next = &at->children.back();
    }
    at = next;
    if (dot == path.size()) break;
    path.remove_prefix(dot + 1);
  }
  value.key = at->key;
  value.key_place = place;
  *at = std::move(value);
}

TextNode merged(TextNode lower, const TextNode& upper) {
  if (!lower.is_map() || !upper.is_map()) return upper;
  lower.place = upper.place;
  lower.key = upper.key;
  lower.key_place = upper.key_place;
  for (const TextNode& child : upper.children) {
    if (TextNode* same = lower.find(child.key)) {
      *same = merged(std::move(*same), child);
    } else {
      lower.children.push_back(child);
    }
  }
  return lower;
}

bool same_content(const TextNode& a, const TextNode& b) {
  if (a.kind != b.kind || a.children.size() != b.children.size()) return false;
  if (a.kind == TextNode::Kind::scalar) {
    const auto x = parse_number(a.text), y = parse_number(b.text);
    return x && y ? *x == *y : a.text == b.text;
  }
  for (std::size_t i = 0; i < a.children.size(); ++i) {
    const TextNode* other = a.is_map() ? b.find(a.children[i].key) : &b.children[i];
    if (other == nullptr || !same_content(a.children[i], *other)) return false;
  }
  return true;
}

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string joined(const std::vector<std::string>& words, std::string_view separator) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : std::string(separator)) + word;
  return text;
}

}  // namespace workloads
