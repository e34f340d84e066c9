#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <vector>
#include "kernels/collectives/network_collective.hpp"
#include "sim/coupled_network.hpp"
#include "sim/trace_sink.hpp"
#include "workloads/schedules/schedule.hpp"
#include "workloads/transformer.hpp"

// What is run: ranks with their programs, the channels and groups that join them, and the network
// links that these load. Made by plan_builder from a scenario and a fabric, made smaller by folding,
// carried out by the executor. Indices are positions in the vectors of the plan.
namespace workloads {

inline constexpr std::uint32_t nobody = 0xffffffff;

// Where a rank sends or receives: to and from its pipeline neighbours.
enum class ChannelRole : std::uint8_t { activation_out, activation_in, gradient_out, gradient_in };
inline constexpr std::size_t channel_roles = 4;
// With whom a rank reduces. `data`: all that hold the same parameters; `model`: all ranks of one replica, for the gradient norm;
// `context`: those that share a sequence.
enum class GroupRole : std::uint8_t { tensor, data, embedding, model, context };
inline constexpr std::size_t group_roles = 5;
// Reductions over embeddings and over a whole model replica are counted as data-parallel ones.
inline Communication communication_of(GroupRole role) {
  return role == GroupRole::tensor ? Communication::tp_comm : role == GroupRole::context ? Communication::cp_comm : Communication::dp_comm;
}

// Kernels between two points where a rank meets others or is looked at. Sums for the usual case, that
// the host is ahead of the device: then they take exactly `device`.
struct Segment {
  std::uint32_t first = 0, last = 0;  // ops
  sim::Time device, host;             // sums
};

struct Block {
  Ops ops;
  std::vector<Segment> segments;  // between the collectives, in order: each is followed by one, but for the last
  std::vector<sim::Time> lead;    // per op: how far ahead the host must be for the rest of its segment not to wait
  std::array<sim::Time, op_class_count> device_by_class{};
  sim::Bytes collective_bytes;  // of its tensor-parallel collectives
  double flops = 0;
};
Block make_block(Ops ops);

struct Transfer {
  ChannelRole role = ChannelRole::activation_out;
  std::uint32_t message = 0;  // chunk of the receiver * micro-batches + micro-batch
};

enum class StepKind : std::uint8_t {
  run,         // a block
  exchange,    // post transfers and wait for all of them (blocking, as Megatron of 2021)
  send,        // post a transfer, do not wait
  receive,     // wait for a message that was posted ahead
  collective,  // join, and wait for the end
  post,        // join on the data stream, do not wait
  await        // wait for all that was posted
};

struct Step {
  StepKind kind = StepKind::run;
  sim::OpKind op_kind = sim::OpKind::kernel;  // of a run, for the trace
  GroupRole group = GroupRole::data;
  kernels::CollectiveOp collective = kernels::CollectiveOp::all_reduce;
  std::uint32_t block = 0;  // run: a block; exchange, send, receive: first transfer
  std::uint32_t transfers = 0;
  int micro_batch = -1, chunk = -1;
  sim::Bytes bytes;
  std::int64_t memory_change = 0;  // activation bytes, at the end of the step
};

// Shared by all ranks of one pipeline stage that run on one kind of accelerator.
struct Program {
  std::uint32_t device = 0;  // its kind (workloads/devices.hpp)
  std::vector<Step> steps;
  std::vector<Block> blocks;
  std::vector<Transfer> transfers;
  bool eager = false;              // sends do not wait for the receiver to post
  sim::Time gather_after_receive;  // all-gather of a scattered transfer inside the host
  sim::Time exchange_sync;         // host time of a blocking exchange
  Slowdown overlap;                // of the passes and the posted collectives beside them
  std::int64_t static_memory = 0;  // bytes
};

struct Rank {
  std::uint32_t job = 0, program = 0, multiplicity = 1;
  int number = 0;       // within the job
  double slowness = 1;  // of its kernels, in every step
  int tp = 0, pp = 0, dp = 0, cp = 0;
  int gpu = 0;
  std::array<std::uint32_t, channel_roles> channels = {nobody, nobody, nobody, nobody};
  std::array<std::uint32_t, group_roles> groups = {nobody, nobody, nobody, nobody, nobody};
};

// One direction of one neighbourhood; messages are told apart by number.
struct Channel {
  ChannelRole role = ChannelRole::activation_out;  // at its source
  std::uint32_t source = 0, destination = 0;       // ranks
  std::uint32_t multiplicity = 1;
  std::uint32_t messages = 0;  // in one step
  sim::Bytes bytes;            // of a message
  double wire_factor = 1;      // bytes on the wire per byte: headers, protocol
  sim::Time latency;
  std::vector<sim::LinkShare> shares;
  sim::BytesPerSecond ceiling;  // alone on its links
};

struct Group {
  GroupRole role = GroupRole::data;
  std::uint32_t job = 0;
  std::vector<std::uint32_t> ranks;  // one per class after folding
  std::uint32_t multiplicity = 1;
  std::vector<std::uint32_t> devices = {0};  // kinds of its ranks; the slowest is what it takes
  bool inside_domain = true;                 // one scale-up domain: closed form, no flow
  kernels::GroupShape shape;
  double wire_factor = 1;
  std::vector<sim::CollectiveEdge> edges;  // across hosts: `per_host` rings, from host to host
};

struct PlannedJob {
  std::string name;
  sim::Time start;
  int steps = 1;
  bool pipeline = false;  // more than one stage: waiting for peers is the bubble
  double jitter = 0;      // as in the scenario
};

// A failure begins or ends: channels and groups, as many as before, go other ways.
struct PlanChange {
  sim::Time at;
  std::vector<Channel> channels;
  std::vector<Group> groups;
  std::vector<sim::BytesPerSecond> capacity;  // by link; none: it does not work
  std::string out_of_order;
};

struct Plan {
  std::uint64_t seed = 1;
  std::vector<PlannedJob> jobs;
  std::vector<Program> programs;
  std::vector<Rank> ranks;
  std::vector<Channel> channels;
  std::vector<Group> groups;
  std::vector<sim::LinkSpec> links;
  std::vector<PlanChange> changes;                  // ascending; a plan that has some is not folded
  std::vector<std::uint32_t> link_of_network_link;  // index into `links` of each network link of the fabric; nobody: unused
};

}  // namespace workloads
