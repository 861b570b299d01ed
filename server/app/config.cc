#include "server/app/config.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/text_format.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "core/error/error.h"
#include "server/app/files.h"
#include "server/app/key_material.h"
#include "server/base/document.h"
#include "server/broker/documents.h"
#include "server/planread/plan_reader.h"
#include "server/postgres/dsn.h"

namespace countersign::app {

namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr char kEnvironmentPrefix[] = "COUNTERSIGND_";
constexpr uint64_t kMaxArtifactBytes = 64 << 20;
constexpr uint64_t kMaxTransferMemoryBytes = uint64_t{64} << 30;

constexpr char kDefaults[] = R"(
grpc: {listen_address: "0.0.0.0:7443", reflection: false}
http: {listen_address: "0.0.0.0:7080"}
database: {pool_size: 16, start_patience: 60s, notifications: true}
artifact: {max_bytes: 67108864}
plan: {queued_reads: 64}
limits:
  submits_per_minute: 1200
  submit_burst: 100
  max_waiters: 50000
  max_watchers: 256
  max_watches_per_principal: 16
  calls_in_flight_per_principal: 64
  queued_calls: 1024
  max_transfer_duration: 300s
  transfer_memory_bytes: 268435456
log: {level: info, format: json}
shutdown_grace: 20s
)";

// However little urgent readers are, whoever wants a core that all of them are at work on waits for it: one
// is left to everybody else.
uint32_t DefaultConcurrentReads() { return std::thread::hardware_concurrency() > 2 ? 2 : 1; }

bool IsDuration(const FieldDescriptor& field) {
  return field.message_type() != nullptr && field.message_type()->full_name() == "google.protobuf.Duration";
}

bool IsGroup(const FieldDescriptor& field) { return field.message_type() != nullptr && !IsDuration(field); }

void CollectSettings(const Descriptor& descriptor, const std::string& prefix,
                     std::vector<Setting>& settings) {
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const FieldDescriptor& field = *descriptor.field(i);
    const std::string path = prefix + field.name();
    if (IsGroup(field)) {
      CollectSettings(*field.message_type(), path + ".", settings);
    } else {
      const std::string name = absl::AsciiStrToUpper(absl::StrReplaceAll(path, {{".", "_"}}));
      settings.push_back({path, kEnvironmentPrefix + name});
    }
  }
}

const FieldDescriptor* FindField(const std::string& path) {
  const Descriptor* descriptor = ServerConfig::descriptor();
  const FieldDescriptor* field = nullptr;
  for (const auto& part : absl::StrSplit(path, '.')) {
    field = descriptor->FindFieldByName(std::string(part));
    if (field == nullptr) return nullptr;
    descriptor = field->message_type();
  }
  return field;
}

// The first member of `json` that is no field, as a path; empty when there is none.
std::string UnknownField(const nlohmann::json& json, const Descriptor& descriptor,
                         const std::string& prefix) {
  if (!json.is_object()) return "";
  for (const auto& [name, value] : json.items()) {
    const FieldDescriptor* field = descriptor.FindFieldByName(name);
    if (field == nullptr) return prefix + name;
    if (!IsGroup(*field)) continue;
    const std::string inner = UnknownField(value, *field->message_type(), prefix + name + ".");
    if (!inner.empty()) return inner;
  }
  return "";
}

// The line, from 1, on which a block-style YAML text has the key with this path; 0 when it is not written so.
int LineOf(std::string_view text, std::string_view path) {
  std::vector<std::pair<size_t, std::string>> open;  // Indentation and path of the maps around the line.
  std::istringstream lines{std::string(text)};
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    const size_t indentation = line.find_first_not_of(' ');
    const size_t colon = line.find(':');
    if (indentation == std::string::npos || line[indentation] == '#' || colon == std::string::npos) continue;
    while (!open.empty() && open.back().first >= indentation) open.pop_back();
    const std::string key = line.substr(indentation, colon - indentation);
    open.emplace_back(indentation, open.empty() ? key : open.back().second + "." + key);
    if (open.back().second == path) return number;
  }
  return 0;
}

absl::Status InFile(std::string_view file, std::string_view text, const std::string& path,
                    std::string_view what) {
  const int line = LineOf(text, path);
  const std::string where = line > 0 ? absl::StrCat(std::string(file), " line ", line) : std::string(file);
  return error::InvalidField(path, absl::StrCat(std::string(what), " (", where, ")"));
}

// Checks leaf by leaf, so that a wrong value is reported under its name.
absl::Status CheckLeaves(const nlohmann::json& json, const std::string& prefix, std::string_view text,
                         std::string_view file) {
  for (const auto& [name, value] : json.items()) {
    const std::string path = prefix + name;
    if (IsGroup(*FindField(path))) {
      if (value.is_null()) continue;
      if (!value.is_object()) return InFile(file, text, path, "must be a map of settings");
      if (auto status = CheckLeaves(value, path + ".", text, file); !status.ok()) return status;
      continue;
    }
    nlohmann::json nested = value;
    const std::vector<std::string> parts = absl::StrSplit(path, '.');
    for (auto part = parts.rbegin(); part != parts.rend(); ++part) nested = nlohmann::json{{*part, nested}};
    ServerConfig scratch;
    if (!base::FromJson(nested.dump(), &scratch).ok())
      return InFile(file, text, path, "is not a value of its type");
  }
  return absl::OkStatus();
}

// Clears in `lower` what merging would mix instead of replacing: lists are appended to, and of a duration
// only what is not zero is taken over.
void ClearReplaced(const Message& upper, Message& lower) {
  std::vector<const FieldDescriptor*> set;
  upper.GetReflection()->ListFields(upper, &set);
  for (const FieldDescriptor* field : set) {
    if (IsGroup(*field) && !field->is_repeated()) {
      ClearReplaced(upper.GetReflection()->GetMessage(upper, field),
                    *lower.GetReflection()->MutableMessage(&lower, field));
    } else {
      lower.GetReflection()->ClearField(&lower, field);
    }
  }
}

void Overlay(const ServerConfig& upper, ServerConfig& lower) {
  ClearReplaced(upper, lower);
  // Two ways to say one thing: the upper layer's way counts.
  if (upper.database().has_url() || upper.database().has_url_file()) {
    lower.mutable_database()->clear_url();
    lower.mutable_database()->clear_url_file();
  }
  lower.MergeFrom(upper);
}

absl::Status Override(const std::string& path, const std::string& text, std::string_view source,
                      ServerConfig& config) {
  const FieldDescriptor* field = FindField(path);
  nlohmann::json value = text;
  if (field->is_repeated())
    value = std::vector<std::string>(absl::StrSplit(text, ',', absl::SkipWhitespace()));
  const std::vector<std::string> parts = absl::StrSplit(path, '.');
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) value = nlohmann::json{{*part, value}};
  ServerConfig layer;
  const std::string json = value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  if (!base::FromJson(json, &layer).ok()) {
    return error::InvalidField(path, absl::StrCat("is not a value of its type (", std::string(source), ")"));
  }
  Overlay(layer, config);
  return absl::OkStatus();
}

// Kubernetes gives every pod variables such as COUNTERSIGND_SERVICE_HOST for a service called countersignd.
bool IsFromKubernetes(const std::string& name) {
  return absl::StrContains(name, "_SERVICE_HOST") || absl::StrContains(name, "_SERVICE_PORT") ||
         absl::StrContains(name, "_PORT_") || absl::EndsWith(name, "_PORT");
}

absl::Status ApplyEnvironment(const std::map<std::string, std::string>& environment, ServerConfig& config) {
  std::map<std::string, std::string> known;
  for (const Setting& setting : Settings()) known[setting.environment] = setting.path;
  for (const auto& [name, value] : environment) {
    if (!absl::StartsWith(name, kEnvironmentPrefix) || name == "COUNTERSIGND_CONFIG" || value.empty())
      continue;
    const auto found = known.find(name);
    if (found == known.end()) {
      if (IsFromKubernetes(name)) continue;
      return error::InvalidField(name, "no setting has this environment variable");
    }
    if (auto status = Override(found->second, value, "environment variable " + name, config); !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

absl::Status Require(const std::string& value, std::string_view path) {
  return value.empty() ? error::InvalidField(path, "must be set") : absl::OkStatus();
}

absl::Status InRange(uint64_t value, uint64_t least, uint64_t most, std::string_view path) {
  if (value >= least && value <= most) return absl::OkStatus();
  return error::InvalidField(path, absl::StrCat("must be from ", least, " to ", most));
}

absl::Status ValidIssuer(const std::string& issuer) {
  if (auto status = Require(issuer, "token.issuer"); !status.ok()) return status;
  if (absl::EndsWith(issuer, "/")) return error::InvalidField("token.issuer", "must not end with a slash");
  if (absl::StartsWith(issuer, "https://")) return absl::OkStatus();
  for (const char* loopback : {"http://localhost", "http://127.0.0.1", "http://[::1]"}) {
    const std::string host(loopback);
    if (issuer == host || absl::StartsWith(issuer, host + ":")) return absl::OkStatus();
  }
  return error::InvalidField("token.issuer", "must be an https URL: relying parties fetch keys from there");
}

// Readable, small and not empty.
absl::Status Readable(const std::string& file, std::string_view path) {
  if (auto status = Require(file, path); !status.ok()) return status;
  const auto text = ReadFile(file);
  if (!text.ok()) return error::InvalidField(path, std::string(text.status().message()));
  return text->empty() ? error::InvalidField(path, file + " is empty") : absl::OkStatus();
}

absl::Status First(std::initializer_list<absl::Status> statuses) {
  for (const absl::Status& status : statuses) {
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status ValidLimits(const ServerConfig& config) {
  const auto& limits = config.limits();
  return First(
      {InRange(config.database().pool_size(), 4, 1000, "database.pool_size"),
       InRange(config.artifact().max_bytes(), 1, kMaxArtifactBytes, "artifact.max_bytes"),
       InRange(config.plan().concurrent_reads(), 1, 64, "plan.concurrent_reads"),
       InRange(config.plan().queued_reads(), 1, 1000000, "plan.queued_reads"),
       InRange(limits.submits_per_minute(), 1, 1000000, "limits.submits_per_minute"),
       InRange(limits.submit_burst(), 1, 1000000, "limits.submit_burst"),
       InRange(limits.max_waiters(), 1, 1000000, "limits.max_waiters"),
       InRange(limits.max_watchers(), 1, 100000, "limits.max_watchers"),
       InRange(limits.max_watches_per_principal(), 1, 100000, "limits.max_watches_per_principal"),
       InRange(limits.calls_in_flight_per_principal(), 1, 100000, "limits.calls_in_flight_per_principal"),
       InRange(limits.queued_calls(), 1, 1000000, "limits.queued_calls"),
       // With less, an artifact or the view of a plan of the largest size could never be transferred.
       InRange(limits.transfer_memory_bytes(), 4 * kMaxArtifactBytes, kMaxTransferMemoryBytes,
               "limits.transfer_memory_bytes")});
}

// A path, not a name that is looked for: so it is started.
absl::Status ValidProgram(const std::string& program, std::string_view path) {
  std::error_code code;
  if (std::filesystem::is_regular_file(program, code) && access(program.c_str(), X_OK) == 0)
    return absl::OkStatus();
  return error::InvalidField(path, program + " is no program that can be started");
}

absl::Status ValidPlan(const ServerConfig::Plan& plan) {
  if (!plan.reader_program().empty()) {
    const absl::Status status = ValidProgram(plan.reader_program(), "plan.reader_program");
    if (!status.ok()) return status;
  }
  const auto& names = plan.sensitive_attributes();
  return planread::CheckSensitiveAttributes({names.begin(), names.end()}, "plan.sensitive_attributes");
}

absl::Status ValidDurations(const ServerConfig& config) {
  if (ToDuration(config.shutdown_grace()) < absl::ZeroDuration() ||
      ToDuration(config.shutdown_grace()) > absl::Hours(1)) {
    return error::InvalidField("shutdown_grace", "must be from 0s to 3600s");
  }
  if (ToDuration(config.database().start_patience()) < absl::ZeroDuration() ||
      ToDuration(config.database().start_patience()) > absl::Hours(1)) {
    return error::InvalidField("database.start_patience", "must be from 0s to 3600s");
  }
  if (ToDuration(config.limits().max_transfer_duration()) < absl::Seconds(1) ||
      ToDuration(config.limits().max_transfer_duration()) > absl::Hours(1)) {
    return error::InvalidField("limits.max_transfer_duration", "must be from 1s to 3600s");
  }
  return absl::OkStatus();
}

absl::Status ValidLog(const ServerConfig::Log& log) {
  const std::string& level = log.level();
  if (level != "debug" && level != "info" && level != "warning" && level != "error") {
    return error::InvalidField("log.level", "must be debug, info, warning or error");
  }
  if (log.format() != "json" && log.format() != "text") {
    return error::InvalidField("log.format", "must be json or text");
  }
  return absl::OkStatus();
}

absl::Status ValidAddresses(const ServerConfig& config) {
  return First({ParseAddress(config.grpc().listen_address(), "grpc.listen_address").status(),
                ParseAddress(config.http().listen_address(), "http.listen_address").status()});
}

absl::Status ValidDatabaseUrl(const ServerConfig& config) {
  const auto url = DatabaseUrl(config);
  if (!url.ok()) return url.status();
  if (postgres::IsReadable(*url)) return absl::OkStatus();
  // Nothing of it is shown: nobody can tell where its password is.
  return error::InvalidField(config.database().url().empty() ? "database.url_file" : "database.url",
                             "is no connection string that libpq can read");
}

absl::Status ValidDocuments(const std::string& file) {
  if (auto status = Readable(file, "bootstrap.documents"); !status.ok()) return status;
  const auto text = ReadFile(file);
  const absl::Status status = text.ok() ? broker::SplitDocuments(*text).status() : text.status();
  if (status.ok()) return status;
  return error::InvalidField("bootstrap.documents", absl::StrCat(file, ": ", std::string(status.message())));
}

absl::Status ValidFiles(const ServerConfig& config) {
  const auto& http = config.http();
  if (http.certificate_file().empty() != http.key_file().empty()) {
    return error::InvalidField(http.key_file().empty() ? "http.key_file" : "http.certificate_file",
                               "must be set, because the other one is: TLS needs both");
  }
  absl::Status status =
      First({CheckTlsFiles(config.grpc().certificate_file(), config.grpc().key_file(), "grpc"),
             CheckAuthorities(config.grpc().client_ca_file(), "grpc.client_ca_file"),
             Require(config.token().signing_key_directory(), "token.signing_key_directory"),
             Readable(config.artifact().master_key_file(), "artifact.master_key_file")});
  if (!status.ok()) return status;
  if (!http.certificate_file().empty()) {
    status = CheckTlsFiles(http.certificate_file(), http.key_file(), "http");
    if (!status.ok()) return status;
  }
  for (const std::string& document : config.bootstrap().documents()) {
    if (status = ValidDocuments(document); !status.ok()) return status;
  }
  status = CheckSigningKeys(config.token().signing_key_directory());
  return status.ok() ? CheckMasterKeys(config.artifact().master_key_file()) : status;
}

void DescribeFields(const Message& message, const std::string& prefix, std::string& out) {
  const Descriptor& descriptor = *message.GetDescriptor();
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const FieldDescriptor& field = *descriptor.field(i);
    const std::string path = prefix + field.name();
    if (IsGroup(field)) {
      DescribeFields(message.GetReflection()->GetMessage(message, &field), path + ".", out);
    } else if (path == "database.url") {
      const std::string& url = static_cast<const ServerConfig::Database&>(message).url();
      if (!url.empty()) absl::StrAppend(&out, path, ": ", postgres::Redacted(url), "\n");
    } else if (IsDuration(field)) {
      const auto& value = static_cast<const google::protobuf::Duration&>(
          message.GetReflection()->GetMessage(message, &field));
      absl::StrAppend(&out, path, ": ", absl::FormatDuration(ToDuration(value)), "\n");
    } else if (field.is_repeated()) {
      for (int item = 0; item < message.GetReflection()->FieldSize(message, &field); ++item) {
        absl::StrAppend(&out, path, ": ", message.GetReflection()->GetRepeatedString(message, &field, item),
                        "\n");
      }
    } else if (message.GetReflection()->HasField(message, &field)) {
      std::string text;
      google::protobuf::TextFormat::PrintFieldValueToString(message, &field, -1, &text);
      absl::StrAppend(&out, path, ": ", text, "\n");
    }
  }
}

}  // namespace

const std::vector<Setting>& Settings() {
  static const std::vector<Setting>& settings = *[] {
    auto* all = new std::vector<Setting>();
    CollectSettings(*ServerConfig::descriptor(), "", *all);
    return all;
  }();
  return settings;
}

absl::StatusOr<ServerConfig> ParseConfig(std::string_view text, std::string_view file) {
  const auto documents = base::ParseYaml(text);
  if (!documents.ok()) {
    return error::InvalidField(
        "config", absl::StrCat(std::string(file), ": ", std::string(documents.status().message())));
  }
  ServerConfig config;
  if (documents->empty()) return config;
  if (documents->size() > 1) {
    return error::InvalidField("config", absl::StrCat(std::string(file), " line ", documents->at(1).line,
                                                      ": only one document is expected"));
  }
  const auto json = nlohmann::json::parse(documents->front().json, nullptr, false);
  if (!json.is_object()) {
    return error::InvalidField("config", absl::StrCat(std::string(file), ": must be a map of settings"));
  }
  const std::string unknown = UnknownField(json, *ServerConfig::descriptor(), "");
  if (!unknown.empty()) return InFile(file, text, unknown, "is no setting");
  if (auto status = CheckLeaves(json, "", text, file); !status.ok()) return status;
  if (auto status = base::FromJson(documents->front().json, &config); !status.ok()) {
    return error::InvalidField("config",
                               absl::StrCat(std::string(file), ": ", std::string(status.message())));
  }
  return config;
}

absl::StatusOr<ServerConfig> LoadConfig(const ConfigSources& sources) {
  auto config = ParseConfig(kDefaults, "defaults");
  if (!config.ok()) return config;
  config->mutable_plan()->set_concurrent_reads(DefaultConcurrentReads());
  if (!sources.file.empty()) {
    const auto text = ReadFile(sources.file);
    if (!text.ok()) return error::InvalidField("config", std::string(text.status().message()));
    const auto layer = ParseConfig(*text, sources.file);
    if (!layer.ok()) return layer;
    Overlay(*layer, *config);
  }
  if (auto status = ApplyEnvironment(sources.environment, *config); !status.ok()) return status;
  for (const auto& [path, text] : sources.flags) {
    if (auto status = Override(path, text, "flag --" + path, *config); !status.ok()) return status;
  }
  return config;
}

absl::Status ValidateForServing(const ServerConfig& config) {
  return First({ValidAddresses(config), ValidIssuer(config.token().issuer()), ValidDatabaseUrl(config),
                ValidLimits(config), ValidPlan(config.plan()), ValidDurations(config), ValidLog(config.log()),
                ValidFiles(config)});
}

absl::StatusOr<std::string> DatabaseUrl(const ServerConfig& config) {
  const auto& database = config.database();
  if (!database.url().empty()) {
    if (!database.url_file().empty()) {
      return error::InvalidField("database.url_file", "must not be set together with database.url");
    }
    return database.url();
  }
  if (database.url_file().empty()) {
    return error::InvalidField("database.url", "must be set, or database.url_file");
  }
  const auto text = ReadFile(database.url_file());
  if (!text.ok()) return error::InvalidField("database.url_file", std::string(text.status().message()));
  const std::string url(absl::StripAsciiWhitespace(*text));
  if (url.empty()) return error::InvalidField("database.url_file", database.url_file() + " is empty");
  return url;
}

absl::StatusOr<std::pair<std::string, int>> ParseAddress(std::string_view address, std::string_view setting) {
  const std::string text(address);
  const size_t colon = text.rfind(':');
  int port = -1;
  if (colon == std::string::npos || colon == 0 || !absl::SimpleAtoi(text.substr(colon + 1), &port) ||
      port < 0 || port > 65535) {
    return error::InvalidField(setting, "must be {host}:{port}");
  }
  std::string host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (!bracketed && absl::StrContains(host, ':')) {
    return error::InvalidField(setting, "an IPv6 address is written in brackets: [::1]:7443");
  }
  return std::make_pair(host, port);
}

absl::Duration ToDuration(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

std::string Describe(const ServerConfig& config) {
  std::string out;
  DescribeFields(config, "", out);
  return out;
}

}  // namespace countersign::app
