// Bodies of a JSON API that pages ask: what comes in, what goes out, and errors with the status of their kind.
//
//   BONGSU_TRY(const Json body, json_body(request));
//   return answer(201, JsonObject{{"id", id}});
//   return error_answer(error);                  // {"error": {"code", "message", "field"}}
#pragma once

#include "base/json.h"
#include "base/result.h"
#include "net/http.h"

namespace bongsu::api::console {

// An object. kUnsupported: not application/json; kTooLarge beyond kConsoleMaxBodyBytes (console_api.h).
Result<Json> json_body(const net::Request& request);
net::Response answer(int status, const Json& body);  // not to be stored by caches
net::Response error_answer(const Error& error);

}  // namespace bongsu::api::console
