"""What a restore is: its request, its waiting, its record, its report, and who acts when."""
