#include "bindings/cli/schema_command.hpp"
#include "workloads/scenario_schema.hpp"

namespace cli {
namespace {

class SchemaCommand final : public Command {
 public:
  void declare(Arguments& arguments) override { arguments.option("-o,--out", "F.json", out_, "default: standard output"); }
  ExitCode run(Console& console) override {
    const std::string schema = workloads::scenario_schema();
    if (out_.empty())
      console.print(schema);
    else
      write_whole_file(out_, schema);
    console.write_json(schema);
    return ExitCode::done;
  }

 private:
  std::string out_;
};

std::unique_ptr<Command> make_schema() { return std::make_unique<SchemaCommand>(); }

}  // namespace

const Verb schema_verb{"schema", "the JSON Schema of a scenario, for editors", "weftsim schema --out weftsim.schema.json", make_schema};

}  // namespace cli
