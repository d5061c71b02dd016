"""What a person looks at. It computes no statistic."""
