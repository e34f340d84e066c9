#include "bindings/cli/import_command.hpp"
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include "sim/error.hpp"
#include "workloads/import/model_file.hpp"
#include "workloads/import/nccl_topology.hpp"

namespace cli {
namespace {

class ImportCommand final : public Command {
 public:
  void declare(Arguments& arguments) override {
    arguments
        .required_positional("KIND", kind_,
                             "nccl-topo: a host, as NCCL_TOPO_DUMP_FILE writes it; hf-config: a model's config.json of Hugging Face")
        .required_positional("FILE", file_, "the file")
        .option("--preset", "HOST", preset_, "with nccl-topo: a shipped host for what the file does not say, as latencies")
        .option("-o,--out", "F.yaml", out_, "default: standard output");
  }

  ExitCode run(Console& console) override {
    if (kind_ != "nccl-topo" && kind_ != "hf-config")
      throw sim::InputError(fmt::format("weftsim import: unknown kind '{}' (known: nccl-topo, hf-config). Name one of them.", kind_));
    if (kind_ == "hf-config" && !preset_.empty()) throw sim::InputError("weftsim import: --preset is for nccl-topo. Leave it out.");
    const workloads::ImportedPart part =
        kind_ == "nccl-topo" ? workloads::import_nccl_topology(file_, preset_) : workloads::import_hugging_face(file_);
    for (const std::string& what : part.left_out) console.warn(kind_ == "nccl-topo" ? "left out: " + what : what);
    if (out_.empty())
      console.print(part.yaml);
    else
      write_whole_file(out_, part.yaml);
    console.write_json(nlohmann::json{{"yaml", part.yaml}, {"left_out", part.left_out}}.dump(2) + "\n");
    return ExitCode::done;
  }

 private:
  std::string kind_, file_, preset_, out_;
};

std::unique_ptr<Command> make_import() { return std::make_unique<ImportCommand>(); }

}  // namespace

const Verb import_verb{"import", "a host or a model from files of other tools",
                       "weftsim import nccl-topo system.xml --preset dgx-h100 --out host.yaml", make_import};

}  // namespace cli
