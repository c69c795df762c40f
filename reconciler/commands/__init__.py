"""One file per command of `kagit`. Law: reads arguments, calls the shell, prints; imported only when it is called."""
