"""The executable chatctl: commands of operators for a running server, through its admin socket."""
