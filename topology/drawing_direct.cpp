#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <ostream>
#include "topology/builders/builders.hpp"
#include "topology/drawing_parts.hpp"
#include "topology/fabric_impl.hpp"

namespace topology {
namespace {

struct Point {
  double x = 0, y = 0;
};

std::string stroke(const std::vector<double>& load, double of_line) {
  return load.empty() ? "" : fmt::format(" style=\"stroke:{}\"", colour_of(of_line));
}

void note(double x, double y, const std::string& text, std::ostream& out) {
  out << fmt::format("<text class=\"note\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", x, y, text);
}

// The load of the fuller direction, by the two ends.
template <class Key>
auto lines_between(const Fabric& fabric, const std::vector<double>& load, LinkKind kind, Key&& key) {
  std::map<std::pair<int, int>, double> lines;
  for (std::uint32_t i = 0; i < fabric.links().size(); ++i) {
    const Link& link = fabric.links()[i];
    const int a = key(link.from), b = key(link.to);
    if (link.kind != kind || a < 0 || b < 0 || a == b) continue;
    double& line = lines[std::minmax(a, b)];
    line = std::max(line, load.empty() ? 0 : load[i]);
  }
  return lines;
}

}  // namespace

void begin_svg(double width, double height, const std::string& title, std::ostream& out) {
  out << fmt::format("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" width=\"{0:.0f}\" height=\"{1:.0f}\">\n",
                     width, height)
      << "<style>text{font-family:Helvetica,Arial,sans-serif;fill:#333}.title{font-size:20px}.label{font-size:14px;font-weight:bold}"
         ".note{font-size:12px;fill:#666}.name{text-anchor:middle}.link{stroke:#4a6fa5;stroke-width:1;fill:none}"
         ".switch{fill:#e4edf8;stroke:#4a6fa5}.host{fill:#eef6ec;stroke:#6a9a5b}</style>\n"
         "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
      << fmt::format("<text class=\"title\" x=\"24\" y=\"44\">{}</text>\n", title);
}

std::string title_of(const Fabric& fabric) {
  const HostLayout& hosts = fabric.impl().hosts;
  return fmt::format("{}: {} GPUs{}", builder_of(fabric.impl().spec.fabric.type).name, fabric.gpus(),
                     hosts.domains() > 0 ? fmt::format(", scale-up domains of {}", std::min(hosts.gpus, hosts.gpus_per_domain)) : "");
}

std::string colour_of(double load) {
  struct Rgb {
    double r, g, b;
  };
  constexpr Rgb idle{0xb8, 0xc4, 0xd4}, half{0xe8, 0xa3, 0x3d}, full{0xb0, 0x1e, 0x1e};
  const double at = std::clamp(load, 0.0, 1.0) * 2;
  const auto& [from, to] = at < 1 ? std::pair(idle, half) : std::pair(half, full);
  const double part = at < 1 ? at : at - 1;
  const auto mix = [&](double a, double b) { return static_cast<int>(a + part * (b - a) + 0.5); };
  return fmt::format("#{:02x}{:02x}{:02x}", mix(from.r, to.r), mix(from.g, to.g), mix(from.b, to.b));
}

void write_load_legend(double right, std::ostream& out) {
  constexpr int steps = 20;
  constexpr double width = 8, y = 32;
  const double x = right - steps * width;
  for (int i = 0; i < steps; ++i)
    out << fmt::format("<rect x=\"{:.1f}\" y=\"{}\" width=\"{}\" height=\"10\" fill=\"{}\"/>\n", x + i * width, y, width,
                       colour_of((i + 0.5) / steps));
  out << fmt::format("<text class=\"note\" x=\"{:.1f}\" y=\"{}\" text-anchor=\"end\">link load 0 %</text>\n", x - 6, y + 9);
  note(right + 6, y + 9, "100 %", out);
}

std::vector<double> by_link(const Fabric& fabric, std::span<const double> load) {
  std::vector<double> loads(load.empty() ? 0 : fabric.links().size());
  for (std::uint32_t i = 0; i < load.size(); ++i)
    for (const std::uint32_t link : fabric.members(sim::LinkId{i})) loads[link] = load[i];
  return loads;
}

// Rings close by an arc over the whole row or column.
void write_torus(const Fabric& fabric, std::span<const double> network_load, std::ostream& out) {
  constexpr int most = 32;  // boxes a side
  constexpr double pitch = 44, box = 26, left = 60, top = 110;
  const std::vector<int>& dims = fabric.impl().spec.fabric.dims;
  const int columns = dims[0], rows = dims.size() > 1 ? dims[1] : 1, drawn_x = std::min(columns, most), drawn_y = std::min(rows, most);
  const std::vector<double> load = by_link(fabric, network_load);
  const double width = std::max(700.0, left + pitch * drawn_x + 60);
  begin_svg(width, top + pitch * drawn_y + 60, title_of(fabric), out);
  if (!load.empty()) write_load_legend(width - 60, out);
  const int planes = fabric.impl().hosts.nics() / (columns * rows);
  note(24, 66,
       fmt::format("{}{}; rings close along the arcs", fmt::join(dims, " x "),
                   planes > 1 ? fmt::format(": the first of {} planes", planes) : ""),
       out);
  const auto place = [&](int chip) { return Point{left + pitch * (chip % columns), top + pitch * (chip / columns)}; };
  const auto number = [&](std::uint32_t node) {
    const std::int64_t chip = std::int64_t{node} - fabric.impl().hosts.nic_node(0);
    const bool inside = chip >= 0 && chip < std::int64_t{columns} * rows && chip % columns < most && chip / columns < most;
    return inside ? static_cast<int>(chip) : -1;
  };
  out << "<g class=\"link\" stroke-width=\"3\">\n";
  for (const auto& [ends, of_line] : lines_between(fabric, load, LinkKind::peer, number)) {
    const Point a = place(ends.first), b = place(ends.second);
    const bool across = ends.first / columns == ends.second / columns, wraps = (across ? b.x - a.x : b.y - a.y) > 1.5 * pitch;
    const double bend = wraps ? pitch / 2 : 0;
    out << fmt::format("<path d=\"M{:.1f} {:.1f}Q{:.1f} {:.1f} {:.1f} {:.1f}\"{}/>\n", a.x, a.y, (a.x + b.x) / 2 - (across ? 0 : bend),
                       (a.y + b.y) / 2 - (across ? bend : 0), b.x, b.y, stroke(load, of_line));
  }
  out << "</g>\n";
  for (int y = 0; y < drawn_y; ++y)
    for (int x = 0; x < drawn_x; ++x) {
      const int chip = x + columns * y;
      const Point at = place(chip);
      out << fmt::format("<rect class=\"host\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.0f}\" height=\"{:.0f}\" rx=\"3\"/>\n", at.x - box / 2,
                         at.y - box / 2, box, box);
      out << fmt::format("<text class=\"name\" x=\"{:.1f}\" y=\"{:.1f}\" font-size=\"9\">{}</text>\n", at.x, at.y + 3, chip);
    }
  if (drawn_x < columns || drawn_y < rows || planes > 1)
    note(24, top + pitch * drawn_y + 30, fmt::format("+{} more", fabric.impl().hosts.nics() - drawn_x * drawn_y), out);
  out << "</svg>\n";
}

// A group is a box on a circle; lines are the cables between two groups.
void write_dragonfly(const Fabric& fabric, std::span<const double> network_load, std::ostream& out) {
  constexpr double size = 900, middle_x = 560, middle_y = 520, radius = 380;
  const FabricSpec& spec = fabric.impl().spec.fabric;
  const int switches = (spec.radix[0] + 1) / 4 * 2;  // of a group
  std::uint32_t first = 0;
  while (fabric.nodes()[first].kind != NodeKind::leaf) ++first;
  const int groups = static_cast<int>(fabric.nodes().size() - first) / switches;
  const std::vector<double> load = by_link(fabric, network_load);
  begin_svg(size + 220, size + 60, title_of(fabric), out);
  if (!load.empty()) write_load_legend(size + 100, out);
  const auto group = [&](std::uint32_t node) { return node < first ? -1 : static_cast<int>(node - first) / switches; };
  const auto lines = lines_between(fabric, load, LinkKind::global, group);
  note(24, 66, fmt::format("{} groups of {} switches that are joined each to each; lines are the cables between groups", groups, switches),
       out);
  const auto place = [&](int number) {
    const double angle = 2 * std::numbers::pi * number / groups - std::numbers::pi / 2;
    return Point{middle_x + radius * std::cos(angle), middle_y + radius * std::sin(angle)};
  };
  out << fmt::format("<g class=\"link\" stroke-opacity=\"{:.2f}\">\n", std::clamp(100.0 / static_cast<double>(lines.size() + 1), 0.2, 0.8));
  for (const auto& [ends, of_line] : lines) {
    const Point a = place(ends.first), b = place(ends.second);
    out << fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"{}/>\n", a.x, a.y, b.x, b.y, stroke(load, of_line));
  }
  out << "</g>\n";
  const double box = std::clamp(2 * radius / groups * 2.4, 10.0, 90.0);
  for (int number = 0; number < groups; ++number) {
    const Point at = place(number);
    out << fmt::format("<rect class=\"switch\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"26\" rx=\"4\"/>\n", at.x - box / 2,
                       at.y - 13, box);
    out << fmt::format("<text class=\"name\" x=\"{:.1f}\" y=\"{:.1f}\" font-size=\"{:.1f}\">{}</text>\n", at.x, at.y + 4,
                       std::min(11.0, box / 2), box > 60 ? fmt::format("group {}", number) : fmt::to_string(number));
  }
  out << "</svg>\n";
}

}  // namespace topology
