#pragma once
#include <pybind11/pybind11.h>
#include <chrono>
#include <exception>

namespace python {

// Called from the run, without the interpreter's lock: every 50 ms takes it, lets Python handle
// Ctrl-C and calls `progress`. A Python exception stops the run and is kept for the caller:
// it must not travel through the simulator's own threads.
class Watch {
 public:
  explicit Watch(const pybind11::object& progress) : progress_(progress) {}

  bool operator()(double fraction) {
    const auto now = std::chrono::steady_clock::now();
    if (now - last_ < std::chrono::milliseconds(50)) return true;
    last_ = now;
    pybind11::gil_scoped_acquire lock;
    try {
      if (PyErr_CheckSignals() != 0) throw pybind11::error_already_set();
      if (!progress_.is_none()) progress_(fraction);
      return true;
    } catch (...) {
      thrown_ = std::current_exception();
      return false;
    }
  }
  void rethrow() const {
    if (thrown_) std::rethrow_exception(thrown_);
  }

 private:
  const pybind11::object& progress_;
  std::chrono::steady_clock::time_point last_;  // the epoch: the first call is not held back
  std::exception_ptr thrown_;
};

}  // namespace python
