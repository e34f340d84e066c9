#include <fmt/format.h>
#include "kernels/operation_times.hpp"
#include "tests/bench/report.hpp"
#include "tests/bench/scaled_job.hpp"
#include "topology/fabric.hpp"
#include "workloads/folding.hpp"
#include "workloads/plan_builder.hpp"

namespace bench {

// What lives while a job is simulated: the fabric, the plan of all ranks, and (folded) the plan and the network of one of each class.
void memory(Report& report) {
  if (!report.wants("memory of an end point")) return;
  for (const auto& [gpus, size] : {std::pair{1'024, "1,024 GPUs"}, {4'096, "4,096 GPUs"}, {16'384, "16,384 GPUs"}}) {
    const workloads::Scenario scenario = scaled_main_job(gpus);
    const std::string software = scenario.jobs.front().software;
    const workloads::SoftwareByName profiles = {{software, kernels::load_software_profile(software)}};
    const kernels::OperationTimes times(kernels::load_device_profile(scenario.cluster.accelerator));
    const double before = allocated();
    const topology::Fabric fabric(scenario.cluster);
    const double with_fabric = allocated();
    const workloads::Plan whole = workloads::build_plan(scenario, fabric, times, profiles);
    const double with_plan = allocated();
    const workloads::Plan folded = workloads::fold(whole);
    const auto folded_network = sim::make_network(scenario.network, folded.links);
    const double with_folded = allocated();
    const auto network = sim::make_network(scenario.network, whole.links);
    const double with_network = allocated();
    report.add({"memory of an end point, folded", size, (with_folded - before) / gpus, "B"});
    report.add({"  of it the fabric", size, (with_fabric - before) / gpus, "B"});
    report.add({"  of it the plan of every rank", size, (with_plan - with_fabric) / gpus, "B"});
    report.add({"memory of an end point, every rank", size, (with_plan - before + with_network - with_folded) / gpus, "B"});
  }
}

}  // namespace bench
