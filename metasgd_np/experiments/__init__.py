"""The experiments behind the commands, one file each; base.py holds what they share."""
