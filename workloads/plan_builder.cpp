#include "workloads/plan_builder.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <limits>
#include <set>
#include <utility>
#include "workloads/placement.hpp"
#include "workloads/program_builder.hpp"

namespace workloads {
namespace {

// Whose measurements hold; an ideal one has latencies like InfiniBand.
kernels::Transport transport_of(topology::Transport transport) {
  switch (transport) {
    case topology::Transport::roce:
      return kernels::Transport::roce;
    case topology::Transport::efa:
      return kernels::Transport::efa;
    default:
      return kernels::Transport::infiniband;
  }
}

// Coordinates of rank `number`: the dimensions of rank_order, fastest first. ep is 1.
struct Coordinates {
  int tp = 0, cp = 0, dp = 0, pp = 0;
};

Coordinates coordinates_of(int number, const ParallelSpec& parallel) {
  Coordinates at;
  std::size_t begin = 0;
  while (begin < parallel.rank_order.size()) {
    const std::string name = parallel.rank_order.substr(begin, 2);
    begin += 3;
    const int size = name == "tp" ? parallel.tp : name == "cp" ? parallel.cp : name == "dp" ? parallel.dp : name == "pp" ? parallel.pp : 1;
    int& place = name == "tp" ? at.tp : name == "cp" ? at.cp : name == "dp" ? at.dp : at.pp;
    if (size == 1) continue;
    place = number % size;
    number /= size;
  }
  return at;
}

class PlanBuilder {
 public:
  PlanBuilder(const Scenario& scenario, const topology::Fabric& fabric, const Devices& devices)
      : scenario_(scenario), fabric_(fabric), devices_(devices) {
    plan_.seed = scenario.seed;
    plan_.links = fabric.network_links();
    for (std::uint32_t i = 0; i < plan_.links.size(); ++i) plan_.link_of_network_link.push_back(i);
  }

  void add_job(const JobSpec& job, const std::vector<int>& gpus, const kernels::SoftwareProfile& software) {
    const JobSettings settings = settings_of(job, software);
    std::vector<TransformerOps> ops;  // by kind of device
    for (std::uint32_t kind = 0; kind < devices_.size(); ++kind) ops.emplace_back(job, software, devices_[kind]);
    const auto job_number = static_cast<std::uint32_t>(plan_.jobs.size());
    plan_.jobs.push_back({job.name, job.start, job.steps, job.parallel.pp > 1, job.jitter.gpu});
    const std::size_t first_rank = plan_.ranks.size();
    add_ranks(job, gpus, job_number);
    for (const SlowRank& slow : job.jitter.slow) plan_.ranks[first_rank + static_cast<std::size_t>(slow.rank)].slowness *= slow.factor;
    const bool scattered = software.scatter_gather_p2p && !job.parallel.sequence_parallel && job.parallel.tp > 1;
    for (int stage = 0; stage < job.parallel.pp; ++stage) {
      const sim::Time gather = scattered ? gather_time(job, ops.front().boundary_bytes(std::max(0, stage - 1))) : sim::Time{};
      for (std::uint32_t kind = 0; kind < devices_.size(); ++kind) {
        const auto number = static_cast<std::uint32_t>(plan_.programs.size());
        bool used = false;
        for (std::size_t r = first_rank; r < plan_.ranks.size(); ++r)
          if (plan_.ranks[r].pp == stage && kind_of(plan_.ranks[r]) == kind) plan_.ranks[r].program = number, used = true;
        if (used) plan_.programs.push_back(build_program(settings, ops[kind], stage, gather)), plan_.programs.back().device = kind;
      }
    }
    add_channels(job, ops.front());
    add_groups(job, job_number);
  }
  void add_collective(const std::vector<int>& gpus, kernels::CollectiveOp op) {
    plan_.jobs.push_back({.name = std::string(name_of(op))});
    Program& program = plan_.programs.emplace_back();
    program.steps.push_back({.kind = StepKind::collective, .collective = op});
    std::vector<std::uint32_t> members;
    for (const int gpu : gpus) {
      members.push_back(static_cast<std::uint32_t>(plan_.ranks.size()));
      Rank& rank = plan_.ranks.emplace_back();
      rank.number = static_cast<int>(members.back());
      rank.gpu = gpu;
      rank.groups[static_cast<std::size_t>(GroupRole::data)] = 0;
    }
    plan_.groups.push_back(make_group(GroupRole::data, 0, members));
  }
  Plan take() && { return std::move(plan_); }

 private:
  // `replica`: dp * cp of the job + cp.
  static std::size_t place(const ParallelSpec& p, int tp, int replica, int pp) {
    return (static_cast<std::size_t>(pp) * p.replicas() + replica) * p.tp + tp;
  }
  Rank& rank_at(const JobSpec& job, int tp, int replica, int pp) {
    return plan_.ranks[rank_by_place_[place(job.parallel, tp, replica, pp)]];
  }
  std::uint32_t kind_of(const Rank& rank) const { return devices_.kind_of_host(fabric_.host_of(rank.gpu)); }
  const kernels::DeviceProfile& profile_of(const Rank& rank) const { return devices_[kind_of(rank)].profile(); }
  std::uint32_t index_of(const Rank& rank) const { return static_cast<std::uint32_t>(&rank - plan_.ranks.data()); }

  void add_ranks(const JobSpec& job, const std::vector<int>& gpus, std::uint32_t job_number) {
    const ParallelSpec& p = job.parallel;
    rank_by_place_.assign(gpus.size(), 0);
    for (int number = 0; number < static_cast<int>(gpus.size()); ++number) {
      const Coordinates at = coordinates_of(number, p);
      rank_by_place_[place(p, at.tp, at.dp * p.cp + at.cp, at.pp)] = static_cast<std::uint32_t>(plan_.ranks.size());
      plan_.ranks.push_back({.job = job_number, .number = number, .tp = at.tp, .pp = at.pp, .dp = at.dp, .cp = at.cp, .gpu = gpus[number]});
    }
  }

  // All-gather of a scattered transfer. A tensor-parallel group over hosts gathers across them.
  sim::Time gather_time(const JobSpec& job, sim::Bytes of_rank) {
    std::vector<std::uint32_t> members;
    for (int t = 0; t < job.parallel.tp; ++t) members.push_back(index_of(rank_at(job, t, 0, 0)));
    const Group group = make_group(GroupRole::tensor, 0, members);
    const sim::Bytes bytes = of_rank * job.parallel.tp;
    if (group.inside_domain) return devices_.inside_domain(kernels::CollectiveOp::all_gather, group.shape.ranks, bytes, group.devices);
    const auto cost = devices_.across_hosts(kernels::CollectiveOp::all_gather, group.shape, bytes, group.devices);
    return sim::Time::seconds(cost.before_s + cost.latency_s + cost.after_s +
                              cost.flow_bytes * group.wire_factor / (group.shape.nic_rate_Bps * group.shape.per_host));
  }

  void add_channels(const JobSpec& job, const TransformerOps& ops) {
    const ParallelSpec& p = job.parallel;
    if (p.pp == 1) return;
    const auto messages = static_cast<std::uint32_t>(p.virtual_stages * job.micro_batches());
    const bool wraps = p.virtual_stages > 1;
    for (int stage = 0; stage + (wraps ? 0 : 1) < p.pp; ++stage)
      for (int d = 0; d < p.replicas(); ++d)
        for (int t = 0; t < p.tp; ++t) {
          Rank& here = rank_at(job, t, d, stage);
          Rank& next = rank_at(job, t, d, (stage + 1) % p.pp);
          const sim::Bytes bytes = ops.boundary_bytes(stage);
          join(here, ChannelRole::activation_out, next, ChannelRole::activation_in, messages, bytes);
          join(next, ChannelRole::gradient_out, here, ChannelRole::gradient_in, messages, bytes);
        }
  }

  void join(Rank& source, ChannelRole out, Rank& destination, ChannelRole in, std::uint32_t messages, sim::Bytes bytes) {
    const auto number = static_cast<std::uint32_t>(plan_.channels.size());
    source.channels[static_cast<std::size_t>(out)] = destination.channels[static_cast<std::size_t>(in)] = number;
    const bool local = fabric_.same_domain(source.gpu, destination.gpu);
    const topology::Route route = fabric_.route(source.gpu, destination.gpu, number);
    const kernels::DeviceProfile& profile = profile_of(source);
    const double base = local ? 0 : profile.network.base_seconds;
    plan_.channels.push_back({.role = out,
                              .source = index_of(source),
                              .destination = index_of(destination),
                              .messages = messages,
                              .bytes = bytes,
                              .wire_factor = wire_factor(scenario_.cluster, profile, local),
                              .latency = sim::Time::seconds(base + step_seconds(profile, route, local)),
                              .shares = route.shares,
                              .ceiling = ceiling_of(route.shares)});
  }

  sim::BytesPerSecond ceiling_of(const std::vector<sim::LinkShare>& shares) const {
    double ceiling = shares.empty() ? 0 : std::numeric_limits<double>::infinity();
    for (const sim::LinkShare& s : shares) ceiling = std::min(ceiling, plan_.links[s.link.value()].capacity.value() / s.share);
    return sim::BytesPerSecond{ceiling};
  }

  void add_groups(const JobSpec& job, std::uint32_t job_number) {
    const ParallelSpec& p = job.parallel;
    std::vector<std::uint32_t> members;
    const auto add = [&](GroupRole role) {
      if (members.size() > 1) {
        for (const std::uint32_t r : members)
          plan_.ranks[r].groups[static_cast<std::size_t>(role)] = static_cast<std::uint32_t>(plan_.groups.size());
        plan_.groups.push_back(make_group(role, job_number, members));
      }
      members.clear();
    };
    for (int s = 0; s < p.pp; ++s)
      for (int d = 0; d < p.replicas(); ++d) {
        for (int t = 0; t < p.tp; ++t) members.push_back(index_of(rank_at(job, t, d, s)));
        add(GroupRole::tensor);
      }
    for (int s = 0; s < p.pp; ++s)
      for (int t = 0; t < p.tp; ++t)
        for (int d = 0; d < p.replicas(); ++d) {
          members.push_back(index_of(rank_at(job, t, d, s)));
          if ((d + 1) % p.cp == 0) add(GroupRole::context);
        }
    for (int s = 0; s < p.pp; ++s)
      for (int t = 0; t < p.tp; ++t) {
        for (int d = 0; d < p.replicas(); ++d) members.push_back(index_of(rank_at(job, t, d, s)));
        add(GroupRole::data);
      }
    for (int d = 0; d < p.replicas(); ++d) {
      for (int s = 0; s < p.pp; ++s)
        for (int t = 0; t < p.tp; ++t) members.push_back(index_of(rank_at(job, t, d, s)));
      add(GroupRole::model);
    }
    const std::vector<int> holders = stages_with_word_embedding(job);
    for (int d = 0; d < p.replicas(); ++d)
      for (int t = 0; t < p.tp; ++t) {
        for (const int stage : holders) members.push_back(index_of(rank_at(job, t, d, stage)));
        add(GroupRole::embedding);
      }
  }

  // Hosts of the group in rank order; rings leave a host by the NIC of each of its members in turn. Hosts that share
  // a scale-up domain (NVL72) count as one. Inside the host the scale-up domain is faster than the NICs together, so its links are not
  // loaded.
  Group make_group(GroupRole role, std::uint32_t job, const std::vector<std::uint32_t>& members) {
    Group group{.role = role, .job = job, .ranks = members};
    std::vector<std::vector<int>> gpus_by_host;
    int last_gpu = -1;
    for (const std::uint32_t r : members) {
      const int gpu = plan_.ranks[r].gpu;
      const bool joined = last_gpu >= 0 && (fabric_.host_of(gpu) == fabric_.host_of(last_gpu) || fabric_.same_domain(gpu, last_gpu));
      if (!joined) gpus_by_host.emplace_back();
      last_gpu = gpu;
      gpus_by_host.back().push_back(gpu);
    }
    group.inside_domain = std::all_of(members.begin(), members.end(), [&](std::uint32_t r) {
      return fabric_.same_domain(plan_.ranks[r].gpu, plan_.ranks[members.front()].gpu);
    });
    std::set<std::uint32_t> kinds;
    for (const std::uint32_t r : members) kinds.insert(kind_of(plan_.ranks[r]));
    group.devices.assign(kinds.begin(), kinds.end());
    group.shape.ranks = static_cast<int>(members.size());
    if (group.inside_domain) return group;
    group.shape.transport = transport_of(scenario_.cluster.fabric.transport);
    group.shape.hosts = static_cast<int>(gpus_by_host.size());
    for (const auto& gpus : gpus_by_host) group.shape.per_host = std::max(group.shape.per_host, static_cast<int>(gpus.size()));
    for (const std::uint32_t kind : kinds)
      group.wire_factor = std::max(group.wire_factor, wire_factor(scenario_.cluster, devices_[kind].profile(), false));
    add_ring(group, gpus_by_host);
    return group;
  }

  void add_ring(Group& group, const std::vector<std::vector<int>>& gpus_by_host) {
    const auto hosts = static_cast<std::uint32_t>(gpus_by_host.size()), rings = static_cast<std::uint32_t>(group.shape.per_host);
    double latency = 0, nic_rate = std::numeric_limits<double>::infinity();
    for (std::uint32_t h = 0; h < hosts; ++h)
      for (std::uint32_t ring = 0; ring < rings; ++ring) {
        const auto& here = gpus_by_host[h];
        const auto& next = gpus_by_host[(h + 1) % hosts];
        topology::Route route = fabric_.route(here[ring % here.size()], next[ring % next.size()], ring);
        const sim::BytesPerSecond ceiling = ceiling_of(route.shares);
        latency += route.latency.in_seconds();
        nic_rate = std::min(nic_rate, ceiling.value());
        group.edges.push_back({std::move(route.shares), {}, ceiling, (h + hosts - 1) % hosts * rings + ring});
      }
    group.shape.nic_rate_Bps = nic_rate;
    group.shape.route_latency_s = latency / hosts / rings;
  }

  const Scenario& scenario_;
  const topology::Fabric& fabric_;
  const Devices& devices_;
  Plan plan_;
  std::vector<std::uint32_t> rank_by_place_;  // of the job being added, by (pp, dp, tp)
};

}  // namespace

std::vector<std::uint32_t> pipeline_ranks(const JobSpec& job) {
  std::vector<std::uint32_t> numbers(job.parallel.pp);
  for (int number = 0; number < job.gpus; ++number)
    if (const Coordinates at = coordinates_of(number, job.parallel); at.tp == 0 && at.cp == 0 && at.dp == 0)
      numbers[at.pp] = static_cast<std::uint32_t>(number);
  return numbers;
}

double step_seconds(const kernels::DeviceProfile& profile, const topology::Route& route, bool inside_domain) {
  return std::max(route.latency.in_seconds(), inside_domain ? profile.network.intra_step_seconds : profile.network.inter_step_seconds);
}

double wire_factor(const topology::ClusterSpec& cluster, const kernels::DeviceProfile& profile, bool inside_domain) {
  if (cluster.fabric.transport == topology::Transport::ideal) return 1;
  return 1 / (inside_domain ? profile.scale_up.efficiency : profile.network.efficiency(transport_of(cluster.fabric.transport)));
}

Plan build_collective_plan(const Scenario& scenario, const topology::Fabric& fabric, const Devices& devices, const std::vector<int>& gpus,
                           kernels::CollectiveOp op) {
  PlanBuilder builder(scenario, fabric, devices);
  builder.add_collective(gpus, op);
  return std::move(builder).take();
}

Plan build_plan(const Scenario& scenario, const topology::Fabric& fabric, const Devices& devices, const SoftwareByName& software) {
  const std::vector<std::vector<int>> gpus = place_jobs(scenario);
  const auto plan_on = [&](const topology::Fabric& state) {
    PlanBuilder builder(scenario, state, devices);
    for (std::size_t j = 0; j < scenario.jobs.size(); ++j)
      builder.add_job(scenario.jobs[j], gpus[j], software.at(scenario.jobs[j].software));
    return std::move(builder).take();
  };
  Plan plan = plan_on(fabric);
  for (const sim::Time at : scenario.cluster.fabric.changes()) {
    const topology::Fabric state(scenario.cluster, at);
    Plan now = plan_on(state);
    PlanChange& change = plan.changes.emplace_back(PlanChange{at, std::move(now.channels), std::move(now.groups), {}, {}});
    for (std::uint32_t link = 0; link < plan.links.size(); ++link) change.capacity.push_back(state.capacity(sim::LinkId{link}));
    change.out_of_order = fmt::format("{}", fmt::join(scenario.cluster.fabric.failures_at(at), ", "));
  }
  return plan;
}

}  // namespace workloads
