#include <fmt/format.h>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>
#include "kernels/calibrate/logs/nccl_run.hpp"
#include "sim/error.hpp"

namespace kernels::calibrate {
namespace {

using Words = std::vector<std::string_view>;

Words words_of(std::string_view line) {
  constexpr std::string_view blank = " \t\r\v\f";
  Words words;
  for (std::size_t at = line.find_first_not_of(blank); at != std::string_view::npos;) {
    const std::size_t end = std::min(line.find_first_of(blank, at), line.size());
    words.push_back(line.substr(at, end - at));
    at = line.find_first_not_of(blank, end);
  }
  return words;
}

std::optional<int> whole(std::string_view text) {
  int value = 0;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && at == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

// What `mpirun --tag-output` puts before a line: "[1,0]<stdout>:".
std::string_view without_tag(std::string_view line) {
  constexpr std::string_view tag_end = "<stdout>:";
  const std::size_t end = line.starts_with('[') ? line.find(tag_end) : std::string_view::npos;
  return end == std::string_view::npos ? line : line.substr(end + tag_end.size());
}

bool starts_with(const Words& words, const std::vector<std::string_view>& begin) {
  return words.size() >= begin.size() && std::equal(begin.begin(), begin.end(), words.begin());
}

std::string_view after(const Words& words, std::string_view word) {
  const auto found = std::find(words.begin(), words.end(), word);
  return found == words.end() || found + 1 == words.end() ? std::string_view() : found[1];
}

// "2024-01-31" or "12:34:56", which `-S 1` appends.
bool is_timestamp(std::string_view word) { return !word.empty() && word.find_first_not_of("0123456789-:.TZ") == std::string_view::npos; }

class TextReader {
 public:
  explicit TextReader(const std::string& file) : file_(file) {}

  std::vector<NcclRun> read(std::string_view text) {
    while (!text.empty()) {
      ++line_;
      const std::size_t end = std::min(text.find('\n'), text.size());
      const std::string_view line = without_tag(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
      if (line.find('\0') != std::string_view::npos)
        refuse("a zero byte stands there: this is no text. Give the output as it was printed.");
      const Words words = words_of(line);
      if (words.empty()) continue;
      if (words[0][0] == '#') {
        Words header = words_of(line.substr(line.find('#') + 1));
        if (!header.empty()) read_header(header);
      } else if (state_ == State::rows || state_ == State::names) {
        if (line.find("NCCL ") == std::string_view::npos) read_row(words);  // NCCL_DEBUG prints between the rows
      } else if (words.size() >= 8 && parse_printed(words[0]) && parse_printed(words[1])) {
        refuse("a row of measurements without its header. Give the whole output of nccl-tests.");
      } else if (starts_with(words, {"NCCL", "version"}) && words.size() > 2) {
        begin();
        run_.nccl = words[2].substr(0, words[2].find('+'));
      }
    }
    if (state_ == State::header || state_ == State::names || state_ == State::rows) refuse_cut();
    if (runs_.empty()) refuse("no output of nccl-tests is in this file. Give their text or JSON, or a table `dtype,m,n,k,time_us`.");
    return std::move(runs_);
  }

 private:
  enum class State : std::uint8_t { between, header, names, rows };

  [[noreturn]] void refuse(std::string_view what) const {
    throw sim::InputError(fmt::format("{}:{}: {}", file_, std::max(line_, 1), what));
  }
  [[noreturn]] void refuse_cut() const {
    refuse("the run ends before its last line, '# Out of bounds values …'. The log is cut off; give all of it.");
  }

  // Of a run's first lines; which one comes first depends on the version.
  void begin() {
    if (state_ == State::names || state_ == State::rows) refuse_cut();
    if (state_ == State::between) run_ = {};
    run_.file = file_;
    state_ = State::header;
  }

  void read_header(const Words& words) {
    if (starts_with(words, {"nccl-tests", "version"})) {
      begin();
      for (const auto word : words)
        if (constexpr std::string_view key = "nccl-library="; word.starts_with(key))
          run_.nccl = nccl_version(whole(word.substr(key.size())).value_or(0));
    } else if (starts_with(words, {"Collective", "test", "starting:"})) {
      begin();
      if (words.size() > 3) run_.test = words[3];
    } else if (words[0] == "nThread") {
      begin();
    } else if (words[0] == "Rank") {
      begin();
      read_rank(words);
    } else if (words[0] == "size" && words.size() > 1 && words[1] == "count") {
      begin();
      state_ = State::names;
      names_.assign(words.begin(), words.end());
      std::erase(names_, "timestamp");
    } else if (state_ == State::names && words[0].starts_with('(')) {
      read_units(words);
    } else if (state_ == State::rows && starts_with(words, {"Out", "of", "bounds", "values", ":"}) && words.size() > 5) {
      if (words.back() != "OK") refuse("the results of this run were wrong. Run the test again; the hardware may be faulty.");
      finish();
    } else if (state_ == State::rows && starts_with(words, {"Avg", "bus", "bandwidth", ":"}) && words.size() > 4) {
      finish();
    }
  }

  void finish() {
    if (run_.rows.empty()) refuse("the table of this run is empty. Give the whole output.");
    runs_.push_back(std::move(run_));
    state_ = State::between;
  }

  // "Rank  0 Group  0 Pid  123 on  host device  0 [0000:17:00] NVIDIA H100 80GB HBM3"; older ones have no group.
  void read_rank(const Words& words) {
    const auto rank = whole(words.size() > 1 ? words[1] : ""), device = whole(after(words, "device"));
    const std::string_view host = after(words, "on"), group = after(words, "Group");
    const auto bus = std::find_if(words.begin(), words.end(), [](auto word) { return word.ends_with(']'); });
    if (!rank || !device || host.empty() || bus == words.end() || bus + 1 == words.end())
      refuse("this line of a rank is not 'Rank N Group N Pid N on HOST device N [BUS] NAME'. Give the output as it was printed.");
    std::string name;
    for (auto word = bus + 1; word != words.end(); ++word) name += (name.empty() ? "" : " ") + std::string(*word);
    run_.add_rank(line_, *rank, group.empty() ? 0 : whole(group).value_or(0), std::string(host), name);
  }

  void read_units(const Words& words) {
    const auto count = [&](std::string_view unit) { return std::count(words.begin(), words.end(), unit); };
    const auto known = count("(B)") + count("(elements)") + count("(us)") + count("(GB/s)") + count("(%)") +  // of `-I 1`
                       std::count_if(words.begin(), words.end(), [](auto word) { return word[0] == '%'; });   // of time stamps
    if (words[0] != "(B)" || count("(us)") < 1 || count("(GB/s)") < 2 || known != std::ssize(words))
      refuse("the units are not (B), (us) and (GB/s). Give the output as nccl-tests print it.");
    state_ = State::rows;
  }

  std::size_t column(std::string_view name) const {
    const auto found = std::find(names_.begin(), names_.end(), name);
    if (found == names_.end())
      refuse(fmt::format("the table has no column '{}'{}", name,
                         name == "time" ? ": the host's time (`-C 1`) is not how long the operation takes. Run the test without -C."
                                        : ". Give the output as it was printed."));
    return static_cast<std::size_t>(found - names_.begin());
  }
  bool has(std::string_view name) const { return std::find(names_.begin(), names_.end(), name) != names_.end(); }

  void read_row(Words words) {
    if (state_ == State::names) refuse("no line of units, (B) (us) (GB/s), stands above the rows. Give the output as it was printed.");
    if (words.size() == names_.size() + 2 && is_timestamp(words.back()) && is_timestamp(words[words.size() - 2]))
      words.resize(names_.size());
    // gather and scatter once left their operator empty, so that the root stands there.
    if (words.size() + 1 == names_.size() && has("redop") && column("redop") < words.size() && whole(words[column("redop")]))
      words.insert(words.begin() + static_cast<std::ptrdiff_t>(column("redop")), "none");
    if (words.size() != names_.size())
      refuse(fmt::format("the row has {} columns, and the header {}. The log is garbled or cut off.", words.size(), names_.size()));
    for (std::size_t i = 0; i < words.size(); ++i) check_word(names_[i], words[i]);
    NcclRow row{.line = line_};
    row.bytes = number(words[column("size")]).value;
    if (has("redop")) row.redop = words[column("redop")];
    if (has("root")) row.root = whole(words[column("root")]);
    row.time_us = number(words[column("time")]);
    row.algorithm_GBps = number(words[column("algbw")]);
    row.bus_GBps = number(words[column("busbw")]);
    row.in_place_checked = is_checked(words, true);
    row.out_of_place_checked = is_checked(words, false);
    run_.rows.push_back(std::move(row));
  }

  // Whether the results were compared with what is right: a number of wrong ones ("error" before 2.13), not N/A.
  bool is_checked(const Words& words, bool in_place) const {
    bool seen = false;
    for (std::size_t i = 0; i < names_.size(); ++i)
      if ((names_[i] == "#wrong" || names_[i] == "error") && std::exchange(seen, true) == in_place) return words[i] != "N/A";
    return false;
  }

  void check_word(const std::string& name, std::string_view word) const {
    if (name == "type" || name == "redop") return;
    if (name == "root" ? !whole(word) : word != "N/A" && !parse_printed(word))
      refuse(fmt::format("column '{}': '{}' is no number. The log is garbled; give the output as it was printed.", name, word));
    if (name == "#wrong" && word != "N/A" && parse_printed(word)->value != 0)
      refuse(fmt::format("{} values of this run were wrong. Run the test again; the hardware may be faulty.", word));
    if ((name == "size" || name == "count") && number(word).value != std::floor(number(word).value))
      refuse(fmt::format("column '{}': '{}' is no whole number. The log is garbled; give the output as it was printed.", name, word));
  }

  Printed number(std::string_view word) const {
    if (const auto printed = parse_printed(word)) return *printed;
    refuse(fmt::format("'{}' stands where a number is needed. Give the output as it was printed.", word));
  }

  const std::string& file_;
  int line_ = 0;
  State state_ = State::between;
  NcclRun run_;
  std::vector<std::string> names_;  // of the columns
  std::vector<NcclRun> runs_;
};

}  // namespace

std::vector<NcclRun> read_nccl_text(const std::string& text, const std::string& file) { return TextReader(file).read(text); }

}  // namespace kernels::calibrate
