#!/usr/bin/env python3
"""Write the descriptors of Spark Connect's messages as one FileDescriptorSet.

    connect_descriptors.py <pyspark/sql/connect/proto> <connect.desc>

Each *_pb2.py of Spark's client hands the bytes of one FileDescriptorProto to AddSerializedFile.
They are read from the syntax tree: nothing of the client is run, and no protobuf is needed.
"""
import ast
import pathlib
import sys


def serialized_files(source):
    """The byte strings given to AddSerializedFile in Python `source`."""
    return [
        node.args[0].value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and getattr(node.func, "attr", "") == "AddSerializedFile"
    ]


def varint(number):
    encoded = bytearray()
    while number > 127:
        encoded.append(number & 127 | 128)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def descriptor_set(files):
    """A FileDescriptorSet: every file as field 1, length-delimited."""
    return b"".join(b"\x0a" + varint(len(file)) + file for file in files)


def main(folder, output):
    files = []
    for path in sorted(pathlib.Path(folder).glob("*_pb2.py")):
        files += serialized_files(path.read_text())
    if not files:
        sys.exit(f"{folder}: no *_pb2.py with a descriptor in it")
    pathlib.Path(output).write_bytes(descriptor_set(files))


if __name__ == "__main__":
    main(*sys.argv[1:])
