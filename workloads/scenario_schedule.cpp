#include "workloads/scenario_schedule.hpp"
#include <fmt/format.h>
#include "sim/error.hpp"
#include "workloads/scenario_presets.hpp"  // found_file
#include "workloads/schedules/own_schedule.hpp"

namespace workloads {

void settle_own_schedule(const TextNode& tree, const std::string& where, const std::filesystem::path& folder, JobSpec& job,
                         Problems& problems) {
  if (job.schedule != ScheduleKind::own) return;
  for (const char* key : {".schedule", ".parallel", ".global_batch", ".micro_batch"})
    if (!problems.sound(where + key)) return;
  const std::int64_t per_pass = static_cast<std::int64_t>(job.parallel.dp) * job.micro_batch;
  if (per_pass < 1 || job.global_batch % per_pass != 0) return;  // said elsewhere
  const ScheduleShape shape{job.parallel.pp, job.parallel.virtual_stages, job.micro_batches()};
  const TextNode& node = tree.nearest("schedule");
  const auto bad = [&](std::string_view what) { problems.add_value(node.place, where, "schedule", what); };
  if (node.kind == TextNode::Kind::scalar) {
    const std::filesystem::path path = found_file(node.text, folder);
    if (path.empty()) return bad(fmt::format("schedule '{}': no such file. Give the path of a table or of a Python file.", node.text));
    try {
      job.schedule_rows = read_schedule(path.string(), shape);
    } catch (const sim::InputError& error) {
      return bad(fmt::format("schedule: {}", error.what()));
    }
  }
  for (const std::string& problem : problems_of_schedule(job.schedule_rows, shape)) bad(fmt::format("schedule: {}", problem));
}

}  // namespace workloads
