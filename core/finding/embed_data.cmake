# cmake -DOUTPUT=embedded_data.cc -DDIRECTORY=data -P embed_data.cmake
# Writes the data tables, as they are, into a C++ source.
set(functions "")
foreach(pair "ResourceTypesText=resource_types.json" "AccessRulesText=access_rules.json"
             "CommandsText=commands.json")
  string(REPLACE "=" ";" pair "${pair}")
  list(GET pair 0 function)
  list(GET pair 1 file)
  file(READ ${DIRECTORY}/${file} text)
  if(text MATCHES "\\)countersign_data\"")
    message(FATAL_ERROR "${file} contains the end mark of the literal it is embedded in")
  endif()
  string(APPEND functions
         "std::string_view ${function}() {\n  return R\"countersign_data(${text})countersign_data\";\n}\n\n")
endforeach()
file(WRITE ${OUTPUT} "// Generated from core/finding/data/.
#include \"core/finding/embedded_data.h\"

// Every compiler that is used here takes them.
#pragma GCC diagnostic ignored \"-Woverlength-strings\"

namespace countersign::finding {

${functions}}  // namespace countersign::finding
")
