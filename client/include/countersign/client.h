// The client library of Countersign: propose, wait, decide, claim, redeem, report.
#ifndef COUNTERSIGN_CLIENT_CLIENT_H_
#define COUNTERSIGN_CLIENT_CLIENT_H_

#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "countersign/v1/audit_service.pb.h"
#include "countersign/v1/config_service.pb.h"
#include "countersign/v1/decision_service.pb.h"
#include "countersign/v1/execution_service.pb.h"
#include "countersign/v1/plan.pb.h"
#include "countersign/v1/proposal_service.pb.h"
#include "countersign/v1/resource.pb.h"
#include "countersign/v1/target_service.pb.h"

namespace countersign {

// How long a call may take, and how it is called off.
struct CallOptions {
  absl::Duration timeout = absl::Seconds(30);  // For everything, repetitions included.
  std::stop_token stop = {};                   // CANCELLED soon after a stop is requested.
};

// A file that a submission brings along.
struct LocalFile {
  std::string path;
  std::string file_name;  // Its name for the program; see ArtifactReference.file_name.
};

// What Submit() proposes.
struct Submission {
  v1::Action action = {};             // Without artifacts for `files`; they are added behind those it has.
  std::string reason = {};            // Why, for the humans who decide.
  std::vector<LocalFile> files = {};  // Uploaded first.
  std::string request_id = {};        // Give one to repeat a submission across restarts. Default: a new one.
};

// What a waiter is told.
struct WaitProgress {
  v1::Proposal proposal;      // As last seen; empty before the first answer.
  absl::Duration waited;      // Since Wait() was called.
  absl::Status interruption;  // Why the broker is out of reach at the moment; OK while it is not.
};

struct WaitOptions {
  v1::Proposal::State while_state = v1::Proposal::PENDING;
  absl::Duration timeout = absl::InfiniteDuration();
  // Called on the caller's thread, about every 20 seconds.
  std::function<void(const WaitProgress&)> on_progress = {};
  std::stop_token stop = {};
};

struct WatchEvent {
  v1::Proposal proposal;
  std::string resume_token = {};  // Where to resume after this event.
};

struct WatchOptions {
  std::string target = {};        // Only this target; empty means all.
  std::string resume_token = {};  // From an earlier event; empty starts with what is pending now.
  // Called on the caller's thread before reconnecting.
  std::function<void(const absl::Status&)> on_interruption = {};
  std::stop_token stop = {};
};

// A connection to a broker, as one principal. Thread-safe; calls block. Make one with Connect() and share it.
//
// Calls are repeated with back-off, within their timeout, when the broker is out of reach, is overloaded, or
// does not know whether a write was committed. Writes carry a request_id (made here unless the request has
// one) that stays the same, so a write happens once however often it was sent. After a failed call, a write
// may still have happened only if the code is DEADLINE_EXCEEDED, UNAVAILABLE, UNKNOWN or CANCELLED.
//
// Errors carry the broker's reason; see error.h and the RPC's comment in the proto files.
class Client {
 public:
  virtual ~Client() = default;

  // Stores bytes, or a file, which must not change meanwhile. 1 byte to 64 MiB.
  virtual absl::StatusOr<v1::Artifact> UploadArtifact(std::string_view bytes,
                                                      const CallOptions& options = {}) = 0;
  virtual absl::StatusOr<v1::Artifact> UploadArtifactFile(const std::string& path,
                                                          const CallOptions& options = {}) = 0;
  // Uploads the files, then proposes. The timeout is for each of the calls.
  virtual absl::StatusOr<v1::Proposal> Submit(const Submission& submission,
                                              const CallOptions& options = {}) = 0;
  virtual absl::StatusOr<v1::Proposal> GetProposal(const std::string& name,
                                                   const CallOptions& options = {}) = 0;
  // What the broker read in the plan of a proposal. NOT_FOUND also when it holds no plan. Up to 64 MiB, so
  // give it time.
  virtual absl::StatusOr<v1::PlanView> GetPlanView(const std::string& name,
                                                   const CallOptions& options = {}) = 0;
  // One page.
  virtual absl::StatusOr<v1::ListProposalsResponse> ListProposals(const v1::ListProposalsRequest& request,
                                                                  const CallOptions& options = {}) = 0;
  // Blocks until the proposal is in another state than `while_state`, and returns it: look at its state.
  // Broken connections and restarts of the broker are waited out. DEADLINE_EXCEEDED when the timeout came
  // first, UNAVAILABLE when it came while the broker was out of reach. Never returns a proposal in
  // `while_state`.
  virtual absl::StatusOr<v1::Proposal> Wait(const std::string& name, const WaitOptions& options = {}) = 0;
  // Calls `on_event` for every change, on the caller's thread, until it returns false (OK) or a stop is
  // requested (CANCELLED). Reconnects and resumes by itself; what comes twice is passed on once.
  virtual absl::Status Watch(const WatchOptions& options,
                             const std::function<bool(const WatchEvent&)>& on_event) = 0;
  virtual absl::StatusOr<v1::Proposal> Cancel(const v1::CancelProposalRequest& request,
                                              const CallOptions& options = {}) = 0;

  virtual absl::StatusOr<v1::Proposal> Approve(const v1::ApproveProposalRequest& request,
                                               const CallOptions& options = {}) = 0;
  virtual absl::StatusOr<v1::Proposal> Deny(const v1::DenyProposalRequest& request,
                                            const CallOptions& options = {}) = 0;
  virtual absl::StatusOr<v1::Proposal> Revoke(const v1::RevokeProposalRequest& request,
                                              const CallOptions& options = {}) = 0;
  virtual absl::StatusOr<v1::Proposal> Resolve(const v1::ResolveProposalRequest& request,
                                               const CallOptions& options = {}) = 0;

  virtual absl::StatusOr<v1::ClaimProposalResponse> Claim(const v1::ClaimProposalRequest& request,
                                                          const CallOptions& options = {}) = 0;
  virtual absl::StatusOr<v1::RedeemTokenResponse> Redeem(const v1::RedeemTokenRequest& request,
                                                         const CallOptions& options = {}) = 0;
  virtual absl::StatusOr<v1::HeartbeatResponse> Heartbeat(const v1::HeartbeatRequest& request,
                                                          const CallOptions& options = {}) = 0;
  virtual absl::StatusOr<v1::Proposal> Report(const v1::ReportExecutionRequest& request,
                                              const CallOptions& options = {}) = 0;
  // Passes the bytes on in pieces as they come. They are the artifact only once this has returned OK:
  // DATA_CORRUPTED when they do not have the digest. An error of `sink` ends the download and is returned.
  virtual absl::Status DownloadArtifact(const std::string& proposal, const std::string& digest,
                                        const std::function<absl::Status(std::string_view)>& sink,
                                        const CallOptions& options = {}) = 0;

  // What the broker remembers of targets/NAME. NOT_FOUND when nothing was ever remembered of it.
  virtual absl::StatusOr<v1::TargetMemory> GetTargetMemory(const std::string& target,
                                                           const CallOptions& options = {}) = 0;
  virtual absl::StatusOr<v1::TargetMemory> AdoptState(const v1::AdoptStateRequest& request,
                                                      const CallOptions& options = {}) = 0;

  virtual absl::StatusOr<v1::ApplyDocumentsResponse> ApplyDocuments(const v1::ApplyDocumentsRequest& request,
                                                                    const CallOptions& options = {}) = 0;
  virtual absl::StatusOr<v1::Document> GetDocument(const v1::GetDocumentRequest& request,
                                                   const CallOptions& options = {}) = 0;
  virtual absl::StatusOr<v1::ListDocumentsResponse> ListDocuments(const CallOptions& options = {}) = 0;
  virtual absl::StatusOr<v1::ListDocumentVersionsResponse> ListDocumentVersions(
      const std::string& name, const CallOptions& options = {}) = 0;
  virtual absl::StatusOr<v1::Caller> GetCaller(const CallOptions& options = {}) = 0;
  // One page, oldest first.
  virtual absl::StatusOr<v1::ListAuditEventsResponse> ListAuditEvents(
      const v1::ListAuditEventsRequest& request, const CallOptions& options = {}) = 0;
};

// Walks the pages of a list until `limit` proposals (0 means all) are there. The timeout is for each page.
absl::StatusOr<std::vector<v1::Proposal>> ListAllProposals(Client& client, v1::ListProposalsRequest request,
                                                           size_t limit, const CallOptions& options = {});
absl::StatusOr<std::vector<v1::AuditEvent>> ListAllAuditEvents(Client& client,
                                                               v1::ListAuditEventsRequest request,
                                                               size_t limit, const CallOptions& options = {});

}  // namespace countersign

#endif  // COUNTERSIGN_CLIENT_CLIENT_H_
