#include "core/terraform/address.h"

#include <gmock/gmock.h>

#include <string>
#include <string_view>

#include "core/text/text.h"
#include "tests/support/status_matchers.h"

namespace countersign::terraform {
namespace {

using countersign::testing::HasReason;
using countersign::testing::IsOk;
using countersign::testing::IsOkAndHolds;
using ::testing::HasSubstr;

TEST(AddressTest, TakesAllPartsApart) {
  Address address;
  address.module = R"(module.m["a"].module.inner[0])";
  address.mode = Address::Mode::kData;
  address.type = "aws_ami";
  address.name = "this";
  address.index = "k";
  EXPECT_THAT(ParseAddress(R"(module.m["a"].module.inner[0].data.aws_ami.this["k"])"), IsOkAndHolds(address));
}

TEST(AddressTest, TakesTheKeysOffModules) {
  EXPECT_EQ(ModuleKey(""), "");
  EXPECT_EQ(ModuleKey("module.m"), "m");
  EXPECT_EQ(ModuleKey(R"(module.m["a.module.b"].module.inner-1[0].module.module)"), "m.inner-1.module");
}

TEST(AddressTest, TellsTheKindsOfResourcesApart) {
  EXPECT_EQ(ParseAddress("aws_vpc.a")->mode, Address::Mode::kManaged);
  EXPECT_EQ(ParseAddress("data.aws_vpc.a")->mode, Address::Mode::kData);
  EXPECT_EQ(ParseAddress("ephemeral.vault_token.a")->mode, Address::Mode::kEphemeral);
  EXPECT_EQ(ParseAddress("action.aws_lambda_invoke.a[1]")->mode, Address::Mode::kAction);
}

TEST(AddressTest, FormatsToTheTextThatItWasReadFrom) {
  for (const std::string_view text : {
           R"(aws_vpc.a)",
           R"(aws_vpc.a[0])",
           R"(aws_vpc.a[9223372036854775807])",
           R"(aws_vpc.a["k"])",
           R"(aws_vpc.a[""])",
           R"(aws_vpc.a["odd \"key\""])",
           R"(aws_vpc.a["a.b[c]\\"])",
           R"(aws_vpc.a["\n\r\t\u0001\u007f"])",
           R"(aws_vpc.a["$${x} %%{y} $ % $x $$$${"])",
           R"(aws_vpc.a["\u200b\u202e\u00a0"])",
           R"(aws_vpc.a["\U000e0041"])",
           R"(aws_vpc.a["ключ 鍵 é 😀"])",
           R"(terraform_data.été)",
           R"(terraform_data._a-b)",
           R"(module.a.module.b.module.c.data.http.x)",
           R"(module.a["]."].aws_vpc.a)",
           R"(action.aws_lambda_invoke.a)",
           R"(module.data.data.data.data)",
       }) {
    const auto address = ParseAddress(text);
    ASSERT_THAT(address, IsOk()) << text;
    EXPECT_EQ(Format(*address), text);
  }
}

TEST(AddressTest, TakesQuotesAndEscapesOffKeys) {
  EXPECT_EQ(std::get<std::string>(*ParseAddress(R"(a.b["\"\\\n\u200b$${%%{$"])")->index),
            "\"\\\n\xe2\x80\x8b${%{$");
  EXPECT_EQ(std::get<int64_t>(*ParseAddress("a.b[12]")->index), 12);
  EXPECT_FALSE(ParseAddress("a.b")->index.has_value());
}

TEST(AddressTest, RefusesWhatTerraformDoesNotWrite) {
  for (const std::string_view text : {
           "",
           ".",
           "a",
           "a.",
           ".a",
           "a.b.",
           "a.b.c",
           "a..b",
           " a.b",
           "a.b ",
           "a b.c",
           "a.b\n",
           "1a.b",
           "a.1b",
           "-a.b",
           "data.a",
           "data.a.b.c",
           "ephemeral.a",
           "action.a",
           "module.a",
           "module.a.",
           "module.a.b",
           "module..a.b",
           "module.a[0]",
           "module.a[0]b.c",
           "module.a[].b.c",
           "module.1.b.c",
           "modul.a.b.c",
           "a.b[",
           "a.b[]",
           "a.b[0",
           "a.b[0]]",
           "a.b[0][1]",
           "a.b[00]",
           "a.b[01]",
           "a.b[-1]",
           "a.b[-0]",
           "a.b[+1]",
           "a.b[1.0]",
           "a.b[1e3]",
           "a.b[ 1]",
           "a.b[9223372036854775808]",
           "a.b[*]",
           "a.b[k]",
           "a.b['k']",
           R"(a.b["k)",
           R"(a.b["k"])"
           "x",
           R"(a.b["k")",
           R"(a.b["k"]["k"])",
           R"(a.b["a"b"])",
           // A key that has another text.
           R"(a.b["\u0041"])",
           R"(a.b["\u000a"])",
           R"(a.b["\u0022"])",
           R"(a.b["\u00e9"])",
           R"(a.b["\U00000041"])",
           R"(a.b["\u200B"])",
           R"(a.b["\/"])",
           R"(a.b["\a"])",
           R"(a.b["\u12"])",
           R"(a.b["\ud800"])",
           R"(a.b["\U00110000"])",
           R"(a.b["${x}"])",
           R"(a.b["%{x}"])",
           R"(a.b["\$${"])",
           R"(a.b["\"])",
           // What cannot be seen, as it is.
           "a.b[\"\n\"]",
           "a.b[\"\t\"]",
           "a.b[\"\x7f\"]",
           "a.b[\"\xe2\x80\x8b\"]",
           "a.b[\"\xe2\x80\xae\"]",
           "a\xe2\x80\x8b.b",
           "a.\xc2\xa0",
           // No text.
           "a.b[\"\xff\"]",
           "a.b[\"\xc0\x80\"]",
           "a.b[\"\xed\xa0\x80\"]",
           "a.\xff",
       }) {
    EXPECT_THAT(ParseAddress(text), HasReason(v1::PLAN_UNREADABLE)) << text;
  }
  EXPECT_THAT(ParseAddress(std::string_view("a.b\0", 4)), HasReason(v1::PLAN_UNREADABLE));
}

TEST(AddressTest, SaysWhereAndQuotesNothing) {
  const auto address = ParseAddress("aws_vpc.evil text", "tfplan: resource_changes[3].addr");
  EXPECT_THAT(address.status().message(), HasSubstr("tfplan: resource_changes[3].addr"));
  EXPECT_THAT(address.status().message(), HasSubstr("byte 12 of its 17"));
  EXPECT_THAT(address.status().message(), Not(HasSubstr("evil")));
}

TEST(AddressTest, IsAsLongAsTheLimitAndNoLonger) {
  Limits limits;
  limits.address_bytes = 9;
  EXPECT_THAT(ParseAddress("aws_vpc.a", "address", limits), IsOk());
  EXPECT_THAT(ParseAddress("aws_vpc.ab", "address", limits), HasReason(v1::PLAN_UNREADABLE));
  EXPECT_THAT(CheckTarget("module.ab", "address", limits), IsOk());
  EXPECT_THAT(CheckTarget("module.abc", "address", limits), HasReason(v1::PLAN_UNREADABLE));
  EXPECT_THAT(CheckNamedObject("check.abc", "check", "address", limits), IsOk());
  EXPECT_THAT(CheckNamedObject("check.abcd", "check", "address", limits), HasReason(v1::PLAN_UNREADABLE));
}

TEST(TargetTest, IsAResourceOrAModule) {
  for (const std::string_view text :
       {"aws_vpc.a", "data.aws_vpc.a[0]", "module.a", R"(module.a["k"].module.b[1])", "module.a.aws_vpc.b"}) {
    EXPECT_THAT(CheckTarget(text), IsOk()) << text;
  }
  for (const std::string_view text : {"", "a", "module", "module.", "module.a.", "module.a[", "module.a[*]",
                                      "module.a.b", "module.a module.b", "aws_vpc.a.b"}) {
    EXPECT_THAT(CheckTarget(text), HasReason(v1::PLAN_UNREADABLE)) << text;
  }
}

TEST(NamedObjectTest, IsWhatItsKeywordSays) {
  EXPECT_THAT(CheckNamedObject("output.a", "output"), IsOk());
  EXPECT_THAT(CheckNamedObject(R"(module.m["k"].var.a)", "var"), IsOk());
  for (const std::string_view text : {"", "output", "output.", "output.a.b", "output.a[0]", "check.a",
                                      "outputs.a", "module.m", "module.m.a", "output a"}) {
    EXPECT_THAT(CheckNamedObject(text, "output"), HasReason(v1::PLAN_UNREADABLE)) << text;
  }
}

TEST(ProviderAddressTest, TakesAllPartsApart) {
  const ProviderAddress address{"module.x.module.y", "registry.terraform.io/hashicorp/aws", "west"};
  const std::string_view text = R"(module.x.module.y.provider["registry.terraform.io/hashicorp/aws"].west)";
  EXPECT_THAT(ParseProviderAddress(text), IsOkAndHolds(address));
  EXPECT_EQ(Format(address), text);
}

TEST(ProviderAddressTest, FormatsToTheTextThatItWasReadFrom) {
  for (const std::string_view text : {
           R"(provider["terraform.io/builtin/terraform"])",
           R"(provider["registry.terraform.io/hashicorp/aws"].a-b_c)",
           R"(provider["localhost:8443/my-org/x_y"])",
           R"(provider["10.0.0.1/a/b"])",
           R"(module.a.provider["registry.opentofu.org/1password/onepassword"])",
       }) {
    const auto address = ParseProviderAddress(text);
    ASSERT_THAT(address, IsOk()) << text;
    EXPECT_EQ(Format(*address), text);
  }
}

TEST(ProviderAddressTest, RefusesWhatTerraformDoesNotWrite) {
  for (const std::string_view text : {
           R"()",
           R"(provider)",
           R"(provider.aws)",
           R"(provider["aws"])",
           R"(provider["hashicorp/aws"])",
           R"(provider["a/b/c/d"])",
           R"(provider["a//c"])",
           R"(provider["/b/c"])",
           R"(provider["A/b/c"])",
           R"(provider["a/b/c-"])",
           R"(provider["a/-/c"])",
           R"(provider["a..b/c/d"])",
           R"(provider["a.b./c/d"])",
           R"(provider["a:/b/c"])",
           R"(provider["a:123456/b/c"])",
           R"(provider["a:x/b/c"])",
           R"(provider["a/b/c\""])",
           R"(provider["a/b/é"])",
           R"(provider["a/b/c"].)",
           R"(provider["a/b/c"].1)",
           R"(provider["a/b/c"].x.y)",
           R"(provider["a/b/c"]x)",
           R"(provider["a/b/c")",
           R"(provider["a/b/c)",
           R"(module.a[0].provider["a/b/c"])",
           R"(module.a)",
           R"(module.a.)",
           R"(aws_vpc.a)",
           R"(provider["a/b/c"] )",
           R"( provider["a/b/c"])",
       }) {
    EXPECT_THAT(ParseProviderAddress(text), HasReason(v1::PLAN_UNREADABLE)) << text;
  }
  Limits limits;
  limits.address_bytes = 17;
  EXPECT_THAT(ParseProviderAddress(R"(provider["a/b/c"])", "address", limits), IsOk());
  EXPECT_THAT(ParseProviderAddress(R"(provider["a/b/cc"])", "address", limits),
              HasReason(v1::PLAN_UNREADABLE));
}

TEST(AddressTest, TakesLinearTimeForManyModules) {
  Limits limits;
  limits.address_bytes = 8u << 20;
  std::string text;
  while (text.size() < (4u << 20)) text += "module.a[\"\\\\\"].";
  EXPECT_THAT(ParseAddress(text + "a.b", "address", limits), IsOk());
  EXPECT_THAT(ParseAddress(text + "a.b[", "address", limits), HasReason(v1::PLAN_UNREADABLE));
}

}  // namespace
}  // namespace countersign::terraform
