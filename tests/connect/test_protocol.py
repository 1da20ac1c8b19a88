"""The protocol below PySpark's DataFrames: reattaching, releasing, interrupting, sessions."""

import threading
import uuid

import grpc
import pytest
from pyspark.errors.exceptions.connect import SparkConnectGrpcException
from pyspark.sql.connect import proto
from pyspark.sql.connect.proto import base_pb2_grpc
from support.server import wait_until

MEBIBYTE = 1 << 20


@pytest.fixture
def stub(server):
    with grpc.insecure_channel(f"127.0.0.1:{server.connect_port}",
                               [("grpc.max_receive_message_length", 128 * MEBIBYTE)]) as channel:
        yield base_pb2_grpc.SparkConnectServiceStub(channel)


class Caller:
    def __init__(self, stub):
        self.stub = stub
        self.session = str(uuid.uuid4())

    def request(self, kind, **fields):
        return kind(session_id=self.session, user_context=proto.UserContext(user_id="test"),
                    **fields)

    def range(self, rows, operation=None, tags=(), chunk=None):
        request = self.request(proto.ExecutePlanRequest, tags=list(tags))
        request.plan.root.range.end = rows
        request.plan.root.range.step = 1
        request.operation_id = operation or str(uuid.uuid4())
        request.request_options.add().reattach_options.reattachable = True
        if chunk:
            chunking = request.request_options.add().result_chunking_options
            chunking.allow_arrow_batch_chunking = True
            chunking.preferred_arrow_chunk_size = chunk
        return request

    def reattach(self, operation, last=None):
        request = self.request(proto.ReattachExecuteRequest, operation_id=operation)
        if last:
            request.last_response_id = last
        return self.stub.ReattachExecute(request)

    def release_until(self, operation, response):
        request = self.request(proto.ReleaseExecuteRequest, operation_id=operation)
        request.release_until.response_id = response
        return self.stub.ReleaseExecute(request)

    def release_all(self, operation):
        request = self.request(proto.ReleaseExecuteRequest, operation_id=operation)
        request.release_all.SetInParent()
        return self.stub.ReleaseExecute(request)


@pytest.fixture
def caller(stub):
    return Caller(stub)


def kinds(responses):
    return ["schema" if response.HasField("schema") else response.WhichOneof("response_type")
            for response in responses]


def test_a_result_is_schema_batches_and_the_end(caller):
    responses = list(caller.stub.ExecutePlan(caller.range(3)))
    assert kinds(responses) == ["schema", "arrow_batch", "result_complete"]
    assert responses[1].arrow_batch.row_count == 3
    assert len({response.response_id for response in responses}) == 3
    assert len({response.server_side_session_id for response in responses}) == 1


def test_no_rows_are_one_batch_too(caller):
    responses = list(caller.stub.ExecutePlan(caller.range(0)))
    assert kinds(responses) == ["schema", "arrow_batch", "result_complete"]
    assert responses[1].arrow_batch.row_count == 0


def test_reattaching_goes_on_after_the_last_response(caller):
    request = caller.range(200_000)
    stream = caller.stub.ExecutePlan(request)
    first, second = next(stream), next(stream)
    stream.cancel()
    rest = list(caller.reattach(request.operation_id, second.response_id))
    assert rest[-1].HasField("result_complete")
    again = list(caller.reattach(request.operation_id, first.response_id))
    assert [response.response_id for response in again] == \
        [second.response_id] + [response.response_id for response in rest]
    rows = sum(response.arrow_batch.row_count for response in again)
    assert rows == 200_000


def test_what_was_released_cannot_be_had_again(caller):
    request = caller.range(10)
    responses = list(caller.stub.ExecutePlan(request))
    answer = caller.release_until(request.operation_id, responses[1].response_id)
    assert answer.operation_id == request.operation_id
    with pytest.raises(grpc.RpcError) as error:
        list(caller.reattach(request.operation_id, responses[0].response_id))
    assert "INVALID_CURSOR.POSITION_NOT_AVAILABLE" in error.value.details()
    caller.release_all(request.operation_id)
    with pytest.raises(grpc.RpcError) as error:
        list(caller.reattach(request.operation_id))
    assert "INVALID_HANDLE.OPERATION_ABANDONED" in error.value.details()
    with pytest.raises(grpc.RpcError) as error:
        list(caller.reattach(str(uuid.uuid4())))
    assert "INVALID_HANDLE.OPERATION_NOT_FOUND" in error.value.details()
    # Releasing it once more is no error, but names no operation.
    assert not caller.release_all(request.operation_id).HasField("operation_id")


def test_an_operation_id_is_used_once(caller):
    request = caller.range(1)
    list(caller.stub.ExecutePlan(request))
    with pytest.raises(grpc.RpcError) as error:
        list(caller.stub.ExecutePlan(request))
    assert "INVALID_HANDLE.OPERATION_ALREADY_EXISTS" in error.value.details()


def test_batches_are_cut_only_for_those_who_asked(caller):
    whole = [response.arrow_batch for response in caller.stub.ExecutePlan(caller.range(50_000))
             if response.HasField("arrow_batch")]
    assert not any(batch.HasField("num_chunks_in_batch") for batch in whole)
    cut = [response.arrow_batch
           for response in caller.stub.ExecutePlan(caller.range(50_000, chunk=100_000))
           if response.HasField("arrow_batch")]
    assert cut[0].num_chunks_in_batch > 1 and len(cut[0].data) == 100_000
    assert b"".join(part.data for part in cut) == b"".join(part.data for part in whole)


def test_errors_keep_their_details_for_one_question(caller):
    request = caller.range(1)
    request.plan.root.Clear()
    request.plan.root.read.named_table.unparsed_identifier = "nowhere"
    with pytest.raises(grpc.RpcError) as error:
        list(caller.stub.ExecutePlan(request))
    from google.rpc import error_details_pb2
    from grpc_status import rpc_status
    info = error_details_pb2.ErrorInfo()
    rpc_status.from_call(error.value).details[0].Unpack(info)
    assert info.domain == "org.apache.spark"
    assert info.metadata["errorClass"] == "TABLE_OR_VIEW_NOT_FOUND"
    ask = caller.request(proto.FetchErrorDetailsRequest, error_id=info.metadata["errorId"])
    details = caller.stub.FetchErrorDetails(ask)
    assert details.errors[details.root_error_idx].spark_throwable.error_class == \
        "TABLE_OR_VIEW_NOT_FOUND"
    assert not caller.stub.FetchErrorDetails(ask).HasField("root_error_idx")


def test_artifacts_are_checked(caller):
    import zlib
    good, bad = b"some bytes", b"other bytes"
    batch = proto.AddArtifactsRequest.Batch()
    for name, data, crc in (("cache/good", good, zlib.crc32(good)), ("cache/bad", bad, 1)):
        artifact = batch.artifacts.add(name=name)
        artifact.data.data, artifact.data.crc = data, crc
    answer = caller.stub.AddArtifacts(
        iter([caller.request(proto.AddArtifactsRequest, batch=batch)]))
    assert {entry.name: entry.is_crc_successful for entry in answer.artifacts} == {
        "cache/good": True, "cache/bad": False}
    statuses = caller.stub.ArtifactStatus(caller.request(
        proto.ArtifactStatusesRequest, names=["cache/good", "cache/bad", "cache/none"])).statuses
    assert {name: status.exists for name, status in statuses.items()} == {
        "cache/good": True, "cache/bad": False, "cache/none": False}


def test_a_session_id_is_a_uuid(caller):
    caller.session = "me"
    with pytest.raises(grpc.RpcError) as error:
        list(caller.stub.ExecutePlan(caller.range(1)))
    assert "INVALID_HANDLE.FORMAT" in error.value.details()


def test_hostile_messages_are_refused_and_the_server_lives(caller):
    request = caller.range(1)
    request.plan.root.Clear()
    relation = request.plan.root
    for _ in range(600):
        relation.limit.limit = 1
        relation = relation.limit.input
    relation.range.end = relation.range.step = 1
    with pytest.raises(grpc.RpcError):
        list(caller.stub.ExecutePlan(request))
    request = caller.range(1)
    request.plan.compressed_operation.data = b"no zstd"
    request.plan.compressed_operation.compression_codec = 1
    with pytest.raises(grpc.RpcError) as error:
        list(caller.stub.ExecutePlan(request))
    assert "CONNECT_INVALID_PLAN.CANNOT_PARSE" in error.value.details()
    request = caller.range(1)
    request.plan.root.local_relation.data = b"\xff" * 1000
    with pytest.raises(grpc.RpcError):
        list(caller.stub.ExecutePlan(request))
    assert len(list(caller.stub.ExecutePlan(caller.range(1)))) == 3


def test_interrupting_by_tag_ends_a_waiting_command(spark):
    query = spark.readStream.format("rate").load().writeStream.format("noop").start()
    spark.addTag("slow")
    outcome = []

    def wait():
        spark.addTag("slow")
        try:
            query.awaitTermination()
        except Exception as error:
            outcome.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    wait_until(lambda: spark.interruptTag("slow"), "the command can be interrupted")
    thread.join(timeout=30)
    assert not thread.is_alive()
    assert outcome and "OPERATION_CANCELED" in str(outcome[0])
    assert spark.interruptTag("other") == []
    query.stop()


def test_sessions_do_not_see_each_other(new_session):
    first, second = new_session(), new_session()
    first.range(1).createTempView("mine")
    first.range(1).createGlobalTempView("ours")
    first.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")
    assert not second.catalog.tableExists("mine")
    assert second.table("global_temp.ours").count() == 1
    assert second.conf.get("spark.sql.session.timeZone") == "UTC"
    first.catalog.dropGlobalTempView("ours")


def test_a_clone_has_everything_and_shares_nothing(new_session):
    session = new_session()
    session.conf.set("my.key", "1")
    session.range(3).createTempView("v")
    clone = session.cloneSession()
    assert clone.conf.get("my.key") == "1" and clone.table("v").count() == 3
    clone.conf.set("my.key", "2")
    clone.catalog.dropTempView("v")
    assert session.conf.get("my.key") == "1" and session.catalog.tableExists("v")


def test_a_released_session_stays_closed(server, new_session):
    identity = str(uuid.uuid4())
    session = new_session(session_id=identity)
    session.range(1).collect()
    session.stop()
    again = new_session(session_id=identity)
    with pytest.raises(SparkConnectGrpcException) as error:
        again.range(1).collect()
    assert "SESSION_CLOSED" in str(error.value)
