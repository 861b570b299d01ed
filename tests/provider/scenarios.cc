#include "tests/provider/scenarios.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace countersign::provider {
namespace {

// A database, a network, a bucket and a machine: what most scenarios change.
constexpr char kSite[] = R"(
resource "aws_vpc" "main" {
  cidr_block = "10.0.0.0/16"
  tags       = { Name = "main", Owner = "web" }
}
resource "aws_db_instance" "courses" {
  identifier              = "courses"
  engine                  = "postgres"
  allocated_storage       = 20
  password                = "hunter2-secret"
  skip_final_snapshot     = true
  backup_retention_period = 7
}
resource "aws_s3_bucket" "files" {
  bucket = "files"
}
resource "aws_instance" "web" {
  ami           = "ami-1"
  instance_type = "t3.micro"
  root_block_device {
    encrypted   = true
    volume_size = 8
  }
}
output "bucket" { value = aws_s3_bucket.files.arn }
)";

constexpr char kOneVpc[] = R"(resource "aws_vpc" "a" { cidr_block = "10.0.0.0/16" })";

std::vector<Scenario> Basics() {
  return {
      {"nothing at all", {Main("locals { a = 1 }"), Plan("no resources")}},
      {"planned twice",
       {Main(kSite), Plan("create"), Plan("create again"), Apply(), Plan("no changes"),
        Plan("no changes again"), Main("# empty"), Plan("delete"), Plan("delete again"), Main(kSite),
        Plan("replace", {"-replace=aws_vpc.main"}), Plan("replace again", {"-replace=aws_vpc.main"})}},
      {"life",
       {Main(kSite), Plan("create"), Apply(), Plan("no changes"), Plan("destroy", {"-destroy"}),
        Main(absl::StrCat(kSite, "resource \"aws_kms_key\" \"k\" {}\n")), Plan("one more"), Main("# empty"),
        Plan("all gone from the configuration"), Apply({"-destroy"}), Plan("nothing left")}},
      {"update",
       {Main(kSite), Apply(), Main(R"(
resource "aws_vpc" "main" {
  cidr_block           = "10.0.0.0/16"
  enable_dns_hostnames = true
  tags                 = { Name = "renamed", Team = "web" }
}
resource "aws_db_instance" "courses" {
  identifier               = "courses"
  engine                   = "postgres"
  allocated_storage        = 999
  password                 = "another-secret"
  deletion_protection      = false
  skip_final_snapshot      = true
  delete_automated_backups = true
  backup_retention_period  = 0
}
resource "aws_instance" "web" {
  ami           = "ami-1"
  instance_type = "m7.large"
  root_block_device {
    encrypted   = true
    volume_size = 16
  }
}
output "bucket" { value = "none" }
output "ip" { value = aws_instance.web.public_ip }
)"),
        Plan("in place"), Apply(), Plan("done")}},
      {"the incident",
       {Main(absl::StrCat(kSite, R"(
resource "aws_db_snapshot" "nightly" {
  db_instance_identifier = aws_db_instance.courses.identifier
  db_snapshot_identifier = "nightly"
}
resource "aws_ecs_cluster" "main" {
  name = "main"
  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}
resource "aws_lb" "main" { name = "main" }
)")),
        Apply(), Plan("destroy", {"-destroy"}),
        Run({"state", "rm", "aws_vpc.main", "aws_db_instance.courses"}),
        RemoveRow("aws_db_instance", "courses"), Plan("half of the state"), Remove("terraform.tfstate"),
        Plan("no state")}},
      {"json configuration",
       {Write("main.tf.json", R"({"resource": {"aws_vpc": {"a": {"cidr_block": "10.0.0.0/16",
                                "tags": {"Name": "${terraform.workspace}"}}}}})"),
        Plan("create")}},
      {"many",
       {Main(R"(
resource "aws_subnet" "all" {
  count      = 300
  vpc_id     = "vpc-1"
  cidr_block = "10.0.${count.index}.0/24"
}
)"),
        Apply(), Plan("no changes"), Plan("destroy", {"-destroy"})}},
  };
}

std::vector<Scenario> Replacements() {
  const auto database = [](absl::string_view identifier, absl::string_view more) {
    return Main(absl::StrCat("resource \"aws_db_instance\" \"a\" {\n  identifier = \"", identifier,
                             "\"\n  engine = \"postgres\"\n  password = \"hunter2-secret\"\n",
                             "  skip_final_snapshot = true\n", more, "\n}\n"));
  };
  constexpr char kCreateFirst[] = "  lifecycle {\n    create_before_destroy = true\n  }\n";
  return {
      {"replace, delete first",
       {database("one", ""), Apply(), database("two", "storage_encrypted = true"), Plan("replace")}},
      {"replace, create first",
       {database("one", kCreateFirst), Apply(), database("two", kCreateFirst), Plan("replace"), Apply(),
        Plan("done")}},
      {"replace inside a block",
       {Main(kSite), Apply(), Main(R"(
resource "aws_instance" "web" {
  ami           = "ami-1"
  instance_type = "t3.micro"
  root_block_device {
    encrypted   = false
    volume_size = 9
  }
}
)"),
        Plan("replace")}},
      {"replace on request",
       {Main(kSite), Apply(), Plan("replace", {"-replace=aws_instance.web", "-replace=aws_vpc.main"}),
        Run({"taint", "aws_db_instance.courses"}), Plan("tainted"),
        Run({"untaint", "aws_db_instance.courses"}), Plan("untainted")}},
      {"replace by triggers",
       {Main(R"(
resource "terraform_data" "revision" { input = 1 }
resource "aws_instance" "web" {
  ami = "ami-1"
  lifecycle { replace_triggered_by = [terraform_data.revision] }
}
resource "terraform_data" "other" {
  triggers_replace = { a = [1, "x", null, true] }
}
)"),
        Apply(), Main(R"(
resource "terraform_data" "revision" { input = 2 }
resource "aws_instance" "web" {
  ami = "ami-1"
  lifecycle { replace_triggered_by = [terraform_data.revision] }
}
resource "terraform_data" "other" {
  triggers_replace = { a = [1, "y", null, true] }
}
)"),
        Plan("replace")}},
      {"replace what others stand on",
       {Main(R"(
resource "aws_vpc" "a" { cidr_block = "10.0.0.0/16" }
resource "aws_subnet" "a" {
  vpc_id     = aws_vpc.a.id
  cidr_block = "10.0.1.0/24"
}
output "vpc" { value = aws_vpc.a.id }
)"),
        Apply(), Main(R"(
resource "aws_vpc" "a" { cidr_block = "10.1.0.0/16" }
resource "aws_subnet" "a" {
  vpc_id     = aws_vpc.a.id
  cidr_block = "10.0.1.0/24"
}
output "vpc" { value = aws_vpc.a.id }
)"),
        Plan("replace")}},
      // The old one is protected, so the replacement leaves it behind.
      {"deposed",
       {database("one", absl::StrCat("deletion_protection = true\n", kCreateFirst)), Apply(),
        database("two", kCreateFirst), ApplyFails(), Plan("left behind"), Plan("destroy", {"-destroy"}),
        database("two", absl::StrCat("allocated_storage = 5\n", kCreateFirst)), Plan("and an update"),
        EditRow("aws_db_instance", "one", R"({"allocated_storage": 77})"), Plan("drifted"),
        Plan("refresh only", {"-refresh-only"}), RemoveRow("aws_db_instance", "one"), Plan("gone")}},
      // A provisioner that fails leaves a tainted object.
      {"tainted by a provisioner",
       {Main(R"(
resource "aws_instance" "web" {
  ami = "ami-1"
  provisioner "local-exec" { command = "exit 1" }
}
)"),
        ApplyFails(), Plan("replace")}},
  };
}

std::vector<Scenario> Moves() {
  constexpr char kRenamed[] = R"(
resource "aws_vpc" "b" { cidr_block = "10.0.0.0/16" }
moved {
  from = aws_vpc.a
  to   = aws_vpc.b
}
)";
  return {
      {"moved",
       {Main(kOneVpc), Apply(), Main(kRenamed), Plan("renamed"), Plan("refresh only", {"-refresh-only"}),
        Main(R"(
resource "aws_vpc" "b" {
  cidr_block           = "10.0.0.0/16"
  enable_dns_hostnames = true
}
moved {
  from = aws_vpc.a
  to   = aws_vpc.b
}
)"),
        Plan("and updated"), Main(R"(
resource "aws_vpc" "b" { cidr_block = "10.9.0.0/16" }
moved {
  from = aws_vpc.a
  to   = aws_vpc.b
}
)"),
        Plan("and replaced"), Main("moved {\n  from = aws_vpc.a\n  to = aws_vpc.b\n}\n"),
        Plan("to nowhere")}},
      {"moved into a module",
       {Main(kOneVpc), Apply(), Write("net/main.tf", kOneVpc), Main(R"(
module "net" {
  source   = "./net"
  for_each = toset(["eu", "us"])
}
moved {
  from = aws_vpc.a
  to   = module.net["eu"].aws_vpc.a
}
)"),
        Plan("into one instance")}},
      {"moved from count to each",
       {Main(R"(
resource "aws_vpc" "a" {
  count      = 2
  cidr_block = "10.${count.index}.0.0/16"
}
)"),
        Apply(), Main(R"(
resource "aws_vpc" "a" {
  for_each   = { x = 0, y = 1 }
  cidr_block = "10.${each.value}.0.0/16"
}
moved {
  from = aws_vpc.a[0]
  to   = aws_vpc.a["x"]
}
)"),
        Plan("one of two")}},
      {"removed",
       {Main(kSite), Apply(),
        Main("removed {\n  from = aws_db_instance.courses\n  lifecycle {\n    destroy = false\n  }\n}\n"
             "removed {\n  from = aws_vpc.main\n  lifecycle {\n    destroy = true\n  }\n}\n"),
        Plan("forget one"), Apply(), Plan("done")}},
      {"import",
       {Main(kSite), Apply(),
        Run({"state", "rm", "aws_vpc.main", "aws_db_instance.courses", "aws_instance.web"}),
        Main(absl::StrCat(kSite, R"(
import {
  to = aws_vpc.main
  id = "vpc-0000000000000001"
}
import {
  to = aws_db_instance.courses
  id = "courses"
}
)")),
        Plan("as it is"), Main(R"(
resource "aws_vpc" "main" {
  cidr_block = "10.0.0.0/16"
  tags       = { Name = "other" }
}
resource "aws_db_instance" "courses" {
  identifier = "courses"
  engine     = "mysql"
}
import {
  to = aws_vpc.main
  id = "vpc-0000000000000001"
}
import {
  to = aws_db_instance.courses
  id = "courses"
}
)"),
        Plan("and change"), Main(R"(
import {
  to = aws_vpc.main
  id = "vpc-0000000000000001"
}
)"),
        Plan("generated configuration", {"-generate-config-out=generated.tf"}), Remove("generated.tf"),
        Main(kOneVpc), Run({"import", "-input=false", "aws_vpc.a", "vpc-0000000000000001"}),
        Plan("by command")}},
  };
}

std::vector<Scenario> Drift() {
  return {
      {"drift",
       {Main(kSite), Apply(),
        EditRow("aws_db_instance", "courses", R"({"allocated_storage": 5, "password": "x"})"),
        EditRow("aws_vpc", "vpc-0000000000000001", R"({"tags": {"Name": null, "Evil": "yes"}})"),
        RemoveRow("aws_s3_bucket", "files"), Plan("normal"), Plan("refresh only", {"-refresh-only"}),
        Plan("destroy", {"-destroy"}), Plan("not refreshed", {"-refresh=false"}),
        Plan("destroy without refresh", {"-destroy", "-refresh=false"}),
        Plan("target", {"-target=aws_db_instance.courses"}), Apply({"-refresh-only"}), Plan("taken over")}},
      {"no drift", {Main(kSite), Apply(), Plan("refresh only", {"-refresh-only"})}},
      {"ignored changes",
       {Main("resource \"aws_vpc\" \"a\" {\n  cidr_block = \"10.0.0.0/16\"\n  tags = { A = \"1\" }\n"
             "  lifecycle {\n    ignore_changes = [tags]\n  }\n}\n"),
        Apply(), EditRow("aws_vpc", "vpc-0000000000000001", R"({"tags": {"A": "2"}})"),
        Plan("drift of tags")}},
      {"everything is gone",
       {Main(kSite), Apply(), RemoveRow("aws_s3_bucket", "files"), RemoveRow("aws_db_instance", "courses"),
        RemoveRow("aws_vpc", "vpc-0000000000000001"), Plan("normal"), Plan("refresh only", {"-refresh-only"}),
        Plan("destroy", {"-destroy"})}},
      {"drift that changes an output",
       {Main(R"(
resource "aws_lb" "a" { name = "a" }
output "name" { value = aws_lb.a.dns_name }
)"),
        Apply(), EditRow("aws_lb", "lb-0000000000000001", R"({"dns_name": "elsewhere"})"), Plan("normal"),
        Plan("refresh only", {"-refresh-only"})}},
      {"moved and drifted",
       {Main(kOneVpc), Apply(),
        EditRow("aws_vpc", "vpc-0000000000000001", R"({"enable_dns_hostnames": true})"),
        Main("resource \"aws_vpc\" \"b\" {\n  cidr_block = \"10.0.0.0/16\"\n}\n"
             "moved {\n  from = aws_vpc.a\n  to = aws_vpc.b\n}\n"),
        Plan("normal"), Plan("refresh only", {"-refresh-only"})}},
  };
}

std::vector<Scenario> Selections() {
  return {
      {"target",
       {Main(kSite), Plan("create one", {"-target=aws_vpc.main"}), Apply(), Main("# empty"),
        Plan("delete one", {"-target=aws_db_instance.courses"}),
        Plan("destroy one", {"-destroy", "-target=aws_db_instance.courses", "-target=aws_vpc.main"}),
        Main(kSite), Plan("replace one", {"-target=aws_instance.web", "-replace=aws_instance.web"}),
        Plan("nothing of it", {"-target=aws_instance.none"})}},
      {"target a module",
       {Write("net/main.tf", kOneVpc), Main(R"(
module "net" {
  source = "./net"
  count  = 2
}
resource "aws_kms_key" "k" {}
)"),
        Plan("one instance", {"-target=module.net[1]"}), Plan("all instances", {"-target=module.net"})}},
      {"workspace",
       {Main(kOneVpc), Run({"workspace", "new", "staging"}), Plan("create"), Apply(), Plan("no changes")}},
      {"local backend",
       {Main(absl::StrCat("terraform {\n  backend \"local\" {\n    path = \"elsewhere.tfstate\"\n"
                          "  }\n}\n",
                          kOneVpc)),
        Apply(), Plan("destroy", {"-destroy"})}},
      {"another state file",
       {Main(kOneVpc), Apply(), Apply({"-state=other.tfstate"}),
        Plan("destroy", {"-destroy", "-state=other.tfstate"})}},
  };
}

std::vector<Scenario> Instances() {
  constexpr char kOddKeys[] = R"(
resource "aws_vpc" "odd" {
  for_each   = toset(["a b", "ä", "x\"y", "$${no}", "%%{no}", "back\\slash", "new\nline", "dot.ted[0]", "", "日本"])
  cidr_block = each.key
}
)";
  constexpr char kNetwork[] = R"(
variable "name" { type = string }
resource "aws_vpc" "this" {
  cidr_block = "10.0.0.0/16"
  tags       = { Name = var.name }
}
module "inner" {
  source = "./inner"
  count  = 2
  vpc_id = aws_vpc.this.id
}
output "id" { value = aws_vpc.this.id }
)";
  constexpr char kInner[] = R"(
variable "vpc_id" { type = string }
resource "aws_subnet" "this" {
  for_each   = { a = "10.0.1.0/24", "b.c" = "10.0.2.0/24" }
  vpc_id     = var.vpc_id
  cidr_block = each.value
}
data "aws_region" "here" {}
)";
  const auto modules = [](absl::string_view keys) {
    return Main(absl::StrCat("module \"net\" {\n  source = \"./net\"\n  for_each = toset([", keys,
                             "])\n  name = each.key\n}\n",
                             "output \"ids\" { value = { for k, n in module.net : k => n.id } }\n"));
  };
  return {
      {"odd keys",
       {Main(kOddKeys), Plan("create"), Apply(), Plan("no changes"),
        Plan("replace", {R"(-replace=aws_vpc.odd["x\"y"])"}),
        Plan("target", {R"(-target=aws_vpc.odd["a b"])"}),
        Main("resource \"aws_vpc\" \"odd\" {\n  for_each = toset([\"a b\", \"new\"])\n  cidr_block = "
             "each.key\n}\n"),
        Plan("fewer keys"), Main("resource \"aws_vpc\" \"odd\" {\n  cidr_block = \"single\"\n}\n"),
        Plan("no keys")}},
      {"count",
       {Main("resource \"aws_vpc\" \"a\" {\n  count = 3\n  cidr_block = \"10.${count.index}.0.0/16\"\n}\n"),
        Apply(),
        Main("resource \"aws_vpc\" \"a\" {\n  count = 1\n  cidr_block = \"10.${count.index}.0.0/16\"\n}\n"),
        Plan("fewer"), Main("resource \"aws_vpc\" \"a\" {\n  count = 0\n  cidr_block = \"10.0.0.0/16\"\n}\n"),
        Plan("none"), Main("resource \"aws_vpc\" \"a\" {\n  cidr_block = \"10.0.0.0/16\"\n}\n"),
        Plan("no count")}},
      {"modules",
       {Write("net/main.tf", kNetwork), Write("net/inner/main.tf", kInner), modules(R"("eu", "us west")"),
        Plan("create"), Apply(), Plan("no changes"), modules(R"("eu", "asia")"), Plan("another instance"),
        Main("# empty"), Plan("no module")}},
      {"providers with aliases",
       {Write("net/main.tf", R"(
terraform {
  required_providers {
    aws = {
      source                = "hashicorp/aws"
      configuration_aliases = [aws.far]
    }
  }
}
resource "aws_vpc" "near" { cidr_block = "10.0.0.0/16" }
resource "aws_vpc" "far" {
  provider   = aws.far
  cidr_block = "10.1.0.0/16"
}
)"),
        Main(R"(
terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}
provider "aws" { region = "eu-west-1" }
provider "aws" {
  alias  = "far"
  region = "us-east-1"
}
module "net" {
  source    = "./net"
  providers = { aws = aws, aws.far = aws.far }
}
resource "aws_kms_key" "far" { provider = aws.far }
)"),
        Plan("create"), Apply(), Plan("destroy", {"-destroy"})}},
  };
}

std::vector<Scenario> Values() {
  return {
      {"sensitive",
       {Main(R"(
variable "secret" {
  type      = string
  sensitive = true
  default   = "var-secret"
}
resource "aws_iam_access_key" "robot" { user = "robot" }
resource "aws_instance" "web" {
  ami       = "ami-1"
  user_data = var.secret
  tags      = { Plain = "shown", Hidden = var.secret }
  ebs_block_device { device_name = var.secret }
}
resource "terraform_data" "holder" { input = { key = aws_iam_access_key.robot.secret, plain = 1 } }
output "key" {
  value     = aws_iam_access_key.robot.secret
  sensitive = true
}
output "list" {
  value     = [var.secret, "b"]
  sensitive = true
}
)"),
        Plan("create"), Apply(), Plan("no changes"), Plan("other value", {"-var", "secret=changed"}),
        Plan("destroy", {"-destroy"}),
        Plan("replace", {"-replace=aws_iam_access_key.robot", "-replace=aws_instance.web"}), Main(R"(
variable "secret" {
  type    = string
  default = "var-secret"
}
resource "aws_iam_access_key" "robot" { user = "robot" }
resource "aws_instance" "web" {
  ami       = "ami-1"
  user_data = var.secret
  tags      = { Plain = sensitive("shown"), Hidden = var.secret }
  ebs_block_device { device_name = var.secret }
}
)"),
        Plan("no longer sensitive")}},
      {"unknown",
       {Main(R"(
resource "terraform_data" "source" { input = "a" }
resource "aws_vpc" "map" {
  cidr_block = "10.0.0.0/16"
  tags       = { Known = "yes", Later = terraform_data.source.id }
}
resource "aws_vpc" "whole" {
  cidr_block = terraform_data.source.id
  tags       = { for k in [terraform_data.source.id] : k => k }
}
resource "aws_instance" "web" {
  ami                    = "ami-${terraform_data.source.id}"
  ipv6_addresses         = ["::1", terraform_data.source.id]
  vpc_security_group_ids = ["sg-1", terraform_data.source.id]
  root_block_device { volume_size = length(terraform_data.source.id) }
  ebs_block_device { device_name = terraform_data.source.id }
}
resource "terraform_data" "sink" { input = { a = [terraform_data.source.id, 1], b = null } }
output "later" { value = terraform_data.source.id }
output "partly" { value = { a = 1, b = [terraform_data.source.id] } }
)"),
        Plan("create"), Apply(), Plan("no changes"), Plan("replace", {"-replace=terraform_data.source"})}},
      {"numbers",
       {Main(R"(
resource "aws_db_instance" "a" {
  identifier              = "a"
  engine                  = "postgres"
  allocated_storage       = 123456789012345678901234567890
  backup_retention_period = 0.1
}
resource "aws_db_instance" "b" {
  identifier              = "b"
  engine                  = "postgres"
  allocated_storage       = 9007199254740993
  backup_retention_period = -1e300
}
resource "aws_instance" "c" {
  ami = "ami-1"
  root_block_device { volume_size = 18446744073709551615 }
}
resource "terraform_data" "n" {
  input = [0, -1, 1.5, 0.1, 1e300, 1e-7, 123456789012345678901234567890, 9007199254740993, 9223372036854775808,
    18446744073709551615, 18446744073709551616, -9223372036854775809, 123456789.123456789123456789]
}
output "n" { value = [0.1, 1e300, 123456789012345678901234567890] }
)"),
        Plan("create"), Apply(), Plan("no changes"), Main(R"(
resource "aws_db_instance" "a" {
  identifier              = "a"
  engine                  = "postgres"
  allocated_storage       = 123456789012345678901234567891
  backup_retention_period = 0.2
}
resource "terraform_data" "n" { input = [0.30000000000000004, 1e21, 100000000000000000000] }
output "n" { value = 9007199254740993 }
)"),
        Plan("update"), Plan("destroy", {"-destroy"})}},
      {"kinds of values",
       {Main(R"(
resource "terraform_data" "any" {
  input            = { text = "a", none = null, yes = true, list = [1, "two", [3]], map = tomap({ a = "b" }), empty = {}, nothing = [] }
  triggers_replace = ["x"]
}
resource "terraform_data" "set" { input = toset(["b", "a"]) }
resource "terraform_data" "null" { input = null }
resource "terraform_data" "text" { input = "plain" }
)"),
        Plan("create"), Apply(), Plan("no changes"), Main(R"(
resource "terraform_data" "any" {
  input            = { text = ["a"], yes = false, list = [1, "2"], map = tomap({ a = "c", d = "e" }), empty = null, nothing = {} }
  triggers_replace = ["x"]
}
resource "terraform_data" "set" { input = toset(["b", "c"]) }
resource "terraform_data" "null" { input = "now" }
resource "terraform_data" "text" { input = 5 }
)"),
        Plan("update"), Apply(), Plan("done")}},
      {"texts",
       {Main(R"(
resource "aws_instance" "a" {
  ami       = "ami-1"
  user_data = "line\nline\ttab \u202e \u200b \u0007 \u001b[31m é 日本 \U0001F600 <html> & '\" \\"
  tags      = { "key with \"quotes\"" = "v", "k.dot" = "v", "" = "empty", "ä" = "" }
}
resource "aws_instance" "long" {
  ami       = "ami-1"
  user_data = join("", [for i in range(1000) : "0123456789abcdefghij"])
}
)"),
        Plan("create"), Apply(), Main(R"(
resource "aws_instance" "a" {
  ami       = "ami-1"
  user_data = "other \u2028 \u0000x"
  tags      = { "key with \"quotes\"" = "w", "ä" = "é" }
}
resource "aws_instance" "long" {
  ami       = "ami-1"
  user_data = join("", [for i in range(1000) : "9876543210abcdefghij"])
}
)"),
        Plan("update")}},
      {"blocks and sets",
       {Main(R"(
resource "aws_security_group" "a" {
  name = "a"
  ingress {
    from_port   = 22
    to_port     = 22
    protocol    = "tcp"
    cidr_blocks = ["10.0.0.0/8"]
  }
  ingress {
    from_port = 443
    to_port   = 443
    protocol  = "tcp"
  }
  egress {
    from_port   = 0
    to_port     = 0
    protocol    = "-1"
    cidr_blocks = ["0.0.0.0/0"]
  }
}
resource "aws_lb" "a" {
  name    = "a"
  subnets = ["s-2", "s-1", "s-3"]
  access_logs { bucket = "logs" }
}
resource "aws_s3_bucket_versioning" "a" {
  bucket = "a"
  versioning_configuration { status = "Enabled" }
}
resource "aws_db_instance" "a" {
  identifier = "a"
  engine     = "postgres"
  timeouts { create = "1h" }
}
)"),
        Plan("create"), Apply(), Plan("no changes"), Main(R"(
resource "aws_security_group" "a" {
  name = "a"
  ingress {
    from_port   = 22
    to_port     = 22
    protocol    = "tcp"
    cidr_blocks = ["10.0.0.0/8", "0.0.0.0/0"]
  }
  egress {
    from_port = 0
    to_port   = 0
    protocol  = "udp"
  }
  egress {
    from_port = 1
    to_port   = 1
    protocol  = "udp"
  }
}
resource "aws_lb" "a" {
  name    = "a"
  subnets = ["s-0", "s-3"]
}
resource "aws_s3_bucket_versioning" "a" {
  bucket = "a"
  versioning_configuration { status = "Suspended" }
}
resource "aws_db_instance" "a" {
  identifier = "a"
  engine     = "postgres"
}
)"),
        Plan("update"), Apply(), Plan("done")}},
      {"outputs",
       {Main(R"(
output "same" { value = "same" }
output "changed" { value = ["a", { b = 1 }] }
output "gone" { value = null }
output "was_there" { value = 1 }
)"),
        Plan("create"), Apply(), Plan("no changes"), Main(R"(
output "same" { value = "same" }
output "changed" { value = ["a", { b = 2 }, "c"] }
output "gone" { value = "here" }
output "new" {
  value     = "secret"
  sensitive = true
}
)"),
        Plan("change"), Plan("destroy", {"-destroy"})}},
  };
}

std::vector<Scenario> Reads() {
  return {
      {"data sources",
       {Main(R"(
data "aws_caller_identity" "me" {}
resource "aws_s3_bucket" "a" { bucket = "a-${data.aws_caller_identity.me.account_id}" }
data "aws_s3_bucket" "by_name" { bucket = aws_s3_bucket.a.id }
data "aws_region" "after" { depends_on = [aws_s3_bucket.a] }
output "arn" { value = data.aws_s3_bucket.by_name.arn }
)"),
        Plan("create"), Apply(), Plan("no changes"), Plan("destroy", {"-destroy"}),
        Plan("not refreshed", {"-refresh=false"}), Main("# empty"), Plan("gone")}},
      {"remote state",
       {Main("output \"secret\" { value = \"from-afar\" }"), Apply(), Run({"state", "pull"}), Main(R"(
data "terraform_remote_state" "other" {
  backend = "local"
  config  = { path = "terraform.tfstate" }
}
resource "terraform_data" "a" { input = data.terraform_remote_state.other.outputs.secret }
)"),
        Plan("create")}},
  };
}

std::vector<Scenario> Checks() {
  return {
      {"checks",
       {Main(R"(
variable "size" {
  type    = number
  default = 1
  validation {
    condition     = var.size < 100
    error_message = "Too large."
  }
}
resource "aws_vpc" "a" {
  count      = 2
  cidr_block = "10.${count.index}.0.0/16"
  lifecycle {
    precondition {
      condition     = var.size > 0
      error_message = "Too small."
    }
    postcondition {
      condition     = self.main_route_table_id != ""
      error_message = "No table."
    }
  }
}
check "passes" {
  assert {
    condition     = var.size == 1
    error_message = "Not one."
  }
}
check "fails" {
  assert {
    condition     = var.size == 2
    error_message = "Not two but ${var.size}."
  }
  assert {
    condition     = var.size == 3
    error_message = "Not three."
  }
}
check "unknown" {
  data "aws_s3_bucket" "missing" { bucket = "missing" }
  assert {
    condition     = aws_vpc.a[0].id != data.aws_s3_bucket.missing.id
    error_message = "Odd."
  }
}
output "o" {
  value = 1
  precondition {
    condition     = var.size > 0
    error_message = "Too small."
  }
}
)"),
        Plan("create"), Apply(), Plan("no changes"), Plan("destroy", {"-destroy"}),
        PlanFails("precondition fails", {"-var", "size=0"})}},
      {"checks in modules",
       {Write("m/main.tf", R"(
variable "n" { type = number }
resource "terraform_data" "a" {
  input = var.n
  lifecycle {
    postcondition {
      condition     = self.input == 1
      error_message = "Not one."
    }
  }
}
check "odd" {
  assert {
    condition     = var.n == 2
    error_message = "It is ${var.n}."
  }
}
)"),
        Main(R"(
module "m" {
  source   = "./m"
  for_each = { "a b" = 1, "c" = 1 }
  n        = each.value
}
)"),
        Plan("create"), Apply(), Plan("no changes")}},
      {"errors",
       {Main(absl::StrCat(kSite, R"(
data "aws_s3_bucket" "missing" { bucket = "missing" }
)")),
        PlanFails("a read fails"), Main(kSite), Apply(), Main(absl::StrCat(kSite, R"(
resource "aws_vpc" "guarded" {
  cidr_block = "10.0.0.0/16"
  lifecycle {
    precondition {
      condition     = aws_vpc.main.cidr_block == ""
      error_message = "Never."
    }
  }
}
)")),
        PlanFails("a precondition fails")}},
  };
}

std::vector<Scenario> Code() {
  return {
      {"ephemeral",
       {Write("m/main.tf", R"(
variable "token" {
  type      = string
  ephemeral = true
}
output "token" {
  value     = "derived-${var.token}"
  ephemeral = true
}
)"),
        Main(R"(
variable "token" {
  type      = string
  ephemeral = true
  default   = null
}
variable "given" {
  type    = string
  default = "plain"
}
locals { region = var.token == null ? "eu-west-1" : "eu-west-2" }
provider "aws" { region = local.region }
module "m" {
  source = "./m"
  token  = "t-${coalesce(var.token, "none")}"
}
resource "aws_vpc" "a" {
  cidr_block = "10.0.0.0/16"
  tags       = { Given = var.given }
}
)"),
        Plan("not given"), Plan("given", {"-var", "token=very-secret", "-var", "given=x"}),
        Apply({"-var", "token=very-secret"}), Plan("again", {"-var", "token=very-secret"})}},
      {"variables",
       {Write("terraform.tfvars", "list = [\"a\", \"b\"]\nobject = { n = 1, s = \"x\" }\n"), Main(R"(
variable "list" { type = list(string) }
variable "object" { type = object({ n = number, s = optional(string, "d"), t = optional(bool) }) }
variable "any" { default = null }
resource "terraform_data" "a" { input = [var.list, var.object, var.any] }
)"),
        Plan("from a file"), Plan("from arguments", {"-var", "any={\"k\":[1,true,null]}"})}},
      {"provisioner",
       {Main(R"(
resource "aws_instance" "web" {
  ami = "ami-1"
  connection { host = self.private_ip }
  provisioner "local-exec" { command = "true" }
  provisioner "local-exec" {
    when    = destroy
    command = "true"
  }
}
)"),
        Plan("create"), Apply(), Plan("destroy", {"-destroy"})}},
      {"prevent destroy",
       {Main("resource \"aws_vpc\" \"a\" {\n  cidr_block = \"10.0.0.0/16\"\n  lifecycle {\n    "
             "prevent_destroy = true\n"
             "  }\n}\n"),
        Apply(), Plan("no changes"), PlanFails("destroy", {"-destroy"})}},
  };
}

}  // namespace

const std::vector<Scenario>& Scenarios() {
  static const auto* const scenarios = [] {
    auto* const all = new std::vector<Scenario>();
    for (auto&& some : {Basics(), Replacements(), Moves(), Drift(), Selections(), Instances(), Values(),
                        Reads(), Checks(), Code()}) {
      all->insert(all->end(), some.begin(), some.end());
    }
    return all;
  }();
  return *scenarios;
}

}  // namespace countersign::provider
