#include <pybind11/numpy.h>
#include <pybind11/stl.h>
#include <functional>
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

// Rows one after the other, of so many columns.
py::array matrix(const std::vector<double>& values, std::size_t columns, py::handle owner) {
  const py::ssize_t across = signed_size(columns), down = columns == 0 ? 0 : signed_size(values.size()) / across;
  const auto width = static_cast<py::ssize_t>(sizeof(double));
  return view(values.data(), {down, across}, {across * width, width}, owner);
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
  // Copied: what the rows hold is no plain number.
  template <class Row, class Value>
  Table& add_each(const char* name, const std::vector<Row>& rows, Value value, const char* unit) {
    py::array_t<std::int64_t> array(signed_size(rows.size()));
    for (std::size_t i = 0; i < rows.size(); ++i) array.mutable_at(i) = value(rows[i]);
    array.attr("setflags")(py::arg("write") = false);
    columns_[name] = py::make_tuple(array, unit, py::none());
    return *this;
  }
  template <class Row, class Value>
  Table& add_each_text(const char* name, const std::vector<Row>& rows, Value value) {
    std::vector<std::string> texts;
    for (const Row& row : rows) texts.push_back(std::invoke(value, row));
    add_texts(name, texts);
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
  return Table(self)
      .add_each_text("name", links, &LinkRow::name)
      .add_each_text("src", links, &LinkRow::source)
      .add_each_text("dst", links, &LinkRow::destination)
      .add_each_text("kind", links, &LinkRow::kind)
      .add("capacity_Bps", links, &LinkRow::capacity_Bps, "byte s-1")
      .columns();
}

py::dict queues_table(py::handle self) {
  using workloads::QueueRow;
  const auto& queues = self.cast<const RunTrace&>().queues.queues;
  return Table(self)
      .add("link", queues, &QueueRow::link, "1")
      .add_each_text("name", queues, [](const QueueRow& row) { return row.source + " -> " + row.destination; })
      .add_each_text("src", queues, &QueueRow::source)
      .add_each_text("dst", queues, &QueueRow::destination)
      .add("capacity_Bps", queues, &QueueRow::capacity_Bps, "byte s-1")
      .columns();
}

py::dict rates_table(py::handle self) {
  using workloads::RateRow;
  const auto& rows = self.cast<const RunTrace&>().rates.rows;
  return Table(self)
      .add("flow", rows, &RateRow::flow, "1")
      .add("src", rows, &RateRow::source, "1")
      .add("dst", rows, &RateRow::destination, "1")
      .add_each(
          "start_ps", rows, [](const RateRow& row) { return row.from.ps(); }, "ps")
      .add("bytes", rows, &RateRow::bytes, "byte")
      .columns();
}

// (time bins x links in bytes, width of a bin in ps)
py::tuple link_load(py::handle self) {
  const auto& trace = self.cast<const RunTrace&>();
  return py::make_tuple(matrix(trace.load.bytes, trace.links.size(), self), trace.load.bin_width.ps());
}

// ({name: time bins x queues}, width of a bin in ps)
py::tuple queue_series(py::handle self) {
  const workloads::QueueTable& table = self.cast<const RunTrace&>().queues;
  py::dict series;
  const auto add = [&](const char* name, const std::vector<double>& values) { series[name] = matrix(values, table.queues.size(), self); };
  add("mean_bytes", table.mean_bytes);
  add("max_bytes", table.max_bytes);
  add("paused_ps", table.paused_ps);
  add("marks", table.marks);
  add("drops", table.drops);
  return py::make_tuple(series, table.bin_width.ps());
}

std::int64_t rate_bin_ps(const RunTrace& trace) { return trace.rates.bin_width.ps(); }

}  // namespace

void bind_trace(py::module_& module) {
  py::class_<RunTrace, std::shared_ptr<RunTrace>>(module, "Trace", "The trace of a run: tables of {column: (array, unit, labels)}.")
      .def("ops", &ops_table)
      .def("flows", &flows_table)
      .def("memory", &memory_table)
      .def("ranks", &ranks_table)
      .def("links", &links_table)
      .def("link_load", &link_load)
      .def("queues", &queues_table)
      .def("queue_series", &queue_series)
      .def("rates", &rates_table)
      .def("rate_bin_ps", &rate_bin_ps);
}

}  // namespace python
