#include "tests/bench/pgbench.h"

#include <sys/resource.h>
#include <sys/time.h>

#include <filesystem>
#include <optional>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/text/text.h"
#include "server/postgres/statements.h"
#include "tests/bench/process_usage.h"
#include "tests/bench/steps.h"
#include "tests/support/fatal.h"

namespace countersign::bench {
namespace {

using Parameter = std::optional<std::string>;  // nullopt: NULL

// One execution as the server logs it.
struct Execution {
  std::string statement;
  std::vector<Parameter> parameters;
};

// "$1 = 'it''s', $2 = NULL"
std::vector<Parameter> ReadParameters(std::string_view text) {
  std::vector<Parameter> parameters;
  for (size_t at = 0; (at = text.find(" = ", at)) != std::string_view::npos;) {
    at += 3;
    if (text.substr(at).starts_with("NULL")) {
      parameters.push_back(std::nullopt);
      continue;
    }
    std::string value;
    for (++at; at < text.size(); ++at) {
      if (text[at] == '\'' && (at + 1 == text.size() || text[at + 1] != '\'')) break;
      if (text[at] == '\'') ++at;
      value.push_back(text[at]);
    }
    parameters.push_back(std::move(value));
  }
  return parameters;
}

// The statements that the five transitions are made of; null for any other.
const char* SqlOf(std::string_view statement) {
  using namespace postgres::statements;
  for (const postgres::Statement& one : {kInsertProposal, kMove, kDecide, kIssueToken, kRedeemToken}) {
    if (statement == one.name) return one.sql;
  }
  return nullptr;
}

// Executions of them for the proposal `id`.
std::vector<Execution> ReadLog(std::string_view log, const std::string& id) {
  constexpr std::string_view kExecute = " execute ";
  constexpr std::string_view kDetail = "DETAIL:  parameters: ";
  std::vector<Execution> executions;
  std::string statement;
  for (const std::string_view line : text::Split(log, '\n')) {
    if (const size_t found = line.find(kExecute); found != std::string_view::npos) {
      const std::string_view rest = line.substr(found + kExecute.size());
      statement = std::string(rest.substr(0, rest.find(':')));
    }
    const size_t found = line.find(kDetail);
    if (found == std::string_view::npos) continue;
    if (SqlOf(statement) == nullptr) continue;
    Execution execution{statement, ReadParameters(line.substr(found + kDetail.size()))};
    if (!execution.parameters.empty() && execution.parameters[0] == id)
      executions.push_back(std::move(execution));
  }
  return executions;
}

// Replaces each $n of the statement by what `replacement` says.
template <typename Replacement>
std::string ReplaceParameters(std::string_view sql, const Replacement& replacement) {
  std::string out;
  for (size_t at = 0; at < sql.size();) {
    if (sql[at] != '$') {
      out.push_back(sql[at++]);
      continue;
    }
    size_t number = 0;
    for (++at; at < sql.size() && absl::ascii_isdigit(static_cast<unsigned char>(sql[at])); ++at) {
      number = 10 * number + static_cast<size_t>(sql[at] - '0');
    }
    out += replacement(number);
  }
  return out;
}

// Numbers of 19 digits in place of ids. Broker's ids hold no 1, so the two can be told apart.
constexpr char kPrologue[] = R"(\set n :n + 1
\set id 1000000000000000000 + :run * 10000000000000000 + :client_id * 1000000000000 + :n
)";

double NumberAfter(std::string_view text, std::string_view label) {
  const size_t found = text.find(label);
  if (found == std::string_view::npos)
    testing::Fatal(text::Concat("pgbench said no \"", label, "\": ", text));
  double number = 0;
  std::string_view rest = text.substr(found + label.size());
  rest = rest.substr(0, rest.find_first_not_of("0123456789."));
  if (!absl::SimpleAtod(text::ToAbsl(rest), &number)) testing::Fatal(text::Concat("pgbench said ", text));
  return number;
}

absl::Duration ProcessorTimeOfEndedChildren() {
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  return absl::DurationFromTimeval(usage.ru_utime) + absl::DurationFromTimeval(usage.ru_stime);
}

}  // namespace

void PgbenchResult::Add(const PgbenchResult& other) {
  lifecycles += other.lifecycles;
  elapsed += other.elapsed;
  database_time += other.database_time;
  client_time += other.client_time;
}

Pgbench Pgbench::Capture(const BrokerUnderLoad& broker) {
  testing::PostgresCluster& cluster = broker.database().cluster();
  const Caller agent = broker.Agent();
  const Caller human = broker.Human();
  const Caller workload = broker.Workload();
  cluster.Run("postgres", "ALTER SYSTEM SET log_statement = 'all'");
  cluster.Run("postgres", "SELECT pg_reload_conf()");
  std::vector<Execution> executions;
  // The broker's sessions learn of the setting in their own time.
  for (int attempt = 0; attempt < 100 && executions.size() != 5; ++attempt) {
    StepTimes times;
    const std::string name = RunLifecycle(agent, human, workload, 0, &times);
    executions = ReadLog(cluster.ServerLog(), name.substr(std::string_view("proposals/").size()));
  }
  cluster.Run("postgres", "ALTER SYSTEM RESET log_statement");
  cluster.Run("postgres", "SELECT pg_reload_conf()");
  if (executions.size() != 5) testing::Fatal("the server's log does not show the five transitions");

  Pgbench pgbench(broker.database());
  const std::string id = *executions[0].parameters[0];
  const std::string token_id = *executions[2].parameters[18];     // $19, issued by the claim.
  const std::string execution_id = *executions[3].parameters[6];  // $7, set by the redeem.
  pgbench.script_ = kPrologue;
  for (size_t step = 0; step < executions.size(); ++step) {
    const Execution& execution = executions[step];
    const size_t request_id = execution.statement == postgres::statements::kInsertProposal.name ? 10 : 12;
    const auto sql = ReplaceParameters(SqlOf(execution.statement), [&](size_t number) -> std::string {
      const Parameter& value = execution.parameters.at(number - 1);
      if (!value.has_value()) return "NULL";
      if (*value == id || *value == token_id || *value == execution_id) return ":id";
      if (number == request_id) return absl::StrCat("('", step, "-' || :id::text)");
      if (*value == "targets/bench-0") return "('targets/bench-' || :client_id::text)";
      return absl::StrCat(":s", step, "p", number);
    });
    for (size_t i = 0; i < execution.parameters.size(); ++i) {
      if (execution.parameters[i].has_value()) {
        pgbench.definitions_.push_back(absl::StrCat("s", step, "p", i + 1, "=", *execution.parameters[i]));
      }
    }
    absl::StrAppend(&pgbench.script_, absl::StripAsciiWhitespace(sql), ";\n");
  }
  return pgbench;
}

PgbenchResult Pgbench::Run(int clients, absl::Duration duration, pid_t postmaster) const {
  static int run = 0;
  const testing::TemporaryDirectory directory;
  testing::SubprocessOptions options;
  options.argv = {std::filesystem::path(testing::PostgresCluster::BinaryDirectory()) / "pgbench",
                  "--no-vacuum",
                  "--protocol=prepared",
                  absl::StrCat("--client=", clients),
                  "--jobs=2",
                  absl::StrCat("--time=", absl::ToInt64Seconds(duration)),
                  "--host=127.0.0.1",
                  absl::StrCat("--port=", database_.cluster().port()),
                  "--username=test_broker",
                  absl::StrCat("--file=", directory.Write("lifecycle.sql", script_)),
                  "--define=n=0",
                  absl::StrCat("--define=run=", ++run)};
  for (const std::string& definition : definitions_) options.argv.push_back("--define=" + definition);
  options.argv.push_back(database_.name());

  const std::string count =
      absl::StrCat("SELECT count(*) FROM proposals WHERE state = ", static_cast<int>(v1::Proposal::SUCCEEDED),
                   " AND id LIKE '1%'");
  const int64_t finished_before = database_.Int64(count);
  PgbenchResult result;
  result.database_time = -ProcessorTimeWithChildren(postmaster);
  result.client_time = -ProcessorTimeOfEndedChildren();
  const testing::Completed completed = testing::RunToEnd(options, duration + absl::Seconds(60));
  result.database_time += ProcessorTimeWithChildren(postmaster);
  result.client_time += ProcessorTimeOfEndedChildren();
  if (!completed.ok()) testing::Fatal(absl::StrCat("pgbench: ", completed.out, completed.err));
  result.lifecycles = static_cast<int64_t>(NumberAfter(completed.out, "actually processed: "));
  result.elapsed =
      absl::Seconds(static_cast<double>(result.lifecycles) / NumberAfter(completed.out, "tps = "));
  if (database_.Int64(count) - finished_before != result.lifecycles) {
    testing::Fatal(absl::StrCat("pgbench did not finish what it says: ", completed.out, completed.err));
  }
  return result;
}

}  // namespace countersign::bench
