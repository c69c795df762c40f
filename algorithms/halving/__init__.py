"""Many cheap trials, few dear ones. Law: values are compared within the same amount of the resource only."""
