#include "workloads/scenario_link_file.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <unordered_map>
#include "kernels/csv_table.hpp"
#include "sim/error.hpp"
#include "workloads/graphml_file.hpp"
#include "workloads/quantity.hpp"
#include "workloads/scenario_presets.hpp"  // found_file

namespace workloads {
namespace {

using topology::FabricType;

constexpr std::array columns = {"link", "from", "to", "gbps", "latency_ns"};
constexpr std::size_t most_problems = 20;  // of one file; a wrong column is wrong in every row

// One reading of one file of links.
class Reading {
 public:
  Reading(const kernels::CsvTable& table, Problems& problems)
      : table_(table), problems_(problems), source_(std::make_shared<const std::string>(table.file())) {}

  topology::LinkFile read() {
    if (!has_columns()) return {};
    file_.links.resize(table_.rows());
    row_of_link_.assign(table_.rows(), none);
    for (std::size_t row = 0; row < table_.rows() && found_ < most_problems; ++row) read_row(row);
    if (found_ == 0) end_points_first();
    return found_ == 0 ? std::move(file_) : topology::LinkFile{};
  }

 private:
  static constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();

  void bad(int line, std::string_view what) {
    problems_.add({source_, line}, "", what);
    if (++found_ == most_problems) problems_.add({source_, line}, "", "too many problems; the rest of the file was not read.");
  }
  void bad_row(std::size_t row, std::string_view what) { bad(table_.line(row), what); }

  bool has_columns() {
    for (const std::string& name : table_.columns())
      if (std::find(columns.begin(), columns.end(), name) == columns.end())
        bad(1, fmt::format("unknown column '{}' (known: {}).{}", name, fmt::join(columns, ", "),
                           did_you_mean(name, {columns.begin(), columns.end()})));
    for (const char* name : columns)
      if (!table_.has(name)) bad(1, fmt::format("column '{}' is missing (known: {}). Add it.", name, fmt::join(columns, ", ")));
    if (found_ == 0 && table_.rows() == 0) bad(1, "there are no links. Write a row for each directed link.");
    return found_ == 0;
  }

  void read_row(std::size_t row) {
    const auto cell = [&](const char* name) { return table_.text(row, table_.column(name)); };
    const std::string number = cell("link"), from = cell("from"), to = cell("to"), gbps = cell("gbps"), latency = cell("latency_ns");
    const std::size_t before = found_;
    const auto link = parse_integer(number);
    if (!link || *link < 0 || *link >= static_cast<std::int64_t>(table_.rows()))
      bad_row(row, fmt::format("column 'link': '{}' is no number from 0 to {} (links are numbered from 0 without gaps). Number them anew.",
                               number, table_.rows() - 1));
    else if (row_of_link_[static_cast<std::size_t>(*link)] != none)
      bad_row(row, fmt::format("column 'link': {} is taken by line {}. Number links from 0 without gaps.", *link,
                               table_.line(row_of_link_[static_cast<std::size_t>(*link)])));
    const double rate = positive_or_bad(row, "gbps", gbps, 1e9), wait = latency_or_bad(row, latency);
    if (from.empty() || to.empty())
      bad_row(row, fmt::format("column '{}': there is no node. Name it.", from.empty() ? "from" : "to"));
    else if (from == to)
      bad_row(row, fmt::format("the link goes from '{}' to itself. Name two nodes.", from));
    if (found_ != before) return;
    row_of_link_[static_cast<std::size_t>(*link)] = static_cast<std::uint32_t>(row);
    file_.links[static_cast<std::size_t>(*link)] = {node(from), node(to), sim::BytesPerSecond{rate * 1e9 / 8},
                                                    sim::Time::picoseconds(std::llround(wait * 1e3))};
  }
  double positive_or_bad(std::size_t row, const char* column, const std::string& text, double most) {
    const auto value = parse_number(text);
    if (value && *value > 0 && *value <= most) return *value;
    bad_row(row, value ? fmt::format("column '{}': {} is not above 0 and at most {:g}. Correct it.", column, text, most)
                       : fmt::format("column '{}': '{}' is no number. Correct it.", column, text));
    return 1;
  }
  double latency_or_bad(std::size_t row, const std::string& text) {
    const auto value = parse_number(text);
    if (value && *value >= 0 && *value <= 1e9) return *value;
    bad_row(row, value ? fmt::format("column 'latency_ns': {} is not from 0 to 1e9. Correct it.", text)
                       : fmt::format("column 'latency_ns': '{}' is no number. Correct it.", text));
    return 0;
  }

  std::uint32_t node(const std::string& name) {
    const auto [at, added] = number_of_node_.try_emplace(name, static_cast<std::uint32_t>(file_.nodes.size()));
    if (added) file_.nodes.push_back(name);
    return at->second;
  }

  // h0, h1, … to the front; the switches keep the order in which they were named.
  void end_points_first() {
    std::vector<std::int64_t> end_point(file_.nodes.size(), -1);
    for (std::size_t n = 0; n < file_.nodes.size(); ++n) {
      const std::string& name = file_.nodes[n];
      if (name.size() < 2 || name[0] != 'h' || name.find_first_not_of("0123456789", 1) != std::string::npos) continue;
      end_point[n] = parse_integer(name.substr(1)).value_or(std::numeric_limits<std::int64_t>::max());
      ++file_.end_points;
    }
    if (file_.end_points == 0) return bad(1, "no link names an end point. End points are called h0, h1, …");
    std::vector<std::uint32_t> new_number(file_.nodes.size());
    std::vector<std::string> names(file_.nodes.size());
    auto next_switch = static_cast<std::uint32_t>(file_.end_points);
    for (std::size_t n = 0; n < file_.nodes.size(); ++n) {
      if (end_point[n] >= file_.end_points)
        return bad(1, fmt::format("unknown end point '{}': the {} end points must be h0 to h{} without gaps. Name them anew.",
                                  file_.nodes[n], file_.end_points, file_.end_points - 1));
      new_number[n] = end_point[n] >= 0 ? static_cast<std::uint32_t>(end_point[n]) : next_switch++;
      names[new_number[n]] = file_.nodes[n];
    }
    for (topology::FileLink& link : file_.links) link.from = new_number[link.from], link.to = new_number[link.to];
    file_.nodes = std::move(names);
  }

  const kernels::CsvTable& table_;
  Problems& problems_;
  std::shared_ptr<const std::string> source_;
  std::size_t found_ = 0;
  topology::LinkFile file_;
  std::vector<std::uint32_t> row_of_link_;
  std::unordered_map<std::string, std::uint32_t> number_of_node_;
};

void refuse_other_keys(const TextNode& fabric, Problems& problems) {
  constexpr std::array allowed = {"type", "links", "radix", "switch_latency", "transport", "routing", "packet", "failures"};
  for (const TextNode& child : fabric.children) {
    if (std::find(allowed.begin(), allowed.end(), child.key) != allowed.end() || !problems.sound("cluster.fabric." + child.key)) continue;
    problems.add(child.key_place, "cluster.fabric",
                 fmt::format("'{}' has no meaning beside type: file (only links, radix, switch_latency, transport, routing, packet and "
                             "failures have). Leave it out.",
                             child.key));
  }
}

template <class MakeTable>
void read_table(MakeTable&& table, topology::FabricSpec& fabric, Problems& problems) {
  try {
    fabric.link_file = Reading(table(), problems).read();
  } catch (const sim::InputError& error) {  // the table itself is broken; the text begins with the place
    const std::string text = error.what();
    const std::size_t colon = text.find(": ");
    problems.add({std::make_shared<const std::string>(text.substr(0, colon)), 0}, "", text.substr(std::min(colon + 2, text.size())));
  }
  if (fabric.link_file.links.empty()) problems.distrust("cluster.fabric.links");
}

// Rows that stand in the scenario: as the lines of a file below its header.
void read_rows(topology::FabricSpec& fabric, Problems& problems) {
  std::string text = "link,from,to,gbps,latency_ns\n";
  for (std::size_t i = 0; i < fabric.link_rows.size(); ++i) text += fmt::format("{},{}\n", i, fabric.link_rows[i]);
  read_table([&] { return kernels::CsvTable(std::move(text), "cluster.fabric.links"); }, fabric, problems);
}

}  // namespace

void read_link_file(const TextNode& tree, const std::filesystem::path& folder, topology::FabricSpec& fabric, Problems& problems) {
  const TextNode& node = tree.nearest("cluster.fabric");
  if (node.key != "fabric" || !node.is_map() || !problems.sound("cluster.fabric.type") || !problems.sound("cluster.fabric.links")) return;
  const TextNode* links = node.find("links");
  const auto refuse = [&](const Place& place, const std::string& what) { problems.add_value(place, "cluster.fabric", "links", what); };
  if (fabric.type != FabricType::file) {
    if (links) refuse(links->key_place, "'links' belongs to type: file. Leave it out, or write type: file.");
    return;
  }
  refuse_other_keys(node, problems);
  if (!links)
    return refuse(node.key_place, "missing key 'links' (a GraphML file, or the CSV of links: link,from,to,gbps,latency_ns). Add it.");
  if (!node.find("radix")) fabric.radix.clear();  // any number of ports
  if (!fabric.link_rows.empty()) return read_rows(fabric, problems);
  const std::filesystem::path path = found_file(fabric.links, folder);
  if (path.empty())
    return refuse(links->place, fmt::format("links '{}': no such file. Give the path of a CSV or GraphML of links.", fabric.links));
  fabric.links = path.string();
  if (path.extension() == ".graphml") {
    fabric.link_file = read_graphml(fabric.links, problems);
    if (fabric.link_file.links.empty()) problems.distrust("cluster.fabric.links");
    return;
  }
  read_table([&] { return kernels::CsvTable::read(fabric.links); }, fabric, problems);
}

}  // namespace workloads
