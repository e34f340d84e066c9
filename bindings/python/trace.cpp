#include <pybind11/numpy.h>
#include <pybind11/stl.h>
#include "bindings/python/bindings.hpp"
#include "bindings/python/column_trace.hpp"

namespace py = pybind11;

namespace python {
namespace {

// A read-only NumPy array that looks into memory of `owner` and keeps it alive.
template <class T>
py::array view(const T* data, std::vector<py::ssize_t> shape, std::vector<py::ssize_t> strides, py::handle owner) {
  py::array_t<T> array(std::move(shape), std::move(strides), data, owner);
  array.attr("setflags")(py::arg("write") = false);
  return array;
}

py::ssize_t signed_size(std::size_t size) { return static_cast<py::ssize_t>(size); }

template <class T>
py::array view(const std::vector<T>& values, py::handle owner) {
  return view(values.data(), {signed_size(values.size())}, {sizeof(T)}, owner);
}

// Collects a table as {column: (array, unit, labels or None)}, in the order of the calls.
class Table {
 public:
  explicit Table(py::handle owner) : owner_(owner) {}

  template <class T>
  Table& add(const char* name, const std::vector<T>& values, const char* unit) {
    columns_[name] = py::make_tuple(view(values, owner_), unit, py::none());
    return *this;
  }
  template <class T, class Labels>
  Table& add_category(const char* name, const std::vector<T>& values, const Labels& labels) {
    columns_[name] = py::make_tuple(view(values, owner_), "1", py::cast(labels));
    return *this;
  }
  void add_texts(const char* name, const std::vector<std::string>& texts) {
    const py::object array = py::module_::import("numpy").attr("array")(texts, py::arg("dtype") = "str");
    array.attr("setflags")(py::arg("write") = false);
    columns_[name] = py::make_tuple(array, "1", py::none());
  }
  // One member of each row.
  template <class Row, class T>
  Table& add(const char* name, const std::vector<Row>& rows, T Row::*member, const char* unit) {
    const T* first = rows.empty() ? nullptr : &(rows.front().*member);
    columns_[name] = py::make_tuple(view(first, {signed_size(rows.size())}, {sizeof(Row)}, owner_), unit, py::none());
    return *this;
  }
  py::dict columns() const { return columns_; }

 private:
  py::handle owner_;
  py::dict columns_;
};

py::dict ops_table(py::handle self) {
  const ColumnTrace& trace = self.cast<const RunTrace&>().columns;
  const auto& ops = trace.ops();
  return Table(self)
      .add("job", ops.job, "1")
      .add("rank", ops.rank, "1")
      .add_category("stream", ops.stream, sim::stream_names)
      .add_category("kind", ops.kind, sim::op_kind_names)
      .add_category("name", ops.name, trace.names())
      .add("layer", ops.layer, "1")
      .add("micro_batch", ops.micro_batch, "1")
      .add("chunk", ops.chunk, "1")
      .add("start_ps", ops.start_ps, "ps")
      .add("end_ps", ops.end_ps, "ps")
      .add("bytes", ops.bytes, "byte")
      .add("flops", ops.flops, "1")
      .columns();
}

py::dict flows_table(py::handle self) {
  const auto& flows = self.cast<const RunTrace&>().columns.flows();
  return Table(self)
      .add("job", flows.job, "1")
      .add("src", flows.src, "1")
      .add("dst", flows.dst, "1")
      .add("bytes", flows.bytes, "byte")
      .add("start_ps", flows.start_ps, "ps")
      .add("end_ps", flows.end_ps, "ps")
      .add("cause", flows.cause, "1")
      .columns();
}

py::dict memory_table(py::handle self) {
  const auto& memory = self.cast<const RunTrace&>().columns.memory();
  return Table(self)
      .add("job", memory.job, "1")
      .add("rank", memory.rank, "1")
      .add("time_ps", memory.time_ps, "ps")
      .add("bytes", memory.bytes, "byte")
      .columns();
}

py::dict ranks_table(py::handle self) {
  using workloads::RankRow;
  const auto& ranks = self.cast<const RunTrace&>().ranks;
  return Table(self)
      .add("job", ranks, &RankRow::job, "1")
      .add("rank", ranks, &RankRow::rank, "1")
      .add("gpu", ranks, &RankRow::gpu, "1")
      .add("host", ranks, &RankRow::host, "1")
      .add("tp", ranks, &RankRow::tp, "1")
      .add("pp", ranks, &RankRow::pp, "1")
      .add("dp", ranks, &RankRow::dp, "1")
      .add("cp", ranks, &RankRow::cp, "1")
      .add("ep", ranks, &RankRow::ep, "1")
      .columns();
}

// Texts are not looked into but copied: a NumPy array of them has a form of its own.
py::dict links_table(py::handle self) {
  using workloads::LinkRow;
  const auto& links = self.cast<const RunTrace&>().links;
  Table table(self);
  const auto add_texts = [&](const char* name, std::string LinkRow::*member) {
    std::vector<std::string> texts;
    for (const LinkRow& link : links) texts.push_back(link.*member);
    table.add_texts(name, texts);
  };
  add_texts("name", &LinkRow::name);
  add_texts("src", &LinkRow::source);
  add_texts("dst", &LinkRow::destination);
  add_texts("kind", &LinkRow::kind);
  return table.add("capacity_Bps", links, &LinkRow::capacity_Bps, "byte s-1").columns();
}

// (time bins x links in bytes, width of a bin in ps)
py::tuple link_load(py::handle self) {
  const auto& trace = self.cast<const RunTrace&>();
  const auto links = signed_size(trace.links.size());
  const auto bins = links == 0 ? 0 : signed_size(trace.load.bytes.size()) / links;
  const auto width = static_cast<py::ssize_t>(sizeof(double));
  return py::make_tuple(view(trace.load.bytes.data(), {bins, links}, {links * width, width}, self), trace.load.bin_width.ps());
}

}  // namespace

void bind_trace(py::module_& module) {
  py::class_<RunTrace, std::shared_ptr<RunTrace>>(module, "Trace", "The trace of a run: tables of {column: (array, unit, labels)}.")
      .def("ops", &ops_table)
      .def("flows", &flows_table)
      .def("memory", &memory_table)
      .def("ranks", &ranks_table)
      .def("links", &links_table)
      .def("link_load", &link_load);
}

}  // namespace python
