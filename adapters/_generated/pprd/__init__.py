"""The root of our protobuf names."""
