#pragma once
#include <cmath>
#include "kernels/calibrate/journal.hpp"
#include "kernels/calibrate/plan_of_operations.hpp"
#include "kernels/collectives/ring.hpp"
#include "kernels/fit/numerics.hpp"

// A machine whose laws are known: 50 GFLOP/s, 10 GB/s of memory, 5 GB/s between ranks, and noise of a few percent.
namespace made_up {

using namespace kernels::calibrate;

inline Machine machine(int ranks = 2) {
  return {.device = "made-up CPU",
          .platform = "cpu",
          .facts = {{"mpi", "Open MPI v4.1.4, as packaged"}},
          .ranks = ranks,
          .hosts = 1,
          .multiprocessors = 1,
          .memory_bytes = 8e9,
          .memory_clock_Bps = 0};
}

// Times of a law; 0: this machine cannot.
inline double law(const Operation& operation) {
  if (const auto* product = std::get_if<Product>(&operation)) {
    const auto& g = product->shape;
    const double slow = 1 + 24.0 / double(g.m) + 24.0 / double(g.n) + 48.0 / double(g.k);
    return 1e-6 + g.flops() * slow / 50e9;
  }
  if (const auto* pass = std::get_if<MemoryPass>(&operation))
    return (pass->kernel == MemoryKernel::softmax ? 4 : 1) * (1e-6 + pass->bytes / (pass->bytes < 0x1p20 ? 20e9 : 10e9));
  if (const auto* c = std::get_if<Collective>(&operation)) {
    const int n = static_cast<int>(c->members.size());
    return 4e-6 + 1e-6 * kernels::ring_steps(c->op, n) + kernels::ring_traffic(c->op, n) * c->bytes / 4e9;
  }
  if (const auto* message = std::get_if<Message>(&operation)) return 3e-6 + message->bytes / 5e9;
  return 0;
}

// Repeatable noise: a fold of the operation's text, -2 to 2 times `step`.
inline double noisy(const Operation& operation, double step) {
  return law(operation) * (1 + step * (kernels::fit::fold_of("noise " + to_json(operation)) - 2));
}

inline Journal journal(double noise, double budget = 75, int ranks = 2) {
  Journal journal{.machine = machine(ranks), .samples = {}, .beside = {}};
  for (const Planned& planned : plan_of_calibration(journal.machine, budget)) {
    if (const auto* pair = std::get_if<Beside>(&planned)) {
      // Side by side for 2 s: the product at half its speed, the collective at two thirds; then the rest of it alone.
      journal.beside.push_back({.pair = *pair,
                                .product_alone = 1,
                                .collective_alone = 2,
                                .product_beside = 2,
                                .collective_beside = 2 + (2 - 2 / 1.5),
                                .samples = 9});
      continue;
    }
    const auto& operation = std::get<Operation>(planned);
    const double seconds = noisy(operation, noise);
    journal.samples.push_back({.operation = operation, .seconds = seconds, .low = 0.99 * seconds, .high = 1.01 * seconds, .samples = 9});
  }
  return journal;
}

}  // namespace made_up
