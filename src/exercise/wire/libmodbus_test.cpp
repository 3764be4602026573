// libmodbus, over sockets: it drives our server, and our client drives its server.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <modbus.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <map>
#include <thread>

#include "exercise/wire/local_process.h"
#include "exercise/wire/modbus/client.h"
#include "exercise/wire/modbus/server.h"
#include "net/session_loop.h"

namespace bongsu::exercise::wire::modbus {
namespace {

using namespace std::chrono_literals;

constexpr const char* kList =
    "name,kind,value,modbus,format,min,max\n"
    "c0,single,1,coil:0,,,\n"
    "c1,single,0,coil:1,,,\n"
    "d0,single,1,discrete:0,,,\n"
    "i0,scaled,-5,input:0,,,\n"
    "i1,real,50.25,input:1,f32,,\n"
    "h0,scaled,7,holding:0,i16,-100,100\n"
    "h1,real,12.5,holding:1,f32,,\n"
    "h3,bits,18,holding:3,u16,,\n";

// By hand: libmodbus 3.1.6 swaps the octets of modbus_set_float_abcd.
void put_real(float value, std::uint16_t* registers) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  registers[0] = static_cast<std::uint16_t>(bits >> 16);
  registers[1] = static_cast<std::uint16_t>(bits);
}

TEST(Libmodbus, DrivesOurServer) {
  SystemClock clock;
  const PointList list = *read_point_list(kList, "test");
  Points points(points_of(list), clock.now());
  LocalProcess process(list, points, clock);
  Server server(list, points, process, {}, clock);
  net::SessionLoop loop(clock);
  const auto port = loop.listen({}, [&](const std::string& peer) { return server.accept(peer); });
  ASSERT_TRUE(port) << port.error().text();
  std::thread thread([&] { loop.run(); });

  modbus_t* const m = modbus_new_tcp("127.0.0.1", *port);
  modbus_set_slave(m, 1);
  ASSERT_EQ(modbus_connect(m), 0) << modbus_strerror(errno);
  std::uint8_t bits[8] = {};
  std::uint16_t registers[8] = {};
  EXPECT_EQ(modbus_read_bits(m, 0, 2, bits), 2);
  EXPECT_EQ(bits[0], 1);
  EXPECT_EQ(bits[1], 0);
  EXPECT_EQ(modbus_read_input_bits(m, 0, 1, bits), 1);
  EXPECT_EQ(bits[0], 1);
  EXPECT_EQ(modbus_read_input_registers(m, 0, 3, registers), 3);
  EXPECT_EQ(registers[0], 0xFFFB);
  EXPECT_EQ(modbus_get_float_abcd(registers + 1), 50.25F);
  EXPECT_EQ(modbus_read_registers(m, 0, 4, registers), 4);
  EXPECT_EQ(registers[0], 7);
  EXPECT_EQ(modbus_get_float_abcd(registers + 1), 12.5F);
  EXPECT_EQ(modbus_write_bit(m, 1, 1), 1);
  const std::uint8_t two[] = {0, 1};
  EXPECT_EQ(modbus_write_bits(m, 0, 2, two), 2);
  EXPECT_EQ(modbus_read_bits(m, 0, 2, bits), 2);
  EXPECT_EQ(bits[0], 0);
  EXPECT_EQ(bits[1], 1);
  EXPECT_EQ(modbus_write_register(m, 0, 99), 1);
  put_real(-3.5F, registers);
  EXPECT_EQ(modbus_write_registers(m, 1, 2, registers), 2);
  EXPECT_EQ(modbus_mask_write_register(m, 3, 0xF2, 0x25), 1);
  const std::uint16_t value[] = {42};
  EXPECT_EQ(modbus_write_and_read_registers(m, 0, 1, value, 0, 4, registers), 4);
  EXPECT_EQ(registers[0], 42);
  EXPECT_EQ(modbus_get_float_abcd(registers + 1), -3.5F);
  EXPECT_EQ(registers[3], 0x17);
  // Exceptions arrive as what they are.
  EXPECT_EQ(modbus_read_registers(m, 100, 1, registers), -1);
  EXPECT_EQ(errno, EMBXILADD);
  EXPECT_EQ(modbus_write_register(m, 0, 101), -1);
  EXPECT_EQ(errno, EMBXILVAL);
  EXPECT_EQ(modbus_report_slave_id(m, 8, bits), -1);
  EXPECT_EQ(errno, EMBXILFUN);
  modbus_close(m);
  modbus_free(m);
  loop.stop();
  thread.join();
  EXPECT_EQ(points.read(5).value, 42);
  EXPECT_EQ(points.read(6).value, -3.5);
}

TEST(Libmodbus, IsDrivenByOurClient) {
  modbus_t* const m = modbus_new_tcp("127.0.0.1", 0);
  // A port of our own choosing: libmodbus can't say which one it got.
  const int listening = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listening, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listening, 1), 0);
  ASSERT_EQ(::getsockname(listening, reinterpret_cast<sockaddr*>(&address), &size), 0);
  modbus_mapping_t* const map = modbus_mapping_new(2, 1, 4, 3);
  map->tab_bits[0] = 1;
  map->tab_input_bits[0] = 1;
  map->tab_input_registers[0] = 0xFFFB;
  put_real(50.25F, map->tab_input_registers + 1);
  map->tab_registers[0] = 7;
  put_real(12.5F, map->tab_registers + 1);
  map->tab_registers[3] = 18;
  std::thread thread([&] {
    int socket = listening;
    if (modbus_tcp_accept(m, &socket) < 0) return;
    std::uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
    for (int length; (length = modbus_receive(m, query)) >= 0;)
      if (length > 0) modbus_reply(m, query, length, map);
  });

  SystemClock clock;
  const PointList list = *read_point_list(kList, "test");
  std::map<std::string, double> values;
  std::vector<std::optional<Exception>> written;
  std::unique_ptr<net::SessionLoop> loop = std::make_unique<net::SessionLoop>(clock);
  Client* client = nullptr;
  const auto connected = loop->connect(
      {.host = "127.0.0.1", .port = ntohs(address.sin_port)},
      [&](const std::string&) {
        auto made = std::make_unique<Client>(
            list, ClientSettings{.poll = 20ms}, clock,
            ClientEvents{.on_value = [&](std::size_t point, double value) { values[list[point].point.name] = value; },
                         .on_round =
                             [&] {
                               if (client->rounds() == 1) {
                                 EXPECT_TRUE(client->write(1, 1));
                                 EXPECT_TRUE(client->write(5, -9));
                                 EXPECT_TRUE(client->write(6, 2.25));
                               } else if (written.size() == 3) {
                                 loop->stop();
                               }
                             },
                         .on_written = [&](std::uint64_t, std::optional<Exception> e) { written.push_back(e); },
                         .on_notice = [](const std::string& what) { ADD_FAILURE() << what; }});
        client = made.get();
        return made;
      },
      [&](const std::string&, const Error& why) {
        if (why.code == ErrorCode::kCancelled) return;
        ADD_FAILURE() << why.text();
        loop->stop();
      });
  ASSERT_TRUE(connected) << connected.error().text();
  loop->run();
  loop.reset();
  thread.join();
  EXPECT_EQ(values,
            (std::map<std::string, double>{
                {"c0", 1}, {"c1", 1}, {"d0", 1}, {"i0", -5}, {"i1", 50.25}, {"h0", -9}, {"h1", 2.25}, {"h3", 18}}));
  EXPECT_EQ(written, (std::vector<std::optional<Exception>>(3)));
  EXPECT_EQ(map->tab_bits[1], 1);
  EXPECT_EQ(map->tab_registers[0], 0xFFF7);
  EXPECT_EQ(modbus_get_float_abcd(map->tab_registers + 1), 2.25F);
  modbus_close(m);
  modbus_free(m);
  modbus_mapping_free(map);
  ::close(listening);
}

}  // namespace
}  // namespace bongsu::exercise::wire::modbus
