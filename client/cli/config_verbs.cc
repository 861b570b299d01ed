// apply, get and whoami: who may do what.
#include <memory>
#include <ostream>

#include "absl/strings/str_join.h"
#include "client/cli/app.h"
#include "client/cli/exit_code.h"
#include "client/cli/proposal_card.h"
#include "client/cli/table.h"
#include "client/cli/terminal_text.h"
#include "core/text/text.h"

namespace countersign::cli {
namespace {

constexpr size_t kMostDocumentBytes = 1 << 20;

struct ApplyOptions {
  std::string file;
  bool validate_only = false;
};

absl::StatusOr<int> Apply(Session& session, const ApplyOptions& options) {
  const auto content = ReadInput(session.world(), options.file, kMostDocumentBytes);
  if (!content.ok()) return content.status();
  const auto client = session.client();
  if (!client.ok()) return client.status();
  v1::ApplyDocumentsRequest request;
  request.set_content(*content);
  request.set_validate_only(options.validate_only);
  const auto answer = (*client)->ApplyDocuments(request, InteractiveCall());
  if (!answer.ok()) return answer.status();
  if (session.json()) {
    if (const auto status = session.PrintJson(*answer); !status.ok()) return status;
    return kDone;
  }
  for (const auto& document : answer->changed()) {
    session.out() << EscapeLine(document.name())
                  << (options.validate_only ? " would change"
                                            : text::Concat(" is now version ", document.version()))
                  << '\n';
  }
  for (const std::string& name : answer->unchanged()) session.out() << EscapeLine(name) << " is unchanged\n";
  return kDone;
}

struct GetOptions {
  std::string name;
  int64_t version = 0;
  bool versions = false;
};

absl::StatusOr<int> PrintDocuments(Session& session, const google::protobuf::Message& answer,
                                   const google::protobuf::RepeatedPtrField<v1::Document>& documents) {
  if (session.json()) {
    if (const auto status = session.PrintJson(answer); !status.ok()) return status;
    return kDone;
  }
  Table table({"NAME", "VERSION", "APPLIED", "BY", "DIGEST"});
  for (const auto& document : documents) {
    table.Add({document.name(), text::Concat(document.version()), TimeText(document.apply_time()),
               ShortPrincipal(document.applied_by()), Shorten(EscapeLine(document.digest()), 20)});
  }
  table.Print(session.out());
  return kDone;
}

absl::StatusOr<int> Get(Session& session, const GetOptions& options) {
  const auto client = session.client();
  if (!client.ok()) return client.status();
  if (options.name == "documents") {
    const auto answer = (*client)->ListDocuments(InteractiveCall());
    if (!answer.ok()) return answer.status();
    return PrintDocuments(session, *answer, answer->documents());
  }
  if (options.versions) {
    const auto answer = (*client)->ListDocumentVersions(options.name, InteractiveCall());
    if (!answer.ok()) return answer.status();
    return PrintDocuments(session, *answer, answer->documents());
  }
  v1::GetDocumentRequest request;
  request.set_name(options.name);
  request.set_version(options.version);
  const auto document = (*client)->GetDocument(request, InteractiveCall());
  if (!document.ok()) return document.status();
  if (session.json()) {
    if (const auto status = session.PrintJson(*document); !status.ok()) return status;
  } else if (session.world().out_is_terminal) {
    for (const std::string& line : EscapeLines(document->content())) session.out() << line << '\n';
  } else {
    session.out() << document->content();  // Byte by byte, so that it can be applied again.
  }
  return kDone;
}

absl::StatusOr<int> Whoami(Session& session) {
  const auto client = session.client();
  if (!client.ok()) return client.status();
  const auto caller = (*client)->GetCaller(InteractiveCall());
  if (!caller.ok()) return caller.status();
  if (session.json()) {
    if (const auto status = session.PrintJson(*caller); !status.ok()) return status;
    return kDone;
  }
  session.out() << EscapeLine(caller->principal()) << ", " << EscapeLine(caller->kind()) << '\n';
  if (!caller->person().empty()) session.out() << "person: " << EscapeLine(caller->person()) << '\n';
  if (!caller->owner().empty()) session.out() << "owner: " << EscapeLine(caller->owner()) << '\n';
  session.out() << "groups: "
                << (caller->groups().empty() ? "none" : EscapeLine(absl::StrJoin(caller->groups(), ", ")))
                << '\n';
  return kDone;
}

}  // namespace

void AddConfigVerbs(Verbs& verbs, Session& session) {
  auto apply = std::make_shared<ApplyOptions>();
  const Verb apply_verb = verbs.Add("apply", "Apply documents: directory, policy, targets (admins)",
                                    "  countersign apply -f policy.yaml --validate-only\n"
                                    "  cat targets.yaml | countersign apply -f -",
                                    [&session, apply] { return Apply(session, *apply); });
  apply_verb.Option("-f,--file", &apply->file, "YAML documents; - is standard input",
                    {.type_name = "FILE", .required = true});
  apply_verb.Flag("--validate-only", &apply->validate_only, "Only say what would change");

  auto get = std::make_shared<GetOptions>();
  const Verb get_verb = verbs.Add("get", "Read a document, or list all of them",
                                  "  countersign get documents\n  countersign get policy\n"
                                  "  countersign get targets/prod-courses --version 7\n"
                                  "  countersign get directory --versions",
                                  [&session, get] { return Get(session, *get); });
  get_verb.Option("NAME", &get->name, "documents, directory, policy or targets/NAME", {.required = true});
  get_verb.Option("--version", &get->version, "An older version");
  get_verb.Flag("--versions", &get->versions, "List its versions, newest first");

  verbs.Add("whoami", "Say who the broker takes you for", "  countersign whoami",
            [&session] { return Whoami(session); });
}

}  // namespace countersign::cli
