"""DASH manifests over CMAF segments."""
