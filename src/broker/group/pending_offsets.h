// PendingOffsets: offsets that were committed in transactions that are still open.
//
// They count when the transaction's marker says commit, and are forgotten when it says abort. They
// stay through the end of their group, whose other state may come and go meanwhile.
// A value without clock or log; belongs to its shard's loop.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "broker/group/offsets_log.h"
#include "model/types.h"

namespace millrace::broker {

class PendingOffsets {
public:
    struct Item {
        std::string group;
        OffsetName name;
        CommittedOffset offset;
        model::Offset position;  // Behind its record.
    };
    // A later offset of the same name in the same transaction takes the place of an earlier one.
    void add(std::int64_t producer_id, Item item);
    // Those of a transaction that ends with a marker at `marker`; what lies behind it is of the
    // producer's next one, and stays.
    std::vector<Item> take(std::int64_t producer_id, model::Offset marker);
    void forget_topic(const std::string& topic);
    // Of any transaction: the offset was deleted, and its end must not bring it back.
    void forget(const std::string& group, const OffsetName& name);
    std::vector<OffsetName> names(const std::string& group) const;

    bool empty() const { return transactions_.empty(); }
    bool holds(const std::string& group, const OffsetName& name) const;
    bool holds(const std::string& group) const;

private:
    using Key = std::pair<std::string, OffsetName>;
    struct Value {
        CommittedOffset offset;
        model::Offset position;
    };
    std::map<std::int64_t, std::map<Key, Value>> transactions_;  // By producer id.
    std::map<Key, std::int64_t> counts_;                         // How many transactions hold each.
};

}  // namespace millrace::broker
