#include "workloads/parts_file.hpp"
#include <fmt/format.h>
#include <algorithm>
#include "workloads/scenario_field_reader.hpp"
#include "workloads/scenario_presets.hpp"  // embedded_text, found_file

namespace workloads {

// Every part says where its figures are from; that is for people, and not kept.
template <class Visitor>
void describe_figures(Visitor& v, topology::PartFigures& s) {
  v.field("power_w", s.power_w, {.meaning = "at full load", .least = 0});
  v.field("price_usd", s.price_usd, {.meaning = "of one", .least = 0});
  std::string source;
  v.field("source", source, {.meaning = "where the figures are from, and of when", .required = true});
}
template <class Visitor>
void describe(Visitor& v, topology::SwitchPart& s) {
  v.field("name", s.name, {.meaning = "of the switch", .required = true});
  v.field("capacity", LineRate{s.capacity}, {.meaning = "of all ports, one direction", .required = true});
  describe_figures(v, s.figures);
}
template <class Visitor>
void describe(Visitor& v, topology::ModulePart& s) {
  v.field("optics", s.optics, {.meaning = "kind of transceiver", .required = true});
  v.field("bandwidth", LineRate{s.bandwidth}, {.meaning = "of one module", .required = true});
  v.field("latency", s.latency, {.meaning = "of one end"});
  v.field("reach_m", s.reach_m, {.meaning = "of the longest cable, metres", .least = 0});
  describe_figures(v, s.figures);
}
template <class Visitor>
void describe(Visitor& v, topology::CablePart& s) {
  v.field("bandwidth", LineRate{s.bandwidth}, {.meaning = "of what it carries", .required = true});
  topology::PartFigures figures;
  describe_figures(v, figures);
  s.price_usd = figures.price_usd;
}
template <class Visitor>
void describe(Visitor& v, topology::NamedPart& s) {
  v.field("name", s.name, {.meaning = "of the profile or preset", .required = true});
  describe_figures(v, s.figures);
}
template <class Visitor>
void describe(Visitor& v, topology::CoolingPart& s) {
  v.field("name", s.name, {.meaning = "for site.cooling", .required = true});
  v.field("pue", s.pue, {.meaning = "power of the building by that of the equipment", .required = true, .least = 1, .most = 10});
  v.field("building_usd_per_kw", s.building_usd_per_kw, {.meaning = "of the building, for each kW of equipment", .least = 0});
  v.field("rack_kw", s.rack_kw, {.meaning = "that it takes from a rack", .least = 0});
  std::string source;
  v.field("source", source, {.meaning = "where the figures are from, and of when", .required = true});
}
template <class Visitor>
void describe(Visitor& v, topology::RackPart& s) {
  v.field("pitch_m", s.pitch_m, {.meaning = "of racks in a row", .required = true, .least = 0.1, .most = 10});
  v.field("row_pitch_m", s.row_pitch_m, {.meaning = "of rows", .required = true, .least = 0.1, .most = 100});
  v.field("per_row", s.per_row, {.meaning = "racks of a row", .required = true, .least = 1, .most = 100'000});
  v.field("rise_m", s.rise_m, {.meaning = "from a port to the tray above", .required = true, .least = 0, .most = 100});
  std::string source;
  v.field("source", source, {.meaning = "where the figures are from, and of when", .required = true});
}

namespace {

topology::PartsTable parsed(std::string_view text, const std::string& source, Problems& problems) {
  topology::PartsTable table;
  const auto tree = parse_text(text, source, problems);
  if (!tree) return table;
  FieldReader v(*tree, "", problems);
  std::string schema;
  v.field("schema", schema, {.meaning = "weftsim-parts/1", .required = true});
  const Field optional{.meaning = "parts of a kind", .may_be_empty = true};
  v.field("switches", table.switches, optional);
  v.field("modules", table.modules, optional);
  v.field("fibres", table.fibres, optional);
  v.field("gpus", table.gpus, optional);
  v.field("hosts", table.hosts, optional);
  v.field("scale_up_switches", table.scale_up_switches, optional);
  v.field("cooling", table.cooling, optional);
  v.field("racks", table.racks, {.meaning = "how far apart they stand"});
  v.finish();
  return table;
}

}  // namespace

void read_parts(const TextNode& tree, const std::filesystem::path& folder, topology::SiteSpec& site, Problems& problems) {
  if (!problems.sound("cluster.site")) return;
  const auto refuse = [&](const char* key, const std::string& what) {
    problems.add_value(tree.nearest(fmt::format("cluster.site.{}", key)).place, "cluster.site", key, what);
  };
  if (site.parts.empty()) {
    site.table = parsed(*embedded_text("parts/parts.yaml"), "parts.yaml", problems);
  } else {
    const std::filesystem::path path = found_file(site.parts, folder);
    if (path.empty()) return refuse("parts", fmt::format("parts '{}': no such file. Give the path of a YAML of parts.", site.parts));
    site.parts = path.string();
    site.table = parsed(read_text_file(site.parts), site.parts, problems);
  }
  std::vector<std::string> known;
  for (const topology::CoolingPart& part : site.table.cooling) known.push_back(part.name);
  if (std::find(known.begin(), known.end(), site.cooling) == known.end() &&
      (site.pue == 0 || tree.nearest("cluster.site.cooling").key == "cooling"))
    refuse("cooling", fmt::format("unknown cooling '{}' (known: {}).{}", site.cooling, joined(known), did_you_mean(site.cooling, known)));
}

}  // namespace workloads
