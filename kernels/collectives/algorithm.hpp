#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include "kernels/device_profile.hpp"  // CollectiveOp

// Collectives as explicit steps: which elements go from whom to whom, and when at the earliest.
// To add an algorithm: a file in algorithms/ with one function, and its line in the table of algorithm.cpp.
namespace kernels::collectives {

struct Range {
  std::int64_t offset = 0, count = 0;
  std::int64_t end() const { return offset + count; }
  auto operator<=>(const Range&) const = default;
};
// Part i of nearly equal ones. Part i of p is the same as parts 2i and 2i+1 of 2p together.
Range part_of(Range whole, std::int64_t parts, std::int64_t i);

struct Request {
  CollectiveOp op = CollectiveOp::all_reduce;
  int ranks = 1;
  int per_host = 1;        // rank r is on host r / per_host; the last host may hold fewer
  std::int64_t count = 0;  // elements of the big buffer; all_to_all, send_receive: of one rank's
  int root = 0;
  int channels = 1;                       // that share the elements; each enters and leaves hosts by a GPU of its own
  int pieces = 1;                         // that a pipeline (chain, tree) cuts its elements into
  std::vector<std::int64_t> counts = {};  // all_to_all with unequal ones: [from * ranks + to]; empty: count / ranks each
};

// Where everybody's elements are. An element has one address on all ranks. all_to_all and send_receive: the ranks'
// buffers one after the other; else the big buffer, of which part r belongs to rank r.
class Layout {
 public:
  explicit Layout(const Request& request);
  std::int64_t elements() const { return elements_; }
  Range whole() const { return {0, elements_}; }
  Range own(int rank) const { return part_of(whole(), request_.ranks, rank); }
  Range at_start(int rank) const;  // what it brings
  // What it must have in the end: of each element the sum of all that was brought, each once.
  std::vector<Range> at_end(int rank) const;
  // Where nothing is reduced: what `source` has to get to `destination`.
  Range block(int source, int destination) const;

 private:
  const Request& request_;
  std::int64_t elements_ = 0;
  std::vector<std::int64_t> offsets_;  // of the blocks of an unequal all_to_all
};
bool reduces(CollectiveOp op);
inline constexpr std::array every_op = {CollectiveOp::all_reduce,   CollectiveOp::all_gather, CollectiveOp::reduce_scatter,
                                        CollectiveOp::broadcast,    CollectiveOp::reduce,     CollectiveOp::all_to_all,
                                        CollectiveOp::send_receive, CollectiveOp::gather,     CollectiveOp::scatter};
std::optional<CollectiveOp> op_named(std::string_view name);
std::vector<std::string> op_names();

enum class Effect : std::uint8_t { copy, reduce };

// Sends what `source` holds before the steps of this number. Nodes are the ranks and, after them, switches.
struct Step {
  std::uint32_t number = 0;
  int source = 0, destination = 0;
  Range range;
  Effect effect = Effect::copy;
  int channel = 0;
};

// Steps of equal number, source, destination and channel travel as one message.
struct Schedule {
  int ranks = 0;
  std::int64_t elements = 0;
  std::vector<std::vector<int>> switches = {};  // the ranks below each; it reduces and multicasts, and keeps nothing that it has sent
  std::vector<Step> steps = {};

  int nodes() const { return ranks + static_cast<int>(switches.size()); }
  void add(const Step& step);  // none for an empty range; throws sim::InputError when there are too many to keep
  int add_switch(std::vector<int> below);
};

enum class Hosts : std::uint8_t { any, equal, one };  // that an algorithm can do
enum class Channels : std::uint8_t { own, asked };    // of its own making, or Request::channels

struct Algorithm {
  std::string_view name;
  void (*build)(const Request& request, Schedule& schedule);
  std::vector<CollectiveOp> ops;
  Hosts hosts = Hosts::any;
  Channels channels = Channels::own;
};
std::span<const Algorithm> algorithms();
const Algorithm& algorithm_named(std::string_view name);  // throws sim::InputError with the known names
// Empty, or why not.
std::string why_not(const Algorithm& algorithm, const Request& request);
Schedule make_schedule(const Algorithm& algorithm, const Request& request);  // throws sim::InputError

}  // namespace kernels::collectives
