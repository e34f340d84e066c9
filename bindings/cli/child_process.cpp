#include "bindings/cli/child_process.hpp"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <cstring>
#include "bindings/cli/progress.hpp"
#include "sim/error.hpp"

namespace cli {
namespace {

constexpr int no_such_program = 127, poll_milliseconds = 100;

struct Pipe {
  Pipe() {
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw sim::MachineError(std::string("no pipe can be made: ") + std::strerror(errno));
  }
  ~Pipe() { close_read(), close_write(); }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  void close_read() { close(ends[0]); }
  void close_write() { close(ends[1]); }
  static void close(int& end) {
    if (end >= 0) ::close(std::exchange(end, -1));
  }
  std::array<int, 2> ends{-1, -1};
};

// What can be read now; false at the end.
bool read_some(int& end, std::string& text) {
  std::array<char, 4096> buffer;
  const ssize_t got = ::read(end, buffer.data(), buffer.size());
  if (got > 0) text.append(buffer.data(), static_cast<std::size_t>(got));
  if (got > 0 || (got < 0 && errno == EINTR)) return true;
  Pipe::close(end);
  return false;
}

void tell_lines(std::string& text, const std::function<void(std::string_view)>& tell) {
  std::size_t begin = 0;
  for (std::size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1)
    tell(std::string_view(text).substr(begin, end - begin));
  text.erase(0, begin);
}

}  // namespace

ChildResult run_child(const std::vector<std::string>& command, const std::function<void(std::string_view)>& tell) {
  std::vector<char*> arguments;
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  Pipe out, err;
  const pid_t child = ::fork();
  if (child < 0) throw sim::MachineError(std::string("no process can be started: ") + std::strerror(errno));
  if (child == 0) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);  // a second Ctrl-C ends only its parent
    ::signal(SIGINT, SIG_DFL);
    ::dup2(out.ends[1], STDOUT_FILENO);
    ::dup2(err.ends[1], STDERR_FILENO);
    if (const int nothing = ::open("/dev/null", O_RDONLY); nothing >= 0) ::dup2(nothing, STDIN_FILENO);
    ::execvp(arguments[0], arguments.data());
    ::_exit(no_such_program);
  }
  out.close_write(), err.close_write();
  ChildResult result;
  std::string words;
  bool told_to_stop = false;
  while (out.ends[0] >= 0 || err.ends[0] >= 0) {
    std::array<pollfd, 2> both{{{out.ends[0], POLLIN, 0}, {err.ends[0], POLLIN, 0}}};
    ::poll(both.data(), both.size(), poll_milliseconds);
    if (both[0].revents != 0) read_some(out.ends[0], result.output);
    if (both[1].revents != 0 && read_some(err.ends[0], words)) tell_lines(words, tell);
    if (CtrlC::pressed() && !told_to_stop) {
      ::kill(-child, SIGINT);
      told_to_stop = true;
    }
  }
  if (!words.empty()) tell(words);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  result.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  result.found = result.code != no_such_program;
  return result;
}

}  // namespace cli
