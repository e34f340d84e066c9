#include "workloads/topology_json.hpp"
#include <nlohmann/json.hpp>

namespace workloads {
namespace {
using Json = nlohmann::ordered_json;

Json or_null(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

Json power_json(const topology::Power& p) {
  return {{"gpus", or_null(p.gpus)},     {"hosts", or_null(p.hosts)},     {"switches", or_null(p.switches)},
          {"optics", or_null(p.optics)}, {"cooling", or_null(p.cooling)}, {"total", or_null(p.total)}};
}

Json price_json(const topology::Price& p) {
  return {{"hosts", or_null(p.hosts)},   {"switches", or_null(p.switches)}, {"optics", or_null(p.optics)},
          {"cables", or_null(p.cables)}, {"total", or_null(p.total)},       {"building", or_null(p.building)}};
}
Json failure_domain_json(const topology::FailureDomain& d) {
  return {{"name", d.name},
          {"count", d.count},
          {"nics_cut_off", d.nics_cut_off},
          {"gpus_cut_off", d.gpus_cut_off},
          {"hosts_cut_off", d.hosts_cut_off},
          {"hosts_degraded", d.hosts_degraded},
          {"bandwidth_lost", d.bandwidth_lost},
          {"text", d.text}};
}

Json network_json(const topology::NetworkCounts& c) {
  Json json = {{"switches",
                {{"leaf", c.switches.leaf},
                 {"spine", c.switches.spine},
                 {"core", c.switches.core},
                 {"scale_up", c.switches.scale_up},
                 {"total", c.switches.total()}}},
               {"cables",
                {{"host_leaf", c.cables.host_leaf},
                 {"leaf_spine", c.cables.leaf_spine},
                 {"spine_core", c.cables.spine_core},
                 {"scale_up", c.cables.scale_up},
                 {"total", c.cables.total()}}},
               {"optical_modules", c.optical_modules}};
  if (c.cables.peer > 0) json["cables"]["peer"] = c.cables.peer;
  if (c.cables.global > 0) json["cables"]["global"] = c.cables.global;
  return json;
}

double per_gpu(const topology::NetworkCounts& c, int gpus) { return static_cast<double>(c.optical_modules) / gpus; }

}  // namespace

Json balance_json(const std::vector<topology::TierBalance>& tiers) {
  Json json = Json::array();
  for (const topology::TierBalance& tier : tiers)
    json.push_back({{"tier", name_of(tier.kind)},
                    {"direction", tier.direction},
                    {"links", tier.links},
                    {"max_flows_per_link", tier.max_flows},
                    {"max_over_mean", tier.max_over_mean}});
  return json;
}

// The top level is the compute fabric with its scale-up domains; beside it the networks that are counted only, and all of them.
Json counts_json(const topology::Counts& c) {
  Json json = {{"hosts", c.hosts}, {"gpus", c.gpus}};
  json.update(network_json(c));
  json["modules_per_gpu"] = c.modules_per_gpu();
  if (c.storage) json["storage"] = network_json(*c.storage);
  if (c.management) json["management"] = network_json(*c.management);
  if (c.storage || c.management) {
    json["all_networks"] = network_json(c.all());
    json["all_networks"]["modules_per_gpu"] = per_gpu(c.all(), c.gpus);
  }
  return json;
}

Json bill_json(const topology::Bill& bill) {
  Json json = counts_json(bill);
  json["power_w"] = power_json(bill.power_w);
  json["price_usd"] = price_json(bill.price_usd);
  return json;
}

Json topology_json(const topology::TopologyReport& report) {
  Json json = counts_json(report.bill);
  json["bisection_bandwidth_bps"] = report.bisection_bandwidth_bps;
  json["oversubscription"] = report.oversubscription;
  json["diameter_hops"] = report.diameter_hops;
  json["half_shift"] = balance_json(report.half_shift);
  json["power_w"] = power_json(report.bill.power_w);
  json["price_usd"] = price_json(report.bill.price_usd);
  json["cable_lengths"] = Json::array();
  for (const topology::TierLengths& tier : report.cable_lengths)
    json["cable_lengths"].push_back({{"tier", name_of(tier.kind)},
                                     {"copper", tier.copper},
                                     {"optical", tier.optical},
                                     {"longest_m", tier.longest_m},
                                     {"copper_reach_m", tier.reach_m}});
  json["failure_domains"] = Json::array();
  for (const auto& d : report.failure_domains) json["failure_domains"].push_back(failure_domain_json(d));
  json["checks"] = Json::array();
  for (const auto& check : report.checks) json["checks"].push_back({{"name", check.name}, {"ok", check.ok}, {"text", check.text}});
  return json;
}

}  // namespace workloads
