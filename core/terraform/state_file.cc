#include "core/terraform/state_file.h"

#include <rapidjson/error/error.h>
#include <rapidjson/reader.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <optional>
#include <tuple>
#include <utility>

#include "absl/status/status.h"
#include "core/digest/digest.h"
#include "core/terraform/address.h"
#include "core/terraform/state_source.h"
#include "core/terraform/state_structure.h"
#include "core/terraform/unreadable.h"
#include "core/terraform/utf8.h"
#include "core/terraform/value_builder.h"
#include "core/text/text.h"

namespace countersign::terraform {
namespace {

using Kind = Value::Kind;

constexpr std::string_view kTooLargeNumber = "holds a number that is too large";

constexpr uint64_t BitOf(StateField field) { return uint64_t{1} << static_cast<unsigned>(field); }

constexpr uint64_t kHead = BitOf(StateField::kVersion) | BitOf(StateField::kTerraformVersion) |
                           BitOf(StateField::kSerial) | BitOf(StateField::kLineage);

// Whether the value stays; everything else is dropped as soon as it has been understood.
bool StaysInArena(StateField field) {
  return field == StateField::kAttributes || field == StateField::kOutputValue ||
         field == StateField::kIndexKey;
}

std::optional<int64_t> ParseNatural(std::string_view digits) {
  int64_t number = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size() || number < 0)
    return std::nullopt;
  return number;
}

auto KeyOf(const StateObject& object) { return std::tie(object.address, object.deposed); }

// Whether a number, as RFC 8259 writes it and followed by a zero byte, is one that a double can come near.
bool FitsDouble(const char* number) { return std::isfinite(std::strtod(number, nullptr)); }

// Reads the events of a parser that has been given a state.
class StateReader {
 public:
  StateReader(ValueArena* arena, const Limits& limits, StateSource* source, std::string_view place)
      : arena_(arena), limits_(limits), note_limits_(limits), source_(source), place_(place) {
    note_limits_.value_nodes = limits.state_note_nodes;
  }

  // What was read once the parser is through, or why it was stopped.
  absl::StatusOr<StateFile> Finish(const rapidjson::ParseResult& result);
  // The same where nothing but the head is wanted.
  absl::StatusOr<StateFile> FinishHead(const rapidjson::ParseResult& result);
  void StopBehindHead() { head_only_ = true; }

  bool Null() { return Scalar(Value()); }
  bool Bool(bool value) { return Scalar(Value::Boolean(value)); }
  bool RawNumber(const char* digits, rapidjson::SizeType size, bool /*copy*/) {
    return Number({digits, size});
  }
  bool String(const char* text, rapidjson::SizeType size, bool /*copy*/) {
    std::string_view copy;
    return CheckText({text, size}) && CopyText({text, size}, &copy) && Scalar(Value::String(copy));
  }
  bool StartObject() { return Open(true); }
  bool Key(const char* name, rapidjson::SizeType size, bool /*copy*/) {
    return CheckText({name, size}) && ReadName({name, size});
  }
  bool EndObject(rapidjson::SizeType /*members*/) { return Close(); }
  bool StartArray() { return Open(false); }
  bool EndArray(rapidjson::SizeType /*elements*/) { return Close(); }
  // Numbers come as they are written.
  bool Int(int /*value*/) { return false; }
  bool Uint(unsigned /*value*/) { return false; }
  bool Int64(int64_t /*value*/) { return false; }
  bool Uint64(uint64_t /*value*/) { return false; }
  bool Double(double /*value*/) { return false; }

 private:
  bool Number(std::string_view digits);
  bool CheckText(std::string_view text) {
    return FirstInvalidUtf8(text) == std::string_view::npos || FailAsJson();
  }
  bool ReadName(std::string_view name);
  bool EndHead();
  absl::Status StatusOf(const rapidjson::ParseResult& result);
  bool Scalar(const Value& value);
  bool Open(bool object);
  bool Close();
  bool Enter(StateLevel level);
  bool Leave();
  bool Check(ValueBuilder::Result result);
  bool CopyText(std::string_view text, std::string_view* copy);
  bool Keep(std::string_view text, std::string_view* copy);
  ValueArena* ArenaOf(StateField field);

  bool ReadField(const Value& value);
  bool ReadStateField(const Value& value);
  bool ReadOutputField(const Value& value);
  bool ReadResourceField(const Value& value);
  bool ReadInstanceField(const Value& value);
  bool ReadIndexKey(const Value& value);
  bool ReadDependencies(const Value& value);
  bool ReadSensitivePaths(const Value& value);
  bool ReadStep(const Value& value, PathStep* step);
  bool ReadIndexStep(const Value& value, PathStep* step);
  bool ReadText(const Value& value, bool (*is_valid)(std::string_view), std::string_view* text);
  bool ReadNatural(const Value& value, uint64_t most, uint64_t* number);
  bool ReadBoolean(const Value& value, bool* flag);
  bool NameObjects();
  bool NameObject(Address address, StateObject* object);
  absl::Status SortObjects();

  bool FailAsJson();
  bool Fail(std::string_view what) {
    if (status_.ok()) status_ = Unreadable(Place(), what);
    return false;
  }
  std::string Place() const;

  ValueArena* const arena_;
  const Limits& limits_;
  Limits note_limits_;
  StateSource* const source_;
  const std::string_view place_;
  absl::Status status_;

  StateFile state_;
  StateLevel level_ = StateLevel::kStart;
  // The member whose value is next or under way; of the levels that have members of known names.
  StateField field_ = StateField::kNone;
  uint64_t seen_ = 0;  // The members so far, of all levels that are open.
  bool head_only_ = false;
  bool behind_head_ = false;
  size_t depth_ = 0;
  ValueBuilder builder_;
  std::optional<ValueArena> notes_;  // For one value that is read and dropped.
  std::optional<uint64_t> natural_;  // The number that is being read, if it has neither sign nor fraction.
  StateOutput* output_ = nullptr;
  StateObject resource_;  // What all objects of the resource share.
  size_t resources_ = 0;
  size_t first_object_ = 0;  // Of the resource.
  size_t path_steps_ = 0;
};

std::string StateReader::Place() const {
  std::string inside;
  switch (level_) {
    case StateLevel::kStart:
    case StateLevel::kState:
    case StateLevel::kEnd:
      break;
    case StateLevel::kOutputs:
      inside = "outputs";
      break;
    case StateLevel::kOutput:
      inside = text::Concat("outputs[", state_.outputs.size() - 1, "]");
      break;
    case StateLevel::kResources:
      inside = "resources";
      break;
    case StateLevel::kResource:
      inside = text::Concat("resources[", resources_ - 1, "]");
      break;
    case StateLevel::kInstances:
      inside = text::Concat("resources[", resources_ - 1, "].instances");
      break;
    case StateLevel::kInstance:
      inside = text::Concat("resources[", resources_ - 1, "].instances[",
                            state_.objects.size() - 1 - first_object_, "]");
      break;
  }
  if (const std::string_view name = NameOf(level_, field_); !name.empty()) {
    inside += text::Concat(inside.empty() ? "" : ".", name);
  }
  return inside.empty() ? std::string(place_) : text::Concat(place_, ": ", inside);
}

bool StateReader::FailAsJson() {
  return Fail(text::Concat("is no valid JSON at byte ", source_->position()));
}

bool StateReader::Number(std::string_view digits) {
  const bool whole = digits.find_first_not_of("0123456789") == std::string_view::npos;
  natural_.reset();
  if (whole) {
    uint64_t natural = 0;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), natural);
    if (parsed.ec == std::errc()) natural_ = natural;
  }
  std::string_view copy;
  bool read = false;
  if (natural_.has_value()) {
    read = CopyText(digits, &copy);
  } else {
    if (!FitsDouble(digits.data())) return Fail(kTooLargeNumber);
    read = CopyText(CanonicalNumber(digits), &copy);
  }
  read = read && Scalar(Value::Number(copy));
  natural_.reset();
  return read;
}

bool StateReader::Check(ValueBuilder::Result result) {
  switch (result) {
    case ValueBuilder::Result::kOpen:
      return true;
    case ValueBuilder::Result::kComplete:
      return ReadField(builder_.value());
    case ValueBuilder::Result::kDuplicate:
      return Fail("holds an object with two members of one name");
    case ValueBuilder::Result::kFull:
      break;
  }
  return Fail("holds too many values");
}

// The texts of `field`'s value, while it is being read, go to the same place as the value.
ValueArena* StateReader::ArenaOf(StateField field) {
  if (builder_.active()) return builder_.arena();
  if (StaysInArena(field)) return arena_;
  if (!notes_.has_value()) notes_.emplace(note_limits_);
  return &*notes_;
}

bool StateReader::CopyText(std::string_view text, std::string_view* copy) {
  *copy = ArenaOf(field_)->CopyText(text);
  return copy->data() != nullptr || Fail("holds too much text");
}

bool StateReader::Keep(std::string_view text, std::string_view* copy) {
  *copy = arena_->CopyText(text);
  return copy->data() != nullptr || Fail("holds too much text");
}

bool StateReader::Scalar(const Value& value) {
  if (!source_->EndGap()) return false;
  if (builder_.active()) return Check(builder_.Add(value));
  if (const auto container = ContainerAt(level_, field_)) return Fail(container->otherwise);
  return ReadField(value);
}

bool StateReader::Open(bool object) {
  if (!source_->EndGap()) return false;
  if (++depth_ > limits_.json_depth) return Fail("is nested too deeply");
  if (builder_.active()) return Check(builder_.Open(object));
  if (const auto container = ContainerAt(level_, field_)) {
    return container->object == object ? Enter(container->level) : Fail(container->otherwise);
  }
  return Check(builder_.Begin(ArenaOf(field_), object));
}

bool StateReader::Close() {
  if (!source_->EndGap()) return false;
  --depth_;
  return builder_.active() ? Check(builder_.Close()) : Leave();
}

bool StateReader::ReadName(std::string_view name) {
  if (!source_->EndGap()) return false;
  if (builder_.active()) return Check(builder_.Name(name));
  if (level_ == StateLevel::kOutputs) {
    if (state_.outputs.size() >= limits_.state_outputs) return Fail("has too many members");
    if (!IsName(name) || name.size() > limits_.address_bytes) return Fail("has a member that is no name");
    const auto [output, added] = state_.outputs.try_emplace(std::string(name));
    output_ = &output->second;
    return added || Fail("has two members of one name");
  }
  field_ = StateField::kNone;
  for (const StateMember& known : FieldsOf(level_)) {
    if (known.name != name) continue;
    if ((seen_ & BitOf(known.field)) != 0) return Fail(text::Concat("has two members ", known.name));
    seen_ |= BitOf(known.field);
    field_ = known.field;
    if (level_ == StateLevel::kState && (kHead & BitOf(field_)) == 0) return EndHead();
    return field_ != StateField::kAttributesFlat ||
           Fail("is written as Terraform did before 0.12; apply once with a later version");
  }
  return Fail("has a member of a name that is not known");
}

// At a member that is not of the head. False, which stops the parser, where no more is wanted.
bool StateReader::EndHead() {
  if (field_ == StateField::kOutputs && seen_ == (kHead | BitOf(field_))) {
    state_.head_bytes = source_->position();
  }
  behind_head_ = true;
  return !head_only_;
}

bool StateReader::Enter(StateLevel level) {
  level_ = level;
  field_ = StateField::kNone;
  for (const StateMember& known : FieldsOf(level)) seen_ &= ~BitOf(known.field);
  if (level == StateLevel::kResource) {
    ++resources_;
    resource_ = StateObject();
    first_object_ = state_.objects.size();
    return resources_ <= limits_.state_resources || Fail("is one resource too many");
  }
  if (level == StateLevel::kInstance) {
    state_.objects.emplace_back();
    return state_.objects.size() <= limits_.state_resources || Fail("is one object too many");
  }
  return true;
}

bool StateReader::Leave() {
  field_ = StateField::kNone;
  for (const StateMember& known : FieldsOf(level_)) {
    if (known.required && (seen_ & BitOf(known.field)) == 0) {
      return Fail(text::Concat("has no member ", known.name));
    }
  }
  if (level_ == StateLevel::kResource && !NameObjects()) return false;
  level_ = Above(level_);
  return true;
}

bool StateReader::ReadField(const Value& value) {
  bool read = false;
  switch (level_) {
    case StateLevel::kState:
      read = ReadStateField(value);
      break;
    case StateLevel::kOutput:
      read = ReadOutputField(value);
      break;
    case StateLevel::kResource:
      read = ReadResourceField(value);
      break;
    case StateLevel::kInstance:
      read = ReadInstanceField(value);
      break;
    case StateLevel::kStart:
    case StateLevel::kOutputs:
    case StateLevel::kResources:
    case StateLevel::kInstances:
    case StateLevel::kEnd:
      break;
  }
  notes_.reset();
  field_ = StateField::kNone;
  return read;
}

bool StateReader::ReadText(const Value& value, bool (*is_valid)(std::string_view), std::string_view* text) {
  if (value.kind() != Kind::kString) return Fail("must be a text");
  if (value.text().size() > limits_.address_bytes) return Fail("is too long");
  if (!is_valid(value.text())) return Fail("is not what Terraform writes there");
  return Keep(value.text(), text);
}

bool StateReader::ReadNatural(const Value& value, uint64_t most, uint64_t* number) {
  if (value.kind() != Kind::kNumber || !natural_.has_value() || *natural_ > most) {
    return Fail("must be a whole number, not negative and not too large");
  }
  *number = *natural_;
  return true;
}

bool StateReader::ReadBoolean(const Value& value, bool* flag) {
  if (value.kind() != Kind::kBoolean) return Fail("must be true or false");
  *flag = value.boolean();
  return true;
}

bool StateReader::ReadStateField(const Value& value) {
  std::string_view text;
  switch (field_) {
    case StateField::kVersion:
      return value.kind() == Kind::kNumber && natural_ == uint64_t{4} ? true : Fail("must be 4");
    case StateField::kTerraformVersion:
      if (!ReadText(value, IsVersion, &text)) return false;
      state_.terraform_version = text;
      return true;
    case StateField::kSerial:
      return ReadNatural(value, std::numeric_limits<uint64_t>::max(), &state_.serial);
    case StateField::kLineage:
      if (!ReadText(value, IsLineage, &text)) return false;
      state_.lineage = text;
      return true;
    case StateField::kCheckResults:
      if (value.is_null() || value.kind() == Kind::kSequence) return true;
      return Fail("must be an array");
    default:
      return false;
  }
}

bool StateReader::ReadOutputField(const Value& value) {
  switch (field_) {
    case StateField::kOutputValue:
      output_->value = value;
      return true;
    case StateField::kOutputType:
      if (value.kind() == Kind::kString || value.kind() == Kind::kSequence) return true;
      return Fail("must be a type");
    case StateField::kOutputSensitive:
      return ReadBoolean(value, &output_->sensitive);
    default:
      return false;
  }
}

bool StateReader::ReadResourceField(const Value& value) {
  std::string_view text;
  switch (field_) {
    case StateField::kModule:
      return ReadText(value, IsModule, &resource_.module);
    case StateField::kMode:
      if (!ReadText(
              value, [](std::string_view mode) { return mode == "managed" || mode == "data"; }, &text)) {
        return false;
      }
      resource_.managed = text == "managed";
      return true;
    case StateField::kType:
      return ReadText(value, IsName, &resource_.type);
    case StateField::kName:
      return ReadText(value, IsName, &resource_.name);
    case StateField::kEach:
      return ReadText(
          value, [](std::string_view each) { return each == "list" || each == "map"; }, &text);
    case StateField::kProvider:
      return ReadText(value, IsProvider, &resource_.provider);
    default:
      return false;
  }
}

bool StateReader::ReadInstanceField(const Value& value) {
  constexpr auto kMost = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  StateObject& object = state_.objects.back();
  uint64_t number = 0;
  std::string_view text;
  switch (field_) {
    case StateField::kIndexKey:
      return ReadIndexKey(value);
    case StateField::kStatus:
      if (!ReadText(
              value, [](std::string_view status) { return status.empty() || status == "tainted"; }, &text)) {
        return false;
      }
      object.tainted = !text.empty();
      return true;
    case StateField::kDeposed:
      return ReadText(value, IsDeposedKey, &object.deposed);
    case StateField::kSchemaVersion:
      return ReadNatural(value, kMost, &object.schema_version);
    case StateField::kAttributes:
      object.attributes = value;
      return value.kind() == Kind::kMapping || Fail("must be an object");
    case StateField::kSensitiveAttributes:
      return ReadSensitivePaths(value);
    case StateField::kIdentitySchemaVersion:
      return ReadNatural(value, kMost, &number);
    case StateField::kIdentity:
      return value.is_null() || value.kind() == Kind::kMapping || Fail("must be an object");
    case StateField::kPrivate:
      return value.kind() == Kind::kString || Fail("must be a text");
    case StateField::kDependencies:
      return ReadDependencies(value);
    case StateField::kCreateBeforeDestroy:
      return ReadBoolean(value, &object.create_before_destroy);
    default:
      return false;
  }
}

bool StateReader::ReadIndexKey(const Value& value) {
  constexpr auto kMost = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  uint64_t number = 0;
  if (value.kind() == Kind::kString) {
    if (value.text().size() > limits_.address_bytes) return Fail("is too long");
  } else if (!ReadNatural(value, kMost, &number)) {
    return false;
  }
  state_.objects.back().index = value;
  return true;
}

bool StateReader::ReadDependencies(const Value& value) {
  if (value.kind() != Kind::kSequence) return Fail("must be an array");
  for (const Value& dependency : value.elements()) {
    if (dependency.kind() != Kind::kString) return Fail("must hold texts only");
  }
  state_.objects.back().dependencies = value.elements().size();
  return true;
}

bool StateReader::ReadSensitivePaths(const Value& value) {
  if (value.is_null()) return true;
  if (value.kind() != Kind::kSequence) return Fail("must be an array");
  std::vector<Path>& paths = state_.objects.back().sensitive_paths;
  paths.reserve(value.elements().size());
  for (const Value& steps : value.elements()) {
    if (steps.kind() != Kind::kSequence) return Fail("must hold arrays of steps only");
    const size_t count = steps.elements().size();
    if (count == 0) return Fail("holds a path without steps");
    if (count > limits_.value_depth) return Fail("holds a path with too many steps");
    if (count > limits_.state_path_steps - path_steps_) return Fail("holds too many steps");
    path_steps_ += count;
    Path& path = paths.emplace_back(count);
    for (size_t i = 0; i < count; ++i) {
      if (!ReadStep(steps.elements()[i], &path[i])) return false;
    }
  }
  return true;
}

bool StateReader::ReadStep(const Value& value, PathStep* step) {
  const Value* const type = value.Find("type");
  const Value* const content = value.Find("value");
  if (type == nullptr || content == nullptr || value.members().size() != 2 || type->kind() != Kind::kString) {
    return Fail("holds a step that is not of a type and a value");
  }
  if (type->text() == "index") return ReadIndexStep(*content, step);
  if (type->text() != "get_attr") return Fail("holds a step of a type that is not known");
  if (content->kind() != Kind::kString) return Fail("holds the name of an attribute that is no text");
  step->kind = PathStep::Kind::kAttribute;
  return Keep(content->text(), &step->name);
}

bool StateReader::ReadIndexStep(const Value& value, PathStep* step) {
  const Value* const type = value.Find("type");
  const Value* const key = value.Find("value");
  if (type == nullptr || key == nullptr || value.members().size() != 2 || type->kind() != Kind::kString) {
    return Fail("holds an index that is not of a type and a value");
  }
  if (type->text() == "string" && key->kind() == Kind::kString) {
    step->kind = PathStep::Kind::kKey;
    return Keep(key->text(), &step->name);
  }
  if (type->text() != "number" || key->kind() != Kind::kNumber) {
    return Fail("holds an index that is neither a text nor a number");
  }
  const auto index = ParseNatural(key->text());
  if (!index.has_value()) return Fail("holds an index that is no whole number from 0");
  *step = PathStep::Index(*index);
  return true;
}

// Gives the objects of a resource their addresses. Only now, because the members can come in any order.
bool StateReader::NameObjects() {
  Address address;
  address.module = resource_.module;
  address.mode = resource_.managed ? Address::Mode::kManaged : Address::Mode::kData;
  address.type = resource_.type;
  address.name = resource_.name;
  const std::string text = Format(address);
  if (text.size() > limits_.address_bytes) return Fail("has an address that is too long");
  // A managed resource of a type `data`, for one, would have the address of something else.
  const auto parsed = ParseAddress(text);
  if (!parsed.ok() || *parsed != address) return Fail("is of a type that no resource can have");
  for (size_t i = first_object_; i < state_.objects.size(); ++i) {
    if (!NameObject(address, &state_.objects[i])) return false;
  }
  return true;
}

bool StateReader::NameObject(Address address, StateObject* object) {
  if (object->index.kind() == Kind::kString) {
    address.index = std::string(object->index.text());
  } else if (object->has_index()) {
    address.index = ParseNatural(object->index.text());
  }
  const std::string text = Format(address);
  if (text.size() > limits_.address_bytes) return Fail("has an address that is too long");
  if (!Keep(text, &object->address)) return false;
  if (!object->deposed.empty() && !resource_.managed) return Fail("is a data source with a deposed object");
  object->managed = resource_.managed;
  object->module = resource_.module;
  object->type = resource_.type;
  object->name = resource_.name;
  object->provider = resource_.provider;
  if (object->managed) ++state_.managed_objects;
  return true;
}

absl::Status StateReader::SortObjects() {
  state_.by_address.resize(state_.objects.size());
  for (uint32_t i = 0; i < state_.by_address.size(); ++i) state_.by_address[i] = i;
  std::sort(state_.by_address.begin(), state_.by_address.end(), [this](uint32_t left, uint32_t right) {
    return KeyOf(state_.objects[left]) < KeyOf(state_.objects[right]);
  });
  const auto same = std::adjacent_find(state_.by_address.begin(), state_.by_address.end(),
                                       [this](uint32_t left, uint32_t right) {
                                         return KeyOf(state_.objects[left]) == KeyOf(state_.objects[right]);
                                       });
  if (same == state_.by_address.end()) return absl::OkStatus();
  return Unreadable(text::Concat(place_, ": resources"),
                    "two objects have the same address and the same deposed key");
}

absl::Status StateReader::StatusOf(const rapidjson::ParseResult& result) {
  if (result.Code() == rapidjson::kParseErrorNumberTooBig) Fail(kTooLargeNumber);
  if (result.IsError()) FailAsJson();
  source_->EndGap();
  return source_->status().ok() ? status_ : source_->status();
}

absl::StatusOr<StateFile> StateReader::FinishHead(const rapidjson::ParseResult& result) {
  if (!behind_head_) {
    if (const absl::Status status = StatusOf(result); !status.ok()) return status;
  }
  return std::move(state_);
}

absl::StatusOr<StateFile> StateReader::Finish(const rapidjson::ParseResult& result) {
  if (const absl::Status status = StatusOf(result); !status.ok()) return status;
  if (const absl::Status sorted = SortObjects(); !sorted.ok()) return sorted;
  state_.digest = DigestOf(state_, [](const StateObject& object) { return object.address; });
  return std::move(state_);
}

// Whether `stored` is a value of any type with the type beside it.
bool IsWrapped(const Value& stored) {
  if (stored.kind() != Kind::kMapping || stored.members().size() != 2) return false;
  const Value* const type = stored.Find("type");
  if (type == nullptr || stored.Find("value") == nullptr) return false;
  if (type->kind() == Kind::kString) {
    return type->text() == "string" || type->text() == "number" || type->text() == "bool";
  }
  return type->kind() == Kind::kSequence && type->elements().size() >= 2 &&
         type->elements()[0].kind() == Kind::kString;
}

// An object of the user's that only looks like a wrapped value stands in the plan just as in the state.
bool IsPlainObject(const Value& planned, const Value& stored) {
  if (planned.kind() != Kind::kMapping || planned.members().size() != 2) return false;
  const Value* const type = planned.Find("type");
  return type != nullptr && planned.Find("value") != nullptr && IsSame(*type, *stored.Find("type"));
}

}  // namespace

const StateObject* StateFile::Find(std::string_view address, std::string_view deposed) const {
  const auto key = std::tie(address, deposed);
  const auto found = std::lower_bound(
      by_address.begin(), by_address.end(), key,
      [this](uint32_t position, const auto& wanted) { return KeyOf(objects[position]) < wanted; });
  if (found == by_address.end() || KeyOf(objects[*found]) != key) return nullptr;
  return &objects[*found];
}

namespace {

rapidjson::ParseResult Parse(StateSource* source, StateReader* reader) {
  rapidjson::Reader parser;
  return parser.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseNumbersAsStringsFlag>(*source,
                                                                                              *reader);
}

}  // namespace

// A line for each object, as JSON: ["ADDRESS","DEPOSED",{ATTRIBUTES}].
std::string DigestOf(const StateFile& state, const AddressOf& address_of) {
  std::vector<std::pair<std::string_view, const StateObject*>> lines;
  lines.reserve(state.objects.size());
  for (const uint32_t position : state.by_address) {
    const StateObject& object = state.objects[position];
    if (const auto address = address_of(object)) lines.emplace_back(*address, &object);
  }
  const auto precedes = [](const auto& left, const auto& right) {
    return std::tie(left.first, left.second->deposed) < std::tie(right.first, right.second->deposed);
  };
  // Unless something counts under another address, they are in that order already.
  if (!std::is_sorted(lines.begin(), lines.end(), precedes)) std::sort(lines.begin(), lines.end(), precedes);
  digest::Sha256Hasher hasher;
  std::string line;
  for (const auto& [address, object] : lines) {
    const Value parts[] = {Value::String(address), Value::String(object->deposed), object->attributes};
    line.clear();
    WriteJson(Value::Sequence(parts), &line);
    line.push_back('\n');
    hasher.Update(line);
  }
  return hasher.Finish();
}

absl::StatusOr<StateFile> ReadState(const NextChunk& next_chunk, ValueArena* arena, const Limits& limits,
                                    std::string_view place) {
  StateSource source(next_chunk, limits, place);
  if (source.Peek() == '\xef') return Unreadable(place, "begins with a byte order mark");
  StateReader reader(arena, limits, &source, place);
  return reader.Finish(Parse(&source, &reader));
}

absl::StatusOr<StateFile> ReadStateHead(const NextChunk& next_chunk, const Limits& limits,
                                        std::string_view place) {
  StateSource source(next_chunk, limits, place);
  ValueArena arena(limits);
  StateReader reader(&arena, limits, &source, place);
  reader.StopBehindHead();
  return reader.FinishHead(Parse(&source, &reader));
}

bool IsSameAsStored(const Value& planned, const Value& stored) {
  if (IsWrapped(stored) && !IsPlainObject(planned, stored)) {
    return IsSameAsStored(planned, *stored.Find("value"));
  }
  if (planned.kind() == Kind::kString && stored.kind() == Kind::kNumber && IsNumberText(planned.text())) {
    return CanonicalNumber(planned.text()) == stored.text();
  }
  if (planned.kind() != stored.kind()) return IsSame(planned, stored);
  if (planned.kind() == Kind::kSequence) {
    const auto left = planned.elements();
    const auto right = stored.elements();
    return std::equal(left.begin(), left.end(), right.begin(), right.end(), IsSameAsStored);
  }
  if (planned.kind() != Kind::kMapping) return IsSame(planned, stored);
  const auto left = planned.members();
  const auto right = stored.members();
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](const Member& one, const Member& other) {
                      return one.name == other.name && IsSameAsStored(one.value, other.value);
                    });
}

}  // namespace countersign::terraform
