#include "core/terraform/state_file.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "core/digest/digest.h"
#include "core/terraform/msgpack.h"
#include "core/terraform/plan_file.h"
#include "core/terraform/strict_zip.h"
#include "core/text/text.h"
#include "tests/support/status_matchers.h"

namespace countersign::terraform {
namespace {

using countersign::testing::HasReason;
using countersign::testing::IsOk;
using countersign::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;
using ::testing::UnorderedElementsAreArray;

std::string ReadFile(const std::string& name) {
  std::ifstream file(name, std::ios::binary);
  EXPECT_TRUE(file.good()) << name;
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string PlanFile(std::string_view name) {
  return ReadFile(text::Concat(COUNTERSIGN_TEST_PLANS, "/", name));
}

std::string StatesFile(std::string_view name) {
  return ReadFile(text::Concat(COUNTERSIGN_TEST_PLANS, "/../states/", name));
}

// A state and what its values live in.
struct Read {
  std::unique_ptr<ValueArena> arena;
  absl::StatusOr<StateFile> state;

  const StateFile& operator*() const { return *state; }
  const StateFile* operator->() const { return &*state; }
  const absl::Status& status() const { return state.status(); }
};

// For the matchers.
const absl::Status& StatusIn(const Read& read) { return read.status(); }

Read ReadPieces(std::string_view text, size_t piece_bytes, const Limits& limits = Limits()) {
  auto arena = std::make_unique<ValueArena>(limits);
  const NextChunk next = [&text, piece_bytes]() -> absl::StatusOr<std::string_view> {
    const std::string_view piece = text.substr(0, piece_bytes);
    text.remove_prefix(piece.size());
    return piece;
  };
  auto state = ReadState(next, arena.get(), limits, "tfstate");
  return {std::move(arena), std::move(state)};
}

Read ReadText(std::string_view text, const Limits& limits = Limits()) {
  return ReadPieces(text, std::max<size_t>(text.size(), 1), limits);
}

std::string EntryOf(std::string_view plan, std::string_view entry) {
  const std::string bytes = PlanFile(plan);
  const auto zip = StrictZip::Open(bytes, Limits());
  EXPECT_OK(zip);
  const StrictZip::Entry* const found = zip->Find(entry);
  EXPECT_NE(found, nullptr);
  const auto content = zip->Read(*found);
  EXPECT_OK(content);
  return *content;
}

std::string Json(const Value& value) {
  std::string text;
  WriteJson(value, &text);
  return text;
}

// Everything that is known of a state, to compare.
std::string Summary(const StateFile& state) {
  std::string text = absl::StrCat(state.terraform_version, " ", state.lineage, " ", state.serial, " ",
                                  state.managed_objects, " ", state.digest, "\n");
  for (const auto& [name, output] : state.outputs) {
    absl::StrAppend(&text, name, " = ", Json(output.value), output.sensitive ? " sensitive" : "", "\n");
  }
  for (const StateObject& object : state.objects) {
    text += text::Concat(object.address, " ", object.deposed, " ", object.module, " ", object.type, " ",
                         object.name, " ", object.provider, " ", Json(object.index), " ",
                         Json(object.attributes), object.managed ? " managed" : "",
                         object.tainted ? " tainted" : "", object.create_before_destroy ? " first" : "", " ",
                         object.schema_version, " ", object.dependencies);
    for (const Path& path : object.sensitive_paths) text += text::Concat(" ", ToText(path));
    text += "\n";
  }
  return text;
}

std::vector<std::string> AddressesOf(const StateFile& state) {
  std::vector<std::string> addresses;
  for (const StateObject& object : state.objects) {
    if (object.deposed.empty()) addresses.emplace_back(object.address);
  }
  return addresses;
}

std::vector<std::string> PathsOf(const StateObject& object) {
  std::vector<std::string> paths;
  for (const Path& path : object.sensitive_paths) paths.push_back(ToText(path));
  return paths;
}

std::string StateOf(std::string_view resources, std::string_view outputs = "{}") {
  return text::Concat(R"({"version":4,"terraform_version":"1.11.4","serial":7,"lineage":"l","outputs":)",
                      outputs, R"(,"resources":[)", resources, R"(],"check_results":null})");
}

std::string ResourceOf(std::string_view instances, std::string_view name = "n") {
  return text::Concat(R"({"mode":"managed","type":"t","name":")", name,
                      R"(","provider":"provider[\"terraform.io/builtin/terraform\"]","instances":[)",
                      instances, "]}");
}

std::string InstanceOf(std::string_view more = {}, std::string_view attributes = R"({"id":"i"})") {
  return text::Concat(R"({"schema_version":0,"attributes":)", attributes, more, "}");
}

std::string WithInstance(std::string_view more, std::string_view attributes = R"({"id":"i"})") {
  return StateOf(ResourceOf(InstanceOf(more, attributes)));
}

TEST(StateFileTest, ReadsTheStateOfAPlanWithoutAState) {
  const Read read = ReadText(EntryOf("create.tfplan", "tfstate"));
  ASSERT_OK(read);
  EXPECT_EQ(read->serial, 0u);
  EXPECT_EQ(read->lineage, "");
  EXPECT_EQ(read->terraform_version, "1.11.4");
  EXPECT_THAT(read->objects, IsEmpty());
  EXPECT_EQ(read->managed_objects, 0u);
  EXPECT_EQ(read->digest, digest::Sha256(""));
  ASSERT_THAT(read->outputs, SizeIs(2));
  EXPECT_EQ(Json(read->outputs.at("size").value), "10");
  EXPECT_FALSE(read->outputs.at("size").sensitive);
  EXPECT_EQ(Json(read->outputs.at("token").value), R"("planted-secret-4711")");
  EXPECT_TRUE(read->outputs.at("token").sensitive);
}

TEST(StateFileTest, ReadsTheStateOfARealPlan) {
  const Read read = ReadText(EntryOf("mixed.tfplan", "tfstate"));
  ASSERT_OK(read);
  EXPECT_EQ(read->serial, 9u);
  EXPECT_EQ(read->lineage, "7023ba3d-a29d-7470-cd9c-223296787fe1");
  EXPECT_EQ(read->managed_objects, 8u);
  const StateObject* const changed = read->Find("terraform_data.changed");
  ASSERT_NE(changed, nullptr);
  EXPECT_EQ(changed->provider, R"(provider["terraform.io/builtin/terraform"])");
  EXPECT_FALSE(changed->has_index());
  EXPECT_THAT(PathsOf(*changed), ElementsAre("input.secret"));
  const StateObject* const kept = read->Find("terraform_data.kept");
  ASSERT_NE(kept, nullptr);
  EXPECT_EQ(Json(*kept->attributes.Find("input")->Find("value")),
            R"({"huge":123456789012345678901234567890,"list":[1,2.5,true,null,"text"],"size":0.1})");
  const StateObject* const item = read->Find(R"(module.inner.terraform_data.item["odd \"key\""])");
  ASSERT_NE(item, nullptr);
  EXPECT_EQ(item->module, "module.inner");
  EXPECT_EQ(item->index.text(), "odd \"key\"");
}

void CollectAddresses(const nlohmann::json& module, std::vector<std::string>* addresses) {
  for (const auto& resource : module.value("resources", nlohmann::json::array())) {
    addresses->push_back(resource["address"]);
  }
  for (const auto& child : module.value("child_modules", nlohmann::json::array())) {
    CollectAddresses(child, addresses);
  }
}

TEST(StateFileTest, AgreesWithTerraformAboutTheAddresses) {
  for (const std::string name : {"mixed", "destroy"}) {
    SCOPED_TRACE(name);
    const Read read = ReadText(EntryOf(name + ".tfplan", "tfstate"));
    ASSERT_OK(read);
    std::vector<std::string> shown;
    CollectAddresses(nlohmann::json::parse(PlanFile(name + ".json"))["prior_state"]["values"]["root_module"],
                     &shown);
    EXPECT_THAT(AddressesOf(*read), UnorderedElementsAreArray(shown));
  }
}

TEST(StateFileTest, FindsNoDifferenceWhereOnlyTheHeaderDiffers) {
  const Read now = ReadText(EntryOf("mixed.tfplan", "tfstate"));
  const Read before = ReadText(EntryOf("mixed.tfplan", "tfstate-prev"));
  ASSERT_OK(now);
  ASSERT_OK(before);
  EXPECT_NE(now->lineage, before->lineage);
  EXPECT_NE(now->serial, before->serial);
  EXPECT_EQ(now->digest, before->digest);
}

TEST(StateFileTest, WritesAddressesAsTerraformDoes) {
  const Read read = ReadText(StatesFile("odd.tfstate"));
  ASSERT_OK(read);
  std::vector<std::string> listed;
  const std::string text = StatesFile("odd.addresses");
  for (const std::string_view line : text::Split(text, '\n')) {
    if (!line.empty()) listed.emplace_back(line);
  }
  ASSERT_THAT(listed, SizeIs(55));
  EXPECT_THAT(AddressesOf(*read), UnorderedElementsAreArray(listed));
  EXPECT_EQ(read->managed_objects, 55u) << "with the deposed one, without the data source";
}

TEST(StateFileTest, ReadsWhatTerraformKnowsOfAnObject) {
  const Read read = ReadText(StatesFile("odd.tfstate"));
  ASSERT_OK(read);
  const StateObject* const tainted = read->Find("terraform_data.tainted");
  ASSERT_NE(tainted, nullptr);
  EXPECT_TRUE(tainted->tainted);
  EXPECT_EQ(tainted->dependencies, 1u);
  const StateObject* const first = read->Find("terraform_data.cbd");
  ASSERT_NE(first, nullptr);
  EXPECT_TRUE(first->create_before_destroy);
  EXPECT_FALSE(first->tainted);
  const StateObject* const counted = read->Find("terraform_data.counted[2]");
  ASSERT_NE(counted, nullptr);
  EXPECT_EQ(counted->index.kind(), Value::Kind::kNumber);
  const StateObject* const data = read->Find("data.terraform_remote_state.other");
  ASSERT_NE(data, nullptr);
  EXPECT_FALSE(data->managed);
}

TEST(StateFileTest, KeepsTheDeposedObjectApartFromTheCurrentOne) {
  const Read read = ReadText(StatesFile("odd.tfstate"));
  ASSERT_OK(read);
  const auto deposed = std::find_if(read->objects.begin(), read->objects.end(),
                                    [](const StateObject& object) { return !object.deposed.empty(); });
  ASSERT_NE(deposed, read->objects.end());
  EXPECT_EQ(deposed->address, "terraform_data.cbd");
  EXPECT_EQ(read->Find("terraform_data.cbd", deposed->deposed), &*deposed);
  EXPECT_NE(read->Find("terraform_data.cbd"), &*deposed);
  EXPECT_EQ(read->Find("terraform_data.whole", deposed->deposed), nullptr);
}

TEST(StateFileTest, ReadsSensitivePaths) {
  const Read read = ReadText(StatesFile("odd.tfstate"));
  ASSERT_OK(read);
  EXPECT_THAT(PathsOf(*read->Find("terraform_data.marks")),
              UnorderedElementsAre(R"(input.deep[0].x[1]["k\"ey"])", "input.list[1]", R"(input.map["a b"])",
                                   R"(input.strings["a b"])"));
  EXPECT_THAT(PathsOf(*read->Find("terraform_data.whole")), ElementsAre("input"));
  EXPECT_THAT(PathsOf(*read->Find("terraform_data.tainted")), IsEmpty());
}

TEST(StateFileTest, ReadsWhatLaterVersionsAdd) {
  const Read read = ReadText(WithInstance(
      R"(,"identity_schema_version":1,"identity":{"id":"i"},"private":"cHJpdmF0ZQ==","status":"")"));
  EXPECT_OK(read);
  EXPECT_OK(ReadText(WithInstance(R"(,"identity_schema_version":0,"identity":null)")));
  EXPECT_OK(ReadText(WithInstance(R"(,"sensitive_attributes":null,"dependencies":[])")));
}

TEST(StateFileTest, TakesModulesAndAliases) {
  std::string text = WithInstance("");
  text = absl::StrReplaceAll(
      text, {{R"("mode")", R"("module":"module.a[\"x.y\"].module.ключ[10].module.c","mode")"},
             {R"("provider[)", R"("module.a.provider[)"},
             {R"(terraform\"]")", R"(terraform\"].west-1")"}});
  const Read read = ReadText(text);
  ASSERT_OK(read);
  EXPECT_EQ(read->objects[0].address, R"(module.a["x.y"].module.ключ[10].module.c.t.n)");
  EXPECT_EQ(read->objects[0].provider, R"(module.a.provider["terraform.io/builtin/terraform"].west-1)");
}

TEST(StateFileTest, FindsNothingInAnEmptyState) {
  const Read read = ReadText(StateOf(""));
  ASSERT_OK(read);
  EXPECT_EQ(read->Find("t.n"), nullptr);
}

TEST(StateFileTest, TakesTheMembersInAnyOrder) {
  const Read read = ReadText(
      R"({"resources":[{"instances":[{"attributes":{"b":1,"a":2},"schema_version":3,"index_key":0}],
          "provider":"provider[\"h/n/t\"]","name":"n","type":"t","mode":"data","module":"module.m"}],
          "outputs":{},"lineage":"l","serial":18446744073709551615,"terraform_version":"1.8.0","version":4}
      )");
  ASSERT_OK(read);
  EXPECT_EQ(read->serial, 18446744073709551615u);
  ASSERT_THAT(read->objects, SizeIs(1));
  EXPECT_EQ(read->objects[0].address, "module.m.data.t.n[0]");
  EXPECT_EQ(Json(read->objects[0].attributes), R"({"a":2,"b":1})");
  EXPECT_EQ(read->objects[0].schema_version, 3u);
}

TEST(StateFileTest, KeepsNumbersAsTheyAre) {
  const Read read = ReadText(
      WithInstance("", R"({"a":9223372036854775807,"b":18446744073709551616,"c":-5,"d":1.50,"e":1e3,"f":-0,
             "g":-9223372036854775809,"h":1e300,"i":0.1,"j":1E-7})"));
  ASSERT_OK(read);
  EXPECT_EQ(Json(read->objects[0].attributes),
            R"({"a":9223372036854775807,"b":18446744073709551616,"c":-5,"d":1.5,"e":1000,"f":0,)"
            R"("g":-9223372036854775809,"h":1e300,"i":0.1,"j":0.0000001})");
}

TEST(StateDigestTest, DependsOnTheContentOfTheObjectsOnly) {
  const std::string one = InstanceOf(R"(,"index_key":1)", R"({"a":1,"b":[{"c":null,"d":"x"}]})");
  const std::string two = InstanceOf(R"(,"index_key":2)", R"({"a":2})");
  const std::string plain =
      StateOf(absl::StrCat(ResourceOf(absl::StrCat(one, ",", two)), ",", ResourceOf(two, "o")));
  const Read read = ReadText(plain);
  ASSERT_OK(read);
  EXPECT_EQ(read->digest, digest::Sha256("[\"t.n[1]\",\"\",{\"a\":1,\"b\":[{\"c\":null,\"d\":\"x\"}]}]\n"
                                         "[\"t.n[2]\",\"\",{\"a\":2}]\n"
                                         "[\"t.o[2]\",\"\",{\"a\":2}]\n"));

  const std::string turned =
      InstanceOf(R"(,"index_key":1)", R"({ "b": [{"d":"\u0078","c":null}], "a": 1.0 })");
  const Read other = ReadText(absl::StrReplaceAll(
      StateOf(absl::StrCat(ResourceOf(two, "o"), ",", ResourceOf(two), ",", ResourceOf(turned)),
              R"({"x":{"value":1,"type":"number"}})"),
      {{R"("serial":7,"lineage":"l")", R"("lineage":"other","serial":8)"}}));
  ASSERT_OK(other);
  EXPECT_EQ(other->digest, read->digest);
}

TEST(StateDigestTest, ChangesWithEveryPartOfAnObject) {
  const Read read = ReadText(WithInstance(R"(,"deposed":"0123abcd")"));
  ASSERT_OK(read);
  for (const std::string& text : {WithInstance(""), WithInstance(R"(,"deposed":"0123abce")"),
                                  WithInstance(R"(,"deposed":"0123abcd","index_key":0)"),
                                  WithInstance(R"(,"deposed":"0123abcd")", R"({"id":"j"})")}) {
    const Read other = ReadText(text);
    ASSERT_OK(other);
    EXPECT_NE(other->digest, read->digest) << text;
  }
}

TEST(StateFileTest, ReadsTheSameInPiecesOfAnySize) {
  for (const std::string& text : {StatesFile("odd.tfstate"), EntryOf("mixed.tfplan", "tfstate"),
                                  EntryOf("destroy.tfplan", "tfstate-prev")}) {
    const Read whole = ReadText(text);
    ASSERT_OK(whole);
    for (const size_t piece_bytes : {1u, 2u, 3u, 7u, 64u, 4096u}) {
      const Read read = ReadPieces(text, piece_bytes);
      ASSERT_OK(read);
      EXPECT_EQ(Summary(*read), Summary(*whole)) << piece_bytes;
    }
  }
}

TEST(StateFileTest, RefusesEveryStateThatIsCutOff) {
  const std::string text = WithInstance(R"(,"dependencies":["a.b"])");
  for (size_t size = 0; size < text.size(); ++size) {
    EXPECT_THAT(ReadText(text.substr(0, size)), HasReason(v1::PLAN_UNREADABLE)) << size;
  }
  EXPECT_OK(ReadText(text));
  EXPECT_OK(ReadText(text + " \n\t\r"));
}

TEST(StateFileTest, PassesOnTheErrorOfItsSource) {
  const std::string text = WithInstance("");
  for (const size_t size : {size_t{0}, size_t{10}, text.size()}) {
    bool given = size == 0;
    const NextChunk next = [&]() -> absl::StatusOr<std::string_view> {
      if (given) return absl::DataLossError("the zip is broken");
      given = true;
      return std::string_view(text).substr(0, size);
    };
    ValueArena arena{Limits()};
    EXPECT_THAT(ReadState(next, &arena, Limits(), "tfstate"), StatusIs(absl::StatusCode::kDataLoss)) << size;
  }
}

struct Refusal {
  std::string text;
  std::string says;  // In the error's text, which is taken to end with "$".
};

void PrintTo(const Refusal& refusal, std::ostream* out) { *out << refusal.says; }

class RefusedStateTest : public ::testing::TestWithParam<Refusal> {};

TEST_P(RefusedStateTest, IsRefusedWithItsPlace) {
  const Read whole = ReadText(GetParam().text);
  ASSERT_THAT(whole, HasReason(v1::PLAN_UNREADABLE)) << GetParam().text;
  EXPECT_THAT(absl::StrCat(std::string(whole.status().message()), "$"), HasSubstr(GetParam().says))
      << GetParam().text;
  EXPECT_EQ(ReadPieces(GetParam().text, 1).status(), whole.status());
}

INSTANTIATE_TEST_SUITE_P(
    Json, RefusedStateTest,
    ::testing::Values(
        Refusal{"", "tfstate: is no valid JSON at byte 0"},
        Refusal{" ", "tfstate: is no valid JSON at byte 1"},
        Refusal{"\xef\xbb\xbf" + WithInstance(""), "tfstate: begins with a byte order mark"},
        Refusal{"\xff\xfe{", "is no valid JSON at byte 0"}, Refusal{"[]", "tfstate: must be an object"},
        Refusal{"4", "tfstate: must be an object"}, Refusal{"null", "tfstate: must be an object"},
        Refusal{"{}", "tfstate: has no member version"},
        Refusal{StateOf("") + "{}", absl::StrCat("is no valid JSON at byte ", StateOf("").size())},
        Refusal{StateOf("") + "\n,", "is no valid JSON at byte "},
        Refusal{StateOf("") + std::string(1, '\0'), "tfstate: holds a zero byte$"},
        Refusal{StateOf("") + std::string(1, '\0') + "{}", "tfstate: holds a zero byte$"},
        Refusal{std::string(1, '\0') + StateOf(""), "tfstate: holds a zero byte$"},
        Refusal{"/* */" + StateOf(""), "is no valid JSON at byte 0"},
        Refusal{StateOf("// x\n"), "tfstate: resources: is no valid JSON at byte "},
        Refusal{WithInstance("", R"({"a":NaN})"), "instances[0].attributes: is no valid JSON at byte "},
        Refusal{WithInstance("", R"({"a":Infinity})"), "is no valid JSON at byte "},
        Refusal{WithInstance("", R"({"a":01})"), "is no valid JSON at byte "},
        Refusal{WithInstance("", R"({"a":+1})"), "is no valid JSON at byte "},
        Refusal{WithInstance("", R"({"a":1,})"), "is no valid JSON at byte "},
        Refusal{WithInstance("", R"({'a':1})"), "is no valid JSON at byte "},
        Refusal{WithInstance("", R"({"a":1e999})"), "attributes: holds a number that is too large"},
        Refusal{WithInstance("", "{\"a\":\"\xff\"}"), "is no valid JSON at byte "},
        Refusal{WithInstance("", "{\"a\":\"\xc0\x80\"}"), "is no valid JSON at byte "},
        Refusal{WithInstance("", "{\"a\":\"\xed\xa0\x80\"}"), "is no valid JSON at byte "},
        Refusal{WithInstance("", "{\"a\":\"\n\"}"), "is no valid JSON at byte "},
        Refusal{WithInstance("", R"({"a":"\ud800"})"), "is no valid JSON at byte "},
        Refusal{WithInstance("", R"({"a":"\udc00x"})"), "is no valid JSON at byte "},
        Refusal{WithInstance("", R"({"a":"\x41"})"), "is no valid JSON at byte "}));

INSTANTIATE_TEST_SUITE_P(
    Duplicates, RefusedStateTest,
    ::testing::Values(
        Refusal{absl::StrReplaceAll(StateOf(""), {{R"("lineage":"l")", R"("lineage":"l","lineage":"l")"}}),
                "tfstate: has two members lineage"},
        Refusal{
            absl::StrReplaceAll(StateOf(""), {{R"("lineage":"l")", R"("lineage":"l","line\u0061ge":"m")"}}),
            "tfstate: has two members lineage"},
        Refusal{absl::StrReplaceAll(StateOf(""), {{R"("outputs":{})", R"("outputs":{},"outputs":{})"}}),
                "tfstate: has two members outputs"},
        Refusal{StateOf("", R"({"a":{"value":1,"type":"number"},"a":{"value":1,"type":"number"}})"),
                "tfstate: outputs: has two members of one name"},
        Refusal{StateOf("", R"({"a":{"value":1,"type":"number","value":2}})"),
                "tfstate: outputs[0]: has two members value"},
        Refusal{StateOf("", R"({"a":{"value":{"b":1,"c":2,"b":1},"type":"number"}})"),
                "tfstate: outputs[0].value: holds an object with two members of one name"},
        Refusal{StateOf("", R"({"a":{"value":1,"type":["object",{"x":"string","x":"number"}]}})"),
                "tfstate: outputs[0].type: holds an object with two members of one name"},
        Refusal{StateOf(absl::StrReplaceAll(ResourceOf(""), {{R"("name")", R"("mode":"data","name")"}})),
                "tfstate: resources[0]: has two members mode"},
        Refusal{StateOf(absl::StrReplaceAll(ResourceOf(""), {{R"("name")", R"("instances":[],"name")"}})),
                "tfstate: resources[0]: has two members instances"},
        Refusal{WithInstance(R"(,"attributes":{})"),
                "tfstate: resources[0].instances[0]: has two members attributes"},
        Refusal{
            WithInstance("", R"({"a":1,"a":1})"),
            "tfstate: resources[0].instances[0].attributes: holds an object with two members of one name"},
        Refusal{WithInstance("", R"({"a":[{"x":{"k":1,"\u006b":2}}]})"),
                "instances[0].attributes: holds an object with two members of one name"},
        Refusal{WithInstance(R"(,"identity":{"a":1,"a":1})"),
                "instances[0].identity: holds an object with two members of one name"},
        Refusal{absl::StrReplaceAll(StateOf(""), {{R"(:null)", R"(:[{"a":1,"a":1}])"}}),
                "tfstate: check_results: holds an object with two members of one name"},
        Refusal{StateOf(ResourceOf(InstanceOf() + "," + InstanceOf())),
                "tfstate: resources: two objects have the same address and the same deposed key"},
        Refusal{StateOf(ResourceOf(InstanceOf()) + "," + ResourceOf(InstanceOf(R"(,"deposed":"01234567")")) +
                        "," + ResourceOf(InstanceOf())),
                "two objects have the same address and the same deposed key"}));

INSTANTIATE_TEST_SUITE_P(
    Names, RefusedStateTest,
    ::testing::Values(
        // Terraform reads the last of these, whatever its case.
        Refusal{absl::StrReplaceAll(StateOf(""), {{R"("outputs")", R"("Lineage":"m","outputs")"}}),
                "tfstate: has a member of a name that is not known"},
        Refusal{absl::StrReplaceAll(StateOf(""), {{R"("outputs")", R"("SERIAL":9,"outputs")"}}),
                "tfstate: has a member of a name that is not known"},
        Refusal{absl::StrReplaceAll(StateOf(""), {{R"("outputs")", "\"re\xc5\xbfources\":[],\"outputs\""}}),
                "tfstate: has a member of a name that is not known"},
        Refusal{absl::StrReplaceAll(StateOf(""), {{R"("version")", R"("Version")"}}),
                "tfstate: has a member of a name that is not known"},
        Refusal{absl::StrReplaceAll(StateOf(""), {{R"("outputs")", R"("encrypted_data":"","outputs")"}}),
                "tfstate: has a member of a name that is not known"},
        Refusal{StateOf(absl::StrReplaceAll(ResourceOf(""), {{R"("name")", R"("Type":"u","name")"}})),
                "tfstate: resources[0]: has a member of a name that is not known"},
        Refusal{StateOf(absl::StrReplaceAll(ResourceOf(""), {{R"("name")", R"("":"u","name")"}})),
                "tfstate: resources[0]: has a member of a name that is not known"},
        Refusal{WithInstance(R"(,"Deposed":"01234567")"),
                "tfstate: resources[0].instances[0]: has a member of a name that is not known"},
        Refusal{
            WithInstance(R"(,"attributes_flat":{"id":"i"})"),
            "instances[0].attributes_flat: is written as Terraform did before 0.12; apply once with a later "
            "version"},
        Refusal{StateOf("", R"({"a":{"value":1,"type":"number","Sensitive":true}})"),
                "tfstate: outputs[0]: has a member of a name that is not known"},
        Refusal{StateOf("", R"({"a b":{"value":1,"type":"number"}})"),
                "tfstate: outputs: has a member that is no name"}));

std::string Edited(std::string_view from, std::string_view to) {
  return absl::StrReplaceAll(WithInstance(R"(,"sensitive_attributes":[],"dependencies":["a.b"])"),
                             {{text::ToAbsl(from), text::ToAbsl(to)}});
}

INSTANTIATE_TEST_SUITE_P(
    Header, RefusedStateTest,
    ::testing::Values(
        Refusal{Edited(R"("version":4)", R"("version":3)"), "tfstate: version: must be 4"},
        Refusal{Edited(R"("version":4)", R"("version":"4")"), "tfstate: version: must be 4"},
        Refusal{Edited(R"("version":4)", R"("version":4.0)"), "tfstate: version: must be 4"},
        Refusal{Edited(R"("version":4)", R"("version":null)"), "tfstate: version: must be 4"},
        Refusal{Edited(R"("version":4)", R"("version":[4])"), "tfstate: version: must be 4"},
        Refusal{Edited(R"("version":4,)", ""), "tfstate: has no member version"},
        Refusal{Edited(R"("terraform_version":"1.11.4",)", ""), "tfstate: has no member terraform_version"},
        Refusal{Edited(R"("serial":7,)", ""), "tfstate: has no member serial"},
        Refusal{Edited(R"("lineage":"l",)", ""), "tfstate: has no member lineage"},
        Refusal{Edited(R"("outputs":{},)", ""), "tfstate: has no member outputs"},
        Refusal{R"({"version":4,"terraform_version":"1.11.4","serial":7,"lineage":"l","outputs":{}})",
                "tfstate: has no member resources"},
        Refusal{Edited("1.11.4", ""), "tfstate: terraform_version: is not what Terraform writes there"},
        Refusal{Edited("1.11.4", "1.11 "), "tfstate: terraform_version: is not what Terraform writes there"},
        Refusal{Edited("1.11.4", std::string(65, '1')),
                "terraform_version: is not what Terraform writes there"},
        Refusal{Edited(R"("1.11.4")", "1.11"), "tfstate: terraform_version: must be a text"},
        Refusal{Edited(R"("l")", R"("\u001b[2J")"), "tfstate: lineage: is not what Terraform writes there"},
        Refusal{Edited(R"("l")", "\"" + std::string(257, 'l') + "\""),
                "lineage: is not what Terraform writes there"},
        Refusal{Edited(R"("l")", "null"), "tfstate: lineage: must be a text"},
        Refusal{Edited(R"("serial":7)", R"("serial":-1)"),
                "tfstate: serial: must be a whole number, not negative and not too large"},
        Refusal{Edited(R"("serial":7)", R"("serial":-0)"), "not negative and not too large"},
        Refusal{Edited(R"("serial":7)", R"("serial":7.0)"), "not negative and not too large"},
        Refusal{Edited(R"("serial":7)", R"("serial":7e0)"), "not negative and not too large"},
        Refusal{Edited(R"("serial":7)", R"("serial":18446744073709551616)"),
                "not negative and not too large"},
        Refusal{Edited(R"("serial":7)", R"("serial":"7")"), "not negative and not too large"},
        Refusal{Edited(R"("serial":7)", R"("serial":[7])"), "not negative and not too large"},
        Refusal{Edited(R"("outputs":{})", R"("outputs":null)"), "tfstate: outputs: must be an object"},
        Refusal{Edited(R"("outputs":{})", R"("outputs":[])"), "tfstate: outputs: must be an object"},
        Refusal{Edited(R"("outputs":{})", R"("outputs":{"a":1})"),
                "tfstate: outputs: must hold objects only"},
        Refusal{Edited(R"("outputs":{})", R"("outputs":{"a":{"value":1}})"),
                "outputs[0]: has no member type"},
        Refusal{Edited(R"("outputs":{})", R"("outputs":{"a":{"type":"string"}})"),
                "outputs[0]: has no member value"},
        Refusal{Edited(R"("outputs":{})", R"("outputs":{"a":{"type":{}}})"),
                "outputs[0].type: must be a type"},
        Refusal{Edited(R"("outputs":{})", R"("outputs":{"a":{"sensitive":1}})"),
                "outputs[0].sensitive: must be true or false"},
        Refusal{Edited(R"("check_results":null)", R"("check_results":{})"),
                "tfstate: check_results: must be an array"}));

INSTANTIATE_TEST_SUITE_P(
    Resource, RefusedStateTest,
    ::testing::Values(
        Refusal{StateOf("1"), "tfstate: resources: must hold objects only"},
        Refusal{StateOf("[]"), "tfstate: resources: must hold objects only"},
        Refusal{StateOf("{}"), "tfstate: resources[0]: has no member mode"},
        Refusal{Edited(R"("mode":"managed",)", ""), "tfstate: resources[0]: has no member mode"},
        Refusal{Edited(R"("type":"t",)", ""), "tfstate: resources[0]: has no member type"},
        Refusal{Edited(R"("name":"n",)", ""), "tfstate: resources[0]: has no member name"},
        Refusal{Edited(R"("managed")", R"("ephemeral")"),
                "resources[0].mode: is not what Terraform writes there"},
        Refusal{Edited(R"("type":"t")", R"("type":"t.u")"),
                "resources[0].type: is not what Terraform writes there"},
        Refusal{Edited(R"("type":"t")", R"("type":"")"),
                "resources[0].type: is not what Terraform writes there"},
        Refusal{Edited(R"("name":"n")", R"("name":"n[0]")"),
                "resources[0].name: is not what Terraform writes there"},
        Refusal{Edited(R"("name":"n")", R"("name":"0n")"),
                "resources[0].name: is not what Terraform writes there"},
        Refusal{Edited(R"("name":"n")", R"("name":"n\u202e")"), "name: is not what Terraform writes there"},
        Refusal{Edited(R"("type":"t")", R"("type":"data")"),
                "tfstate: resources[0]: is of a type that no resource can have$"},
        Refusal{Edited(R"("type":"t")", R"("type":"module")"),
                "tfstate: resources[0]: is of a type that no resource can have$"},
        Refusal{Edited(R"("name":"n")", R"("name":1)"), "resources[0].name: must be a text"},
        Refusal{Edited(R"("mode")", R"("each":"set","mode")"),
                "resources[0].each: is not what Terraform writes there"},
        Refusal{Edited(R"("mode")", R"("module":"","mode")"),
                "resources[0].module: is not what Terraform writes there"},
        Refusal{Edited(R"("mode")", R"("module":"m","mode")"), "module: is not what Terraform writes there"},
        Refusal{Edited(R"("mode")", R"("module":"module.m.","mode")"),
                "module: is not what Terraform writes there"},
        Refusal{Edited(R"("mode")", R"("module":"module.m[01]","mode")"),
                "module: is not what Terraform writes there"},
        Refusal{Edited(R"("mode")", R"("module":"module.m[\"a]","mode")"),
                "module: is not what Terraform writes there"},
        Refusal{Edited(R"("mode")", R"("module":"module.m[\"\\u0061\"]","mode")"),
                "module: is not what Terraform writes there"},
        Refusal{Edited(R"("mode")", R"("module":"module.m[\"${a}\"]","mode")"),
                "module: is not what Terraform writes there"},
        Refusal{Edited(R"("mode")", R"("module":"module.m[0]module.n","mode")"),
                "module: is not what Terraform writes there"},
        Refusal{Edited(R"("provider[)", R"("provider.aws[)"),
                "resources[0].provider: is not what Terraform writes there"},
        Refusal{Edited(R"(terraform\"]")", R"(terraform\"]x")"),
                "provider: is not what Terraform writes there"},
        Refusal{Edited(R"("instances":[)", R"("instances":[[],)"),
                "resources[0].instances: must hold objects only"},
        Refusal{Edited(R"("instances":[)", R"("instances":[null,)"),
                "resources[0].instances: must hold objects only"},
        Refusal{absl::StrReplaceAll(StateOf(ResourceOf("")), {{R"("instances":[])", R"("instances":{})"}}),
                "resources[0].instances: must be an array"},
        Refusal{absl::StrReplaceAll(StateOf(ResourceOf("")), {{R"("instances":[])", R"("instances":null)"}}),
                "resources[0].instances: must be an array"},
        Refusal{absl::StrReplaceAll(WithInstance(R"(,"deposed":"01234567")"), {{"managed", "data"}}),
                "resources[0]: is a data source with a deposed object"}));

INSTANTIATE_TEST_SUITE_P(
    Instance, RefusedStateTest,
    ::testing::Values(
        Refusal{StateOf(ResourceOf("{}")), "resources[0].instances[0]: has no member schema_version"},
        Refusal{StateOf(ResourceOf(R"({"schema_version":0})")),
                "resources[0].instances[0]: has no member attributes"},
        Refusal{StateOf(ResourceOf(InstanceOf() + R"(,{"schema_version":0})")),
                "resources[0].instances[1]: has no member attributes"},
        Refusal{WithInstance("", "null"), "instances[0].attributes: must be an object"},
        Refusal{WithInstance("", "[]"), "instances[0].attributes: must be an object"},
        Refusal{Edited(R"("schema_version":0)", R"("schema_version":0.5)"), "not negative and not too large"},
        Refusal{WithInstance(R"(,"index_key":null)"),
                "instances[0].index_key: must be a whole number, not negative and "
                "not too large"},
        Refusal{WithInstance(R"(,"index_key":-1)"),
                "index_key: must be a whole number, not negative and not too large"},
        Refusal{WithInstance(R"(,"index_key":1.0)"),
                "must be a whole number, not negative and not too large"},
        Refusal{WithInstance(R"(,"index_key":9223372036854775808)"), "not negative and not too large"},
        Refusal{WithInstance(R"(,"index_key":true)"), "not negative and not too large"},
        Refusal{WithInstance(R"(,"index_key":[1])"), "not negative and not too large"},
        Refusal{WithInstance(R"(,"status":"planned")"),
                "instances[0].status: is not what Terraform writes there"},
        Refusal{WithInstance(R"(,"deposed":"")"), "instances[0].deposed: is not what Terraform writes there"},
        Refusal{WithInstance(R"(,"deposed":"0123ABCD")"), "deposed: is not what Terraform writes there"},
        Refusal{WithInstance(R"(,"deposed":"012345678")"), "deposed: is not what Terraform writes there"},
        Refusal{WithInstance(R"(,"private":{})"), "instances[0].private: must be a text"},
        Refusal{WithInstance(R"(,"identity":1)"), "instances[0].identity: must be an object"},
        Refusal{WithInstance(R"(,"identity_schema_version":"1")"), "not negative and not too large"},
        Refusal{WithInstance(R"(,"create_before_destroy":"true")"),
                "instances[0].create_before_destroy: must be true or false"},
        Refusal{WithInstance(R"(,"dependencies":null)"), "instances[0].dependencies: must be an array"},
        Refusal{WithInstance(R"(,"dependencies":["a.b",1])"),
                "instances[0].dependencies: must hold texts only"}));

std::string WithMarks(std::string_view paths) {
  return WithInstance(text::Concat(R"(,"sensitive_attributes":)", paths));
}

INSTANTIATE_TEST_SUITE_P(
    Marks, RefusedStateTest,
    ::testing::Values(
        Refusal{WithMarks("{}"), "instances[0].sensitive_attributes: must be an array"},
        Refusal{WithMarks("[1]"), "sensitive_attributes: must hold arrays of steps only"},
        Refusal{WithMarks("[[]]"), "sensitive_attributes: holds a path without steps"},
        Refusal{WithMarks("[[1]]"), "holds a step that is not of a type and a value"},
        Refusal{WithMarks(R"([[{"type":"get_attr"}]])"), "holds a step that is not of a type and a value"},
        Refusal{WithMarks(R"([[{"type":"get_attr","value":"a","x":1}]])"), "is not of a type and a value"},
        Refusal{WithMarks(R"([[{"type":1,"value":"a"}]])"), "holds a step that is not of a type and a value"},
        Refusal{WithMarks(R"([[{"type":"splat","value":"a"}]])"), "holds a step of a type that is not known"},
        Refusal{WithMarks(R"([[{"type":"get_attr","value":1}]])"),
                "holds the name of an attribute that is no text"},
        Refusal{WithMarks(R"([[{"type":"index","value":"a"}]])"),
                "holds an index that is not of a type and a value"},
        Refusal{WithMarks(R"([[{"type":"index","value":{"type":"bool","value":true}}]])"),
                "holds an index that is neither a text nor a number"},
        Refusal{WithMarks(R"([[{"type":"index","value":{"type":"number","value":"1"}}]])"),
                "holds an index that is neither a text nor a number"},
        Refusal{WithMarks(R"([[{"type":"index","value":{"type":"number","value":-1}}]])"),
                "holds an index that is no whole number from 0"},
        Refusal{WithMarks(R"([[{"type":"index","value":{"type":"number","value":1.5}}]])"),
                "holds an index that is no whole number from 0"},
        Refusal{WithMarks(R"([[{"type":"index","value":{"type":"number","value":9223372036854775808}}]])"),
                "holds an index that is no whole number from 0"}));

// What a stranger wrote must not get to the terminal by way of an error.
TEST(StateFileTest, SaysNothingOfTheContentInErrors) {
  const std::string bad = R"(\u001b[31mplanted-secret-4711)";
  for (const std::string& text :
       {absl::StrReplaceAll(StateOf(""), {{R"("version")", absl::StrCat("\"", bad, "\"")}}),
        WithInstance(absl::StrCat(",\"", bad, "\":1")),
        WithInstance(absl::StrCat(",\"deposed\":\"", bad, "\"")),
        StateOf("", absl::StrCat("{\"", bad, "\":{}}")),
        WithInstance("", absl::StrCat("{\"", bad, "\":1,\"", bad, "\":1}")),
        WithInstance("", absl::StrCat("{\"a\":\"", bad, "\xff\"}"))}) {
    const Read read = ReadText(text);
    ASSERT_THAT(read, HasReason(v1::PLAN_UNREADABLE));
    const std::string message(read.status().message());
    EXPECT_THAT(message, ::testing::Not(::testing::AnyOf(HasSubstr("planted"), HasSubstr("\x1b"))));
  }
}

// `text` is read with a limit of `exactly`, and is not with one less.
void ExpectLimit(const std::string& text, size_t exactly, const std::function<void(Limits*, size_t)>& set,
                 std::string_view says) {
  Limits limits;
  set(&limits, exactly);
  EXPECT_THAT(ReadText(text, limits), IsOk());
  EXPECT_THAT(ReadPieces(text, 1, limits), IsOk());
  set(&limits, exactly - 1);
  for (const size_t piece_bytes : {size_t{1}, text.size()}) {
    const Read refused = ReadPieces(text, piece_bytes, limits);
    ASSERT_THAT(refused, HasReason(v1::PLAN_UNREADABLE));
    EXPECT_THAT(std::string(refused.status().message()), HasSubstr(std::string(says)));
  }
}

TEST(StateLimitsTest, BoundTheBytes) {
  const std::string text = WithInstance("") + "\n";
  ExpectLimit(
      text, text.size(), [](Limits* limits, size_t most) { limits->state_bytes = most; },
      "tfstate: is too large");
}

TEST(StateLimitsTest, BoundTheLengthOfATextAndOfSpace) {
  const auto set = [](Limits* limits, size_t most) { limits->json_gap_bytes = most; };
  const std::string says = "tfstate: has too many bytes from one token to the next";
  // With the colon, because the token before is the name.
  ExpectLimit(WithInstance("", "{\"a\":\"" + std::string(200, 'x') + "\"}"), 203, set, says);
  ExpectLimit(WithInstance("", "{\"a\":" + std::string(200, ' ') + "{}}"), 201, set, says);
  // With the brace, which is only taken after it has been understood.
  ExpectLimit(StateOf("") + std::string(200, '\n'), 201, set, says);
}

TEST(StateLimitsTest, BoundTheDepth) {
  // The state, its resources, the resource, its instances, the instance, and seven of attributes.
  ExpectLimit(
      WithInstance("", R"({"a":[[[[{"b":[]}]]]]})"), 12,
      [](Limits* limits, size_t most) { limits->json_depth = most; },
      "tfstate: resources[0].instances[0].attributes: is nested too deeply");
}

TEST(StateLimitsTest, StandDepthBombs) {
  const std::string bomb(2'000'000, '[');
  EXPECT_THAT(std::string(ReadText(bomb).status().message()), HasSubstr("must be an object"));
  const std::string inside = WithInstance("", "{\"a\":" + bomb);
  EXPECT_THAT(std::string(ReadText(inside).status().message()), HasSubstr("is nested too deeply"));
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += R"({"a":)";
  EXPECT_THAT(std::string(ReadText(objects).status().message()), HasSubstr("is not known"));
  EXPECT_THAT(std::string(ReadText(WithInstance("", objects)).status().message()),
              HasSubstr("is nested too deeply"));
}

TEST(StateLimitsTest, BoundResourcesAndObjects) {
  const auto set = [](Limits* limits, size_t most) { limits->state_resources = most; };
  ExpectLimit(StateOf(absl::StrCat(ResourceOf(""), ",", ResourceOf(""), ",", ResourceOf(""))), 3, set,
              "tfstate: resources[2]: is one resource too many");
  const std::string first = InstanceOf(R"(,"index_key":0)");
  const std::string second = InstanceOf(R"(,"index_key":1)");
  ExpectLimit(
      StateOf(absl::StrCat(ResourceOf(first), ",", ResourceOf(absl::StrCat(first, ",", second), "o"))), 3,
      set, "tfstate: resources[1].instances[1]: is one object too many");
}

TEST(StateLimitsTest, BoundTheOutputs) {
  ExpectLimit(
      StateOf("", R"({"a":{"value":1,"type":"number"},"b":{"value":1,"type":"number"}})"), 2,
      [](Limits* limits, size_t most) { limits->state_outputs = most; },
      "tfstate: outputs: has too many members");
}

TEST(StateLimitsTest, BoundTheValues) {
  ExpectLimit(
      WithInstance("", R"({"a":[1,2,{"b":null}],"c":{}})"), 6,
      [](Limits* limits, size_t most) { limits->value_nodes = most; },
      "instances[0].attributes: holds too many values");
}

TEST(StateLimitsTest, BoundTheValuesThatAreNotKept) {
  const auto set = [](Limits* limits, size_t most) { limits->state_note_nodes = most; };
  ExpectLimit(WithInstance(R"(,"dependencies":["a.b","c.d","e.f"])"), 3, set,
              "instances[0].dependencies: holds too many values");
  ExpectLimit(absl::StrReplaceAll(StateOf(""), {{":null", R"(:[{"a":[1]}])"}}), 3, set,
              "tfstate: check_results: holds too many values");
}

TEST(StateLimitsTest, BoundTheTexts) {
  // "id" and "i", the six texts of the resource and the header, and what was "managed".
  const std::string kept =
      "idi"
      "1.11.4"
      "l"
      "managed"
      "t"
      "n"
      "provider[\"terraform.io/builtin/terraform\"]"
      "t.n";
  ExpectLimit(
      WithInstance(""), kept.size(), [](Limits* limits, size_t most) { limits->value_text_bytes = most; },
      "holds too much text");
}

TEST(StateLimitsTest, BoundTheSensitivePaths) {
  const std::string step = R"({"type":"get_attr","value":"a"})";
  const std::string two = absl::StrCat("[[", step, "],[", step, ",", step, "]]");
  ExpectLimit(
      StateOf(absl::StrCat(ResourceOf(InstanceOf(absl::StrCat(",\"sensitive_attributes\":", two))), ",",
                           ResourceOf(InstanceOf(absl::StrCat(",\"sensitive_attributes\":", two)), "o"))),
      6, [](Limits* limits, size_t most) { limits->state_path_steps = most; },
      "tfstate: resources[1].instances[0].sensitive_attributes: holds too many steps");
  ExpectLimit(
      WithMarks(two), 2, [](Limits* limits, size_t most) { limits->value_depth = most; },
      "holds a path with too many steps");
}

TEST(StateLimitsTest, BoundTheAddresses) {
  const auto set = [](Limits* limits, size_t most) { limits->address_bytes = most; };
  const std::string provider = R"(provider["terraform.io/builtin/terraform"])";
  const std::string text = WithInstance(R"(,"index_key":")" + std::string(60, 'k') + "\"");
  ExpectLimit(text, 67, set, "tfstate: resources[0]: has an address that is too long");
  ExpectLimit(WithInstance(""), provider.size(), set, "tfstate: resources[0].provider: is too long");
  ExpectLimit(StateOf("", "{\"" + std::string(60, 'o') + R"(":{"value":1,"type":"number"}})"), 60, set,
              "tfstate: outputs: has a member that is no name");
}

TEST(StateFileTest, TakesALargeStateInLinearTime) {
  const auto start = std::chrono::steady_clock::now();
  std::string resources;
  for (int i = 0; i < 20'000; ++i) {
    std::string attributes = "{";
    for (int j = 20; j > 0; --j) absl::StrAppend(&attributes, "\"attribute", j, "\":[1,\"text\",null],");
    absl::StrAppend(&attributes, "\"id\":\"", i, "\"}");
    absl::StrAppend(&resources, i == 0 ? "" : ",",
                    ResourceOf(InstanceOf("", attributes), absl::StrCat("resource", 100'000 - i)));
  }
  std::string wide = "{";
  for (int i = 200'000; i > 0; --i) absl::StrAppend(&wide, "\"", i, "\":0", i > 1 ? "," : "}");
  absl::StrAppend(&resources, ",", ResourceOf(InstanceOf("", wide)));
  const Read read = ReadText(StateOf(resources));
  ASSERT_OK(read);
  EXPECT_EQ(read->managed_objects, 20'001u);
  for (int i = 0; i < 20'000; ++i) {
    ASSERT_NE(read->Find(absl::StrCat("t.resource", 100'000 - i)), nullptr);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

// A value as it stands in a state.
class StoredValueTest : public ::testing::Test {
 protected:
  Value Stored(std::string_view json) {
    reads_.push_back(ReadText(StateOf("", text::Concat(R"({"o":{"value":)", json, R"(,"type":"string"}})"))));
    EXPECT_OK(reads_.back());
    return reads_.back()->outputs.at("o").value;
  }
  bool IsSameAs(std::string_view planned, std::string_view stored) {
    return IsSameAsStored(Stored(planned), Stored(stored));
  }

 private:
  std::vector<Read> reads_;
};

TEST_F(StoredValueTest, ComparesByContent) {
  EXPECT_TRUE(IsSameAs(R"({"a":[1,"x",null,true],"b":{}})", R"({"b":{},"a":[1,"x",null,true]})"));
  EXPECT_FALSE(IsSameAs(R"({"a":[1,2]})", R"({"a":[2,1]})"));
  EXPECT_FALSE(IsSameAs(R"({"a":1})", R"({"a":1,"b":null})"));
  EXPECT_FALSE(IsSameAs(R"([1])", R"([1,1])"));
  EXPECT_FALSE(IsSameAs("null", "false"));
  EXPECT_FALSE(IsSameAsStored(Value::Unknown(), Stored("null")));
}

TEST_F(StoredValueTest, LooksInsideWrappedValues) {
  EXPECT_TRUE(IsSameAs(R"({"input":{"size":10}})",
                       R"({"input":{"value":{"size":10},"type":["object",{"size":"number"}]}})"));
  EXPECT_TRUE(IsSameAs(R"({"input":null})", R"({"input":{"value":null,"type":"string"}})"));
  EXPECT_TRUE(IsSameAs(R"([["x"]])", R"([{"value":["x"],"type":["list","string"]}])"));
  EXPECT_FALSE(IsSameAs(R"({"input":"a"})", R"({"input":{"value":"b","type":"string"}})"));
  EXPECT_FALSE(IsSameAs(R"({"input":"a"})", R"({"input":{"value":"a","type":"colour"}})"));
  EXPECT_FALSE(IsSameAs(R"({"input":"a"})", R"({"input":{"value":"a"}})"));
}

TEST_F(StoredValueTest, TellsObjectsThatLookWrappedFromWrappedOnes) {
  EXPECT_TRUE(IsSameAs(R"({"type":"string","value":"x"})", R"({"type":"string","value":"x"})"));
  EXPECT_FALSE(IsSameAs(R"({"type":"string","value":"x"})", R"({"type":"string","value":"y"})"));
  EXPECT_TRUE(IsSameAs(
      R"({"type":"string","value":"x"})",
      R"({"value":{"type":"string","value":"x"},"type":["object",{"type":"string","value":"string"}]})"));
}

TEST_F(StoredValueTest, TakesNumbersThatAreTextInThePlan) {
  EXPECT_TRUE(IsSameAsStored(Value::String("0.1"), Stored("0.1")));
  EXPECT_TRUE(IsSameAsStored(Value::String("1" + std::string(300, '0')), Stored("1e300")));
  EXPECT_TRUE(IsSameAsStored(Value::String("-1.50"), Stored("-1.5")));
  EXPECT_FALSE(IsSameAsStored(Value::String("0.2"), Stored("0.1")));
  EXPECT_FALSE(IsSameAsStored(Value::String("1."), Stored("1")));
  EXPECT_FALSE(IsSameAsStored(Value::String("0x1"), Stored("1")));
  EXPECT_FALSE(IsSameAsStored(Value::String("1e300"), Stored(R"("1000")")));
}

// What each change of a real plan begins with is what the state in it holds.
TEST(StateOfAPlanTest, HoldsWhatTheChangesBeginWith) {
  for (const std::string plan_name : {"mixed.tfplan", "destroy.tfplan"}) {
    SCOPED_TRACE(plan_name);
    const Read read = ReadText(EntryOf(plan_name, "tfstate"));
    ASSERT_OK(read);
    ASSERT_OK_AND_ASSIGN(const plan_file::Plan plan, ParsePlanFile(EntryOf(plan_name, "tfplan"), Limits()));
    ValueArena arena{Limits()};
    size_t compared = 0;
    for (const plan_file::ResourceInstanceChange& change : plan.resource_changes()) {
      const std::string* const before = BeforeOf(change.change());
      if (before == nullptr) continue;
      ASSERT_OK_AND_ASSIGN(const Value value, DecodeMsgpack(*before, &arena, Limits(), "before"));
      const StateObject* const object = read->Find(change.addr(), change.deposed_key());
      ASSERT_NE(object, nullptr) << change.addr();
      ++compared;
      for (const StateObject& other : read->objects) {
        EXPECT_EQ(IsSameAsStored(value, other.attributes), &other == object) << other.address;
      }
    }
    EXPECT_EQ(compared, read->managed_objects);
  }
}

}  // namespace
}  // namespace countersign::terraform
