#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kernels {

// A table of measurements: comma-separated, first line the column names, quoted fields ("a ""b"", c", which may
// span lines), LF or CRLF. Refuses, with FILE:LINE, ragged rows, repeated or empty column names, NUL bytes, stray
// and open quotes, and files above 1 GiB. Keeps the text once; fields are views into it.
class CsvTable {
 public:
  static CsvTable read(const std::string& path);  // throws sim::InputError
  CsvTable(std::string text, std::string file);

  const std::string& file() const { return file_; }
  const std::vector<std::string>& columns() const { return columns_; }
  std::size_t rows() const { return lines_.size(); }
  bool has(std::string_view column) const;
  std::size_t column(std::string_view name) const;  // throws InputError with the known columns

  std::string text(std::size_t row, std::size_t column) const;  // quotes taken away
  // Finite; throws InputError "FILE:LINE: column 'x': …".
  double number(std::size_t row, std::size_t column) const;
  double positive(std::size_t row, std::size_t column) const;
  std::int64_t whole(std::size_t row, std::size_t column) const;  // at least 1
  int line(std::size_t row) const { return lines_[row]; }
  std::string place(std::size_t row) const { return file_ + ":" + std::to_string(lines_[row]); }

 private:
  struct Field {
    std::size_t begin = 0, end = 0;
    bool quoted = false;
  };
  void split();
  std::size_t split_field(std::size_t at, int line, Field& field) const;  // returns where the field ends
  std::string unquoted(const Field& field) const;

  std::string file_, text_;
  std::vector<std::string> columns_;
  std::vector<Field> fields_;  // row by row
  std::vector<int> lines_;     // of the rows
};

}  // namespace kernels
