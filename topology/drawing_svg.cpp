#include <fmt/format.h>
#include <algorithm>
#include <map>
#include <ostream>
#include <set>
#include "topology/builders/builders.hpp"
#include "topology/drawing.hpp"
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
  explicit Drawing(const Fabric& fabric) : fabric_(fabric), box_by_node_(fabric.nodes().size(), -1) {
    for (const NodeKind kind : {NodeKind::core, NodeKind::spine, NodeKind::leaf}) add_switches(kind);
    add_hosts();
    for (std::size_t row = 0; row < rows_.size(); ++row) rows_[row].y = top + static_cast<double>(row) * row_pitch;
  }
  void write(std::ostream& out) const;

 private:
  void add_switches(NodeKind kind);
  void add_hosts();
  std::vector<int> host_groups() const;
  std::string title() const;
  void write_lines(std::ostream& out) const;
  void write_row(const Row& row, std::ostream& out) const;

  const Fabric& fabric_;
  std::vector<Row> rows_;
  std::vector<int> box_by_node_;  // -1: not drawn
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

std::string Drawing::title() const {
  const HostLayout& hosts = fabric_.impl().hosts;
  return fmt::format("{}: {} GPUs{}", builder_of(fabric_.impl().spec.fabric.type).name, fabric_.gpus(),
                     hosts.domains() > 0 ? fmt::format(", scale-up domains of {}", std::min(hosts.gpus, hosts.gpus_per_domain)) : "");
}

// Parallel cables are one line; the label counts all cables, drawn or not.
void Drawing::write_lines(std::ostream& out) const {
  std::map<int, std::set<std::pair<int, int>>> lines;  // by lower row: boxes
  std::map<int, std::pair<int, double>> cables;        // by lower row: number, Gb/s
  const int host_row = static_cast<int>(rows_.size()) - 1;
  const auto tier = [&](std::uint32_t node) {
    return std::max(0, static_cast<int>(fabric_.nodes()[node].kind) - static_cast<int>(NodeKind::nvswitch));
  };
  for (std::uint32_t any = 0; any < fabric_.links().size(); ++any) {
    const Link& link = fabric_.links()[any];
    if (link.kind < LinkKind::host_leaf || !fabric_.impl().wiring.stands_for_cable(any)) continue;
    const auto [lower, upper] = tier(link.from) < tier(link.to) ? std::pair(link.from, link.to) : std::pair(link.to, link.from);
    const int row = host_row - tier(lower);
    if (tier(upper) != tier(lower) + 1) continue;  // within a tier, in a file of links
    cables[row].first += 1;
    cables[row].second = link.capacity.value() * 8e-9;
    if (box_by_node_[lower] >= 0 && box_by_node_[upper] >= 0) lines[row].insert({box_by_node_[lower], box_by_node_[upper]});
  }
  for (const auto& [row, boxes] : lines) {
    out << fmt::format("<g class=\"link\" stroke-opacity=\"{:.2f}\">\n", std::clamp(30.0 / static_cast<double>(boxes.size()), 0.1, 0.7));
    for (const auto& [lower, upper] : boxes)
      out << fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/>\n", rows_[row].middle(lower), rows_[row].y,
                         rows_[row - 1].middle(upper), rows_[row - 1].y + box_height);
    out << "</g>\n";
  }
  for (const auto& [row, number] : cables)
    out << fmt::format("<text class=\"note\" x=\"24\" y=\"{:.1f}\">{} cables, {:g} Gb/s</text>\n",
                       rows_[row].y - (row_pitch - box_height) / 2 + 4, number.first, number.second);
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
  out << fmt::format("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" width=\"{0:.0f}\" height=\"{1:.0f}\">\n",
                     page_width, height)
      << "<style>text{font-family:Helvetica,Arial,sans-serif;fill:#333}.title{font-size:20px}.label{font-size:14px;font-weight:bold}"
         ".note{font-size:12px;fill:#666}.name{text-anchor:middle}.link{stroke:#4a6fa5;stroke-width:1}"
         ".switch{fill:#e4edf8;stroke:#4a6fa5}.host{fill:#eef6ec;stroke:#6a9a5b}</style>\n"
         "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
      << fmt::format("<text class=\"title\" x=\"24\" y=\"44\">{}</text>\n", title());
  write_lines(out);
  for (const Row& row : rows_) write_row(row, out);
  out << "</svg>\n";
}

}  // namespace

void write_svg(const Fabric& fabric, std::ostream& out) { Drawing(fabric).write(out); }

}  // namespace topology
