#include "tests/provider/service.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/provider/catalog.h"
#include "tests/provider/schema.h"
#include "tests/provider/value.h"

namespace countersign::provider {
namespace {

template <typename Response>
grpc::Status Tell(const absl::Status& problem, Response* response) {
  tfplugin5::Diagnostic* const diagnostic = response->add_diagnostics();
  diagnostic->set_severity(tfplugin5::Diagnostic::ERROR);
  diagnostic->set_summary(std::string(problem.message()));
  return grpc::Status::OK;
}

absl::StatusOr<Json> Decode(const tfplugin5::DynamicValue& value) {
  if (value.msgpack().empty()) return DecodeJson(value.json());
  return DecodeMessagePack(value.msgpack());
}

void Encode(const Json& value, tfplugin5::DynamicValue* encoded) {
  encoded->set_msgpack(EncodeMessagePack(value));
}

absl::StatusOr<const ResourceType*> TypeOf(const std::vector<ResourceType>& types, const std::string& name) {
  const ResourceType* const type = FindType(types, name);
  if (type == nullptr) return absl::NotFoundError(absl::StrCat("there is no ", name));
  return type;
}

void FillBlock(const Block& block, tfplugin5::Schema::Block* filled) {
  for (const AttributeSchema& attribute : block.attributes) {
    tfplugin5::Schema::Attribute* const added = filled->add_attributes();
    added->set_name(attribute.name);
    added->set_type(attribute.type);
    added->set_required(attribute.Is(kRequired));
    added->set_optional(attribute.Is(kOptional));
    added->set_computed(attribute.Is(kComputed));
    added->set_sensitive(attribute.Is(kSensitive));
  }
  for (const NestedBlock& nested : block.blocks) {
    tfplugin5::Schema::NestedBlock* const added = filled->add_block_types();
    added->set_type_name(nested.name);
    added->set_nesting(static_cast<tfplugin5::Schema::NestedBlock::NestingMode>(nested.nesting));
    added->set_min_items(nested.min_items);
    added->set_max_items(nested.max_items);
    FillBlock(nested.block, added->mutable_block());
  }
}

void FillPath(const Path& path, tfplugin5::AttributePath* filled) {
  for (const Json& step : path) {
    tfplugin5::AttributePath::Step* const added = filled->add_steps();
    if (step.is_number()) {
      added->set_element_key_int(step);
    } else {
      added->set_attribute_name(step);
    }
  }
}

// A request's values, decoded; or why they could not be.
struct Change {
  const ResourceType* type;
  Json prior;
  Json next;
};

absl::StatusOr<Change> ChangeOf(const std::string& type_name, const tfplugin5::DynamicValue& prior,
                                const tfplugin5::DynamicValue& next) {
  const auto type = TypeOf(ResourceTypes(), type_name);
  if (!type.ok()) return type.status();
  absl::StatusOr<Json> decoded_prior = Decode(prior);
  if (!decoded_prior.ok()) return decoded_prior.status();
  absl::StatusOr<Json> decoded_next = Decode(next);
  if (!decoded_next.ok()) return decoded_next.status();
  return Change{*type, *std::move(decoded_prior), *std::move(decoded_next)};
}

absl::StatusOr<Json> Apply(const Cloud& cloud, const Change& change) {
  if (change.prior.is_null()) return cloud.Create(*change.type, change.next);
  if (!change.next.is_null()) return cloud.Update(*change.type, change.next);
  if (absl::Status status = cloud.Delete(*change.type, change.prior); !status.ok()) return status;
  return Json();
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Cloud>> Service::ConfiguredCloud() {
  base::MutexLock lock(&mutex_);
  if (cloud_ == nullptr) return absl::FailedPreconditionError("the provider is not configured");
  return cloud_;
}

grpc::Status Service::GetSchema(grpc::ServerContext*, const tfplugin5::GetProviderSchema::Request*,
                                tfplugin5::GetProviderSchema::Response* response) {
  FillBlock(ProviderBlock(), response->mutable_provider()->mutable_block());
  for (const ResourceType& type : ResourceTypes()) {
    FillBlock(type.block, (*response->mutable_resource_schemas())[type.name].mutable_block());
  }
  for (const ResourceType& source : DataSources()) {
    FillBlock(source.block, (*response->mutable_data_source_schemas())[source.name].mutable_block());
  }
  return grpc::Status::OK;
}

grpc::Status Service::PrepareProviderConfig(grpc::ServerContext*,
                                            const tfplugin5::PrepareProviderConfig::Request* request,
                                            tfplugin5::PrepareProviderConfig::Response* response) {
  *response->mutable_prepared_config() = request->config();
  return grpc::Status::OK;
}

grpc::Status Service::ValidateResourceTypeConfig(
    grpc::ServerContext*, const tfplugin5::ValidateResourceTypeConfig::Request* request,
    tfplugin5::ValidateResourceTypeConfig::Response* response) {
  const auto type = TypeOf(ResourceTypes(), request->type_name());
  return type.ok() ? grpc::Status::OK : Tell(type.status(), response);
}

grpc::Status Service::ValidateDataSourceConfig(grpc::ServerContext*,
                                               const tfplugin5::ValidateDataSourceConfig::Request* request,
                                               tfplugin5::ValidateDataSourceConfig::Response* response) {
  const auto source = TypeOf(DataSources(), request->type_name());
  return source.ok() ? grpc::Status::OK : Tell(source.status(), response);
}

grpc::Status Service::UpgradeResourceState(grpc::ServerContext*,
                                           const tfplugin5::UpgradeResourceState::Request* request,
                                           tfplugin5::UpgradeResourceState::Response* response) {
  const auto type = TypeOf(ResourceTypes(), request->type_name());
  if (!type.ok()) return Tell(type.status(), response);
  const absl::StatusOr<Json> state = DecodeJson(request->raw_state().json());
  if (!state.ok()) return Tell(state.status(), response);
  Encode(Complete((*type)->block, *state), response->mutable_upgraded_state());
  return grpc::Status::OK;
}

grpc::Status Service::Configure(grpc::ServerContext*, const tfplugin5::Configure::Request* request,
                                tfplugin5::Configure::Response* response) {
  const absl::StatusOr<Json> config = Decode(request->config());
  if (!config.ok()) return Tell(config.status(), response);
  CloudSettings settings = {
      .region = TextOr(*config, "region", defaults_.region),
      .endpoint = TextOr(*config, "endpoint", defaults_.endpoint),
      .directory = TextOr(*config, "directory", defaults_.directory),
      .backups_directory = TextOr(*config, "backups_directory", defaults_.backups_directory),
  };
  if (settings.directory.empty()) {
    return Tell(absl::InvalidArgumentError(
                    "say where to keep what exists: the provider's `directory`, or AWS_DATA_DIRECTORY"),
                response);
  }
  if (settings.backups_directory.empty()) settings.backups_directory = settings.directory + "/backups";
  base::MutexLock lock(&mutex_);
  cloud_ = std::make_shared<const Cloud>(std::move(settings));
  return grpc::Status::OK;
}

grpc::Status Service::ReadResource(grpc::ServerContext*, const tfplugin5::ReadResource::Request* request,
                                   tfplugin5::ReadResource::Response* response) {
  response->set_private_(request->private_());
  const auto type = TypeOf(ResourceTypes(), request->type_name());
  if (!type.ok()) return Tell(type.status(), response);
  const auto cloud = ConfiguredCloud();
  if (!cloud.ok()) return Tell(cloud.status(), response);
  const absl::StatusOr<Json> state = Decode(request->current_state());
  if (!state.ok()) return Tell(state.status(), response);
  const absl::StatusOr<Json> found = (*cloud)->Read(**type, *state);
  if (!found.ok()) return Tell(found.status(), response);
  Encode(*found, response->mutable_new_state());
  return grpc::Status::OK;
}

grpc::Status Service::PlanResourceChange(grpc::ServerContext*,
                                         const tfplugin5::PlanResourceChange::Request* request,
                                         tfplugin5::PlanResourceChange::Response* response) {
  response->set_planned_private(request->prior_private());
  const auto change = ChangeOf(request->type_name(), request->prior_state(), request->proposed_new_state());
  if (!change.ok()) return Tell(change.status(), response);
  if (change->next.is_null()) {
    Encode(Json(), response->mutable_planned_state());
    return grpc::Status::OK;
  }
  const Json planned = Plan(*change->type, change->prior, change->next);
  Encode(planned, response->mutable_planned_state());
  if (!change->prior.is_null()) {
    for (const Path& path : ReplacePaths(change->type->block, change->prior, planned)) {
      FillPath(path, response->add_requires_replace());
    }
  }
  return grpc::Status::OK;
}

grpc::Status Service::ApplyResourceChange(grpc::ServerContext*,
                                          const tfplugin5::ApplyResourceChange::Request* request,
                                          tfplugin5::ApplyResourceChange::Response* response) {
  response->set_private_(request->planned_private());
  // Until it has succeeded, everything is as it was.
  *response->mutable_new_state() = request->prior_state();
  const auto change = ChangeOf(request->type_name(), request->prior_state(), request->planned_state());
  if (!change.ok()) return Tell(change.status(), response);
  const auto cloud = ConfiguredCloud();
  if (!cloud.ok()) return Tell(cloud.status(), response);
  const absl::StatusOr<Json> applied = Apply(**cloud, *change);
  if (!applied.ok()) return Tell(applied.status(), response);
  Encode(*applied, response->mutable_new_state());
  return grpc::Status::OK;
}

grpc::Status Service::ImportResourceState(grpc::ServerContext*,
                                          const tfplugin5::ImportResourceState::Request* request,
                                          tfplugin5::ImportResourceState::Response* response) {
  const auto type = TypeOf(ResourceTypes(), request->type_name());
  if (!type.ok()) return Tell(type.status(), response);
  // Terraform reads the rest, and says so itself if there is no such thing.
  tfplugin5::ImportResourceState::ImportedResource* const imported = response->add_imported_resources();
  imported->set_type_name(request->type_name());
  Encode(Complete((*type)->block, {{"id", request->id()}}), imported->mutable_state());
  return grpc::Status::OK;
}

grpc::Status Service::ReadDataSource(grpc::ServerContext*, const tfplugin5::ReadDataSource::Request* request,
                                     tfplugin5::ReadDataSource::Response* response) {
  const auto source = TypeOf(DataSources(), request->type_name());
  if (!source.ok()) return Tell(source.status(), response);
  const auto cloud = ConfiguredCloud();
  if (!cloud.ok()) return Tell(cloud.status(), response);
  const absl::StatusOr<Json> config = Decode(request->config());
  if (!config.ok()) return Tell(config.status(), response);
  const absl::StatusOr<Json> value = (*cloud)->ReadData(**source, *config);
  if (!value.ok()) return Tell(value.status(), response);
  Encode(*value, response->mutable_state());
  return grpc::Status::OK;
}

grpc::Status Service::Stop(grpc::ServerContext*, const tfplugin5::Stop::Request*,
                           tfplugin5::Stop::Response*) {
  return grpc::Status::OK;
}

}  // namespace countersign::provider
