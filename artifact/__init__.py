"""What a build leaves behind for those who serve, inspect and call it: names, manifest, plan check.

Everything else may import it; it imports none of ours and nothing but the standard library.
"""
