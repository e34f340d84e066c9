#include "workloads/scenario_reader.hpp"
#include <fmt/format.h>
#include <algorithm>
#include "kernels/device_profile.hpp"
#include "kernels/software_profile.hpp"
#include "sim/error.hpp"
#include "sim/network.hpp"
#include "workloads/scenario_checks.hpp"
#include "workloads/scenario_field_reader.hpp"
#include "workloads/parts_file.hpp"
#include "workloads/scenario_link_file.hpp"
#include "workloads/scenario_presets.hpp"
#include "workloads/scenario_schedule.hpp"

namespace workloads {
namespace {

constexpr std::string_view schema = "weftsim/1";

struct Source {
  std::string name;              // for messages
  std::filesystem::path folder;  // paths in the scenario are relative to it
};

// One reading of one scenario: overrides, presets, fields, checks, in this order.
class Reading {
 public:
  Reading(const Source& source, const ReadOptions& options) : source_(source), options_(options) {}

  Scenario read(std::string_view text) {
    std::optional<TextNode> tree = parse_text(text, source_.name, problems_);
    if (!tree) problems_.throw_if_any();
    scenario_.source_yaml = text;
    return read(std::move(*tree));
  }

  Scenario read(TextNode tree) {
    if (!tree.is_map()) problems_.add(tree.place, "", "is no map of keys. Begin with 'schema: weftsim/1'.");
    if (!tree.is_map()) problems_.throw_if_any();
    for (const std::string& assignment : options_.overrides) {
      apply_override(tree, assignment, problems_);
      scenario_.source_yaml += fmt::format("\n# --set {}", assignment);
    }
    put_in_presets(tree);
    read_top(tree);
    problems_.throw_if_any();
    return std::move(scenario_);
  }

 private:
  void put_in_presets(TextNode& tree) {
    if (TextNode* cluster = tree.find("cluster")) {
      put_in_end_points(*cluster);
      if (TextNode* host = cluster->find("host")) *host = with_host_preset(*host, "cluster.host", source_.folder, problems_);
      if (TextNode* groups = cluster->find("groups"))
        for (TextNode& group : groups->children)
          if (TextNode* host = group.find("host")) *host = with_host_preset(*host, "cluster.groups.host", source_.folder, problems_);
    }
    if (TextNode* workload = tree.find("workload")) put_in_model(*workload, "workload");
    if (TextNode* jobs = tree.find("jobs"); jobs && jobs->kind == TextNode::Kind::sequence) {
      for (std::size_t i = 0; i < jobs->children.size(); ++i) put_in_model(jobs->children[i], fmt::format("jobs.{}", i));
    }
  }
  // A file of links joins end points, so there is nothing to say of hosts.
  static void put_in_end_points(TextNode& cluster) {
    const TextNode* fabric = cluster.find("fabric");
    const TextNode* type = fabric ? fabric->find("type") : nullptr;
    if (!type || type->text != "file" || cluster.find("host")) return;
    TextNode host = parse_text("{preset: single-gpu}", "fabric of type file");
    host.key = "host";
    cluster.children.push_back(std::move(host));
  }
  void put_in_model(TextNode& job, const std::string& where) {
    if (TextNode* model = job.find("model")) *model = with_model_keys(*model, where, source_.folder, problems_, scenario_.warnings);
  }

  void read_top(const TextNode& tree) {
    FieldReader top(tree, "", problems_);
    std::string declared(schema);
    top.field("schema", declared);
    if (declared != schema)
      problems_.add(tree.nearest("schema").place, "",
                    fmt::format("unknown schema '{0}' (known: {1}). Write schema: {1}.", declared, schema));
    scenario_.name = std::filesystem::path(source_.name).stem().string();
    top.field("name", scenario_.name);
    top.field("cluster", scenario_.cluster, {.meaning = "the machines", .required = true});
    const TextNode* workload = top.own("workload");
    const TextNode* jobs = top.own("jobs");
    top.field("network", scenario_.network);
    top.field("packet_for", scenario_.packet_for);
    top.field("on_oom", scenario_.on_oom);
    top.finish();
    check_network(tree);
    check_timed_failures(tree);
    check_packet_for(tree);
    check_accelerator(tree, workload || jobs);
    read_link_file(tree, source_.folder, scenario_.cluster.fabric, problems_);
    read_parts(tree, source_.folder, scenario_.cluster.site, problems_);
    check_cluster(tree, scenario_, problems_);
    read_jobs(tree, workload, jobs);
  }

  void check_network(const TextNode& tree) {
    std::vector<std::string> known;
    for (const std::string_view name : sim::network_names()) known.emplace_back(name);
    known.emplace_back("packet");
    if (!problems_.sound("network") || std::find(known.begin(), known.end(), scenario_.network) != known.end()) return;
    problems_.add_value(
        tree.nearest("network").place, "", "network",
        fmt::format("unknown network '{}' (known: {}).{}", scenario_.network, joined(known), did_you_mean(scenario_.network, known)));
  }

  void check_packet_for(const TextNode& tree) {
    const PacketFor& chosen = scenario_.packet_for;
    const Place& place = tree.nearest("packet_for").place;
    if (!chosen.is_all() && scenario_.network != "packet")
      problems_.add_value(place, "", "packet_for",
                          fmt::format("chooses what goes as packets, but network is {}. Write network: packet.", scenario_.network));
    if (chosen.from && chosen.until && *chosen.until <= *chosen.from)
      problems_.add_value(place, "packet_for", "until", "is not after `from`. Give a later time.");
  }

  void check_timed_failures(const TextNode& tree) {
    if (scenario_.cluster.fabric.timed_failures.empty() || scenario_.network != "analytic") return;
    problems_.add_value(
        tree.nearest("cluster.fabric.failures").place, "cluster.fabric", "failures",
        fmt::format(
            "failures for a time are not supported yet with network: {}. Write network: fluid or packet, or fail for the whole run.",
            scenario_.network));
  }

  // A shipped name stays; a path becomes one that opens from here.
  void check_profile(const Place& place, const std::string& where, std::string_view key, std::string& name,
                     const std::vector<std::string>& shipped) {
    if (std::find(shipped.begin(), shipped.end(), name) != shipped.end()) return;
    if (!looks_like_path(name)) {
      problems_.add_value(
          place, where, key,
          fmt::format("unknown {} '{}' (known: {}, or the path of a profile).{}", key, name, joined(shipped), did_you_mean(name, shipped)));
    } else if (const auto path = found_file(name, source_.folder); path.empty()) {
      problems_.add_value(
          place, where, key,
          fmt::format("{} '{}': no such file. Name a shipped profile ({}) or an existing file.", key, name, joined(shipped)));
    } else {
      name = path.string();
    }
  }
  void check_accelerator(const TextNode& tree, bool has_jobs) {
    std::string& name = scenario_.cluster.accelerator;
    const TextNode& at = tree.nearest("cluster.accelerator");
    for (topology::HostGroup& group : scenario_.cluster.groups)
      if (!group.accelerator.empty())
        check_profile(tree.nearest("cluster.groups").place, "cluster", "groups", group.accelerator, kernels::shipped_device_profiles());
    if (!problems_.sound("cluster.accelerator")) return;
    if (!name.empty()) {
      check_profile(at.place, "cluster", "accelerator", name, kernels::shipped_device_profiles());
    } else if (has_jobs) {
      problems_.add_value(at.key_place.source ? at.key_place : at.place, "cluster", "accelerator",
                          fmt::format("missing key 'accelerator' (known: {}, or the path of a profile). Add it.",
                                      joined(kernels::shipped_device_profiles())));
    }
  }

  void read_jobs(const TextNode& tree, const TextNode* workload, const TextNode* jobs) {
    if (workload && jobs) return problems_.add(jobs->key_place, "", "both 'workload' and 'jobs' are given. Keep one of them.");
    if (!workload && !jobs && options_.workload_required) {
      problems_.add(tree.place, "", "missing key 'workload' (what to simulate), or 'jobs' for several at once. Add it.");
    }
    if (workload) {
      FieldReader reader(tree, "", problems_);
      JobSpec job;
      job.name = scenario_.name;
      job.gpus = scenario_.cluster.gpus;
      if (reader.is_map(*workload, "workload")) read_job(*workload, "workload", job, [](auto& v, JobSpec& s) { describe_workload(v, s); });
    }
    if (!jobs) return;
    if (jobs->kind != TextNode::Kind::sequence || jobs->children.empty()) {
      return problems_.add(jobs->place, "", "jobs is not a list of jobs. Write one '- name: …' entry a job.");
    }
    for (std::size_t i = 0; i < jobs->children.size(); ++i) {
      FieldReader reader(tree, "jobs", problems_);
      const std::string number = fmt::format("{}", i);
      if (reader.is_map(jobs->children[i], number)) {
        read_job(jobs->children[i], "jobs." + number, JobSpec{}, [](auto& v, JobSpec& s) { describe(v, s); });
      }
    }
    check_jobs(*jobs, scenario_, problems_);
  }

  template <class Describe>
  void read_job(const TextNode& node, const std::string& where, JobSpec job, Describe&& describe_job) {
    if (const TextNode* trace = node.find("trace")) {
      return problems_.add_value(trace->place, where, "trace",
                                 "'trace' is not supported yet (an imported workload). Describe the model instead.");
    }
    job.software = default_software;
    FieldReader reader(node, where, problems_);
    describe_job(reader, job);
    reader.finish();
    const auto& profiles = kernels::shipped_software_profiles();
    if (problems_.sound(where + ".software")) check_profile(node.nearest("software").place, where, "software", job.software, profiles);
    check_job(node, where, scenario_, job, problems_);
    settle_own_schedule(node, where, source_.folder, job, problems_);
    scenario_.jobs.push_back(std::move(job));
  }

  static constexpr const char* default_software = "megatron-2021";
  const Source& source_;
  const ReadOptions& options_;
  Problems problems_;
  Scenario scenario_;
};

}  // namespace

Scenario read_scenario_text(std::string_view text, std::string_view source_name, const ReadOptions& options) {
  return Reading({std::string(source_name), std::filesystem::path(source_name).parent_path()}, options).read(text);
}

Scenario read_scenario_tree(TextNode tree, std::string_view source_name, const ReadOptions& options) {
  return Reading({std::string(source_name), std::filesystem::path(source_name).parent_path()}, options).read(std::move(tree));
}

Scenario read_scenario_file(const std::filesystem::path& path, const ReadOptions& options) {
  return Reading({path.string(), path.parent_path()}, options).read(read_text_file(path.string()));
}

Scenario read_shipped_scenario(std::string_view name, const ReadOptions& options) {
  const auto text = shipped_scenario_text(name);
  if (!text) {
    auto known = shipped_scenarios();
    if (const auto fabrics = shipped_fabrics(); !options.workload_required) known.insert(known.end(), fabrics.begin(), fabrics.end());
    throw sim::InputError(fmt::format("unknown scenario '{}' (known: {}).{}", name, joined(known), did_you_mean(name, known)));
  }
  return read_scenario_text(*text, fmt::format("scenarios/{}.yaml", name), options);
}

Scenario read_scenario(const std::string& path_or_name, const ReadOptions& options) {
  std::error_code error;
  const bool shipped = !std::filesystem::exists(path_or_name, error) && !looks_like_path(path_or_name);
  return shipped ? read_shipped_scenario(path_or_name, options) : read_scenario_file(path_or_name, options);
}

std::vector<std::string> shipped_scenarios() { return embedded_names("scenarios"); }
std::vector<std::string> shipped_fabrics() { return embedded_names("fabrics"); }
std::vector<std::string> shipped_models() { return embedded_names("models"); }
std::vector<std::string> shipped_hosts() { return embedded_names("hosts"); }

std::optional<std::string_view> shipped_scenario_text(std::string_view name) {
  const auto whole = embedded_text(fmt::format("scenarios/{}.yaml", name));
  return whole ? whole : embedded_text(fmt::format("fabrics/{}.yaml", name));
}

std::optional<ModelSpec> shipped_model(std::string_view name) {
  if (!embedded_text(fmt::format("models/{}.json", name))) return {};
  std::vector<std::string> warnings;
  return read_model({.kind = TextNode::Kind::scalar, .text = std::string(name)}, warnings);
}

ModelSpec read_model(const TextNode& name, std::vector<std::string>& warnings) {
  Problems problems;
  const TextNode tree = with_model_keys(name, "", {}, problems, warnings);
  problems.throw_if_any();
  ModelSpec model;
  FieldReader reader(tree, "", problems);
  describe(reader, model);
  reader.finish();
  problems.throw_if_any();
  model.complete();
  return model;
}

}  // namespace workloads
