#include "core/finding/shell_text.h"

#include <algorithm>
#include <array>
#include <utility>

namespace countersign::finding {
namespace {

constexpr int kMaxDepth = 8;

// Words of the language after which a command begins, and those that are none by themselves.
constexpr std::array<std::string_view, 9> kBefore = {"if",    "then",  "elif", "else", "do",
                                                     "while", "until", "!",    "{"};
constexpr std::array<std::string_view, 8> kAlone = {"fi", "done", "esac", "}", "for", "case", "select", "in"};

template <size_t kSize>
bool Contains(const std::array<std::string_view, kSize>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

class Reader {
 public:
  // `ansi`: $'...' is a quotation in which a backslash escapes, as in bash, and not a dollar before '...'.
  Reader(std::string_view text, int depth, bool ansi, ShellText* out)
      : text_(text), depth_(depth), ansi_(ansi), out_(out) {}

  void Read() {
    while (at_ < text_.size()) ReadOne();
    EndCommand();
  }

  bool met_ansi() const { return met_ansi_; }

 private:
  char Here() const { return text_[at_]; }

  void ReadOne() {
    switch (Here()) {
      case '\'':
        return ReadSingleQuoted();
      case '"':
        return ReadDoubleQuoted();
      case '\\':
        return ReadEscape();
      case '$':
        if (at_ + 1 < text_.size() && text_[at_ + 1] == '\'') {
          met_ansi_ = true;
          if (ansi_) return ReadAnsiQuoted();
        }
        return ReadExpansion();
      case '`':
        return ReadExpansion();
      case '#':
        if (!in_word_) return SkipComment();
        break;
      case '<':
      case '>':
        out_->expands = true;
        EndWord();
        ++at_;
        return;
      case ' ':
      case '\t':
        EndWord();
        ++at_;
        return;
      case '\n':
      case '\r':
      case ';':
      case '&':
      case '|':
      case '(':
      case ')':
        EndCommand();
        ++at_;
        return;
      default:
        break;
    }
    bare_.push_back(Here());
    Take(Here());
    ++at_;
  }

  void Take(char c) {
    in_word_ = true;
    word_.push_back(c);
  }

  void ReadSingleQuoted() {
    const size_t end = text_.find('\'', at_ + 1);
    in_word_ = true;
    if (end == std::string_view::npos) out_->expands = true;
    const std::string_view inside =
        text_.substr(at_ + 1, end == std::string_view::npos ? end : end - at_ - 1);
    word_.append(inside);
    at_ = end == std::string_view::npos ? text_.size() : end + 1;
  }

  void ReadDoubleQuoted() {
    in_word_ = true;
    ++at_;
    while (at_ < text_.size() && Here() != '"') {
      if (Here() == '\\') {
        // Stays before what it does not escape here.
        const bool escapes = at_ + 1 < text_.size() &&
                             std::string_view("$`\"\\\n").find(text_[at_ + 1]) != std::string_view::npos;
        if (!escapes) Take('\\');
        ReadEscape();
      } else if (Here() == '$' || Here() == '`') {
        ReadExpansion();
      } else {
        Take(Here());
        ++at_;
      }
    }
    if (at_ == text_.size()) out_->expands = true;
    ++at_;
  }

  void ReadEscape() {
    ++at_;
    if (at_ >= text_.size()) return;
    if (Here() != '\n') Take(Here());
    ++at_;
  }

  // `...`, $(...), and whatever else a dollar begins. The word goes on after it, without what it stands for.
  void ReadExpansion() {
    out_->expands = true;
    in_word_ = true;
    if (Here() == '`') {
      const size_t end = text_.find('`', at_ + 1);
      return ReadInside(at_ + 1, end == std::string_view::npos ? text_.size() : end);
    }
    if (at_ + 1 < text_.size() && text_[at_ + 1] == '(')
      return ReadInside(at_ + 2, EndOfParentheses(at_ + 2));
    Take('$');
    ++at_;
  }

  // $'...'. What its escapes stand for is not told apart: a word with one is a word that is not known.
  void ReadAnsiQuoted() {
    out_->expands = true;
    in_word_ = true;
    for (at_ += 2; at_ < text_.size() && Here() != '\''; ++at_) {
      if (Here() == '\\') {
        Take('$');
        if (++at_ == text_.size()) return;
      }
      Take(Here());
    }
    ++at_;
  }

  // Quotes within are not looked at: at worst too much is read.
  size_t EndOfParentheses(size_t from) const {
    int open = 1;
    for (size_t i = from; i < text_.size(); ++i) {
      if (text_[i] == '(') ++open;
      if (text_[i] == ')' && --open == 0) return i;
    }
    return text_.size();
  }

  void ReadInside(size_t begin, size_t end) {
    if (depth_ < kMaxDepth) {
      Reader inside(text_.substr(begin, end - begin), depth_ + 1, ansi_, out_);
      inside.Read();
      met_ansi_ |= inside.met_ansi_;
    }
    const size_t after = std::min(end + 1, text_.size());
    word_.append(text_.substr(at_, after - at_));
    at_ = after;
  }

  void SkipComment() {
    const size_t end = text_.find('\n', at_);
    at_ = end == std::string_view::npos ? text_.size() : end;
  }

  void EndWord() {
    if (HoldsExpansion(bare_)) out_->expands = true;
    if (in_word_) words_.push_back(std::move(word_));
    bare_.clear();
    word_.clear();
    in_word_ = false;
  }

  void EndCommand() {
    EndWord();
    const auto first = std::find_if(words_.begin(), words_.end(),
                                    [](const std::string& word) { return !Contains(kBefore, word); });
    words_.erase(words_.begin(), first);
    if (!words_.empty() && !Contains(kAlone, words_.front())) out_->commands.push_back(std::move(words_));
    words_.clear();
  }

  const std::string_view text_;
  const int depth_;
  const bool ansi_;
  ShellText* const out_;
  size_t at_ = 0;
  std::string word_;
  std::string bare_;  // What of the word is not quoted.
  bool in_word_ = false;
  bool met_ansi_ = false;
  std::vector<std::string> words_;
};

}  // namespace

ShellText ReadShellText(std::string_view text) {
  ShellText read;
  Reader reader(text, 0, true, &read);
  reader.Read();
  if (reader.met_ansi()) {
    read.ambiguous = true;
    Reader(text, 0, false, &read).Read();
  }
  return read;
}

bool HoldsExpansion(std::string_view word) {
  if (word.find_first_of("$`*?") != std::string_view::npos) return true;
  const size_t bracket = word.find('[');
  if (bracket != std::string_view::npos && word.find(']', bracket) != std::string_view::npos) return true;
  const size_t brace = word.find('{');
  if (brace == std::string_view::npos || word.find('}', brace) == std::string_view::npos) return false;
  return word.find(',', brace) != std::string_view::npos || word.find("..", brace) != std::string_view::npos;
}

}  // namespace countersign::finding
