"""GSM: a text of assignments, drawn as variables by depth with the value that each would get."""
