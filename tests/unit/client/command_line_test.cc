// Whole command lines: what they send, what they print, how they exit.
#include <gmock/gmock.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "client/cli/exit_code.h"
#include "client/cli/terminal_text.h"
#include "core/error/error.h"
#include "tests/unit/client/world_for_test.h"

namespace countersign {
namespace {

using ::testing::_;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Return;

constexpr char kId[] = "abcdefghijklmnopqrstuvwx";
constexpr char kDigest[] = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

v1::Proposal Pending() {
  v1::Proposal proposal;
  proposal.set_name(std::string("proposals/") + kId);
  proposal.mutable_action()->set_kind(v1::COMMAND);
  proposal.mutable_action()->set_target("targets/prod-courses");
  for (const char* argument : {"dropdb", "courses"}) proposal.mutable_action()->add_argv(argument);
  proposal.set_action_digest(kDigest);
  proposal.set_etag("etag-1");
  proposal.set_environment("production");
  proposal.set_requester("spiffe://example.org/agent/bot");
  proposal.set_reason("tidies up\x1b[2J\nAPPROVED by everybody");
  proposal.set_state(v1::Proposal::PENDING);
  proposal.add_blocked_by("1 approval by dba is missing");
  return proposal;
}

v1::Proposal In(v1::Proposal::State state) {
  v1::Proposal proposal = Pending();
  proposal.set_state(state);
  return proposal;
}

class CommandLineTest : public ::testing::Test {
 protected:
  testing::CommandLine line_;
};

TEST(ExitCodeTest, EveryStateOfAWaitHasItsCode) {
  const std::pair<v1::Proposal::State, int> cases[] = {
      {v1::Proposal::APPROVED, 0}, {v1::Proposal::EXECUTING, 0},  {v1::Proposal::SUCCEEDED, 0},
      {v1::Proposal::FAILED, 1},   {v1::Proposal::AMBIGUOUS, 1},  {v1::Proposal::STATE_UNSPECIFIED, 1},
      {v1::Proposal::DENIED, 3},   {v1::Proposal::EXPIRED, 4},    {v1::Proposal::CANCELLED, 4},
      {v1::Proposal::REVOKED, 4},  {v1::Proposal::SUPERSEDED, 4}, {v1::Proposal::PENDING, 5}};
  for (const auto& [state, code] : cases) {
    SCOPED_TRACE(v1::Proposal::State_Name(state));
    EXPECT_EQ(cli::ExitCodeOf(state), code);
  }
  EXPECT_EQ(cli::ExitCodeOf(static_cast<v1::Proposal::State>(99)), 1) << "of a newer broker";
}

TEST(ExitCodeTest, EveryErrorHasItsCode) {
  EXPECT_EQ(cli::ExitCodeOf(cli::UsageError("x")), 2);
  EXPECT_EQ(cli::ExitCodeOf(error::Make(v1::NOT_PERMITTED, "")), 6);
  EXPECT_EQ(cli::ExitCodeOf(error::Make(v1::PRINCIPAL_UNKNOWN, "")), 6);
  EXPECT_EQ(cli::ExitCodeOf(error::Make(v1::SELF_APPROVAL_FORBIDDEN, "")), 6);
  EXPECT_EQ(cli::ExitCodeOf(error::Make(v1::TOKEN_INVALID, "")), 7);
  EXPECT_EQ(cli::ExitCodeOf(error::Make(v1::DIGEST_MISMATCH, "")), 7);
  EXPECT_EQ(cli::ExitCodeOf(error::Make(v1::WRONG_STATE, "")), 1);
  EXPECT_EQ(cli::ExitCodeOf(absl::UnavailableError("")), 1);
}

TEST_F(CommandLineTest, WaitExitsWithTheCodeOfTheState) {
  for (const auto& [state, code] : {std::pair{v1::Proposal::APPROVED, 0},
                                    {v1::Proposal::DENIED, 3},
                                    {v1::Proposal::EXPIRED, 4},
                                    {v1::Proposal::FAILED, 1}}) {
    EXPECT_CALL(*line_.client, Wait(std::string("proposals/") + kId, _)).WillOnce(Return(In(state)));
    EXPECT_EQ(line_.Run({"wait", kId}), code);
    EXPECT_THAT(line_.out.str(), HasSubstr(v1::Proposal::State_Name(state)));
  }
}

TEST_F(CommandLineTest, AWaitThatTimesOutExitsWithFive) {
  EXPECT_CALL(*line_.client, Wait(_, ::testing::Field(&WaitOptions::timeout, absl::Minutes(10))))
      .WillOnce(Return(absl::DeadlineExceededError("still PENDING")));
  EXPECT_EQ(line_.Run({"wait", kId, "--timeout", "10m"}), 5);
  EXPECT_EQ(line_.Run({"wait", kId, "--timeout", "soon"}), 2);
}

TEST_F(CommandLineTest, AUniquePrefixIsEnough) {
  v1::ListProposalsResponse one;
  *one.add_proposals() = Pending();
  EXPECT_CALL(*line_.client,
              ListProposals(::testing::Property(&v1::ListProposalsRequest::id_prefix, std::string("abc")), _))
      .WillOnce(Return(one));
  EXPECT_CALL(*line_.client, GetProposal(Pending().name(), _)).WillOnce(Return(Pending()));
  EXPECT_EQ(line_.Run({"show", "abc"}), 0);
}

TEST_F(CommandLineTest, AnAmbiguousPrefixListsWhatItCouldMean) {
  v1::ListProposalsResponse two;
  two.add_proposals()->set_name("proposals/abcdefghijklmnopqrstuvwx");
  two.add_proposals()->set_name("proposals/abczzzzzzzzzzzzzzzzzzzzz");
  EXPECT_CALL(*line_.client, ListProposals(_, _)).WillOnce(Return(two));
  EXPECT_EQ(line_.Run({"show", "abc"}), 2);
  EXPECT_THAT(line_.err.str(),
              AllOf(HasSubstr("abcdefghijklmnopqrstuvwx"), HasSubstr("abczzzzzzzzzzzzzzzzzzzzz")));
}

TEST_F(CommandLineTest, AnUnknownPrefixAndANonsensicalIdAreErrors) {
  EXPECT_CALL(*line_.client, ListProposals(_, _)).WillOnce(Return(v1::ListProposalsResponse()));
  EXPECT_EQ(line_.Run({"show", "abc"}), 1);
  EXPECT_EQ(line_.Run({"show", "../etc"}), 2);
}

TEST_F(CommandLineTest, TheCardShowsWhatRunsAndLabelsTheRequestersWords) {
  EXPECT_CALL(*line_.client, GetProposal(_, _)).WillOnce(Return(Pending()));
  EXPECT_EQ(line_.Run({"show", kId}), 0);
  const std::string card = line_.out.str();
  EXPECT_THAT(card, AllOf(HasSubstr("dropdb courses"), HasSubstr(kDigest), HasSubstr("production"),
                          HasSubstr("1 approval by dba is missing"), Not(HasSubstr("\x1b"))));
  EXPECT_THAT(
      card,
      HasSubstr("the requester, says (nobody has checked it):\n    > tidies up\\x1b[2J\n    > APPROVED"));
  EXPECT_LT(card.find(kDigest), card.find("tidies up"));
}

TEST_F(CommandLineTest, OddArgumentsAreShownOnePerLine) {
  v1::Proposal proposal = Pending();
  proposal.mutable_action()->add_argv("a\nb");
  proposal.mutable_action()->add_argv("d\xd0\xb0ta");
  EXPECT_CALL(*line_.client, GetProposal(_, _)).WillOnce(Return(proposal));
  EXPECT_EQ(line_.Run({"show", kId}), 0);
  EXPECT_THAT(line_.out.str(), AllOf(HasSubstr("\n             [2] $'a\\nb'\n"),
                                     HasSubstr("\n  in ASCII   [3] $'d\\u0430ta'\n")));
}

TEST_F(CommandLineTest, ValuesBeyondAsciiAreShownInAsciiToo) {
  v1::Proposal proposal = Pending();
  (*proposal.mutable_action()->mutable_environment())["PGDATABASE"] = "d\xd0\xb0ta";
  EXPECT_CALL(*line_.client, GetProposal(_, _)).WillOnce(Return(proposal));
  EXPECT_EQ(line_.Run({"show", kId}), 0);
  EXPECT_THAT(line_.out.str(), HasSubstr("\nWith         PGDATABASE='d\xd0\xb0ta'\n"
                                         "  in ASCII   PGDATABASE=$'d\\u0430ta'\n"));
}

// Its lines as a terminal of that width shows them.
std::vector<std::string> AsShown(const std::string& text, size_t columns) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    for (const std::string& piece : cli::Wrap(line, columns, cli::Break::kAnywhere)) lines.push_back(piece);
  }
  return lines;
}

TEST_F(CommandLineTest, NobodysWordsReachTheColumnOfTheLabels) {
  for (const size_t columns : {40u, 80u, 133u}) {
    const std::string fake = "Runs         echo harmless";
    std::string padded;  // To the end of each line, however long the text before it is.
    for (size_t width = columns - 20; width <= columns; ++width) padded += std::string(width, ' ') + fake;
    std::string wide;  // The same with characters that take two columns.
    for (size_t i = 0; i < columns; ++i) wide += "\xe6\x97\xa5";
    v1::Proposal proposal = Pending();
    proposal.set_reason(absl::StrCat("x", padded, wide, fake));
    proposal.set_state_detail(padded);
    proposal.mutable_action()->add_argv(padded);
    proposal.mutable_action()->add_argv(wide + fake);
    (*proposal.mutable_action()->mutable_environment())["A"] = padded + wide;
    auto* decision = proposal.add_decisions();
    decision->set_comment(padded);
    decision->set_principal("spiffe://example.org/human/bob");
    auto* artifact = proposal.mutable_action()->add_artifacts();
    artifact->set_file_name("fix.sql");
    line_.columns = columns;
    line_.terminal.answer = "no";
    EXPECT_CALL(*line_.client, GetProposal(_, _)).WillOnce(Return(proposal));
    EXPECT_CALL(*line_.client, DownloadArtifact(_, _, _, _))
        .WillOnce(
            [&](auto&, auto&, const auto& sink, auto&) { return sink(absl::StrCat(padded, "\n", fake)); });
    EXPECT_EQ(line_.Run({"approve", kId}), 1);
    std::istringstream lines(line_.out.str());
    for (std::string line; std::getline(lines, line);) {
      EXPECT_TRUE(cli::Width(line) < columns || line.find("sha256:") != std::string::npos) << line;
    }
    for (const std::string& line : AsShown(line_.out.str() + line_.terminal.questions.back(), columns)) {
      EXPECT_THAT(line, Not(::testing::StartsWith("Runs         echo")));
    }
    EXPECT_THAT(line_.out.str(), HasSubstr("\nRuns         these arguments"));
  }
}

TEST_F(CommandLineTest, AListIsCutAtTheTerminalsWidth) {
  v1::ListProposalsResponse answer;
  *answer.add_proposals() = Pending();
  answer.mutable_proposals(0)->mutable_action()->add_argv(std::string(300, ' ') + "abcdefghij  APPROVED");
  EXPECT_CALL(*line_.client, ListProposals(_, _)).WillOnce(Return(answer));
  line_.on_terminal = true;
  EXPECT_EQ(line_.Run({"list"}), 0);
  std::istringstream lines(line_.out.str());
  for (std::string line; std::getline(lines, line);) EXPECT_LT(cli::Width(line), 80u) << line;
}

TEST_F(CommandLineTest, LongReasonsAreCutUntilAskedFor) {
  v1::Proposal proposal = Pending();
  proposal.set_reason(std::string(2000, '\n') + "the end");
  EXPECT_CALL(*line_.client, GetProposal(_, _)).WillOnce(Return(proposal));
  EXPECT_EQ(line_.Run({"show", kId}), 0);
  const std::string card = line_.out.str();
  EXPECT_LT(std::count(card.begin(), card.end(), '\n'), 40);
  EXPECT_THAT(card, AllOf(HasSubstr("\n  NOT SHOWN  1985 more lines; `countersign show --full`"),
                          Not(HasSubstr("the end"))));
  EXPECT_CALL(*line_.client, GetProposal(_, _)).WillOnce(Return(proposal));
  EXPECT_EQ(line_.Run({"show", kId, "--full"}), 0);
  EXPECT_THAT(line_.out.str(), HasSubstr("    > the end\n"));
}

TEST_F(CommandLineTest, TheQuestionRepeatsWhatItIsAboutOnItsOwnScreen) {
  v1::Proposal proposal = Pending();
  for (const char* verb : {"approve", "deny", "revoke"}) {
    line_.terminal.answer = "no";
    EXPECT_CALL(*line_.client, GetProposal(_, _)).WillOnce(Return(proposal));
    EXPECT_EQ(line_.Run({verb, kId}), 1);
    EXPECT_THAT(line_.terminal.questions.back(),
                AllOf(HasSubstr("Target       targets/prod-courses, environment production\n"
                                "Runs         dropdb courses\n"),
                      HasSubstr(kDigest)));
  }
  proposal.mutable_action()->add_argv("start" + std::string(100'000, ' ') + "the end");
  EXPECT_CALL(*line_.client, GetProposal(_, _)).WillOnce(Return(proposal));
  EXPECT_EQ(line_.Run({"approve", kId}), 1);
  const std::string question = line_.terminal.questions.back();
  EXPECT_LT(std::count(question.begin(), question.end(), '\n'), 20);
  EXPECT_THAT(question, AllOf(HasSubstr("start"), HasSubstr("the end'\n"), HasSubstr("\n  NOT SHOWN  ")));
}

TEST_F(CommandLineTest, ApproveSendsBackWhatItShowed) {
  line_.terminal.answer = "yes";
  EXPECT_CALL(*line_.client, GetProposal(_, _)).WillOnce(Return(Pending()));
  EXPECT_CALL(*line_.client, Approve(_, _))
      .WillOnce([](const v1::ApproveProposalRequest& request, const CallOptions&) {
        EXPECT_EQ(request.etag(), "etag-1");
        EXPECT_EQ(request.action_digest(), kDigest);
        return In(v1::Proposal::APPROVED);
      });
  EXPECT_EQ(line_.Run({"approve", kId}), 0);
  EXPECT_THAT(line_.out.str(), HasSubstr("dropdb courses"));
}

TEST_F(CommandLineTest, NothingButYesApproves) {
  for (const char* answer : {"y", "no", "", "Yes", "yes "}) {
    line_.terminal.answer = answer;
    EXPECT_CALL(*line_.client, GetProposal(_, _)).WillOnce(Return(Pending()));
    EXPECT_CALL(*line_.client, Approve(_, _)).Times(0);
    EXPECT_EQ(line_.Run({"approve", kId}), 1);
  }
}

TEST_F(CommandLineTest, APipeCannotApprove) {
  line_.in.str("yes\n");
  EXPECT_CALL(*line_.client, GetProposal(_, _)).WillOnce(Return(Pending()));
  EXPECT_CALL(*line_.client, Approve(_, _)).Times(0);
  EXPECT_EQ(line_.Run({"approve", kId}), 1);
  EXPECT_THAT(line_.err.str(), HasSubstr("--digest"));
}

TEST_F(CommandLineTest, TheDigestThatWasSeenApprovesWithoutATerminal) {
  EXPECT_CALL(*line_.client, GetProposal(_, _)).WillOnce(Return(Pending()));
  EXPECT_CALL(*line_.client, Approve(_, _)).WillOnce(Return(In(v1::Proposal::APPROVED)));
  EXPECT_EQ(line_.Run({"approve", kId, "--digest", kDigest}), 0);
  EXPECT_CALL(*line_.client, GetProposal(_, _)).WillOnce(Return(Pending()));
  EXPECT_CALL(*line_.client, Approve(_, _)).Times(0);
  EXPECT_EQ(line_.Run({"approve", kId, "--digest", "sha256:0000"}), 7);
}

TEST_F(CommandLineTest, TheSafeDirectionsNeedNoTerminal) {
  EXPECT_CALL(*line_.client, GetProposal(_, _)).WillOnce(Return(Pending()));
  EXPECT_CALL(*line_.client, Deny(_, _))
      .WillOnce([](const v1::DenyProposalRequest& request, const CallOptions&) {
        EXPECT_EQ(request.comment(), "no");
        EXPECT_EQ(request.etag(), "etag-1");
        return In(v1::Proposal::DENIED);
      });
  EXPECT_EQ(line_.Run({"deny", kId, "--comment", "no", "--yes"}), 0);
}

TEST_F(CommandLineTest, SubmitPassesTheCommandThroughUnchanged) {
  const std::vector<std::string> command = {"psql",   "-c",     "",   "[a,b]", "--",
                                            "--help", "submit", "{}", "it's"};
  EXPECT_CALL(*line_.client, Submit(_, _)).WillOnce([&](const Submission& submission, const CallOptions&) {
    const auto& argv = submission.action.argv();
    EXPECT_EQ(std::vector<std::string>(argv.begin(), argv.end()), command);
    EXPECT_EQ(submission.action.target(), "targets/x");
    EXPECT_EQ(submission.action.environment().at("PGHOST"), "db=1");
    EXPECT_EQ(submission.reason, "[because]");
    EXPECT_EQ(submission.files.size(), 2u);
    EXPECT_EQ(submission.files[0].file_name, "fix.sql");
    EXPECT_EQ(submission.files[1].file_name, "b.sql");
    return Pending();
  });
  std::vector<std::string> arguments = {"submit",      "--target",   "x",           "--reason",
                                        "[because]",   "--env",      "PGHOST=db=1", "--artifact",
                                        "dir/fix.sql", "--artifact", "a=b.sql",     "--"};
  arguments.insert(arguments.end(), command.begin(), command.end());
  EXPECT_EQ(line_.Run(arguments), 0);
  EXPECT_EQ(line_.out.str(), Pending().name() + "\n");
}

TEST_F(CommandLineTest, SubmitWantsExactlyOneOfPlanAndCommand) {
  EXPECT_EQ(line_.Run({"submit", "--target", "x", "--reason", "r"}), 2);
  EXPECT_EQ(line_.Run({"submit", "--target", "x", "--reason", "r", "--plan", "p", "--", "true"}), 2);
  EXPECT_EQ(line_.Run({"submit", "--reason", "r", "--", "true"}), 2);
  EXPECT_EQ(line_.Run({"list", "--", "true"}), 2);
}

TEST_F(CommandLineTest, ListsInAlignedColumnsWithoutColourInAPipe) {
  v1::ListProposalsResponse answer;
  *answer.add_proposals() = Pending();
  answer.mutable_proposals(0)->mutable_action()->set_argv(1, "x\x1b[31m");
  EXPECT_CALL(*line_.client, ListProposals(_, _)).WillOnce(Return(answer));
  EXPECT_EQ(line_.Run({"list"}), 0);
  EXPECT_THAT(line_.out.str(),
              AllOf(HasSubstr("ID          STATE    TARGET"), HasSubstr("abcdefghij  PENDING"),
                    HasSubstr("dropdb $'x\\x1b[31m'"), Not(HasSubstr("\x1b"))));
}

TEST_F(CommandLineTest, ColoursOnATerminalUnlessToldOtherwise) {
  line_.on_terminal = true;
  EXPECT_CALL(*line_.client, Wait(_, _)).WillOnce(Return(In(v1::Proposal::APPROVED)));
  EXPECT_EQ(line_.Run({"wait", kId}), 0);
  EXPECT_THAT(line_.out.str(), HasSubstr("\x1b[32mAPPROVED"));
  line_.variables["NO_COLOR"] = "1";
  EXPECT_CALL(*line_.client, Wait(_, _)).WillOnce(Return(In(v1::Proposal::APPROVED)));
  EXPECT_EQ(line_.Run({"wait", kId}), 0);
  EXPECT_THAT(line_.out.str(), Not(HasSubstr("\x1b")));
}

TEST_F(CommandLineTest, JsonIsOneDocumentAndErrorsAreObjects) {
  EXPECT_CALL(*line_.client, GetProposal(_, _)).WillOnce(Return(Pending()));
  EXPECT_EQ(line_.Run({"show", kId, "--output", "json"}), 0);
  EXPECT_EQ(nlohmann::json::parse(line_.out.str())["actionDigest"], kDigest);
  EXPECT_CALL(*line_.client, GetProposal(_, _)).WillOnce(Return(error::Make(v1::NOT_PERMITTED, "no")));
  EXPECT_EQ(line_.Run({"--output", "json", "show", kId}), 6);
  EXPECT_THAT(line_.out.str(), IsEmpty());
  const auto problem = nlohmann::json::parse(line_.err.str())["error"];
  EXPECT_EQ(problem["reason"], "NOT_PERMITTED");
  EXPECT_EQ(problem["code"], "PERMISSION_DENIED");
}

TEST_F(CommandLineTest, ErrorsSayWhatToDoNextAndAreEscaped) {
  EXPECT_CALL(*line_.client, GetProposal(_, _)).WillOnce(Return(error::Make(v1::NOT_FOUND, "none\x1b[2J")));
  EXPECT_EQ(line_.Run({"show", kId}), 1);
  EXPECT_EQ(line_.err.str(), "error: none\\x1b[2J\nhint: `countersign list` shows what you may see\n");
}

TEST_F(CommandLineTest, ATokenDoesNotGoToATerminal) {
  line_.on_terminal = true;
  EXPECT_CALL(*line_.client, Claim(_, _)).Times(0);
  EXPECT_EQ(line_.Run({"claim", kId}), 2);
  line_.on_terminal = false;
  v1::ClaimProposalResponse claim;
  claim.set_token("e30.e30.sig");
  EXPECT_CALL(*line_.client, Claim(_, _)).WillOnce(Return(claim));
  EXPECT_EQ(line_.Run({"claim", kId}), 0);
  EXPECT_EQ(line_.out.str(), "e30.e30.sig\n");
}

TEST_F(CommandLineTest, EveryVerbHasExamplesAndCompletion) {
  EXPECT_EQ(line_.Run({"completion", "bash"}), 0);
  const std::string bash = line_.out.str();
  EXPECT_EQ(line_.Run({"completion", "zsh"}), 0);
  const std::string zsh = line_.out.str();
  for (const std::string verb : {"submit",  "list",  "show",  "approve", "deny",  "cancel",  "revoke",
                                 "resolve", "wait",  "watch", "claim",   "exec",  "verify",  "analyze",
                                 "target",  "apply", "get",   "whoami",  "audit", "version", "completion"}) {
    SCOPED_TRACE(verb);
    EXPECT_THAT(bash, HasSubstr("    " + verb + ") words='--help"));
    EXPECT_THAT(zsh, HasSubstr("'" + verb + ":"));
    EXPECT_EQ(line_.Run({verb, "--help"}), 0);
    EXPECT_THAT(line_.out.str(), HasSubstr("Examples:\n  "));
    EXPECT_THAT(line_.out.str(), HasSubstr("countersign "));
  }
  EXPECT_THAT(bash,
              AllOf(HasSubstr("--artifact"), HasSubstr(" list show adopt' ;;"), HasSubstr("json sarif")));
  EXPECT_THAT(zsh, HasSubstr("'2:verb:(list show adopt)'"));
  for (const char* second : {"list", "show", "adopt"}) {
    EXPECT_EQ(line_.Run({"target", second, "--help"}), 0);
    EXPECT_THAT(line_.out.str(), HasSubstr("Examples:\n  countersign target "));
  }
}

TEST_F(CommandLineTest, WrongUseExitsWithTwo) {
  EXPECT_EQ(line_.Run({}), 2);
  EXPECT_EQ(line_.Run({"frobnicate"}), 2);
  EXPECT_EQ(line_.Run({"show"}), 2);
  EXPECT_EQ(line_.Run({"list", "--nonsense"}), 2);
  EXPECT_EQ(line_.Run({"exec"}), 125);  // Everything below belongs to the program that exec runs.
}

TEST_F(CommandLineTest, AProgramThatApprovesSaysWhatItApproves) {
  line_.terminal.answer = "yes";
  EXPECT_CALL(*line_.client, GetProposal(_, _)).WillOnce(Return(Pending()));
  EXPECT_CALL(*line_.client, Approve(_, _)).Times(0);
  EXPECT_EQ(line_.Run({"approve", kId, "--output", "json"}), 2);
  EXPECT_THAT(line_.err.str(), HasSubstr("--digest"));
}

// Clears the screen and turns the direction of writing.
constexpr char kPoison[] = "\x1b[2J\xe2\x80\xae";

// Puts it into every text of the message, filling in what is not there.
void Poison(google::protobuf::Message* message) {
  using Field = google::protobuf::FieldDescriptor;
  const auto* reflection = message->GetReflection();
  for (int i = 0; i < message->GetDescriptor()->field_count(); ++i) {
    const Field* field = message->GetDescriptor()->field(i);
    const bool repeated = field->is_repeated();
    if (field->cpp_type() == Field::CPPTYPE_STRING) {
      if (!repeated) {
        reflection->SetString(message, field, reflection->GetString(*message, field) + kPoison);
      } else {
        reflection->AddString(message, field, kPoison);
      }
    } else if (field->cpp_type() == Field::CPPTYPE_MESSAGE && !field->is_map()) {
      Poison(repeated ? reflection->AddMessage(message, field) : reflection->MutableMessage(message, field));
    }
  }
}

template <typename Message>
Message Poisoned(Message message = {}) {
  Poison(&message);
  return message;
}

TEST_F(CommandLineTest, NothingThatTheBrokerTellsActsOnTheTerminal) {
  v1::Proposal proposal = Pending();
  proposal.add_decisions()->set_verdict(v1::Decision::APPROVE);
  (*proposal.mutable_action()->mutable_environment())[std::string("A") + kPoison] = kPoison;
  proposal = Poisoned(proposal);
  proposal.set_name(Pending().name());  // Made by the broker, of letters and digits.
  proposal.mutable_execution()->mutable_report_time()->set_seconds(1);
  const auto use = [&] {
    MockClient& client = *line_.client;
    ON_CALL(client, GetProposal(_, _)).WillByDefault(Return(proposal));
    ON_CALL(client, Wait(_, _)).WillByDefault(Return(proposal));
    ON_CALL(client, Approve(_, _)).WillByDefault(Return(proposal));
    ON_CALL(client, Deny(_, _)).WillByDefault(Return(proposal));
    ON_CALL(client, Revoke(_, _)).WillByDefault(Return(proposal));
    ON_CALL(client, Resolve(_, _)).WillByDefault(Return(proposal));
    ON_CALL(client, Cancel(_, _)).WillByDefault(Return(proposal));
    ON_CALL(client, Submit(_, _)).WillByDefault(Return(proposal));
    ON_CALL(client, ListProposals(_, _)).WillByDefault([&](const auto&, const auto&) {
      v1::ListProposalsResponse answer;
      *answer.add_proposals() = proposal;
      return answer;
    });
    ON_CALL(client, Watch(_, _)).WillByDefault([&](const auto&, const auto& on_event) {
      on_event({.proposal = proposal, .resume_token = ""});
      return absl::OkStatus();
    });
    ON_CALL(client, DownloadArtifact(_, _, _, _)).WillByDefault([](auto&, auto&, const auto& sink, auto&) {
      return sink(kPoison);
    });
    ON_CALL(client, ApplyDocuments(_, _)).WillByDefault(Return(Poisoned<v1::ApplyDocumentsResponse>()));
    ON_CALL(client, GetDocument(_, _)).WillByDefault(Return(Poisoned<v1::Document>()));
    ON_CALL(client, ListDocuments(_)).WillByDefault(Return(Poisoned<v1::ListDocumentsResponse>()));
    ON_CALL(client, ListDocumentVersions(_, _))
        .WillByDefault(Return(Poisoned<v1::ListDocumentVersionsResponse>()));
    ON_CALL(client, GetCaller(_)).WillByDefault(Return(Poisoned<v1::Caller>()));
    ON_CALL(client, ListAuditEvents(_, _)).WillByDefault([](const auto& request, const auto&) {
      auto answer = Poisoned<v1::ListAuditEventsResponse>();
      if (!request.page_token().empty()) answer.Clear();
      return answer;
    });
  };
  const std::vector<std::vector<std::string>> lines = {
      {"show", kId},
      {"show", kId, "--full"},
      {"list"},
      {"wait", kId},
      {"watch"},
      {"approve", kId},
      {"deny", kId, "--yes"},
      {"revoke", kId, "--yes"},
      {"resolve", kId, "--yes", "--outcome", "failed", "--comment", "x"},
      {"cancel", kId},
      {"submit", "--target", "x", "--reason", "r", "--", "true"},
      {"apply", "-f", "-"},
      {"get", "policy"},
      {"get", "documents"},
      {"get", "policy", "--versions"},
      {"whoami"},
      {"audit"},
  };
  line_.on_terminal = true;
  line_.variables["NO_COLOR"] = "1";
  line_.terminal.answer = "yes";
  for (const auto& line : lines) {
    SCOPED_TRACE(line[0]);
    use();
    line_.terminal.questions.clear();
    line_.Run(line);
    std::string shown = line_.out.str() + line_.err.str();
    EXPECT_THAT(shown, Not(IsEmpty()));
    for (const std::string& question : line_.terminal.questions) shown += question;
    // What the client itself writes to clear the line of its progress.
    for (size_t at; (at = shown.find("\r\x1b[K")) != std::string::npos;) shown.erase(at, 4);
    EXPECT_THAT(shown, AllOf(Not(HasSubstr("\x1b")), Not(HasSubstr("\xe2\x80\xae"))));
  }
}

TEST_F(CommandLineTest, TheAuditTrailIsReadableAndItsJsonWhole) {
  const std::string digest = "sha256:" + std::string(64, 'a');
  v1::ListAuditEventsResponse answer;
  v1::AuditEvent* event = answer.add_events();
  event->set_type("proposal.created");
  event->set_details_json(
      absl::StrCat(R"({"action_digest":")", digest,
                   R"(","comment":"say \"yes\"","findings":"","rows":3,"state":"PENDING"})"));
  answer.add_events()->set_details_json("no JSON");
  EXPECT_CALL(*line_.client, ListAuditEvents(_, _)).WillOnce(Return(answer));
  EXPECT_EQ(line_.Run({"audit"}), 0);
  EXPECT_THAT(
      line_.out.str(),
      HasSubstr(
          R"( comment="say \"yes\"" findings="" rows=3 state=PENDING action_digest=sha256:aaaaaaaaaaaa…)"));
  EXPECT_THAT(line_.out.str(), HasSubstr(" no JSON\n"));
  EXPECT_CALL(*line_.client, ListAuditEvents(_, _)).WillOnce(Return(answer));
  EXPECT_EQ(line_.Run({"audit", "--output", "json"}), 0);
  EXPECT_THAT(line_.out.str(), HasSubstr(digest));
}

TEST_F(CommandLineTest, TheCardTellsOfADecisionOnAnotherDigest) {
  v1::Proposal proposal = Pending();
  proposal.add_decisions()->set_action_digest(kDigest);
  EXPECT_CALL(*line_.client, GetProposal(_, _)).WillOnce(Return(proposal));
  EXPECT_EQ(line_.Run({"show", kId}), 0);
  EXPECT_THAT(line_.out.str(), Not(HasSubstr("ANOTHER digest")));
  proposal.mutable_decisions(0)->set_action_digest("sha256:0000");
  EXPECT_CALL(*line_.client, GetProposal(_, _)).WillOnce(Return(proposal));
  EXPECT_EQ(line_.Run({"show", kId}), 0);
  EXPECT_THAT(line_.out.str(), HasSubstr("for ANOTHER digest than this"));
}

}  // namespace
}  // namespace countersign
