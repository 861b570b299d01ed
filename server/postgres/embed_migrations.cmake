# cmake -DOUTPUT=embedded_migrations.cc -DFILES=a.sql,b.sql -P embed_migrations.cmake
# Writes the migrations, as they are, into a C++ source.
string(REPLACE "," ";" FILES "${FILES}")
set(entries "")
foreach(file IN LISTS FILES)
  get_filename_component(name ${file} NAME)
  file(READ ${file} text)
  if(text MATCHES "\\)countersign_sql\"")
    message(FATAL_ERROR "${name} contains the end mark of the literal it is embedded in")
  endif()
  string(APPEND entries "    {\"${name}\", R\"countersign_sql(${text})countersign_sql\"},\n")
endforeach()
file(WRITE ${OUTPUT} "// Generated from migrations/.
#include <cstdio>
#include <cstdlib>

#include \"server/postgres/migrate.h\"

namespace countersign::postgres {
namespace {

struct File {
  const char* name;
  const char* text;
};

constexpr File kFiles[] = {
${entries}};

}  // namespace

const std::vector<Migration>& EmbeddedMigrations() {
  static const auto* const migrations = [] {
    auto* parsed = new std::vector<Migration>;
    for (const File& file : kFiles) {
      auto migration = ParseMigration(file.name, file.text);
      if (!migration.ok()) {  // A test parses every file, so this is never shipped.
        std::fprintf(stderr, \"%s\\n\", std::string(migration.status().message()).c_str());
        std::abort();
      }
      parsed->push_back(*std::move(migration));
    }
    return parsed;
  }();
  return *migrations;
}

}  // namespace countersign::postgres
")
