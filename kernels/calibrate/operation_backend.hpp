#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include "kernels/calibrate/operation.hpp"

// Runs operations for real. One process is one rank; each has a stream of kernels and a stream of
// communication, in order each and side by side where the device can. The harness (measure.hpp) and the player
// of programs (program_player.hpp) know no more of a device than this; CPU and CUDA are behind it.
namespace kernels::calibrate {

enum class Stream : std::uint8_t { compute, communication };
constexpr std::string_view name_of(Stream stream) { return stream == Stream::compute ? "compute" : "communication"; }

// What a profile says of the machine that it was measured on. Nothing in it changes between two starts: a
// calibration goes on only where all of it is equal.
struct Machine {
  std::string device;                                      // "NVIDIA H100 80GB HBM3", "AMD EPYC 7763, 1 core a rank"
  std::string platform;                                    // cuda | cpu
  std::vector<std::pair<std::string, std::string>> facts;  // driver, libraries and their versions, clocks, warnings
  int ranks = 1, hosts = 1;
  int multiprocessors = 0;      // of a device
  double memory_bytes = 0;      // of a device
  double memory_clock_Bps = 0;  // by its data; zero: not known
  bool operator==(const Machine&) const = default;
};

// A span of time at the device; opaque to the harness.
using Mark = std::uint32_t;
using Prepared = std::uint32_t;  // an operation with its buffers

class OperationBackend {
 public:
  virtual ~OperationBackend() = default;
  virtual Machine machine() const = 0;
  virtual int rank() const = 0;
  virtual int ranks() const = 0;

  // Empty: it can; else a sentence why not (no such precision, not enough memory).
  virtual std::string obstacle(const Operation& operation) const = 0;
  // Buffers of random numbers, communicators, and one run, so that nothing is loaded or tuned later. All ranks call it alike.
  virtual Prepared prepare(const Operation& operation) = 0;
  virtual void release(Prepared operation) = 0;

  // In order on each stream. Messages on it with nothing but messages between them run side by side: two ranks may
  // each send first and receive then. Collectives and messages are measured on Stream::communication.
  virtual void enqueue(Prepared operation, Stream stream) = 0;
  // What is enqueued on `later` from now on waits for all that is on `earlier` by now.
  virtual void order(Stream earlier, Stream later) = 0;
  virtual Mark mark(Stream stream) = 0;                       // when all before it on the stream is done
  virtual double seconds_between(Mark first, Mark last) = 0;  // waits for both; marks are used once
  virtual void synchronize() = 0;                             // the host waits for both streams
  virtual void flush_cache() = 0;                             // operands of the next kernel come from memory

  // True if the device ran below its usual clock since the last call: what was measured is thrown away.
  virtual bool throttled() = 0;

  // Seconds that a cache line takes to the next rank of the host and back, of the pair with the longest way; zero: fixed by the
  // hardware. A hypervisor moves cores, and small collectives with them. All ranks call it alike and get the same.
  virtual double apart() { return 0; }

  virtual double host_seconds();  // a clock that does not go back; tests script it

  virtual void meet() = 0;                             // a barrier of all ranks
  virtual double largest(double value) = 0;            // over all ranks
  virtual std::int64_t agree(std::int64_t value) = 0;  // rank 0's
};

}  // namespace kernels::calibrate
