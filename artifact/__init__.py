"""What a build leaves behind for those who serve it: names, manifest, and whether a plan fits.

Builder, server and perf import it; it imports none of them.
"""
