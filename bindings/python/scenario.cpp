#include <pybind11/stl.h>
#include <nlohmann/json.hpp>
#include "bindings/python/bindings.hpp"
#include "sim/error.hpp"
#include "topology/fabric.hpp"
#include "topology/report.hpp"
#include "workloads/model_size.hpp"
#include "workloads/quantity.hpp"
#include "workloads/scenario_reader.hpp"
#include "workloads/scenario_schema.hpp"
#include "workloads/topology_json.hpp"

namespace py = pybind11;

namespace python {
namespace {

// YAML as dicts, lists, numbers, texts; what stands in quotes is text.
py::object to_python(const workloads::TextNode& node) {
  using Kind = workloads::TextNode::Kind;
  if (node.kind == Kind::map) {
    py::dict map;
    for (const workloads::TextNode& child : node.children) map[py::str(child.key)] = to_python(child);
    return map;
  }
  if (node.kind == Kind::sequence) {
    py::list list;
    for (const workloads::TextNode& child : node.children) list.append(to_python(child));
    return list;
  }
  if (node.kind == Kind::null) return py::none();
  if (!node.quoted) {
    if (node.text == "true" || node.text == "false") return py::bool_(node.text == "true");
    if (const auto whole = workloads::parse_integer(node.text)) return py::int_(*whole);
    if (const auto number = workloads::parse_number(node.text)) return py::float_(*number);
  }
  return py::str(node.text);
}

py::tuple checked(const std::string& text, const std::string& source_name, bool workload_required) {
  const workloads::Scenario scenario = workloads::read_scenario_text(text, source_name, {.workload_required = workload_required});
  return py::make_tuple(workloads::to_yaml(scenario), scenario.warnings);
}

// ([(node, kind)], [(from, to, kind, bytes a second, picoseconds)], JSON of `weftsim topo`)
py::tuple fabric(const std::string& text, const std::string& source_name) {
  const workloads::Scenario scenario = workloads::read_scenario_text(text, source_name, {.workload_required = false});
  const topology::Fabric built(scenario.cluster);
  py::list nodes, links;
  for (const topology::Node& node : built.nodes()) nodes.append(py::make_tuple(node.name, std::string(name_of(node.kind))));
  for (const topology::Link& link : built.links())
    links.append(py::make_tuple(link.from, link.to, std::string(name_of(link.kind)), link.capacity.value(), link.latency.ps()));
  return py::make_tuple(nodes, links, workloads::topology_json(topology::report(built)).dump());
}

// The number that a text with a unit means.
template <class Parse>
auto quantity(const std::string& text, Parse&& parse) {
  const auto parsed = parse(text);
  if (!parsed.value) throw sim::InputError(text + " " + parsed.problem);
  return *parsed.value;
}

// (the keys of a model with what was left out, as YAML; its parameters; warnings)
py::tuple model(const std::string& text, const std::string& source_name) {
  workloads::TextNode tree = workloads::parse_text(text, source_name);
  std::vector<std::string> warnings;
  const workloads::ModelSpec read = workloads::read_model(*tree.find("model"), warnings);
  return py::make_tuple(workloads::to_yaml(read), workloads::total_parameters(read), warnings);
}

}  // namespace

void bind_scenario(py::module_& module) {
  module.def(
      "parse_yaml", [](const std::string& text, const std::string& source) { return to_python(workloads::parse_text(text, source)); },
      py::arg("text"), py::arg("source_name"), "A scenario's text as a dict.");
  module.def(
      "shipped_text",
      [](const std::string& name) {
        const auto text = workloads::shipped_scenario_text(name);
        if (!text) workloads::read_shipped_scenario(name, {.workload_required = false});  // throws: names the known ones
        return std::string(text.value());
      },
      py::arg("name"), "The text of a shipped scenario or fabric.");
  module.def("checked", &checked, py::arg("text"), py::arg("source_name"), py::arg("workload_required"),
             "(the scenario with presets and defaults filled in, as YAML; warnings)");
  module.def("fabric", &fabric, py::arg("text"), py::arg("source_name"), "(nodes, links, report as JSON)");
  module.def("model", &model, py::arg("text"), py::arg("source_name"), "(the keys of {model: …} as YAML, its parameters, warnings)");
  module.def(
      "bytes_per_second", [](const std::string& text) { return quantity(text, workloads::parse_bandwidth).value(); }, py::arg("text"));
  module.def(
      "picoseconds", [](const std::string& text) { return quantity(text, workloads::parse_time).ps(); }, py::arg("text"));
  module.def("schema", &workloads::scenario_schema, "The JSON Schema of a scenario, as text.");
}

}  // namespace python
