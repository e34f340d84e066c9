#pragma once
#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

namespace workloads {

// Encodes protocol buffers, field by field: the little of the wire format that a trace needs.
class Protobuf {
 public:
  Protobuf& number(int field, std::uint64_t value) {
    key(field, 0);
    varint(value);
    return *this;
  }
  Protobuf& real(int field, double value) {
    key(field, 1);
    const auto bits = std::bit_cast<std::uint64_t>(value);
    for (int byte = 0; byte < 8; ++byte) bytes_ += static_cast<char>(bits >> (8 * byte));
    return *this;
  }
  Protobuf& text(int field, std::string_view value) {
    key(field, 2);
    varint(value.size());
    bytes_ += value;
    return *this;
  }
  Protobuf& message(int field, const Protobuf& value) { return text(field, value.bytes_); }
  const std::string& bytes() const { return bytes_; }

 private:
  void key(int field, unsigned wire_type) { varint(static_cast<std::uint64_t>(field) << 3 | wire_type); }
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(value | 0x80);
    bytes_ += static_cast<char>(value);
  }
  std::string bytes_;
};

}  // namespace workloads
