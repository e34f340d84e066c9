#include "workloads/studies/sensitivity.hpp"
#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <string_view>
#include "kernels/collectives/scale_up_times.hpp"  // model_terms
#include "workloads/run_cache.hpp"

namespace workloads {
namespace {

using kernels::DeviceProfile;
using kernels::SoftwareProfile;

// Everything that a parameter is in; `cost` above 1 makes it worse.
struct Inputs {
  Scenario scenario;
  std::map<std::string, DeviceProfile> devices;  // by accelerator
  std::vector<SoftwareProfile> software;         // by job
};
using Parameter = void (*)(Inputs&, double cost);

void scale(sim::Time& time, double cost) { time = sim::Time::seconds(time.in_seconds() * cost); }
void scale(sim::BytesPerSecond& rate, double cost) { rate = sim::BytesPerSecond{rate.value() / cost}; }

void scale(Inputs& inputs, std::initializer_list<double SoftwareProfile::*> members, double cost) {
  for (SoftwareProfile& software : inputs.software)
    for (const auto member : members) {
      software.*member *= cost;
      for (kernels::SoftwareException& e : software.exceptions)
        if (e.member == member) e.value *= cost;
    }
}

template <class Change>
void for_each_host(topology::ClusterSpec& cluster, Change change) {
  change(cluster.host);
  for (topology::HostGroup& group : cluster.groups) change(group.host);
}
template <class Change>
void for_each_link(topology::FabricSpec& fabric, Change change) {
  change(fabric.link.bandwidth, fabric.link.latency);
  for (auto& link : fabric.upper_links) change(link.bandwidth, link.latency);
  for (auto& link : fabric.link_file.links) change(link.bandwidth, link.latency);
}

// Inside a domain: the forms of the fits, and the measured points by what their form says of them.
void scale_domain(kernels::ScaleUpProfile& domain, double latency, double transfer) {
  for (kernels::CollectiveTable& table : domain.tables) {
    const auto fits = [&](const kernels::CollectiveModel& m) { return m.algorithm == table.algorithm && m.protocol == table.protocol; };
    auto model = std::find_if(domain.models.begin(), domain.models.end(), [&](const auto& m) { return m.op == table.op && fits(m); });
    if (model == domain.models.end()) model = std::find_if(domain.models.begin(), domain.models.end(), fits);
    for (kernels::CollectivePoint& point : table.points) {
      if (model == domain.models.end()) {
        point.seconds *= transfer;
        continue;
      }
      const auto t = kernels::model_terms(table.op, table.algorithm, table.ranks, point.bytes);
      const double waiting = t[0] * model->base_s + t[1] * model->step_s + t[2] * model->growth_s;
      const double moving = t[3] * model->per_byte_s + t[4] * model->root_s + t[5] * model->copy_s;
      point.seconds *= (latency * waiting + transfer * moving) / (waiting + moving);
    }
  }
  for (kernels::CollectiveModel& m : domain.models) {
    for (double* seconds : {&m.base_s, &m.step_s, &m.growth_s}) *seconds *= latency;
    for (double* seconds : {&m.per_byte_s, &m.root_s, &m.copy_s}) *seconds *= transfer;
  }
  domain.base_seconds *= latency;
  domain.step_seconds *= latency;
  domain.bandwidth_Bps /= transfer;
}

void link_bandwidth(Inputs& in, double cost) {
  for_each_host(in.scenario.cluster, [&](topology::HostSpec& host) {
    scale(host.nics.bandwidth, cost);
    scale(host.pcie_bandwidth, cost);
  });
  for_each_link(in.scenario.cluster.fabric, [&](sim::BytesPerSecond& bandwidth, sim::Time&) { scale(bandwidth, cost); });
}
void latency(Inputs& in, double cost) {
  for_each_host(in.scenario.cluster, [&](topology::HostSpec& host) {
    scale(host.nics.latency, cost);
    scale(host.scale_up.latency, cost);
  });
  scale(in.scenario.cluster.fabric.switch_latency, cost);
  for_each_link(in.scenario.cluster.fabric, [&](sim::BytesPerSecond&, sim::Time& time) { scale(time, cost); });
  for (auto& [accelerator, device] : in.devices) {
    kernels::NetworkProfile& network = device.network;
    for (double* seconds : {&network.base_seconds, &network.inter_step_seconds, &network.intra_step_seconds}) *seconds *= cost;
    network.latency_factor *= cost;
    scale_domain(device.scale_up, cost, 1);
  }
}
void scale_up_bandwidth(Inputs& in, double cost) {
  for_each_host(in.scenario.cluster, [&](topology::HostSpec& host) { scale(host.scale_up.bandwidth, cost); });
  for (auto& [accelerator, device] : in.devices) scale_domain(device.scale_up, 1, cost);
}
void memory_bandwidth(Inputs& in, double cost) {
  for (auto& [accelerator, device] : in.devices) device.memory.efficiency /= cost;
}
void gemm_efficiency(Inputs& in, double cost) { scale(in, {&SoftwareProfile::gemm_factor}, cost); }
void attention_efficiency(Inputs& in, double cost) {
  scale(in, {&SoftwareProfile::attention_forward_factor, &SoftwareProfile::attention_backward_factor}, cost);
}
void host_dispatch(Inputs& in, double cost) {
  using P = SoftwareProfile;
  scale(in, {&P::host_op_s, &P::host_collective_s, &P::p2p_sync_s, &P::kernel_gap_s}, cost);
}

constexpr std::array<std::pair<std::string_view, Parameter>, 7> parameters = {{{"link_bandwidth", link_bandwidth},
                                                                               {"latency", latency},
                                                                               {"scale_up_bandwidth", scale_up_bandwidth},
                                                                               {"gemm_efficiency", gemm_efficiency},
                                                                               {"attention_efficiency", attention_efficiency},
                                                                               {"memory_bandwidth", memory_bandwidth},
                                                                               {"host_dispatch", host_dispatch}}};

double step_seconds(const Inputs& inputs, RunOptions options) {
  RunCache cache;
  for (const auto& [accelerator, device] : inputs.devices)
    cache.put(accelerator, kernels::OperationTimes(device, inputs.scenario.jobs.front().nccl));
  for (std::size_t j = 0; j < inputs.software.size(); ++j) cache.put(inputs.scenario.jobs[j].software, inputs.software[j]);
  options.cache = &cache;
  options.critical_path = false;
  options.trace = nullptr;
  options.trace_level = TraceLevel::none;
  return run(inputs.scenario, options).jobs.front().step_time_s;
}

}  // namespace

std::vector<Sensitivity> sensitivity(const Scenario& scenario, const RunOptions& options) {
  RunCache own;
  RunCache& cache = options.cache ? *options.cache : own;
  Inputs inputs{scenario, {}, {}};
  for (int host = 0; host < scenario.cluster.hosts(); ++host)
    if (const std::string& name = scenario.cluster.accelerator_of(host); !inputs.devices.contains(name))
      inputs.devices.emplace(name, cache.operation_times(name, scenario.jobs.front().nccl).profile());
  for (const JobSpec& job : scenario.jobs) inputs.software.push_back(cache.software(job.software));
  constexpr double moved = 0.01;
  std::vector<Sensitivity> rows;
  for (const auto& [name, change] : parameters) {
    const auto changed = [&](double cost) {
      Inputs copy = inputs;
      change(copy, cost);
      return step_seconds(copy, options);
    };
    const double worse = changed(1 + moved), better = changed(1 - moved);
    rows.push_back(
        {std::string(name), std::log(worse / better) / std::log((1 + moved) / (1 - moved)), (worse - better) / 2 / moved * 0.01});
  }
  std::stable_sort(rows.begin(), rows.end(), [](const Sensitivity& a, const Sensitivity& b) { return a.elasticity > b.elasticity; });
  return rows;
}

}  // namespace workloads
