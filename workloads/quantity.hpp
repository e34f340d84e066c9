#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include "sim/units.hpp"

// Quantities as users write them: a number and its unit, "400 Gb/s", "50 GB/s", "80 GiB", "500 ns".
// b is bits and B bytes; k, M, G, T are powers of 1000 and Ki, Mi, Gi, Ti of 1024. Case counts,
// because 400 GB/s and 400 Gb/s differ by 8. A number alone has no meaning here.
namespace workloads {

// The value, or what is wrong with the text and what to write instead.
template <class T>
struct Parsed {
  std::optional<T> value;
  std::string problem;
};

Parsed<sim::BytesPerSecond> parse_bandwidth(std::string_view text);
Parsed<sim::Time> parse_time(std::string_view text);
Parsed<sim::Bytes> parse_bytes(std::string_view text);

// A plain decimal number: no hexadecimal, octal (010), nan or inf, no digits left over.
std::optional<double> parse_number(std::string_view text);
std::optional<std::int64_t> parse_integer(std::string_view text);

// The shortest text that reads back to the same value.
enum class BandwidthUnit : std::uint8_t { bits, bytes };
std::string to_text(sim::BytesPerSecond value, BandwidthUnit unit = BandwidthUnit::bytes);
std::string to_text(sim::Time value);
std::string to_text(sim::Bytes value);
std::string to_text(double value);

}  // namespace workloads
