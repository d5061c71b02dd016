"""The values of an ablation study: levels, cells, designs, claims, metrics, errors. No I/O, no pandas."""
