#include <fmt/format.h>
#include <type_traits>
#include "workloads/quantity.hpp"
#include "workloads/scenario_fields.hpp"
#include "workloads/scenario_reader.hpp"
#include "workloads/scenario_text.hpp"

namespace workloads {
namespace {

template <class T>
struct is_optional : std::false_type {};
template <class T>
struct is_optional<std::optional<T>> : std::true_type {};

template <class T>
struct is_vector : std::false_type {};
template <class T>
struct is_vector<std::vector<T>> : std::true_type {};

// Visitor of scenario_fields.hpp: a line a key, maps indented by two.
class FieldWriter {
 public:
  static constexpr bool writing = true;
  FieldWriter(std::string& out, int indent, std::string first = {}) : out_(out), indent_(indent), first_(std::move(first)) {}

  template <class T>
  void field(std::string_view key, T&& value, const Field& info = {}) {
    using Value = std::remove_cvref_t<T>;
    if constexpr (is_optional<Value>::value) {
      if (value) line(key, text(*value));
    } else if constexpr (requires(FieldWriter & v) { describe(v, value); }) {
      begin(key);
      FieldWriter nested(out_, indent_ + 2);
      describe(nested, value);
    } else if (!(info.zero_is_absent && is_zero(value)) && !is_empty(value)) {
      if constexpr (std::is_same_v<Value, LinkPerTier>)
        links(key, value);
      else if constexpr (requires(FieldWriter & v) { describe(v, value[0]); })
        entries(key, value);
      else
        line(key, text(value));
    }
  }
  template <class Describe>
  void group(std::string_view key, Describe&& describe_group) {
    std::string body;
    FieldWriter nested(body, indent_ + 2);
    describe_group(nested);
    if (body.empty()) return;
    begin(key);
    out_ += body;
  }
  void later(std::string_view, std::string_view, std::string_view) {}

  void links(std::string_view key, const LinkPerTier& value) {
    if (value.upper.empty()) return field(key, value.lowest);
    std::vector<topology::FabricLinkSpec> tiers = {value.lowest};
    tiers.insert(tiers.end(), value.upper.begin(), value.upper.end());
    entries(key, tiers);
  }
  template <class T>
  void entries(std::string_view key, std::vector<T>& values) {
    begin(key);
    for (T& value : values) {
      FieldWriter nested(out_, indent_ + 4, std::string(static_cast<std::size_t>(indent_), ' ') + "  - ");
      describe(nested, value);
    }
  }
  void begin(std::string_view key) { out_ += fmt::format("{}{}:\n", margin(), key); }
  void line(std::string_view key, std::string_view value) { out_ += fmt::format("{}{}: {}\n", margin(), key, value); }

 private:
  // The first line of a list entry carries the dash.
  std::string margin() {
    std::string margin = first_.empty() ? std::string(static_cast<std::size_t>(indent_), ' ') : first_;
    first_.clear();
    return margin;
  }

  template <class T>
  static bool is_zero(const T& value) {
    if constexpr (std::is_same_v<T, LineRate>) {
      return value.value.value() == 0;
    } else if constexpr (std::is_same_v<T, sim::BytesPerSecond>) {
      return value.value() == 0;
    } else if constexpr (std::is_arithmetic_v<T>) {
      return value == 0;
    }
    return false;
  }
  template <class T>
  static bool is_empty(const T& value) {
    if constexpr (std::is_same_v<T, LayersPerStage>) return value.layers_of_chunk.empty();
    if constexpr (std::is_same_v<T, LinksOrPath>) return value.path.empty() && value.rows.empty();
    if constexpr (std::is_same_v<T, FailureList>) return value.always.empty() && value.timed.empty();
    if constexpr (std::is_same_v<T, std::string> || is_vector<T>::value) return value.empty();
    return false;
  }

  template <class T>
  static std::string text(const T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      return value ? "true" : "false";
    } else if constexpr (std::is_enum_v<T>) {
      for (const auto& [name, known] : Names<T>::known) {
        if (known == value) return std::string(name);
      }
      return "?";
    } else if constexpr (std::is_integral_v<T>) {
      return fmt::format("{}", value);
    } else if constexpr (std::is_floating_point_v<T>) {
      return to_text(value);
    } else if constexpr (std::is_same_v<T, std::string>) {
      return in_quotes(value);
    } else if constexpr (std::is_same_v<T, sim::BytesPerSecond> || std::is_same_v<T, sim::Time> || std::is_same_v<T, sim::Bytes>) {
      return in_quotes(to_text(value));
    } else if constexpr (std::is_same_v<T, LineRate>) {
      return in_quotes(to_text(value.value, BandwidthUnit::bits));
    } else if constexpr (std::is_same_v<T, LayersPerStage>) {
      return list(value.layers_of_chunk);
    } else if constexpr (std::is_same_v<T, FailureList>) {
      std::vector<std::string> entries;
      for (const std::string& name : value.always) entries.push_back(text(name));
      for (const topology::TimedFailure& f : value.timed)
        entries.push_back(fmt::format("{{{}: {}, at: {}{}{}}}", kind_of(f), text(f.part), text(f.at),
                                      f.duration ? fmt::format(", for: {}", text(*f.duration)) : "",
                                      f.left > 0 ? fmt::format(", left: {}", text(f.left)) : ""));
      return fmt::format("[{}]", fmt::join(entries, ", "));
    } else if constexpr (std::is_same_v<T, LinksOrPath>) {
      return value.rows.empty() ? text(value.path) : list(value.rows);
    } else if constexpr (std::is_same_v<T, ScheduleOrRows>) {
      return value.kind == ScheduleKind::own ? list(value.rows) : text(value.kind);
    } else if constexpr (std::is_same_v<T, PlacementOrHosts>) {
      return value.placement == Placement::list ? list(value.hosts) : text(value.placement);
    } else {
      return value.size() == 1 ? text(value[0]) : list(value);
    }
  }
  template <class T>
  static std::string list(const std::vector<T>& values) {
    std::string out;
    for (const T& value : values) out += (out.empty() ? "" : ", ") + text(value);
    return "[" + out + "]";
  }

  std::string& out_;
  int indent_;
  std::string first_;
};

// The whole cluster, packed, from the start: what `workload` means.
bool is_the_workload(const Scenario& scenario) {
  if (scenario.jobs.size() != 1) return false;
  const JobSpec& job = scenario.jobs[0];
  return job.gpus == scenario.cluster.gpus && job.placement == Placement::packed && job.start == sim::Time{} && job.name == scenario.name;
}

}  // namespace

std::string to_yaml(const ModelSpec& model) {
  ModelSpec copy = model;
  std::string out;
  FieldWriter writer(out, 0);
  describe(writer, copy);
  return out;
}

std::string to_yaml(const Scenario& scenario) {
  Scenario copy = scenario;  // visitors take references; nothing is changed
  std::string out = "schema: weftsim/1\n";
  FieldWriter writer(out, 0);
  writer.line("name", in_quotes(copy.name));
  writer.begin("cluster");
  FieldWriter cluster(out, 2);
  describe(cluster, copy.cluster);
  if (is_the_workload(copy)) {
    writer.begin("workload");
    FieldWriter workload(out, 2);
    describe_workload(workload, copy.jobs[0]);
  } else if (!copy.jobs.empty()) {
    writer.begin("jobs");
    for (JobSpec& job : copy.jobs) {
      FieldWriter entry(out, 4, "  - ");
      describe(entry, job);
    }
  }
  writer.line("network", copy.network);
  if (!copy.packet_for.is_all()) writer.field("packet_for", copy.packet_for);
  writer.field("on_oom", copy.on_oom);
  return out;
}

}  // namespace workloads
