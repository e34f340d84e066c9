#include <fmt/format.h>
#include "tests/bench/report.hpp"
#include "tests/bench/scaled_job.hpp"
#include "workloads/run.hpp"
#include "workloads/scenario_reader.hpp"

namespace bench {

void training(Report& report) {
  const auto add = [&](std::string_view what, std::string_view size, const workloads::Scenario& scenario, bool fold) {
    if (!report.wants(what)) return;
    std::uint64_t events = 0;
    const double seconds = cpu_seconds([&] { events = workloads::run(scenario, {.fold = fold}).events; });
    report.add({std::string(what), std::string(size), seconds * 1e3, "ms"});
    report.add({fmt::format("  its events"), std::string(size), static_cast<double>(events) / seconds, "events/s"});
  };
  const auto main_job = workloads::read_shipped_scenario("sc21-145b");
  add("training step, folded", "1,536 GPUs", main_job, true);
  add("training step, every rank", "1,536 GPUs", main_job, false);
  add("training step, folded", "1,008 G parameters", workloads::read_shipped_scenario("sc21-1008b"), true);
  add("training step, folded", "16,384 GPUs", scaled_main_job(16'384), true);
  add("training step, every rank", "16,384 GPUs", scaled_main_job(16'384), false);
  const auto llama = workloads::read_shipped_scenario("llama3-405b-16k", {.overrides = {"cluster.fabric.oversubscription=1"}});
  add("training step, folded", "Llama 3, 16,384 GPUs", llama, true);
  add("training step, every rank", "Llama 3, 16,384 GPUs", llama, false);
  add("training step, folded", "Llama 3, 1:7 pods", workloads::read_shipped_scenario("llama3-405b-16k"), true);
}

}  // namespace bench
