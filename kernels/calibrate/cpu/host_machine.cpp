#include "kernels/calibrate/cpu/host_machine.hpp"
#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <cstdlib>
#include <fstream>
#include <thread>
#include "kernels/calibrate/cpu/blas.hpp"

namespace kernels::calibrate::cpu {
namespace {

// The rest of the first line that begins with the key, without ": ".
std::string line_of(const char* file, const std::string& key) {
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    if (line.compare(0, key.size(), key) != 0) continue;
    const std::size_t value = line.find_first_not_of(" \t:", key.size());
    return value == std::string::npos ? "" : line.substr(value);
  }
  return "";
}

double memory(const char* key) { return 1024 * std::strtod(line_of("/proc/meminfo", key).c_str(), nullptr); }

}  // namespace

double free_memory() { return memory("MemAvailable"); }

Machine describe_host(int ranks_of_host) {
  Machine made;
  std::string model = line_of("/proc/cpuinfo", "model name");
  utsname system{};
  uname(&system);
  if (model.empty()) model = fmt::format("{} CPU", system.machine);
  made.device = model + ", 1 core a rank";
  made.platform = "cpu";
  made.multiprocessors = 1;
  made.memory_bytes = memory("MemTotal") / ranks_of_host;
  made.facts = {{"cores", fmt::format("{}", sysconf(_SC_NPROCESSORS_ONLN))},
                {"system", fmt::format("{} {}", system.sysname, system.release)},
                {"blas", blas_library()}};
  for (const char* name : {"OPENBLAS_CORETYPE", "OPENBLAS_VERBOSE", "OPENBLAS_L2_SIZE"})
    if (const char* value = std::getenv(name))
      made.facts.emplace_back(name,
                              fmt::format("{}: set in the environment, so products may run other than this CPU would by itself", value));
  return made;
}

}  // namespace kernels::calibrate::cpu
