"""Checks the manifests against the schemas of Kubernetes and KServe, without a cluster."""
