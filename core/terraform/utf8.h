#ifndef COUNTERSIGN_CORE_TERRAFORM_UTF8_H_
#define COUNTERSIGN_CORE_TERRAFORM_UTF8_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace countersign::terraform {

// Where the first byte stands that is not part of a well-formed character (RFC 3629: no overlong form, no
// surrogate, nothing above U+10FFFF); npos when there is none.
size_t FirstInvalidUtf8(std::string_view text);

// False, and nothing appended, when `code` is a surrogate or above U+10FFFF.
bool AppendUtf8(uint32_t code, std::string* out);

// Whether an ASCII control character is in it.
bool HasControlCharacters(std::string_view text);

// Without the characters that Unicode calls white space at both ends. `text` must be UTF-8.
std::string_view TrimUnicodeSpace(std::string_view text);

}  // namespace countersign::terraform

#endif  // COUNTERSIGN_CORE_TERRAFORM_UTF8_H_
