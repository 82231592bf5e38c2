"""Headwater's bounded contexts: plain functions on plain data. Imports neither resolvers, streams nor local."""
