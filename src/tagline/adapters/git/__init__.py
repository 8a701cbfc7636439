"""Git, by its own programs: tags, commits, files, remotes without a clone, and writes that are all or nothing."""
