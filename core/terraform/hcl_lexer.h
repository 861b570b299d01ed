// The tokens of HCL's native syntax.
#ifndef COUNTERSIGN_CORE_TERRAFORM_HCL_LEXER_H_
#define COUNTERSIGN_CORE_TERRAFORM_HCL_LEXER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::terraform {

struct HclToken {
  enum class Kind : uint8_t {
    kEnd,
    kNewline,  // Also the one that ends a comment.
    kIdentifier,
    kNumber,
    kOperator,
    kOpen,        // { [ (
    kClose,       // } ] )
    kQuote,       // The quote that opens a template; kQuoteEnd closes it.
    kQuoteEnd,    //
    kHeredoc,     // The introducer with its newline; kHeredocEnd is the line of the marker.
    kHeredocEnd,  //
    kLiteral,  // Text of a template as it stands in the source, at most one escape or one run of plain text.
    kTemplateOpen,   // ${ or %{
    kTemplateClose,  // Its }
  };
  Kind kind = Kind::kEnd;
  std::string_view text;
  int line = 0;

  bool Is(Kind a_kind, std::string_view a_text) const { return kind == a_kind && text == a_text; }
};

// Splits one text into tokens exactly where Terraform splits it; comments and blanks are skipped. What
// Terraform would refuse for its letters (an unknown escape, a stray quote, a bracket that does not match) is
// refused; what it refuses for its grammar is for the caller to see. Borrows the text. Takes time linear in
// the length of the text. Not thread-safe.
class HclLexer {
 public:
  enum class Language : uint8_t {
    kBody,      // A file, or an expression.
    kTemplate,  // The inside of a string that was unescaped before, as in JSON.
  };

  // `max_depth` bounds how many brackets, quotes, heredocs and template sequences may be open at once.
  // `text` must be UTF-8 without NUL.
  HclLexer(std::string_view text, Language language, size_t max_depth, int first_line);

  // False when the text cannot be understood: problem() then says why, and line() where. After kEnd it
  // answers kEnd.
  bool Next(HclToken* token);

  // How many brackets, quotes, heredocs and template sequences are open after the last token.
  size_t depth() const { return open_.size(); }
  std::string_view problem() const { return problem_; }
  int line() const { return line_; }

 private:
  struct Open {
    enum class Kind : uint8_t { kBrace, kBracket, kParenthesis, kSequence, kQuote, kHeredoc, kText };
    Kind kind;
    bool at_line_start = true;  // Of kHeredoc: no part of the line has been read yet.
    std::string_view marker;    // Of kHeredoc.
  };

  bool NextInBody(HclToken* token);
  bool NextInTemplate(HclToken* token);
  bool NextInQuote(HclToken* token);
  bool NextInHeredoc(HclToken* token);
  bool SkipBlanks();
  bool TakeOperator(HclToken* token);
  bool TakeHeredocStart(HclToken* token);
  bool TakeOpening(HclToken* token, Open::Kind kind);
  bool TakeClosing(HclToken* token, Open::Kind kind);
  bool TakeSequence(HclToken* token);
  bool Finish(HclToken* token);
  bool Take(HclToken* token, HclToken::Kind kind, size_t size);
  bool Push(Open open);
  bool Fail(std::string_view problem);

  char At(size_t at) const { return at < text_.size() ? text_[at] : '\0'; }
  bool StartsWith(std::string_view prefix) const { return text_.substr(at_, prefix.size()) == prefix; }

  std::string_view text_;
  size_t at_ = 0;
  int line_;
  size_t max_depth_;
  std::vector<Open> open_;
  std::string_view problem_;
};

// Appends what a kLiteral of a quoted string or, with `quoted` false, of Language::kTemplate stands for.
// False if it is no Unicode character.
bool AppendUnescaped(std::string_view literal, bool quoted, std::string* out);

}  // namespace countersign::terraform

#endif  // COUNTERSIGN_CORE_TERRAFORM_HCL_LEXER_H_
