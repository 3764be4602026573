#include "formats/zip.h"

#include <fmt/format.h>
#include <zip.h>

#include <memory>

namespace bongsu::formats {
namespace {

struct Discard {
  void operator()(zip_t* archive) const { zip_discard(archive); }
  void operator()(zip_source_t* source) const { zip_source_free(source); }
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};

std::string said(zip_error_t& error) {
  std::string text = zip_error_strerror(&error);
  zip_error_fini(&error);
  return text;
}

}  // namespace

Result<ZipFiles> read_zip(std::string_view bytes, const std::string& source) {
  const auto refuse = [&](ErrorCode code, std::string why, std::string field = {}) {
    return fail(code, std::move(why), {.source = source, .field = std::move(field)});
  };
  if (bytes.size() > kMaxZipBytes)
    return refuse(ErrorCode::kTooLarge, fmt::format("at most {} bytes of an archive are read", kMaxZipBytes));
  zip_error_t error;
  zip_error_init(&error);
  std::unique_ptr<zip_source_t, Discard> from(zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error));
  std::unique_ptr<zip_t, Discard> archive(from ? zip_open_from_source(from.get(), ZIP_RDONLY, &error) : nullptr);
  if (!archive) return refuse(ErrorCode::kInvalid, "no zip archive: " + said(error));
  static_cast<void>(from.release());  // the archive's
  zip_error_fini(&error);
  const zip_int64_t count = zip_get_num_entries(archive.get(), 0);
  if (count > static_cast<zip_int64_t>(kMaxZipFiles))
    return refuse(ErrorCode::kTooLarge, fmt::format("more than {} files", kMaxZipFiles));
  ZipFiles out;
  std::size_t unpacked = 0;
  for (zip_uint64_t i = 0; i < static_cast<zip_uint64_t>(count); ++i) {
    const char* name = zip_get_name(archive.get(), i, 0);
    if (name == nullptr) return refuse(ErrorCode::kInvalid, fmt::format("file {} has no name", i));
    const auto [at, fresh] = out.emplace(name, "");
    if (!fresh) return refuse(ErrorCode::kInvalid, "two files have this name", name);
    const std::unique_ptr<zip_file_t, Discard> file(zip_fopen_index(archive.get(), i, 0));
    if (!file)
      return refuse(ErrorCode::kInvalid, std::string("cannot be unpacked: ") + zip_strerror(archive.get()), name);
    char buffer[16 * 1024];
    while (true) {
      const zip_int64_t got = zip_fread(file.get(), buffer, sizeof buffer);
      if (got < 0)
        return refuse(ErrorCode::kInvalid, std::string("cannot be unpacked: ") + zip_file_strerror(file.get()), name);
      if (got == 0) break;
      unpacked += static_cast<std::size_t>(got);
      if (unpacked > kMaxUnpackedBytes)
        return refuse(ErrorCode::kTooLarge, fmt::format("it unpacks to more than {} bytes", kMaxUnpackedBytes), name);
      at->second.append(buffer, static_cast<std::size_t>(got));
    }
  }
  return out;
}

Result<std::string> write_zip(const ZipFiles& files) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* into = zip_source_buffer_create(nullptr, 0, 0, &error);
  if (into == nullptr) return fail(ErrorCode::kInternal, "no archive: " + said(error));
  zip_source_keep(into);  // the archive frees its own hold when it is closed
  const std::unique_ptr<zip_source_t, Discard> kept(into);
  std::unique_ptr<zip_t, Discard> archive(zip_open_from_source(into, ZIP_TRUNCATE, &error));
  if (!archive) {
    zip_source_free(into);
    return fail(ErrorCode::kInternal, "no archive: " + said(error));
  }
  for (const auto& [name, content] : files) {
    zip_source_t* part = zip_source_buffer(archive.get(), content.data(), content.size(), 0);
    const zip_int64_t index = part == nullptr ? -1 : zip_file_add(archive.get(), name.c_str(), part, ZIP_FL_ENC_UTF_8);
    if (index < 0) {
      zip_source_free(part);
      return fail(ErrorCode::kInternal, std::string("no archive: ") + zip_strerror(archive.get()), {.field = name});
    }
    zip_file_set_dostime(archive.get(), static_cast<zip_uint64_t>(index), 0, 0x21, 0);  // 1980-01-01, the earliest
  }
  if (zip_close(archive.get()) != 0)
    return fail(ErrorCode::kInternal, std::string("no archive: ") + zip_strerror(archive.get()));
  static_cast<void>(archive.release());  // closing freed it
  std::string out;
  if (zip_source_open(into) != 0) return fail(ErrorCode::kInternal, "the archive cannot be read back");
  char buffer[16 * 1024];
  zip_int64_t got = 0;
  while ((got = zip_source_read(into, buffer, sizeof buffer)) > 0) out.append(buffer, static_cast<std::size_t>(got));
  zip_source_close(into);
  if (got < 0) return fail(ErrorCode::kInternal, "the archive cannot be read back");
  return out;
}

}  // namespace bongsu::formats
