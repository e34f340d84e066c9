#pragma once
#include "kernels/calibrate/operation_backend.hpp"

namespace kernels::calibrate::cpu {

// Of one rank, by what Linux says of the host; ranks, hosts and MPI are not filled in.
Machine describe_host(int ranks_of_host);
double free_memory();  // bytes of the host; zero: not known

}  // namespace kernels::calibrate::cpu
