#include "tests/provider/catalog.h"

#include <algorithm>

namespace countersign::provider {
namespace {

constexpr int kRequiredAndReplaces = kRequired | kReplaces;
constexpr int kOptionalAndReplaces = kOptional | kReplaces;
constexpr int kOptionalAndComputed = kOptional | kComputed;

// Without blocks of its own.
Block BlockOf(std::vector<AttributeSchema> attributes) {
  return {.attributes = std::move(attributes), .blocks = {}};
}

// With what every resource has.
Block WithCommon(std::vector<AttributeSchema> attributes, std::vector<NestedBlock> blocks = {}) {
  attributes.push_back({"id", kText, kComputed});
  attributes.push_back({"arn", kText, kComputed});
  attributes.push_back({"tags", kTextMap, kOptional});
  return {.attributes = std::move(attributes), .blocks = std::move(blocks)};
}

Block NetworkRule() {
  return BlockOf({{"from_port", kNumber, kRequired},
                  {"to_port", kNumber, kRequired},
                  {"protocol", kText, kRequired},
                  {"cidr_blocks", kTextList, kOptional},
                  {"description", kText, kOptional}});
}

ResourceType DbInstance() {
  const Block timeouts = BlockOf({{"create", kText}, {"update", kText}, {"delete", kText}});
  return {.name = "aws_db_instance",
          .service = "rds",
          .id_prefix = "",
          .id_attribute = "identifier",
          .block = WithCommon({{"identifier", kText, kRequiredAndReplaces},
                               {"engine", kText, kRequiredAndReplaces},
                               {"engine_version", kText, kOptionalAndComputed},
                               {"instance_class", kText},
                               {"allocated_storage", kNumber},
                               {"storage_encrypted", kBool, kOptionalAndReplaces},
                               {"kms_key_id", kText, kOptionalAndReplaces},
                               {"db_name", kText, kOptionalAndReplaces},
                               {"username", kText},
                               {"password", kText, kOptional | kSensitive},
                               {"publicly_accessible", kBool},
                               {"multi_az", kBool},
                               {"deletion_protection", kBool},
                               {"skip_final_snapshot", kBool},
                               {"final_snapshot_identifier", kText},
                               {"delete_automated_backups", kBool},
                               {"backup_retention_period", kNumber},
                               {"vpc_security_group_ids", kTextSet},
                               {"endpoint", kText, kComputed},
                               {"status", kText, kComputed}},
                              {{"timeouts", Nesting::kSingle, timeouts}}),
          .unknown_after_change = {{"instance_class", "status"}}};
}

ResourceType Instance() {
  const Block root_device = BlockOf({{"encrypted", kBool, kOptionalAndReplaces},
                                     {"volume_size", kNumber},
                                     {"volume_id", kText, kComputed}});
  const Block device = BlockOf({{"device_name", kText, kRequired}, {"volume_size", kNumber}});
  return {.name = "aws_instance",
          .service = "ec2",
          .id_prefix = "i-",
          .id_attribute = "",
          .block = WithCommon({{"ami", kText, kRequiredAndReplaces},
                               {"instance_type", kText},
                               {"subnet_id", kText, kOptionalAndReplaces},
                               {"user_data", kText},
                               {"disable_api_termination", kBool},
                               {"ipv6_addresses", kTextList},
                               {"vpc_security_group_ids", kTextSet},
                               {"private_ip", kText, kComputed},
                               {"public_ip", kText, kComputed}},
                              {{"root_block_device", Nesting::kList, root_device, 0, 1},
                               {"ebs_block_device", Nesting::kSet, device}}),
          .unknown_after_change = {{"instance_type", "public_ip"}}};
}

std::vector<ResourceType> Databases() {
  return {DbInstance(),
          {.name = "aws_db_snapshot",
           .service = "rds",
           .id_prefix = "",
           .id_attribute = "db_snapshot_identifier",
           .block = WithCommon({{"db_instance_identifier", kText, kRequiredAndReplaces},
                                {"db_snapshot_identifier", kText, kRequiredAndReplaces},
                                {"status", kText, kComputed}})}};
}

std::vector<ResourceType> Networks() {
  return {{.name = "aws_vpc",
           .service = "ec2",
           .id_prefix = "vpc-",
           .id_attribute = "",
           .block = WithCommon({{"cidr_block", kText, kRequiredAndReplaces},
                                {"enable_dns_hostnames", kBool},
                                {"main_route_table_id", kText, kComputed}})},
          {.name = "aws_subnet",
           .service = "ec2",
           .id_prefix = "subnet-",
           .id_attribute = "",
           .block = WithCommon({{"vpc_id", kText, kRequiredAndReplaces},
                                {"cidr_block", kText, kRequiredAndReplaces},
                                {"availability_zone", kText, kOptionalAndReplaces},
                                {"map_public_ip_on_launch", kBool}})},
          {.name = "aws_security_group",
           .service = "ec2",
           .id_prefix = "sg-",
           .id_attribute = "",
           .block = WithCommon(
               {{"name", kText, kRequiredAndReplaces},
                {"description", kText, kOptionalAndReplaces},
                {"vpc_id", kText, kOptionalAndReplaces}},
               {{"ingress", Nesting::kList, NetworkRule()}, {"egress", Nesting::kSet, NetworkRule()}})},
          {.name = "aws_security_group_rule",
           .service = "ec2",
           .id_prefix = "sgrule-",
           .id_attribute = "",
           .block = WithCommon({{"type", kText, kRequiredAndReplaces},
                                {"from_port", kNumber, kRequiredAndReplaces},
                                {"to_port", kNumber, kRequiredAndReplaces},
                                {"protocol", kText, kRequiredAndReplaces},
                                {"cidr_blocks", kTextList, kOptionalAndReplaces},
                                {"security_group_id", kText, kRequiredAndReplaces},
                                {"description", kText}})},
          {.name = "aws_lb",
           .service = "elasticloadbalancing",
           .id_prefix = "lb-",
           .id_attribute = "",
           .block = WithCommon(
               {{"name", kText, kRequiredAndReplaces},
                {"internal", kBool, kOptionalAndReplaces},
                {"load_balancer_type", kText, kOptionalAndReplaces},
                {"enable_deletion_protection", kBool},
                {"subnets", kTextSet},
                {"dns_name", kText, kComputed}},
               {{"access_logs", Nesting::kList,
                 BlockOf({{"bucket", kText, kRequired}, {"enabled", kBool}, {"prefix", kText}}), 0, 1}})}};
}

std::vector<ResourceType> Storage() {
  return {{.name = "aws_s3_bucket",
           .service = "s3",
           .id_prefix = "",
           .id_attribute = "bucket",
           .block = WithCommon({{"bucket", kText, kRequiredAndReplaces},
                                {"force_destroy", kBool},
                                {"bucket_domain_name", kText, kComputed}})},
          {.name = "aws_s3_bucket_versioning",
           .service = "s3",
           .id_prefix = "",
           .id_attribute = "bucket",
           .block = WithCommon({{"bucket", kText, kRequiredAndReplaces}},
                               {{"versioning_configuration", Nesting::kList,
                                 BlockOf({{"status", kText, kRequired}, {"mfa_delete", kText}}), 1, 1}})},
          {.name = "aws_kms_key",
           .service = "kms",
           .id_prefix = "key-",
           .id_attribute = "",
           .block = WithCommon({{"description", kText},
                                {"deletion_window_in_days", kNumber},
                                {"enable_key_rotation", kBool},
                                {"is_enabled", kBool}})}};
}

std::vector<ResourceType> Computing() {
  const Block setting = BlockOf({{"name", kText, kRequired}, {"value", kText, kRequired}});
  return {
      Instance(),
      {.name = "aws_ecs_cluster",
       .service = "ecs",
       .id_prefix = "cluster-",
       .id_attribute = "",
       .block = WithCommon({{"name", kText, kRequiredAndReplaces}}, {{"setting", Nesting::kSet, setting}})},
      {.name = "aws_iam_role_policy",
       .service = "iam",
       .id_prefix = "policy-",
       .id_attribute = "",
       .block = WithCommon({{"name", kText, kRequiredAndReplaces},
                            {"role", kText, kRequiredAndReplaces},
                            {"policy", kText, kRequired}})},
      {.name = "aws_iam_access_key",
       .service = "iam",
       .id_prefix = "AKIA",
       .id_attribute = "",
       .block = WithCommon({{"user", kText, kRequiredAndReplaces},
                            {"status", kText, kOptional},
                            {"secret", kText, kComputed | kSensitive}})}};
}

}  // namespace

const Block& ProviderBlock() {
  static const auto* const block = new Block(
      BlockOf({{"region", kText}, {"endpoint", kText}, {"directory", kText}, {"backups_directory", kText}}));
  return *block;
}

const std::vector<ResourceType>& ResourceTypes() {
  static const auto* const types = [] {
    auto* all = new std::vector<ResourceType>();
    for (const auto& some : {Databases(), Networks(), Storage(), Computing()}) {
      all->insert(all->end(), some.begin(), some.end());
    }
    return all;
  }();
  return *types;
}

const std::vector<ResourceType>& DataSources() {
  static const auto* const sources = new std::vector<ResourceType>{
      {.name = "aws_caller_identity",
       .service = "sts",
       .id_prefix = "",
       .id_attribute = "",
       .block = BlockOf({{"id", kText, kComputed},
                         {"account_id", kText, kComputed},
                         {"arn", kText, kComputed},
                         {"user_id", kText, kComputed}})},
      {.name = "aws_region",
       .service = "ec2",
       .id_prefix = "",
       .id_attribute = "",
       .block = BlockOf({{"id", kText, kComputed}, {"name", kText, kComputed}})},
      {.name = "aws_s3_bucket",
       .service = "s3",
       .id_prefix = "",
       .id_attribute = "bucket",
       .block = BlockOf({{"bucket", kText, kRequired},
                         {"id", kText, kComputed},
                         {"arn", kText, kComputed},
                         {"bucket_domain_name", kText, kComputed}})}};
  return *sources;
}

const ResourceType* FindType(const std::vector<ResourceType>& types, const std::string& name) {
  const auto found =
      std::find_if(types.begin(), types.end(), [&](const ResourceType& type) { return type.name == name; });
  return found == types.end() ? nullptr : &*found;
}

}  // namespace countersign::provider
