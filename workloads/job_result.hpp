#pragma once
#include "workloads/executor.hpp"
#include "workloads/program_builder.hpp"
#include "workloads/result.hpp"

namespace workloads {

// What the timeline of one job says: step times, exposed time, FLOPs, memory, and the 90 % interval.
//
// The interval: the residuals of the profiles are relative errors (1 sigma) of whole classes of
// operations. Within a class they are common to all operations, so they add up linearly; between
// classes they are independent, so the parts of the step add up as squares. Half width = 1.645 sigma.
JobResult make_job_result(const JobSettings& settings, const Plan& plan, std::uint32_t job, const Outcome& outcome,
                          const kernels::DeviceProfile& device);

// Of the rank that needs most, from the schedule; known before anything is simulated.
MemoryUse worst_memory(const JobSettings& settings, const Plan& plan, std::uint32_t job, const kernels::DeviceProfile& device);

}  // namespace workloads
