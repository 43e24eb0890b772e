"""The manifests of several machines and of clusters, and the check of them."""
