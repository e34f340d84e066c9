#pragma once
#include <cstddef>
#include <string>
#include <vector>
#include "workloads/hdf5.hpp"

namespace workloads::hdf5 {

// Whole columns of a file that weftsim wrote, and that may have been changed since: what is not there, or of another shape, throws
// sim::InputError. Integers above 2^53 lose digits.
class Reader {
 public:
  explicit Reader(std::string path);
  const std::string& path() const { return path_; }
  bool has(const std::string& object) const;
  std::vector<std::string> names(const std::string& group) const;  // of what a group holds, sorted
  // What a dataset holds; `other` is a matrix, or a type that weftsim does not write.
  enum class Kind : std::uint8_t { integers, reals, texts, other };
  Kind kind(const std::string& dataset) const;
  bool has_attribute(const std::string& object, const std::string& name) const;
  std::size_t rows(const std::string& dataset) const;  // never more than the bytes of the file can hold
  // Rows `first` to `first + count` of a column of numbers. T: std::int32_t, std::int64_t or double.
  template <class T>
  std::vector<T> column(const std::string& dataset, std::size_t first, std::size_t count) const;
  std::vector<double> numbers(const std::string& dataset) const;               // a matrix by rows
  std::vector<std::string> texts(const std::string& dataset) const;            // a column, or the only one
  std::vector<std::string> texts_of_labels(const std::string& dataset) const;  // a column of categories
  double number_attribute(const std::string& object, const std::string& name) const;
  std::vector<std::string> texts_attribute(const std::string& object, const std::string& name) const;

 private:
  [[noreturn]] void refuse(const std::string& object, const std::string& what) const;
  Handle open(const std::string& dataset) const;
  Handle open_attribute(const std::string& object, const std::string& name) const;

  std::string path_;
  Handle file_;
};

}  // namespace workloads::hdf5
