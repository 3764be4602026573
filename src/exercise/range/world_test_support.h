// The sample world, and that of the shared data where it is there.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "exercise/range/power/case_test_support.h"
#include "exercise/range/world.h"
#include "exercise/range/world_file.h"

namespace bongsu::exercise {

inline Result<WorldConfig> read_world_at(const std::string& path, const std::string& data = "") {
  const std::filesystem::path dir = std::filesystem::path(path).parent_path();
  return read_world(power::text_of(path), path, [&](const std::string& name) -> Result<std::string> {
    for (const std::filesystem::path& at : {dir / name, std::filesystem::path(data) / name})
      if (std::filesystem::exists(at)) return power::text_of(at.string());
    return fail(ErrorCode::kNotFound, "there is no such file", {.source = name});
  });
}

inline WorldConfig sample_world() {
  auto config = read_world_at(source_dir() + "/samples/exercise/world-sample/world.toml");
  EXPECT_TRUE(config) << config.error().text();
  return config ? *config : WorldConfig{};
}

inline World live_world(WorldConfig config, std::uint64_t seed = 7) {
  auto world = World::make(std::move(config), seed);
  if (!world) ADD_FAILURE() << world.error().text();
  BONGSU_CHECK(world.has_value());
  return std::move(*world);
}

}  // namespace bongsu::exercise
