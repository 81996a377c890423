"""From a file to staged rows: a child process reads and judges, so that a hostile file harms only the child."""
