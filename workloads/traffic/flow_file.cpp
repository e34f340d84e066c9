#include "workloads/traffic/flow_file.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <unordered_map>
#include "sim/error.hpp"
#include "workloads/quantity.hpp"
#include "workloads/scenario_text.hpp"  // did_you_mean

namespace workloads::traffic {
namespace {

constexpr std::array columns = {"id", "flow", "src", "dst", "bytes", "start_s", "start_ps", "path", "after", "tag", "repeat"};
constexpr std::size_t most_problems = 20;
constexpr std::int64_t most_bytes = std::int64_t{1} << 50;        // 1 PiB a message
constexpr std::int64_t latest_start = 1'000'000'000'000'000'000;  // picoseconds: 11 days
constexpr std::int64_t most_repeats = 1'000'000'000;

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  for (std::size_t at = text.find_first_not_of(' '); at != std::string::npos;) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    words.push_back(text.substr(at, end - at));
    at = text.find_first_not_of(' ', end);
  }
  return words;
}

// One reading of one table.
class Reading {
 public:
  Reading(const kernels::CsvTable& table, const topology::Fabric& fabric) : table_(table), fabric_(fabric) {}

  FlowList read() {
    find_columns();
    throw_if_any();
    list_.source = table_.file();
    list_.flows.reserve(table_.rows());
    for (row_ = 0; row_ < table_.rows(); ++row_) read_row();
    throw_if_any();
    resolve_after();
    throw_if_any();
    return std::move(list_);
  }

 private:
  using Column = std::optional<std::size_t>;

  void bad_at(int line, std::string_view what) {
    problems_.push_back(fmt::format("{}:{}: {}", table_.file(), line, what));
    if (problems_.size() < most_problems) return;
    problems_.push_back(fmt::format("{}:{}: too many problems; the rest of the file was not read.", table_.file(), line));
    throw_if_any();
  }
  void bad(std::string_view what) { bad_at(table_.line(row_), what); }
  void throw_if_any() {
    if (!problems_.empty()) throw sim::InputError(std::move(problems_));
  }

  Column find(const char* name) const { return table_.has(name) ? Column(table_.column(name)) : Column(); }
  Column one_of(const char* a, const char* b, std::string_view advice) {
    if (table_.has(a) && table_.has(b)) bad_at(1, fmt::format("both columns '{}' and '{}' are given. {}", a, b, advice));
    if (!table_.has(a) && !table_.has(b))
      bad_at(1, fmt::format("column '{}' (or '{}') is missing (there are: {}). Add it.", a, b, fmt::join(table_.columns(), ", ")));
    return table_.has(a) ? find(a) : find(b);
  }

  void find_columns() {
    for (const std::string& name : table_.columns())
      if (std::find(columns.begin(), columns.end(), name) == columns.end())
        bad_at(1, fmt::format("unknown column '{}' (known: {}).{}", name, fmt::join(columns, ", "),
                              did_you_mean(name, {columns.begin(), columns.end()})));
    id_ = one_of("id", "flow", "Keep one of them.");
    start_ = one_of("start_s", "start_ps", "Keep one of them.");
    for (const char* name : {"src", "dst", "bytes"})
      if (!table_.has(name))
        bad_at(1, fmt::format("column '{}' is missing (there are: {}). Add it.", name, fmt::join(table_.columns(), ", ")));
    source_ = find("src"), destination_ = find("dst"), bytes_ = find("bytes");
    path_ = find("path"), after_ = find("after"), tag_ = find("tag"), repeat_ = find("repeat");
    in_seconds_ = table_.has("start_s");
    if (problems_.empty() && table_.rows() == 0) bad_at(1, "there are no flows. Write a row for each flow.");
  }

  std::int64_t whole(Column column, std::int64_t least, std::int64_t most) {
    const std::string text = table_.text(row_, *column);
    const auto value = parse_integer(text);
    if (value && *value >= least && *value <= most) return *value;
    bad(fmt::format("column '{}': '{}' is no whole number from {} to {}. Correct it.", table_.columns()[*column], text, least, most));
    return least;
  }
  sim::Time start() {
    if (!in_seconds_) return sim::Time::picoseconds(whole(start_, 0, latest_start));
    const std::string text = table_.text(row_, *start_);
    const auto value = parse_number(text);
    if (value && *value >= 0 && *value * 1e12 <= static_cast<double>(latest_start)) return sim::Time::seconds(*value);
    bad(fmt::format("column 'start_s': '{}' is no number of seconds from 0 to {:g}. Correct it.", text,
                    static_cast<double>(latest_start) * 1e-12));
    return {};
  }

  void read_row() {
    Flow flow{.line = table_.line(row_)};
    const std::size_t before = problems_.size();
    flow.source = static_cast<int>(whole(source_, 0, fabric_.gpus() - 1));
    flow.destination = static_cast<int>(whole(destination_, 0, fabric_.gpus() - 1));
    flow.bytes = sim::Bytes{whole(bytes_, 0, most_bytes)};
    flow.start = start();
    if (repeat_) flow.repeat = static_cast<int>(whole(repeat_, 1, most_repeats));
    read_id();
    if (tag_) list_.tags.push_back(table_.text(row_, *tag_));
    if (path_) read_path(flow, problems_.size() == before);
    list_.flows.push_back(flow);
  }

  void read_id() {
    std::string id = table_.text(row_, *id_);
    if (id.empty() || id.find(' ') != std::string::npos) {
      bad(fmt::format("column '{}': '{}' is no id. Give each flow a word or number of its own.", table_.columns()[*id_], id));
    } else if (const auto [at, added] = flow_of_id_.try_emplace(id, static_cast<std::uint32_t>(row_)); !added) {
      bad(fmt::format("column '{}': '{}' is taken by line {}. Give each flow an id of its own.", table_.columns()[*id_], id,
                      table_.line(at->second)));
    }
    list_.ids.push_back(std::move(id));
  }

  // `ends_known`: src and dst are sound, so the ends of the path can be checked too.
  void read_path(const Flow& flow, bool ends_known) {
    path_words_.clear();
    for (const std::string& word : words_of(table_.text(row_, *path_))) {
      const auto link = parse_integer(word);
      if (!link || *link < 0 || *link >= static_cast<std::int64_t>(fabric_.links().size())) {
        bad(fmt::format("column 'path': '{}' is no link (there are 0 to {}). Correct it.", word, fabric_.links().size() - 1));
        path_words_.clear();
        break;
      }
      path_words_.push_back(static_cast<std::uint32_t>(*link));
    }
    if (ends_known && !path_words_.empty()) check_path(flow);
    for (const std::uint32_t link : path_words_) list_.paths.add(link);
    list_.paths.end_list();
  }
  void check_path(const Flow& flow) {
    const auto& links = fabric_.links();
    const auto name = [&](std::uint32_t node) -> const std::string& { return fabric_.nodes()[node].name; };
    if (fabric_.network_links().size() != links.size())
      return bad(
          "column 'path': links are bundled by this routing. Set cluster.fabric.routing to ecmp or static, or leave the path empty.");
    auto at = static_cast<std::uint32_t>(flow.source);
    for (std::size_t i = 0; i < path_words_.size(); ++i) {
      const topology::Link& link = links[path_words_[i]];
      if (link.from != at)
        return bad(fmt::format("column 'path': link {} goes from {} to {}, but the way has come to {}. Correct it.", path_words_[i],
                               name(link.from), name(link.to), name(at)));
      if (std::find(path_words_.begin(), path_words_.begin() + static_cast<std::ptrdiff_t>(i), path_words_[i]) !=
          path_words_.begin() + static_cast<std::ptrdiff_t>(i))
        return bad(fmt::format("column 'path': link {} is crossed twice. Leave the loop out.", path_words_[i]));
      at = link.to;
    }
    if (at != static_cast<std::uint32_t>(flow.destination))
      bad(fmt::format("column 'path': it ends at {}, not at the flow's dst {}. Correct it.", name(at), flow.destination));
  }

  // Ids may be named before their own row comes.
  void resolve_after() {
    if (!after_) return;
    for (row_ = 0; row_ < table_.rows(); ++row_) {
      for (const std::string& id : words_of(table_.text(row_, *after_))) {
        const auto flow = flow_of_id_.find(id);
        if (flow == flow_of_id_.end())
          bad(fmt::format("column 'after': there is no flow '{}'. Name the id of a row.", id));
        else
          list_.after.add(flow->second);
      }
      list_.after.end_list();
    }
  }

  const kernels::CsvTable& table_;
  const topology::Fabric& fabric_;
  Column id_, start_, source_, destination_, bytes_, path_, after_, tag_, repeat_;
  bool in_seconds_ = false;
  std::size_t row_ = 0;
  std::vector<std::uint32_t> path_words_;
  std::unordered_map<std::string, std::uint32_t> flow_of_id_;
  std::vector<std::string> problems_;
  FlowList list_;
};

// A field that holds a comma, a quote or a line end is quoted.
std::string field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

// Exact: a double would lose picoseconds after 9,000 s.
void append_seconds(std::string& out, sim::Time time) {
  constexpr std::int64_t second = 1'000'000'000'000;
  fmt::format_to(std::back_inserter(out), "{}.{:012}", time.ps() / second, time.ps() % second);
}

}  // namespace

FlowList read_flows(const kernels::CsvTable& table, const topology::Fabric& fabric) { return Reading(table, fabric).read(); }
FlowList read_flows(const std::string& path, const topology::Fabric& fabric) { return read_flows(kernels::CsvTable::read(path), fabric); }

std::string completion_csv(const FlowList& list, std::span<const sim::Time> start, std::span<const sim::Time> finish) {
  std::string out = "id,src,dst,bytes,start_s,finish_s,tag\n";
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Flow& flow = list.flows[i];
    fmt::format_to(std::back_inserter(out), "{},{},{},{},", field(list.id(i)), flow.source, flow.destination, flow.bytes.count());
    append_seconds(out, start[i]);
    out += ',';
    append_seconds(out, finish[i]);
    out += ',' + field(list.tag(i)) + '\n';
  }
  return out;
}

}  // namespace workloads::traffic
