#include "bindings/cli/progress.hpp"
#include <unistd.h>
#include <algorithm>
#include <atomic>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <string>
#include <fmt/core.h>

namespace cli {
namespace {

std::atomic<bool> ctrl_c_pressed{false};  // a signal handler reaches nothing else
static_assert(std::atomic<bool>::is_always_lock_free);

std::string time_left(double seconds) {
  if (seconds < 60) return fmt::format("{:.0f} s", seconds);
  if (seconds < 3600) return fmt::format("{:.0f} min {:02.0f} s", std::floor(seconds / 60), std::fmod(seconds, 60));
  return fmt::format("{:.0f} h {:02.0f} min", std::floor(seconds / 3600), std::fmod(seconds, 3600) / 60);
}

}  // namespace

ProgressBar::ProgressBar(bool wanted) : drawing_(wanted && ::isatty(STDERR_FILENO)) {}

ProgressBar::~ProgressBar() {
  if (drawn_) fmt::print(stderr, "\r\033[K");
}

void ProgressBar::show(double fraction) {
  const auto now = Clock::now();
  if (!drawing_ || now - last_ < std::chrono::milliseconds(100)) return;
  last_ = now;
  drawn_ = true;
  constexpr int width = 32;
  const double done = std::clamp(fraction, 0.0, 1.0);
  const int filled = static_cast<int>(done * width);
  std::string bar;
  for (int i = 0; i < width; ++i) bar += i < filled ? "█" : "░";
  const double elapsed = std::chrono::duration<double>(now - start_).count();
  const std::string left = done > 0.01 ? ", " + time_left(elapsed / done * (1 - done)) + " left" : "";
  fmt::print(stderr, "\r\033[K{} {:3.0f} %{}", bar, 100 * done, left);
  std::fflush(stderr);
}

CtrlC::CtrlC() {
  ctrl_c_pressed = false;
  before_ = std::signal(SIGINT, [](int signal) {
    ctrl_c_pressed = true;
    std::signal(signal, SIG_DFL);
  });
}

CtrlC::~CtrlC() { std::signal(SIGINT, before_); }

bool CtrlC::pressed() { return ctrl_c_pressed; }

}  // namespace cli
