#include "kernels/calibrate/measure.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include "kernels/calibrate/median.hpp"

namespace kernels::calibrate {
namespace {

constexpr double throttled_sample = std::numeric_limits<double>::infinity();
constexpr double patience = 4;   // times its share of the time may one operation take
constexpr int most_runs = 512;   // in one sample: all may be in a device's queue
constexpr int most_beside = 64;  // runs of the shorter beside one of the longer

class Held {
 public:
  Held(OperationBackend& backend, const Operation& operation) : backend_(backend), prepared_(backend.prepare(operation)) {}
  ~Held() { backend_.release(prepared_); }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  operator Prepared() const { return prepared_; }

 private:
  OperationBackend& backend_;
  Prepared prepared_;
};

bool is_kernel(const Operation& operation) {
  return std::holds_alternative<Product>(operation) || std::holds_alternative<Attention>(operation) ||
         std::holds_alternative<MemoryPass>(operation);
}

Sample summary(const Operation& operation, const std::vector<double>& kept, int throttled, bool flushed) {
  const MedianInterval interval = median_interval(kept);
  return {.operation = operation,
          .seconds = interval.median,
          .low = interval.low,
          .high = interval.high,
          .samples = static_cast<int>(kept.size()),
          .throttled = throttled,
          .outliers = count_outliers(kept),
          .flushed = flushed};
}

}  // namespace

double OperationBackend::host_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// A sample is a thousand times the resolution of the clock: 0.5 us of CUDA events, under 0.1 us of the host's.
MeasureOptions options_for(const Machine& machine) {
  const bool cpu = machine.platform == "cpu";
  return {.interval = cpu ? 0.03 : 0.01, .least_sample_seconds = cpu ? 100e-6 : 500e-6};
}

Harness::Harness(OperationBackend& backend, MeasureOptions options, std::function<bool()> interrupted)
    : backend_(backend), options_(options), asked_to_stop_(std::move(interrupted)) {}

std::string Harness::obstacle(const Operation& operation) {
  std::string why;
  for (const int rank : participants(operation))
    if (rank >= backend_.ranks()) why = fmt::format("rank {} is not there: {} ranks measure.", rank, backend_.ranks());
  if (why.empty()) why = backend_.obstacle(operation);
  if (backend_.largest(why.empty() ? 0 : 1) == 0) return "";
  return why.empty() ? "another rank cannot run it." : why;
}

double Harness::slowest(const Span& span, int runs) {
  backend_.synchronize();
  backend_.meet();
  backend_.throttled();  // what was before does not count
  const double seconds = span(runs);
  return backend_.largest(backend_.throttled() ? throttled_sample : seconds);
}

Harness::Decision Harness::agree(Decision mine) {
  constexpr std::int64_t interrupt = give_up + 1;
  const std::int64_t agreed = backend_.agree(backend_.rank() == 0 && asked_to_stop_() ? interrupt : mine);
  if (agreed == interrupt) was_interrupted_ = true;
  return was_interrupted_ ? give_up : static_cast<Decision>(agreed);
}

std::optional<Harness::Timings> Harness::repeat(const Span& span, double seconds) {
  const double start = backend_.host_seconds();
  const auto elapsed = [&] { return backend_.host_seconds() - start; };
  int runs = 1;
  double one_sample = throttled_sample;
  for (int tries = 0; agree(elapsed() > patience * seconds ? give_up : go_on) == go_on; ++tries) {  // they also warm up
    const double tried = slowest(span, runs);
    if (tried == throttled_sample) continue;
    one_sample = tried;
    if (tries > 0 && (tried >= options_.least_sample_seconds || runs == most_runs)) break;
    const double wanted = 1.2 * runs * options_.least_sample_seconds / std::max(tried, 1e-9);
    runs = static_cast<int>(std::clamp<double>(std::ceil(wanted), runs, most_runs));
  }
  if (was_interrupted_ || backend_.agree(elapsed() + one_sample * fewest_for_interval > patience * seconds)) return std::nullopt;

  Timings timings;
  std::size_t next_look = static_cast<std::size_t>(options_.usual_samples);
  for (Decision decision = go_on; decision == go_on;) {
    const double sample = slowest(span, runs);
    if (sample == throttled_sample)
      ++timings.throttled;
    else
      timings.kept.push_back(sample / runs);
    const double so_far = elapsed();
    const std::size_t kept = timings.kept.size();
    if (kept >= next_look && so_far >= options_.least_seconds) {
      next_look = kept + 1 + kept / 10;
      if (median_interval(timings.kept).width() <= 2 * options_.interval) decision = enough;
    }
    if (kept >= static_cast<std::size_t>(options_.most_samples) || (so_far >= seconds && kept >= fewest_for_interval)) decision = enough;
    if (decision == go_on && so_far >= patience * seconds) decision = give_up;
    decision = agree(decision);
    if (decision == give_up) return std::nullopt;
  }
  return timings;
}

double Harness::time_kernel(Prepared prepared, int runs) {
  if (!options_.flush) return time_in_stream(prepared, runs, Stream::compute);
  std::vector<std::pair<Mark, Mark>> marks;
  for (int run = 0; run < runs; ++run) {
    backend_.flush_cache();
    const Mark first = backend_.mark(Stream::compute);
    backend_.enqueue(prepared, Stream::compute);
    marks.emplace_back(first, backend_.mark(Stream::compute));
  }
  double seconds = 0;
  for (const auto& [first, last] : marks) seconds += backend_.seconds_between(first, last);
  return seconds;
}

double Harness::time_in_stream(Prepared prepared, int runs, Stream stream) {
  const Mark first = backend_.mark(stream);
  for (int run = 0; run < runs; ++run) backend_.enqueue(prepared, stream);
  const Mark last = backend_.mark(stream);
  return backend_.seconds_between(first, last);
}

double Harness::time_of_host(Prepared prepared, int runs) {
  const double start = backend_.host_seconds();
  for (int run = 0; run < runs; ++run) backend_.enqueue(prepared, Stream::compute);
  return backend_.host_seconds() - start;
}

// A message's time is half a round trip: many one way would overlap, and hide the latency.
double Harness::time_round_trips(Prepared there, Prepared back, int runs) {
  const auto wait = [&] { backend_.order(Stream::communication, Stream::communication); };  // ends a group of messages
  const Mark first = backend_.mark(Stream::communication);
  for (int run = 0; run < runs; ++run) {
    backend_.enqueue(there, Stream::communication);
    wait();
    backend_.enqueue(back, Stream::communication);
    wait();
  }
  const Mark last = backend_.mark(Stream::communication);
  return backend_.seconds_between(first, last) / 2;
}

std::optional<Sample> Harness::measure(const Operation& operation, double seconds) {
  if (const std::string why = obstacle(operation); !why.empty()) return Sample{.operation = operation, .skipped = why};
  seconds = std::min(seconds, options_.most_seconds);
  const Held held(backend_, operation);
  const bool communicates = !participants(operation).empty();
  const double apart = communicates ? backend_.apart() : 0;
  std::optional<Timings> timings;
  const auto* launch = std::get_if<Launch>(&operation);
  if (is_kernel(operation)) {
    timings = repeat([&](int runs) { return time_kernel(held, runs); }, seconds);
  } else if (const auto* message = std::get_if<Message>(&operation)) {
    const Message answer{message->destination, message->source, message->bytes};
    if (const std::string why = obstacle(answer); !why.empty()) return Sample{.operation = operation, .skipped = why};  // no memory left
    const Held back(backend_, answer);
    timings = repeat([&](int runs) { return time_round_trips(held, back, runs); }, seconds);
  } else if (launch && launch->of_host) {
    timings = repeat([&](int runs) { return time_of_host(held, runs); }, seconds);
  } else {
    const Stream stream = std::holds_alternative<Collective>(operation) ? Stream::communication : Stream::compute;
    timings = repeat([&](int runs) { return time_in_stream(held, runs, stream); }, seconds);
  }
  backend_.synchronize();
  if (!timings || (communicates && !as_far_apart(backend_.apart(), apart))) return std::nullopt;
  Sample sample = summary(operation, timings->kept, timings->throttled, is_kernel(operation) && options_.flush);
  sample.apart = apart;
  return sample;
}

std::optional<BesideSample> Harness::measure(const Beside& pair, double seconds) {
  if (const std::string why = obstacle(pair.product); !why.empty()) return BesideSample{.pair = pair, .skipped = why};
  const Held product(backend_, pair.product);
  if (const std::string why = obstacle(pair.collective); !why.empty()) return BesideSample{.pair = pair, .skipped = why};
  const Held collective(backend_, pair.collective);
  seconds = std::min(seconds, options_.most_seconds) / 3;
  BesideSample sample{.pair = pair};
  const auto alone = [&](Prepared prepared, Stream stream) {
    const auto timings = repeat([&](int runs) { return time_in_stream(prepared, runs, stream); }, seconds);
    if (timings) sample.throttled += timings->throttled;
    return timings ? median_interval(timings->kept).median : 0;
  };
  sample.product_alone = alone(product, Stream::compute);
  if (sample.product_alone > 0) sample.collective_alone = alone(collective, Stream::communication);
  if (sample.collective_alone == 0) return std::nullopt;

  const double ratio = sample.collective_alone / sample.product_alone;
  sample.product_runs = static_cast<int>(std::clamp(std::round(ratio), 1.0, double(most_beside)));
  sample.collective_runs = static_cast<int>(std::clamp(std::round(1 / ratio), 1.0, double(most_beside)));
  std::vector<double> of_product, of_collective;
  const auto together = [&](int runs) {
    double sum = 0;
    for (int run = 0; run < runs; ++run) {
      const Mark start = backend_.mark(Stream::compute), start_too = backend_.mark(Stream::compute);
      backend_.order(Stream::compute, Stream::communication);
      for (int i = 0; i < std::max(sample.collective_runs, sample.product_runs); ++i) {  // in turns, so that both begin at once
        if (i < sample.collective_runs) backend_.enqueue(collective, Stream::communication);
        if (i < sample.product_runs) backend_.enqueue(product, Stream::compute);
      }
      const Mark product_end = backend_.mark(Stream::compute), collective_end = backend_.mark(Stream::communication);
      of_product.push_back(backend_.seconds_between(start, product_end) / sample.product_runs);
      of_collective.push_back(backend_.seconds_between(start_too, collective_end) / sample.collective_runs);
      sum += of_product.back() + of_collective.back();
    }
    return sum;
  };
  const auto timings = repeat(together, seconds);
  backend_.synchronize();
  if (!timings) return std::nullopt;
  sample.product_beside = backend_.largest(median_interval(of_product).median);
  sample.collective_beside = backend_.largest(median_interval(of_collective).median);
  sample.samples = static_cast<int>(timings->kept.size());
  sample.throttled += timings->throttled;
  return sample;
}

}  // namespace kernels::calibrate
