"""Measurements that are no stage."""
