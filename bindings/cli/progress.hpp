#pragma once
#include <chrono>

namespace cli {

// A bar on standard error with the time left, redrawn at most ten times a second.
// Draws nothing where standard error is no terminal; wipes itself when it ends.
class ProgressBar {
 public:
  explicit ProgressBar(bool wanted);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  void show(double fraction);

 private:
  using Clock = std::chrono::steady_clock;
  bool drawing_;
  bool drawn_ = false;
  Clock::time_point start_ = Clock::now(), last_ = start_;
};

// While one lives, the first Ctrl-C is remembered so that the run can end in order; the second kills.
class CtrlC {
 public:
  CtrlC();
  ~CtrlC();
  CtrlC(const CtrlC&) = delete;
  CtrlC& operator=(const CtrlC&) = delete;
  static bool pressed();

 private:
  void (*before_)(int);
};

}  // namespace cli
