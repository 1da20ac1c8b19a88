// Which columns of a plan, and which fields of its structs, anything above looks at.
//
// A record of JSON is parsed into the fields that are live; the others need not be made. Answers
// are on the safe side: what is not understood counts as looked at.
#pragma once

#include <map>
#include <optional>
#include <set>

#include "plan/logical.h"

namespace millrace::columnar {

// Fields of a struct by position; nullopt: all of them.
using FieldSet = std::optional<std::set<int>>;

class LiveFields {
public:
    // Nothing is known: all is live.
    LiveFields() = default;
    // Of a plan whose output is all wanted.
    static LiveFields of(const plan::LogicalNode& plan);

    bool is_live(plan::AttributeId id) const;
    FieldSet fields(plan::AttributeId id) const;

private:
    void visit(const plan::LogicalNode& node);
    void use(const plan::TypedExpr& expression);
    void use_all(const std::vector<plan::Attribute>& attributes);

    bool known_ = false;
    std::map<plan::AttributeId, FieldSet> used_;
};

}  // namespace millrace::columnar
