"""What several capabilities use: retention, log groups, queues, buckets, metrics, links, accepted findings."""
