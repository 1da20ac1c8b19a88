// AddArtifacts: files and cached data that a client uploads in checked chunks.
#include <zlib.h>

#include "connect/error_status_internal.h"
#include "connect/service_internal.h"

namespace millrace::connect {

namespace {

// One upload as a whole; a client sends larger data as several artifacts.
constexpr std::size_t kMaxUploadBytes = std::size_t{4} << 30;

bool is_intact(const proto::AddArtifactsRequest_ArtifactChunk& chunk) {
    // CRC-32 as java.util.zip.CRC32 and Python's zlib.crc32 compute it.
    const auto crc =
        crc32_z(0, reinterpret_cast<const Bytef*>(chunk.data().data()), chunk.data().size());
    return static_cast<std::int64_t>(crc) == chunk.crc();
}

// Collects what arrives; an artifact with a broken chunk is reported and not kept.
class Upload {
public:
    base::Result<void> take(const proto::AddArtifactsRequest& request) {
        if (request.has_batch()) {
            for (const auto& artifact : request.batch().artifacts()) {
                MR_TRY_VOID(begin(artifact.name(), 1));
                MR_TRY_VOID(add(artifact.data()));
            }
            return {};
        }
        if (request.has_begin_chunk()) {
            MR_TRY_VOID(begin(request.begin_chunk().name(), request.begin_chunk().num_chunks()));
            return add(request.begin_chunk().initial_chunk());
        }
        if (request.has_chunk()) return add(request.chunk());
        return base::fail(base::Code::kInvalidArgument, "An artifact request without content");
    }

    base::Result<void> finish(ClientSession& client, proto::AddArtifactsResponse& response) {
        if (missing_ > 0) {
            return base::fail(base::Code::kInvalidArgument,
                              "The upload of artifact {} ended {} chunks early", name_, missing_);
        }
        for (auto& [name, artifact] : done_) {
            auto* summary = response.add_artifacts();
            summary->set_name(name);
            summary->set_is_crc_successful(artifact.intact);
            if (artifact.intact) MR_TRY_VOID(client.put_artifact(name, std::move(artifact.bytes)));
        }
        return {};
    }

private:
    struct Artifact {
        std::string bytes;
        bool intact = true;
    };

    base::Result<void> begin(const std::string& name, std::int64_t chunks) {
        if (missing_ > 0) {
            return base::fail(base::Code::kInvalidArgument, "Artifact {} begins within artifact {}",
                              name, name_);
        }
        if (name.empty() || name.find("..") != std::string::npos || name.front() == '/') {
            return base::fail(base::Code::kInvalidArgument, "'{}' is no name of an artifact", name);
        }
        if (chunks < 1)
            return base::fail(base::Code::kInvalidArgument, "An artifact has no chunks");
        name_ = name;
        missing_ = chunks;
        done_[name_] = {};
        return {};
    }

    base::Result<void> add(const proto::AddArtifactsRequest_ArtifactChunk& chunk) {
        if (missing_ < 1) {
            return base::fail(base::Code::kInvalidArgument, "A chunk without its artifact");
        }
        missing_--;
        bytes_ += chunk.data().size();
        if (bytes_ > kMaxUploadBytes) {
            return base::fail(base::Code::kTooLarge, "An upload is limited to {} bytes",
                              kMaxUploadBytes);
        }
        Artifact& artifact = done_[name_];
        artifact.intact = artifact.intact && is_intact(chunk);
        artifact.bytes += chunk.data();
        return {};
    }

    std::map<std::string, Artifact> done_;
    std::string name_;
    std::int64_t missing_ = 0;
    std::size_t bytes_ = 0;
};

}  // namespace

grpc::Status Service::AddArtifacts(grpc::ServerContext*,
                                   grpc::ServerReader<proto::AddArtifactsRequest>* reader,
                                   proto::AddArtifactsResponse* response) {
    proto::AddArtifactsRequest request;
    std::shared_ptr<ClientSession> client;
    Upload upload;
    while (reader->Read(&request)) {
        if (client == nullptr) {
            auto found = client_of(request.user_context().user_id(), request.session_id(),
                                   request.client_observed_server_side_session_id());
            if (!found) return failed(nullptr, found.error());
            client = std::move(*found);
            response->set_session_id(request.session_id());
            response->set_server_side_session_id(client->session().server_side_id());
        }
        if (const auto taken = upload.take(request); !taken) {
            return failed(client.get(), taken.error());
        }
    }
    if (client == nullptr) return grpc::Status::OK;
    const auto done = upload.finish(*client, *response);
    return done ? grpc::Status::OK : failed(client.get(), done.error());
}

}  // namespace millrace::connect
