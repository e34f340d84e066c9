#include "workloads/scenario_schema.hpp"
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <optional>
#include <type_traits>
#include "workloads/scenario_fields.hpp"
#include "workloads/scenario_text.hpp"

namespace workloads {
namespace {

using Json = nlohmann::ordered_json;

// Visitor of scenario_fields.hpp: the keys of a map as a schema.
class FieldSchema {
 public:
  static constexpr bool writing = false;

  template <class T>
  void field(std::string_view key, T&& value, const Field& info = {}) {
    Json schema = of(value, info);
    if (!info.meaning.empty()) schema["description"] = info.meaning;
    properties_[std::string(key)] = std::move(schema);
    if (info.required) required_.push_back(std::string(key));
  }
  template <class Describe>
  void group(std::string_view key, Describe&& describe_group) {
    FieldSchema nested;
    describe_group(nested);
    properties_[std::string(key)] = nested.schema();
  }
  // A key of a later release may be there if it says what is so anyway.
  void later(std::string_view key, std::string_view neutral, std::string_view meaning) {
    if (neutral.empty()) return;
    const TextNode node = parse_text(neutral, "neutral");
    properties_[std::string(key)] = node.is_map() ? Json{{"type", "object"}} : Json{{"const", Json::parse(neutral)}};
    properties_[std::string(key)]["description"] = fmt::format("{}: not supported yet, only {}", meaning, neutral);
  }

  Json schema() const {
    Json map = {{"type", "object"}, {"properties", properties_}, {"additionalProperties", false}};
    if (required_.empty()) return map;
    if (!properties_.contains("preset")) {
      map["required"] = required_;
      return map;
    }
    // A preset has all that is required, here and one level down.
    Json nested = Json::object();
    for (auto& [key, property] : map["properties"].items()) {
      if (!property.contains("required")) continue;
      nested[key]["required"] = property["required"];
      property.erase("required");
    }
    map["anyOf"] = {Json{{"required", {"preset"}}}, Json{{"required", required_}, {"properties", nested}}};
    return map;
  }

  template <class T>
  static Json of(T&& value, const Field& info) {
    using Value = std::remove_cvref_t<T>;
    if constexpr (std::is_same_v<Value, bool>) {
      return {{"type", "boolean"}};
    } else if constexpr (std::is_integral_v<Value>) {
      return limited({{"type", "integer"}}, info);
    } else if constexpr (std::is_floating_point_v<Value>) {
      return limited({{"type", "number"}}, info);
    } else if constexpr (std::is_same_v<Value, std::string>) {
      return {{"type", {"string", "number"}}};  // `name: 7` is a name, too
    } else if constexpr (std::is_enum_v<Value>) {
      Json names = Json::array();
      for (const auto& [name, known] : Names<Value>::known) names.push_back(name);
      return {{"enum", std::move(names)}};
    } else if constexpr (requires {
                           typename Value::value_type;
                           value.has_value();
                         }) {
      return of(typename Value::value_type{}, info);
    } else if constexpr (std::is_same_v<Value, sim::BytesPerSecond> || std::is_same_v<Value, LineRate>) {
      return quantity("b/s|B/s|bps", "400 Gb/s");
    } else if constexpr (std::is_same_v<Value, sim::Time>) {
      return quantity("s", "500 ns");
    } else if constexpr (std::is_same_v<Value, sim::Bytes>) {
      return quantity("B", "80 GiB");
    } else if constexpr (std::is_same_v<Value, LinkPerTier>) {
      return one_or_list(of(value.lowest, info));
    } else if constexpr (std::is_same_v<Value, FailureList>) {
      return one_or_list({{"anyOf", {Json{{"type", "string"}}, of(topology::TimedFailure{}, {})}}});
    } else if constexpr (std::is_same_v<Value, LayersPerStage>) {
      return {{"anyOf", {Json{{"enum", {"even", "balanced"}}}, list(of(0, info))}}};
    } else if constexpr (std::is_same_v<Value, LinksOrPath>) {
      return one_or_list({{"type", "string"}});
    } else if constexpr (std::is_same_v<Value, ScheduleOrRows>) {
      return {{"anyOf", {of(value.kind, info), Json{{"type", "string"}, {"pattern", "[./]"}}, list(Json{{"type", "string"}})}}};
    } else if constexpr (std::is_same_v<Value, PlacementOrHosts>) {
      return {{"anyOf", {of(value.placement, info), list(of(0, info))}}};
    } else if constexpr (std::is_same_v<Value, ModelSpec>) {
      return model();
    } else if constexpr (requires(FieldSchema & v, Value & s) { describe(v, s); }) {
      return nested<Value>();
    } else {
      return one_or_list(of(typename Value::value_type{}, info));
    }
  }

 private:
  template <class Struct>
  static Json nested() {
    FieldSchema visitor;
    Struct standard{};
    describe(visitor, standard);
    return visitor.schema();
  }
  // A name, a path, a config.json in place, our keys, or {preset: …} and keys of ours that change it.
  static Json model() {
    Json keys = nested<ModelSpec>();
    keys["properties"]["preset"] = {{"type", "string"},
                                    {"description", "a shipped model, or the path of a config.json; keys beside it override it"}};
    keys["anyOf"] = {Json{{"required", {"preset"}}}, Json{{"required", keys["required"]}}};
    keys.erase("required");
    const Json hugging_face = {{"type", "object"}, {"anyOf", {Json{{"required", {"model_type"}}}, Json{{"required", {"architectures"}}}}}};
    return {{"anyOf", {Json{{"type", "string"}}, hugging_face, std::move(keys)}}};
  }
  static Json limited(Json schema, const Field& info) {
    if (info.least > -1e300) schema["minimum"] = info.least;
    if (info.most < 1e300) schema["maximum"] = info.most;
    return schema;
  }
  static Json quantity(std::string_view unit, std::string_view example) {
    return {{"type", "string"},
            {"pattern", fmt::format("^\\s*[-+]?[0-9.]+([eE][-+]?[0-9]+)?\\s*[A-Za-z]*({})\\s*$", unit)},
            {"examples", {example}}};
  }
  static Json list(Json entry) { return {{"type", "array"}, {"items", std::move(entry)}}; }
  static Json one_or_list(Json entry) {
    Json listed = list(entry);
    return {{"anyOf", {std::move(entry), std::move(listed)}}};
  }

  Json properties_ = Json::object();
  std::vector<std::string> required_;
};

}  // namespace

std::string scenario_schema() {
  FieldSchema workload;
  JobSpec job;
  describe_workload(workload, job);
  const Json jobs = {{"type", "array"}, {"minItems", 1}, {"items", FieldSchema::of(job, {})}};
  const Json schema = {
      {"$schema", "https://json-schema.org/draft/2020-12/schema"},
      {"title", "weftsim scenario"},
      {"type", "object"},
      {"properties",
       {{"schema", {{"const", "weftsim/1"}}},
        {"name", {{"type", {"string", "number"}}}},
        {"cluster", FieldSchema::of(topology::ClusterSpec{}, {})},
        {"workload", workload.schema()},
        {"jobs", jobs},
        {"network", {{"type", "string"}, {"description", "a network model: `weftsim list`"}}},
        {"packet_for", FieldSchema::of(PacketFor{}, {.meaning = "of network packet: what goes as packets, the rest as a fluid"})},
        {"on_oom", FieldSchema::of(OnOutOfMemory{}, {})}}},
      {"required", {"cluster"}},
      {"not", {{"required", {"workload", "jobs"}}}},
      {"additionalProperties", false}};
  return schema.dump(2) + "\n";
}

}  // namespace workloads
