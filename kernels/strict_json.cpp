#include "kernels/strict_json.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <limits>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>
#include "sim/error.hpp"

namespace kernels {
namespace {
using Kind = JsonNode::Kind;

// Feeds the parser and counts the lines that it has passed.
struct CountingIterator {
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;
  const char* at = nullptr;
  const char** reached = nullptr;
  reference operator*() const { return *at; }
  CountingIterator& operator++() {
    *reached = at++;
    return *this;
  }
  bool operator!=(const CountingIterator& other) const { return at != other.at; }
  bool operator==(const CountingIterator& other) const { return at == other.at; }
};

// Builds the tree; `problem_` non-empty means the text was refused.
class TreeBuilder final : public nlohmann::json_sax<nlohmann::json> {
 public:
  TreeBuilder(const char* text, int first_line) : reached(text), counted_(text), lines_(first_line) {}
  const char* reached;  // the last character that the parser took
  JsonNode root;
  std::string problem;

  bool null() override { return put({}); }
  bool boolean(bool value) override {
    JsonNode node{.kind = Kind::boolean};
    node.boolean = value;
    return put(std::move(node));
  }
  bool number_integer(number_integer_t value) override { return put_number(static_cast<double>(value)); }
  bool number_unsigned(number_unsigned_t value) override { return put_number(static_cast<double>(value)); }
  bool number_float(number_float_t value, const string_t&) override { return put_number(value); }
  bool string(string_t& value) override {
    JsonNode node{.kind = Kind::text};
    node.text = value;
    return put(std::move(node));
  }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(Kind::object); }
  bool start_array(std::size_t) override { return open(Kind::list); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    auto& keys = open_.back()->keys;
    if (std::find(keys.begin(), keys.end(), name) != keys.end())
      return refuse(fmt::format("key '{}' stands here twice. Keep one of them.", name));
    keys.push_back(name);
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& error) override {
    std::string why = error.what();  // "[json.exception.parse_error.101] parse error at line 1, column 2: …"
    if (const auto colon = why.find(": "); colon != std::string::npos) why = why.substr(colon + 2);
    return refuse(fmt::format("this is no JSON ({}). Correct the text there; the file may be cut off.", why));
  }
  int line() {
    for (; counted_ < reached; ++counted_) lines_ += *counted_ == '\n';
    return lines_;
  }

 private:
  bool refuse(std::string why) {
    problem = fmt::format("{}: {}", line(), why);
    return false;
  }
  bool put_number(double value) {
    JsonNode node{.kind = Kind::number};
    node.number = value;
    return put(std::move(node));
  }
  bool put(JsonNode node) {
    node.line = line();
    if (open_.empty())
      root = std::move(node);
    else
      open_.back()->items.push_back(std::move(node));
    return true;
  }
  // A parent's list does not grow while its child is open, so the pointers stay good.
  bool open(Kind kind) {
    if (open_.size() == deepest_json)
      return refuse(fmt::format("lists and objects are nested more than {} deep. A file of ours needs fewer levels.", deepest_json));
    put({.kind = kind});
    open_.push_back(open_.empty() ? &root : &open_.back()->items.back());
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }
  std::vector<JsonNode*> open_;
  const char* counted_;
  int lines_;
};

std::string_view kind_name(Kind kind) {
  constexpr std::string_view names[] = {"null", "true or false", "a number", "a text", "a list", "an object"};
  return names[static_cast<int>(kind)];
}

}  // namespace

JsonNode parse_json(std::string_view text, const std::string& file, int first_line) {
  if (text.size() > largest_json)
    throw sim::InputError(fmt::format("{}: the file has {} bytes, more than {}. Give a profile, not a table of measurements.", file,
                                      text.size(), largest_json));
  TreeBuilder builder(text.data(), first_line);
  const CountingIterator begin{text.data(), &builder.reached}, end{text.data() + text.size(), &builder.reached};
  if (!nlohmann::json::sax_parse(begin, end, &builder)) throw sim::InputError(file + ":" + builder.problem);
  return std::move(builder.root);
}

std::string read_file(const std::string& path, std::size_t limit) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) throw sim::InputError(fmt::format("{}: there is no such file. Check the path.", path));
  if (!std::filesystem::is_regular_file(status))
    throw sim::InputError(fmt::format("{}: this is no regular file. Give the path of a file.", path));
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), &std::fclose);
  if (!file) throw sim::InputError(fmt::format("{}: the file cannot be opened. Check its permissions.", path));
  std::string text;
  std::vector<char> block(1 << 16);
  for (std::size_t got; (got = std::fread(block.data(), 1, block.size(), file.get())) > 0;) {
    text.append(block.data(), got);
    if (text.size() > limit)
      throw sim::InputError(fmt::format("{}: the file has more than {} bytes. Give a smaller file of this kind.", path, limit));
  }
  if (std::ferror(file.get())) throw sim::InputError(fmt::format("{}: reading failed. Check the disk.", path));
  return text;
}

void JsonProblems::add(int line, std::string_view path, std::string_view what) {
  if (++count_ <= 20) found_.push_back(fmt::format("{}:{}: {}: {}", file_, line, path.empty() ? "top level" : path, what));
}

void JsonProblems::throw_if_any() const {
  if (found_.empty()) return;
  auto all = found_;
  if (count_ > all.size()) all.push_back(fmt::format("{}: and {} more problems.", file_, count_ - all.size()));
  throw sim::InputError(all);
}

JsonObject::JsonObject(const JsonNode& node, std::string path, JsonProblems& problems)
    : node_(&node), path_(std::move(path)), problems_(&problems) {
  static const JsonNode nothing{};
  if (node.kind == Kind::object) return;
  problems.add(node.line, path_, fmt::format("this is {}, not an object. Write {{…}}.", kind_name(node.kind)));
  node_ = &nothing;
}

std::string JsonObject::path_of(std::string_view key) const { return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key); }

bool JsonObject::has(std::string_view key) const { return std::find(node_->keys.begin(), node_->keys.end(), key) != node_->keys.end(); }

void JsonObject::problem(std::string_view key, std::string_view what) {
  const auto at = std::find(node_->keys.begin(), node_->keys.end(), key);
  const int line = at == node_->keys.end() ? node_->line : node_->items[static_cast<std::size_t>(at - node_->keys.begin())].line;
  problems_->add(line, path_of(key), what);
}

const JsonNode* JsonObject::value(std::string_view key, Kind kind) {
  asked_.emplace_back(key);
  const auto at = std::find(node_->keys.begin(), node_->keys.end(), key);
  if (at == node_->keys.end()) {
    if (node_->kind == Kind::object) problem(key, "this key is missing. Add it.");
    return nullptr;
  }
  const JsonNode& found = node_->items[static_cast<std::size_t>(at - node_->keys.begin())];
  if (found.kind == kind) return &found;
  problem(key, fmt::format("this is {}, not {}. Change the value.", kind_name(found.kind), kind_name(kind)));
  return nullptr;
}

double JsonObject::number(std::string_view key, double least, double most) {
  const JsonNode* found = value(key, Kind::number);
  if (!found) return least;
  if (found->number >= least && found->number <= most) return found->number;
  problem(key, most < std::numeric_limits<double>::max()
                   ? fmt::format("{} lies outside {} to {}. Change the value.", found->number, least, most)
                   : fmt::format("{} is below {}. Change the value.", found->number, least));
  return least;
}

double JsonObject::positive(std::string_view key, double most) {
  const double found = number(key, 0, most);
  if (found == 0 && has(key)) problem(key, "zero makes no sense here. Write a number above zero.");
  return found;
}

std::int64_t JsonObject::whole(std::string_view key, std::int64_t least, std::int64_t most) {
  const double found = number(key, static_cast<double>(least), static_cast<double>(most));
  if (found == std::floor(found)) return static_cast<std::int64_t>(found);
  problem(key, fmt::format("{} is not a whole number. Change the value.", found));
  return least;
}

std::string JsonObject::text(std::string_view key) {
  const JsonNode* found = value(key, Kind::text);
  return found ? found->text : std::string();
}

bool JsonObject::boolean(std::string_view key) {
  const JsonNode* found = value(key, Kind::boolean);
  return found && found->boolean;
}

JsonObject JsonObject::object(std::string_view key) {
  static const JsonNode empty{};
  const JsonNode* found = value(key, Kind::object);
  JsonObject inner(*this);
  inner.node_ = found ? found : &empty;
  inner.path_ = path_of(key);
  inner.asked_.clear();
  return inner;
}

std::vector<std::vector<double>> JsonObject::rows(std::string_view key, std::size_t columns) {
  std::vector<std::vector<double>> all;
  list(key, [&](const JsonNode& row, const std::string& path) {
    bool good = row.kind == Kind::list && row.items.size() == columns;
    std::vector<double> numbers;
    for (const auto& cell : row.items) {
      good = good && cell.kind == Kind::number && cell.number > 0;
      numbers.push_back(cell.number);
    }
    if (good)
      all.push_back(std::move(numbers));
    else
      problems_->add(row.line, path, fmt::format("this is no row of {} numbers above zero. Correct the row.", columns));
  });
  return all;
}

void JsonObject::finish() {
  for (std::size_t i = 0; i < node_->keys.size(); ++i)
    if (std::find(asked_.begin(), asked_.end(), node_->keys[i]) == asked_.end())
      problems_->add(node_->items[i].line, path_.empty() ? "top level" : path_,
                     fmt::format("unknown key '{}' (known: {}).{} Remove or correct it.", node_->keys[i], fmt::join(asked_, ", "),
                                 did_you_mean(node_->keys[i], asked_)));
}

}  // namespace kernels
