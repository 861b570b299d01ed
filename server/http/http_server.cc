#include "server/http/http_server.h"

#include <httplib.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <deque>
#include <future>
#include <nlohmann/json.hpp>
#include <thread>

#include "absl/strings/str_cat.h"
#include "core/error/error.h"
#include "server/base/mutex.h"

namespace countersign::http {

namespace {

constexpr size_t kMaxQueuedConnections = 64;
constexpr size_t kMaxRequestBytes = 1024;
constexpr char kJson[] = "application/json";
// Prometheus' text format.
constexpr char kExposition[] = "text/plain; version=0.0.4; charset=utf-8";

// httplib's own queue has no bound. This one makes the accepting thread wait.
class BoundedTasks final : public httplib::TaskQueue {
 public:
  explicit BoundedTasks(int threads) {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Run(); });
  }
  void enqueue(std::function<void()> task) override {
    base::MutexLock lock(&mutex_);
    while (tasks_.size() >= kMaxQueuedConnections && !stopping_) space_.Wait(&mutex_);
    tasks_.push_back(std::move(task));
    ready_.NotifyOne();
  }
  void shutdown() override {
    {
      base::MutexLock lock(&mutex_);
      stopping_ = true;
      ready_.NotifyAll();
      space_.NotifyAll();
    }
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  void Run() {
    for (;;) {
      std::function<void()> task;
      {
        base::MutexLock lock(&mutex_);
        while (tasks_.empty() && !stopping_) ready_.Wait(&mutex_);
        if (tasks_.empty()) return;
        task = std::move(tasks_.front());
        tasks_.pop_front();
        space_.NotifyOne();
      }
      task();
    }
  }

  base::Mutex mutex_;
  base::CondVar ready_;
  base::CondVar space_;
  std::deque<std::function<void()>> tasks_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

std::string Discovery(const std::string& issuer) {
  return nlohmann::json{
      {"issuer", issuer},
      {"jwks_uri", issuer + "/.well-known/jwks.json"},
      {"id_token_signing_alg_values_supported", {"ES256"}},
      {"subject_types_supported", {"public"}},
      {"response_types_supported", {"id_token"}},
      {"claims_supported",
       {"iss", "sub", "aud", "iat", "nbf", "exp", "jti", "act", "cnf", "proposal", "action_digest",
        "artifacts", "target", "environment", "kind", "approvers", "policy_digest", "state"}}}
      .dump(2);
}

void AnswerReadiness(const std::vector<Check>& checks, httplib::Response& response) {
  bool ready = true;
  nlohmann::json body{{"checks", nlohmann::json::array()}};
  for (const Check& check : checks) {
    nlohmann::json entry{{"name", check.name}, {"ok", check.status.ok()}};
    if (!check.status.ok()) entry["message"] = std::string(check.status.message());
    body["checks"].push_back(entry);
    ready = ready && check.status.ok();
  }
  body["ready"] = ready;
  response.status = ready ? 200 : 503;
  response.set_content(body.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n", kJson);
}

// SO_REUSEPORT, which httplib would set, lets a second process share the port unnoticed.
void SetSocketOptions(socket_t socket) {
  const int yes = 1;
  setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
}

// What new connections are served with: the files as they were read last. Thread-safe.
class Certificate {
 public:
  Certificate(std::string certificate_file, std::string key_file)
      : certificate_file_(std::move(certificate_file)), key_file_(std::move(key_file)) {}

  // When it fails, what was read before stays.
  absl::Status Load() ABSL_LOCKS_EXCLUDED(mutex_) {
    const std::shared_ptr<SSL_CTX> read(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
    ERR_set_mark();
    const bool usable = read != nullptr &&
                        SSL_CTX_use_certificate_chain_file(read.get(), certificate_file_.c_str()) == 1 &&
                        SSL_CTX_use_PrivateKey_file(read.get(), key_file_.c_str(), SSL_FILETYPE_PEM) == 1 &&
                        SSL_CTX_check_private_key(read.get()) == 1;
    ERR_pop_to_mark();
    if (!usable) {
      return error::InvalidField("http.certificate_file",
                                 absl::StrCat("cannot be used together with ", key_file_));
    }
    base::MutexLock lock(&mutex_);
    current_ = read;
    return absl::OkStatus();
  }

  // The connections of `listening` ask for it at the beginning of their handshake, while this lives.
  void ServeOn(SSL_CTX* listening) { SSL_CTX_set_client_hello_cb(listening, Choose, this); }

 private:
  static int Choose(SSL* connection, int* alert, void* self) {
    auto* certificate = static_cast<Certificate*>(self);
    base::MutexLock lock(&certificate->mutex_);
    if (SSL_set_SSL_CTX(connection, certificate->current_.get()) != nullptr) return SSL_CLIENT_HELLO_SUCCESS;
    *alert = SSL_AD_INTERNAL_ERROR;
    return SSL_CLIENT_HELLO_ERROR;
  }

  const std::string certificate_file_;
  const std::string key_file_;
  base::Mutex mutex_;
  std::shared_ptr<SSL_CTX> current_ ABSL_GUARDED_BY(mutex_);
};

std::unique_ptr<httplib::Server> MakeListener(Certificate* certificate) {
  if (certificate == nullptr) return std::make_unique<httplib::Server>();
  return std::make_unique<httplib::SSLServer>([certificate](SSL_CTX& context) {
    certificate->ServeOn(&context);
    return SSL_CTX_set_min_proto_version(&context, TLS1_2_VERSION) == 1;
  });
}

void Limit(httplib::Server& server) {
  server.set_socket_options(SetSocketOptions);
  server.set_payload_max_length(kMaxRequestBytes);
  server.set_read_timeout(2);
  server.set_write_timeout(5);
  server.set_keep_alive_timeout(2);
  server.set_keep_alive_max_count(100);
  server.set_pre_routing_handler([](const httplib::Request& request, httplib::Response& response) {
    if (request.method == "GET" || request.method == "HEAD")
      return httplib::Server::HandlerResponse::Unhandled;
    response.status = 405;
    response.set_header("Allow", "GET, HEAD");
    return httplib::Server::HandlerResponse::Handled;
  });
}

void Route(httplib::Server& server, const std::string& issuer, const HttpServer::Sources& sources) {
  server.Get("/\\.well-known/jwks\\.json",
             [jwks = sources.jwks](const httplib::Request&, httplib::Response& response) {
               // Short enough that a key published today is known everywhere before it signs.
               response.set_header("Cache-Control", "public, max-age=300");
               response.set_content(jwks(), "application/jwk-set+json");
             });
  server.Get("/\\.well-known/openid-configuration",
             [text = Discovery(issuer)](const httplib::Request&, httplib::Response& response) {
               response.set_header("Cache-Control", "public, max-age=3600");
               response.set_content(text, kJson);
             });
  server.Get("/healthz", [](const httplib::Request&, httplib::Response& response) {
    response.set_content("{\"ok\": true}\n", kJson);
  });
  server.Get("/readyz",
             [readiness = sources.readiness](const httplib::Request&, httplib::Response& response) {
               response.set_header("Cache-Control", "no-store");
               AnswerReadiness(readiness(), response);
             });
  server.Get("/metrics", [metrics = sources.metrics](const httplib::Request&, httplib::Response& response) {
    response.set_content(metrics(), kExposition);
  });
}

}  // namespace

struct HttpServer::Listener {
  std::unique_ptr<Certificate> certificate;  // Null without TLS.
  std::unique_ptr<httplib::Server> server;
  std::thread thread;
};

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(const Options& options,
                                                              const Sources& sources) {
  auto listener = std::make_unique<Listener>();
  if (!options.certificate_file.empty()) {
    listener->certificate = std::make_unique<Certificate>(options.certificate_file, options.key_file);
    if (absl::Status status = listener->certificate->Load(); !status.ok()) return status;
  }
  listener->server = MakeListener(listener->certificate.get());
  httplib::Server& server = *listener->server;
  if (!server.is_valid()) return error::Make(v1::INTERNAL, "OpenSSL gives no context to listen with");
  Limit(server);
  Route(server, options.issuer, sources);

  const int port = options.port == 0 ? server.bind_to_any_port(options.host)
                                     : (server.bind_to_port(options.host, options.port) ? options.port : -1);
  if (port <= 0) {
    return error::InvalidField("http.listen_address",
                               absl::StrCat("cannot listen on ", options.host, ":", options.port,
                                            ": the address is not this machine's, or the port is in use"));
  }
  // stop() does nothing before the accept loop runs, so wait for it: it asks for its queue first.
  std::promise<void> running;
  server.new_task_queue = [&running, threads = options.threads] {
    running.set_value();
    return new BoundedTasks(threads);
  };
  listener->thread = std::thread([&server] { server.listen_after_bind(); });
  running.get_future().wait();
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(listener), port));
}

HttpServer::HttpServer(std::unique_ptr<Listener> listener, int port)
    : listener_(std::move(listener)), port_(port) {}

absl::Status HttpServer::ReloadCertificate() {
  return listener_->certificate == nullptr ? absl::OkStatus() : listener_->certificate->Load();
}

HttpServer::~HttpServer() {
  listener_->server->stop();
  listener_->thread.join();
}

}  // namespace countersign::http
