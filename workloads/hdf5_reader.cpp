#include "workloads/hdf5_reader.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <type_traits>
#include "sim/error.hpp"

namespace workloads::hdf5 {
namespace {

std::vector<std::string> texts_in(hid_t type, std::size_t count, const auto& read) {
  std::vector<std::string> texts;
  texts.reserve(count);
  if (H5Tis_variable_str(type) > 0) {
    std::vector<char*> found(count, nullptr);
    read(static_cast<void*>(found.data()));
    for (char* text : found) {
      texts.emplace_back(text ? text : "");
      H5free_memory(text);
    }
    return texts;
  }
  const std::size_t length = H5Tget_size(type);
  std::string all(count * length, '\0');
  read(static_cast<void*>(all.data()));
  for (std::size_t i = 0; i < count; ++i) {
    const std::string_view text = std::string_view(all).substr(i * length, length);
    texts.emplace_back(text.substr(0, text.find('\0')));
  }
  return texts;
}

}  // namespace

Reader::Reader(std::string path) : path_(std::move(path)), file_(open_file(path_)) {}

void Reader::refuse(const std::string& object, const std::string& what) const {
  throw sim::InputError(fmt::format("{}: {} {}. Was it written by another version of weftsim? Simulate it again.", path_, object, what));
}

bool Reader::has(const std::string& object) const { return checked(H5Lexists(file_.id(), object.c_str(), H5P_DEFAULT), path_) > 0; }

Handle Reader::open(const std::string& dataset) const {
  Handle data(H5Dopen2(file_.id(), dataset.c_str(), H5P_DEFAULT));
  if (data.id() < 0) refuse(dataset, "is missing");
  return data;
}

std::vector<std::string> Reader::names(const std::string& group) const {
  const Handle where(H5Gopen2(file_.id(), group.c_str(), H5P_DEFAULT));
  if (where.id() < 0) refuse(group, "is missing");
  H5G_info_t info;
  checked(H5Gget_info(where.id(), &info), path_);
  std::vector<std::string> names;
  for (hsize_t i = 0; i < info.nlinks; ++i) {
    const auto length = checked<hid_t>(H5Lget_name_by_idx(where.id(), ".", H5_INDEX_NAME, H5_ITER_INC, i, nullptr, 0, H5P_DEFAULT), path_);
    std::string name(static_cast<std::size_t>(length) + 1, '\0');
    checked<hid_t>(H5Lget_name_by_idx(where.id(), ".", H5_INDEX_NAME, H5_ITER_INC, i, name.data(), name.size(), H5P_DEFAULT), path_);
    name.pop_back();
    names.push_back(std::move(name));
  }
  return names;
}

Reader::Kind Reader::kind(const std::string& dataset) const {
  const Handle data = open(dataset), type = handle(H5Dget_type(data.id()), path_), space = handle(H5Dget_space(data.id()), path_);
  if (H5Sget_simple_extent_ndims(space.id()) != 1) return Kind::other;
  switch (H5Tget_class(type.id())) {
    case H5T_INTEGER:
      return Kind::integers;
    case H5T_FLOAT:
      return Kind::reals;
    case H5T_STRING:
      return Kind::texts;
    default:
      return Kind::other;
  }
}

bool Reader::has_attribute(const std::string& object, const std::string& name) const {
  return checked(H5Aexists_by_name(file_.id(), object.c_str(), name.c_str(), H5P_DEFAULT), path_) > 0;
}

// Deflate makes at most 1,032 bytes of one, and a row has at least one.
std::size_t Reader::rows(const std::string& dataset) const {
  const Handle data = open(dataset), space = handle(H5Dget_space(data.id()), path_);
  const auto rows = static_cast<std::uint64_t>(checked<hid_t>(H5Sget_simple_extent_npoints(space.id()), path_));
  if (rows / 1032 > H5Dget_storage_size(data.id())) refuse(dataset, fmt::format("claims {} rows, more than the file holds", rows));
  return rows;
}

template <class T>
std::vector<T> Reader::column(const std::string& dataset, std::size_t first, std::size_t count) const {
  if (const Kind held = kind(dataset); held != Kind::integers && held != Kind::reals) refuse(dataset, "is no column of numbers");
  if (const std::size_t all = rows(dataset); first > all || count > all - first)
    refuse(dataset, fmt::format("has {} rows, fewer than the columns beside it", all));
  std::vector<T> values(count);
  if (count == 0) return values;
  const Handle data = open(dataset), space = handle(H5Dget_space(data.id()), path_);
  const hsize_t from = first, number = count;
  checked(H5Sselect_hyperslab(space.id(), H5S_SELECT_SET, &from, nullptr, &number, nullptr), path_);
  const Handle memory = handle(H5Screate_simple(1, &number, nullptr), path_);
  hid_t native = H5T_NATIVE_DOUBLE;
  if constexpr (std::is_same_v<T, std::int32_t>) native = H5T_NATIVE_INT32;
  if constexpr (std::is_same_v<T, std::int64_t>) native = H5T_NATIVE_INT64;
  checked(H5Dread(data.id(), native, memory.id(), space.id(), H5P_DEFAULT, values.data()), fmt::format("{}:{}", path_, dataset));
  return values;
}
template std::vector<std::int32_t> Reader::column(const std::string&, std::size_t, std::size_t) const;
template std::vector<std::int64_t> Reader::column(const std::string&, std::size_t, std::size_t) const;
template std::vector<double> Reader::column(const std::string&, std::size_t, std::size_t) const;

std::vector<double> Reader::numbers(const std::string& dataset) const {
  const Handle data = open(dataset), type = handle(H5Dget_type(data.id()), path_), space = handle(H5Dget_space(data.id()), path_);
  if (const H5T_class_t kind = H5Tget_class(type.id()); kind != H5T_INTEGER && kind != H5T_FLOAT) refuse(dataset, "holds no numbers");
  std::vector<double> values(rows(dataset));
  if (!values.empty()) checked(H5Dread(data.id(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), path_);
  return values;
}

std::vector<std::string> Reader::texts(const std::string& dataset) const {
  const Handle data = open(dataset), type = handle(H5Dget_type(data.id()), path_), space = handle(H5Dget_space(data.id()), path_);
  if (H5Tget_class(type.id()) != H5T_STRING) refuse(dataset, "holds no texts");
  const auto count = static_cast<std::size_t>(checked<hid_t>(H5Sget_simple_extent_npoints(space.id()), path_));
  if (count == 0) return {};
  return texts_in(type.id(), count, [&](void* to) { checked(H5Dread(data.id(), type.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, to), path_); });
}

Handle Reader::open_attribute(const std::string& object, const std::string& name) const {
  const Handle where(H5Oopen(file_.id(), object.c_str(), H5P_DEFAULT));
  if (where.id() < 0) refuse(object, "is missing");
  Handle attribute(H5Aopen(where.id(), name.c_str(), H5P_DEFAULT));
  if (attribute.id() < 0) refuse(object, fmt::format("has no attribute {}", name));
  return attribute;
}

std::vector<std::string> Reader::texts_attribute(const std::string& object, const std::string& name) const {
  const Handle attribute = open_attribute(object, name);
  const Handle type = handle(H5Aget_type(attribute.id()), path_), space = handle(H5Aget_space(attribute.id()), path_);
  if (H5Tget_class(type.id()) != H5T_STRING) refuse(object, fmt::format("has an attribute {} that is no text", name));
  const auto count = static_cast<std::size_t>(checked<hid_t>(H5Sget_simple_extent_npoints(space.id()), path_));
  return texts_in(type.id(), count, [&](void* to) { checked(H5Aread(attribute.id(), type.id(), to), path_); });
}

std::vector<std::string> Reader::texts_of_labels(const std::string& dataset) const {
  const std::vector<std::string> known = texts_attribute(dataset, "labels");
  std::vector<std::string> texts;
  for (const double code : numbers(dataset)) {
    if (!(code >= 0) || code >= double(known.size())) refuse(dataset, fmt::format("has {}, which has no label", code));
    texts.push_back(known[static_cast<std::size_t>(code)]);
  }
  return texts;
}

double Reader::number_attribute(const std::string& object, const std::string& name) const {
  const Handle attribute = open_attribute(object, name);
  const Handle type = handle(H5Aget_type(attribute.id()), path_), space = handle(H5Aget_space(attribute.id()), path_);
  const H5T_class_t kind = H5Tget_class(type.id());
  if ((kind != H5T_INTEGER && kind != H5T_FLOAT) || H5Sget_simple_extent_npoints(space.id()) != 1)
    refuse(object, fmt::format("has an attribute {} that is no number", name));
  double value = 0;
  checked(H5Aread(attribute.id(), H5T_NATIVE_DOUBLE, &value), path_);
  return value;
}

}  // namespace workloads::hdf5
