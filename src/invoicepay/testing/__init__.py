"""For hosts and outside adapters: contract suites, a clock moved by hand, both kinds of host."""
