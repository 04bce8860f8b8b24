"""The benchmarks: `./dev bench`. Every figure is a ratio or a time within one run; docs/speed.md holds the results."""
