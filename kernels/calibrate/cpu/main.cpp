#include "kernels/calibrate/cpu/cpu_backend.hpp"
#include "kernels/calibrate/worker.hpp"

int main(int argc, char** argv) {
  return kernels::calibrate::run_worker({argv, static_cast<std::size_t>(argc)},
                                        [](int) { return kernels::calibrate::cpu::make_cpu_backend(); });  // mpirun says how many
}
