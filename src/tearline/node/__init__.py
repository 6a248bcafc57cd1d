"""The running program: mounts the faces, runs the jobs, publishes the log."""
