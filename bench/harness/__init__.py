"""What every section of the benchmarks needs: engines side by side, taking turns, tables, programs that make load."""
