"""The report checked: every number made again from the files that it rests on."""
