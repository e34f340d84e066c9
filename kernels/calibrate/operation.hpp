#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>
#include "kernels/operation_times.hpp"  // Gemm, AttentionShape, Direction, CollectiveOp
#include "kernels/strict_json.hpp"

// What can be run for real: one description for the plan of a calibration, its journal, the programs of a
// self-check and the backends that carry them out.
namespace kernels::calibrate {

// D[m x n] = A[m x k] B[k x n]; `Gemm` says the rest.
struct Product {
  Gemm shape;
  bool operator==(const Product&) const = default;
};

// softmax(Q K^T) V by batched products and a softmax of our own; fused: by the library's flash attention where it has one.
struct Attention {
  AttentionShape shape;
  Direction direction = Direction::forward;
  bool fused = false;
  Precision precision = Precision::bf16;
  bool operator==(const Attention&) const = default;
};

enum class MemoryKernel : std::uint8_t { copy, scale, sum, layer_norm, softmax, adam };
std::string_view name_of(MemoryKernel kernel);

// One element-wise kernel; `bytes` read and written in all, as OperationTimes::memory_bound counts them.
struct MemoryPass {
  MemoryKernel kernel = MemoryKernel::copy;
  double bytes = 0;
  bool operator==(const MemoryPass&) const = default;
};

// An empty kernel (what a launch costs the device when many queue up, or the host to issue one).
struct Launch {
  bool of_host = false;  // the host's part: enqueueing without waiting
  bool operator==(const Launch&) const = default;
};

enum class CopyWay : std::uint8_t { host_to_device, device_to_host, peer };
std::string_view name_of(CopyWay way);
struct Copy {
  CopyWay way = CopyWay::host_to_device;
  double bytes = 0;
  bool operator==(const Copy&) const = default;
};

// `bytes` as in nccl-tests: the big buffer for all_gather, reduce_scatter, all_to_all. Ranks that are no members skip it.
struct Collective {
  CollectiveOp op = CollectiveOp::all_reduce;
  std::vector<int> members;  // ranks, ascending
  double bytes = 0;
  bool operator==(const Collective&) const = default;
};

// One message of a program, from rank to rank.
struct Message {
  int source = 0, destination = 0;
  double bytes = 0;
  bool operator==(const Message&) const = default;
};

// Bytes of one call of MPI or NCCL: a member's equal block, where the operation has such.
double bytes_of_call(const Collective& collective);

using Operation = std::variant<Product, Attention, MemoryPass, Launch, Copy, Collective, Message>;

// One line of JSON, the same for equal operations: it is the key of a journal.
std::string to_json(const Operation& operation);
// Empty, or why a collective's or message's bytes are no whole number of elements: what is reduced are floats.
std::string size_obstacle(const Operation& operation);
Operation parse_operation(std::string_view json, const std::string& where);  // throws InputError that begins with `where`
Operation read_operation(const JsonNode& node, const std::string& path, JsonProblems& problems);  // inside other JSON of ours

// What it is, for people: "product 512 x 512 x 2048 fp32".
std::string describe(const Operation& operation);
// Ranks that take part in a collective or message; empty: all of them, each on its own.
std::vector<int> participants(const Operation& operation);

}  // namespace kernels::calibrate
