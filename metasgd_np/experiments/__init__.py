"""The experiments behind the commands, one file each; base.py is what they share."""
