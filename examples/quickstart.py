"""Write, list and read in the embedded memory store: no server, no options."""

import fsspec

fs = fsspec.filesystem("opendal")

fs.pipe_file("reports/sales.csv", b"month,units\njan,3\nfeb,4\n")
with fs.open("reports/notes.txt", "w", encoding="utf-8") as file:
    file.write("February was better.\n")

print(fs.ls("reports", detail=False))
print(fs.cat_file("reports/sales.csv", start=-6))
with fs.open("reports/notes.txt", "r", encoding="utf-8") as file:
    print(file.read(), end="")
