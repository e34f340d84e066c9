#include "workloads/placement.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <numeric>
#include "sim/error.hpp"
#include "sim/random.hpp"

namespace workloads {
namespace {

std::vector<int> choose(const JobSpec& job, std::vector<int> free, std::size_t count, std::uint64_t seed, std::uint64_t job_number) {
  std::vector<int> chosen;
  if (job.placement == Placement::list) {
    for (const int host : job.hosts)
      if (std::find(free.begin(), free.end(), host) == free.end())
        throw sim::InputError(fmt::format("jobs: '{}': placement: host {} does not exist or is taken. List free hosts.", job.name, host));
    chosen.assign(job.hosts.begin(), job.hosts.begin() + static_cast<long>(std::min(count, job.hosts.size())));
  } else if (job.placement == Placement::spread) {
    for (std::size_t i = 0; i < count; ++i) chosen.push_back(free[i * free.size() / count]);
  } else {
    if (job.placement == Placement::random) {
      const sim::Random random(seed, 0x706c616365);  // stream "place"
      for (std::size_t i = free.size(); i > 1; --i)
        std::swap(free[i - 1], free[static_cast<std::size_t>(random.uniform(job_number, i) * static_cast<double>(i))]);
    }
    chosen.assign(free.begin(), free.begin() + static_cast<long>(count));
  }
  if (chosen.size() < count)
    throw sim::InputError(
        fmt::format("jobs: '{}': placement: {} hosts are named, {} GPUs need {}. Name as many.", job.name, chosen.size(), job.gpus, count));
  return chosen;
}

}  // namespace

std::vector<std::vector<int>> place_jobs(const Scenario& scenario) {
  const int per_host = std::min(scenario.cluster.host.gpus_per_host, scenario.cluster.gpus);
  std::vector<int> free(scenario.cluster.hosts());
  std::iota(free.begin(), free.end(), 0);
  std::vector<std::vector<int>> gpus_by_job;
  for (std::size_t j = 0; j < scenario.jobs.size(); ++j) {
    const JobSpec& job = scenario.jobs[j];
    const std::size_t count = static_cast<std::size_t>((job.gpus + per_host - 1) / per_host);
    if (count > free.size())
      throw sim::InputError(fmt::format("jobs: '{}': {} GPUs need {} hosts, {} are free. Give the cluster more GPUs.", job.name, job.gpus,
                                        count, free.size()));
    std::vector<int>& gpus = gpus_by_job.emplace_back();
    for (const int host : choose(job, free, count, scenario.seed, j)) {
      std::erase(free, host);
      for (int i = 0; i < per_host && static_cast<int>(gpus.size()) < job.gpus; ++i) gpus.push_back(host * per_host + i);
    }
  }
  return gpus_by_job;
}

}  // namespace workloads
