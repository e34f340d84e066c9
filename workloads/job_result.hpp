#pragma once
#include "workloads/executor.hpp"
#include "workloads/program_builder.hpp"
#include "workloads/result.hpp"

namespace workloads {

// What the timeline of one job says: step times, exposed time, FLOPs, memory, and the 90 % interval
// (step_interval.hpp).
JobResult make_job_result(const JobSettings& settings, const Plan& plan, std::uint32_t job, const Outcome& outcome, const Devices& devices);

// Of the rank that needs most, from the schedule; known before anything is simulated.
MemoryUse worst_memory(const JobSettings& settings, const Plan& plan, std::uint32_t job, const Devices& devices);

}  // namespace workloads
