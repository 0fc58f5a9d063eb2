"""Learn: a path of ten steps for whoever does not know the field, and the limits of the method."""
