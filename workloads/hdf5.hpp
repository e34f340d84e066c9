#pragma once
#include <hdf5.h>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// The thin layer over HDF5's C API: handles that close themselves, errors as sim::MachineError with
// HDF5's own reasons, columns. Included by trace_file.cpp, studies/sweep_table.cpp, readers of their files and tests only.
// The file format is the earliest one on purpose: with `libver latest` a killed writer leaves a file that
// needs h5clear before anything opens it.
namespace workloads::hdf5 {

// Closes its id; a failure to close while an exception is on its way is not another one.
class Handle {
 public:
  Handle() = default;
  explicit Handle(hid_t id) : id_(id) {}
  ~Handle() { reset(); }
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, H5I_INVALID_HID)) {}
  Handle& operator=(Handle&& other) noexcept {
    if (this != &other) {
      reset();
      id_ = std::exchange(other.id_, H5I_INVALID_HID);
    }
    return *this;
  }
  hid_t id() const { return id_; }
  void close(const std::string& what);  // throws where the destructor cannot

 private:
  void reset() noexcept {
    if (id_ >= 0) H5Idec_ref(std::exchange(id_, H5I_INVALID_HID));
  }
  hid_t id_ = H5I_INVALID_HID;
};

// Passes a good return value on. A negative one becomes a MachineError: "`what`: reason (reason …)".
template <class Code>
Code checked(Code code, const std::string& what);
Handle handle(hid_t id, const std::string& what);

Handle create_file(const std::string& path);  // truncates
Handle create_group(hid_t where, const std::string& name);

void set_attribute(hid_t where, const std::string& name, std::string_view text);
void set_attribute(hid_t where, const std::string& name, std::uint64_t value);
void set_attribute(hid_t where, const std::string& name, std::int64_t value);
void set_attribute(hid_t where, const std::string& name, std::uint8_t value);
void set_attribute(hid_t where, const std::string& name, const std::vector<std::string>& texts);

void write_text(hid_t where, const std::string& name, std::string_view text);                   // one string
void write_texts(hid_t where, const std::string& name, const std::vector<std::string>& texts);  // a column of strings
// A matrix by rows; `columns` may be 0.
Handle write_matrix(hid_t where, const std::string& name, std::span<const double> values, std::size_t columns, std::string_view units);

inline constexpr unsigned deflate_level = 1;
// While it lives, columns that are made on this thread are not compressed.
class Uncompressed {
 public:
  explicit Uncompressed(bool wanted);
  ~Uncompressed();
  Uncompressed(const Uncompressed&) = delete;
  Uncompressed& operator=(const Uncompressed&) = delete;

 private:
  bool before_;
};
struct MatrixChunk {
  std::size_t row, column, rows, columns;
};
void write_chunks(hid_t dataset, std::span<const double> values, std::size_t columns, std::size_t chunk_rows, std::size_t chunk_columns,
                  const std::string& what);

inline constexpr std::size_t block_rows = 16384;  // of a chunk; 128 kB of 64-bit numbers

// One extensible dataset, filled by blocks. T: std::uint8_t, std::int32_t, std::int64_t or double.
template <class T>
class Column {
 public:
  Column(hid_t group, const std::string& name, std::string_view units);
  void push(T value) {
    buffer_.push_back(value);
    if (buffer_.size() == block_rows) append();
  }
  void append();  // writes what is buffered
  hid_t id() const { return dataset_.id(); }

 private:
  std::string name_;
  Handle dataset_;
  hsize_t rows_ = 0;
  std::vector<T> buffer_;
};

// One extensible dataset of texts of at most `length` bytes.
class TextColumn {
 public:
  TextColumn(hid_t group, const std::string& name, std::size_t length);
  void push(std::string_view text);
  void append();  // writes what is buffered

 private:
  std::string name_;
  std::size_t length_, chunk_rows_;
  Handle type_, dataset_;
  hsize_t rows_ = 0;
  std::string buffer_;  // padded with NUL
};

// For reading; throw sim::InputError for what is no file, not there or no text.
Handle open_file(const std::string& path);
bool has(const std::string& path, const std::string& object);
std::string read_text(const std::string& path, const std::string& dataset, std::size_t row = 0);  // of a column, or the only one

}  // namespace workloads::hdf5
