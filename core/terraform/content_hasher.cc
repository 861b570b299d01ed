#include "core/terraform/content_hasher.h"

#include <cstddef>

namespace countersign::terraform {
namespace {

using Kind = Value::Kind;

constexpr size_t kBufferBytes = 4096;

// Of SHA-256.
constexpr size_t kBlockBytes = 64;
constexpr char kInnerPad = 0x36;
constexpr char kOuterPad = 0x5c;

// Whether a text is a number in the one form that numbers have here. Long ones are not worth the time.
bool SpellsNumber(std::string_view text) {
  constexpr size_t kMostBytes = 64;
  return text.size() <= kMostBytes && IsNumberText(text) && CanonicalNumber(text) == text;
}

std::string Padded(std::string key, char pad) {
  key.resize(kBlockBytes, '\0');
  for (char& byte : key) byte = static_cast<char>(byte ^ pad);
  return key;
}

}  // namespace

void ContentHasher::Write(char tag, std::string_view text) {
  buffer_.push_back(tag);
  for (size_t size = text.size(), i = 0; i < sizeof(uint64_t); ++i, size >>= 8) {
    buffer_.push_back(static_cast<char>(size & 0xff));
  }
  if (text.size() > kBufferBytes) {
    Flush();
    hasher_.Update(text);
  } else {
    buffer_.append(text);
  }
  if (buffer_.size() > kBufferBytes) Flush();
}

void ContentHasher::Flush() {
  hasher_.Update(buffer_);
  buffer_.clear();
}

void ContentHasher::Add(std::string_view text) { Write('t', text); }

void ContentHasher::Add(uint64_t number) { Write('i', std::to_string(number)); }

void ContentHasher::AddLeaf(const Value& value) {
  switch (value.kind()) {
    case Kind::kNull:
      return Write('z', {});
    case Kind::kUnknown:
      return Write('u', {});
    case Kind::kBoolean:
      return Write('b', value.boolean() ? "1" : "0");
    case Kind::kNumber:
      return Write('n', value.text());
    case Kind::kString:
      return Write(SpellsNumber(value.text()) ? 'n' : 's', value.text());
    case Kind::kSequence:
      return Write('l', std::to_string(value.elements().size()));
    case Kind::kMapping:
      return Write('m', std::to_string(value.members().size()));
  }
}

void ContentHasher::Add(const Value& value) {
  AddLeaf(value);
  if (value.kind() == Kind::kSequence) {
    for (const Value& element : value.elements()) Add(element);
  } else if (value.kind() == Kind::kMapping) {
    for (const Member& member : value.members()) {
      Add(member.name);
      Add(member.value);
    }
  }
}

void ContentHasher::AddShown(const Value& value, const Mask::Cursor& cursor) {
  if (cursor.Hides(value)) return Write('h', {});
  AddLeaf(value);
  if (value.kind() == Kind::kSequence) {
    size_t index = 0;
    for (const Value& element : value.elements()) AddShown(element, cursor.Element(index++));
  } else if (value.kind() == Kind::kMapping) {
    for (const Member& member : value.members()) {
      Add(member.name);
      AddShown(member.value, cursor.Member(member.name, value, Value()));
    }
  }
}

std::string ContentHasher::Finish() {
  Flush();
  return hasher_.Finish();
}

SaltedDigest::SaltedDigest(std::string_view salt) {
  const std::string key = salt.size() > kBlockBytes ? digest::Sha256Bytes(salt) : std::string(salt);
  inner_ = Padded(key, kInnerPad);
  outer_ = Padded(key, kOuterPad);
}

std::string SaltedDigest::Of(std::string_view content) const {
  return digest::Sha256(outer_ + digest::Sha256Bytes(inner_ + std::string(content)));
}

std::string SaltedDigest::Of(const Value& value) const {
  ContentHasher hasher("countersign masked value 1");
  hasher.Add(value);
  return Of(hasher.Finish());
}

}  // namespace countersign::terraform
