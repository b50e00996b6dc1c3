#!/bin/sh
# Generates schrodinger_agent/api/ from agent.proto; `make proto` calls it. PYTHON must have grpcio-tools and mypy-protobuf.
#
# protoc derives the Python import path from the path of the .proto file below the include directory. The file is therefore mapped to
# schrodinger_agent/api/agent.proto, and the generated modules import each other by their full name; nothing is edited afterwards.
set -eu
cd "$(dirname "$0")/.."
exec "${PYTHON:-python3}" -m grpc_tools.protoc \
    --proto_path=schrodinger_agent/api=proto \
    --python_out=. --grpc_python_out=. --mypy_out=. --mypy_grpc_out=. \
    schrodinger_agent/api/agent.proto
