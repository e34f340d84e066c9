#include <gmock/gmock.h>
#include <sys/wait.h>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include "kernels/calibrate/journal.hpp"
#include "tests/temporary_folder.hpp"

// The program that measures GPUs, as it is started.
namespace kernels::calibrate {
namespace {
using testing::HasSubstr;

#ifdef WEFTSIM_MEASURE_CUDA
const std::string worker = WEFTSIM_MEASURE_CUDA;
#else
const std::string worker;
#endif

std::string text_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

class MeasureCuda : public testing::Test {
 protected:
  void SetUp() override {
    if (worker.empty()) GTEST_SKIP() << "weftsim-measure-cuda was not built: nvcc, cuBLAS or NCCL is missing";
  }
  int run(const std::string& arguments) {
    const std::string files = " >" + (folder / "out") + " 2>" + (folder / "err");
    const int status = std::system((environment + worker + " " + arguments + files).c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  weftsim::test::TemporaryFolder folder;
  std::string environment;
};

TEST_F(MeasureCuda, says_where_there_is_no_gpu) {
  environment = "CUDA_VISIBLE_DEVICES= ";
  EXPECT_EQ(run("--describe"), 4);
  EXPECT_THAT(text_of(folder / "err"), HasSubstr("no GPU: "));
  EXPECT_EQ(text_of(folder / "out"), "");
}

TEST_F(MeasureCuda, refuses_processes_of_srun_that_cannot_find_each_other) {
  environment = "env -u PMIX_RANK -u PMI_RANK -u OMPI_COMM_WORLD_SIZE SLURM_STEP_NUM_TASKS=8 ";
  EXPECT_EQ(run("--describe"), 4);
  EXPECT_THAT(text_of(folder / "err"), HasSubstr("srun --mpi=pmix"));
}

// Every kind of operation once, where there is a GPU.
TEST_F(MeasureCuda, measures_all_kinds_of_operations) {
  if (run("--describe") == 4) GTEST_SKIP() << text_of(folder / "err");
  const Operation operations[] = {Product{{.m = 512, .n = 512, .k = 512, .precision = Precision::bf16}},
                                  Product{{.m = 512, .n = 512, .k = 512, .batch = 4, .precision = Precision::fp16}},
                                  Product{{.m = 512, .n = 512, .k = 512, .precision = Precision::fp8}},
                                  Attention{.shape = {1, 256, 8, 4, 64, true}},
                                  Attention{.shape = {1, 256, 8, 4, 64, true}, .direction = Direction::backward},
                                  MemoryPass{MemoryKernel::copy, 1e6},
                                  MemoryPass{MemoryKernel::sum, 1e6},
                                  MemoryPass{MemoryKernel::layer_norm, 1e6},
                                  MemoryPass{MemoryKernel::softmax, 1e6},
                                  MemoryPass{MemoryKernel::adam, 1e6},
                                  Launch{false},
                                  Launch{true},
                                  Copy{CopyWay::host_to_device, 1e6},
                                  Copy{CopyWay::device_to_host, 1e6},
                                  Copy{CopyWay::peer, 1e6},
                                  Collective{CollectiveOp::all_reduce, {0, 1}, 4096},
                                  Collective{CollectiveOp::all_to_all, {0, 1}, 4096},
                                  Message{0, 1, 4096}};
  std::string plan;
  for (const Operation& operation : operations) plan += to_line(Planned(operation));
  std::ofstream(folder / "plan") << plan;
  ASSERT_EQ(run("--plan " + (folder / "plan") + " --journal " + (folder / "journal") + " --budget 60"), 0) << text_of(folder / "err");
  const Journal found = read_journal(folder / "journal");
  EXPECT_EQ(found.machine.platform, "cuda");
  EXPECT_EQ(found.samples.size(), std::size(operations));
  for (const Sample& sample : found.samples) EXPECT_TRUE(sample.seconds > 1e-7 || !sample.skipped.empty()) << to_json(sample.operation);
}

}  // namespace
}  // namespace kernels::calibrate
