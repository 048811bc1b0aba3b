"""Code that `make proto` generates from `contracts/proto`; nothing here is written by hand."""
