#pragma once
#include <cmath>
#include <compare>
#include <cstdint>
#include <limits>

// Quantities are types: Bytes / BytesPerSecond is a Time, Bytes + Time does not compile.
// GB is 10^9 and GiB is 2^30, everywhere. Time is exact (integer picoseconds), so equal
// inputs give bit-equal schedules on every machine; 2^63 ps is 106 days.
namespace sim {

class Time {
 public:
  constexpr Time() = default;
  static constexpr Time picoseconds(std::int64_t ps) { return Time{ps}; }
  // Rounds to the nearest picosecond; the argument must be finite and below 9e6 s.
  static Time seconds(double s) { return Time{static_cast<std::int64_t>(std::llround(s * 1e12))}; }

  constexpr std::int64_t ps() const { return ps_; }
  constexpr double in_seconds() const { return static_cast<double>(ps_) * 1e-12; }

  constexpr auto operator<=>(const Time&) const = default;
  constexpr Time& operator+=(Time other) {
    ps_ += other.ps_;
    return *this;
  }
  constexpr Time& operator-=(Time other) {
    ps_ -= other.ps_;
    return *this;
  }
  friend constexpr Time operator+(Time a, Time b) { return Time{a.ps_ + b.ps_}; }
  friend constexpr Time operator-(Time a, Time b) { return Time{a.ps_ - b.ps_}; }
  friend constexpr Time operator*(Time a, std::int64_t n) { return Time{a.ps_ * n}; }
  friend constexpr Time operator*(std::int64_t n, Time a) { return a * n; }
  friend constexpr double operator/(Time a, Time b) { return static_cast<double>(a.ps_) / static_cast<double>(b.ps_); }

 private:
  constexpr explicit Time(std::int64_t ps) : ps_(ps) {}
  std::int64_t ps_ = 0;
};

// "It will not happen": later than every real time.
inline constexpr Time never = Time::picoseconds(std::numeric_limits<std::int64_t>::max());

class Bytes {
 public:
  constexpr Bytes() = default;
  constexpr explicit Bytes(std::int64_t count) : count_(count) {}
  constexpr std::int64_t count() const { return count_; }
  constexpr auto operator<=>(const Bytes&) const = default;
  constexpr Bytes& operator+=(Bytes other) {
    count_ += other.count_;
    return *this;
  }
  friend constexpr Bytes operator+(Bytes a, Bytes b) { return Bytes{a.count_ + b.count_}; }
  friend constexpr Bytes operator-(Bytes a, Bytes b) { return Bytes{a.count_ - b.count_}; }
  friend constexpr Bytes operator*(Bytes a, std::int64_t n) { return Bytes{a.count_ * n}; }

 private:
  std::int64_t count_ = 0;
};

// Bandwidth, per direction. A double: whole picoseconds per byte would be 10 % wrong at 3.6 Tb/s.
class BytesPerSecond {
 public:
  constexpr BytesPerSecond() = default;
  constexpr explicit BytesPerSecond(double value) : value_(value) {}
  constexpr double value() const { return value_; }
  constexpr auto operator<=>(const BytesPerSecond&) const = default;
  friend constexpr BytesPerSecond operator+(BytesPerSecond a, BytesPerSecond b) { return BytesPerSecond{a.value_ + b.value_}; }
  friend constexpr BytesPerSecond operator*(BytesPerSecond a, double f) { return BytesPerSecond{a.value_ * f}; }
  friend constexpr BytesPerSecond operator/(BytesPerSecond a, double f) { return BytesPerSecond{a.value_ / f}; }

 private:
  double value_ = 0;
};

// The first whole picosecond at which the last of `bytes` is there. The product of two roundings
// may lie an ulp or two above the exact value, which must not cost a picosecond: hence the factor.
inline Time transfer_time(double bytes, BytesPerSecond rate) {
  return Time::picoseconds(static_cast<std::int64_t>(std::ceil(bytes / rate.value() * 1e12 * (1 - 1e-15))));
}
inline Time operator/(Bytes bytes, BytesPerSecond rate) { return transfer_time(static_cast<double>(bytes.count()), rate); }

inline namespace literals {
constexpr Time operator""_s(unsigned long long v) { return Time::picoseconds(static_cast<std::int64_t>(v) * 1'000'000'000'000); }
constexpr Time operator""_ms(unsigned long long v) { return Time::picoseconds(static_cast<std::int64_t>(v) * 1'000'000'000); }
constexpr Time operator""_us(unsigned long long v) { return Time::picoseconds(static_cast<std::int64_t>(v) * 1'000'000); }
constexpr Time operator""_ns(unsigned long long v) { return Time::picoseconds(static_cast<std::int64_t>(v) * 1'000); }
constexpr Bytes operator""_B(unsigned long long v) { return Bytes{static_cast<std::int64_t>(v)}; }
constexpr Bytes operator""_MB(unsigned long long v) { return Bytes{static_cast<std::int64_t>(v) * 1'000'000}; }
constexpr Bytes operator""_GB(unsigned long long v) { return Bytes{static_cast<std::int64_t>(v) * 1'000'000'000}; }
constexpr Bytes operator""_GiB(unsigned long long v) { return Bytes{static_cast<std::int64_t>(v) << 30}; }
constexpr BytesPerSecond operator""_GBps(unsigned long long v) { return BytesPerSecond{static_cast<double>(v) * 1e9}; }
constexpr BytesPerSecond operator""_Gbps(unsigned long long v) { return BytesPerSecond{static_cast<double>(v) * 1e9 / 8}; }
}  // namespace literals

}  // namespace sim
