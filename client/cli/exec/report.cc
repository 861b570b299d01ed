#include "client/cli/exec/report.h"

#include <ostream>
#include <utility>

#include "client/cli/exec/lease.h"
#include "client/cli/terminal_text.h"
#include "client/src/retry.h"
#include "core/text/text.h"

namespace countersign::cli {
namespace {

constexpr absl::Duration kReportAttempt = absl::Seconds(15);
constexpr absl::Duration kReportPause = absl::Seconds(2);
constexpr absl::Duration kReportPatience = absl::Minutes(10);

void SayWhatIsSpent(Session& session, const v1::ReportExecutionRequest& request) {
  if (request.exit_code() == 0) return;
  session.err() << "countersign: "
                << (request.start_failure().empty()
                        ? text::Concat("it ended with exit code ", request.exit_code())
                        : "it was never started")
                << ", and its approval is used up; submit it again to run it again" << std::endl;
}

// Reports until the broker has it, or patience ends.
void Report(Session& session, Client& client, const v1::ReportExecutionRequest& request) {
  Environment& environment = session.environment();
  const absl::Duration start = environment.Uptime();
  bool told = false;
  while (true) {
    const auto answer = client.Report(request, {.timeout = kReportAttempt});
    if (answer.ok()) return SayWhatIsSpent(session, request);
    const bool over = environment.Uptime() - start > kReportPatience;
    if (over || !IsRetryable(answer.status())) {
      session.err() << "countersign: the outcome (exit code " << request.exit_code()
                    << ") could not be reported: " << EscapeLine(text::MessageOf(answer.status()))
                    << std::endl;
      return;
    }
    if (!std::exchange(told, true)) {
      session.err() << "countersign: the broker is out of reach; trying to report exit code "
                    << request.exit_code() << " for " << absl::FormatDuration(kReportPatience) << std::endl;
    }
    environment.SleepFor(kReportPause, {});
  }
}

v1::HeartbeatRequest HeartbeatOf(const v1::RedeemTokenResponse& leave) {
  v1::HeartbeatRequest heartbeat;
  heartbeat.set_name(leave.proposal().name());
  heartbeat.set_execution_id(leave.proposal().execution().id());
  return heartbeat;
}

absl::Duration IntervalOf(const v1::RedeemTokenResponse& leave) {
  return absl::Seconds(leave.heartbeat_interval().seconds()) +
         absl::Nanoseconds(leave.heartbeat_interval().nanos());
}

// Runs it, and fills in how it ended and how long it took.
void Run(Session& session, const Command& command, SignalRelay& relay, v1::ReportExecutionRequest* report) {
  const absl::Duration start = session.environment().Uptime();
  const Outcome outcome = RunCommand(command, relay);
  const absl::Duration ran = session.environment().Uptime() - start;
  if (!outcome.problem.empty()) {
    session.err() << "countersign: " << EscapeLine(command.program.path())
                  << " could not be started: " << EscapeLine(outcome.problem) << std::endl;
    report->set_start_failure(outcome.problem);
  }
  report->set_exit_code(outcome.exit_code);
  report->mutable_duration()->set_seconds(absl::ToInt64Seconds(ran));
  report->mutable_duration()->set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(ran - absl::Seconds(absl::ToInt64Seconds(ran)))));
}

}  // namespace

int RunAndReport(const ExecutionContext& context, const v1::RedeemTokenResponse& leave,
                 const Command& command, const std::function<void(v1::ReportExecutionRequest*)>& complete) {
  Session& session = context.session;
  v1::ReportExecutionRequest report;
  report.set_name(leave.proposal().name());
  report.set_execution_id(leave.proposal().execution().id());
  {
    const Lease lease(context.client, session.environment(), HeartbeatOf(leave), IntervalOf(leave),
                      [&session](const absl::Status& status) {
                        session.err()
                            << text::Concat("countersign: the lease was lost, the program runs on: ",
                                            EscapeLine(text::MessageOf(status)), "\n")
                            << std::flush;
                      });
    Run(session, command, context.relay, &report);
    if (complete) complete(&report);
  }
  report.set_request_id(session.environment().NewRequestId());
  Report(session, context.client, report);
  return report.exit_code();
}

}  // namespace countersign::cli
