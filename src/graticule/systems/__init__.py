"""Encoder, partition, head and decoder together; one file each."""
