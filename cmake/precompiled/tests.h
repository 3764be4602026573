// What most tests include (cmake/BongsuPrecompiled.cmake).
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common.h"
