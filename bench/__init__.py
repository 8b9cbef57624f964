"""Load generators and benchmarks: capacity per core of each path, beside its floor and its peers."""
