"""Code that `make proto` generates from `contracts/proto`; nothing here is written by hand.

The generator gives its servicer a method a call that raises NotImplementedError. Nobody inherits from it: the hub
registers its own handlers (`adapters.grpc.server`), and of that file only the stub is used, by those who ask.
"""
