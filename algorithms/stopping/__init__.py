"""When to stop a trial early. Law: as its parent's; curves of finished trials in, rules for new trials out."""
