#include <fmt/format.h>
#include <algorithm>
#include <map>
#include <ostream>
#include <set>
#include "topology/drawing.hpp"
#include "topology/drawing_parts.hpp"
#include "topology/fabric_impl.hpp"

namespace topology {
namespace {

constexpr int most_boxes = 64;
constexpr double page_width = 1400, left = 190, right = 100, top = 96, box_height = 34, row_pitch = 170;

struct Box {
  std::string name;    // "leaf-3"
  std::string number;  // where the name does not fit: "3"
};

// A tier of the drawing.
struct Row {
  std::string label, note;
  std::string style;  // class of the boxes
  std::vector<Box> boxes;
  int hidden = 0;  // switches or hosts that have no box
  double y = 0;

  int drawn() const { return static_cast<int>(boxes.size()); }
  double pitch() const { return std::min(110.0, (page_width - left - right) / std::max(drawn(), 1)); }
  double box_width() const { return std::min(84.0, pitch() * 0.8); }
  double middle(int box) const { return left + (page_width - left - right - pitch() * drawn()) / 2 + pitch() * (box + 0.5); }
};

std::string counted(int number, std::string_view one, std::string_view many = "") {
  if (number == 1) return fmt::format("1 {}", one);
  return many.empty() ? fmt::format("{} {}s", number, one) : fmt::format("{} {}", number, many);
}

// Cores on top, hosts below. Hosts on the same leaves are one box once there are too many for single ones.
class Drawing {
 public:
  Drawing(const Fabric& fabric, std::span<const double> load)
      : fabric_(fabric), box_by_node_(fabric.nodes().size(), -1), load_by_link_(by_link(fabric, load)) {
    for (const NodeKind kind : {NodeKind::core, NodeKind::spine, NodeKind::leaf}) add_switches(kind);
    add_hosts();
    for (std::size_t row = 0; row < rows_.size(); ++row) rows_[row].y = top + static_cast<double>(row) * row_pitch;
  }
  void write(std::ostream& out) const;

 private:
  void add_switches(NodeKind kind);
  void add_hosts();
  std::vector<int> host_groups() const;
  void write_lines(std::ostream& out) const;
  void write_row(const Row& row, std::ostream& out) const;

  const Fabric& fabric_;
  std::vector<Row> rows_;
  std::vector<int> box_by_node_;      // -1: not drawn
  std::vector<double> load_by_link_;  // empty: not known
};

void Drawing::add_switches(NodeKind kind) {
  Row row{.label = {}, .note = {}, .style = "switch", .boxes = {}};
  int used = 0, all = 0;
  for (std::uint32_t node = 0; node < fabric_.nodes().size(); ++node) {
    if (fabric_.nodes()[node].kind != kind) continue;
    used = std::max(used, static_cast<int>(out_degree(node, fabric_.impl().graph)));
    if (++all > most_boxes) continue;
    box_by_node_[node] = row.drawn();
    row.boxes.push_back({fabric_.nodes()[node].name, fmt::to_string(row.drawn())});
  }
  if (all == 0) return;
  row.hidden = all - row.drawn();
  row.label = counted(all, name_of(kind), kind == NodeKind::leaf ? "leaves" : "");
  row.note = fmt::format("{}{} ports used", all == 1 ? "" : "up to ", used);
  rows_.push_back(std::move(row));
}

// Group of each host: itself, or the run of hosts on the same leaves.
std::vector<int> Drawing::host_groups() const {
  std::vector<int> group(fabric_.hosts());
  if (fabric_.hosts() <= most_boxes) {
    for (int host = 0; host < fabric_.hosts(); ++host) group[host] = host;
    return group;
  }
  std::vector<std::set<std::uint32_t>> leaves(fabric_.hosts());
  for (const Link& link : fabric_.links())
    if (link.kind == LinkKind::host_leaf && fabric_.nodes()[link.from].kind == NodeKind::nic)
      leaves[fabric_.nodes()[link.from].host].insert(link.to);
  for (int host = 1; host < fabric_.hosts(); ++host) group[host] = group[host - 1] + (leaves[host] != leaves[host - 1]);
  return group;
}

// Boxes go as far as the leaves do that are drawn.
void Drawing::add_hosts() {
  const std::vector<int> group = host_groups();
  const HostLayout& hosts = fabric_.impl().hosts;
  Row row{.label = counted(hosts.hosts, "host"), .note = {}, .style = "host", .boxes = {}, .hidden = hosts.hosts};
  row.note = hosts.end_points ? "one end point each"
                              : fmt::format("{}, {} each", counted(std::min(hosts.gpus, hosts.gpus_per_host), "GPU"),
                                            counted(hosts.nics_per_host, "NIC"));
  std::vector<bool> visible(hosts.hosts, !fabric_.impl().structure);
  for (const Link& link : fabric_.links())
    if (link.kind == LinkKind::host_leaf && box_by_node_[link.from] >= 0) visible[fabric_.nodes()[link.to].host] = true;
  for (int host = 0, next = 0; host < hosts.hosts && row.drawn() < most_boxes && visible[host]; host = next) {
    next = static_cast<int>(std::upper_bound(group.begin(), group.end(), group[host]) - group.begin());
    for (int nic = host * hosts.nics_per_host; nic < next * hosts.nics_per_host; ++nic) box_by_node_[hosts.nic_node(nic)] = row.drawn();
    const std::string number = next == host + 1 ? fmt::to_string(host) : fmt::format("{}-{}", host, next - 1);
    row.boxes.push_back({"host " + number, number});
    row.hidden = hosts.hosts - next;
  }
  rows_.push_back(std::move(row));
}

// Parallel cables are one line, of the load of the fullest in either direction; the label counts all cables, drawn or not.
void Drawing::write_lines(std::ostream& out) const {
  std::map<int, std::map<std::pair<int, int>, double>> lines;  // by lower row: boxes, load
  std::map<int, std::pair<int, double>> cables;                // by lower row: number, Gb/s
  std::map<int, double> fullest;
  const int host_row = static_cast<int>(rows_.size()) - 1;
  const auto tier = [&](std::uint32_t node) {
    return std::max(0, static_cast<int>(fabric_.nodes()[node].kind) - static_cast<int>(NodeKind::nvswitch));
  };
  for (std::uint32_t any = 0; any < fabric_.links().size(); ++any) {
    const Link& link = fabric_.links()[any];
    const auto [lower, upper] = tier(link.from) < tier(link.to) ? std::pair(link.from, link.to) : std::pair(link.to, link.from);
    const int row = host_row - tier(lower);
    if (link.kind < LinkKind::host_leaf || tier(upper) != tier(lower) + 1) continue;  // within a tier, in a file of links
    const double load = load_by_link_.empty() ? 0 : load_by_link_[any];
    fullest[row] = std::max(fullest[row], load);
    if (box_by_node_[lower] >= 0 && box_by_node_[upper] >= 0) {
      double& of_line = lines[row][{box_by_node_[lower], box_by_node_[upper]}];
      of_line = std::max(of_line, load);
    }
    if (!fabric_.impl().wiring.stands_for_cable(any)) continue;
    cables[row].first += 1;
    cables[row].second = link.capacity.value() * 8e-9;
  }
  for (const auto& [row, boxes] : lines) {
    std::vector<std::pair<double, std::pair<int, int>>> by_load;  // the fullest on top
    for (const auto& [ends, load] : boxes) by_load.push_back({load, ends});
    std::sort(by_load.begin(), by_load.end());
    out << fmt::format("<g class=\"link\" stroke-opacity=\"{:.2f}\">\n",
                       std::clamp(30.0 / static_cast<double>(boxes.size()), load_by_link_.empty() ? 0.1 : 0.4, 0.7));
    for (const auto& [load, ends] : by_load)
      out << fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"{}/>\n", rows_[row].middle(ends.first), rows_[row].y,
                         rows_[row - 1].middle(ends.second), rows_[row - 1].y + box_height,
                         load_by_link_.empty() ? "" : fmt::format(" style=\"stroke:{}\"", colour_of(load)));
    out << "</g>\n";
  }
  for (const auto& [row, number] : cables) {
    const double y = rows_[row].y - (row_pitch - box_height) / 2 + 4;
    out << fmt::format("<text class=\"note\" x=\"24\" y=\"{:.1f}\">{} cables, {:g} Gb/s</text>\n", y, number.first, number.second);
    if (!load_by_link_.empty())
      out << fmt::format("<text class=\"note\" x=\"24\" y=\"{:.1f}\">fullest {:.1f} %</text>\n", y + 16, 100 * fullest[row]);
  }
}

void Drawing::write_row(const Row& row, std::ostream& out) const {
  out << fmt::format("<text class=\"label\" x=\"24\" y=\"{:.1f}\">{}</text>\n", row.y + 14, row.label);
  out << fmt::format("<text class=\"note\" x=\"24\" y=\"{:.1f}\">{}</text>\n", row.y + 30, row.note);
  for (int i = 0; i < row.drawn(); ++i) {
    const Box& box = row.boxes[i];
    const double size = 11;
    const auto fits = [&](const std::string& text) { return 0.62 * size * static_cast<double>(text.size()) < row.box_width(); };
    const std::string& text = fits(box.name) ? box.name : box.number;
    const double font = fits(text) ? size : std::max(5.0, row.box_width() / (0.62 * static_cast<double>(text.size())));
    out << fmt::format(
        "<rect class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.0f}\" rx=\"{}\"><title>{}</title></rect>\n", row.style,
        row.middle(i) - row.box_width() / 2, row.y, row.box_width(), box_height, row.style == "switch" ? 5 : 2, box.name);
    out << fmt::format("<text class=\"name\" x=\"{:.1f}\" y=\"{:.1f}\" font-size=\"{:.1f}\">{}</text>\n", row.middle(i),
                       row.y + box_height / 2 + font / 3, font, text);
  }
  if (row.hidden > 0)
    out << fmt::format("<text class=\"note\" x=\"{:.1f}\" y=\"{:.1f}\">+{} more</text>\n", page_width - right + 8,
                       row.y + box_height / 2 + 4, row.hidden);
}

void Drawing::write(std::ostream& out) const {
  const double height = rows_.back().y + box_height + 30;
  begin_svg(page_width, height, title_of(fabric_), out);
  write_lines(out);
  if (!load_by_link_.empty()) write_load_legend(page_width - right, out);
  for (const Row& row : rows_) write_row(row, out);
  out << "</svg>\n";
}

}  // namespace

void write_svg(const Fabric& fabric, std::ostream& out) { write_loaded_svg(fabric, out, {}); }
void write_loaded_svg(const Fabric& fabric, std::ostream& out, std::span<const double> load) {
  const FabricType type = fabric.impl().spec.fabric.type;
  if (type == FabricType::torus)
    write_torus(fabric, load, out);
  else if (type == FabricType::dragonfly)
    write_dragonfly(fabric, load, out);
  else
    Drawing(fabric, load).write(out);
}

}  // namespace topology
