// to_xml: a struct as an XML element, as Spark's StaxXmlGenerator writes it.
#pragma once

#include <memory>
#include <string>

#include "columnar/functions_internal.h"
#include "plan/relation.h"

namespace millrace::columnar {

// Immutable: used by any number of threads at once.
class XmlWriter {
public:
    // Options have lower-case keys.
    static Result<std::unique_ptr<XmlWriter>> make(const plan::DataType& type,
                                                   const plan::Options& options,
                                                   const std::string& time_zone);
    ~XmlWriter();
    struct Impl;
    const Impl& impl() const { return *impl_; }

private:
    explicit XmlWriter(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};
// The writer's type -> VARCHAR; Call::extra() is the XmlWriter.
void run_to_xml(Call& call);

}  // namespace millrace::columnar
