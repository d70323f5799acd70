"""Collections of photos, one file each; every one ends as a manifest."""
