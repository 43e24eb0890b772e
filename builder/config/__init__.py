"""detectron2's configuration: which settings there are, what each may be, and its YAML files.

A part of the network declares the settings that it reads (`settings`) with what each may be
(`rules`). `read` takes them from a file and its bases (`yaml_files`), and tells all faults at once;
`unread` lists the settings of detectron2 that no part here reads.
"""
