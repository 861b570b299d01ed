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
  Reader(std::string_view text, int depth, ShellText* out) : text_(text), depth_(depth), out_(out) {}

  void Read() {
    while (at_ < text_.size()) ReadOne();
    EndCommand();
  }

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
    if (depth_ < kMaxDepth) Reader(text_.substr(begin, end - begin), depth_ + 1, out_).Read();
    at_ = std::min(end + 1, text_.size());
  }

  void SkipComment() {
    const size_t end = text_.find('\n', at_);
    at_ = end == std::string_view::npos ? text_.size() : end;
  }

  void EndWord() {
    if (in_word_) words_.push_back(std::move(word_));
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
  ShellText* const out_;
  size_t at_ = 0;
  std::string word_;
  bool in_word_ = false;
  std::vector<std::string> words_;
};

}  // namespace

ShellText ReadShellText(std::string_view text) {
  ShellText read;
  Reader(text, 0, &read).Read();
  return read;
}

}  // namespace countersign::finding
