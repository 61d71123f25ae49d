"""Following one restore: request, waiting, record, report, and which message acts when."""
