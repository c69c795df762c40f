"""Look, decide, do. Law: the only room that touches the world; decisions live in core, deeds in shell and adapters."""
