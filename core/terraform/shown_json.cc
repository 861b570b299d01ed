#include "core/terraform/shown_json.h"

#include <utility>

#include "core/text/utf8.h"

namespace countersign::terraform {
namespace {

using Kind = Value::Kind;

class Writer {
 public:
  explicit Writer(size_t most_bytes) : most_bytes_(most_bytes) {}

  void Write(const Value& value, const Mask::Cursor& cursor);
  ShownJson Finish();

 private:
  bool IsFull() const { return text_.size() > most_bytes_; }
  void WriteText(std::string_view text);
  void WriteSequence(const Value& value, const Mask::Cursor& cursor);
  void WriteMapping(const Value& value, const Mask::Cursor& cursor);

  const size_t most_bytes_;
  std::string text_;
};

// Escapes only make a text longer, so what lies beyond the limit is not needed.
void Writer::WriteText(std::string_view text) {
  if (!IsFull()) WriteJson(Value::String(text.substr(0, most_bytes_ - text_.size() + 1)), &text_);
}

void Writer::Write(const Value& value, const Mask::Cursor& cursor) {
  if (IsFull()) return;
  if (cursor.Hides(value)) return WriteText(kHidden);
  switch (value.kind()) {
    case Kind::kString:
      return WriteText(value.text());
    case Kind::kNumber:
      text_.append(value.text().substr(0, most_bytes_ - text_.size() + 1));
      return;
    case Kind::kSequence:
      return WriteSequence(value, cursor);
    case Kind::kMapping:
      return WriteMapping(value, cursor);
    case Kind::kNull:
    case Kind::kUnknown:
    case Kind::kBoolean:
      return WriteJson(value, &text_);
  }
}

void Writer::WriteSequence(const Value& value, const Mask::Cursor& cursor) {
  text_.push_back('[');
  std::string_view separator;
  for (size_t i = 0; i < value.elements().size() && !IsFull(); ++i) {
    text_.append(std::exchange(separator, ","));
    Write(value.elements()[i], cursor.Element(i));
  }
  text_.push_back(']');
}

void Writer::WriteMapping(const Value& value, const Mask::Cursor& cursor) {
  text_.push_back('{');
  std::string_view separator;
  for (const Member& member : value.members()) {
    if (IsFull()) break;
    text_.append(std::exchange(separator, ","));
    WriteText(member.name);
    text_.push_back(':');
    Write(member.value, cursor.Member(member.name, value, Value()));
  }
  text_.push_back('}');
}

ShownJson Writer::Finish() {
  ShownJson shown;
  shown.cut = IsFull();
  shown.text = std::string(text::CutText(text_, most_bytes_));
  return shown;
}

}  // namespace

ShownJson ShowJson(const Value& value, const Mask::Cursor& cursor, size_t most_bytes) {
  Writer writer(most_bytes);
  writer.Write(value, cursor);
  return writer.Finish();
}

}  // namespace countersign::terraform
