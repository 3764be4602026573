#include "policy/redact_test_support.h"

#include <optional>
#include <vector>

namespace bongsu::policy::test {
namespace {

std::vector<std::string> split(const std::string& selector) {
  std::vector<std::string> out(1);
  for (const char c : selector) {
    if (c == '.')
      out.emplace_back();
    else
      out.back() += c;
  }
  return out;
}

std::string glue(const std::vector<std::string>& parts) {
  std::string out;
  for (const auto& part : parts) out += (out.empty() ? "" : ".") + part;
  return out;
}

std::size_t number(const std::string& part) { return std::stoul(part.substr(1)); }

Json* go(Json& at, const std::vector<std::string>& path, std::size_t steps) {
  Json* here = &at;
  for (std::size_t i = 0; i < steps; ++i)
    here = path[i][0] == '[' ? &here->as_array().at(number(path[i])) : &here->as_object().at(path[i]);
  return here;
}

// What a selector is called when `gone` was taken out; nullopt: it went, too.
std::optional<std::string> after(const std::string& selector, const std::vector<std::string>& gone) {
  std::vector<std::string> path = split(selector);
  if (path.size() < gone.size()) return selector;
  for (std::size_t i = 0; i + 1 < gone.size(); ++i)
    if (path[i] != gone[i]) return selector;
  std::string& last = path[gone.size() - 1];
  if (last == gone.back()) return std::nullopt;
  if (gone.back()[0] == '[' && last[0] == '[' && number(last) > number(gone.back()))
    last = "[" + std::to_string(number(last) - 1) + "]";
  return glue(path);
}

}  // namespace

Json without(Json object, std::set<std::string> selectors) {
  while (!selectors.empty()) {
    std::vector<std::string> path = split(*selectors.begin());
    for (;;) {
      Json* parent = go(object, path, path.size() - 1);
      if (path.back()[0] == '[')
        parent->as_array().erase(parent->as_array().begin() + static_cast<std::ptrdiff_t>(number(path.back())));
      else
        parent->as_object().erase(path.back());
      std::set<std::string> renamed;
      for (const auto& selector : selectors)
        if (const auto to = after(selector, path)) renamed.insert(*to);
      selectors = std::move(renamed);
      if (auto* markings = object.as_object().if_contains("granular_markings")) {
        JsonArray kept;
        for (Json& entry : markings->as_array()) {
          JsonArray rest;
          for (const Json& selector : entry.at("selectors").as_array())
            if (const auto to = after(std::string(selector.as_string()), path)) rest.emplace_back(*to);
          if (rest.empty()) continue;
          entry.as_object()["selectors"] = std::move(rest);
          kept.push_back(entry);
        }
        if (kept.empty())
          object.as_object().erase("granular_markings");
        else
          *markings = std::move(kept);
      }
      parent = go(object, path, path.size() - 1);
      const bool empty = parent->is_array() ? parent->as_array().empty() : parent->as_object().empty();
      if (!empty || path.size() == 1) break;
      path.pop_back();
    }
  }
  return object;
}

bool shows(const std::string& value, const std::string& in) {
  const auto word = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  for (std::size_t at = in.find(value); at != in.npos; at = in.find(value, at + 1)) {
    const bool alone =
        (at == 0 || !word(in[at - 1])) && (at + value.size() == in.size() || !word(in[at + value.size()]));
    if (value.size() >= 4 || alone) return true;
  }
  return false;
}

}  // namespace bongsu::policy::test
