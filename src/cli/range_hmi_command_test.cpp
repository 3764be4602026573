#include "cli/range_hmi_command.h"

#include <gtest/gtest.h>

#include <thread>

#include "cli/command_test_support.h"
#include "cli/terminal.h"
#include "exercise/wire/local_process.h"
#include "exercise/wire/modbus/server.h"
#include "net/session_loop.h"

namespace bongsu::cli {
namespace {

using namespace exercise::wire;

class RangeHmiTest : public CommandTest {};

// The connection is there when the command is refused, and ends with the program: what it tells then must still have
// somebody to tell.
TEST_F(RangeHmiTest, ARefusedModbusCommandEndsItAndItsConnectionInOrder) {
  const std::string text = "name,kind,value,modbus\nu1,real,1,input:0\n";
  const PointList list = read_point_list(text, "points").value();
  SystemClock clock;
  Points points(points_of(list), clock.now());
  LocalProcess process(list, points, clock);
  modbus::Server server(list, points, process, {}, clock);
  net::SessionLoop loop(clock);
  const auto port = loop.listen({}, [&](const std::string& peer) { return server.accept(peer); });
  ASSERT_TRUE(port) << port.error().text();
  std::thread station([&] { loop.run(); });
  std::FILE* out = std::tmpfile();
  const int status = run_range_hmi({.points = file("points.csv", text),
                                    .modbus = "127.0.0.1:" + std::to_string(*port),
                                    .record = "",
                                    .commands = {"nosuch=1"},
                                    .once = true,
                                    .json = true,
                                    .input = false},
                                   out);
  loop.stop();
  station.join();
  loop.close_all();
  const std::string said = written(out);
  EXPECT_EQ(status, kExitTrouble);
  const auto connected = said.find("\"connected\""), ended = said.find("\"disconnected\"");
  EXPECT_NE(connected, std::string::npos) << said;
  EXPECT_NE(ended, std::string::npos) << said;
  EXPECT_LT(connected, ended);
}

}  // namespace
}  // namespace bongsu::cli
