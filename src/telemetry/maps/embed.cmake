# cmake -DOUT=FILE -DDOCUMENTS=a.toml;b.toml -P embed.cmake: the documents as C++ (telemetry/field_map_document.h).
set(rows "")
foreach(document ${DOCUMENTS})
  get_filename_component(name ${document} NAME)
  file(READ ${document} text)
  # A literal is at most 64 KiB in some compilers: one for each 8,000 bytes.
  string(LENGTH "${text}" length)
  set(literals "")
  set(at 0)
  while(at LESS length)
    string(SUBSTRING "${text}" ${at} 8000 part)
    string(APPEND literals "R\"map(${part})map\"\n")
    math(EXPR at "${at} + 8000")
  endwhile()
  string(APPEND rows "    {\"${name}\", ${literals}},\n")
endforeach()
file(WRITE ${OUT} "#include \"telemetry/field_map_document.h\"

namespace bongsu::telemetry {
namespace {

constexpr EmbeddedMap kMaps[] = {
${rows}};

}  // namespace

std::span<const EmbeddedMap> embedded_maps() { return kMaps; }

}  // namespace bongsu::telemetry
")
