#include "workloads/graphml_file.hpp"
#include <expat.h>
#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <map>
#include <unordered_map>
#include "workloads/quantity.hpp"

namespace workloads {
namespace {

constexpr std::size_t most_problems = 20, longest_value = 4096;
constexpr int deepest = 16;

using Values = std::map<std::string, std::string>;  // by attr.name

class Reading {
 public:
  Reading(const std::string& path, Problems& problems)
      : path_(path), problems_(problems), source_(std::make_shared<const std::string>(path)), parser_(XML_ParserCreate("UTF-8")) {
    XML_SetUserData(parser_, this);
    XML_SetElementHandler(
        parser_, [](void* self, const char* name, const char** given) { static_cast<Reading*>(self)->begin(name, given); },
        [](void* self, const char* name) { static_cast<Reading*>(self)->end(name); });
    XML_SetCharacterDataHandler(parser_, [](void* self, const char* text, int size) {
      static_cast<Reading*>(self)->text({text, static_cast<std::size_t>(size)});
    });
    XML_SetStartDoctypeDeclHandler(parser_, [](void* self, const char*, const char*, const char*, int) {
      static_cast<Reading*>(self)->stop("a document type (and with it entities) has no use here. Take it out.");
    });
  }
  ~Reading() { XML_ParserFree(parser_); }
  Reading(const Reading&) = delete;

  topology::LinkFile read() {
    std::ifstream file(path_, std::ios::binary);
    std::array<char, 1 << 16> part{};
    while (file && !stopped_) {
      file.read(part.data(), part.size());
      if (XML_Parse(parser_, part.data(), static_cast<int>(file.gcount()), file.eof()) == XML_STATUS_ERROR && !stopped_)
        stop(fmt::format("no XML: {}. Write a GraphML file.", XML_ErrorString(XML_GetErrorCode(parser_))));
    }
    if (!stopped_ && found_ == 0 && edges_.empty()) bad(line(), "there are no edges. Write a GraphML file with one for each cable.");
    return found_ == 0 ? link_file() : topology::LinkFile{};
  }

 private:
  struct Key {
    std::string of, name;
    std::string standard;
    bool has_standard = false;
  };
  struct Node {
    std::string name, kind;
    int line = 0;
  };
  struct Edge {
    std::uint32_t from = 0, to = 0;
    topology::FileLink link;
    std::int64_t order = 0;
    bool both_ways = false;
  };

  int line() const { return static_cast<int>(XML_GetCurrentLineNumber(parser_)); }
  void bad(int line, std::string_view what) {
    problems_.add({source_, line}, "", what);
    if (++found_ == most_problems) stop("too many problems; the rest of the file was not read.");
  }
  void stop(std::string_view what) {
    if (stopped_) return;
    stopped_ = true;
    ++found_;
    problems_.add({source_, line()}, "", what);
    XML_StopParser(parser_, XML_FALSE);
  }

  static std::string attribute(const char** given, std::string_view name) {
    for (; *given; given += 2)
      if (*given == name) return given[1];
    return {};
  }

  void begin(std::string_view name, const char** given) {
    if (++depth_ > deepest) return stop(fmt::format("elements are nested deeper than {}. Write a plain graph.", deepest));
    in_value_ = name == "data" || name == "default";
    value_.clear();
    if (name == "key") {
      key_ = attribute(given, "id");
      keys_[key_] = {attribute(given, "for"), attribute(given, "attr.name"), {}, {}};
    } else if (name == "graph") {
      if (graph_) return bad(line(), "a graph in a graph, or a second one, is not supported yet. Write one.");
      graph_ = true;
      undirected_ = attribute(given, "edgedefault") == "undirected";
    } else if (name == "node") {
      id_ = attribute(given, "id");
      values_ = standards("node");
    } else if (name == "edge") {
      source_node_ = attribute(given, "source"), target_node_ = attribute(given, "target");
      const std::string directed = attribute(given, "directed");
      both_ways_ = directed.empty() ? undirected_ : directed == "false";
      values_ = standards("edge");
    } else if (name == "data") {
      key_ = attribute(given, "key");
    } else if (name == "hyperedge") {
      bad(line(), "hyperedges are not supported yet. Write an edge for each cable.");
    }
  }
  void text(std::string_view part) {
    if (in_value_ && value_.size() < longest_value) value_ += part;
  }
  void end(std::string_view name) {
    --depth_;
    in_value_ = false;
    if (name == "data") {
      if (const auto key = keys_.find(key_); key != keys_.end()) values_[key->second.name] = value_;
    } else if (name == "default") {
      keys_[key_].standard = value_;
      keys_[key_].has_standard = true;
    } else if (name == "node") {
      end_node();
    } else if (name == "edge") {
      end_edge();
    }
  }

  Values standards(std::string_view of) const {
    Values values;
    for (const auto& [id, key] : keys_)
      if (key.has_standard && (key.of == of || key.of == "all")) values[key.name] = key.standard;
    return values;
  }

  void end_node() {
    const auto [at, added] = number_of_id_.try_emplace(id_, static_cast<std::uint32_t>(nodes_.size()));
    if (id_.empty() || !added)
      return bad(line(), id_.empty() ? "a node has no id. Give it one." : fmt::format("node '{}' is there twice. Rename one.", id_));
    nodes_.push_back({values_.contains("name") ? values_["name"] : id_, values_["kind"], line()});
  }

  void end_edge() {
    Edge edge{node(source_node_), node(target_node_), {}, static_cast<std::int64_t>(edges_.size()), both_ways_};
    const double rate = number("gbps", 1e-9, 1e9), wait = number("latency_ns", 0, 1e9);
    if (values_.contains("link")) {
      const auto order = parse_integer(values_["link"]);
      if (!order || *order < 0)
        bad(line(), fmt::format("link: '{}' is no number of a link. Number them from 0, or leave it out.", values_["link"]));
      edge.order = order.value_or(0);
    }
    if (edge.from == edge.to && found_ == 0) bad(line(), fmt::format("the edge goes from '{}' to itself. Name two nodes.", source_node_));
    edge.link.bandwidth = sim::BytesPerSecond{rate * 1e9 / 8};
    edge.link.latency = sim::Time::picoseconds(std::llround(wait * 1e3));
    edges_.push_back(edge);
  }
  std::uint32_t node(const std::string& id) {
    const auto found = number_of_id_.find(id);
    if (found != number_of_id_.end()) return found->second;
    bad(line(), fmt::format("an edge ends at '{}', and no node before it has that id. Write nodes first.", id));
    return 0;
  }
  double number(const std::string& name, double least, double most) {
    const auto found = values_.find(name);
    if (found == values_.end()) {
      bad(line(), fmt::format("the edge has no {}. Give it as data with attr.name=\"{}\".", name, name));
      return least;
    }
    const auto value = parse_number(found->second);
    if (value && *value >= least && *value <= most) return *value;
    bad(line(), value ? fmt::format("{}: {} is not from {:g} to {:g}. Correct it.", name, found->second, least, most)
                      : fmt::format("{}: '{}' is no number. Correct it.", name, found->second));
    return least;
  }

  // End points first, then the switches, both in the order of the file.
  topology::LinkFile link_file() {
    constexpr std::uint32_t left_out = 0xffffffff;
    const bool kinds = std::any_of(nodes_.begin(), nodes_.end(), [](const Node& n) { return !n.kind.empty(); });
    std::vector<std::uint32_t> number(nodes_.size(), left_out);
    topology::LinkFile file;
    std::unordered_map<std::string, int> line_of_name;
    const auto add = [&](std::size_t n) {
      number[n] = static_cast<std::uint32_t>(file.nodes.size());
      file.nodes.push_back(nodes_[n].name);
      if (const auto [at, added] = line_of_name.try_emplace(nodes_[n].name, nodes_[n].line); !added)
        bad(nodes_[n].line, fmt::format("the name '{}' is taken by line {}. Rename one.", nodes_[n].name, at->second));
    };
    for (std::size_t n = 0; n < nodes_.size(); ++n)
      if (kinds ? nodes_[n].kind == "nic" : nodes_[n].name == fmt::format("h{}", file.nodes.size())) add(n);
    file.end_points = static_cast<int>(file.nodes.size());
    for (std::size_t n = 0; n < nodes_.size(); ++n)
      if (number[n] == left_out && nodes_[n].kind != "gpu" && nodes_[n].kind != "nvswitch") add(n);
    if (file.end_points == 0) bad(1, "no node is an end point. Give them kind nic, or call them h0, h1, … in this order.");
    std::stable_sort(edges_.begin(), edges_.end(), [](const Edge& a, const Edge& b) { return a.order < b.order; });
    for (Edge& edge : edges_) {
      edge.link.from = number[edge.from], edge.link.to = number[edge.to];
      if (edge.link.from == left_out || edge.link.to == left_out) continue;
      file.links.push_back(edge.link);
      std::swap(edge.link.from, edge.link.to);
      if (edge.both_ways) file.links.push_back(edge.link);
    }
    return found_ == 0 ? std::move(file) : topology::LinkFile{};
  }

  const std::string& path_;
  Problems& problems_;
  std::shared_ptr<const std::string> source_;
  XML_Parser parser_;
  std::size_t found_ = 0;
  bool stopped_ = false, graph_ = false, undirected_ = false, both_ways_ = false, in_value_ = false;
  int depth_ = 0;
  std::string key_, value_, id_, source_node_, target_node_;
  std::map<std::string, Key> keys_;
  Values values_;  // of the present node or edge
  std::vector<Node> nodes_;
  std::vector<Edge> edges_;
  std::unordered_map<std::string, std::uint32_t> number_of_id_;
};

}  // namespace

topology::LinkFile read_graphml(const std::string& path, Problems& problems) { return Reading(path, problems).read(); }

}  // namespace workloads
