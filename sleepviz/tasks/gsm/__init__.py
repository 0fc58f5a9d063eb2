"""GSM: values of variables, from assignments that were read before sleep."""
