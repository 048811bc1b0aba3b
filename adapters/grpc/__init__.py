"""The exchange over gRPC: `server` for the hub, `client` for regions and auditors.

Import as `adapters.grpc` only: put on the path by itself this folder would hide the library `grpc`.
"""
