// What personal data is due when, on the admin socket.
#include "node/admin_api.h"
#include "node/retention_desk.h"

namespace bongsu::node {

AdminApi::Answer AdminApi::retention(const Call&) {
  // A running node's thread follows; here everything is read first, and nothing is erased by asking.
  if (!hooks_.extend_status)
    for (bool more = true; more;) {
      BONGSU_TRY(more, core_.retention->follow());
    }
  BONGSU_TRY(const auto report, core_.retention->report());
  return net::Response::json(200, to_text(RetentionDesk::json(report)));
}

}  // namespace bongsu::node
