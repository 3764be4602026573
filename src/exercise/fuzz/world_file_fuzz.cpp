// World files from any bytes: the first byte says which of them the rest is (the description, orders, a table beside
// it). What is taken makes a world, or it is said why not.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "exercise/range/order_file.h"
#include "exercise/range/rail/live.h"
#include "exercise/range/rail/tables.h"
#include "exercise/range/telecom/live.h"
#include "exercise/range/telecom/tables.h"
#include "exercise/range/world.h"
#include "exercise/range/world_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bongsu;
  using namespace bongsu::exercise;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 6) {
    case 0: {
      // The description; what it names is not there.
      const auto config = read_world(text, "fuzz", [](const std::string& name) -> Result<std::string> {
        return fail(ErrorCode::kNotFound, "there is no such file", {.source = name});
      });
      if (config) std::abort();  // there is no world without a grid
      return 0;
    }
    case 1: {
      const auto orders = read_orders(text, "fuzz");
      if (orders)
        for (std::size_t i = 1; i < orders->size(); ++i)
          if ((*orders)[i].at_s < (*orders)[i - 1].at_s) std::abort();
      return 0;
    }
    case 2: {
      auto network = telecom::read_tables(text, "", "x.");
      if (network && !telecom::LiveTelecom::make(std::move(*network))) std::abort();
      return 0;
    }
    case 3: {
      const std::string_view stations = "name,lat,lon\na,55,24\nb,55,25\nc,56,25\n";
      auto network = rail::read_tables({stations, text, "name,stations\nx,a;b;c\n", ""}, "x.");
      if (network) (void)rail::LiveRail::make(std::move(*network), 0);  // no segment may join them: an error, and said
      return 0;
    }
    case 4: {
      const std::string_view stations = "name,lat,lon\na,55,24\nb,55,25\nc,56,25\n", segments = "from,to\na,b\nb,c\n";
      const bool lines = size % 2 == 0;
      auto network = rail::read_tables(
          {stations, segments, lines ? text : std::string_view(), lines ? std::string_view() : text}, "x.");
      if (network && network->lines.size() + network->trains.size() < 4)
        (void)rail::LiveRail::make(std::move(*network), 0);
      return 0;
    }
    default: {
      // A table beside a grid that is good.
      const auto config = read_world(
          "name='x'\nplaces='p'\ncouplings='c'\n[power]\ncase='g'\nbuses='b'\n[telecom]\nnodes='n'\ncountry='LT'\n[["
          "centre]]\ncountry='LT'\nnode='lt.node.a'\n",
          "fuzz", [&](const std::string& name) -> Result<std::string> {
            if (name == "g")
              return "mpc.version='2';mpc.baseMVA=100;mpc.bus=[1 3 5 1 0 0 1 1 0 110 1 1.1 0.9;2 1 5 1 0 0 1 1 0 110 1 "
                     "1.1 0.9];\nmpc.gen=[1 0 0 9 -9 1 100 1 50 0];\nmpc.branch=[1 2 0.01 0.1 0 0 0 0 0 0 1];";
            if (name == "b") return "bus,country,station,lat,lon\n1,LT,a,55,24\n2,LT,b,55,24.5\n";
            if (name == "n") return "name,lat,lon\na,55,24\n";
            if (name == "p") return size % 2 == 0 ? std::string(text) : "name,country,lat,lon\nA,LT,55,24\n";
            return size % 2 == 0 ? "kind,consumer,from\n" : std::string(text);
          });
      if (config) (void)World::make(*config, 1);
      return 0;
    }
  }
}
