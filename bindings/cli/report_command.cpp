#include "bindings/cli/report_command.hpp"
#include <fmt/format.h>
#include <filesystem>
#include "bindings/report/page.hpp"
#include "sim/error.hpp"
#include "workloads/studies/report_data.hpp"

namespace cli {
namespace {

class ReportCommand final : public Command {
 public:
  void declare(Arguments& arguments) override {
    arguments
        .positionals("FILE", files_, "RUN.h5 of weftsim run or traffic, results.h5 or results.csv of weftsim sweep; several make one page")
        .option("-o,--out", "PAGE.html", out_, "default: the first file's name with .html");
  }

  ExitCode run(Console& console) override {
    if (files_.empty()) throw sim::InputError("weftsim report: FILE is missing. See 'weftsim report --help'.");
    if (out_.empty()) out_ = std::filesystem::path(files_.front()).replace_extension(".html").string();
    const std::string data = workloads::report_data(files_);
    write_whole_file(out_, report::page(data));
    console.print(fmt::format("wrote {}\n", out_));
    console.write_json(data);
    return ExitCode::done;
  }

 private:
  std::vector<std::string> files_;
  std::string out_;
};

std::unique_ptr<Command> make_report() { return std::make_unique<ReportCommand>(); }

}  // namespace

const Verb report_verb{"report", "a page to look at: runs and sweeps, in one HTML file",
                       "weftsim report fabrics/results.h5 -o fabrics.html", make_report};

}  // namespace cli
