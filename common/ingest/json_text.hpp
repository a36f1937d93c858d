// Taking JSON apart without decoding it, so that numbers keep every digit. The text is known to be
// valid JSON, except of is_deeper().
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace evd::ingest {

// Whether arrays and objects lie more than `levels` deep within each other. Of any text.
bool is_deeper(std::string_view text, int levels);

// The elements of an array, as they stand; views into `array`.
std::vector<std::string_view> elements_of(std::string_view array);

struct Member {
  std::string name;        // decoded
  std::string_view value;  // as it stands
};

// The members of an object, in their order; views into `object`.
std::vector<Member> members_of(std::string_view object);

// The object with another member, which it does not have yet. `value` is JSON.
std::string with_member(std::string_view object, const std::string& name, const std::string& value);

}  // namespace evd::ingest
