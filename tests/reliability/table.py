"""Prints the rows that `pytest --reliability-rows DIR` wrote as a Markdown table.

python tests/reliability/table.py DIR
"""

import json
import sys
from pathlib import Path

COLUMNS = {
    "fault": "fault or input",
    "tried": "times tried",
    "lost": "lost",
    "recovered_in": "recovered in",
    "seen_as": "seen by the user as",
}


def table(folder: Path) -> str:
    """The table, a row for each JSON file, sorted by the tests that made them."""
    rows = [
        json.loads(file.read_text())
        for file in sorted(folder.glob("*.json"), key=lambda file: file.stem)
    ]
    if not rows:
        sys.exit(f"error: no rows in {folder}; write them with pytest --reliability-rows {folder}")
    rows.sort(key=lambda row: row["test"].partition("[")[0])
    lines = [COLUMNS.values(), ["---"] * len(COLUMNS)]
    lines += [[str(row[name]).replace("|", "\\|") or "–" for name in COLUMNS] for row in rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


if __name__ == "__main__":
    print(table(Path(sys.argv[1])))
