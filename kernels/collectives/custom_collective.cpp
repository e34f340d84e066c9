#include "kernels/collectives/custom_collective.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include "kernels/collectives/algorithm_check.hpp"
#include "kernels/strict_json.hpp"  // read_file
#include "sim/error.hpp"
#include "sim/words.hpp"

namespace kernels::collectives {
namespace {

constexpr std::size_t largest_file = std::size_t{1} << 26, most_problems = 20;
constexpr std::int64_t most_ranks = 4096, most_chunks = std::int64_t{1} << 20, most_work = std::int64_t{1} << 32, latest_step = 1 << 30;

using Words = std::vector<std::string_view>;

Words words_of(std::string_view line) {
  Words words;
  line = line.substr(0, line.find('#'));
  constexpr std::string_view blank = " \t\r\f\v";
  while (true) {
    line.remove_prefix(std::min(line.find_first_not_of(blank), line.size()));
    if (line.empty()) return words;
    std::size_t length = line.starts_with("->") ? 2 : std::min(line.find_first_of(blank), line.find("->"));
    length = std::min(length, line.size());
    words.push_back(line.substr(0, length));
    line.remove_prefix(length);
  }
}

// As it may stand in a message: short, and without control characters.
std::string shown(std::string_view word) {
  std::string text;
  for (const char c : word.substr(0, 40)) text += static_cast<unsigned char>(c) < ' ' || c == 127 ? '?' : c;
  return word.size() > 40 ? text + "..." : text;
}

std::optional<std::int64_t> number_in(std::string_view word) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size() || value < 0) return std::nullopt;
  return value;
}

class Parser {
 public:
  explicit Parser(const std::string& file) : file_(file) {}

  void read(std::string_view text) {
    while (!text.empty() && problems_.size() < most_problems) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      ++line_;
      read_line(words_of(text.substr(0, end)));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    line_ = std::max(line_, 1);
    if (!header_done_) finish_header();
    refuse_if_wrong();
  }
  void refuse_if_wrong() const {
    if (!problems_.empty()) throw sim::InputError(problems_);
  }
  void problem_at(int line, std::string text) { problems_.push_back(fmt::format("{}:{}: {}", file_, line, text)); }

  Request request;
  Schedule schedule;
  std::vector<int> lines;  // of the steps

 private:
  struct Entry {
    std::int64_t value = 0;
    int line = 0;
  };
  void problem(std::string text) { problem_at(line_, std::move(text)); }

  void read_line(const Words& words) {
    if (words.empty()) return;
    if (words[0][0] < '0' || words[0][0] > '9') return read_header(words);
    if (!header_done_) finish_header();
    if (sound_) read_step(words);
  }

  void read_header(const Words& words) {
    const std::string key(words[0]);
    static const std::vector<std::string> known = {"op", "ranks", "chunks", "root"};
    if (std::find(known.begin(), known.end(), key) == known.end())
      return problem(fmt::format("'{}' is neither a step nor one of {}.{} A step reads: 0  0 -> 1  2 reduce", shown(key),
                                 fmt::join(known, ", "), sim::did_you_mean(shown(key), known)));
    if (header_done_) return problem(fmt::format("{}: stands after the first step. Put it before.", key));
    if (words.size() != 2) return problem(fmt::format("{}: {} words follow it. Give one.", key, words.size() - 1));
    if (!header_.try_emplace(key, Entry{0, line_}).second) return problem(fmt::format("{}: is given twice. Keep one.", key));
    if (key == "op") {
      const std::vector<std::string> ops = op_names();
      if (const auto op = op_named(words[1]))
        request.op = *op;
      else
        problem(fmt::format("op: '{}' is not known (known: {}).{}", shown(words[1]), fmt::join(ops, ", "),
                            sim::did_you_mean(shown(words[1]), ops)));
      return;
    }
    const std::int64_t most = key == "chunks" ? most_chunks : most_ranks;
    const auto value = number_in(words[1]);
    if (!value || *value > most || (*value == 0 && key != "root"))
      problem(fmt::format("{}: '{}' is no whole number from {} to {}. Correct it.", key, shown(words[1]), key == "root" ? 0 : 1, most));
    else
      header_[key].value = *value;
  }

  // Checks that what the header says fits together.
  void finish_header() {
    header_done_ = true;
    const std::size_t before = problems_.size();
    for (const char* key : {"op", "ranks", "chunks"})
      if (!header_.contains(key)) problem(fmt::format("{}: is missing. Write '{} …' before the first step.", key, key));
    if (!problems_.empty()) return;
    const auto [ranks, ranks_line] = header_["ranks"];
    const auto [chunks, chunks_line] = header_["chunks"];
    const bool rooted = request.op == CollectiveOp::broadcast || request.op == CollectiveOp::reduce || request.op == CollectiveOp::gather ||
                        request.op == CollectiveOp::scatter;
    const auto root = header_.find("root");
    if (root != header_.end() && !rooted)
      problem_at(root->second.line, fmt::format("root: {} has none. Leave it out.", name_of(request.op)));
    if (root != header_.end() && root->second.value >= ranks)
      problem_at(root->second.line, fmt::format("root: {} is no rank (there are 0 to {}). Correct it.", root->second.value, ranks - 1));
    const bool whole =
        request.op == CollectiveOp::all_reduce || request.op == CollectiveOp::broadcast || request.op == CollectiveOp::reduce;
    const std::int64_t unit = request.op == CollectiveOp::all_to_all ? ranks * ranks : whole ? 1 : ranks;
    if (chunks % unit != 0)
      problem_at(chunks_line, fmt::format("chunks: {} of {} ranks is cut into a multiple of {} chunks, not {}. Correct it.",
                                          name_of(request.op), ranks, unit, chunks));
    if (ranks * ranks > most_work / chunks)
      problem_at(chunks_line, fmt::format("chunks: {} ranks with {} chunks are more than can be checked. Use fewer.", ranks, chunks));
    const bool a_buffer_each = request.op == CollectiveOp::all_to_all || request.op == CollectiveOp::send_receive;
    request.ranks = request.per_host = static_cast<int>(ranks);
    request.root = root == header_.end() ? 0 : static_cast<int>(root->second.value);
    request.count = a_buffer_each ? chunks / ranks : chunks;
    schedule = {.ranks = request.ranks, .elements = chunks};
    sound_ = problems_.size() == before;
  }

  std::int64_t number(std::string_view what, std::string_view word, std::int64_t most) {
    if (const auto value = number_in(word); value && *value <= most) return *value;
    problem(fmt::format("{}: '{}' is no whole number from 0 to {}. Correct it.", what, shown(word), most));
    return 0;
  }

  void read_step(const Words& words) {
    if (words.size() < 5 || words.size() > 6 || words[2] != "->")
      return problem("no step. Write: step, from -> to, chunk, and copy or reduce, as in '0  0 -> 1  2 reduce'.");
    const std::size_t before = problems_.size();
    Step step{.number = static_cast<std::uint32_t>(number("step", words[0], latest_step))};
    step.source = static_cast<int>(number("from", words[1], request.ranks - 1));
    step.destination = static_cast<int>(number("to", words[3], request.ranks - 1));
    const std::size_t dash = words[4].find('-');
    const std::int64_t first = number("chunk", words[4].substr(0, dash), schedule.elements - 1);
    const std::int64_t last = dash == std::string_view::npos ? first : number("chunk", words[4].substr(dash + 1), schedule.elements - 1);
    if (last < first) problem(fmt::format("chunk: {} to {} is none. Write the lower one first.", first, last));
    step.range = {first, last - first + 1};
    const std::string_view effect = words.size() == 6 ? words[5] : "copy";
    step.effect = effect == "reduce" ? Effect::reduce : Effect::copy;
    if (effect != "copy" && effect != "reduce") problem(fmt::format("'{}' is neither copy nor reduce. Write one of them.", shown(effect)));
    if (problems_.size() == before && step.source == step.destination)
      problem(fmt::format("from and to are both rank {}. A rank has its own chunks already; leave the step out.", step.source));
    if (problems_.size() > before) return;
    schedule.add(step);
    lines.push_back(line_);
  }

  const std::string& file_;
  int line_ = 0;
  bool header_done_ = false, sound_ = false;
  std::map<std::string, Entry> header_;
  std::vector<std::string> problems_;
};

}  // namespace

CustomCollective CustomCollective::read(const std::string& path) { return CustomCollective(read_file(path, largest_file), path); }

CustomCollective::CustomCollective(std::string_view text, std::string file) : file_(std::move(file)) {
  Parser parser(file_);
  parser.read(text);
  if (const auto mistake = find_mistake(parser.schedule, Layout(parser.request), "chunk")) {
    const auto end = 1 + std::count(text.begin(), text.end() - (text.ends_with('\n') ? 1 : 0), '\n');
    parser.problem_at(mistake->step ? parser.lines[*mistake->step] : static_cast<int>(end),
                      fmt::format("{}: {}. Correct the steps.", name_of(parser.request.op), mistake->text));
    parser.refuse_if_wrong();
  }
  request_ = std::move(parser.request);
  in_chunks_ = std::move(parser.schedule);
}

Schedule CustomCollective::schedule(std::int64_t count) const {
  Request request = request_;
  request.count = count;
  Schedule in_elements{.ranks = request.ranks, .elements = Layout(request).elements()};
  const Range whole{0, in_elements.elements};
  for (Step step : in_chunks_.steps) {
    const std::int64_t begin = part_of(whole, in_chunks_.elements, step.range.offset).offset;
    step.range = {begin, part_of(whole, in_chunks_.elements, step.range.end() - 1).end() - begin};
    in_elements.add(step);
  }
  return in_elements;
}

}  // namespace kernels::collectives
