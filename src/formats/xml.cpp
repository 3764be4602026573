#include "formats/xml.h"

#include <fmt/format.h>
#include <libxml/parser.h>
#include <libxml/tree.h>

#include <algorithm>
#include <memory>

#include "base/text.h"
#include "formats/utf8.h"

namespace bongsu::formats {
namespace {

struct FreeContext {
  void operator()(xmlParserCtxt* context) const { xmlFreeParserCtxt(context); }
};
struct FreeDocument {
  void operator()(xmlDoc* document) const { xmlFreeDoc(document); }
};

std::string_view view(const xmlChar* text) {
  return text == nullptr ? std::string_view() : std::string_view(reinterpret_cast<const char*>(text));
}

void ignore(void*, const char*, ...) {}
void ignore_structured(void*, xmlError*) {}

class Reader {
 public:
  explicit Reader(std::string_view source) : source_(source) {}

  Result<XmlElement> element(const xmlNode* node, int depth) {
    const auto line = static_cast<std::uint64_t>(xmlGetLineNo(node));
    if (depth > kMaxXmlDepth)
      return refuse(ErrorCode::kTooLarge, fmt::format("more than {} levels", kMaxXmlDepth), line);
    if (++elements_ > kMaxXmlElements)
      return refuse(ErrorCode::kTooLarge, fmt::format("more than {} elements", kMaxXmlElements), line);
    XmlElement out;
    out.name = view(node->name);
    if (node->ns != nullptr) out.ns = view(node->ns->href);
    out.line = line;
    for (const xmlAttr* attribute = node->properties; attribute != nullptr; attribute = attribute->next) {
      XmlAttribute& made = out.attributes.emplace_back();
      made.name = view(attribute->name);
      if (attribute->ns != nullptr) made.ns = view(attribute->ns->href);
      for (const xmlNode* part = attribute->children; part != nullptr; part = part->next)
        made.value += view(part->content);
    }
    for (const xmlNode* child = node->children; child != nullptr; child = child->next) {
      switch (child->type) {
        case XML_ELEMENT_NODE: {
          BONGSU_TRY(auto inner, element(child, depth + 1));
          out.children.push_back(std::move(inner));
          break;
        }
        case XML_TEXT_NODE:
        case XML_CDATA_SECTION_NODE:
          out.text += view(child->content);
          break;
        case XML_COMMENT_NODE:
          break;
        default:
          return refuse(ErrorCode::kInvalid, "only elements, text and comments are read",
                        static_cast<std::uint64_t>(xmlGetLineNo(child)));
      }
    }
    return out;
  }

  std::unexpected<Error> refuse(ErrorCode code, std::string message, std::uint64_t line) const {
    return fail(code, std::move(message), {.source = std::string(source_), .line = line});
  }

 private:
  std::string_view source_;
  std::size_t elements_ = 0;
};

}  // namespace

std::optional<std::string_view> XmlElement::attribute(std::string_view called) const {
  for (const XmlAttribute& attribute : attributes)
    if (attribute.ns.empty() && attribute.name == called) return attribute.value;
  return std::nullopt;
}

const XmlElement* XmlElement::child(std::string_view of, std::string_view called) const {
  for (const XmlElement& element : children)
    if (element.is(of, called)) return &element;
  return nullptr;
}

Result<XmlElement> parse_xml(std::string_view bytes, std::string_view source_name) {
  Reader reader(source_name);
  if (bytes.size() > kMaxXmlBytes)
    return reader.refuse(ErrorCode::kTooLarge, fmt::format("more than {} bytes of XML", kMaxXmlBytes), 0);
  const std::unique_ptr<xmlParserCtxt, FreeContext> context(xmlNewParserCtxt());
  if (!context) return reader.refuse(ErrorCode::kInternal, "no memory for an XML parser", 0);
  // Nothing of libxml2's own goes to standard error.
  context->sax->warning = ignore;
  context->sax->error = ignore;
  context->sax->serror = ignore_structured;
  const std::unique_ptr<xmlDoc, FreeDocument> document(
      xmlCtxtReadMemory(context.get(), bytes.data(), static_cast<int>(bytes.size()), nullptr, nullptr,
                        XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_BIG_LINES));
  if (context->myDoc != nullptr && context->myDoc->intSubset != nullptr)
    return reader.refuse(ErrorCode::kInvalid, "a document type declaration is not read", 1);
  if (!document || context->wellFormed == 0 || context->nsWellFormed == 0) {
    const auto line = static_cast<std::uint64_t>(std::max(context->lastError.line, 0));
    const std::string_view why =
        context->lastError.message == nullptr ? std::string_view("not XML") : trim(context->lastError.message);
    return reader.refuse(ErrorCode::kInvalid, fmt::format("the document is not well-formed XML: {}", why), line);
  }
  if (document->intSubset != nullptr)
    return reader.refuse(ErrorCode::kInvalid, "a document type declaration is not read", 1);
  for (const xmlNode* node = document->children; node != nullptr; node = node->next)
    if (node->type != XML_ELEMENT_NODE && node->type != XML_COMMENT_NODE)
      return reader.refuse(ErrorCode::kInvalid, "processing instructions are not read",
                           static_cast<std::uint64_t>(xmlGetLineNo(node)));
  const xmlNode* root = xmlDocGetRootElement(document.get());
  if (root == nullptr) return reader.refuse(ErrorCode::kInvalid, "the document has no element", 1);
  return reader.element(root, 1);
}

std::string xml_token(std::string_view text) {
  std::string out;
  for (const char c : trim(text)) {
    const bool space = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (space && out.ends_with(' ')) continue;
    out += space ? ' ' : c;
  }
  return out;
}

Result<std::string> xml_escaped(std::string_view text) {
  if (!is_utf8(text)) return fail(ErrorCode::kInvalid, "not UTF-8: XML cannot say it");
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\t':
        out += "&#9;";
        break;
      case '\n':
        out += "&#10;";
        break;
      case '\r':
        out += "&#13;";
        break;
      default:
        // U+FFFE and U+FFFF are no characters of XML 1.0 (§2.2) either.
        if (static_cast<unsigned char>(c) < ' ' ||
            (text.substr(i, 2) == "\xef\xbf" && i + 2 < text.size() && static_cast<unsigned char>(text[i + 2]) >= 0xbe))
          return fail(ErrorCode::kInvalid, "a character that XML 1.0 cannot say");
        out += c;
    }
  }
  return out;
}

}  // namespace bongsu::formats
